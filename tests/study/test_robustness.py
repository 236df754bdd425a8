"""Variance components and spread over replicates."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from tiny.study_rows import LANGUAGES, make_rows
from xner_spacy.errors import MissingExtraError
from xner_spacy.study.mixed import COMPONENTS, variance_components
from xner_spacy.study.robustness import robustness, sd_by, sd_trend

pytest.importorskip("statsmodels")

CROSSED = {"block": "variance", "crossed": True, "sources": (1000,), "targets": (320, 1000, 3200)}


def components(rows):
    found = variance_components(rows)["soft"]
    return found, found["components"]


def test_seed_and_draw_are_told_apart():
    rows = make_rows(arms=("soft",), sd_language=0.1)
    rows = [row for row in rows if row.n_source != 1000 or row.n_target == 100]
    rows += make_rows(arms=("soft",), sd_language=0.1, seed=0, **CROSSED)
    found, parts = components(rows)
    for name, truth in (("seed", 0.012), ("draw", 0.008), ("residual", 0.005)):
        assert parts[name]["sd_low"] < truth < parts[name]["sd_high"]
        assert parts[name]["sd"] == pytest.approx(truth, rel=0.5)
    assert sum(part["share"] for part in parts.values()) == pytest.approx(1)
    assert parts["language"]["share"] > 0.4 and parts["size"]["share"] > 0.2
    # Languages are six: their spread is known to a factor of two at best.
    assert parts["language"]["sd_high"] > 1.8 * parts["language"]["sd"]
    assert (found["n"], found["crossed_cells"], found["reason"]) == (len(rows), 18, "")


def test_a_draw_that_does_not_matter():
    _, parts = components(make_rows(arms=("soft",), sd_draw=0.0, seed=2, **CROSSED))
    assert parts["draw"]["sd"] < 0.004 < parts["seed"]["sd"]
    assert parts["draw"]["sd_low"] == 0


def test_paired_replicates_leave_seed_and_draw_open():
    found, parts = components(make_rows(arms=("soft",)))
    assert parts["seed"]["variance"] is None and parts["draw"]["share"] is None
    assert "crossed" in found["reason"]
    total = np.sqrt(0.012**2 + 0.008**2 + 0.005**2)
    assert parts["residual"]["sd_low"] < total < parts["residual"]["sd_high"]


def test_interaction_of_language_and_size():
    _, without = components(make_rows(arms=("soft",), seed=3))
    _, with_it = components(make_rows(arms=("soft",), seed=3, sd_language=0.25))
    assert without["language_size"]["sd"] < 0.006 < 0.012 < with_it["language_size"]["sd"]


def test_one_language_one_replicate():
    found, parts = components(make_rows(("lug",), ("soft",), replicates=1))
    assert parts["language"]["variance"] is None and parts["residual"]["variance"] is None
    assert parts["size"]["variance"] > 0
    assert "one language" in found["reason"] and "one replicate" in found["reason"]
    assert set(parts) == set(COMPONENTS)
    assert variance_components([]) == {}


def test_missing_statsmodels_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.regression.mixed_linear_model", None)
    with pytest.raises(MissingExtraError, match=r"\[report\]"):
        variance_components(make_rows(arms=("soft",)))
    monkeypatch.setitem(sys.modules, "statsmodels.api", None)
    with pytest.raises(MissingExtraError, match=r"\[report\]"):
        sd_trend(make_rows(arms=("soft",)), "soft")


def test_pooled_spread_and_worst_language():
    (entry,) = robustness(make_rows(arms=("soft",)))
    total = np.sqrt(0.012**2 + 0.008**2 + 0.005**2)
    assert entry["sd_low"] < total < entry["sd_high"]
    assert entry["worst_language"] == "yor" and entry["languages"] == list(LANGUAGES)
    assert entry["worst_gap"] == pytest.approx(0.6183 - 0.5, abs=0.01)
    single = robustness(make_rows(("lug",), ("soft",), replicates=1))[0]
    assert single["sd"] is None and single["sd_low"] is None and single["worst_gap"] == 0


def test_worst_language_is_compared_at_the_same_sizes():
    rows = make_rows(("lug", "yor"), ("soft",), sd_seed=0, sd_draw=0, sd_rest=0)
    full = robustness(rows)[0]
    # Without the smallest size, yor would look better than it is.
    fewer = [row for row in rows if row.lang != "yor" or row.n_source > 320]
    entry = robustness(fewer)[0]
    assert entry["worst_gap"] == pytest.approx(full["worst_gap"])


def test_spread_that_falls_with_target_text():
    random = np.random.default_rng(0)
    rows = []
    for row in make_rows(arms=("soft",), sd_seed=0.0, sd_draw=0.0, sd_rest=0.0):
        sd = 0.02 * (row.n_target / 100) ** -np.log10(2)
        rows.append(replace(row, f1=row.f1 + sd * random.normal()))
    trend = sd_trend(rows, "soft")
    assert trend["target"]["low"] < 0.5 < trend["target"]["high"] < 0.75
    assert trend["source"]["low"] < 1 < trend["source"]["high"]
    assert trend["ratio"]["low"] > 1
    by_size = {(e["n_source"], e["n_target"]): e for e in sd_by(rows)}
    assert len(by_size) == 16
    assert by_size[1000, 100]["sd"] > by_size[1000, 3200]["sd"]
    assert all(e["low"] < e["sd"] < e["high"] and e["n"] == 18 for e in by_size.values())


def test_trend_needs_replicates():
    trend = sd_trend(make_rows(arms=("soft",), replicates=1), "soft")
    assert trend["target"] is None and trend["reason"]
    source_only = sd_trend(make_rows(arms=("transfer",)), "transfer")
    assert source_only["source"] and source_only["target"] is None
