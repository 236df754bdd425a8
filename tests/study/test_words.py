"""The answer in words follows the numbers, whatever they are."""

import copy
from typing import Any, List, Optional, Tuple

import pytest

from xner_spacy.study.analysis import analyse
from xner_spacy.study.caveats import limits
from xner_spacy.study.rows import Row
from xner_spacy.study.view import View
from xner_spacy.study.words import answer, headline, worth
from xner_spacy.types import Json

from .report_rows import META, grid_rows

Ends = Tuple[Optional[float], Optional[float]]


@pytest.fixture(scope="module")
def rows() -> List[Row]:
    return grid_rows(["lug", "swa"], ["teacher", "transfer", "hard", "soft"])


@pytest.fixture(scope="module")
def analysed(rows: List[Row]) -> Json:
    return analyse(rows, samples=20)


@pytest.fixture()
def analysis(analysed: Json) -> Json:
    return copy.deepcopy(analysed)


def view(analysis: Json) -> View:
    return View(analysis, META["languages"])


def estimate(low: Optional[float], high: Optional[float]) -> Json:
    middle = 0.0 if low is None or high is None else (low + high) / 2
    return {"difference": middle, "low": low, "high": high, "n": 6}


@pytest.mark.parametrize(
    ("source", "target", "difference", "begins"),
    [
        ((0.01, 0.02), (0.04, 0.05), (-0.04, -0.02), "Both kinds of data raise F1, unlabelled"),
        ((0.04, 0.05), (0.01, 0.02), (0.02, 0.04), "Both kinds of data raise F1, labelled"),
        ((0.01, 0.05), (0.01, 0.05), (-0.02, 0.02), "Both kinds of data raise F1; which of them"),
        ((-0.01, 0.01), (-0.01, 0.01), (0, 0), "Within what was measured, neither"),
        ((0.01, 0.02), (-0.01, 0.01), (0, 0.1), "More labelled source sentences raise F1; more un"),
        (
            (-0.01, 0.01),
            (0.01, 0.02),
            (0, 0.1),
            "More unlabelled target sentences raise F1; more l",
        ),
        ((0.01, 0.02), (-0.03, -0.01), (0, 1), "More labelled source sentences raise F1, more unl"),
        ((-0.02, -0.01), (-0.01, 0.1), (0, 1), "More labelled source sentences lower F1; more un"),
        ((None, None), (None, None), (None, None), "With soft projection, mean F1"),
    ],
)
def test_verdict(analysis: Json, source: Ends, target: Ends, difference: Ends, begins: str) -> None:
    analysis["answer"]["arms"]["soft"]["tenfold"].update(
        source=estimate(*source),
        target=estimate(*target),
        source_minus_target=estimate(*difference),
    )
    assert answer(view(analysis))[0].startswith(begins)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(0.01, 0.02, "worth more"), (-0.02, -0.01, "worth less"), (-0.01, 0.01, "add up")],
)
def test_together(analysis: Json, low: float, high: float, says: str) -> None:
    analysis["answer"]["arms"]["soft"]["tenfold"]["interaction"] = estimate(low, high)
    assert says in answer(view(analysis))[1]


@pytest.mark.parametrize(
    ("trend", "says"),
    [
        ({"value": 1.5, "low": 1.2, "high": 1.9}, "which grows with the ratio (factor 1.50"),
        ({"value": 0.5, "low": 0.3, "high": 0.8}, "which shrinks as the ratio grows (factor 0.50"),
        ({"value": 1.0, "low": 0.8, "high": 1.2}, "does not change it beyond the noise (factor"),
        (None, "standard deviation of"),
    ],
)
def test_steadiness(analysis: Json, trend: Any, says: str) -> None:
    analysis["answer"]["arms"]["soft"]["sd_trend"]["ratio"] = trend
    text = answer(view(analysis))[0]
    assert says in text and (trend is not None or "factor" not in text)


def test_best_ratio_at_an_edge_is_called_so(analysis: Json, rows: List[Row]) -> None:
    totals = analysis["answer"]["arms"]["soft"]["best_ratio"]
    for entry, edge in zip(totals, ("low", "high", None, None, None)):
        entry["edge"] = edge
    del totals[3:]
    text = answer(view(analysis))[0]
    assert "(the most target text measured)" in text and "(the most source text measured)" in text
    assert "for two of three totals" in " ".join(limits(view(analysis), rows))


def test_the_cost_of_a_bad_ratio(analysis: Json) -> None:
    totals = analysis["answer"]["arms"]["soft"]["best_ratio"]
    widest = max(totals, key=lambda entry: entry["most"] / entry["least"])
    widest.update(over_worst=0.123, over_worst_low=0.1, over_worst_high=0.15)
    assert "gains +12.3 (10.0–15.0) points" in answer(view(analysis))[0]
    totals.clear()
    text = answer(view(analysis))[0]
    assert "ratio measured" not in text and "best ratio" not in text


def test_worth(analysis: Json) -> None:
    entry = {"low": 900.0, "high": 1100.0, "ratio": 1.0, "more": None}
    rates = [
        {**entry, "n_target": 100.0, "n_source": 1000.0},
        {"n_target": 1000.0, "n_source": None, "more": "source"},
        {"n_target": 3200.0, "n_source": None, "more": "target"},
    ]
    analysis["answer"]["arms"]["soft"]["equal_rates"] = rates
    text = worth(view(analysis))
    assert "with 100 unlabelled, up to 1,000 labelled (900–1,100)" in text
    assert "with 1,000 unlabelled, always" in text and "with 3,200 unlabelled, never" in text
    rates[:] = [{"n_target": 100.0, "n_source": None, "more": "neither"}]
    assert worth(view(analysis)) == ""


def test_languages_between_which_the_gains_lie(analysis: Json) -> None:
    for entry in analysis["tenfolds"]:
        if (entry["arm"], entry["coefficient"]) == ("soft", "target"):
            entry["difference"] = {"lug": -0.012, "swa": 0.2}.get(entry["lang"], 0.1)
    text = answer(view(analysis))[1]
    assert "target sentences from −1.2 (Luganda) to +20.0 (swa)" in text
    assert "points behind the mean" in text and "The worst, Luganda, lies" in text


def test_the_better_main_arm_is_spoken_of(analysis: Json) -> None:
    assert headline(view(analysis)) == "soft"
    analysis["answer"]["arms"]["hard"]["corners"][-1]["f1"] = 0.99
    assert headline(view(analysis)) == "hard"
    assert answer(view(analysis))[0].count("hard pseudo-labels") == 1
    for arm in ("hard", "soft"):
        analysis["answer"]["arms"][arm]["corners"] = []
    assert headline(view(analysis)) is None
    assert answer(view(analysis)) == ["Nothing was measured yet that answers the question."]
    assert worth(view(analysis)) == ""


def test_limits_name_sizes_replicates_and_languages_without_a_teacher(analysis: Json, rows: List[Row]) -> None:
    text = " ".join(limits(view(analysis), rows))
    assert "320 to 10,000 labelled and 100 to 3,200 unlabelled" in text
    assert "three replicates" in text and "test sentences of swa have none" in text
    assert limits(view(analysis), []) == []
