"""USDOT numbers: every spelling of host apps is understood, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import InvalidUsdotError, UsdotNumber


def full_width(text):
    """As East Asian keyboards write it."""
    return "".join("\N{IDEOGRAPHIC SPACE}" if character == " " else chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    "spelling",
    [1021580, 1021580.0, "1021580", " 01021580", "USDOT 1021580", "usdot1021580", "DOT# 1021580", "US DOT: 1021580\n"],
)
def test_every_spelling_of_host_apps_is_the_same_number(spelling):
    assert UsdotNumber.parse(spelling) == 1021580


@pytest.mark.parametrize(
    "spelling",
    [
        "1021580.0",  # a double that was turned into text
        " 1021580.00 ",
        "000001021580",
        "0" * 5_000 + "1021580",
        "1,021,580",
        "USDOT 1,021,580",
        "#1021580",
        "# 1021580",
        "(1021580)",
        "USDOT (1021580)",
        full_width("1021580"),
        full_width("USDOT: 1021580"),
        "\N{NO-BREAK SPACE}USDOT\N{NO-BREAK SPACE}1021580\N{NO-BREAK SPACE}",
        "\N{ZERO WIDTH NO-BREAK SPACE}1021580\N{ZERO WIDTH SPACE}",
    ],
)
def test_what_export_paste_and_padding_leave_of_a_number_is_that_number(spelling):
    assert UsdotNumber.parse(spelling) == 1021580


@pytest.mark.parametrize("value", ["1.02158E+06", "1.02158e6", "1,02158E+06", "1E+06", "USDOT 1.02E+06", " 1.02158E+06\n"])
def test_a_number_that_a_spreadsheet_has_damaged_is_refused_in_words_that_say_so(value):
    with pytest.raises(InvalidUsdotError, match=r"dotNumber is .*spreadsheet.*lost digits.*1 to 8 digits.*correct"):
        UsdotNumber.parse(value)


@pytest.mark.parametrize(
    "value",
    [
        "10²",  # unicode's compatibility form of it would be 102
        "①",
        "1021580.5",
        "1.000",  # a thousand where a dot parts thousands
        "1021580.",
        "1,21,580",
        "1021,580",
        "0,123",
        "1021580,77",
        "123,456,789",
        "(1021580",
        "1021580)",
        "-1021580",
        "(-5)",
        "#-5",
        "#",
        "000000000",
        "0.0",
        "\N{RIGHT-TO-LEFT OVERRIDE}0851201",  # shows as 1021580
        "abc",
        "123456789",
        -5,
        1.5,
        [],
        {"$gt": ""},
        0,
        "0",
        "00000000",
        True,
        None,
        "",
        "MC 123",
        "12 34",
        "١٢٣",
        float("nan"),
        10**8,
        b"1",
    ],
)
def test_what_cannot_be_a_usdot_number_says_what_one_looks_like(value):
    with pytest.raises(InvalidUsdotError, match=r"dotNumber is .*1 to 8 digits.*correct"):
        UsdotNumber.parse(value)


@given(
    st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.integers()), st.dictionaries(st.text(), st.text()))
)
def test_anything_is_a_number_in_range_or_an_error(value):
    try:
        usdot = UsdotNumber.parse(value)
    except InvalidUsdotError as error:
        assert len(str(error)) < 300
    else:
        assert 1 <= usdot <= 99_999_999


@given(st.integers(1, 99_999_999), st.integers(0, 3), st.sampled_from(["", "USDOT ", "DOT"]))
def test_padding_and_prefix_do_not_matter(number, zeros, prefix):
    text = prefix + ("0" * zeros + str(number))[-8:].rjust(len(str(number)), "0")
    assert UsdotNumber.parse(text) == number
