"""What hypothesis draws in more than one test file."""

import math

from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = settings.default.max_examples  # as the profile says: `make quick` tries fewer
often, very_often = (settings(max_examples=times * EXAMPLES) for times in (2, 4))

AWKWARD_TEXT = [
    *(
        "",
        " ",
        "0",
        "-0",
        "+1",
        "-1",
        " 7 ",
        "1.0",
        ".5",
        "1e3",
        "1e999",
        "NaN",
        "Infinity",
        "1_000",
        "\N{ARABIC-INDIC DIGIT THREE}",
    ),
    *("\0", "9" * 5_000, "true", "Y", "u", "14-MAY-25", "30-FEB-25", "57%", "101%", "Not Public", "<html>"),
    *("2026-10-30T04:00:00.000+0000", "2026-10-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800"),
]
AWKWARD_NUMBERS = [math.inf, -math.inf, math.nan, 10**17, 10**20, 10**30, -(10**30), 10**400, 1e300, True]
anything = st.recursive(
    st.sampled_from([*AWKWARD_TEXT, *AWKWARD_NUMBERS, None])
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
