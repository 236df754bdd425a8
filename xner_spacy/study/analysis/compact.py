"""A surface as numbers: what the calculator of the page and `xner study plan` compute with."""

from typing import List, Mapping

import numpy as np

from ...types import Json
from .divisions import LITTLE, ranges
from .forms import Solution
from .surface import Surface

DECIMALS = 5


def compact(surface: Surface) -> Json:
    """RETURNS (Json): `source` and `target`, the measured ranges; `levels` and `shape`, lists of
    [c, seven slopes, alpha, beta] of which the first is the fit and the others are all bootstrap samples, so that the
    intervals are those of the analysis (c is the mean over languages); `widen_levels` and `widen_shape`, see
    `percentiles`; `little`, the loss of F1 that matters little.
    """
    source, target = ranges(surface)
    return {
        "source": source,
        "target": target,
        "little": LITTLE,
        "widen_levels": round(surface.widen_levels, DECIMALS),
        "widen_shape": round(surface.widen_shape, DECIMALS),
        "levels": _lists(surface.levels),
        "shape": _lists(surface.shape),
    }


def expectations(surface: Surface, by_language: Mapping[str, Surface]) -> Json:
    """RETURNS (Json): What `xner study plan` needs: `form`, the measured ranges `source` and `target`, `fit`, and the
    fit of each of the `languages`, as in `compact`.
    """
    source, target = ranges(surface)
    fits = {lang: _lists(one.point)[0] for lang, one in by_language.items()}
    fit = _lists(surface.point)[0]
    return {"form": surface.form, "source": source, "target": target, "fit": fit, "languages": fits}


def _lists(solution: Solution) -> List[List[float]]:
    rows = np.vstack([solution.c.mean(axis=0), solution.slopes, solution.alpha, solution.beta])
    return [[round(float(value), DECIMALS) for value in column] for column in rows.T]
