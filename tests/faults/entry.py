"""What one line of the catalogue says."""

from dataclasses import dataclass
from enum import Enum

from .truth import carrier

EVERYWHERE, WIRE = ("memory", "motor", "pymongo"), ("motor", "pymongo")


class Who(Enum):
    """The companies that a fault happens to."""

    EVERYBODY = "all"
    WITH_VIOLATIONS = "with rows"
    TARGET = "one"
    NOBODY = "none"

    def hits(self, scene, usdot):
        match self:
            case Who.EVERYBODY:
                return True
            case Who.WITH_VIOLATIONS:
                return carrier(scene, usdot).violations > 0
            case Who.TARGET:
                return usdot == scene.target
        return False


class Kept(Enum):
    """What is stored of a company that a fault happened to, right after the sync."""

    ALL = "as it was"
    FILES = "files new"
    ROWS = "rows newer"
    READ = "complete"
    BELIEVED = "believed"
    DOUBTED = "doubted"


class Well(Enum):
    """When everything is right again."""

    NOW = "at once"
    NEXT = "next sync"
    LEASE = "after 30 s"


@dataclass(frozen=True)
class Seen:
    """What one sync says: the outcomes of the sources that were hit, in the company's status; the rest in its result."""

    outcomes: tuple[str, ...] = ()
    kind: str | None = None
    stopped: str | None = None
    exit_status: int = 0


@dataclass(frozen=True)
class Entry:
    """One fault.

    happens:  a context manager over a Scene that lasts as long as the fault, and gives the sync's Conditions.
    run, one: what is seen of a sync of all companies, and of a sync of the target.
    sources:  those that fail, for the companies `who`; () means that these companies' documents stay as they are.
    others:   whether the companies that are not hit are synced: True, False, or None: some of them.
    """

    name: str
    happens: object
    run: Seen
    one: Seen
    who: Who = Who.EVERYBODY
    sources: tuple[str, ...] = ("violations",)
    others: bool | None = True
    kept: Kept = Kept.ALL
    well: Well = Well.NEXT
    stores: tuple[str, ...] = ("memory",)
    has_key: bool = False
    own_server: bool = False

    def seen(self, mode):
        return self.run if mode == "run" else self.one


def source_fails(name, happens, kind, *, run=("failed",), one=("failed",), **more):
    """A fault of sources: told in each company's status, and no reason to stop."""
    return Entry(name, happens, Seen(run, kind, None, 1), Seen(one, kind, None, 1), **more)


def nothing_fails(name, happens, kept=Kept.READ, well=Well.NOW, **more):
    """A fault that costs nothing."""
    return Entry(name, happens, Seen(), Seen(), Who.NOBODY, (), kept=kept, well=well, **more)


def not_reached(name, happens, run, one, *, who=Who.EVERYBODY, others=False, **more):
    """A fault that keeps companies from being synced at all: their documents stay as they are."""
    return Entry(name, happens, run, one, who, (), others, **more)


__all__ = ["EVERYWHERE", "WIRE", "Entry", "Kept", "Seen", "Well", "Who", "not_reached", "nothing_fails", "source_fails"]
