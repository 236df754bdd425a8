"""The surface: recovery of known ones, nulls, noise, outliers and missing cells."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from tiny.study_rows import CEILING, LANGUAGES, SOURCES, TARGETS, make_rows, surface
from xner_spacy.study.answer import best_ratios, equal_rates
from xner_spacy.study.fit import EXPONENTS, Observations, Surface, _resample
from xner_spacy.study.lines import iso_lines, ratio_lines, split, total_lines

EXACT = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}


def fit(rows, samples=0, seed=0) -> Surface:
    return Surface(Observations.from_rows(rows), samples, seed)


def test_exact_surface_is_recovered():
    found = fit(make_rows(arms=("soft",), **EXACT))
    assert found.point.a[0] == pytest.approx(0.1, abs=1e-3)
    assert found.point.alpha[0] == pytest.approx(0.5, abs=1e-2)
    assert found.point.b[0] == pytest.approx(0.05, abs=1e-3)
    assert found.point.beta[0] == pytest.approx(0.4, abs=1e-2)
    for lang, offset in zip(found.data.languages, found.point.offset[0]):
        assert offset == pytest.approx(CEILING[lang], abs=2e-3)
    assert found.r2()[0] > 0.9999 and found.r2()[1] > 0.9999
    assert found.f1(1000, 320, "lug")[0] == pytest.approx(CEILING["lug"] - surface(1000, 320), abs=1e-3)
    checked = found.cross_validate()
    assert (checked["folds"], checked["held_out"]) == (16, 96)
    assert checked["rmse"] < 0.002 < 0.01 < checked["rmse_loglinear"] < checked["rmse_mean"]
    for axis in ("source", "target"):
        beyond = checked["extrapolation"][axis]
        assert beyond["held_out"] == 24
        assert beyond["rmse"] < 0.01 < beyond["rmse_loglinear"]


@settings(max_examples=20, deadline=None)
@given(
    a=st.floats(-0.05, 0.15),
    alpha=st.floats(0.2, 1.2),
    b=st.floats(-0.03, 0.08),
    beta=st.floats(0.2, 1.2),
)
def test_any_exact_surface_is_reproduced(a, alpha, b, beta):
    shape = {"a": a, "alpha": alpha, "b": b, "beta": beta}
    rows = make_rows(("lug", "yor"), ("soft",), replicates=1, shape=shape, **EXACT)
    assume(all(0 < row.f1 < 1 for row in rows))
    found = fit(rows)
    assert np.abs(found.fitted() - found.data.f1).max() < 2e-3


def test_least_squares_agrees_with_scipy():
    rows = make_rows(("lug", "yor", "hau"), ("soft",), seed=3)
    found = fit(rows)
    found.weights = np.ones(len(rows))
    found.point = found._fit(found.weights[None, :], refine=True)
    data = found.data
    source, target = found.source[data.size] / 1000, found.target[data.size] / 1000

    def residual(x):
        return x[4:][data.lang] - x[0] * source ** -x[1] - x[2] * target ** -x[3] - data.f1

    start = np.array([0.1, 0.5, 0.05, 0.5, 0.6, 0.6, 0.6])
    low = np.array([-2, EXPONENTS[0], -2, EXPONENTS[0], 0, 0, 0])
    high = np.array([2, EXPONENTS[1], 2, EXPONENTS[1], 1, 1, 1])
    expected = least_squares(residual, start, bounds=(low, high))
    assert ((found.fitted() - data.f1) ** 2).sum() <= 2 * expected.cost * 1.0005


def test_noisy_surface_within_intervals():
    covered = []
    for seed in range(3):
        found = fit(make_rows(arms=("soft",), seed=seed, sd_language=0.1, sd_teacher=0.005), 200, seed)
        for n_source in SOURCES:
            for n_target in TARGETS:
                gain = found.estimate(found.loss(n_source, n_target) - found.loss(n_source + 1000, n_target))
                truth = surface(n_source, n_target) - surface(n_source + 1000, n_target)
                covered.append(gain["low"] <= truth <= gain["high"])
                gain = found.estimate(found.loss(n_source, n_target) - found.loss(n_source, n_target + 1000))
                truth = surface(n_source, n_target) - surface(n_source, n_target + 1000)
                covered.append(gain["low"] <= truth <= gain["high"])
    assert np.mean(covered) > 0.85


@pytest.mark.parametrize("b", [0.0, -0.02])
def test_target_text_that_does_not_help(b):
    rows = make_rows(arms=("soft",), shape={"b": b}, seed=5)
    found = fit(rows, 200)
    gain = found.estimate(found.loss(0, 100) - found.loss(0, 3200))
    if b:
        assert gain["high"] < 0
    else:
        assert gain["low"] < 0 < gain["high"] and abs(gain["value"]) < 0.02
    best = best_ratios(found)
    assert best and all(point["n_target"] < point["n_source"] for point in best)
    if b:
        assert all(point["edge"] == "high" for point in best)
        assert {point["more"] for point in equal_rates(found)} == {"source"}


def test_a_run_that_went_wrong_does_not_bend_the_surface():
    rows = make_rows(arms=("soft",))
    clean = fit(rows)
    spoiled = list(rows)
    at = next(i for i, r in enumerate(rows) if (r.n_source, r.n_target) == (10000, 3200))
    spoiled[at] = replace(rows[at], f1=0.0)
    moved = fit(spoiled)
    assert moved.weights.min() < 0.2
    plain = fit(spoiled)
    plain.point = plain._fit(np.ones((1, len(rows))), refine=True)
    sizes = [(s, t) for s in SOURCES for t in TARGETS]

    def off(other):
        return max(abs(other.point.loss(s, t)[0] - clean.point.loss(s, t)[0]) for s, t in sizes)

    assert off(moved) < 0.5 * off(plain)


def test_missing_cells():
    random = np.random.default_rng(0)
    rows = [row for row in make_rows(arms=("soft",)) if random.random() < 0.6]
    found = fit(rows, 100)
    for n_source in SOURCES:
        for n_target in TARGETS:
            error = found.f1(n_source, n_target)[0] - (
                np.mean([CEILING[lang] for lang in LANGUAGES]) - surface(n_source, n_target)
            )
            assert abs(error) < 0.02


def test_ceiling_is_at_most_one():
    rows = make_rows(("lug",), ("soft",), **EXACT)
    rows = [replace(r, f1=0.1 + 0.15 * np.log10(r.n_source * r.n_target / 32000)) for r in rows]
    found = fit(rows)
    assert found.point.offset.max() <= 1.0
    assert np.abs(found.fitted() - found.data.f1).max() < 0.05


def test_one_axis():
    found = fit(make_rows(arms=("transfer",)), 100)
    assert found.has_source and not found.has_target
    assert found.point.b[0] == 0
    assert found.point.a[0] == pytest.approx(0.1, abs=0.03)
    assert not total_lines(found) and not ratio_lines(found) and not equal_rates(found)


def test_what_cannot_be_resampled_has_no_interval():
    single = fit(make_rows(("lug",), ("soft",), replicates=1), 100)
    assert single.covers == ["test sentences"]
    assert single.estimate(single.shape.alpha)["low"] is None
    assert single.level(single.f1(1000, 1000))["low"] is not None
    one = fit(make_rows(("lug",), ("soft",)), 100)
    assert one.covers == ["test sentences", "replicates"]
    many = fit(make_rows(arms=("soft",), replicates=1), 100)
    assert many.covers == ["test sentences", "languages"]
    for found in (one, many):
        assert found.estimate(found.shape.alpha)["low"] is not None


def test_rescaled_bootstrap_is_unbiased():
    random = np.random.default_rng(0)
    values = random.normal(size=3)
    weights = _resample(random, 3, 40000)
    assert weights.sum(axis=1) == pytest.approx(np.full(40000, 3.0))
    means = weights @ values / 3
    assert means.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.03)
    assert (_resample(random, 1, 5) == 1).all()


def test_lines_stay_within_what_was_measured():
    found = fit(make_rows(arms=("soft",)), 50)
    totals, ratios = iso_lines({"soft": found})
    assert totals and ratios
    for point in totals + ratios:
        assert 320 * 0.999 <= point["n_source"] <= 10000 * 1.001
        assert 100 * 0.999 <= point["n_target"] <= 3200 * 1.001
        assert point["n_source"] + point["n_target"] == pytest.approx(point["total"])
        assert point["n_source"] / point["n_target"] == pytest.approx(point["ratio"])
        assert point["low"] <= point["f1"] <= point["high"]
    assert len({point["total"] for point in totals}) <= 5
    assert split(4000, 3) == (3000, 1000)


def test_best_ratio_is_where_the_rates_are_equal():
    found = fit(make_rows(arms=("soft",), **EXACT), 50)
    inner = [point for point in best_ratios(found) if point["edge"] is None]
    assert inner
    for point in inner:
        rate_source = 0.1 * 0.5 * (point["n_source"] / 1000) ** -1.5
        rate_target = 0.05 * 0.4 * (point["n_target"] / 1000) ** -1.4
        assert rate_source == pytest.approx(rate_target, rel=0.1)
    crossing = [point for point in equal_rates(found) if point["n_source"] is not None]
    assert crossing
    for point in crossing:
        rate_source = 0.1 * 0.5 * (point["n_source"] / 1000) ** -1.5
        rate_target = 0.05 * 0.4 * (point["n_target"] / 1000) ** -1.4
        assert rate_source == pytest.approx(rate_target, rel=0.1)


def test_same_seed_same_intervals():
    rows = make_rows(arms=("soft",))
    first, second = fit(rows, 50, 7), fit(list(rows), 50, 7)
    assert (first.shape.alpha == second.shape.alpha).all()
    assert (first.levels.offset == second.levels.offset).all()
    assert not (first.shape.alpha == fit(rows, 50, 8).shape.alpha).all()


def test_too_few_sizes():
    with pytest.raises(ValueError, match="two sizes"):
        fit(make_rows(arms=("soft",), sources=(1000,), targets=(320,)))
