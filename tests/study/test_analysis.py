"""The whole analysis: every part is there, and what cannot be estimated is None with a reason."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.study_intervals import checks
from tiny.study_rows import CEILING, LANGUAGES, SOURCES, TARGETS, fail, make_rows, surface
from xner_spacy.study.analysis import analyse

pytest.importorskip("statsmodels")

PARTS = {
    "grid",
    "means",
    "contrasts",
    "designs",
    "tenfolds",
    "surfaces",
    "iso_total",
    "iso_ratio",
    "mirrored",
    "variance",
    "robustness",
    "sd_by",
    "answer",
}


def test_full_study_is_json_and_deterministic():
    rows = make_rows(LANGUAGES[:3], gains={"soft": 0.01})
    rows += make_rows(LANGUAGES[:2], ("teacher",), seed=1)
    rows[5] = fail(rows[5])
    first = analyse(rows, samples=60)
    assert set(first) == PARTS
    text = json.dumps(first, allow_nan=False, sort_keys=True)
    again = analyse(list(reversed(rows)), samples=60)
    assert json.dumps(again, allow_nan=False, sort_keys=True) == text
    assert first["grid"]["n_source"] == list(SOURCES)
    assert first["grid"]["n_target"] == list(TARGETS)
    assert [f["reason"] for f in first["grid"]["failed"]] == ["killed"]
    assert set(first["surfaces"]) == {"teacher", "transfer", "hard", "soft"}


@pytest.mark.parametrize(
    "changes",
    [
        {"languages": ("lug",)},
        {"replicates": 1},
        {"languages": ("lug",), "replicates": 1},
        {"languages": ("lug",), "replicates": 1, "sources": (1000,), "targets": (320,)},
        {"sources": (1000,)},
        {"targets": (1000,)},
        {"sources": (1000, 3200), "targets": (320, 1000)},
        {"arms": ("transfer",)},
        {"arms": ("soft",), "design": "epochs"},
        {"arms": ("soft",), "block": "variance", "crossed": True, "sources": (1000, 3200)},
        {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0},
    ],
)
def test_any_subset(changes):
    result = analyse(make_rows(**changes), samples=30)
    assert set(result) == PARTS
    json.dumps(result, allow_nan=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [0.4, 0.15, 0.05])
def test_a_study_that_has_just_begun(share):
    random = np.random.default_rng(3)
    rows = make_rows(arms=("transfer", "soft"))
    rows += make_rows(("lug",), ("soft",), block="variance", crossed=True, targets=(320,))
    result = analyse([row for row in rows if random.random() < share], samples=30)
    json.dumps(result, allow_nan=False)
    for part in result["variance"].values():
        assert part["reason"] or part["components"]["language"]["sd"] > 0.02
    for entry in result["surfaces"].values():
        for point in entry["points"]:
            for name in ("rate_source", "rate_target"):
                assert point[name] is None or -1 <= point[f"{name}_low"] <= point[f"{name}_high"] <= 1


def test_nothing_measured():
    for rows in ([], [fail(row) for row in make_rows(("lug",), ("soft",))]):
        result = analyse(rows, samples=30)
        assert set(result) == PARTS
        assert len(result["grid"]["failed"]) == len(rows)
        assert not result["means"] and not result["surfaces"]


@pytest.fixture(scope="module")
def exact():
    """An analysis of rows without noise."""
    quiet = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}
    rows = make_rows(arms=("transfer", "hard", "soft"), gains={"soft": 0.02}, **quiet)
    rows = [replace(row, minus_transfer=0.01 * np.log10(row.n_target) if row.n_target else 0.0) for row in rows]
    return analyse(rows, samples=60)


def test_answer_is_that_of_the_rows(exact):
    found = exact["answer"]
    assert found["main"] == ["hard", "soft"]
    assert found["soft_minus_hard"]["difference"] == pytest.approx(0.02)
    ceiling = np.mean(list(CEILING.values())) + 0.02
    soft = found["arms"]["soft"]
    assert [one["corner"] for one in soft["corners"]] == [
        "low_low",
        "low_high",
        "high_low",
        "high_high",
    ]
    for one in soft["corners"]:
        assert one["f1"] == pytest.approx(ceiling - surface(one["n_source"], one["n_target"]))
    gains = {(g["start"], g["stop"], g["at"]): g["difference"] for g in soft["gain_source"]}
    assert set(gains) == {(a, 10 * a, b) for a in (320, 1000) for b in (*TARGETS, None)}
    assert gains[320, 3200, None] == pytest.approx(surface(320, 100) - surface(3200, 100))
    slope = (surface(320, 100) - surface(10000, 100)) / np.log10(10000 / 320)
    assert soft["fitted_gain_source"]["value"] == pytest.approx(slope, rel=0.01)
    least, most = soft["minus_transfer"]["least"], soft["minus_transfer"]["most"]
    assert (least["n_target"], least["value"]) == (100, pytest.approx(0.02))
    assert (most["n_target"], most["value"]) == (3200, pytest.approx(0.01 * np.log10(3200)))
    assert soft["minus_teacher"] == {"least": None, "most": None, "mean": None}
    for one in soft["fitted_gain_total"]:
        parts = [
            surface(total * one["ratio"] / (1 + one["ratio"]), total / (1 + one["ratio"]))
            for total in (one["start"], one["stop"])
        ]
        gain = (parts[0] - parts[1]) / np.log10(one["stop"] / one["start"])
        assert one["value"] == pytest.approx(gain, abs=0.002)
    for one in soft["best_ratio"]:
        assert one["least"] <= one["low"] <= one["ratio"] <= one["high"] <= one["most"]
        assert one["over_worst"] >= 0


def test_surface_of_the_rows(exact):
    found = exact["surfaces"]["soft"]
    assert found["form"] == "F1 = c - a (N_s / 1000)^-alpha - b (N_t / 1000)^-beta"
    assert exact["surfaces"]["transfer"]["form"] == "F1 = c - a (N_s / 1000)^-alpha"
    assert found["params"]["alpha"]["value"] == pytest.approx(0.5, abs=0.01)
    assert not found["params"]["alpha"]["fixed"] and found["params"]["alpha"]["bound"] is None
    assert found["languages"]["yor"]["c"]["value"] == pytest.approx(0.52, abs=0.003)
    assert len(found["points"]) == 16
    for point in found["points"]:
        more = surface(point["n_source"] + 1000, point["n_target"])
        gain = surface(point["n_source"], point["n_target"]) - more
        assert point["rate_source"] == pytest.approx(gain, abs=1e-3)
    assert exact["surfaces"]["transfer"]["points"][0]["rate_target"] is None
    assert {point["n_source"] for point in found["grid"]} >= {320.0}


def test_slope_at_a_fixed_total(exact):
    entry = next(e for e in exact["robustness"] if e["arm"] == "soft")
    assert entry["total"] == 3520
    ratios = np.geomspace(0.1, 34.2, 26)
    levels = [-surface(3520 * r / (1 + r), 3520 / (1 + r)) for r in ratios]
    assert entry["slope"] == pytest.approx(np.polyfit(np.log10(ratios), levels, 1)[0], abs=1e-3)
    assert next(e for e in exact["robustness"] if e["arm"] == "transfer")["slope"] is None


def test_two_sizes_leave_the_exponent_open():
    rows = make_rows(arms=("soft",), targets=(320, 1000))
    params = analyse(rows, samples=30)["surfaces"]["soft"]["params"]
    assert params["beta"] == {
        "value": 0.5,
        "low": None,
        "high": None,
        "fixed": True,
        "bound": None,
    }
    assert not params["alpha"]["fixed"]


def test_intervals_benchmark_checks_every_kind():
    found = checks(LANGUAGES[:3], 0.15, 1, 60)
    assert {name for name, *_ in found} >= {
        "mean of all languages",
        "soft - hard, one size",
        "tenfold, source minus target",
        "fitted F1",
        "1,000 more target sentences",
        "exponent beta",
        "standard deviation",
        "component draw",
    }
    held = [low <= truth <= high for _, low, high, truth in found if low is not None]
    assert np.mean(held) > 0.8
