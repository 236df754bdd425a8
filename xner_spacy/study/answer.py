"""The numbers that a plain answer to the study's question needs."""

from itertools import product
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ..types import Json
from .contrasts import differences, summarise
from .fit import Surface
from .lines import ratio_lines, split, total_lines
from .robustness import sd_trend
from .rows import ARMS, Row
from .statistics import ALL, VARIANCE, primary

Floats = npt.NDArray[np.float64]
MAIN_ARMS = ("hard", "soft")


def answer(rows: Sequence[Row], analysis: Json, surfaces: Dict[str, Surface]) -> Json:
    """Numbers for the first paragraph.

    rows (Sequence[Row]): All rows. analysis (Json): What `analyse` has so far. surfaces (Dict[str,
        Surface]): The fits.
    RETURNS (Json): `arms`, a dictionary by arm; `main`, the arms to speak of first;
        `soft_minus_hard`; `languages`.
    """
    kept = primary(rows)
    present = [arm for arm in ARMS if any(row.arm == arm for row in kept)]
    return {
        "main": [arm for arm in MAIN_ARMS if arm in present] or present[:1],
        "languages": analysis["grid"]["languages"],
        "arms": {arm: _arm(arm, kept, analysis, surfaces.get(arm)) for arm in present},
        "soft_minus_hard": next(
            (
                entry
                for entry in analysis["contrasts"]
                if (entry["a"], entry["b"]) == ("soft", "hard")
                and entry["lang"] == ALL
                and entry["n_source"] is None
                and entry["design"] == "steps"
            ),
            None,
        ),
    }


def _arm(arm: str, kept: List[Row], analysis: Json, surface: Optional[Surface]) -> Json:
    design = _design(kept, arm)
    own = [row for row in kept if row.arm == arm and row.design == design]
    only_crossed = all(row.block == VARIANCE for row in own)
    by_size: Dict[Tuple[int, int], Json] = {}
    # The block "main" first: a size may have been run in several.
    for entry in sorted(analysis["means"], key=lambda mean: mean["block"] != "main"):
        place = (entry["arm"], entry["design"], entry["lang"])
        if place == (arm, design, ALL) and (entry["block"] != VARIANCE or only_crossed):
            by_size.setdefault((entry["n_source"], entry["n_target"]), entry)
    cells = [by_size[size] for size in sorted(by_size)]
    return {
        "design": design,
        "languages": sorted({row.lang for row in own}),
        "corners": corners(cells),
        "gain_source": _tenfolds(own, "n_source", "n_target"),
        "gain_target": _tenfolds(own, "n_target", "n_source"),
        "tenfold": {
            entry["coefficient"]: {name: entry[name] for name in ("difference", "low", "high", "n")}
            for entry in analysis["tenfolds"]
            if (entry["arm"], entry["design"], entry["lang"]) == (arm, design, ALL)
        },
        "fitted_gain_source": _fitted_gain(surface, "source"),
        "fitted_gain_target": _fitted_gain(surface, "target"),
        "fitted_gain_total": total_gains(surface) if surface else [],
        "best_ratio": best_ratios(surface) if surface else [],
        "equal_rates": equal_rates(surface) if surface else [],
        "minus_teacher": _range(cells, "minus_teacher"),
        "minus_transfer": _range(cells, "minus_transfer"),
        "sd_trend": sd_trend(kept, arm, design),
    }


def _design(kept: Sequence[Row], arm: str) -> str:
    there = {row.design for row in kept if row.arm == arm}
    return "steps" if "steps" in there else min(there, default="")


def corners(cells: Sequence[Json]) -> List[Json]:
    """RETURNS (List[Json]): The measured means at the smallest and largest sizes: `corner` ("low_low"
    to "high_high", source first), sizes, `f1`, `low` and `high`."""
    sources = sorted({cell["n_source"] for cell in cells})
    targets = sorted({cell["n_target"] for cell in cells})
    result = []
    for (name, n_source), (other, n_target) in product(_ends(sources), _ends(targets)):
        for cell in cells:
            if (cell["n_source"], cell["n_target"]) == (n_source, n_target):
                keys = ("n_source", "n_target", "f1", "low", "high")
                result.append({"corner": f"{name}_{other}", **{key: cell[key] for key in keys}})
                break
    return result


