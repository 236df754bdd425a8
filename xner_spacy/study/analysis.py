"""The statistics of a study as one dictionary, which its report renders."""

from typing import Dict, List, Optional, Sequence

import numpy as np

from ..types import Json
from .answer import answer
from .contrasts import contrasts, designs, mirrored, tenfolds
from .fit import EXPONENTS, Floats, Observations, Surface
from .lines import iso_lines, split, total_lines
from .mixed import variance_components
from .robustness import robustness, sd_by
from .rows import ARMS, FAILED, SOURCE_ARMS, Row
from .statistics import means, primary

THOUSAND = 1000
# Rows beyond the number of parameters of a surface.
SPARE = 3


def analyse(rows: Sequence[Row], *, samples: int = 500, seed: int = 0) -> Json:
    """Everything that is estimated from the rows of a study. F1 stays in [0, 1]; what cannot be
    estimated is None, or an empty list, with a reason where there is a place for one.

    rows (Sequence[Row]): All rows, failed ones too. samples (int): Bootstrap samples. seed (int):
        Of the bootstrap.
    RETURNS (Json): `grid`, `means`, `contrasts`, `designs`, `tenfolds`, `surfaces`, `iso_total`, `iso_ratio`,
        `mirrored`, `variance`, `robustness`, `sd_by` and `answer`; docs/study-methods.md describes
        each. RAISES: MissingExtraError without statsmodels.
    """
    rows = sorted(rows, key=lambda row: row.order)
    surfaces: Dict[str, Surface] = {}
    described: Json = {}
    kept = primary(rows)
    for number, arm in enumerate(ARMS):
        own, design = _of_arm(kept, arm)
        if not own:
            continue
        data = Observations.from_rows(own)
        reason = ""
        if len(data.sizes) < 3:
            reason = "fewer than three sizes"
        elif len(data.f1) < len(data.languages) + 4 + SPARE:
            reason = "too few rows"
        if reason:
            described[arm] = {"reason": reason, "design": design, "points": []}
            continue
        surfaces[arm] = Surface(data, samples, seed + number)
        described[arm] = _describe(arm, surfaces[arm], design)
    totals, ratios = iso_lines(surfaces)
    result: Json = {
        "grid": _grid(rows),
        "means": means(rows),
        "contrasts": contrasts(rows),
        "designs": designs(rows),
        "tenfolds": tenfolds(rows),
        "surfaces": described,
        "iso_total": totals,
        "iso_ratio": ratios,
        "mirrored": mirrored(rows),
        "variance": variance_components(rows),
        "robustness": robustness(rows),
        "sd_by": sd_by(rows),
    }
    for entry in result["robustness"]:
        entry.update(_slope(surfaces.get(entry["arm"]), described, entry))
    result["answer"] = answer(rows, result, surfaces)
    return result


def _of_arm(rows: Sequence[Row], arm: str) -> "tuple[List[Row], str]":
    own = [row for row in rows if row.arm == arm]
    designs_there = {row.design for row in own}
    design = "steps" if "steps" in designs_there else min(designs_there, default="")
    return [row for row in own if row.design == design], design


def _grid(rows: Sequence[Row]) -> Json:
    failed = [row for row in rows if row.status == FAILED or row.f1 is None]
    names = ("lang", "arm", "design", "n_source", "n_target", "seed", "draw", "reason")
    return {
        "languages": sorted({row.lang for row in rows}),
        "arms": [arm for arm in ARMS if any(row.arm == arm for row in rows)],
        "designs": sorted({row.design for row in rows}),
        "blocks": sorted({row.block for row in rows}),
        "n_source": sorted({row.n_source for row in rows}),
        "n_target": sorted({row.n_target for row in rows if row.n_target}),
        "seeds": sorted({row.seed for row in rows}),
        "draws": sorted({row.draw for row in rows}),
        "rows": len(rows),
        "failed": [{name: getattr(row, name) for name in names} for row in failed],
        "seconds": float(sum(row.seconds for row in rows)),
    }


