"""What can go wrong on our side: MongoDB, leases, this machine's clock, the host's documents, sources and listeners."""

import asyncio
from datetime import timedelta

from tests.support import wire_proxy as wire

from . import happenings as make
from .entry import EVERYWHERE, WIRE, Kept, Seen, Well, Who, not_reached, nothing_fails, source_fails
from .refusals import disk_full, gone, not_allowed, refuses, refuses_after_rows

DAY = timedelta(days=1)

STORE = [
    not_reached(
        "it is down at the start",
        make.database_down,
        Seen((), "database", "could_not_run", 2),
        Seen((), "database", None, 2),
        stores=WIRE,
    ),
    not_reached(
        "it is killed in the middle",
        make.database_killed,
        Seen((), "database", "database", 2),
        Seen((), "database", None, 2),
        who=Who.TARGET,
        others=None,
        well=Well.LEASE,
        stores=WIRE,
        own_server=True,
    ),
    not_reached(
        "it goes away between rows and status",
        make.refusing(lambda scene: refuses_after_rows(gone)),
        Seen((), "database", "database", 2),
        Seen((), "database", None, 2),
        others=None,
        kept=Kept.ROWS,
        well=Well.LEASE,
        stores=WIRE,
    ),
    not_reached(
        "the user may not write the companies",
        make.refusing(lambda scene: refuses(not_allowed, "companies", "update_one", "bulk_write")),
        Seen((), "database", "database", 2),
        Seen((), "database", None, 2),
        stores=WIRE,
    ),
    not_reached(
        "the user may not write a row collection",
        make.refusing(lambda scene: refuses(not_allowed, "fmcsaViolations", "bulk_write")),
        Seen((), "database", "database", 2),
        Seen((), "database", None, 2),
        who=Who.TARGET,
        others=None,
        kept=Kept.ROWS,
        well=Well.LEASE,
        stores=WIRE,
    ),
    not_reached(
        "its disk is full when rows are written",
        make.refusing(lambda scene: refuses(disk_full, "fmcsaViolations", "bulk_write")),
        Seen((), "database", "database", 2),
        Seen((), "database", None, 2),
        who=Who.TARGET,
        others=None,
        kept=Kept.ROWS,
        well=Well.LEASE,
        stores=WIRE,
    ),
    nothing_fails(
        "the user may not create indexes", make.refusing(lambda scene: refuses(not_allowed, None, "create_index")), stores=WIRE
    ),
    source_fails(
        "it refuses one row of a company",
        make.one_row_refused,
        "database",
        who=Who.TARGET,
        kept=Kept.ROWS,
        stores=WIRE,
    ),
    not_reached(
        "it refuses one company's document",
        make.document_refused,
        Seen((), "database", None, 1),
        Seen((), "database", None, 1),
        who=Who.TARGET,
        others=True,
        stores=WIRE,
    ),
    *(
        not_reached(
            name,
            make.mongodb(fault),
            Seen((), "database", "database", 2),
            Seen((), "database", None, 2),
            who=Who.TARGET,
            others=None,
            kept=Kept.ROWS,
            well=Well.LEASE,
            stores=WIRE,
        )
        for name, fault in (
            ("what it writes does not reach a majority", lambda: wire.not_safe(64, when=make.writes_rows)),
            ("its disk is full", lambda: wire.each_refused(14031, when=make.writes_rows)),
            ("it is throttled", lambda: wire.refused(16500, when=make.writes_rows)),
        )
    ),
    *(
        nothing_fails(name, make.mongodb(fault), stores=WIRE)
        for name, fault in (
            ("its primary steps down", lambda: wire.no_primary(189, when=make.writes_rows, times=2)),
            (
                "its primary shuts down when it has written",
                lambda: wire.not_safe(91, "ShutdownInProgress", when=make.writes_rows, times=2),
            ),
            ("the connection breaks when it has written", lambda: wire.cut_after(when=make.writes_rows, times=1)),
            ("it loses a cursor", lambda: wire.cursor_lost(times=1)),
        )
    ),
]

LEASES = [
    not_reached(
        "another run is under way",
        make.run_lease_held,
        Seen((), "lease_held", "lease_held", 2),
        Seen(),
        who=Who.NOBODY,
        others=False,
        stores=EVERYWHERE,
    ),
    not_reached(
        "somebody else has the company in hand",
        make.company_lease_held,
        Seen((), "lease_held", None, 0),
        Seen((), "lease_held", None, 1),
        who=Who.TARGET,
        others=True,
        stores=EVERYWHERE,
    ),
    not_reached(
        "somebody else takes over in the middle of a company",
        make.company_lease_lost,
        Seen((), "lease_lost", None, 0),
        Seen((), "lease_lost", None, 1),
        who=Who.TARGET,
        others=True,
        stores=EVERYWHERE,
    ),
    not_reached(
        "a request to stop (SIGTERM, SIGINT) in the middle",
        make.stop_requested,
        Seen((), None, "stopped", 1),
        Seen((), "timeout", None, 1),
        who=Who.TARGET,
        others=None,
        stores=EVERYWHERE,
    ),
]

CLOCK = [
    nothing_fails(
        f"set {direction} by a day, {when}",
        make.clock_wrong(by, from_the_start=from_the_start),
        stores=EVERYWHERE if from_the_start and by > timedelta() else ("memory",),
    )
    for when, from_the_start in (("in the middle", False), ("for the whole sync", True))
    for direction, by in (("forward", DAY), ("back", -DAY))
]

HOST = [
    source_fails("a source with a bug", make.host_source(make.bug), "unexpected", who=Who.TARGET, sources=("scoring",)),
    *(
        source_fails(name, make.host_source(fetch), "unexpected", who=Who.TARGET, sources=("scoring",))
        for name, fetch in (
            ("a source that gives its rows as a generator", make.rows_as_a_generator),
            ("a source that says that it has failed", make.says_it_has_failed),
            ("a source that changes the company's document", make.changes_the_document),
        )
    ),
    source_fails(
        "a source whose field is too large for a document",
        make.host_source(make.field_of_17_mb),
        "malformed",
        who=Who.TARGET,
        sources=("scoring",),
        stores=WIRE,
    ),
    source_fails(
        "a source that hangs",
        make.host_source(make.hang),
        "timeout",
        run=("timed_out",),
        one=("timed_out",),
        who=Who.TARGET,
        sources=("scoring",),
    ),
    source_fails(
        "a source that hangs and will not be cancelled",
        make.host_source(make.hang_on_regardless),
        "timeout",
        run=("timed_out",),
        one=("timed_out",),
        who=Who.TARGET,
        sources=("scoring",),
    ),
    not_reached(
        "a company whose `fmcsaData` is a text",
        make.broken_document(fmcsaData="see the other system"),
        Seen((), "database", None, 1),
        Seen((), "database", None, 1),
        who=Who.TARGET,
        others=True,
        stores=EVERYWHERE,
    ),
    source_fails(
        "a company whose `smsBasics` is a text",
        make.broken_document(smsBasics="n/a"),
        "database",
        who=Who.TARGET,
        sources=("csa_scores",),
    ),
    source_fails(
        "a company whose `dotNumber` is none",
        make.broken_document(dotNumber="MC 12"),
        "invalid_usdot",
        run=(),
        one=(),
        who=Who.TARGET,
        sources=("company",),
    ),
    nothing_fails("a company whose status was restored as text", make.status_restored_as_text, stores=EVERYWHERE),
    nothing_fails("a listener that raises", make.listener_raises(RuntimeError("a listener with a bug"))),
    nothing_fails("a listener that raises a cancellation", make.listener_raises(asyncio.CancelledError())),
]
