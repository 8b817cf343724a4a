"""Faults at work: which requests they happen to, how often, and what they make of one together."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from fmcsa_orchestrator.testing.server.faults import Asked, Effects, Fault, Kind


@dataclass(slots=True, eq=False)
class Injection:
    """A fault at work, for the requests it matches, until it is used up or removed."""

    fault: Fault
    dataset: str | None = None
    kind: Kind | None = None
    usdot: int | None = None
    times: int | None = None
    after: int = 0
    removed: bool = False
    _admitted: deque[float] = field(default_factory=deque)

    def remove(self) -> None:
        """The fault is over."""
        self.removed = True

    def matches(self, asked: Asked) -> bool:
        """Whether the request is one of those meant."""
        return (
            not self.removed
            and asked.kind in self.fault.kinds
            and self.kind in {None, asked.kind}
            and self.dataset in {None, asked.dataset}
            and (self.usdot is None or self.usdot in asked.usdots)
        )

    def lets_pass(self) -> bool:
        """Whether this request is one of the first that pass; counts it."""
        passes = self.after > 0
        self.after -= passes
        return passes

    def fires(self, now: float) -> bool:
        """Whether the fault happens now; counts it."""
        if self.times == 0 or (self.fault.rate is not None and self._admits(*self.fault.rate, now)):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _admits(self, requests: int, per_s: float, now: float) -> bool:
        while self._admitted and self._admitted[0] <= now - per_s:
            self._admitted.popleft()
        within = len(self._admitted) < requests
        if within:
            self._admitted.append(now)
        return within


def effects_on(asked: Asked, injections: Iterable[Injection], now: float) -> Effects:
    """What happens to this request. Only the first fault that answers in the portal's place is used."""
    plan = Effects()
    for injection in injections:
        if not injection.matches(asked) or injection.lets_pass():
            continue
        if plan.answer and injection.fault.answers:
            continue
        if injection.fires(now):
            injection.fault.apply(plan, asked, injection.usdot)
    return plan
