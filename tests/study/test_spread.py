"""Variance components and spread over replicates."""

from dataclasses import replace

import numpy as np
import pytest

from tiny.study_rows import LANGUAGES, make_rows

pytest.importorskip("statsmodels")

from xner_spacy.study.analysis import spread
from xner_spacy.study.analysis.intervals import frame_of, primary

CROSSED = {"block": "variance", "crossed": True, "sources": (1000,), "targets": (320, 1000, 3200)}


def components(rows):
    """RETURNS (Tuple): By component `value` (the standard deviation), `low`, `high`, `share`, `n`; and the reason."""
    found, reasons = spread.variance_components(frame_of(rows))
    return found.set_index("component").to_dict("index"), reasons["soft"]


def robustness(rows):
    return spread.robustness(primary(frame_of(rows))).to_dict("records")


def by_size(rows):
    return spread.by_size(primary(frame_of(rows)))


def test_seed_and_draw_are_told_apart():
    rows = make_rows(arms=("soft",), sd_language=0.1)
    rows = [row for row in rows if row.n_source != 1000 or row.n_target == 100]
    rows += make_rows(arms=("soft",), sd_language=0.1, seed=0, **CROSSED)
    parts, reason = components(rows)
    for name, truth in (("seed", 0.012), ("draw", 0.008), ("residual", 0.005)):
        assert parts[name]["low"] < truth < parts[name]["high"]
        assert parts[name]["value"] == pytest.approx(truth, rel=0.5)
    assert sum(part["share"] for part in parts.values()) == pytest.approx(1)
    assert parts["language"]["share"] > 0.4 and parts["size"]["share"] > 0.2
    # Languages are six: their spread is known to a factor of two at best.
    assert parts["language"]["high"] > 1.8 * parts["language"]["value"]
    assert parts["seed"]["n"] == len(frame_of(rows).drop_duplicates(["lang", "n_source", "n_target", "seed", "draw"]))
    assert reason == ""


def test_a_draw_that_does_not_matter():
    parts, _ = components(make_rows(arms=("soft",), sd_draw=0.0, seed=2, **CROSSED))
    assert parts["draw"]["value"] < 0.004 < parts["seed"]["value"]
    assert parts["draw"]["low"] == 0


def test_paired_replicates_leave_seed_and_draw_open():
    parts, reason = components(make_rows(arms=("soft",)))
    assert "seed" not in parts and "draw" not in parts and "crossed" in reason
    total = np.sqrt(0.012**2 + 0.008**2 + 0.005**2)
    assert parts["residual"]["low"] < total < parts["residual"]["high"]


def test_interaction_of_language_and_size():
    without, _ = components(make_rows(arms=("soft",), seed=3))
    with_it, _ = components(make_rows(arms=("soft",), seed=3, sd_language=0.25))
    assert without["language_size"]["value"] < 0.006 < 0.012 < with_it["language_size"]["value"]


def test_one_language_one_replicate():
    parts, reason = components(make_rows(("lug",), ("soft",), replicates=1))
    assert set(parts) == {"size"} and parts["size"]["variance"] > 0
    assert "one language" in reason and "one replicate" in reason
    found, reasons = spread.variance_components(frame_of([]))
    assert found.empty and not reasons


def test_pooled_spread_and_worst_language():
    (entry,) = robustness(make_rows(arms=("soft",)))
    total = np.sqrt(0.012**2 + 0.008**2 + 0.005**2)
    assert entry["low"] < total < entry["high"]
    assert entry["worst"] == "yor" and entry["languages"] == len(LANGUAGES)
    assert entry["gap"] == pytest.approx(0.6183 - 0.5, abs=0.01)
    single = robustness(make_rows(("lug",), ("soft",), replicates=1))[0]
    assert np.isnan(single["value"]) and np.isnan(single["low"]) and single["gap"] == 0


def test_worst_language_is_compared_at_the_same_sizes():
    rows = make_rows(("lug", "yor"), ("soft",), sd_seed=0, sd_draw=0, sd_rest=0)
    full = robustness(rows)[0]
    # Without the smallest size, yor would look better than it is.
    fewer = [row for row in rows if row.lang != "yor" or row.n_source > 320]
    entry = robustness(fewer)[0]
    assert entry["gap"] == pytest.approx(full["gap"])


def test_spread_that_falls_with_target_text():
    random = np.random.default_rng(0)
    rows = []
    for row in make_rows(arms=("soft",), sd_seed=0.0, sd_draw=0.0, sd_rest=0.0):
        sd = 0.02 * (row.n_target / 100) ** -np.log10(2)
        rows.append(replace(row, f1=row.f1 + sd * random.normal()))
    trend, _ = spread.trend(by_size(rows))
    assert trend["target"]["low"] < 0.5 < trend["target"]["high"] < 0.75
    assert trend["source"]["low"] < 1 < trend["source"]["high"]
    assert set(trend) == {"source", "target"}
    sizes = by_size(rows).set_index(["n_source", "n_target"])
    assert len(sizes) == 16
    assert sizes["value"][1000, 100] > sizes["value"][1000, 3200]
    assert ((sizes["low"] < sizes["value"]) & (sizes["value"] < sizes["high"]) & (sizes["n"] == 18)).all()


def test_trend_needs_replicates():
    trend, reason = spread.trend(by_size(make_rows(arms=("soft",), replicates=1)))
    assert not trend and reason
    assert set(spread.trend(by_size(make_rows(arms=("transfer",))))[0]) == {"source"}
