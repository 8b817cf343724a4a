"""For cron: sync every company, print what became of it, and tell cron by the exit status.

Exit status 0: all good, 1: some company failed (or the deadline came first), 2: could not run.
"""

import argparse
import asyncio
import json
import logging
import sys

from fmcsa_orchestrator import SyncSummary, close, sync_all_companies


async def sync(deadline_s: float) -> SyncSummary:
    """One run, with the settings of the environment; it never raises."""
    try:
        return await sync_all_companies(deadline_s=deadline_s)
    finally:
        await close()


def main() -> int:
    """The job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON value")
    parser.add_argument("--deadline", type=float, default=3_000, metavar="SECONDS", help="stop after so long (default: 3000)")
    options = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(message)s")  # every failure, for the mail that cron sends
    summary = asyncio.run(sync(options.deadline))
    if options.json:
        print(json.dumps(summary.as_dict()))
    else:
        state = summary.stopped or "finished"
        print(f"{state}: {summary.succeeded} of {summary.total} companies synced, {summary.failed} failed")
    return summary.exit_status


if __name__ == "__main__":
    sys.exit(main())
