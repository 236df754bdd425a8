"""Charts show what they are given, and are the same for the same input."""

from itertools import pairwise
from typing import List
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.report import charts
from xner_spacy.report.charts import Bar, Cell, Interval, Series, heat_map, intervals, lines, shares
from xner_spacy.report.figure import Figure, Table, show
from xner_spacy.report.svg import Panel, Svg, inline, number


def texts(svg: Svg) -> List[str]:
    return [element.text or "" for element in svg.root.iter("text")]


def found(svg: Svg, tag: str, css: str) -> list:
    return [e for e in svg.root.iter(tag) if css in e.get("class", "").split()]


def test_heat_map_writes_every_value_and_leaves_gaps_empty() -> None:
    cells = {
        ("1", "a"): Cell(0.0, "zero", "low", "tip"),
        ("2", "a"): Cell(1.0, "one"),
        ("2", "b"): Cell(None, "failed"),
    }
    svg = heat_map(cells, rows=["1", "2"], columns=["a", "b"], row_title="R", column_title="C", limits=(0, 1))
    assert {"zero", "low", "one", "failed", "–", "R", "C", "a", "b"} <= set(texts(svg))
    fills = [e.get("fill") for e in svg.root.iter("rect")]
    assert fills.count(None) == 2 and len(set(fills)) == 3
    assert len(found(svg, "rect", "empty")) == 2
    assert [e.text for e in svg.root.iter("title")] == ["tip"]
    # The first row is the lowest.
    places = {e.text: float(e.get("y", "nan")) for e in svg.root.iter("text")}
    assert places["zero"] > places["one"]


def test_heat_map_of_one_value() -> None:
    cell = {("1", "a"): Cell(5.0, "5.0")}
    svg = heat_map(cell, rows=["1"], columns=["a"], row_title="", column_title="", limits=(5.0, 5.0))
    assert "5.0" in texts(svg)


def test_lines_have_markers_bands_and_labels_apart() -> None:
    series = [
        Series("first", [(100, 50.0, 49, 51), (1000, 60.0, 59, 61)], 0),
        Series("second", [(100, 50.1, None, None), (1000, 60.1, None, None)], 1),
        Series("nothing", [], 2),
    ]
    svg = lines(series, x_title="x", y_title="y", label_title="named")
    assert {"first", "second", "named", "100", "1,000"} <= set(texts(svg))
    assert "nothing" not in texts(svg)
    assert len(found(svg, "path", "band")) == 1
    assert len(found(svg, "circle", "dot")) == 2
    first, second = (
        float(next(e for e in svg.root.iter("text") if e.text == name).get("y", "0")) for name in ("first", "second")
    )
    assert first - second >= 13.9
    dashes = {e.get("class") for e in found(svg, "path", "line")}
    assert len(dashes) == 2


def test_lines_without_anything_and_with_one_point() -> None:
    assert texts(lines([], x_title="x", y_title="y"))
    svg = lines([Series("one", [(1000, 5.0, 4, 6)], 5, smooth=True)], x_title="x", y_title="y")
    assert "one" in texts(svg)


def test_lines_on_a_logarithmic_axis_are_straight_for_a_power() -> None:
    points = [(x, 100 / x, None, None) for x in (1.0, 10.0, 100.0)]
    chart = lines([Series("p", points, 0)], x_title="", y_title="", y_limits=(1, 100), y_log=True)
    path = found(chart, "path", "line")[0].get("d", "")
    (a, b), (c, d), (e, f) = [map(float, p.split()) for p in path[1:].split(" L")]
    assert (d - b) / (c - a) == pytest.approx((f - d) / (e - c), abs=0.01)


def test_intervals_show_figures_and_zero() -> None:
    rows = [Interval("all", 1.0, 0.5, 1.5, strong=True, text="+1.0"), Interval("one", -1.0)]
    svg = intervals(rows, x_title="difference")
    assert {"all", "one", "+1.0"} <= set(texts(svg))
    assert len(found(svg, "line", "bar")) == 1 and len(found(svg, "line", "zero")) == 1
    bar, zero = found(svg, "line", "bar")[0], found(svg, "line", "zero")[0]
    assert float(zero.get("x1", "nan")) < float(bar.get("x1", "nan")) < float(bar.get("x2", "nan"))


