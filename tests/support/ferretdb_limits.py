"""What FerretDB 1.24 on SQLite cannot show: tests that are skipped on it, each with the reason. MongoDB can do all of it."""

import os

from tests.support import real_store

_NOT_ATOMIC = "FerretDB 1 reads and writes in two steps: of several who compare and set, more than one succeeds"
_DOLLAR = "FerretDB 1 takes no key that begins with $; MongoDB has taken it since 5.0"
_FEW_EXPRESSIONS = "FerretDB 1 has no $min, $max, $and, $cond in a $group: it cannot count the fleet"
_NO_MORE_THAN_100 = "FerretDB 1 keeps a connection to SQLite for each update of a command: with a hundred of them it never ends"
_SLOW = "FerretDB 1 reads the whole collection for each update: thousands of rows take minutes"
_ERRORS_IN_BULKS = "FerretDB 1 answers a refused update in a way that PyMongo cannot read, and leaves out those behind it"
_NO_TTL = "FerretDB 1 has neither TTL indexes nor collMod"

# What every store has to do: all the rest of the tests of the store takes two minutes more on FerretDB.
CONTRACT = frozenset(
    "test_repository test_leases test_leases_by_the_servers_clock test_mongo_status test_health_from_the_store test_event_log "
    "test_subscribers test_queries_by_index test_full_runs_elsewhere".split()
)

# The name of a test, and the id of its parameters where not all of them are meant -> why not.
LIMITS = {
    "test_of_those_who_read_the_same_document_one_gets_the_lease": _NOT_ATOMIC,
    "test_all_is_delivered_once_by_several_at_once": _NOT_ATOMIC,
    # A heartbeat and the one who takes over write at once: now and then the heartbeat puts back the token that it has read.
    "test_a_write_that_took_longer_than_the_lease_makes_the_next_sync_read_again overtaken": _NOT_ATOMIC,
    "test_a_token_that_is_no_number_makes_way_for_one_and_never_says_what_a_query_asks token0": _DOLLAR,
    "test_a_current_company_with_a_token_that_is_no_number_is_given_one token0": _DOLLAR,
    "test_whoever_has_something_for_a_dot_number_is_due operator": _DOLLAR,
    "test_the_store_is_asked_a_few_times_for_all_companies_together": _NO_MORE_THAN_100,
    "test_the_third_look_writes_nothing_and_each_company_is_still_looked_at": _NO_MORE_THAN_100,
    "test_what_changes_among_many_that_do_not_is_written": _NO_MORE_THAN_100,
    "test_a_fleet_in_which_nothing_changes_is_left_as_it_is": _NO_MORE_THAN_100,
    "test_what_a_run_found_for_all_is_kept_once_and_shown_for_each": _FEW_EXPRESSIONS,
    "test_a_row_that_has_lost_its_company_is_given_it_again": _ERRORS_IN_BULKS,
    "test_what_breaks_an_index_of_the_hosts_own_is_refused": _ERRORS_IN_BULKS,
    "test_many_rows_and_awkward_values 2500": _SLOW,
    "test_it_is_made_changed_and_switched_off_again": _NO_TTL,
    "test_counts_are_those_of_the_documents": _FEW_EXPRESSIONS,
    "test_the_fleet_takes_four_commands_whatever_its_sources": _FEW_EXPRESSIONS,
    "test_an_empty_fleet_is_counted_too": _FEW_EXPRESSIONS,
    "test_proofs_are_counted_by_what_they_say": _FEW_EXPRESSIONS,
    "test_the_least_recently_attempted_come_first_and_only_so_many": _FEW_EXPRESSIONS,
    "test_the_server_is_mongodb groups_have_objects_for_keys": _FEW_EXPRESSIONS,
    "test_the_server_is_mongodb expressions_compare_values_of_all_types": _FEW_EXPRESSIONS,
    "test_the_server_is_mongodb the_first_and_the_last_of_dates_are_dates": _FEW_EXPRESSIONS,
}


def why_not(item):
    """Why this test of pytest cannot be run on FerretDB; None where it can, and where it is not to."""
    case = getattr(item, "callspec", None)
    if not real_store.IS_FERRETDB or case is None or not any(kind in case.id for kind in real_store.KINDS):
        return None
    if item.path.stem not in CONTRACT and "FMCSA_TEST_EVERY_CELL" not in os.environ:
        return "FerretDB is slow: without FMCSA_TEST_EVERY_CELL it meets what every store has to do, and no more"
    parts = case.id
    for kind in real_store.KINDS:
        parts = parts.replace(kind, "")
    name = item.originalname
    return LIMITS.get(name) or LIMITS.get(f"{name} {parts.strip('-')}")
