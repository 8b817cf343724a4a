"""FMCSA's titles of the BASICs, in all their spellings.

Fact: the portal's file has `Controlled Substances/&#8203;Alcohol`, with the HTML entity of an invisible character.
"""

import html
import logging
import unicodedata
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from fmcsa_orchestrator.model.fmcsa import BASIC_SPELLINGS
from fmcsa_orchestrator.observability.hooks import note

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
_LONGEST_NAME = 60


def _plain(text: str) -> str:
    """What is seen of a text: entities read (also where they were written twice), nothing invisible, blanks as one."""
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(text)))
    return " ".join("".join(" " if c.isspace() else c for c in text if unicodedata.category(c) not in {"Cf", "Cs"}).split())


def _letters(text: str) -> str:
    """All that a title is known by: its letters and digits, without their case."""
    return "".join(filter(str.isalnum, _plain(text).casefold()))


_BY_LETTERS = {_letters(spelling): basic for basic, spellings in BASIC_SPELLINGS.items() for spelling in spellings}


@lru_cache(maxsize=1_024)
def basic_key(title: str) -> str:
    """Our key of a BASIC by FMCSA's title; "unknown", and one warning, for a title that we do not know."""
    basic = _BY_LETTERS.get(_letters(title))
    if basic is None:
        note(log, logging.WARNING, "unknown_basic", description=repr(title[:80]))
        return UNKNOWN
    return basic.value


@lru_cache(maxsize=1_024)
def own_name(title: str | None) -> str:
    """A name for a BASIC that we do not know, which MongoDB takes as a key: its title, or "unknown" where nothing is seen of it.

    It never is one of our own keys, since these are known spellings.
    """
    name = "".join("_" if c == "." else c for c in _plain(title or "") if c.isprintable())[:_LONGEST_NAME].strip()
    return ("_" + name[1:] if name.startswith("$") else name) or UNKNOWN


BasicKey = Annotated[str, AfterValidator(basic_key)]
