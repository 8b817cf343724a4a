"""The page: well-formed, self-contained, safe against what documents hold, with headings, headers and text for charts."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from jinja2 import UndefinedError

from fmcsa_orchestrator import SettingsError
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.history import history_view
from fmcsa_orchestrator.report.html.page import page, templates
from fmcsa_orchestrator.report.html.write import write_page
from fmcsa_orchestrator.report.overview import make_overview, shown_name
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, ProofCounts, SourceCounts, State, StateCounts
from tests.support.elements import Parsed
from tests.support.hidden import HIDDEN, hidden_in
from tests.support.status_samples import (
    AS_OF,
    BROKEN,
    CARRIER_SOURCES,
    HOSTILE,
    NOW,
    SOURCES,
    company,
    failing,
    run,
    with_carrier,
    with_safety,
)


def counts(**facts):
    states = StateCounts(1, 2, 3, 4)
    sources = tuple(SourceCounts(name, states, {"changed": 5, "failed": 1}, NOW, AS_OF) for name in SOURCES)
    return FleetCounts(
        **{"total": 10, "states": states, "sources": sources, "oldest": NOW, "oldest_company": shown_name({"name": HOSTILE})}
        | facts
    )


EVERY = [*SOURCES, *CARRIER_SOURCES]


def fleet_page(*documents, names=SOURCES, **facts):
    return page(make_overview(documents, names, NOW, 48, counts(**facts)))


def one_page(document, *runs, sources=EVERY):
    return page(make_overview([document], sources, NOW, 48, history=history_view(runs)))


RUNS = [run(AS_OF + timedelta(days=30 * n), unsafeDriving={"percentile": 40 + n}) for n in (0, 1, 2)]
RUNS.insert(1, run(AS_OF + timedelta(days=7), hoursOfService={"measure": 1.25}))


@pytest.fixture(params=["fleet", "one", "empty", "hostile", "broken"])
def text(request):
    documents = [with_safety(company(1)), failing(2), {"_id": 3, "dotNumber": 3}]
    match request.param:
        case "fleet":
            return fleet_page(*documents)
        case "one":
            return one_page(with_carrier(documents[0]), *RUNS)
        case "empty":
            return fleet_page(total=0, states=StateCounts(0, 0, 0, 0), sources=(), oldest=None, oldest_company=None)
        case "hostile":
            hostile = with_carrier(with_safety(failing(HOSTILE, name=HOSTILE, number=HOSTILE, message=HOSTILE)), HOSTILE)
            return fleet_page(hostile, names=EVERY)
    return fleet_page(*BROKEN)


def test_it_is_well_formed_and_has_its_landmarks(text):
    parsed = Parsed(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert [len(parsed.all(tag)) for tag in ("header", "main", "footer", "h1", "title")] == [1] * 5
    ids = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes, _ in parsed.elements:
        assert attributes.get("aria-labelledby", "") in {*ids, ""}
        assert attributes.get("href", "#").removeprefix("#") in {*ids, ""}


def test_it_tells_whether_the_rows_come_to_fmcsas_results():
    document = with_safety(company(1))
    shown = " ".join("".join(Parsed(fleet_page(document, proof=ProofCounts(8, 1, 1))).texts("main")).split())
    assert "Stored rows against FMCSA's results: 8 companies agree, 1 disagree, 1 cannot be compared." in shown
    assert "▲ Rows disagree with FMCSA's results: rows missing (3 violations); read twice." in shown
    for words in ("1.51", "unavailable", "▲ 1.23, rows missing"):
        assert words in Parsed(page(make_overview([document], SOURCES, NOW, 48))).texts("td")
    for proof, said in (
        ({"agrees": True}, "Rows agree with FMCSA's results."),
        ({"agrees": None, "reason": "not read"}, "Rows cannot be compared with FMCSA's results: not read."),
        ({"agrees": False}, "▲ Rows disagree with FMCSA's results: unknown; to be read again."),
    ):
        document["fmcsaData"]["csa"]["recomputed"] = proof
        assert said in Parsed(page(make_overview([document], SOURCES, NOW, 48))).texts("p")


def test_headings_come_in_order(text):
    levels = [int(tag[1]) for tag, _, _ in Parsed(text).all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_it_asks_nothing_of_anybody(text):
    parsed = Parsed(text)
    assert not parsed.all("script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use", "video", "audio")
    [style] = parsed.texts("style")
    assert "url(" not in style
    assert "@import" not in style
    for _, attributes, _ in parsed.elements:
        assert not {"src", "srcset", "style", "action", "xlink:href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")


def test_the_policy_allows_this_style_sheet_only(text):
    parsed = Parsed(text)
    [policy] = [found["content"] for _, found, _ in parsed.all("meta") if found.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(parsed.texts("style")[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_tables_have_captions_and_headers_with_their_scope(text):
    parsed = Parsed(text)
    assert len(parsed.all("caption")) == len(parsed.all("table"))
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        rows = []
        for tag, found, _ in Parsed(table).all("tr", "td", "th"):
            rows.append([]) if tag == "tr" else rows[-1].append((tag, found.get("scope")))
        head = rows.pop(0)
        assert {tag for tag, _ in head} == {"th"}
        assert {tuple(tag for tag, _ in row) for row in rows} <= {("th", *["td"] * (len(head) - 1))}
        scopes = {scope for row in (head, *rows) for tag, scope in row if tag == "th"}
        assert scopes == {None} or scopes <= {"col", "row"}  # those of the first row and column need none


def test_every_cell_of_a_table_that_is_stacked_is_named_as_its_column(text):
    for table in re.findall(r"<table role.*?</table>", text, re.DOTALL):
        parsed = Parsed(table)
        assert all(found["data-label"] for _, found, _ in parsed.all("td"))
        columns = ["".join(texts) for _, found, texts in parsed.all("th") if found["scope"] == "col"]
        labels = [found["data-label"] for _, found, _ in parsed.elements if "data-label" in found]
        assert labels == columns * (len(parsed.all("tr")) - 1)


def test_charts_have_a_text_or_draw_the_figure_beside_them(text):
    parsed = Parsed(text)
    assert all(found["role"] == "img" and found["aria-label"] for _, found, _ in parsed.all("svg"))
    bars = [(set(found["class"].split()), texts) for _, found, texts in parsed.all("i") if "class" in found]
    [style] = parsed.texts("style")
    for classes, texts in bars:
        assert texts == []
        assert all(f".{name} {{" in style for name in classes)


def test_whatever_a_document_holds_stays_text():
    document = with_carrier(with_safety(failing(HOSTILE, name=HOSTILE, number=HOSTILE, message=HOSTILE)), HOSTILE)
    document["fmcsaData"]["syncStatus"]["errors"][0] |= {"error": HOSTILE, "kind": HOSTILE}
    document["fmcsaData"]["csa"]["driverFitness"] |= {"percentileText": HOSTILE}
    document["fmcsaData"]["syncStatus"]["sources"]["inspections"]["outcome"] = HOSTILE[:40]
    text = fleet_page(document)
    tame = fleet_page(with_carrier(with_safety(failing(1))))
    assert shape(text) == shape(tame)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
    assert any("<script>alert('x')</script>" in cell for cell in Parsed(text).texts("td"))


# Each fits into the 40 characters that are shown of a USDOT number that is none.
TRICKS = {
    "script": "<script>alert(1)</script>",
    "quotes": '" onclick="x" \'>`=',
    "braces": "{{ 7*7 }}{% raw %}{# x #}${7*7}",
    "entities": "&lt;b&gt; &amp; &#34; & Sons",
    "endings": "</style></title></table>]]>-->",
    "directions": "a\u202eb\u2066c\u200f\u2028d\x00\x1b[0m",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_in_text_and_in_attributes_it_comes_out_as_it_was(trick):
    document = with_carrier(with_safety(failing(trick, name=trick, number=trick, message=trick)), trick)
    document["fmcsaData"]["syncStatus"]["errors"][0] |= {"kind": trick}
    document["fmcsaData"]["csa"]["driverFitness"] |= {"percentileText": trick}
    shown = printable(trick)
    states = StateCounts(1, 2, 3, 4)
    fleet = fleet_page(
        document, oldest_company=trick, sources=(SourceCounts(shown, states, {shown: 2, "failed": 1}, NOW, AS_OF),)
    )
    alone = page(make_overview([document], SOURCES, NOW, 48))
    parsed, one = Parsed(fleet), Parsed(alone)
    assert one.texts("title", "h1") == [f"FMCSA data of {shown}"] * 2
    assert f"failing USDOT {shown}, _id {shown}. Passenger carrier. Last run: 2026-11-25 11:00." in [
        found.replace("\n", " ") for found in parsed.texts("p")
    ]
    assert {shown, f"{shown} violations: {shown}"} <= {*parsed.texts("a", "h3", "td", "li", "i")}
    facts = {f"{shown}, doing business as Fast Freight", f"$1,000,000, {shown}; since 2026-11-12"}
    assert facts <= {*parsed.texts("dd")}
    assert f"The oldest attempt is that of {shown}: 2026-11-25 12:00." in parsed.texts("p")
    assert "75 (QCMobile)" in parsed.texts("td")
    assert [found.strip() for found in parsed.texts("td")].count(shown) >= 3  # as number, as message, as reason
    labels = {found.get("aria-label") for _, found, _ in parsed.elements + one.elements}
    assert {shown, f"last outcomes of {shown}: 2 {shown}, 1 failed"} <= labels
    assert {f"key {shown}", f"part {shown}"} <= {found.get("class") for _, found, _ in parsed.elements}
    for text in (fleet, alone):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u200f\u2028\u202a-\u202e\u2066-\u2069]", text)


def test_nothing_is_put_in_as_it_is_but_the_style_sheet():
    sources = {name: templates().loader.get_source(templates(), name)[0] for name in templates().list_templates()}
    assert len(sources) == 8
    raw = [line for text in sources.values() for line in text.splitlines() if re.search(r"\bsafe\b", line)]
    assert raw == ["<style>{{ style | safe }}</style>"]
    for text in sources.values():
        assert not re.search(r"autoescape|Markup|xmlattr|=\{\{", text)
    assert templates().autoescape is True


def test_what_a_template_does_not_know_is_no_empty_text():
    with pytest.raises(UndefinedError):
        part("charts").bar(1)
    with pytest.raises(UndefinedError):
        templates().get_template("company.html").render()


def shape(text):
    """The elements and their attributes' names, which no document may add to."""
    return [(tag, set(found)) for tag, found, _ in Parsed(text).elements]


