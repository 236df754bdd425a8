"""What a report says follows the numbers, whatever they are."""

import copy
import re
from typing import Any, Dict, List, Optional, Tuple

import pytest

from xner_spacy.study.design.rows import Row

from .report_rows import META, grid_rows

pytest.importorskip("altair")
pytest.importorskip("statsmodels")

from xner_spacy.report.document import TextTemplates
from xner_spacy.study.analysis.analyse import Analysis, analyse
from xner_spacy.study.page.study_figures import View
from xner_spacy.study.page.study_page import FILTERS, arm_facts, facts

Ends = Tuple[Optional[float], Optional[float]]
Facts = Dict[str, Any]
NAN = float("nan")


def facts_of(found: Analysis, names: Dict[str, str]) -> Facts:
    view = View(found, names)
    return facts(view, {arm: arm_facts(view, arm) for arm in found.means["arm"].unique()})


def tell(known: Facts, section: str = "The answer") -> str:
    """RETURNS (str): A section of the text, in one line."""
    text = TextTemplates("xner_spacy.study.page", FILTERS)
    values = {"question": "", **META, **known, "put": lambda *said, **kind: "", "listing": lambda *names: ""}
    written = text.markdown.get_template("study.md").render(**values)
    return " ".join(written.split(f"## {section}\n")[1].split("\n## ")[0].split()).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def analysed() -> Analysis:
    return analyse(grid_rows(["lug", "swa"], ["teacher", "transfer", "hard", "soft"]), samples=20)


@pytest.fixture(scope="module")
def told(analysed: Analysis) -> Facts:
    return facts_of(analysed, META["languages"])


@pytest.fixture()
def known(told: Facts) -> Facts:
    return copy.deepcopy(told)


def estimate(low: Optional[float], high: Optional[float]) -> Dict[str, float]:
    if low is None or high is None:
        return {"value": 0.0, "low": NAN, "high": NAN}
    return {"value": (low + high) / 2, "low": low, "high": high}


MORE = "More of the answer"
FIRST = {"value": 266.4, "low": 183.0, "high": 488.0}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, r"^Spend about 5[0-9]% of the budget on labelled source sentences and 4[0-9]% on target .*; it matters "),
        ({"share": {"value": 0.335, "low": 0.2, "high": 0.4}}, "^Spend about 34% .* and 66% on target"),
        ({"near": [0.204, 0.707]}, "matters little between 20% and 71% on source sentences"),
        ({"first": FIRST, "all": False}, "; below 270 sentences of target text"),
        ({"first": FIRST, "all": False}, r"Below 266 \(183–488, alike\) target"),
        (
            {"first": FIRST, "all": False, "few": 100.0, "source_gain": {"value": 0.08, "low": 0.03, "high": 0.13}},
            r"Source text still helps there: with 100 target sentences, ten times .* \+8.0 \(3.0–13.0, alike\) points",
        ),
        (
            {"first": FIRST, "all": False, "source_gain": {"value": 0.03, "low": -0.02, "high": 0.08}},
            "Whether source text helps there is within the noise: ",
        ),
        ({"first": {"value": 3200.0, "low": 3000.0, "high": 3200.0}, "all": True}, "; whatever there is of the other"),
        ({"first": None, "all": False}, "on source sentences. This is for"),
        ({"edge": "least source"}, r"end of what was measured \(the least source text\)"),
        ({"gain": {"value": 0.123, "low": 0.1, "high": 0.15}}, r"\+12.3 \(10.0–15.0, alike\) points"),
    ],
)
def test_the_answer_is_one_sentence_of_numbers(known: Facts, changes: Dict[str, Any], says: str) -> None:
    known["best"]["answer"].update(changes)
    assert re.search(says, tell(known)), tell(known)[:600]


def test_without_a_surface_the_first_sentence_is_left_out(known: Facts) -> None:
    known["best"]["answer"] = None
    assert tell(known).startswith("F1 stands in points") and "None" not in tell(known)
    assert "With soft projection, mean F1" in tell(known, MORE)


def test_every_interval_says_what_it_is_about(known: Facts) -> None:
    for section in ("The answer", MORE):
        for sentence in re.split(r"(?<=[.;]) ", tell(known, section)):
            brackets = re.findall(r"\((?:95% interval )?[−\d.,]+(?:–| to )[^()]*\)", sentence)
            words = {re.search(r"(these|alike)\)$", one) for one in brackets}
            assert None not in words, sentence
            assert len({match.group(1) for match in words if match}) < 2, sentence


