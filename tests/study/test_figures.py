"""Figures of a study hold the numbers of its analysis, and no others."""

from typing import Dict, List

import pytest

from xner_spacy.report.figure import Figure
from xner_spacy.study import estimates, figures, tables
from xner_spacy.study.analysis import analyse
from xner_spacy.study.rows import Row
from xner_spacy.study.view import SHORT, View, between, extremes, points, ratio, signed
from xner_spacy.types import Json

from .report_rows import META, whole_study


@pytest.fixture(scope="module")
def rows() -> List[Row]:
    return whole_study(failures=0)


@pytest.fixture(scope="module")
def analysis(rows: List[Row]) -> Json:
    return analyse(rows, samples=30)


@pytest.fixture(scope="module")
def view(analysis: Json) -> View:
    return View(analysis, META["languages"])


def texts(figure: Figure) -> List[str]:
    return [e.text or "" for panel in figure.panels for e in panel.svg.root.iter("text")]


def test_view_sorts_arms_and_languages(view: View) -> None:
    assert view.languages == ["lug", "luo", "tsn", "hau", "swa"]
    assert view.main_arms == ["hard", "soft"] and view.other_arms == ["tsl"]
    assert view.spoken("tsl") == ["lug", "luo", "tsn"]
    assert view.arm("tsl").endswith("3 languages")
    assert view.language("hau") == "Hausa" and view.language("swa") == "swa"


def test_means_are_of_the_main_block(view: View, rows: List[Row]) -> None:
    mean = view.group("soft", "lug")[1000, 320]
    assert mean["block"] == "main" and mean["n"] == 3
    own = [
        row.f1
        for row in rows
        if (row.block, row.lang, row.arm, row.n_source, row.n_target) == ("main", "lug", "soft", 1000, 320)
    ]
    assert mean["f1"] == pytest.approx(sum(own) / 3)


def test_heat_maps_and_curves_show_the_means(view: View) -> None:
    made = {figure.key: figure for figure in figures.measured(view)}
    assert list(made) == ["f1-main", "f1-by-target", "f1-by-source", "by-language", "f1-other"]
    for key in ("f1-main", "f1-by-target", "f1-by-source"):
        for arm, s, t, f1, low, high, count in made[key].table.rows:
            name = next(a for a in view.main_arms if view.arm(a) == arm)
            mean = view.group(name)[s, t]
            assert (f1, low, high) == tuple(100 * mean[k] for k in ("f1", "low", "high"))
            assert count == mean["n"] == 15
        assert len(made[key].table.rows) == 32
    written = texts(made["f1-main"])
    assert all(f"{100 * cell['f1']:.1f}" in written for cell in view.group("soft").values())
    assert {"100", "320", "1,000", "3,200", "10,000"} <= set(texts(made["f1-by-target"]))


def test_student_minus_teacher_is_signed_and_only_where_it_is_known(view: View) -> None:
    teacher, transfer = figures.against_teacher(view)
    assert (teacher.key, transfer.key) == ("minus-teacher", "minus-transfer")
    assert {panel.title for panel in teacher.panels} == {SHORT[a] for a in view.target_arms}
    mean = view.group("soft")[320, 100]["minus_teacher"]
    assert f"−{-100 * mean:.1f}" in texts(teacher)
    assert any(text.startswith("+") for text in texts(transfer))


def test_languages_without_a_teacher_have_figures_too(view: View) -> None:
    made = figures.by_language(view)
    assert list(made) == view.languages
    assert [figure.key for figure in made["swa"]] == ["f1-swa"]
    arms = figures.side_by_side(view)
    assert arms is not None and [panel.title for panel in arms.panels][-2:] == ["Hausa", "swa"]
    known = {(row[0], row[1]) for row in arms.table.rows}
    assert ("Luganda", SHORT["teacher"]) in known and ("swa", SHORT["teacher"]) not in known
    assert {arm for lang, arm in known if lang == "swa"} == {SHORT[arm] for arm in ("transfer", "hard", "soft")}
    # Students with the most target text.
    assert {row[3] for row in arms.table.rows} == {0, 3200}