def test_the_fleet_and_its_companies_are_there():
    parsed = Parsed(fleet_page(with_safety(company(1)), failing(2, name="Bad Co.")))
    assert [item.split() for item in parsed.texts("li")][:4] == [
        ["1fresh"],
        ["2stale"],
        ["3failing"],
        ["4never", "synced"],
    ]
    assert "2 of 10, the least recently attempted first." in parsed.texts("p")
    assert parsed.texts("a") == ["A Carrier", "Bad Co."]
    assert parsed.texts("summary") == ["A Carrierfresh", "Bad Co.failing"]
    labels = [found["aria-label"] for _, found, _ in parsed.all("svg")]
    assert "companies by state: 4 never synced, 3 failing, 2 stale, 1 fresh" in labels
    assert any("to which the bars compare: Unsafe Driving 1.5, " in found for found in parsed.texts("p"))
    [style] = parsed.texts("style")
    assert re.findall(r"\.(\w+)::before { content: \"(.) \"; }", style) == [
        ("fresh", "●"),
        ("stale", "◐"),
        ("failing", "✖"),
        ("never", "○"),
    ]


def test_at_or_above_is_told_by_words_and_shape_not_by_colour_alone():
    cells = Parsed(page(make_overview([with_safety(company(1))], SOURCES, NOW, 48))).texts("td")
    for found in (
        ("▲ 50, at or above the threshold", "50 (passenger)"),
        ("49.5, below the threshold", "50 (passenger)"),
        ("Less than 3 driver inspections", "75 (QCMobile)"),
    ):
        assert found in pairwise(cells)
    assert "▲ 25.0 %, above average" in cells
    document = with_safety(company(1))
    del document["fmcsaData"]["inspections"]["driver"]["nationalAverage"]
    assert "25.0 %" in Parsed(page(make_overview([document], SOURCES, NOW, 48))).texts("td")


