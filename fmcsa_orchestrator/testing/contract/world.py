"""What the contract of a source is checked in: the source, its upstream, companies to ask about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fmcsa_orchestrator.model.company import Company
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.testing.server.faults import Fault


class Breakable(Protocol):
    """An upstream that fails on demand; `LocalUpstream` and `Upstream` are such."""

    def inject(self, fault: Fault, *, after: int = 0) -> object:
        """Let the fault happen to every request, once `after` of them have passed."""

    def clear_faults(self) -> None:
        """No more faults."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A source at its upstream, both new and in good order, and what there is to ask about.

    Attributes:
        source: the source.
        known: a company of which upstream has something; a small one, since it is asked about again and again.
        unknown: a company that upstream has never heard of.
        upstream: what fails on demand; None: the source has no upstream that could.
        large: a company with more rows than one page holds; None: upstream has no pages.
        large_rows: how many it has.
        columns: each column that the source cannot do without -> a value that it cannot have.
        secrets: the keys and passwords that the source was given.
    """

    source: Source
    known: Company
    unknown: Company
    upstream: Breakable | None = None
    large: Company | None = None
    large_rows: int = 0
    columns: Mapping[str, Any] = field(default_factory=dict)
    secrets: Sequence[str] = ()
