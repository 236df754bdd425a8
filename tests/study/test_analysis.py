"""The whole analysis: every part is there, and what cannot be estimated is left out with a reason."""

import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.study.toy import make_toy
from tiny.study_rows import CEILING, LANGUAGES, fail, make_rows, surface
from xner_spacy.errors import MissingExtraError
from xner_spacy.study.design.rows import write_rows
from xner_spacy.study.design.study import report_study

pd = pytest.importorskip("pandas")
pytest.importorskip("altair")
pytest.importorskip("statsmodels")

from benchmarks.study_intervals import checks  # noqa: E402
from xner_spacy.study.analysis.analyse import Analysis, analyse  # noqa: E402
from xner_spacy.study.page.study_figures import View  # noqa: E402
from xner_spacy.study.page.study_page import arm_facts  # noqa: E402


def same(one, other):
    for field in fields(Analysis):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b)
        elif field.name == "surfaces":
            assert set(a) == set(b)
            for arm in a:
                assert a[arm].form == b[arm].form and np.array_equal(a[arm].shape.slopes, b[arm].shape.slopes)
        elif field.name == "by_language":
            assert {arm: set(of) for arm, of in a.items()} == {arm: set(of) for arm, of in b.items()}
        else:
            assert a == b


def test_full_study_is_deterministic():
    rows = make_rows(LANGUAGES[:3], gains={"soft": 0.01})
    rows += make_rows(LANGUAGES[:2], ("teacher",), seed=1)
    rows[5] = fail(rows[5])
    first = analyse(rows, samples=60)
    same(analyse(list(reversed(rows)), samples=60), first)
    assert first.rows["reason"].tolist().count("killed") == 1
    assert set(first.surfaces) == {"teacher", "transfer", "hard", "soft"}


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
    assert len(result.means) and np.isfinite(result.means["value"]).all()
    for arm in result.rows["arm"].unique():
        assert arm in result.surfaces or any(what == "Surface" and name == arm for what, name, _ in result.unknown)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("share", [0.4, 0.15, 0.05])
def test_a_study_that_has_just_begun(share):
    random = np.random.default_rng(3)
    rows = make_rows(arms=("transfer", "soft"))
    rows += make_rows(("lug",), ("soft",), block="variance", crossed=True, targets=(320,))
    result = analyse([row for row in rows if random.random() < share], samples=30)
    for arm, fit in result.surfaces.items():
        for size in fit.sizes:
            estimate = fit.level(fit.f1(*size))
            assert not estimate["low"] > estimate["value"] and not estimate["high"] < estimate["value"], (arm, size)
    shares = result.components.groupby("arm", observed=True)["share"].sum()
    assert np.allclose(shares, 1)


def test_nothing_measured():
    for rows in ([], [fail(row) for row in make_rows(("lug",), ("soft",))]):
        result = analyse(rows, samples=30)
        assert len(result.rows) == len(rows)
        assert result.means.empty and result.contrasts.empty and not result.surfaces


@pytest.fixture(scope="module")
def exact():
    """An analysis of rows without noise."""
    quiet = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}
    rows = make_rows(arms=("transfer", "hard", "soft"), gains={"soft": 0.02}, **quiet)
    rows = [replace(row, minus_transfer=0.01 * np.log10(row.n_target) if row.n_target else 0.0) for row in rows]
    return analyse(rows, samples=60)


def test_the_facts_of_an_arm_are_those_of_the_rows(exact):
    soft = arm_facts(View(exact, {}), "soft")
    ceiling = np.mean(list(CEILING.values())) + 0.02
    assert [(one["n_source"], one["n_target"]) for one in soft["corners"]] == [
        (320, 100), (320, 3200), (10000, 100), (10000, 3200),
    ]  # fmt: skip
    for one in soft["corners"]:
        assert one["value"] == pytest.approx(ceiling - surface(one["n_source"], one["n_target"]))
    least, most = soft["against"]["transfer"]
    assert (least["n_target"], least["value"]) == (100, pytest.approx(0.02))
    assert (most["n_target"], most["value"]) == (3200, pytest.approx(0.01 * np.log10(3200)))
    assert "teacher" not in soft["against"]
    for one in soft["all_ratios"]:
        assert one["least"] * 0.999 <= one["low"] <= one["ratio"] <= one["high"] <= one["most"] * 1.001
        assert one["gain"]["value"] >= 0


def test_surface_of_the_rows(exact):
    assert exact.surfaces["soft"].form == "power"
    assert exact.surfaces["soft"].point.alpha[0] == pytest.approx(0.5, abs=0.01)
    assert set(exact.by_language) == {"hard", "soft"} and set(exact.by_language["soft"]) == set(LANGUAGES)
    assert exact.surfaces["soft"].f1(1000, 1000, "yor")[0] == pytest.approx(0.52 - surface(1000, 1000), abs=0.003)


def test_a_missing_extra_is_one_line(tmp_path, monkeypatch):
    config = make_toy(tmp_path)
    write_rows(tmp_path / "report" / "results.csv", [])
    for name in ("pandas", "statsmodels.formula.api", "altair", "vl_convert"):
        with monkeypatch.context() as patch:
            for module in [
                name for name in sys.modules if name.startswith(("xner_spacy.study.", "xner_spacy.report."))
            ]:
                if ".design" not in module:
                    patch.delitem(sys.modules, module)
            patch.setitem(sys.modules, name, None)
            with pytest.raises(MissingExtraError, match=r"\[study\]"):
                report_study(config)


def test_intervals_benchmark_checks_every_kind():
    found = checks(LANGUAGES[:3], 0.15, 1, 60)
    assert {name for name, *_ in found} >= {
        "mean of all languages",
        "soft - hard, one size",
        "tenfold, source minus target",
        "fitted F1",
        "1,000 more target sentences",
        "best ratio (log10)",
        "gain over the worst ratio",
        "standard deviation",
        "component draw",
    }
    held = [low <= truth <= high for _, low, high, truth in found if low == low]
    assert np.mean(held) > 0.8
