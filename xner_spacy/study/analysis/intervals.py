"""Means over replicates, and of differences within the same language, seed and draw, with 95% intervals.

A replicate is a pair of seed and draw. A *table* has a line for each language and pair of sizes and a column for each
replicate. Values that were not measured, or cannot be estimated, are NaN.
"""

from math import isnan, nan, sqrt
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy import special, stats

from ..design.rows import ARMS, DONE, GOLD, Row

ALL = "all"
VARIANCE = "variance"
SIZES = ["n_source", "n_target"]
CELL = ["lang", *SIZES]
REPLICATE = ["seed", "draw"]
ARM = ["arm", "design"]
QUANTITIES = ("f1", "minus_teacher", "minus_transfer")
Z = float(stats.norm.ppf(0.975))
ESTIMATE = ("value", "low", "high", "n")
# A variance and its degrees of freedom, which are infinite for a variance that is known well.
Variance = Tuple[float, float]


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """RETURNS (DataFrame): The rows in a fixed order; arms have the order of `ARMS`."""
    columns = list(Row.__dataclass_fields__)
    frame = pd.DataFrame([vars(row) for row in sorted(rows, key=lambda row: row.order)], columns=columns)
    frame["arm"] = pd.Categorical(frame["arm"], ARMS, ordered=True)
    scores = [name for quantity in QUANTITIES for name in (quantity, f"{quantity}_low", f"{quantity}_high")]
    return frame.astype(dict.fromkeys(scores, float))


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The rows that were measured."""
    return frame[(frame["status"] == DONE) & frame["f1"].notna()]


def of_the_grid(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The rows without variants and without students of gold labels, which have no source text."""
    return frame[frame["variant"].eq("") & frame["arm"].ne(GOLD)]


