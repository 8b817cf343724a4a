"""The page as a whole, from its templates: the fleet with each of its companies, or one company alone.

Whatever the templates are given is escaped where they put it, in text and in attributes; only the style sheet, which is ours, is
put in as it is. What nobody sees is taken out there too. So nothing that a document holds can become markup or turn the direction
of reading, and no template has to remember it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.carrier import absences
from fmcsa_orchestrator.report.freshness import STATE_WORDS
from fmcsa_orchestrator.report.html.charts import highest_measures, line_parts, stack_parts, whole_percent
from fmcsa_orchestrator.report.overview import Overview
from fmcsa_orchestrator.report.wording import ESTIMATES, day, hundredths, minute, number, our_estimate, percent, tally
from fmcsa_orchestrator.storage.fleet_status import State

_PACKAGE = "fmcsa_orchestrator.report.html"


def page(overview: Overview) -> str:
    """The whole page as HTML."""
    template = templates().get_template("company.html" if overview.fleet is None else "fleet.html")
    return template.render(overview=overview, highest=highest_measures(overview.companies))


@cache
def templates() -> Environment:
    """The templates, with what they may use: our words for values, and the style sheet with its digest for the policy."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    words = (absences, day, hundredths, minute, number, our_estimate, percent, tally)
    environment.filters |= {function.__name__: function for function in (*words, line_parts, stack_parts, whole_percent)}
    environment.filters |= {"beside": partial(zip, strict=True), "word": STATE_WORDS.__getitem__, "in_words": _in_words}
    style = files(_PACKAGE).joinpath("style.css").read_text(encoding="utf-8") + _widths()
    environment.globals |= {
        "about_estimates": ESTIMATES,
        "style": style,
        "style_digest": b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    }
    return environment


def _widths() -> str:
    """The rules for bars: how wide each is, and where its mark is."""
    return "".join(f".w{percent} {{ --w: {percent}%; }} .m{percent} {{ --m: {percent}%; }}\n" for percent in range(101))


def _shown(value: object) -> object:
    """What a template puts in, without what nobody sees; what is markup is ours."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _in_words(counts: Mapping[State, int]) -> dict[str, int]:
    return {STATE_WORDS[state]: count for state, count in counts.items()}
