"""The surface: recovery of known ones of every form, nulls, noise, outliers and missing cells."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from tiny.study_rows import CEILING, LANGUAGES, SOURCES, TARGETS, make_rows, surface

pytest.importorskip("pandas")

from xner_spacy.study.analysis import surface as surface_module
from xner_spacy.study.analysis.divisions import sizes_of
from xner_spacy.study.analysis.forms import EXPONENTS, FORMS
from xner_spacy.study.analysis.intervals import frame_of
from xner_spacy.study.analysis.ratios import (
    best_ratios,
    equal_rates,
    iso_lines,
    lines_of,
    rates,
    total_gain,
)
from xner_spacy.study.analysis.surface import Surface

EXACT = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}


POWER = ("power",)


def fit(rows, samples=0, seed=0, forms=FORMS) -> Surface:
    return Surface(frame_of(rows), samples, seed, forms)


def test_exact_surface_is_recovered():
    found = fit(make_rows(arms=("soft",), **EXACT))
    assert found.form == "power"
    assert -found.point.slopes[5, 0] == pytest.approx(0.1, abs=1e-3)
    assert found.point.alpha[0] == pytest.approx(0.5, abs=1e-2)
    assert -found.point.slopes[6, 0] == pytest.approx(0.05, abs=1e-3)
    assert found.point.beta[0] == pytest.approx(0.4, abs=1e-2)
    for lang, offset in zip(found.languages, found.point.c[:, 0]):
        assert offset == pytest.approx(CEILING[lang], abs=2e-3)
    assert np.nanmax(np.abs(found.table - found.fitted()[:, None])) < 1e-3
    assert found.f1(1000, 320, "lug")[0] == pytest.approx(CEILING["lug"] - surface(1000, 320), abs=1e-3)
    errors = found.errors
    assert errors["power"] < 0.002 < errors["quadratic"] < errors["plane"] < errors["mean"]


TRUTHS = {
    "plane": lambda x, y: 0.06 * x + 0.05 * y,
    "interaction": lambda x, y: 0.06 * x + 0.05 * y + 0.03 * x * y,
    "quadratic": lambda x, y: 0.08 * x + 0.05 * y + 0.02 * x * y - 0.03 * x**2 - 0.02 * y**2,
    "power": lambda x, y: -0.1 * 10 ** (-0.5 * x) - 0.05 * 10 ** (-0.4 * y),
}


def rows_of(truth, seed=0, **options):
    """Rows whose F1 is that of a language, what a function of the logarithms says, and the noise."""
    rows = make_rows(arms=("soft",), shape={"a": 0.0, "b": 0.0}, seed=seed, **options)
    logs = [(np.log10(row.n_source / 1000), np.log10(row.n_target / 1000)) for row in rows]
    moved = [row.f1 - 0.1 + truth(*xy) for row, xy in zip(rows, logs)]
    return [replace(row, f1=f1, f1_low=f1 - 0.02, f1_high=f1 + 0.02) for row, f1 in zip(rows, moved)]


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_truth_is_chosen(form):
    found = fit(rows_of(TRUTHS[form], sd_seed=0.004, sd_draw=0.004, sd_rest=0.002), 40)
    errors = {name: found.errors[name] for name in FORMS}
    # Among forms that hold the truth the noise decides: the plane is a plane with interaction, too.
    holding = {"plane": FORMS[:3], "interaction": FORMS[1:3]}.get(form, (form,))
    assert found.form in holding and found.errors[found.form] == min(errors.values())
    assert sum(found.chosen[name] for name in holding) > 0.7
    assert sum(found.chosen.values()) == pytest.approx(1)
    for n_source in SOURCES:
        for n_target in TARGETS:
            x, y = np.log10(n_source / 1000), np.log10(n_target / 1000)
            truth = np.mean(list(CEILING.values())) - 0.1 + TRUTHS[form](x, y)
            assert found.f1(n_source, n_target)[0] == pytest.approx(truth, abs=0.006)


def test_a_form_can_be_prescribed():
    rows = rows_of(TRUTHS["quadratic"])
    assert fit(rows, 20, forms=("plane", "power")).form in ("plane", "power")
    assert fit(rows, 20, forms=("interaction",)).chosen == {"interaction": 1.0}


def test_a_choice_in_doubt_widens_the_interval():
    """At the ends of the grid the forms disagree, and the samples that chose another form say so."""
    rows = make_rows(arms=("soft",), replicates=3, seed=4, sd_seed=0.03, sd_draw=0.02, sd_language=0.2)
    found = fit(rows, 200)
    assert sum(share > 0.05 for share in found.chosen.values()) > 1

    def width(one):
        ends = one.estimate(one.shape.height(10000, 3200) - one.shape.height(1000, 3200))
        return ends["high"] - ends["low"]

    assert width(found) > width(fit(rows, 200, forms=("plane",)))


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
    found = fit(rows, forms=POWER)
    assert np.abs(found.fitted() - found.mean).max() < 2e-3


def test_least_squares_agrees_with_scipy():
    rows = make_rows(("lug", "yor", "hau"), ("soft",), seed=3)
    found = fit(rows, forms=POWER)
    source, target, y = found.source / 1000, found.target / 1000, found.mean

    def residual(x):
        fitted = x[4:][found.lang] - x[0] * source ** -x[1] - x[2] * target ** -x[3]
        return np.sqrt(found.mass) * (fitted - y)

    start = np.array([0.1, 0.5, 0.05, 0.5, 0.6, 0.6, 0.6])
    low = np.array([-2, EXPONENTS[0], -2, EXPONENTS[0], 0, 0, 0])
    high = np.array([2, EXPONENTS[1], 2, EXPONENTS[1], 1, 1, 1])
    expected = least_squares(residual, start, bounds=(low, high))
    assert (found.mass * (found.fitted() - y) ** 2).sum() <= 2 * expected.cost * 1.0005


def test_noisy_surface_within_intervals():
    covered = []
    for seed in range(3):
        found = fit(make_rows(arms=("soft",), seed=seed, sd_language=0.1, sd_teacher=0.005), 200, seed)
        for n_source in SOURCES:
            for n_target in TARGETS:
                gain = found.estimate(
                    found.shape.height(n_source + 1000, n_target) - found.shape.height(n_source, n_target)
                )
                truth = surface(n_source, n_target) - surface(n_source + 1000, n_target)
                covered.append(gain["low"] <= truth <= gain["high"])
                gain = found.estimate(
                    found.shape.height(n_source, n_target + 1000) - found.shape.height(n_source, n_target)
                )
                truth = surface(n_source, n_target) - surface(n_source, n_target + 1000)
                covered.append(gain["low"] <= truth <= gain["high"])
    assert np.mean(covered) > 0.85


@pytest.mark.parametrize("b", [0.0, -0.02])
def test_target_text_that_does_not_help(b):
    rows = make_rows(arms=("soft",), shape={"b": b}, seed=5)
    found = fit(rows, 200)
    gain = found.estimate(found.shape.height(1000, 3200) - found.shape.height(1000, 100))
    if b:
        assert gain["high"] < 0
    else:
        assert gain["low"] < 0 < gain["high"] and abs(gain["value"]) < 0.02
    best = best_ratios(found)
    assert best and all(point["ratio"] > 1 for point in best)
    if b:
        assert all(point["edge"] in ("least target", "most source") for point in best)
        assert {point["more"] for point in equal_rates(found)} == {"source"}


def test_a_run_that_went_wrong_does_not_bend_the_surface(monkeypatch):
    rows = make_rows(arms=("soft",))
    clean = fit(rows)
    spoiled = list(rows)
    at = next(i for i, r in enumerate(rows) if (r.n_source, r.n_target) == (10000, 3200))
    spoiled[at] = replace(rows[at], f1=0.0)
    moved = fit(spoiled)
    assert moved.weights[moved.weights > 0].min() < 0.2
    monkeypatch.setattr(surface_module, "HUBER", 1e9)
    plain = fit(spoiled)
    sizes = [(s, t) for s in SOURCES for t in TARGETS]

    def off(other):
        return max(abs(other.f1(s, t)[0] - clean.f1(s, t)[0]) for s, t in sizes)

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
    found = fit(rows, forms=POWER)
    assert found.point.c.max() <= 1.0 + 1e-9
    assert np.abs(found.fitted() - found.mean).max() < 0.05


def test_one_axis():
    found = fit(make_rows(arms=("transfer",)), 100)
    assert found.has_source and not found.has_target
    assert (found.shape.slopes[[1, 2, 4, 6]] == 0).all()
    power = fit(make_rows(arms=("transfer",)), 100, forms=POWER)
    assert -power.point.slopes[5, 0] == pytest.approx(0.1, abs=0.03)
    assert not lines_of(found, "total") and not lines_of(found, "ratio") and not equal_rates(found)


def test_what_cannot_be_resampled_has_no_interval():
    single = fit(make_rows(("lug",), ("soft",), replicates=1), 100)
    assert np.isnan(single.estimate(single.shape.height(1000, 1000))["low"])
    assert single.level(single.f1(1000, 1000))["low"] > 0
    for rows in (make_rows(("lug",), ("soft",)), make_rows(arms=("soft",), replicates=1)):
        found = fit(rows, 100)
        gain = found.estimate(found.shape.height(1000, 1000) - found.shape.height(320, 1000))
        assert gain["low"] <= gain["value"] <= gain["high"]


def test_the_bootstrap_has_the_variance_of_replicates():
    rows = make_rows(("lug",), ("soft",), sources=(320, 1000), targets=(320, 1000))
    found = fit([replace(row, f1_low=row.f1, f1_high=row.f1) for row in rows])
    drawn = found._noise_of_replicates(np.random.default_rng(0), 40000)
    expected = np.array([np.var(line, ddof=1) / 3 for line in found.table])
    whole = found.weights.min(axis=1) == 1  # lines without a run that weighs less
    assert drawn.var(axis=1)[whole] == pytest.approx(expected[whole], rel=0.05) and whole.any()


def test_two_sizes_leave_exponent_and_bend_open():
    found = fit(make_rows(arms=("soft",), targets=(320, 1000)), 50)
    assert (found.shape.beta == 0.5).all() and (found.shape.slopes[4] == 0).all()
    assert found.level(found.f1(1000, 1000))["low"] > 0


def test_gains_follow_from_the_surface():
    found = fit(make_rows(arms=("soft",), **EXACT), 50)
    for line in rates(found).to_dict("records"):
        few, more = ((n, 1000) if line["kind"] == "source" else (1000, n) for n in (line["size"], line["size"] + 1000))
        assert line["value"] == pytest.approx(surface(*few) - surface(*more), abs=1e-3)
    gain = total_gain(found)
    ratio, totals = next(line for line in lines_of(found, "ratio") if line[0] == gain["ratio"])
    losses = [surface(*sizes_of(total, ratio)) for total in (totals[0], totals[-1])]
    assert gain["value"] == pytest.approx((losses[0] - losses[1]) / np.log10(totals[-1] / totals[0]), abs=0.002)


def test_lines_stay_within_what_was_measured():
    found = fit(make_rows(arms=("soft",)), 50)
    totals, ratios = (iso_lines(found, kind).to_dict("records") for kind in ("total", "ratio"))
    assert totals and ratios
    for point in totals + ratios:
        assert 320 * 0.999 <= point["n_source"] <= 10000 * 1.001
        assert 100 * 0.999 <= point["n_target"] <= 3200 * 1.001
        assert point["n_source"] + point["n_target"] == pytest.approx(point["total"])
        assert point["n_source"] / point["n_target"] == pytest.approx(point["ratio"])
        assert point["low"] <= point["value"] <= point["high"]
    assert len({point["total"] for point in totals}) <= 5
    assert sizes_of(4000, 3) == (3000, 1000)


def test_best_ratio_is_where_the_rates_are_equal():
    found = fit(make_rows(arms=("soft",), **EXACT), 50)
    inner = [point for point in best_ratios(found) if point["edge"] is None]
    assert inner
    for point in inner:
        n_source, n_target = sizes_of(point["total"], point["ratio"])
        rate_source = 0.1 * 0.5 * (n_source / 1000) ** -1.5
        rate_target = 0.05 * 0.4 * (n_target / 1000) ** -1.4
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
    assert (first.shape.slopes == second.shape.slopes).all()
    assert (first.levels.c == second.levels.c).all()
    assert not (first.shape.slopes == fit(rows, 50, 8).shape.slopes).all()


def test_too_few_sizes():
    with pytest.raises(ValueError, match="two sizes"):
        fit(make_rows(arms=("soft",), sources=(1000,), targets=(320,)))