def _ends(sizes: Sequence[int]) -> List[Tuple[str, int]]:
    if len(sizes) < 2:
        return [("low", size) for size in sizes]
    return [("low", sizes[0]), ("high", sizes[-1])]


def _tenfolds(rows: Sequence[Row], axis: str, other: str) -> List[Json]:
    """Measured gains from one size to the one that is nearest to ten times of it, at the same size
    of the other axis, seed and draw; over all languages.

    RETURNS (List[Json]): `start`, `stop`, `at` (size of the other axis, None: mean over all),
        `difference`, `low`, `high` and `n`.
    """
    sizes = sorted({getattr(row, axis) for row in rows})
    index = {(row.lang, getattr(row, axis), getattr(row, other), row.seed, row.draw): row for row in rows}
    result = []
    for start in sizes:
        stop = next((s for s in sizes if start and 9.0 <= s / start <= 11.0), None)
        if stop is None:
            continue
        pairs = []
        for row in rows:
            key = (row.lang, start, getattr(row, other), row.seed, row.draw)
            if getattr(row, axis) == stop and key in index:
                pairs.append((row, index[key]))
        for entry in summarise(differences(pairs)):
            if entry["lang"] != ALL:
                continue
            numbers = {name: entry[name] for name in ("difference", "low", "high", "n")}
            result.append({"start": start, "stop": stop, "at": entry[other], **numbers})
    return result


def _fitted_gain(surface: Optional[Surface], axis: str) -> Json:
    """RETURNS (Json): Mean gain for a tenfold over the measured range of an axis, from the fit."""
    none = {"value": None, "low": None, "high": None}
    if surface is None or not getattr(surface, f"has_{axis}"):
        return none
    sizes = getattr(surface, axis)
    low, high = float(sizes.min()), float(sizes.max())
    if axis == "source":
        gain = surface.loss(low, 0) - surface.loss(high, 0)
    else:
        gain = surface.loss(0, low) - surface.loss(0, high)
    return surface.estimate(gain / np.log10(high / low), -1.0, 1.0)


def total_gains(surface: Surface) -> List[Json]:
    """What a tenfold total gains at a fixed ratio, from the fit.

    RETURNS (List[Json]): `ratio`, `start` and `stop` (the totals that the measured sizes allow), and
        `value`, `low` and `high`: the mean gain for a tenfold between them.
    """
    result = []
    for ratio, totals in ratio_lines(surface):
        start, stop = float(totals[0]), float(totals[-1])
        gain = surface.loss(*split(start, ratio)) - surface.loss(*split(stop, ratio))
        entry: Json = {"ratio": ratio, "start": start, "stop": stop}
        result.append({**entry, **surface.estimate(gain / np.log10(stop / start), -1.0, 1.0)})
    return result


