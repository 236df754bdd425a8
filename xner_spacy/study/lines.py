"""Lines over a surface on which the total, or the ratio, of source to target sentences is fixed."""

from typing import Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from ..types import Json
from .fit import Surface

Floats = npt.NDArray[np.float64]
PER_DECADE = 10
MOST_LINES = 5
# A total is of interest where the ratio can change this much within the measured sizes.
LEAST_SPAN = 4.0


def split(total: float, ratio: float) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): Source and target sentences of a total and a ratio."""
    return total * ratio / (1 + ratio), total / (1 + ratio)


def total_lines(surface: Surface) -> List[Tuple[float, Floats]]:
    """Totals of measured sizes and the ratios on each that stay within the measured sizes.

    RETURNS (List[Tuple[float, npt.NDArray]]): At most five, spread evenly; none without both axes.
    """
    if not (surface.has_source and surface.has_target):
        return []
    lines = []
    for total in sorted(set((surface.source + surface.target).tolist())):
        least, most = _ratios(surface, total)
        if least > 0 and most / least >= LEAST_SPAN:
            count = max(3, round(PER_DECADE * np.log10(most / least)) + 1)
            lines.append((total, np.geomspace(least, most, count)))
    if len(lines) <= MOST_LINES:
        return lines
    return [lines[round(at)] for at in np.linspace(0, len(lines) - 1, MOST_LINES)]


def _ratios(surface: Surface, total: float) -> Tuple[float, float]:
    source = (float(surface.source.min()), float(surface.source.max()))
    target = (float(surface.target.min()), float(surface.target.max()))
    least = max(source[0], total - target[1])
    most = min(source[1], total - target[0])
    if least >= most or most >= total:
        return 0.0, 0.0
    return least / (total - least), most / (total - most)


def ratio_lines(surface: Surface) -> List[Tuple[float, Floats]]:
    """Ratios of measured sizes and the totals on each that stay within the measured sizes.

    RETURNS (List[Tuple[float, npt.NDArray]]): At most five, spread evenly; none without both axes.
    """
    if not (surface.has_source and surface.has_target):
        return []
    ends: Dict[float, Tuple[float, float]] = {}
    for n_source, n_target in surface.data.sizes:
        ratio = n_source / n_target
        least = max(surface.source.min() * (1 + 1 / ratio), surface.target.min() * (1 + ratio))
        most = min(surface.source.max() * (1 + 1 / ratio), surface.target.max() * (1 + ratio))
        # 3,200 to 1,000 and 10,000 to 3,200 are one line.
        same = [known for known in ends if abs(np.log10(known / ratio)) < 0.05]
        if most / least >= LEAST_SPAN and not same:
            ends[ratio] = (float(least), float(most))
    kept = sorted(ends)
    if len(kept) > MOST_LINES:
        kept = [kept[round(at)] for at in np.linspace(0, len(kept) - 1, MOST_LINES)]
    return [
        (
            ratio,
            np.geomspace(*ends[ratio], max(3, round(PER_DECADE * np.log10(ends[ratio][1] / ends[ratio][0])))),
        )
        for ratio in kept
    ]


def iso_lines(surfaces: Dict[str, Surface]) -> Tuple[List[Json], List[Json]]:
    """RETURNS (Tuple[List[Json], List[Json]]): Points of the fit along fixed totals and along fixed
    ratios: `arm`, `total`, `ratio`, `n_source`, `n_target`, `f1`, `low` and `high`."""
    by_total: List[Json] = []
    by_ratio: List[Json] = []
    for arm, surface in surfaces.items():
        for total, ratios in total_lines(surface):
            by_total.extend(_point(arm, surface, total, float(ratio)) for ratio in ratios)
        for ratio, totals in ratio_lines(surface):
            by_ratio.extend(_point(arm, surface, float(total), ratio) for total in totals)
    return by_total, by_ratio


def _point(arm: str, surface: Surface, total: float, ratio: float) -> Json:
    n_source, n_target = split(total, ratio)
    level = surface.level(surface.f1(n_source, n_target))
    return {
        "arm": arm,
        "total": total,
        "ratio": ratio,
        "n_source": n_source,
        "n_target": n_target,
        "f1": level["value"],
        "low": level["low"],
        "high": level["high"],
    }
