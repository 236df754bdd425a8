"""Small charts without a plotting library."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.evaluation.calibration import reliability
from xner_spacy.report.plain_charts import HEIGHT, WIDTH, Stage, draw_curves, draw_funnel, draw_reliability

NAME = "<b>&\"'"
shares = st.floats(0, 1)


def drawing(html: object) -> ElementTree.Element:
    """RETURNS (Element): The first large drawing of HTML that is XML too."""
    [svg] = [each for each in ElementTree.fromstring(str(html)).iter("svg") if each.get("class") == "plain"]
    return svg


@given(st.dictionaries(st.text("ab<&\"'", min_size=1, max_size=5),
                       st.lists(st.tuples(st.integers(0, 10**6), shares), max_size=8), max_size=9))  # fmt: skip
def test_lines_stay_in_the_drawing(curves: dict) -> None:
    html = draw_curves(curves, "step", "F1")
    lines = drawing(html).findall("polyline")
    assert len(lines) == sum(map(bool, curves.values()))
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
    rows = ["".join(row.find("th").itertext()) for row in ElementTree.fromstring(str(html)).find(".//tbody")]  # type: ignore
    assert rows == [name for name, points in curves.items() if points]


def test_a_reliability_diagram() -> None:
    bins = {NAME: reliability([0.05, 0.95, 0.95, 0.92], [False, True, True, False])}
    html = str(draw_reliability(bins))
    assert NAME not in html and "&lt;b&gt;" in html
    circles = drawing(html).findall("circle")
    assert len(circles) == 2 and float(circles[0].attrib["r"]) < float(circles[1].attrib["r"])
    cells = [cell.text for cell in ElementTree.fromstring(html).iter("td")]
    assert cells == ["0.0 to 0.1", "1", "5.0", "0.0", "0.9 to 1.0", "3", "94.0", "66.7"]


@pytest.mark.parametrize("first", [0, 200])
def test_a_funnel(first: int) -> None:
    html = str(draw_funnel([Stage("all", first), Stage(NAME, first // 2, "lost <1>")]))
    assert NAME not in html and "lost &lt;1&gt;" in html
    widths = [each.get("style") for each in ElementTree.fromstring(html).iter("span") if each.get("style")]
    assert widths == (["width:100.0%", "width:50.0%"] if first else ["width:0.0%", "width:0.0%"])