def test_shares_fill_the_bar() -> None:
    bars = [Bar("arm", {"a": 0.25, "b": 0.7, "c": 0.05}), Bar("other", {}, "too few")]
    svg = shares(bars, ["a", "b", "c"])
    assert {"arm", "other", "too few", "25%", "70%"} <= set(texts(svg))
    drawn = [e for e in found(svg, "rect", "block") if e.get("height") == "24"]
    assert sum(float(e.get("width", "0")) for e in drawn) == pytest.approx(charts.WIDTH, abs=0.1)


def test_a_long_key_goes_on_in_a_second_line() -> None:
    names = [f"a long cause {i}" for i in range(6)]
    svg = shares([], names)
    keys = found(svg, "rect", "block")
    assert len({e.get("y") for e in keys}) > 1
    assert all(float(e.get("x", "0")) < charts.WIDTH - 60 for e in keys)


@given(st.lists(st.floats(0, 300), max_size=7), st.floats(1, 30))
def test_labels_are_moved_apart_in_order(places: list, least: float) -> None:
    moved = charts._apart(dict(enumerate(places)), least, 0, 300)
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    gaps = [moved[b] - moved[a] for a, b in pairwise(order)]
    assert all(gap >= least - 1e-6 for gap in gaps)
    if places:
        assert max(moved.values()) <= 300


def figure() -> Figure:
    svg = Svg(100, 50)
    svg.text(1.0, 2.5, "a < b & c", "small")
    table = Table("All of it", ["arm", "n", "F1"], [["x, y", 1000, -0.04], ["z", None, 12.3456789]])
    return Figure("key", "A <title>", "A caption.", [Panel("one", svg, "Seen."), Panel("", svg, "So.")], table)


def test_a_figure_is_one_well_formed_file() -> None:
    text = figure().svg()
    root = ElementTree.fromstring(text)
    names = {child.tag.split("}")[1] for child in root}
    assert {"title", "desc", "style", "svg"} <= names
    assert root.find("{*}title").text == "A <title>"
    assert root.find("{*}desc").text == "one: Seen. So."
    assert "prefers-color-scheme: dark" in text
    assert "href" not in text and "url(" not in text
    assert figure().svg() == text


def test_inline_names_its_title_and_description() -> None:
    panel = figure().panels[0]
    root = ElementTree.fromstring(inline(panel, "k", "A <title>", panel.description))
    assert root.get("role") == "img"
    ids = {e.get("id"): e.text for e in root if e.get("id")}
    assert ids[root.get("aria-labelledby")] == "A <title>"
    assert ids[root.get("aria-describedby")] == "Seen."


def test_table_as_shown_and_as_csv() -> None:
    table = figure().table
    assert table.shown() == [["x, y", "1,000", "0.0"], ["z", "–", "12.3"]]
    assert table.numeric() == [False, True, True]
    assert table.csv() == 'arm,n,F1\n"x, y",1000,-0.04\nz,,12.3457\n'


def test_numbers() -> None:
    assert [number(v) for v in (1.0, 1.239, -0.001, 10, 100.5)] == ["1", "1.24", "0", "10", "100.5"]
    assert show(-1.25, 1) == "−1.2" and show(-0.04) == "0.0" and show(None) == "–"


def test_labels_along_lines_do_not_lie_on_each_other() -> None:
    series = [
        Series(
            f"line {i}",
            [(10.0**k, 50 + 0.2 * i + k, None, None) for k in (1, 2, 3)],
            i,
            smooth=True,
        )
        for i in range(4)
    ]
    svg = lines(series, x_title="x", y_title="y", y_limits=(40, 60))
    labels = found(svg, "text", "label")
    places = [(float(e.get("x", "0")), float(e.get("y", "0"))) for e in labels]
    assert len(places) == 4
    for i, (x, y) in enumerate(places):
        assert 0 < x < charts.WIDTH - 6 * charts.CHARACTER + 1
        for a, b in places[:i]:
            assert abs(y - b) >= 14 or abs(x - a) >= 6 * charts.CHARACTER


def test_a_label_finds_the_free_side_of_its_line() -> None:
    # The end of the first line lies on the second.
    traces = [[(100.0, 100.0), (200.0, 150.0)], [(150.0, 150.0), (300.0, 150.0)]]
    first, second = charts._along(["one", "two"], traces)
    assert second == (306.0, 154.0)
    assert first != (206.0, 154.0) and first[0] > 0
