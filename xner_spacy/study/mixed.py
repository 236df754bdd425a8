"""How the variance of F1 divides into language, size, seed and draw: mixed models with random effects.

Two models, both by REML (statsmodels). Within cells of language and size: seed and draw, which need
cells where several draws were run with the same seed and the reverse. Between cells: language and
size, crossed, on the cells' means; what is left there, beyond the replicates' share, is the
interaction of language and size.
"""

import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from scipy import stats

from ..errors import MissingExtraError
from ..types import Json
from .rows import ARMS, Row
from .statistics import Replicates, Z, done, pooled

COMPONENTS = ("language", "size", "language_size", "seed", "draw", "residual")
Cells = Dict[Tuple[str, Tuple[int, int]], Replicates]


def variance_components(rows: Sequence[Row], design: str = "steps") -> Json:
    """Variance components of each arm.

    rows (Sequence[Row]): Of any block. design (str): Which design.
    RETURNS (Json): For each arm `components` (each with `variance`, `share` of the sum, `sd`, `sd_low` and `sd_high`;
        None where it cannot be told), `method`, `n` and `reason` (an empty string or what cannot
        be told and why). RAISES: MissingExtraError without statsmodels.
    """
    result: Json = {}
    for arm in ARMS:
        own = [row for row in done(rows) if row.arm == arm and row.design == design]
        if own:
            result[arm] = _arm(own)
    return result


@dataclass
class Component:
    """A variance and its standard error."""

    variance: float
    error: float

    def describe(self, total: float) -> Json:
        """RETURNS (Json): The variance as `share` of a total, and `sd` with a 95% interval: chi-square
        with the degrees of freedom that the standard error stands for (Satterthwaite)."""
        variance, error = self.variance, self.error
        low: Optional[float] = 0.0
        high: Optional[float] = None
        if np.isfinite(error) and 0 < error < variance:
            degrees = 2 * (variance / error) ** 2
            low = float(np.sqrt(variance * degrees / stats.chi2.ppf(0.975, degrees)))
            high = float(np.sqrt(variance * degrees / stats.chi2.ppf(0.025, degrees)))
        elif np.isfinite(error):
            high = float(np.sqrt(variance + Z * error))
        return {
            "variance": variance,
            "share": variance / total if total > 0 else None,
            "sd": float(np.sqrt(variance)),
            "sd_low": low,
            "sd_high": high,
        }


def _arm(rows: List[Row]) -> Json:
    cells: Cells = defaultdict(Replicates)
    for row in rows:
        if row.f1 is not None:
            cell = cells[row.lang, (row.n_source, row.n_target)]
            cell.values[row.seed, row.draw] = row.f1
    reasons: List[str] = []
    within = _within(cells, reasons)
    found = {**within, **_between(cells, within, reasons)}
    total = sum(component.variance for component in found.values())
    none = dict.fromkeys(("variance", "share", "sd", "sd_low", "sd_high"))
    components: Json = {name: found[name].describe(total) if name in found else dict(none) for name in COMPONENTS}
    return {
        "components": components,
        "method": "REML (statsmodels MixedLM)",
        "n": len(rows),
        "cells": len(cells),
        "crossed_cells": sum(cell.crossed for cell in cells.values()),
        "reason": " ".join(reasons),
    }


def _within(cells: Cells, reasons: List[str]) -> Dict[str, Component]:
    crossed = {key: cell for key, cell in cells.items() if cell.crossed}
    if len(crossed) < 2:
        variance, degrees = pooled(cells.values())
        if variance is None:
            reasons.append("Seed, draw and residual cannot be told: one replicate in each cell.")
            return {}
        reasons.append(
            "Seed and draw cannot be told apart: no cells with crossed seeds and draws; the residual holds both."
        )
        return {"residual": Component(variance, variance * float(np.sqrt(2 / degrees)))}
    groups, values = [], []
    effects: Dict[str, List[int]] = {"seed": [], "draw": []}
    for number, cell in enumerate(crossed.values()):
        for (seed, draw), value in sorted(cell.values.items()):
            groups.append(number)
            values.append(value)
            effects["seed"].append(seed)
            effects["draw"].append(draw)
    fit = _fit(values, groups, effects, by_group=True)
    if fit is None:
        reasons.append("Seed, draw and residual cannot be told: the mixed model did not converge.")
        return {}
    degrees = sum(
        len(cell.values) - len({s for s, _ in cell.values}) - len({d for _, d in cell.values}) + 1
        for cell in crossed.values()
    )
    if degrees:
        fit["residual"].error = fit["residual"].variance * float(np.sqrt(2 / degrees))
    return fit


def _between(cells: Cells, within: Dict[str, Component], reasons: List[str]) -> Dict[str, Component]:
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
    degrees = len(cells) - len(languages) - len(sizes) + 1
    if not effects:
        return {}
    if len(cells) < 4 or (len(effects) == 2 and degrees < 1):
        reasons.append("Language and size cannot be told: too few cells.")
        return {}
    fit = _fit([cell.mean for cell in cells.values()], [0] * len(cells), effects)
    if fit is None:
        reasons.append("Language and size cannot be told: the mixed model did not converge.")
        return {}
    left = fit.pop("residual").variance
    if len(effects) == 2:
        # What replicates add to the mean of a cell, as if all of it were independent.
        share = float(np.mean([1 / len(cell.values) for cell in cells.values()]))
        replicate = share * sum(component.variance for component in within.values())
        fit["language_size"] = Component(max(left - replicate, 0.0), left * float(np.sqrt(2 / degrees)))
        if not within:
            reasons.append("The interaction of language and size holds the replicates' variance.")
    return fit


def _fit(
    values: Sequence[float],
    groups: Sequence[int],
    effects: Dict[str, List[int]],
    by_group: bool = False,
) -> Optional[Dict[str, Component]]:
    """A mixed model with random effects within groups, and one fixed intercept or one of each group.

    RETURNS (Optional[Dict[str, Component]]): Each effect and `residual`, of which the error is not
        known; None where the optimiser did not converge.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
        from statsmodels.tools.sm_exceptions import ConvergenceWarning, SingularMatrixWarning
    except ImportError:
        raise MissingExtraError("the study's mixed model", "report") from None
    f1 = np.asarray(values, dtype=np.float64)
    labels = np.asarray(groups)
    exog = np.ones((len(f1), 1))
    if by_group:
        exog = (labels[:, None] == np.unique(labels)[None, :]).astype(np.float64)
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
    best: Any = None
    with warnings.catch_warnings():
        # An effect without variance is on the boundary, which is an answer.
        for category in (ConvergenceWarning, SingularMatrixWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        # Near the boundary either optimiser may stop early.
        for method in ("bfgs", "powell"):
            try:
                fit = model.fit(reml=True, method=method)
            except (np.linalg.LinAlgError, ValueError):
                continue
            if fit.converged and (best is None or fit.llf > best.llf):
                best = fit
    if best is None:
        return None
    fit = best
    unit = scale**2
    errors = np.asarray(fit.bse, dtype=np.float64)[-len(names) :] * float(fit.scale) * unit
    result = {
        name: Component(float(variance) * unit, float(error))
        for name, variance, error in zip(names, fit.vcomp, errors, strict=True)
    }
    result["residual"] = Component(float(fit.scale) * unit, float("nan"))
    return result
