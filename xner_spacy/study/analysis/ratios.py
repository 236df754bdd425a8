"""What a surface predicts for ratios, totals and more text of either kind, within the measured sizes."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd

from .surface import Floats, Surface

PER_DECADE = 10
MOST_LINES = 5
# Lines on which the ratio can change less than this within the measured sizes are left out.
LEAST_SPAN = 4.0
THOUSAND = 1000

Line = Tuple[float, Floats]


def split(total: Any, ratio: Any) -> Tuple[Any, Any]:
    """RETURNS (Tuple): The numbers of source and target sentences for totals and ratios."""
    return total * ratio / (1 + ratio), total / (1 + ratio)


def lines_of(surface: Surface, kind: str) -> List[Line]:
    """RETURNS (List[Line]): Each measured "total" with the ratios that it may have within the measured sizes; or each
    "ratio" with its totals. At most five lines, spaced evenly; none unless both sizes vary.
    """
    if not (surface.has_source and surface.has_target):
        return []
    s_low, s_high = float(surface.source.min()), float(surface.source.max())
    t_low, t_high = float(surface.target.min()), float(surface.target.max())
    ends: Dict[float, Tuple[float, float]] = {}
    for s, t in surface.sizes:
        if kind == "total":
            total = s + t
            lowest, highest = max(s_low, total - t_high), min(s_high, total - t_low)
            if 0 < lowest < highest < total:
                ends[total] = (lowest / (total - lowest), highest / (total - highest))
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
            n_source, n_target = split(total, ratio)
            sizes = {"total": total, "ratio": ratio, "n_source": n_source, "n_target": n_target}
            points.append({**sizes, **surface.level(surface.f1(n_source, n_target))})
    return pd.DataFrame(points)


def rates(surface: Surface) -> pd.DataFrame:
    """RETURNS (DataFrame): F1 gained from 1,000 more sentences of a `kind` ("source", "target") at its measured
    `size`s. The fit is additive, so the gain depends only on the amount of the same kind.
    """
    rate_rows = []
    for kind, is_measured in (("source", surface.has_source), ("target", surface.has_target)):
        for size in sorted(set(getattr(surface, kind).tolist())) if is_measured else ():
            before, after = ((n, 0) if kind == "source" else (0, n) for n in (size, size + THOUSAND))
            gain = surface.estimate(surface.shape.loss(*before) - surface.shape.loss(*after))
            rate_rows.append({"kind": kind, "size": int(size), **gain})
    return pd.DataFrame(rate_rows)


def total_gain(surface: Surface) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): Mean gain from ten times the total, at the fixed `ratio` nearest to one to
    one, over the totals that the measured sizes allow.
    """
    lines = lines_of(surface, "ratio")
    if not lines:
        return None
    ratio, totals = min(lines, key=lambda line: abs(np.log(line[0])))
    gain = surface.shape.loss(*split(totals[0], ratio)) - surface.shape.loss(*split(totals[-1], ratio))
    return {"ratio": ratio, **surface.estimate(gain / np.log10(totals[-1] / totals[0]))}


def slope(surface: Surface) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): F1 gained from ten times the ratio at the middle fixed total, by a
    least-squares line through the fit.
    """
    lines = [line for line in lines_of(surface, "total") if len(line[1]) > 2]
    if not lines:
        return None
    total, ratios = lines[len(lines) // 2]
    logs = np.log10(ratios) - np.log10(ratios).mean()
    losses = np.stack([surface.shape.loss(*split(total, ratio)) for ratio in ratios])
    return {"total": total, **surface.estimate(-(logs @ losses) / (logs @ logs))}


def best_ratios(surface: Surface) -> List[Dict[str, Any]]:
    """Find the ratio with the highest fitted F1 for each fixed total.

    RETURNS (List[Dict[str, Any]]): `total`; `ratio` with `low` and `high`; `least` and `most`, the limits of the ratios
        that the measured sizes allow; `worst`, the ratio with the lowest F1, and `gain`, the estimated difference to
        it; `edge` ("low" or "high" if the best ratio is one of the limits, else None).
    """
    bests = []
    for total, line in lines_of(surface, "total"):
        ratios = np.geomspace(line[0], line[-1], 201)
        losses = np.stack([surface.shape.loss(*split(total, ratio)) for ratio in ratios])
        best, worst = losses.argmin(axis=0), losses[:, 0].argmax()
        chosen = surface.estimate(np.log10(ratios[best]), *np.log10(line[[0, -1]]))
        entry = {name: float(10**value) for name, value in chosen.items()}
        entry = {"total": total, "ratio": entry.pop("value"), **entry, "least": float(line[0]), "most": float(line[-1])}
        gain = surface.estimate(losses[worst] - losses[best[0]])
        edge = {0: "low", len(ratios) - 1: "high"}.get(int(best[0]))
        bests.append({**entry, "worst": float(ratios[worst]), "gain": gain, "edge": edge})
    return bests


def equal_rates(surface: Surface) -> List[Dict[str, Any]]:
    """Find where one more sentence of either kind has the same effect.

    RETURNS (List[Dict[str, Any]]): For each measured number of target sentences `n_target`: `n_source`, with `low` and
        `high`, at which the surface's slopes are equal. It is None if source sentences are always worth more (`more` is
        "source") or less ("target") within the measured sizes, or neither adds F1 ("neither").
    """
    if not (surface.has_source and surface.has_target):
        return []
    sizes = np.geomspace(surface.source.min(), surface.source.max(), 200)
    fit, entries = surface.shape, []
    source = np.maximum(fit.a * fit.alpha * (sizes[:, None] / THOUSAND) ** (-fit.alpha - 1), 0.0)
    for n_target in sorted(set(surface.target.tolist())):
        target = np.maximum(fit.b * fit.beta * (n_target / THOUSAND) ** (-fit.beta - 1), 0.0)
        # The slope falls with the size, so the first sizes are those at which source sentences are worth more.
        source_better = (source > target).sum(axis=0)
        entry = {"n_target": n_target, "n_source": None, "more": None}
        if 0 < source_better[0] < len(sizes):
            logs = np.log10(sizes[np.clip(source_better - 1, 0, len(sizes) - 1)])
            interval = surface.estimate(logs, logs.min(), logs.max())
            entry.update(zip(("n_source", "low", "high"), (float(10**log) for log in interval.values()), strict=True))
        elif source[0, 0] + target[0] <= 0:
            entry["more"] = "neither"
        else:
            entry["more"] = "source" if source_better[0] else "target"
        entries.append(entry)
    return entries
