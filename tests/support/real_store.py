"""A MongoDB-compatible server that is neither ours nor a mock, for the backends `real-motor` and `real-pymongo`.

On FerretDB it is PyMongo alone, unless FMCSA_TEST_EVERY_CELL is set: both drivers send it the same.

FMCSA_TEST_MONGODB_URI names a server of one's own. Else FMCSA_TEST_FERRETDB is a built FerretDB, or "build", which builds it; each
process of the tests has one for itself. `python -m tests.support.real_store` builds it and says where it is.
"""

import hashlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from pymongo import MongoClient

SOURCE = Path(__file__).with_name("ferretdb")
OWN_URI = os.environ.get("FMCSA_TEST_MONGODB_URI")
FERRETDB = os.environ.get("FMCSA_TEST_FERRETDB")
IS_FERRETDB = bool(FERRETDB) and not OWN_URI
KINDS = ["real-motor", "real-pymongo"] if OWN_URI or "FMCSA_TEST_EVERY_CELL" in os.environ else ["real-pymongo"]
KINDS *= bool(OWN_URI or FERRETDB)
_BUILD_S = 1_500  # SQLite in Go takes minutes where nothing of it has been compiled yet
_START_S = 60
_running = ExitStack()


def uri():
    """The server's address; FerretDB is started at the first call, and ended by `stop`."""
    return OWN_URI or _started()


def stop():
    """End what was started."""
    _running.close()
    _started.cache_clear()


@cache
def program():
    """FerretDB's binary: the one that FMCSA_TEST_FERRETDB names, else the one of the cache, which is built when it is not there."""
    if FERRETDB and FERRETDB != "build":
        return Path(FERRETDB)
    files = sorted(path for path in SOURCE.iterdir() if path.is_file())
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fmcsa-orchestrator"
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / f"ferretdb-{key}"
    if not binary.exists():
        _build(binary)
    return binary


def _build(binary):
    unfinished = binary.with_suffix(f".{os.getpid()}")  # others may build at the same time: each finds a whole one, or none
    command = ["go", "build", "-trimpath", "-tags", "ferretdb_no_postgresql", "-o", str(unfinished), "."]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    done = subprocess.run(command, cwd=SOURCE, env=environment, timeout=_BUILD_S, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"FerretDB cannot be built: {done.stderr[-500:]}")
    unfinished.replace(binary)


@cache
def _started():
    folder = tempfile.mkdtemp(prefix="fmcsa-ferretdb-")
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    process = subprocess.Popen(
        [str(program()), "-attached", "-dir", folder], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    _running.callback(_end, process)
    has_answered, _, _ = select.select([process.stdout], [], [], _START_S)
    address = process.stdout.readline().strip() if has_answered else ""
    if not address:
        raise RuntimeError(f"FerretDB has not begun to listen (exit status {process.poll()})")
    with MongoClient(address, serverSelectionTimeoutMS=_START_S * 1_000) as client:
        client.admin.command("ping")
    return address


def _end(process):
    """By its id; at once, for its data go, too."""
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


if __name__ == "__main__":
    if not (FERRETDB or shutil.which("go")):
        sys.exit("no Go here")
    try:
        sys.stdout.write(f"{program()}\n")
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        sys.exit(" ".join(str(error).split())[:300])
