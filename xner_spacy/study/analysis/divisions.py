"""How a budget is best divided between source and target sentences, on a fitted surface, within the measured sizes."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .forms import Floats
from .surface import Surface

# Points on the line of a budget.
POINTS = 201
# Less than this of F1 matters little.
LITTLE = 0.01
Prices = Tuple[float, float]
Range = Tuple[float, float]


def ranges(surface: Surface) -> Tuple[Range, Range]:
    """RETURNS (Tuple): The least and the most measured source, and target, sentences."""
    ends = [(float(axis.min()), float(axis.max())) for axis in (surface.source, surface.target)]
    return ends[0], ends[1]


def on_budget(surface: Surface, budget: float, prices: Prices = (1.0, 1.0)) -> Optional[Tuple[Range, Tuple[str, str]]]:
    """Find the ratios of source to target sentences that spend a budget within the measured sizes.

    RETURNS (Optional[Tuple]): The least and the greatest ratio, and what ends the line at each: "least source", "most
        target", "most source" or "least target"; None if there is no line.
    """
    (s_low, s_high), (t_low, t_high) = ranges(surface)
    # Source sentences at each of the four limits.
    at_most, at_least = ((budget - prices[1] * t) / prices[0] for t in (t_high, t_low))
    low, high = max(s_low, at_most), min(s_high, at_least)
    if not 0 < low < high < budget / prices[0]:
        return None
    reasons = (
        "least source" if s_low >= at_most else "most target",
        "most source" if s_high <= at_least else "least target",
    )
    (first, last) = (s / ((budget - prices[0] * s) / prices[1]) for s in (low, high))
    return (first, last), reasons


def sizes_of(budget: Any, ratio: Any, prices: Prices = (1.0, 1.0)) -> Tuple[Any, Any]:
    """RETURNS (Tuple): The source and target sentences that a budget buys at a ratio."""
    n_target = budget / (prices[0] * ratio + prices[1])
    return ratio * n_target, n_target


def divide(surface: Surface, budget: float, prices: Prices = (1.0, 1.0)) -> Optional[Dict[str, Any]]:
    """Find the division of a budget with the highest fitted F1.

    budget (float): In the unit of the prices. prices (Tuple[float, float]): Of one source, and of one target sentence.
    RETURNS (Optional[Dict[str, Any]]): None where no division is within the measured sizes. `total` (the budget);
        `ratio` of source to target sentences with `low` and `high`; `least` and `most`, the ends of the line; `edge`:
        what ends the line where the best ratio is one of them (see `on_budget`), else None; `inside`: the share of
        bootstrap samples whose best ratio is neither; `near`: the ratios around the best one between which F1 is less
        than `LITTLE` lower; `n_source`, `n_target`, and `f1` there; `worst`, the ratio with the lowest F1, and `gain`,
        the difference to it.
    """
    line = on_budget(surface, budget, prices)
    if line is None or not (surface.has_source and surface.has_target):
        return None
    (least, most), reasons = line
    ratios = np.geomspace(least, most, POINTS)
    n_source, n_target = sizes_of(budget, ratios, prices)
    heights = surface.shape.height(n_source[:, None], n_target[:, None])
    best, worst = heights.argmax(axis=0), int(heights[:, 0].argmin())
    at = int(best[0])
    chosen = surface.estimate(np.log10(ratios[best]), np.log10(least), np.log10(most))
    inside = (best > 0) & (best < POINTS - 1)
    first, last = _around(heights[:, 0], at)
    limits = {name: float(10 ** chosen[name]) for name in ("low", "high")}
    return {
        "total": float(budget),
        "ratio": float(ratios[at]),
        **limits,
        "least": float(least),
        "most": float(most),
        "edge": {0: reasons[0], POINTS - 1: reasons[1]}.get(at),
        "inside": float(inside[1:].mean()) if len(inside) > 1 else np.nan,
        "near": (float(ratios[first]), float(ratios[last])),
        "n_source": float(n_source[at]),
        "n_target": float(n_target[at]),
        "f1": surface.level(surface.f1(n_source[at], n_target[at])),
        "worst": float(ratios[worst]),
        "gain": surface.estimate(heights[at] - heights[worst]),
    }


def _around(heights: Floats, at: int) -> Tuple[int, int]:
    """RETURNS (Tuple[int, int]): The ends of the stretch around a point that is less than `LITTLE` lower."""
    low = np.flatnonzero(heights < heights[at] - LITTLE)
    before, after = low[low < at], low[low > at]
    return int(before[-1]) + 1 if len(before) else 0, int(after[0]) - 1 if len(after) else len(heights) - 1


def target_first(surface: Surface) -> Optional[Dict[str, float]]:
    """Find up to how many target sentences one more of them is worth more than one more source sentence, whatever there
    is of the latter within the measured sizes.

    RETURNS (Optional[Dict[str, float]]): `value`, `low` and `high`; None where this holds for no measured size.
    """
    if not (surface.has_source and surface.has_target):
        return None
    (s_low, s_high), (t_low, t_high) = ranges(surface)
    sources, targets = np.geomspace(s_low, s_high, 15), np.geomspace(t_low, t_high, 60)
    holds = []
    for n_target in targets:
        by_source, by_target = surface.shape.rates(sources[:, None], n_target)
        holds.append(((by_target > by_source) & (by_target > 0)).all(axis=0))
    # Up to the first size at which it does not hold.
    count = np.logical_and.accumulate(np.array(holds), axis=0).sum(axis=0)
    if count[0] == 0:
        return None
    logs = np.log10(targets[np.maximum(count - 1, 0)])
    return {name: float(10**value) for name, value in surface.estimate(logs, logs.min(), logs.max()).items()}


def source_gain(surface: Surface, n_target: float) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The mean gain of ten times the source sentences, over their measured range, with so
    many target sentences: `value`, `low` and `high`.
    """
    low, high = ranges(surface)[0]
    gain = surface.shape.height(high, n_target) - surface.shape.height(low, n_target)
    return surface.estimate(gain / np.log10(high / low))


def best_divisions(surface: Surface, totals: List[float]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): `divide` for each total at equal prices that has one."""
    return [best for best in (divide(surface, total) for total in totals) if best]
