"""What can go wrong upstream: connections, refusals, bodies, states of the files, QCMobile."""

from fmcsa_orchestrator.testing import Fault
from tests.support.world import INSPECTIONS, VIOLATIONS

from . import happenings as make
from .entry import EVERYWHERE, Kept, Well, Who, nothing_fails, source_fails
from .truth import ALL

RESULTS = ("4y6x-dmck", "h9zy-gjn8", "m3ry-qcip", "h3zn-uid9")
TOO_OFTEN = ("failed", "unavailable")  # from the fifth failure on, the breaker is open
ONE_WINDOW = {"batch_size": 8}


def portal_down(name, fault, **more):
    return source_fails(name, make.portal(fault), "upstream_unavailable", run=TOO_OFTEN, **more)


def refused(name, fault, kind="rejected"):
    return source_fails(name, make.portal(fault), kind, run=TOO_OFTEN)


def bad_answer(name, fault, kind="malformed", **more):
    return source_fails(name, make.portal(fault), kind, **more)


def qcmobile_fails(name, happens, kind="upstream_unavailable", run=TOO_OFTEN, **more):
    return source_fails(name, happens, kind, run=run, sources=("csa_scores",), kept=Kept.FILES, has_key=True, **more)


TRANSPORT = [
    source_fails("connection refused", make.nobody_listens, "upstream_unavailable", run=TOO_OFTEN, sources=ALL),
    portal_down("connection reset in mid-body", Fault.reset()),
    source_fails(
        "body that drips in too slowly",
        make.slow_portal(Fault.drip(30, 1)),
        "timeout",
        run=("timed_out",),
        one=("timed_out",),
    ),
    source_fails(
        "an answer that falls silent",
        make.slow_portal(Fault.silent()),
        "timeout",
        run=("timed_out",),
        one=("timed_out",),
    ),
    source_fails(
        "no answer for 30 s",
        make.slow_portal(Fault.hang(30)),
        "timeout",
        run=("timed_out",),
        one=("timed_out",),
    ),
]

REFUSALS = [
    bad_answer("429 without Retry-After, for ever", Fault.status(429), "rate_limited"),
    bad_answer("429 with Retry-After in seconds, for ever", Fault.status(429, retry_after=2), "rate_limited"),
    bad_answer("429 with Retry-After as a date, for ever", make.pause_until(seconds=3), "rate_limited"),
    source_fails("429 that asks for an hour", make.portal(Fault.status(429, retry_after=3600)), "rate_limited", sources=ALL),
    nothing_fails("429 that passes", make.portal(Fault.status(429, retry_after=2), kind="resource", times=2)),
    nothing_fails("500 that passes", make.portal(Fault.status(500), kind="resource", times=3)),
    portal_down("500 for ever", Fault.status(500)),
    portal_down("503 and a maintenance page, for ever", Fault.status(503)),
    portal_down("202 (still at work), for ever", Fault.status(202)),
    portal_down("408 (query too slow), for ever", Fault.status(408)),
    nothing_fails("429 whose body never comes, once", make.slow_portal(Fault.status(429, retry_after=2, silent=True), times=1)),
    refused("400", Fault.status(400)),
    refused("404 for the dataset", Fault.status(404)),
    refused("a redirect to somewhere else", Fault.moved()),
    refused("403: the dataset is private or retired", Fault.closed()),
    refused("403 and a web page: a firewall", Fault.blocked(), "blocked"),
    bad_answer("403: requests without a token used up", Fault.used_up(), "rate_limited"),
    source_fails("403: the app token is a wrong one", make.wrong_token, "auth", run=TOO_OFTEN, sources=ALL),
    nothing_fails("metadata that cannot be read", make.portal(Fault.status(500), dataset=None, kind="metadata")),
]