@pytest.mark.parametrize(
    ("low", "high", "says"), [(0.01, 0.02, "worth more"), (-0.02, -0.01, "worth less"), (-0.01, 0.01, "add up")]
)
def test_together(known: Facts, low: float, high: float, says: str) -> None:
    known["best"]["tenfold"]["interaction"] = estimate(low, high)
    assert says in tell(known, MORE)


def test_best_ratio_at_an_edge_is_called_so(known: Facts) -> None:
    totals = known["best"]["all_ratios"][:3]
    for entry, edge in zip(totals, ("least source", "most source", None)):
        entry["edge"] = edge
    known["best"].update(ratios=totals, all_ratios=totals)
    text = tell(known, MORE)
    assert "(the least source text measured)" in text and "(the most source text measured)" in text
    assert "for 2 of 3 totals" in text


def test_without_best_ratios_none_is_told(known: Facts) -> None:
    known["best"].update(ratios=[], all_ratios=[])
    assert "best ratio" not in tell(known, MORE)


def test_worth(known: Facts) -> None:
    known["best"]["rates"] = [
        {"n_target": 100.0, "n_source": 1000.0, "low": 900.0, "high": 1100.0, "more": None},
        {"n_target": 1000.0, "n_source": None, "more": "source"},
        {"n_target": 3200.0, "n_source": None, "more": "target"},
    ]
    text = tell(known, "Ratio, total and marginal rates")
    assert "with 100 translated, up to 1,000 labelled (900–1,100, alike)" in text
    assert "with 1,000 translated, always;" in text and "with 3,200 translated, never." in text
    known["best"]["rates"] = [{"n_target": 100.0, "n_source": None, "more": "neither"}]
    assert "is worth more" not in tell(known, "Ratio, total and marginal rates")


def test_languages_between_which_the_gains_lie(known: Facts) -> None:
    known["best"]["between"]["target"] = [(-0.012, "Luganda"), (0.1, "Luo"), (0.2, "swa")]
    text = tell(known, MORE)
    assert "translated target sentences bring from −1.2 (Luganda) to +20.0 (swa)." in text
    assert "The worst, Luganda, lies" in text and "points behind the mean" in text


def test_the_better_main_arm_is_spoken_of(analysed: Analysis) -> None:
    assert facts_of(analysed, {})["best"]["name"] == "soft projection"
    better = copy.copy(analysed)
    better.means = analysed.means.copy()
    better.means.loc[(better.means["arm"] == "hard") & (better.means["quantity"] == "f1"), "value"] = 0.99
    assert facts_of(better, {})["best"]["name"] == "hard pseudo-labels"
    assert "Nothing was measured yet that answers the question." in tell(facts_of(analyse([]), {}))


def test_limits_name_sizes_replicates_and_languages_without_a_teacher(known: Facts) -> None:
    text = tell(known, MORE)
    assert "320 to 10,000 labelled and 100 to 3,200 translated" in text
    assert "3 replicates" in text and "test sentences of swa have none" in text
    assert "One source language, &lt;English&gt;." in text


def test_the_first_paragraph_answers_with_numbers_of_the_analysis(known: Facts) -> None:
    first, soft = tell(known) + tell(known, MORE), known["best"]
    for corner in (soft["corners"][0], soft["corners"][-1]):
        assert f"{100 * corner['value']:.1f} ({100 * corner['low']:.1f}–" in first
    for kind in ("source", "target"):
        assert f"+{100 * soft['tenfold'][kind]['value']:.1f} (" in first
    assert "best ratio" in first and "standard deviation" in first


def test_every_number_of_the_answer_changes_with_the_rows(known: Facts) -> None:
    rows: List[Row] = grid_rows(languages=["luo"], arms=["hard"], sources=(100, 1000, 10000))
    found = facts_of(analyse(rows, samples=30), META["languages"])
    texts = [tell(one) + tell(one, MORE) for one in (known, found)]
    other = texts[1]
    numbers = [set(re.findall(r"\d\d\.\d", text)) for text in texts]
    assert len(numbers[0]) > 8 and len(numbers[1]) > 8
    assert len(numbers[0] & numbers[1]) <= 3
    assert "hard pseudo-labels" in other and "1 language goes" in other


def test_what_could_not_be_estimated_is_said() -> None:
    rows = grid_rows(arms=["hard", "soft"], replicates=[(0, 0)])
    text = tell(facts_of(analyse(rows, samples=20), {}), "What is missing")
    assert re.search("- Shares of the variance, .*soft projection", text) and ".." not in text