def test_estimates_hold_the_numbers_of_the_analysis(view: View, analysis: Json) -> None:
    total = estimates.iso_lines(view, "total")
    assert total is not None and [panel.title for panel in total.panels] == [
        SHORT["hard"],
        SHORT["soft"],
    ]
    assert {round(row[-3], 9) for row in total.table.rows} == {
        round(100 * e["f1"], 9) for e in analysis["iso_total"] if e["arm"] in view.main_arms
    }
    same = estimates.iso_lines(view, "ratio")
    assert same is not None
    assert len(same.table.rows) == sum(e["arm"] in view.main_arms for e in analysis["iso_ratio"])
    rates = estimates.rates(view)
    assert rates is not None
    soft = {row[2]: row[3] for row in rates.table.rows if row[:2] == [SHORT["soft"], "labelled"]}
    for point in analysis["surfaces"]["soft"]["points"]:
        assert soft[point["n_source"]] == pytest.approx(100 * point["rate_source"])
    assert list(soft) == sorted(soft) and len(soft) == 4


def test_contrasts_are_over_all_sizes(view: View, analysis: Json) -> None:
    made = estimates.contrasts(view)
    assert made is not None
    entry = next(
        e for e in analysis["contrasts"] if (e["a"], e["b"], e["lang"], e["n_source"]) == ("soft", "hard", "all", None)
    )
    assert [
        f"{SHORT['soft']} minus {SHORT['hard']}",
        "all",
        100 * entry["difference"],
        100 * entry["low"],
        100 * entry["high"],
        entry["n"],
    ] in [list(row) for row in made.table.rows]
    assert "Luganda" in texts(made)


def test_variance_tells_why_a_share_is_missing(view: View) -> None:
    made = estimates.variance(view)
    assert made is not None
    shares: Dict[str, float] = {}
    for arm, _cause, share, *_ in made.table.rows:
        shares[arm] = shares.get(arm, 0.0) + (share or 0.0)
    assert shares[SHORT["soft"]] == pytest.approx(100)
    reasons = {row[0]: row[-1] for row in made.table.rows}
    assert reasons[SHORT["tsl"]] and "language × size" in texts(made)


def test_tables(view: View, analysis: Json) -> None:
    robust, fit, key = (make(view) for make in (tables.robustness_table, tables.fit_table, tables.key_figures))
    assert robust is not None and len(robust.rows) == len(analysis["robustness"])
    assert fit is not None and fit.columns[1:6] == ["c", "a", "alpha", "b", "beta"]
    assert key is not None and len(key.rows) == 3
    for table in (robust, fit, key):
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_slopes_spread_mirrored_designs(view: View) -> None:
    for make in (estimates.slopes, estimates.spread, estimates.mirrored, estimates.designs):
        made = make(view)
        assert made is not None and made.table.rows and made.description
    designs = estimates.designs(view)
    assert designs is not None and [panel.title for panel in designs.panels] == [SHORT["soft"]]


def test_words_for_numbers() -> None:
    assert signed(1.25) == "+1.2" and signed(-1.0) == "−1.0" and signed(0.01) == "0.0"
    assert signed(None) == "–"
    assert between(1.0, 2.0) == "1.0–2.0" and between(-1.0, 2.0) == "−1.0 to 2.0"
    assert between(None, 2.0) == ""
    assert ratio(3.2) == "3.2\u00a0:\u00a01" and ratio(0.1) == "1\u00a0:\u00a010"
    assert ratio(1.0) == "1\u00a0:\u00a01" and points(None) is None
    group = {(1, 2): {"v": 3.0}, (1000, 2): {"v": 1.0}}
    assert extremes(group, lambda cell: cell["v"]) == (
        "from 1.0 at 1,000 labelled and 2 unlabelled to 3.0 at 1 labelled and 2 unlabelled"
    )
    assert extremes({}, lambda cell: None) == "no value"
