"""What version each batch source's upstream has: asked once per run, and at most once per short while for handlers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from fmcsa_orchestrator.sources.base import BatchSource, Source, is_version, wait_s
from fmcsa_orchestrator.sync.guard.isolation import Isolation


class Versions:
    """Remembers the answers for `ttl_s`; whoever asks meanwhile shares one request."""

    def __init__(
        self,
        sources: Iterable[Source],
        isolation: Isolation,
        *,
        ttl_s: float,
        timeout_s: float,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`before` is awaited each time before the sources are asked."""
        self._sources = [source for source in sources if isinstance(source, BatchSource)]
        self._isolation = isolation
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._before = before
        self._known: dict[str, str | None] = {}
        self._asked_at: float | None = None
        self._lock = asyncio.Lock()

    async def current(self, *, afresh: bool = False, within_s: float | None = None) -> dict[str, str | None]:
        """Source name -> version; None where it cannot be told, so that the data itself has to be read.

        Who has not the time to wait for the answer, `within_s` seconds, is told nothing of it.
        """
        if within_s is not None and (afresh or not self.known) and any(wait_s(source) > within_s for source in self._sources):
            return dict.fromkeys(source.name for source in self._sources)
        asked_before = self._asked_at
        async with self._lock:
            now = asyncio.get_running_loop().time()
            is_fresh = self._asked_at is not None and now - self._asked_at < self._ttl_s
            if not is_fresh or (afresh and self._asked_at == asked_before):
                if self._before is not None:
                    await self._before()
                versions = await asyncio.gather(*(self._ask(source) for source in self._sources))
                self._known = {source.name: version for source, version in zip(self._sources, versions, strict=True)}
                self._asked_at = now
            return dict(self._known)

    @property
    def known(self) -> dict[str, str | None]:
        """The answers that are still fresh, without asking; none where there are none."""
        now = asyncio.get_running_loop().time()
        return dict(self._known) if self._asked_at is not None and now - self._asked_at < self._ttl_s else {}

    async def _ask(self, source: BatchSource) -> str | None:
        answer = await self._isolation.run(source.name, self._timeout_s, source.version)
        return answer if isinstance(answer, str) and is_version(answer) else None