BODIES = [
    portal_down("a web page with status 200", Fault.html()),
    portal_down("a web page labelled as JSON", Fault.html_as_json()),
    bad_answer("an empty body", Fault.empty_body(), run=TOO_OFTEN),
    bad_answer("JSON that ends in the middle", Fault.truncated(), run=TOO_OFTEN),
    bad_answer("JSON in the middle of which nothing can be read", Fault.garbled(), run=TOO_OFTEN),
    bad_answer("an object where rows are due", Fault.not_an_array(), run=TOO_OFTEN),
    nothing_fails("all rows on one line, and blanks after them", make.portal(Fault.one_line(blanks=100_000), kind="resource")),
    nothing_fails("pages that end at 50 rows, whatever is asked for", make.portal(Fault.capped(50), kind="resource")),
    source_fails(
        "pages that all begin at the first row",
        make.portal(Fault.one_page(), one=True, kind="resource", page_size=20, settings=ONE_WINDOW),
        "malformed",
        who=Who.TARGET,
    ),
    bad_answer("an object in a column, in every row", Fault.bad_value("insp_date", {"a": 1}), who=Who.WITH_VIOLATIONS),
    bad_answer("a date that is none, in every row", Fault.bad_value("insp_date", "99-XXX-99"), who=Who.WITH_VIOLATIONS),
    source_fails(
        "bad rows of one carrier",
        make.portal(Fault.bad_value("viol_code", ["x"]), one=True),
        "malformed",
        who=Who.TARGET,
        stores=EVERYWHERE,
    ),
    source_fails(
        "one odd row among those of a carrier",
        make.portal(Fault.bad_value("viol_code", ["x"], one_row=True), one=True, kind="resource"),
        "malformed",
        who=Who.TARGET,
        kept=Kept.ROWS,
        stores=EVERYWHERE,
    ),
    source_fails("a carrier that the portal chokes on", make.portal(Fault.status(400), one=True), "rejected", who=Who.TARGET),
    source_fails("a column that is gone", make.portal(Fault.missing_column("viol_code")), "malformed", run=TOO_OFTEN),
    source_fails(
        "a column of another type", make.portal(Fault.retyped_column("insp_date", "calendar_date")), "malformed", run=TOO_OFTEN
    ),
    nothing_fails("a column that nobody knew", make.portal(Fault.new_column("compliance_category"))),
]

STATES = [
    nothing_fails("times that are still to come", make.portal(Fault.ahead(800), dataset=None)),
    bad_answer("a replica that lags behind, and says so", Fault.stale(), "stale_upstream"),
    source_fails(
        "rows older than the file, without a word",
        make.portal(Fault.older(), kind="resource"),
        "stale_upstream",
    ),
    nothing_fails("the whole portal a month behind, without a word", make.portal(Fault.older(), dataset=None), Kept.BELIEVED),
    *(
        nothing_fails(
            f"{what} that is missing, from rows and counts alike",
            make.portal(Fault.row_missing(2), one=True, kind="resource", dataset=dataset),
            Kept.DOUBTED,
            Well.NEXT,
            stores=EVERYWHERE,
        )
        for what, dataset in (("a violation", VIOLATIONS), ("an inspection", INSPECTIONS))
    ),
    bad_answer("a dataset without any rows", Fault.empty_dataset(), "implausible_empty"),
    source_fails(
        "the results without any rows",
        make.portal(Fault.empty_dataset(), dataset=RESULTS),
        "implausible_empty",
        sources=("csa_scores",),
    ),
    nothing_fails(
        "a dataset replaced between two pages, once",
        make.portal(Fault.publish_now(), kind="resource", after=3, times=1, page_size=10, settings=ONE_WINDOW),
        stores=EVERYWHERE,
    ),
    source_fails(
        "a dataset replaced between any two pages",
        make.portal(Fault.publish_now(VIOLATIONS), kind="resource", page_size=20, settings=ONE_WINDOW),
        "stale_upstream",
    ),
]

QCMOBILE = [
    qcmobile_fails("the web key is a wrong one", make.wrong_web_key, "auth"),
    qcmobile_fails("500", make.qcmobile(Fault.status(500))),
    qcmobile_fails("a maintenance page with status 200", make.qcmobile(Fault.html())),
    qcmobile_fails("403 and a web page: a firewall before QCMobile", make.qcmobile(Fault.blocked()), "blocked"),
    qcmobile_fails('200 and "Internal Server Error"', make.qcmobile(Fault.json("Internal Server Error"))),
]
