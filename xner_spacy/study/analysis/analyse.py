"""Everything that is estimated from the rows of a study."""

from dataclasses import dataclass
from math import nan
from typing import Dict, Iterable, List, Sequence, Tuple

import pandas as pd

from ..design.rows import ARMS, SOURCE_ARMS, Row
from .intervals import contrasts, designs, frame_of, means, mirrored, primary, tenfolds
from .ratios import slope
from .spread import Interval, by_size, robustness, trend, variance_components
from .surface import Surface

# Rows beyond the number of parameters of a surface.
SPARE = 3


@dataclass
class Analysis:
    """F1 stays in [0, 1]; docs/study-methods.md describes each part. An estimate has `value`, `low` and `high`.

    rows (DataFrame): All rows, failed ones too. means, contrasts, designs, mirrored, tenfolds (DataFrame): See the
        functions of these names. surfaces (Dict[str, Surface]): By arm. robustness, spread, components (DataFrame): See
        `robustness` (with the slope over the ratio), `by_size` and `variance_components`.
    trends (Dict[str, Dict]): By arm, see `trend`. unknown (List[Tuple[str, str, str]]): What could not be estimated: what,
        for which arm and why.
    """

    rows: pd.DataFrame
    means: pd.DataFrame
    contrasts: pd.DataFrame
    designs: pd.DataFrame
    mirrored: pd.DataFrame
    tenfolds: pd.DataFrame
    surfaces: Dict[str, Surface]
    robustness: pd.DataFrame
    spread: pd.DataFrame
    components: pd.DataFrame
    trends: Dict[str, Dict[str, Interval]]
    unknown: List[Tuple[str, str, str]]


def main_design(designs_there: Iterable[str]) -> str:
    """RETURNS (str): The design that an arm is spoken of by: optimiser steps fixed, where it was run."""
    return max(designs_there, key=lambda design: design == "steps")


def analyse(rows: Sequence[Row], *, samples: int = 500, seed: int = 0) -> Analysis:
    """Estimate all.

    rows (Sequence[Row]): All rows, failed ones too. samples (int): Bootstrap samples. seed (int): Of the bootstrap.
    RETURNS (Analysis): The same for the same rows, in whatever order they come.
    """
    frame = frame_of(rows)
    kept = primary(frame)
    surfaces: Dict[str, Surface] = {}
    trends: Dict[str, Dict[str, Interval]] = {}
    unknown: List[Tuple[str, str, str]] = []
    designs_of: Dict[str, str] = {}
    spread = by_size(kept)
    for arm, own in kept.groupby("arm", observed=True):
        design = main_design(sorted(own["design"].unique()))
        designs_of[arm], own = design, own[own["design"] == design]
        sizes = own.groupby(["n_source", "n_target"]).ngroups
        if sizes < 3:
            unknown.append(("Surface", arm, "fewer than three sizes"))
        elif len(own) < own["lang"].nunique() + 4 + SPARE:
            unknown.append(("Surface", arm, "too few rows"))
        else:
            surfaces[arm] = Surface(own, samples, seed + ARMS.index(arm))
        trends[arm], reason = trend(spread[(spread["arm"] == arm) & (spread["design"] == design)])
        if reason:
            unknown.append(("Change of the spread with the ratio", arm, reason))
    components, reasons = variance_components(frame)
    unknown += [("Shares of the variance", arm, reason) for arm, reason in reasons.items() if reason]
    robust = robustness(kept)
    slopes = {(arm, designs_of[arm]): slope(surface) for arm, surface in surfaces.items() if arm not in SOURCE_ARMS}
    own_slopes = [slopes.get(place) or {} for place in zip(robust["arm"], robust["design"], strict=True)]
    for name in ("value", "low", "high"):
        robust[f"slope_{name}"] = [own.get(name, nan) for own in own_slopes]
    pairs, by_design, by_mirror, gains = (compare(kept) for compare in (contrasts, designs, mirrored, tenfolds))
    cells = means(frame)
    return Analysis(
        frame, cells, pairs, by_design, by_mirror, gains, surfaces, robust, spread, components, trends, unknown
    )