def best_ratios(surface: Surface) -> List[Json]:
    """The ratio with the highest fitted F1 on each fixed total, of the arm's shape.

    RETURNS (List[Json]): `total`, `ratio`, `low`, `high`, `least` and `most` (the ratios that the
        measured sizes allow), `n_source`, `n_target`, `f1`, `f1_low`, `f1_high`, `over_worst` (F1
        over that of the worst ratio on the line, `worst_ratio`) with its limits, `edge` ("low", "high" or None: at the end of what was measured) and
        `edge_share`, the share of bootstrap samples whose best ratio is at an end.
    """
    result = []
    for total, line in total_lines(surface):
        ratios = np.geomspace(line[0], line[-1], 201)
        losses = np.stack([surface.loss(*split(total, ratio)) for ratio in ratios])
        best = losses.argmin(axis=0)
        ends = np.log10(line[[0, -1]])
        chosen = surface.estimate(np.log10(ratios[best]), *ends)
        n_source, n_target = split(total, float(ratios[best[0]]))
        level = surface.level(surface.f1(n_source, n_target))
        worst = losses.argmax(axis=0)[0]
        spread = surface.estimate(losses[worst] - losses[best[0]], -1.0, 1.0)
        edge_share = None
        if len(best) > 20:
            edge_share = float(np.isin(best[1:], (0, len(ratios) - 1)).mean())
        result.append(
            {
                "total": total,
                **{
                    name: None if value is None else float(10**value)
                    for name, value in zip(("ratio", "low", "high"), chosen.values(), strict=True)
                },
                "least": float(ratios[0]),
                "most": float(ratios[-1]),
                "n_source": n_source,
                "n_target": n_target,
                "f1": level["value"],
                "f1_low": level["low"],
                "f1_high": level["high"],
                "over_worst": spread["value"],
                "over_worst_low": spread["low"],
                "over_worst_high": spread["high"],
                "worst_ratio": float(ratios[worst]),
                "edge": {0: "low", len(ratios) - 1: "high"}.get(int(best[0])),
                "edge_share": edge_share,
            }
        )
    return result


def equal_rates(surface: Surface) -> List[Json]:
    """Where 1,000 more sentences of either kind buy the same.

    RETURNS (List[Json]): For each measured number of target sentences `n_target`: `n_source`, with
        `low` and `high`, at which the marginal rates (the surface's slopes) are equal, and
        `ratio`. `n_source` is None where source sentences are worth more (`more` is "source") or
        less ("target") at every measured number of them, or neither adds F1 ("neither").
    """
    if not (surface.has_source and surface.has_target):
        return []
    sizes = np.geomspace(surface.source.min(), surface.source.max(), 200)
    fit = surface.shape
    slope = fit.a[:, None] * fit.alpha[:, None] * (sizes / 1000) ** (-fit.alpha[:, None] - 1)
    slope = np.maximum(slope, 0.0)
    result = []
    for n_target in sorted(set(surface.target.tolist())):
        other = np.maximum(fit.b * fit.beta * (n_target / 1000) ** (-fit.beta - 1), 0.0)
        above = slope > other[:, None]
        # The slope falls with the size: the last size at which source sentences are worth more.
        crossing = np.where(above.any(axis=1), sizes[above.sum(axis=1) - 1], -np.inf)
        crossing = np.where(above.all(axis=1), np.inf, crossing)
        value = float(crossing[0])
        inside = bool(np.isfinite(value))
        entry: Json = {
            "n_target": n_target,
            "n_source": value if inside else None,
            "low": None,
            "high": None,
            "ratio": value / n_target if inside else None,
            "more": None if inside else _more(value, float(slope[0, 0] + other[0])),
        }
        if inside:
            bounded = np.log10(np.clip(crossing, sizes[0], sizes[-1]))
            limits = surface.estimate(bounded, bounded.min(), bounded.max())
            entry["low"], entry["high"] = (
                None if limits[name] is None else float(10 ** limits[name]) for name in ("low", "high")
            )
        result.append(entry)
    return result


def _more(crossing: float, rates: float) -> str:
    if rates <= 0:
        return "neither"
    return "source" if crossing > 0 else "target"


def _range(cells: Sequence[Json], name: str) -> Json:
    """RETURNS (Json): The cells with the `least` and the `most`, and the `mean` over cells."""
    known = [cell for cell in cells if cell[name] is not None]
    if not known:
        return {"least": None, "most": None, "mean": None}
    keys = ("n_source", "n_target")

    def entry(cell: Json) -> Json:
        return {
            **{key: cell[key] for key in keys},
            "value": cell[name],
            "low": cell[f"{name}_low"],
            "high": cell[f"{name}_high"],
        }

    return {
        "least": entry(min(known, key=lambda cell: cell[name])),
        "most": entry(max(known, key=lambda cell: cell[name])),
        "mean": float(np.mean([cell[name] for cell in known])),
    }
