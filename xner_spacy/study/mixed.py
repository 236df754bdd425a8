"""How the variance of F1 divides into language, size, seed and draw: mixed models with random effects.

Two models, both by REML (statsmodels). Within cells of language and size: seed and draw, which need
cells where several draws were run with the same seed and the reverse. Between cells: language and
size, crossed, on the cells' means; what is left there, beyond the replicates' share, is the
interaction of language and size.
"""

import warnings
from collections import defaultdict
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..errors import MissingExtraError
from ..types import Json
from .rows import ARMS, Row
from .statistics import Replicates, done, pooled

COMPONENTS = ("language", "size", "language_size", "seed", "draw", "residual")
Cells = Dict[Tuple[str, Tuple[int, int]], Replicates]


def variance_components(rows: Sequence[Row], design: str = "steps") -> Json:
    """Variance components of each arm.

    rows (Sequence[Row]): Of any block. design (str): Which design.
    RETURNS (Json): For each arm `components` (each with `variance`, `share` of the sum and `sd`;
        None where it cannot be told), `method`, `n` and `reason` (an empty string or what cannot
        be told and why). RAISES: MissingExtraError without statsmodels.
    """
    result: Json = {}
    for arm in ARMS:
        own = [row for row in done(rows) if row.arm == arm and row.design == design]
        if own:
            result[arm] = _arm(own)
    return result


def _arm(rows: List[Row]) -> Json:
    cells: Cells = defaultdict(Replicates)
    for row in rows:
        if row.f1 is not None:
            cell = cells[row.lang, (row.n_source, row.n_target)]
            cell.values[row.seed, row.draw] = row.f1
    reasons: List[str] = []
    variances: Dict[str, Optional[float]] = dict.fromkeys(COMPONENTS)
    within = _within(cells, reasons)
    variances.update(within)
    replicate = None
    if within:
        replicate = sum(v for v in within.values() if v is not None)
    variances.update(_between(cells, replicate, reasons))
    total = sum(v for v in variances.values() if v is not None)
    components: Json = {}
    for name in COMPONENTS:
        variance = variances[name]
        components[name] = {
            "variance": variance,
            "share": None if variance is None or total <= 0 else variance / total,
            "sd": None if variance is None else float(np.sqrt(variance)),
        }
    return {
        "components": components,
        "method": "REML (statsmodels MixedLM)",
        "n": len(rows),
        "cells": len(cells),
        "reason": " ".join(reasons),
    }


def _within(cells: Cells, reasons: List[str]) -> Dict[str, Optional[float]]:
    crossed = {key: cell for key, cell in cells.items() if cell.crossed}
    if len(crossed) < 2:
        reasons.append(
            "Seed and draw cannot be told apart: no cells with crossed seeds and draws; the residual"
            " holds both."
        )
        variance, _ = pooled(cells.values())
        if variance is None:
            reasons[-1] = "Seed, draw and residual cannot be told: one replicate in each cell."
            return {}
        return {"residual": variance}
    groups, values, seeds, draws = [], [], [], []
    for number, cell in enumerate(crossed.values()):
        for (seed, draw), value in sorted(cell.values.items()):
            groups.append(number)
            values.append(value)
            seeds.append(seed)
            draws.append(draw)
    fit = _fit(values, groups, {"seed": seeds, "draw": draws}, fixed=groups)
    if fit is None:
        reasons.append("Seed and draw cannot be told apart: the mixed model did not converge.")
        variance, _ = pooled(cells.values())
        return {"residual": variance}
    return fit


def _between(
    cells: Cells, replicate: Optional[float], reasons: List[str]
) -> Dict[str, Optional[float]]:
    languages = sorted({lang for lang, _ in cells})
    sizes = sorted({size for _, size in cells})
    effects = {}
    if len(languages) > 1:
        effects["language"] = [languages.index(lang) for lang, _ in cells]
    else:
        reasons.append("Language cannot be told: one language.")
    if len(sizes) > 1:
        effects["size"] = [sizes.index(size) for _, size in cells]
    else:
        reasons.append("Size cannot be told: one size.")
    if not effects or len(cells) < 4:
        return {}
    fit = _fit([cell.mean for cell in cells.values()], [0] * len(cells), effects)
    if fit is None:
        reasons.append("Language and size cannot be told: the mixed model did not converge.")
        return {}
    left = fit.pop("residual")
    if len(effects) == 2 and left is not None:
        harmonic = float(np.mean([1 / len(cell.values) for cell in cells.values()]))
        fit["language_size"] = max(left - (replicate or 0.0) * harmonic, 0.0)
        if replicate is None:
            reasons.append("The interaction of language and size holds the replicates' variance.")
    return fit


def _fit(
    values: Sequence[float],
    groups: Sequence[int],
    effects: Dict[str, List[int]],
    fixed: Optional[Sequence[int]] = None,
) -> Optional[Dict[str, Optional[float]]]:
    """A mixed model: an intercept (of each level of `fixed`), random effects within groups.

    RETURNS (Optional[Dict[str, Optional[float]]]): Variance of each effect and `residual`; None
        where the optimiser did not converge.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
        from statsmodels.tools.sm_exceptions import ConvergenceWarning
    except ImportError:
        raise MissingExtraError("the study's mixed model", "report") from None
    f1 = np.asarray(values, dtype=np.float64)
    labels = np.asarray(groups)
    if fixed is None:
        exog = np.ones((len(f1), 1))
    else:
        levels = np.unique(np.asarray(fixed))
        exog = (np.asarray(fixed)[:, None] == levels[None, :]).astype(np.float64)
    names = sorted(effects)
    matrices: List[List[Any]] = []
    columns: List[List[List[str]]] = []
    for name in names:
        mats, cols = [], []
        for group in np.unique(labels):
            own = np.asarray(effects[name])[labels == group]
            levels = np.unique(own)
            mats.append((own[:, None] == levels[None, :]).astype(np.float64))
            cols.append([str(level) for level in levels])
        matrices.append(mats)
        columns.append(cols)
    # F1 is small: the optimiser's tolerances are made for values of the order of one.
    scale = float(np.std(f1 - exog @ np.linalg.lstsq(exog, f1, rcond=None)[0])) or 1.0
    model = MixedLM(
        f1 / scale,
        exog,
        groups=labels,
        exog_re=None,
        exog_vc=VCSpec(names, columns, matrices),
    )
    with warnings.catch_warnings():
        # An effect without variance is on the boundary, which is an answer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            fit = model.fit(reml=True, method=["lbfgs", "bfgs", "powell"])
        except (np.linalg.LinAlgError, ValueError):
            return None
    if not fit.converged:
        return None
    result: Dict[str, Optional[float]] = {
        name: float(v) * scale**2 for name, v in zip(names, fit.vcomp)
    }
    result["residual"] = float(fit.scale) * scale**2
    return result