def primary(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Measured rows of the grid, each cell once. Those of the block "variance" are used only for
    arms without another block, as its seeds and draws are crossed and therefore not independent replicates.
    """
    rows = measured(of_the_grid(frame))
    has_other_block = rows["block"].ne(VARIANCE).groupby([rows[name] for name in ARM], observed=True).transform("any")
    rows = rows[rows["block"].ne(VARIANCE) | ~has_other_block]
    return rows.drop_duplicates([*ARM, *CELL, *REPLICATE])


def table_of(rows: pd.DataFrame, quantity: str = "f1") -> pd.DataFrame:
    """RETURNS (DataFrame): A quantity as a table."""
    return rows.dropna(subset=[quantity]).pivot(index=CELL, columns=REPLICATE, values=quantity).sort_index()


def deviations(table: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The differences from the mean of each line."""
    return table.sub(table.mean(axis=1), axis=0)


def pooled(table: pd.DataFrame) -> Variance:
    """Compute the variance of a replicate, pooled over lines by their degrees of freedom. For crossed seeds and draws
    it is chosen so that the variance of their mean is the sum of the variances over seeds and over draws, a safe value.

    RETURNS (Variance): The variance; (NaN, 0) if it cannot be estimated.
    """
    if is_crossed(table.columns):
        lines = [_variance(line.dropna()) for _, line in table.iterrows()]
        degrees = sum(df for _, df in lines)
        squares = sum(variance * df for variance, df in lines if df)
    else:
        degrees = int(table.count(axis=1).sum()) - len(table)
        squares = np.nansum(deviations(table).to_numpy() ** 2)
    return (float(squares) / degrees, degrees) if degrees else (nan, 0)


def _variance(line: pd.Series) -> Variance:
    if not is_crossed(line.index):
        return line.var(), len(line) - 1
    levels = [line.groupby(level=level).mean() for level in REPLICATE]
    levels = [means for means in levels if len(means) > 1]
    variance = sum(len(line) * means.var() / len(means) for means in levels)
    return variance, min(len(means) - 1 for means in levels)


def is_crossed(replicates: pd.Index) -> bool:
    """RETURNS (bool): Whether a seed, or a draw, occurs more than once."""
    return replicates.nlevels > 1 and any(len(replicates.unique(level)) < len(replicates) for level in REPLICATE)


def estimate(value: float, parts: Sequence[Variance]) -> Dict[str, float]:
    """Compute a 95% interval from independent variances of a mean, by Student's t with the degrees of freedom of Welch
    and Satterthwaite.

    value (float): The mean. parts (Sequence[Variance]): The variances; those that are NaN are ignored.
    RETURNS (Dict[str, float]): `value`, `low` and `high`; the last two are NaN without any variance.
    """
    known = [part for part in parts if not isnan(part[0])]
    if not known:
        return {"value": value, "low": nan, "high": nan}
    total = sum(variance for variance, _ in known)
    spread = sum(variance**2 / degrees for variance, degrees in known)
    quantile = float(special.stdtrit(max(total**2 / spread, 1.0), 0.975)) if spread > 0 else Z
    half = quantile * sqrt(total)
    return {"value": value, "low": value - half, "high": value + half}


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean over replicates of every cell, and the mean over languages (`lang` is "all").

    The variance of a mean is the variance of the replicates, pooled over the languages of the same sizes and divided by
    their number, plus the mean variance over test sentences, which replicates share. The mean over languages uses the
    replicates' means over languages, pooled over the cells with the same number of target sentences.
    RETURNS (DataFrame): `block`, `arm`, `design`, `quantity` (of `QUANTITIES`), `lang`, `n_source`, `n_target`,
        `value`, `low`, `high`, `sd`, `n` (rows).
    """
    lines: List[Dict[str, Any]] = []
    for key, rows in measured(frame).groupby(["block", *ARM], observed=True):
        for quantity in QUANTITIES:
            table = table_of(rows, quantity)
            half = (rows[f"{quantity}_high"] - rows[f"{quantity}_low"]) / (2 * Z)
            test = (half**2).groupby([rows[name] for name in CELL]).mean()
            joint = deviations(table).groupby(level=SIZES).mean()
            joint_variances = {n_target: pooled(part) for n_target, part in joint.groupby(level="n_target")}
            for size, cells in table.groupby(level=SIZES):
                shared_columns = dict(zip(("block", *ARM, "quantity", *SIZES), (*key, quantity, *size), strict=True))
                test_variances, counts, means_of_cells = test.loc[cells.index], cells.count(axis=1), cells.mean(axis=1)
                variance, degrees = pooled(cells)
                for cell, sd in cells.std(axis=1).items():
                    parts = [(variance / counts[cell], degrees), (test_variances[cell], np.inf)]
                    line = {**shared_columns, "lang": cell[0], "n": counts[cell], "sd": sd}
                    lines.append({**line, **estimate(means_of_cells[cell], parts)})
                joint_variance, degrees = joint_variances[size[1]]
                test_variance = test_variances.sum(skipna=False) / len(cells) ** 2
                parts = [(joint_variance / counts.min(), degrees), (test_variance, np.inf)]
                line = {**shared_columns, "lang": ALL, "n": counts.sum(), "sd": sqrt(variance)}
                lines.append({**line, **estimate(means_of_cells.mean(), parts)})
    columns = ["block", *ARM, "quantity", "lang", *SIZES, "value", "low", "high", "sd", "n"]
    result = pd.DataFrame(lines, columns=columns)
    bounds = result["quantity"].eq("f1")
    result.loc[bounds, ["low", "high"]] = result.loc[bounds, ["low", "high"]].clip(0, 1)
    return result


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Compute mean differences with intervals, by language and sizes, over all languages, and over all sizes.

    For one language the mean is over replicates, whose variance is pooled over languages. For all languages, languages
    and replicates are crossed random effects, so that the interval applies to similar languages and to other seeds and
    draws. For all sizes the values are the replicates' means over sizes.
    RETURNS (DataFrame): `lang`, `n_source`, `n_target` (both 0 for all), `value`, `low`, `high`, and `n` pairs.
    """
    lines: List[Dict[str, Any]] = []
    line_means, differences = table.mean(axis=1), deviations(table)

    def tell(size: Tuple[int, int], cells: pd.DataFrame, pairs: pd.Series, shared: Variance) -> None:
        size_columns = dict(zip(SIZES, size, strict=True))
        variance, degrees = pooled(cells)
        counts = cells.count(axis=1)
        for lang, mean in cells.mean(axis=1).items():
            line = estimate(mean, [(variance / counts[lang], degrees)])
            lines.append({"lang": lang, **size_columns, **line, "n": pairs[lang]})
        lines.append({"lang": ALL, **size_columns, **_over_languages(cells, *shared), "n": pairs.sum()})

    # Replicates of all languages together, pooled over sizes. Those with the same source text share the teacher and
    # count once.
    joint = pooled(differences.groupby(level=SIZES).mean())[0]
    degrees = (len(table.columns) - 1) * len(table.index.unique("n_source"))
    for size, cells in table.groupby(level=SIZES):
        tell(size, cells.droplevel(SIZES), cells.count(axis=1).droplevel(SIZES), (joint, degrees))
    if len(table):
        cells = differences.groupby(level="lang").mean().add(line_means.groupby(level="lang").mean(), axis=0)
        pairs = table.count(axis=1).groupby(level="lang").sum()
        tell((0, 0), cells, pairs, pooled(deviations(cells).mean().to_frame().T))
    return pd.DataFrame(lines, columns=[*CELL, *ESTIMATE])


def crossed(table: pd.DataFrame) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The mean of a table of languages by replicates, which are crossed random effects,
    with its interval, for similar languages and other seeds and draws.
    """
    return _over_languages(table, *pooled(deviations(table).mean().to_frame().T))


def _over_languages(cells: pd.DataFrame, joint: float, degrees: float) -> Dict[str, float]:
    """Compute the mean over languages. Its variance is that between languages plus that of the replicates of all
    languages together, minus what both contain (two-way analysis of variance of crossed random effects), but at least
    the larger of the two.

    joint (float): Variance of a replicate's mean over languages. degrees (float): Its degrees of freedom.
    """
    means_of_languages = cells.mean(axis=1)
    mean, n_replicates, count = means_of_languages.mean(), cells.count(axis=1).min(), len(cells)
    if count == 1:
        variance, degrees_of_language = pooled(cells)
        return estimate(mean, [(variance / n_replicates, degrees_of_language)])
    between = means_of_languages.var() / count
    if isnan(joint):
        return estimate(mean, [(between, count - 1)])
    shared = joint / n_replicates
    residuals = deviations(cells)
    residual = pooled(residuals - residuals.mean())[0]
    # The degrees of freedom of one language were used for the replicates' means.
    in_both = 0.0 if isnan(residual) else residual / (count - 1) / n_replicates
    total = max(between, shared, between + shared - in_both)
    scale = total / (between + shared) if between + shared > 0 else 1.0
    return estimate(mean, [(between * scale, count - 1), (shared * scale, degrees)])
