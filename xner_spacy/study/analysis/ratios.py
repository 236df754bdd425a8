"""What a surface says of ratio, total and more text of either kind, within the sizes that were measured."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd

from .surface import Floats, Surface

PER_DECADE = 10
MOST_LINES = 5
# A total is of interest where the ratio can change this much within the measured sizes.
LEAST_SPAN = 4.0
THOUSAND = 1000

Line = Tuple[float, Floats]


def split(total: Any, ratio: Any) -> Tuple[Any, Any]:
    """RETURNS (Tuple): Source and target sentences of totals and ratios."""
    return total * ratio / (1 + ratio), total / (1 + ratio)


def lines_of(surface: Surface, kind: str) -> List[Line]:
    """RETURNS (List[Line]): Each "total" of measured sizes, and the ratios on it that stay within the measured sizes; or
    each "ratio" and such totals. At most five, spread evenly; none without both axes.
    """
    if not (surface.has_source and surface.has_target):
        return []
    (s_low, s_high), (t_low, t_high) = ((float(x.min()), float(x.max())) for x in (surface.source, surface.target))
    ends: Dict[float, Tuple[float, float]] = {}
    for s, t in surface.sizes:
        if kind == "total":
            total = s + t
            least, most = max(s_low, total - t_high), min(s_high, total - t_low)
            if 0 < least < most < total:
                ends[total] = (least / (total - least), most / (total - most))
        elif t:
            low, high = (
                f(source * (1 + t / s), target * (1 + s / t))
                for f, source, target in ((max, s_low, t_low), (min, s_high, t_high))
            )
            # 3,200 to 1,000 and 10,000 to 3,200 are one line.
            if high / low >= LEAST_SPAN and all(abs(np.log10(known * t / s)) >= 0.05 for known in ends):
                ends[s / t] = (low, high)
    lines = [
        (fixed, np.geomspace(low, high, max(3, round(PER_DECADE * np.log10(high / low)) + 1)))
        for fixed, (low, high) in sorted(ends.items())
        if high / low >= LEAST_SPAN
    ]
    if len(lines) <= MOST_LINES:
        return lines
    return [lines[round(at)] for at in np.linspace(0, len(lines) - 1, MOST_LINES)]


def iso_lines(surface: Surface, kind: str) -> pd.DataFrame:
    """RETURNS (DataFrame): Points of the fit along lines of one "total" or one "ratio": `total`, `ratio`, `n_source`,
    `n_target`, `value`, `low` and `high`.
    """
    points = []
    for fixed, moving in lines_of(surface, kind):
        for at in moving.tolist():
            total, ratio = (fixed, at) if kind == "total" else (at, fixed)
            n_source, n_target = split(total, ratio)
            place = {"total": total, "ratio": ratio, "n_source": n_source, "n_target": n_target}
            points.append({**place, **surface.level(surface.f1(n_source, n_target))})
    return pd.DataFrame(points)


def rates(surface: Surface) -> pd.DataFrame:
    """RETURNS (DataFrame): What 1,000 more sentences of a `kind` ("source", "target") bring at the measured `size`s of
    it. The fit is additive: they depend on the amount of their own kind alone.
    """
    found = []
    for kind, used in (("source", surface.has_source), ("target", surface.has_target)):
        for size in sorted(set(getattr(surface, kind).tolist())) if used else ():
            few, more = ((n, 0) if kind == "source" else (0, n) for n in (size, size + THOUSAND))
            gain = surface.estimate(surface.shape.loss(*few) - surface.shape.loss(*more))
            found.append({"kind": kind, "size": int(size), **gain})
    return pd.DataFrame(found)


def total_gain(surface: Surface) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): Mean gain for a tenfold total at the fixed `ratio` nearest to one to one, over
    the totals that the measured sizes allow.
    """
    lines = lines_of(surface, "ratio")
    if not lines:
        return None
    ratio, totals = min(lines, key=lambda line: abs(np.log(line[0])))
    gain = surface.shape.loss(*split(totals[0], ratio)) - surface.shape.loss(*split(totals[-1], ratio))
    return {"ratio": ratio, **surface.estimate(gain / np.log10(totals[-1] / totals[0]))}


def slope(surface: Surface) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): F1 for a tenfold ratio at a fixed total, the middle one: the least-squares line
    through the fit.
    """
    lines = [line for line in lines_of(surface, "total") if len(line[1]) > 2]
    if not lines:
        return None
    total, ratios = lines[len(lines) // 2]
    logs = np.log10(ratios) - np.log10(ratios).mean()
    losses = np.stack([surface.shape.loss(*split(total, ratio)) for ratio in ratios])
    return {"total": total, **surface.estimate(-(logs @ losses) / (logs @ logs))}


def best_ratios(surface: Surface) -> List[Dict[str, Any]]:
    """The ratio with the highest fitted F1 on each fixed total.

    RETURNS (List[Dict[str, Any]]): `total`; `ratio` with `low` and `high`; `least` and `most`, the ratios that the
        measured sizes allow; `worst`, the ratio with the lowest F1, and `gain`, a dictionary with what the best one has
        over it; `edge` ("low", "high" or None: at an end of what was measured).
    """
    bests = []
    for total, line in lines_of(surface, "total"):
        ratios = np.geomspace(line[0], line[-1], 201)
        losses = np.stack([surface.shape.loss(*split(total, ratio)) for ratio in ratios])
        best, worst = losses.argmin(axis=0), losses[:, 0].argmax()
        chosen = surface.estimate(np.log10(ratios[best]), *np.log10(line[[0, -1]]))
        found = {name: float(10**value) for name, value in chosen.items()}
        found = {"total": total, "ratio": found.pop("value"), **found, "least": float(line[0]), "most": float(line[-1])}
        gain = surface.estimate(losses[worst] - losses[best[0]])
        edge = {0: "low", len(ratios) - 1: "high"}.get(int(best[0]))
        bests.append({**found, "worst": float(ratios[worst]), "gain": gain, "edge": edge})
    return bests


def equal_rates(surface: Surface) -> List[Dict[str, Any]]:
    """Where one more sentence of either kind buys the same.

    RETURNS (List[Dict[str, Any]]): For each measured number of target sentences `n_target`: `n_source`, with `low` and
        `high`, at which the surface's slopes are equal; or None, where source sentences are worth more (`more` is
        "source") or less ("target") at every measured number of them, or neither adds F1 ("neither").
    """
    if not (surface.has_source and surface.has_target):
        return []
    sizes = np.geomspace(surface.source.min(), surface.source.max(), 200)
    fit, found = surface.shape, []
    source = np.maximum(fit.a * fit.alpha * (sizes[:, None] / THOUSAND) ** (-fit.alpha - 1), 0.0)
    for n_target in sorted(set(surface.target.tolist())):
        target = np.maximum(fit.b * fit.beta * (n_target / THOUSAND) ** (-fit.beta - 1), 0.0)
        # The slope falls with the size: how many of the sizes are those at which source sentences are worth more.
        above = (source > target).sum(axis=0)
        entry = {"n_target": n_target, "n_source": None, "more": None}
        if 0 < above[0] < len(sizes):
            logs = np.log10(sizes[np.clip(above - 1, 0, len(sizes) - 1)])
            limits = surface.estimate(logs, logs.min(), logs.max())
            entry.update(zip(("n_source", "low", "high"), (float(10**x) for x in limits.values()), strict=True))
        elif source[0, 0] + target[0] <= 0:
            entry["more"] = "neither"
        else:
            entry["more"] = "source" if above[0] else "target"
        found.append(entry)
    return found
