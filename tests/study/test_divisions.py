"""The best division of a budget: within what was measured, and where the truth has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny.study_rows import make_rows

pytest.importorskip("pandas")

from xner_spacy.study.analysis.compact import compact
from xner_spacy.study.analysis.divisions import (
    LITTLE,
    POINTS,
    divide,
    on_budget,
    sizes_of,
    source_gain,
    target_first,
)
from xner_spacy.study.analysis.intervals import frame_of
from xner_spacy.study.analysis.surface import Surface
from xner_spacy.study.next_step import solution_of

EXACT = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}


@pytest.fixture(scope="module")
def found() -> Surface:
    """a 0.1, alpha 0.5, b 0.05, beta 0.4; 320 to 10,000 and 100 to 3,200 sentences."""
    return Surface(frame_of(make_rows(arms=("soft",), **EXACT)), 40)


@settings(max_examples=60, deadline=None)
@given(budget=st.floats(50, 60000), prices=st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)))
def test_every_division_is_within_what_was_measured(found, budget, prices):
    best = divide(found, budget, prices)
    line = on_budget(found, budget, prices)
    assert (best is None) == (line is None)
    if best is None:
        cheapest, dearest = 320 * prices[0] + 100 * prices[1], 10000 * prices[0] + 3200 * prices[1]
        assert budget <= cheapest * 1.0001 or budget >= dearest * 0.9999
        return
    assert 320 * 0.999 <= best["n_source"] <= 10000 * 1.001 and 100 * 0.999 <= best["n_target"] <= 3200 * 1.001
    assert prices[0] * best["n_source"] + prices[1] * best["n_target"] == pytest.approx(budget)
    assert best["least"] * 0.999 <= best["near"][0] <= best["ratio"] <= best["near"][1] <= best["most"] * 1.001
    assert (best["edge"] is None) == (best["least"] * 1.0001 < best["ratio"] < best["most"] * 0.9999)


@pytest.mark.parametrize("prices", [(1.0, 1.0), (1.0, 5.0), (5.0, 1.0)])
def test_the_best_division_is_where_money_brings_the_same(found, prices):
    best = divide(found, 6000.0, prices)
    by_source = 0.1 * 0.5 / 1000 * (best["n_source"] / 1000) ** -1.5 / prices[0]
    by_target = 0.05 * 0.4 / 1000 * (best["n_target"] / 1000) ** -1.4 / prices[1]
    if best["edge"] is None:
        assert by_source == pytest.approx(by_target, rel=0.1)
    else:
        assert (by_source > by_target) == (best["edge"] in ("most source", "least target"))
    for ratio, near in ((best["near"][0] * 1.001, True), (best["near"][1] * 1.2, False)):
        if best["least"] < ratio < best["most"]:
            drop = best["f1"]["value"] - found.f1(*sizes_of(6000.0, ratio, prices))[0]
            assert (drop <= LITTLE * 1.01) == near


@pytest.mark.parametrize(
    ("total", "reasons"),
    [
        (600.0, ("least source", "least target")),
        (5000.0, ("most target", "least target")),
        (3000.0, ("least source", "least target")),
        (12000.0, ("most target", "most source")),
    ],
)
def test_what_ends_the_line_is_named(found, total, reasons):
    assert on_budget(found, total)[1] == reasons


def test_the_gain_is_that_over_the_worst(found):
    best = divide(found, 3520.0)
    ratios = np.geomspace(best["least"], best["most"], 400)
    heights = np.array([found.shape.height(*sizes_of(3520.0, ratio))[0] for ratio in ratios])
    assert best["gain"]["value"] == pytest.approx(np.ptp(heights), abs=1e-3)
    assert best["worst"] == pytest.approx(ratios[heights.argmin()], rel=0.05)


def test_up_to_where_target_text_comes_first():
    # With these losses one more target sentence is worth more than any source sentence up to a known size.
    rows = make_rows(arms=("soft",), shape={"a": 0.02, "alpha": 0.5, "b": 0.1, "beta": 0.5}, **EXACT)
    limit = target_first(Surface(frame_of(rows), 40))
    # b beta t^-1.5 = a alpha 0.32^-1.5
    assert limit["value"] == pytest.approx(1000 * (0.02 / 0.1 * 0.32**-1.5) ** (-1 / 1.5), rel=0.08)
    assert limit["low"] <= limit["value"] <= limit["high"]
    assert target_first(Surface(frame_of(make_rows(arms=("soft",), shape={"b": 0.0}, **EXACT)), 40)) is None
    assert target_first(Surface(frame_of(make_rows(arms=("transfer",), **EXACT)), 40)) is None


def test_what_source_text_brings_where_there_is_little_target_text(found):
    """With no interaction it is the same everywhere: a ((0.32)^-alpha - (10)^-alpha) over the decades between."""
    low, high = found.source.min(), found.source.max()
    gains = [source_gain(found, n_target) for n_target in (100.0, 3000.0)]
    expected = 0.1 * ((low / 1000) ** -0.5 - (high / 1000) ** -0.5) / np.log10(high / low)
    assert [gain["value"] for gain in gains] == pytest.approx([expected, expected], abs=1e-3)
    assert all(gain["low"] <= gain["value"] <= gain["high"] for gain in gains)


@pytest.mark.parametrize("samples", [40, 300])
def test_the_calculator_has_every_sample_of_the_analysis(samples):
    """With fewer of them its intervals would not be those of the page."""
    surface = Surface(frame_of(make_rows(arms=("soft",))), samples)
    data = compact(surface)
    assert len(data["levels"]) == len(data["shape"]) == samples + 1
    best = divide(surface, 3000.0)
    again = solution_of(data["shape"])
    ratios = np.geomspace(best["least"], best["most"], POINTS)
    heights = again.height(*(sizes[:, None] for sizes in sizes_of(3000.0, ratios)))
    ends = surface.estimate(np.log10(ratios[heights.argmax(axis=0)]), *np.log10([best["least"], best["most"]]))
    assert [10 ** ends[name] for name in ("low", "high")] == pytest.approx([best["low"], best["high"]], rel=0.05)