def part(name):
    """The macros of one of the templates' parts."""
    return templates().get_template(f"parts/{name}.html").module


def test_a_bar_stays_within_its_frame():
    for value, largest in ((150, 100), (-5, 100), (3, 0), (50, 100)):
        [(_, found, texts)] = Parsed(part("charts").bar(value, largest, mark=120)).elements
        width, mark = re.fullmatch(r"w(\d+) m(\d+)", found["class"]).groups()
        assert (0 <= int(width) <= 100, 0 <= int(mark) <= 100, texts) == (True, True, [])
    assert 'class="w1"' in part("charts").bar(0.1, 100)  # what is there at all can be seen
    assert 'class="w50 m49 over"' in part("charts").bar(50, 100, mark=48.2, is_over=True)
    assert Parsed(part("charts").stack({}, "nothing")).elements[0][1]["aria-label"] == "nothing"


def test_the_parts_of_a_bar_stand_side_by_side_in_their_natural_order():
    text = part("charts").stack({"failed": 1, "own": 1, "changed": 1_998, "skipped": 0}, "text")
    shapes = [found for _, found, _ in Parsed(text).all("rect")][1:]
    assert [(shape["class"], shape["x"], shape["width"]) for shape in shapes] == [
        ("part changed", "0.0", "99.9"),
        ("part failed", "99.9", "0.5"),
        ("part own", "99.95", "0.5"),
    ]


