"""All estimates from the rows of a study."""

from dataclasses import dataclass
from typing import Dict, Iterable, List, Sequence, Tuple

import pandas as pd

from ..design.rows import ARMS, SOURCE_ARMS, Row
from .comparisons import contrasts, designs, mirrored, tenfolds, variants
from .hypotheses import APART, Finding, hypotheses
from .intervals import ALL, frame_of, means, of_the_grid, primary
from .spread import Interval, by_size, robustness, trend, variance_components
from .surface import Surface

# How many more rows than parameters a surface needs.
SPARE = 3
# Where the passes over the text are fixed, a student of fewer steps has learnt nothing yet.
LEAST_STEPS = 100


@dataclass
class Analysis:
    """The estimates, each with `value`, `low` and `high`. F1 is in [0, 1]. docs/study-methods.md describes each part.

    rows (DataFrame): All rows, including failed ones. means, contrasts, designs, mirrored, tenfolds (DataFrame): See
        the functions of these names. surfaces (Dict[str, Surface]): By arm, of the mean over languages. by_language
        (Dict[str, Dict[str, Surface]]): By arm and language, for arms that depend on both kinds of text.
    robustness, spread, components (DataFrame): See `robustness`, `by_size` and `variance_components`.
    trends (Dict[str, Dict]): By arm, see `trend`. unknown (List[Tuple[str, str, str]]): What could not be estimated,
        for which arm, and why. hypotheses (List[Finding]): See `hypotheses`.
    variants (DataFrame): See `variants`.
    without_apart (DataFrame): The means over languages without the one whose text is of another domain (`APART`); empty
        if it was not measured, or alone.
    """

    rows: pd.DataFrame
    means: pd.DataFrame
    contrasts: pd.DataFrame
    designs: pd.DataFrame
    mirrored: pd.DataFrame
    tenfolds: pd.DataFrame
    surfaces: Dict[str, Surface]
    by_language: Dict[str, Dict[str, Surface]]
    robustness: pd.DataFrame
    spread: pd.DataFrame
    components: pd.DataFrame
    trends: Dict[str, Dict[str, Interval]]
    unknown: List[Tuple[str, str, str]]
    hypotheses: List[Finding]
    variants: pd.DataFrame
    without_apart: pd.DataFrame


def untrained(frame: pd.DataFrame) -> pd.Series:
    """RETURNS (Series): Which rows are of students with fixed passes over too little text."""
    return frame["design"].eq("epochs") & frame["steps"].between(1, LEAST_STEPS - 1)


def main_design(designs: Iterable[str]) -> str:
    """RETURNS (str): The design to report for an arm: fixed optimiser steps, if it was run."""
    return max(designs, key=lambda design: design == "steps")


def analyse(rows: Sequence[Row], *, samples: int = 500, seed: int = 0) -> Analysis:
    """Compute all estimates.

    rows (Sequence[Row]): All rows, including failed ones. samples (int): Bootstrap samples. seed (int): Bootstrap seed.
    RETURNS (Analysis): The estimates, which do not depend on the order of the rows.
    """
    whole = frame_of(rows)
    frame = whole[~untrained(whole)]
    primary_rows = primary(frame)
    surfaces: Dict[str, Surface] = {}
    by_language: Dict[str, Dict[str, Surface]] = {}
    trends: Dict[str, Dict[str, Interval]] = {}
    unknown: List[Tuple[str, str, str]] = []
    for arm, left_out in whole[untrained(whole)].groupby("arm", observed=True):
        reason = f"{len(left_out)} students had fewer than {LEAST_STEPS} steps, and are left out as untrained"
        unknown.append(("Passes over the text fixed", arm, reason))
    spread = by_size(primary_rows)
    for arm, arm_rows in primary_rows.groupby("arm", observed=True):
        design = main_design(sorted(arm_rows["design"].unique()))
        arm_rows = arm_rows[arm_rows["design"] == design]
        sizes = arm_rows.groupby(["n_source", "n_target"]).ngroups
        if sizes < 3:
            unknown.append(("Surface", arm, "fewer than three sizes"))
        elif len(arm_rows) < arm_rows["lang"].nunique() + 4 + SPARE:
            unknown.append(("Surface", arm, "too few rows"))
        else:
            surfaces[arm] = Surface(arm_rows, samples, seed + ARMS.index(arm))
            if arm not in SOURCE_ARMS:
                by_language[arm] = _of_languages(arm_rows, samples, seed + ARMS.index(arm))
        trends[arm], reason = trend(spread[(spread["arm"] == arm) & (spread["design"] == design)])
        if reason:
            unknown.append(("Change of the spread with the sizes", arm, reason))
    components, reasons = variance_components(of_the_grid(frame))
    unknown += [("Shares of the variance", arm, reason) for arm, reason in reasons.items() if reason]
    by_arm = robustness(primary_rows)
    pairs, by_design, by_mirror, gains = (compare(primary_rows) for compare in (contrasts, designs, mirrored, tenfolds))
    cells = means(frame)
    return Analysis(
        whole,
        cells,
        pairs,
        by_design,
        by_mirror,
        gains,
        surfaces,
        by_language,
        by_arm,
        spread,
        components,
        trends,
        unknown,
        hypotheses(frame, samples, seed),
        variants(frame, primary_rows),
        _without_apart(frame),
    )


def _without_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): See `Analysis.without_apart`."""
    others = frame[frame["lang"] != APART]
    if len(others) == len(frame):
        others = others[:0]
    found = means(others)
    return found[found["lang"] == ALL]


def _of_languages(rows: pd.DataFrame, samples: int, seed: int) -> Dict[str, Surface]:
    """RETURNS (Dict[str, Surface]): The surface of each language that was measured at enough sizes for a choice."""
    parts = {str(lang): part for lang, part in rows.groupby("lang")}
    sizes = {lang: part.groupby(["n_source", "n_target"]).ngroups for lang, part in parts.items()}
    return {lang: Surface(part, samples, seed) for lang, part in parts.items() if sizes[lang] > SPARE + 1}
