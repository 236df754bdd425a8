"""Charts show what they are given, are the same for the same input, and can be read by all."""

import colorsys
import re
from itertools import pairwise
from typing import Any, List
from xml.etree import ElementTree

import pandas as pd
import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from tests.report.colours import SIGHTS, contrast, distance
from xner_spacy.report.charts import (
    CONFIG,
    DARK,
    DIVERGING,
    LIGHT,
    SEQUENTIAL,
    heat_map,
    interval,
    intervals,
    lines,
    points,
    render,
    shares,
    show,
    svg_of,
    with_interval,
)

NAN = float("nan")


def texts(chart: Any) -> List[str]:
    root = ElementTree.fromstring(render(chart))
    return [element.text or "" for element in root.findall(".//{*}text")]


def cells(**values: Any) -> pd.DataFrame:
    data = pd.DataFrame({"x": [100, 1000, 1000], "y": [320, 320, 1000], "value": [11.0, 20.5, 30.25]})
    return data.assign(low=[10.0, 20.0, NAN], high=[12.0, 21.0, NAN], panel="").assign(**values)


def test_heat_map_writes_every_value_with_its_interval() -> None:
    found = texts(heat_map(cells(panel=["one", "one", "two"]), "x", "y", ("X", "Y")))
    assert {"11.0", "20.5", "30.2", "10.0–12.0", "20.0–21.0", "one", "two", "100", "1,000", "320", "X", "Y"} <= set(
        found
    )
    signed = texts(heat_map(cells(value=[-1.5, 0.0, 2.0]), "x", "y", ("X", "Y"), signs=True))
    assert {"−1.5", "0.0", "+2.0"} <= set(signed)


def test_lines_have_a_key_and_panels() -> None:
    data = cells(label=["first", "first", "second"], panel=["a", "b", "b"])
    chart = lines(data, "x", ("amount", "F1"), legend="named")
    assert {"first", "second", "named", "amount", "F1", "a", "b", "100", "1,000"} <= set(texts(chart))
    assert chart.description == "a: from 11.0 to 11.0. b: from 20.5 to 30.2."
    assert texts(lines(data.head(1), "x", ("amount", "F1"), colours="s", log=True, markers=False))


def test_intervals_say_their_figures() -> None:
    data = cells(label=["all", "Luganda", "Luo"], value=[1.0, -1.0, 0.5])
    found = texts(intervals(data, "difference", strong="all"))
    assert {"all", "Luganda", "Luo", "+1.0 (10.0–12.0)", "+0.5", "difference"} <= set(found)


def test_shares_label_the_larger_parts() -> None:
    data = pd.DataFrame({"label": ["arm"] * 3, "part": ["a", "b", "c"], "value": [0.25, 0.7, 0.05], "panel": ""})
    found = texts(shares(data, ["a", "b", "c"]))
    assert {"arm", "25%", "70%", "a", "b", "c"} <= set(found) and "5%" not in found


def test_an_svg_is_one_well_formed_file_that_names_itself() -> None:
    chart = heat_map(cells(panel="a < b & \x1b"), "x", "y", ("X", "Y"))
    drawn = render(chart)
    text = svg_of(chart, drawn, "A <title>")
    assert svg_of(chart, render(chart), "A <title>") == text
    root = ElementTree.fromstring(text)
    named = {e.get("id"): e.text for e in root if e.get("id")}
    assert named[root.get("aria-labelledby")] == "A <title>"
    assert "from 11.0 to 30.2" in str(named[root.get("aria-describedby")])
    assert root.get("role") == "img" and "href" not in text and "url(" not in text and "\x1b" not in text
    inline = svg_of(chart, drawn, "T", key="k")
    assert 'aria-labelledby="k-title"' in inline and f'"{LIGHT["soft"]}"' not in inline and '"var(--soft)"' in inline


def test_numbers() -> None:
    assert show(-1.25) == "−1.2" and show(-0.04) == "0.0" and show(None) == show(NAN) == "–" and show(1000) == "1,000"
    assert show(1.25, signs=True) == "+1.2" and show(0.01, signs=True) == "0.0" and show("text") == "text"
    assert interval(1.0, 2.0) == "1.0–2.0" and interval(-1.0, 2.0) == "−1.0 to 2.0" and interval(None, 2.0) == ""
    estimate = {"value": 0.1, "low": 0.05, "high": 0.2}
    assert with_interval(estimate, scale=100, signs=True) == "+10.0 (5.0–20.0)"
    assert with_interval({"value": 0.1, "low": NAN, "high": NAN}) == "0.1" and with_interval({}) == "–"
    assert points(pd.DataFrame([estimate])).to_dict("records") == [{"value": 10.0, "low": 5.0, "high": 20.0}]


def test_colours_of_names_differ_in_hue() -> None:
    """Two of one hue are told apart by nobody: angles on the wheel of hues are 20 degrees apart, or one is grey."""
    for scheme in (LIGHT, DARK):
        codes = [scheme[f"s{i}"] for i in range(6)]
        parts = [colorsys.rgb_to_hls(*(int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))) for code in codes]
        hues = [360 * hue for hue, _, saturation in parts if saturation > 0.15]
        assert len(hues) >= 5
        for at, one in enumerate(hues):
            assert all(min(abs(one - other), 360 - abs(one - other)) > 15 for other in hues[at + 1 :]), hues


def test_neighbours_in_an_order_differ_for_all_kinds_of_sight() -> None:
    assert distance("#000000", "#ffffff", "all colours") == pytest.approx(1, abs=1e-3)
    for scheme in (LIGHT, DARK):
        codes = [scheme[f"o{i}"] for i in range(6)]
        for sight in SIGHTS:
            for one, other in pairwise(codes):
                assert distance(one, other, sight) > 0.07, (one, other, sight)


def test_colours_can_be_read_in_both_schemes() -> None:
    assert set(LIGHT) == set(DARK)
    # A page replaces these by its own.
    assert set(re.findall(r"#[0-9a-f]{6}", str(CONFIG))) <= set(LIGHT.values())
    for scheme in (LIGHT, DARK):
        for name, colour in scheme.items():
            least = {"paper": 1, "rule": 1, "axis": 3}.get(name, 4.5)
            assert contrast(colour, scheme["paper"]) >= least, name
    assert all(contrast("#000000", colour) >= 7 for colour in SEQUENTIAL + DIVERGING)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
