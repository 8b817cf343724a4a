"""Our command line in a process of its own."""

import asyncio
import os
import subprocess
import sys

from tests.support.passing_time import PATIENCE_S


async def command(*arguments, **variables):
    """Its exit status, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fmcsa_orchestrator",
        *arguments,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
