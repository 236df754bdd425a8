"""Ratios of variances, with intervals for languages and replicates alike."""

from math import isnan, log, nan
from typing import Sequence, Tuple

import numpy as np
import pandas as pd

from .finding import Estimate
from .intervals import deviations, estimate


def variance_ratio(top: pd.DataFrame, bottom: pd.DataFrame) -> Estimate:
    """Compute the logarithm of the ratio of two variances between replicates, each pooled over lines. Its variance is
    that of the jackknife over languages plus that of the jackknife over replicates, minus what both contain, that of
    independent errors; but at least the larger of the two.

    top, bottom (DataFrame): Lines of cells, with `lang` in their index, by replicates.
    """
    languages = sorted({lang for table in (top, bottom) for lang in table.index.get_level_values("lang")})
    replicates = list(dict.fromkeys([*top.columns, *bottom.columns]))
    without_languages = [
        [table[table.index.get_level_values("lang") != lang] for table in (top, bottom)] for lang in languages
    ]
    without_replicates = [
        [table.loc[:, [column != replicate for column in table.columns]] for table in (top, bottom)]
        for replicate in replicates
    ]
    whole = _log_ratio(top, bottom)
    by_language, by_replicate = (
        _jackknife([_log_ratio(*tables) for tables in parts]) for parts in (without_languages, without_replicates)
    )
    independent = sum(2 / degrees for _, degrees in map(_pooled, (top, bottom)))
    if isnan(by_language):
        return estimate(whole, [(max(by_replicate, independent), len(replicates) - 1)])
    parts = by_language + by_replicate
    total = max(by_language, by_replicate, parts - independent, independent)
    scale = total / parts if parts > 0 else 1.0
    return estimate(whole, [(by_language * scale, len(languages) - 1), (by_replicate * scale, len(replicates) - 1)])


def _log_ratio(top: pd.DataFrame, bottom: pd.DataFrame) -> float:
    variances = [_pooled(table)[0] for table in (top, bottom)]
    return log(variances[0] / variances[1]) if min(variances) > 0 else nan


def _pooled(table: pd.DataFrame) -> Tuple[float, int]:
    degrees = int((table.count(axis=1) - 1).clip(lower=0).sum())
    return (float(np.nansum(deviations(table).to_numpy() ** 2)) / degrees, degrees) if degrees else (nan, 0)


def _jackknife(values: Sequence[float]) -> float:
    n = len(values)
    return float((n - 1) * np.var(values)) if n > 1 and np.isfinite(values).all() else nan