def test_colours_have_enough_contrast():
    style = Parsed(fleet_page()).texts("style")[0]
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("prefers-color-scheme: dark", 1))
    for colours in (light, light | dark):
        for name in ("text", "quiet", "link", "good", "old", "bad", "none"):
            assert contrast(colours[name], colours["ground"]) >= 4.5, name
            assert contrast(colours[name], colours["panel"]) >= 4.5, name
        for name in ("value", "mark", "bad"):
            assert contrast(colours[name], colours["track"]) >= 3, name


def contrast(one, other):
    """WCAG 2's contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_row_keeps_text_and_elements_in_order():
    cells = ["a <b>", part("words").badge(State.FRESH), '"&"']
    parsed = Parsed(part("table").row(["A", '"', "C"], cells))
    assert parsed.texts("th", "td") == ["a <b>", "fresh", '"&"']
    assert [found["data-label"] for _, found, _ in parsed.all("th", "td")] == ["A", '"', "C"]
    assert parsed.texts("b") == ["fresh"]


@pytest.mark.parametrize("cells", [["a"], ["a", "b", "c"]])
def test_a_row_has_a_cell_for_each_column(cells):
    with pytest.raises(ValueError, match="shorter|longer"):
        part("table").row(["A", "B"], cells)


def test_it_is_written_whole_or_not_at_all(tmp_path):
    overview = make_overview([company(1)], SOURCES, NOW, 48)
    target, link = tmp_path / "page.html", tmp_path / "link.html"
    target.write_text("old")
    link.symlink_to(target)
    write_page(overview, link)
    assert target.read_text() == page(overview)
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html", "page.html"]


def test_a_page_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    overview = make_overview([company(1)], SOURCES, NOW, 48)
    with pytest.raises(SettingsError, match="cannot write"):
        write_page(overview, tmp_path / "folder")
    with pytest.raises(SettingsError, match="cannot write"):
        write_page(overview, tmp_path / "missing" / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_name_that_no_file_can_hold_is_still_written(tmp_path):
    overview = make_overview([company(1)], SOURCES, NOW, 48)
    broken = replace(overview.companies[0], name="\ud800", state=State.FRESH)
    write_page(replace(overview, companies=(broken,)), tmp_path / "page.html")
    assert "<h1>FMCSA data of  </h1>" in (tmp_path / "page.html").read_text()


def test_what_nobody_sees_is_not_on_the_page():
    name = f"Acme{HIDDEN}Ltd"
    document = with_safety(failing(name, name=name, number=name, message=name))
    document["fmcsaData"]["csa"]["hazmat"] = {"percentileStatus": name, "measure": 1.0}
    sources = {"a_source": {"outcome": name, "message": name}}
    document["fmcsaData"]["syncStatus"]["sources"] |= sources
    for text in (fleet_page(document, oldest_company=name), page(make_overview([document], [*SOURCES, "a_source"], NOW, 48))):
        assert text.count("Acme") > 5
        assert not hidden_in(text, but="\n")


def test_a_page_of_hundreds_of_companies_is_small():
    documents = [with_safety(failing(number) if number % 7 == 0 else company(number)) for number in range(300)]
    assert len(fleet_page(*documents).encode()) < 1_000_000
    every = [with_carrier(document) for document in documents]  # three times as many sources, each with much to say
    assert len(fleet_page(*every, names=EVERY).encode()) < 2_000_000
