"""Figures and tables of a study hold the numbers of its analysis, and no others."""

from typing import Dict, List

import pytest

from .report_rows import META, whole_study

pytest.importorskip("altair")
pytest.importorskip("statsmodels")

from xner_spacy.report.document import Figure
from xner_spacy.study.analysis.analyse import Analysis, analyse
from xner_spacy.study.analysis.ratios import iso_lines, rates
from xner_spacy.study.design.rows import ARMS
from xner_spacy.study.page.study_figures import ARM_NAMES, DESCRIPTIONS, SHORT, View, make_figures, ratio
from xner_spacy.study.page.study_page import FORM_NAMES, arm_facts, make_tables


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(whole_study(failures=0), samples=30)


@pytest.fixture(scope="module")
def view(analysis: Analysis) -> View:
    return View(analysis, META["languages"])


@pytest.fixture(scope="module")
def figures(view: View) -> Dict[str, Figure]:
    return {key: figure for key, figure in make_figures(view).items() if figure is not None}


def lines(figure: Figure) -> List[list]:
    return figure.table.data.to_numpy().tolist()


def test_view_sorts_arms_and_languages(view: View) -> None:
    assert view.languages == ["lug", "luo", "tsn", "hau", "swa"]
    assert view.main_arms == ["hard", "soft"] and view.target_arms == ["hard", "soft", "tsl"]
    assert view.arm_languages["tsl"] == ["lug", "luo", "tsn"] and view.arm("tsl").endswith("3 languages")


def test_a_size_of_several_blocks_is_that_of_main(view: View, analysis: Analysis) -> None:
    own = analysis.rows.query("block == 'main' and lang == 'lug' and n_source == 1000 and n_target == 320")
    mean = view.group("soft", "lug").query("n_source == 1000 and n_target == 320")["value"].item()
    assert mean == pytest.approx(100 * own.loc[own["arm"] == "soft", "f1"].mean())


def test_heat_maps_and_curves_show_the_means(view: View, figures: Dict[str, Figure]) -> None:
    for key in ("f1-main", "f1-by-target", "f1-by-source"):
        assert len(lines(figures[key])) == 32
        for arm, s, t, value, low, high, count in lines(figures[key]):
            name = next(a for a in view.main_arms if view.arm(a) == arm)
            mean = view.group(name).set_index(["n_source", "n_target"]).loc[(s, t)]
            assert (value, low, high, count) == (mean["value"], mean["low"], mean["high"], 15)


def test_student_minus_teacher_only_where_it_is_known(view: View, figures: Dict[str, Figure]) -> None:
    for name in ("teacher", "transfer"):
        assert {line[0] for line in lines(figures[f"minus-{name}"])} == {SHORT[arm] for arm in view.target_arms}
    mean = view.group("soft", quantity="minus_teacher").query("n_source == 320 and n_target == 100")["value"].item()
    assert mean < 0 and mean in figures["minus-teacher"].table.data["difference"].tolist()


def test_languages_without_a_teacher_have_figures_too(view: View, figures: Dict[str, Figure]) -> None:
    assert all(f"f1-{lang}" in figures for lang in view.languages)
    by_language = lines(figures["by-language"])
    known = {(line[0], line[1]) for line in by_language}
    assert ("Luganda", SHORT["teacher"]) in known and ("swa", SHORT["teacher"]) not in known
    assert {arm for lang, arm in known if lang == "swa"} == {SHORT[arm] for arm in ("transfer", "hard", "soft")}
    # Students with the most target text.
    assert {line[3] for line in by_language} == {0, 3200}


def test_estimates_hold_the_numbers_of_the_analysis(analysis: Analysis, figures: Dict[str, Figure]) -> None:
    for kind in ("total", "ratio"):
        expected = [100 * v for arm in ("hard", "soft") for v in iso_lines(analysis.surfaces[arm], kind)["value"]]
        assert figures[f"iso-{kind}"].table.data["F1"].tolist() == pytest.approx(expected)
    found = figures["rates"].table.data.query(f"arm == '{SHORT['soft']}'")
    assert found["gain"].tolist() == pytest.approx((100 * rates(analysis.surfaces["soft"])["value"]).tolist())


def test_means_without_the_language_of_another_domain(view: View, figures: Dict[str, Figure]) -> None:
    found = figures["f1-without"].table.data
    rows = view.analysis.rows.query("block == 'main' and lang != 'hau' and arm == 'soft'")
    here = found.query(f"arm == '{SHORT['soft']}' and n_source == 1000 and n_target == 320")
    expected = rows.query("n_source == 1000 and n_target == 320").groupby("lang")["f1"].mean().mean()
    assert here["F1"].item() == pytest.approx(100 * expected) and len(found) == 32
    few = analyse([row for row in whole_study(failures=0) if row.lang in ("lug", "luo")], samples=20)
    assert few.without_apart.empty and make_figures(View(few, META["languages"]))["f1-without"] is None


def test_contrasts_are_over_all_sizes(analysis: Analysis, figures: Dict[str, Figure]) -> None:
    entry = analysis.contrasts.query("a == 'soft' and b == 'hard' and lang == 'all' and n_source == 0").iloc[0]
    name = f"{SHORT['soft']} minus {SHORT['hard']}"
    expected = [name, "all", *(100 * entry[part] for part in ("value", "low", "high")), entry["n"]]
    assert expected in lines(figures["contrasts"])
    assert "Luganda" in figures["contrasts"].table.data["of"].tolist()
    assert {line[0] for line in lines(figures["designs"])} == {SHORT["soft"]}
    for key in ("spread", "mirrored", "tenfolds"):
        assert lines(figures[key])


def test_shares_of_the_variance_add_up(figures: Dict[str, Figure]) -> None:
    shares = figures["variance"].table.data.groupby("arm")["share in %"].sum()
    assert shares.tolist() == pytest.approx([100] * len(shares))
    assert "language × size" in figures["variance"].table.data["cause"].tolist()


def test_tables(view: View, analysis: Analysis) -> None:
    arms = {arm: arm_facts(view, arm) for arm in analysis.means["arm"].unique()}
    tables = make_tables(view, arms, META)
    assert len(tables["robustness"].rows) == len(analysis.robustness) and len(tables["key"].rows) == 3
    fit = tables["fit"].data
    assert list(fit.columns[3:8]) == [*FORM_NAMES.values(), "mean alone"] and "failed" not in tables
    soft = fit[fit["arm"] == SHORT["soft"]]
    assert soft["language"].tolist()[0] == "all" and len(soft) == 1 + len(view.arm_languages["soft"])
    assert soft["form"].tolist()[0] == FORM_NAMES[analysis.surfaces["soft"].form]


def test_ratios() -> None:
    assert ratio(3.2) == "3.2\u00a0:\u00a01" and ratio(0.1) == "1\u00a0:\u00a010" and ratio(1.0) == "1\u00a0:\u00a01"


def test_every_arm_has_a_name_and_is_explained() -> None:
    assert tuple(ARM_NAMES) == tuple(DESCRIPTIONS) == ARMS
