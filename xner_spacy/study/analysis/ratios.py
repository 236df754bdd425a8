"""What a surface predicts for ratios, totals and more text of either kind, within the measured sizes."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd

from .divisions import best_divisions, on_budget, ranges, sizes_of
from .forms import Floats
from .surface import Surface

PER_DECADE = 10
MOST_LINES = 5
# Lines on which the ratio can change less than this within the measured sizes are left out.
LEAST_SPAN = 4.0
THOUSAND = 1000

Line = Tuple[float, Floats]


def lines_of(surface: Surface, kind: str) -> List[Line]:
    """RETURNS (List[Line]): Each measured "total" with the ratios that it may have within the measured sizes; or each
    "ratio" with its totals. At most five lines, spaced evenly; none unless both sizes vary.
    """
    if not (surface.has_source and surface.has_target):
        return []
    (s_low, s_high), (t_low, t_high) = ranges(surface)
    ends: Dict[float, Tuple[float, float]] = {}
    for s, t in surface.sizes:
        if kind == "total":
            line = on_budget(surface, s + t)
            if line is not None:
                ends[s + t] = line[0]
        elif t:
            low, high = (
                narrow(source * (1 + t / s), target * (1 + s / t))
                for narrow, source, target in ((max, s_low, t_low), (min, s_high, t_high))
            )
            # 3,200 to 1,000 and 10,000 to 3,200 are the same line.
            if high / low >= LEAST_SPAN and all(abs(np.log10(ratio * t / s)) >= 0.05 for ratio in ends):
                ends[s / t] = (low, high)
    lines = [
        (fixed, np.geomspace(low, high, max(3, round(PER_DECADE * np.log10(high / low)) + 1)))
        for fixed, (low, high) in sorted(ends.items())
        if high / low >= LEAST_SPAN
    ]
    if len(lines) <= MOST_LINES:
        return lines
    return [lines[round(index)] for index in np.linspace(0, len(lines) - 1, MOST_LINES)]


def iso_lines(surface: Surface, kind: str) -> pd.DataFrame:
    """RETURNS (DataFrame): Points of the fit along lines with a fixed "total" or "ratio": `total`, `ratio`, `n_source`,
    `n_target`, `value`, `low` and `high`.
    """
    points = []
    for fixed, varying in lines_of(surface, kind):
        for value in varying.tolist():
            total, ratio = (fixed, value) if kind == "total" else (value, fixed)
            n_source, n_target = sizes_of(total, ratio)
            sizes = {"total": total, "ratio": ratio, "n_source": n_source, "n_target": n_target}
            points.append({**sizes, **surface.level(surface.f1(n_source, n_target))})
    return pd.DataFrame(points)


def rates(surface: Surface) -> pd.DataFrame:
    """RETURNS (DataFrame): F1 gained from 1,000 more sentences of a `kind` ("source", "target") at its measured
    `size`s, up to the largest one, with as many of the `other` kind as the geometric mean of its ends.
    """
    rate_rows, limits = [], dict(zip(("source", "target"), ranges(surface), strict=True))
    for kind, is_measured in (("source", surface.has_source), ("target", surface.has_target)):
        other = float(np.sqrt(np.prod(limits["target" if kind == "source" else "source"])))
        for size in sorted(set(getattr(surface, kind).tolist())) if is_measured else ():
            if size + THOUSAND > limits[kind][1]:
                continue
            before, after = ((n, other) if kind == "source" else (other, n) for n in (size, size + THOUSAND))
            gain = surface.estimate(surface.shape.height(*after) - surface.shape.height(*before))
            rate_rows.append({"kind": kind, "size": int(size), "other": int(other), **gain})
    return pd.DataFrame(rate_rows, columns=["kind", "size", "other", "value", "low", "high"])


def total_gain(surface: Surface) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): Mean gain from ten times the total, at the fixed `ratio` nearest to one to
    one, over the totals that the measured sizes allow.
    """
    lines = lines_of(surface, "ratio")
    if not lines:
        return None
    ratio, totals = min(lines, key=lambda line: abs(np.log(line[0])))
    gain = surface.shape.height(*sizes_of(totals[-1], ratio)) - surface.shape.height(*sizes_of(totals[0], ratio))
    return {"ratio": ratio, **surface.estimate(gain / np.log10(totals[-1] / totals[0]))}


def best_ratios(surface: Surface) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The best ratio for each measured total, see `divide`."""
    return best_divisions(surface, [total for total, _ in lines_of(surface, "total")])


def equal_rates(surface: Surface) -> List[Dict[str, Any]]:
    """Find where one more sentence of either kind has the same effect.

    RETURNS (List[Dict[str, Any]]): For each measured number of target sentences `n_target`: `n_source`, with `low` and
        `high`, up to which one more source sentence is worth more. It is None if source sentences are always worth more
        (`more` is "source") or less ("target") within the measured sizes, or neither adds F1 ("neither").
    """
    if not (surface.has_source and surface.has_target):
        return []
    sizes, entries = np.geomspace(*ranges(surface)[0], 200), []
    for n_target in sorted(set(surface.target.tolist())):
        source, target = (np.maximum(rate, 0.0) for rate in surface.shape.rates(sizes[:, None], n_target))
        # The first sizes, up to that at which target sentences are worth more.
        source_better = np.logical_and.accumulate(source > target, axis=0).sum(axis=0)
        entry = {"n_target": n_target, "n_source": None, "more": None}
        if 0 < source_better[0] < len(sizes):
            logs = np.log10(sizes[np.clip(source_better - 1, 0, len(sizes) - 1)])
            interval = surface.estimate(logs, logs.min(), logs.max())
            entry.update(zip(("n_source", "low", "high"), (float(10**log) for log in interval.values()), strict=True))
        elif (source[0, 0] + target[0, 0]) <= 0:
            entry["more"] = "neither"
        else:
            entry["more"] = "source" if source_better[0] else "target"
        entries.append(entry)
    return entries
