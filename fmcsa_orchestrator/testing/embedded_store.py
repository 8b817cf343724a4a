"""An embedded MongoDB-compatible server for the demo and for tests: real drivers, a real socket, nothing to install.

It is nx-27017, from the `demo` extra, in a process of its own, corrected by `embedded_server`. It is young, and not for
anybody's production data.
"""

import asyncio
import os
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.testing.embedded_server import NOT_CORRECTED, NOT_INSTALLED, UNCORRECTED

_START_S = 20
PROGRAM = Path(__file__).with_name("embedded_server.py")


class EmbeddedStore:
    """A server on a free loopback port, as an async context manager; `uri` is its address.

    `data_dir` keeps the data across runs; without it they go with the server. With `corrected=False` it is nx-27017 as it was
    installed, for those who want to know what is wrong with it.

    Raises:
        SettingsError: when the extra is missing or the server does not start.
    """

    def __init__(self, data_dir: Path | None = None, *, corrected: bool = True) -> None:
        self._flags = () if corrected else (UNCORRECTED,)
        self._data_dir = data_dir
        self._is_temporary = data_dir is None
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    @property
    def uri(self) -> str:
        """The connection URI."""
        return f"mongodb://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        if self._data_dir is None:
            self._data_dir = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fmcsa-", ignore_cleanup_errors=True))
            )
        try:
            await self.start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()
        await self._stack.aclose()

    async def start(self) -> None:
        """Start the server; again after `stop` or `kill` on the same port and data."""
        folder = self._data_dir
        if folder is None:
            raise SettingsError("an EmbeddedStore is started by `async with`")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        options = ["--data-dir", str(folder), "-p", str(self.port)]
        files = ["--log-file", str(folder / "store.log"), "--pid-file", str(folder / "store.pid")]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # its folder is none to import from
            str(PROGRAM),
            *self._flags,
            *options,
            *files,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(os.environ),
            start_new_session=True,  # Ctrl-C is for us; we then stop the server
        )
        await self._wait_until_ready(self._process)

    async def stop(self) -> None:
        """Stop the server and wait for its end."""
        if self._is_temporary:
            await self.kill()
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_START_S):
                while not await _answers(self.port):
                    if process.returncode == NOT_INSTALLED:
                        raise SettingsError("the embedded store needs the demo extra: pip install 'fmcsa-orchestrator[demo]'")
                    if process.returncode == NOT_CORRECTED:
                        raise SettingsError("the embedded store needs the versions that the demo extra names, not these")
                    if process.returncode is not None:
                        raise SettingsError(f"the embedded store ended at once (exit status {process.returncode})")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.stop()
            raise SettingsError(f"the embedded store did not answer within {_START_S} s") from None


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
