"""What to collect next, and what to expect of it, from the surfaces of a study: `xner study plan`.

It needs numpy and scipy alone, and reads `report.json` of a study, or the surfaces that come with the package.
"""

from math import sqrt
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from scipy import special
from typing_extensions import NotRequired, TypedDict

from ..corpora.reading import read_json
from ..errors import XnerError
from ..types import Json, PathLike
from .analysis.forms import Solution
from .design.rows import TRANSFER_ARMS

# The surfaces of a published study, a copy of a part of its report.json (projects/ratio-study/scripts/packaged.py).
PACKAGED = Path(__file__).parent / "measured.json"
KINDS = ("source", "target")
NAMES = {"source": "labelled source sentences", "target": "target sentences with a translation"}
LEAST_LANGUAGES = 3


class Expected(TypedDict):
    """A surface as numbers, see `analysis.compact.expectations`."""

    form: str
    source: List[float]
    target: List[float]
    fit: List[float]
    languages: Dict[str, List[float]]


class Measured(TypedDict):
    """The parts of `report.json` that are needed here. answer: Its `arm` is the one to speak of."""

    answer: Optional[Dict[str, Any]]
    surfaces: Dict[str, Expected]
    study: NotRequired[str]


def plan_study(
    n_source: int,
    n_target: int,
    *,
    report: Optional[PathLike] = None,
    arm: Optional[str] = None,
    budget: float = 1000.0,
    price_source: float = 1.0,
    price_target: float = 1.0,
) -> Json:
    """Say what to collect next for a language with these numbers of sentences, and what to expect.

    n_source (int): Labelled source sentences. n_target (int): Target sentences with a translation. report (PathLike):
        The `report.json` of a study; the one that comes with the package if None. arm (Optional[str]): The kind of
        student; that of the study's answer if None.
    budget (float): What can be spent on either kind. price_source, price_target (float): Of a sentence.
    RETURNS (Json): `arm`; `study`; `languages`, the codes behind it; `f1`, to be expected now; `options`: for each kind
        `more` (sentences that the budget buys), and their `gain`, or None where that is outside of what was measured;
        `difference`, the gain of source minus that of target sentences; `next`, the kind that gains more in the mean,
        None if one is outside; `decided`, whether the interval of the difference leaves out zero; `better`, in how many
        languages target sentences gain more. All numbers of F1 are in [0, 1], with the limits `low` and `high` of a 95%
        interval for one language like these.
    RAISES: XnerError for sizes outside of what was measured, or a study without a surface.
    """
    known: Measured = read_json(Path(report or PACKAGED), Measured, hint="Make it: xner study report CONFIG.")
    arm = arm or (known["answer"] or {}).get("arm")
    expected = known["surfaces"].get(arm or "")
    if expected is None:
        arms = ", ".join(known["surfaces"]) or "none"
        raise XnerError(f"No surface of the arm {arm} was measured.", f"There are: {arms}.")
    sizes = {"source": float(n_source), "target": float(n_target)}
    ends = {"source": expected["source"], "target": expected["target"]}
    for kind in KINDS:
        low, high = ends[kind]
        if not low <= sizes[kind] <= high:
            raise XnerError(
                f"{sizes[kind]:,.0f} {name_of(kind, arm or '')} are outside of what was measured, {low:,.0f} to {high:,.0f}.",
                "Nothing is known there. Choose numbers inside, or measure your own: xner study run.",
            )
    prices = {"source": price_source, "target": price_target}
    fits = solution_of(list(expected["languages"].values()) or [expected["fit"]])
    now = _f1(fits, sizes)
    gains, options = {}, {}
    for kind in KINDS:
        more = budget / prices[kind]
        after = {**sizes, kind: sizes[kind] + more}
        inside = after[kind] <= ends[kind][1]
        if inside:
            gains[kind] = _f1(fits, after) - now
        options[kind] = {"more": more, "gain": for_one_language(gains[kind], -1.0) if inside else None}
    result = {"arm": arm, "study": known.get("study", str(report)), "languages": list(expected["languages"])}
    result.update(
        f1=for_one_language(now, 0.0), options=options, difference=None, next=None, decided=False, better=None
    )
    if len(gains) == len(KINDS):
        difference = for_one_language(gains["source"] - gains["target"], -1.0)
        least, most = difference["low"], difference["high"]
        decided = least is not None and most is not None and not least <= 0 <= most
        better = int((gains["target"] > gains["source"]).sum())
        larger = "source" if (difference["value"] or 0.0) > 0 else "target"
        result.update(difference=difference, next=larger, decided=decided, better=better)
    return result


def name_of(kind: str, arm: str) -> str:
    """RETURNS (str): What the sentences of a kind are called, for students of an arm."""
    is_plain = kind == "target" and arm in TRANSFER_ARMS
    return "target sentences of plain text" if is_plain else NAMES[kind]


def solution_of(fits: Sequence[Sequence[float]]) -> Solution:
    """RETURNS (Solution): The fits of languages, each [c, seven slopes, alpha, beta], as samples."""
    rows = np.array(fits, dtype=np.float64).T
    return Solution(rows[1:8], rows[8], rows[9], rows[:1], np.zeros(rows.shape[1], dtype=np.int64))


def _f1(fits: Solution, sizes: Dict[str, float]) -> Any:
    return np.clip(fits.c[0] + fits.height(sizes["source"], sizes["target"]), 0.0, 1.0)


def for_one_language(values: Any, lowest: float) -> Dict[str, Optional[float]]:
    """RETURNS (Dict[str, Optional[float]]): The mean over languages (`value`), and the limits between which one more
    language like them lies with 95%: the prediction interval of Student's t. None for fewer than three languages.
    """
    mean, count = float(np.mean(values)), len(values)
    if count < LEAST_LANGUAGES:
        return {"value": mean, "low": None, "high": None}
    half = float(special.stdtrit(count - 1, 0.975)) * float(np.std(values, ddof=1)) * sqrt(1 + 1 / count)
    return {"value": mean, "low": max(mean - half, lowest), "high": min(mean + half, 1.0)}