def _describe(arm: str, surface: Surface, design: str) -> Json:
    form = "F1 = c"
    params: Json = {"c": surface.level(surface.levels.offset.mean(axis=1))}
    if surface.has_source:
        form += " - a (N_s / 1000)^-alpha"
        params["a"] = surface.estimate(surface.shape.a)
        params["alpha"] = _exponent(surface, surface.shape.alpha, surface.source)
    if surface.has_target:
        form += " - b (N_t / 1000)^-beta"
        params["b"] = surface.estimate(surface.shape.b)
        params["beta"] = _exponent(surface, surface.shape.beta, surface.target)
    data = surface.data
    languages: Json = {}
    for number, lang in enumerate(data.languages):
        languages[lang] = {
            "c": surface.level(surface.levels.offset[:, number]),
            "n": int((data.lang == number).sum()),
        }
    points = []
    for n_source, n_target in data.sizes:
        point: Json = {"n_source": n_source, "n_target": n_target}
        level = surface.level(surface.f1(n_source, n_target))
        point.update({"f1": level["value"], "low": level["low"], "high": level["high"]})
        here = surface.loss(n_source, n_target)
        for name, more in (
            ("source", surface.loss(n_source + THOUSAND, n_target) if surface.has_source else None),
            ("target", surface.loss(n_source, n_target + THOUSAND) if surface.has_target else None),
        ):
            rate: Json = {"value": None, "low": None, "high": None}
            if more is not None:
                rate = surface.estimate(here - more, -1.0, 1.0)
            point[f"rate_{name}"] = rate["value"]
            point[f"rate_{name}_low"], point[f"rate_{name}_high"] = rate["low"], rate["high"]
        points.append(point)
    r2, r2_within = surface.r2()
    return {
        "form": form,
        "design": design,
        "params": params,
        "languages": languages,
        "n": len(data.f1),
        "covers": surface.covers,
        "downweighted": int((surface.weights < 0.5).sum()),
        "r2": r2,
        "r2_within": r2_within,
        "cv": surface.cross_validate(),
        "points": points,
        "grid": _fine_grid(surface),
        "reason": "",
    }


def _exponent(surface: Surface, values: Floats, axis: Floats) -> Json:
    """`fixed`: with two sizes it is not determined and was set. `bound`: the search ended at its least
    value, where a power is as good as a logarithm, or at its most, where all is lost at once."""
    fixed = len(np.unique(axis)) < 3
    entry: Json = {"value": float(values[0]), "low": None, "high": None}
    if not fixed:
        entry = surface.estimate(values, *EXPONENTS)
    ends = zip(("least", "most"), EXPONENTS, strict=True)
    bound = next((name for name, end in ends if abs(values[0] - end) < 1e-3 * end), None)
    return {**entry, "fixed": fixed, "bound": bound}


def _fine_grid(surface: Surface, steps: int = 15) -> List[Json]:
    axes = []
    for axis in (surface.source, surface.target):
        low, high = float(axis.min()), float(axis.max())
        axes.append(np.geomspace(low, high, steps) if 0 < low < high else np.array([low]))
    return [
        {"n_source": float(x), "n_target": float(y), "f1": float(surface.f1(x, y)[0])} for x in axes[0] for y in axes[1]
    ]


def _slope(surface: Optional[Surface], described: Json, entry: Json) -> Json:
    """F1 for a tenfold ratio at a fixed total: the least-squares line through the fit."""
    none = {"slope": None, "slope_low": None, "slope_high": None, "total": None}
    arm = entry["arm"]
    if surface is None or arm in SOURCE_ARMS or described[arm].get("design") != entry["design"]:
        return none
    lines = [line for line in total_lines(surface) if len(line[1]) > 2]
    if not lines:
        return none
    total, ratios = lines[len(lines) // 2]
    logs = np.log10(ratios) - np.log10(ratios).mean()
    losses = np.stack([surface.loss(*split(total, ratio)) for ratio in ratios])
    slope = surface.estimate(-(logs @ losses) / (logs @ logs), -1.0, 1.0)
    return {
        "slope": slope["value"],
        "slope_low": slope["low"],
        "slope_high": slope["high"],
        "total": total,
    }
