"""Means over replicates with 95% intervals.

A replicate is a pair of seed and draw. A *table* has a line for each language and pair of sizes and a column for each
replicate; what was not measured is NaN there, and so is what cannot be estimated.
"""

from math import isnan, nan, sqrt
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy import special, stats

from ..design.rows import ARMS, DONE, Row

ALL = "all"
VARIANCE = "variance"
SIZES = ["n_source", "n_target"]
CELL = ["lang", *SIZES]
REPLICATE = ["seed", "draw"]
QUANTITIES = ("f1", "minus_teacher", "minus_transfer")
Z = float(stats.norm.ppf(0.975))
# A variance and its degrees of freedom, infinite where it is known well.
Variance = Tuple[float, float]


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """RETURNS (DataFrame): Rows in a fixed order, arms in that of `ARMS`."""
    columns = list(Row.__dataclass_fields__)
    frame = pd.DataFrame([vars(row) for row in sorted(rows, key=lambda row: row.order)], columns=columns)
    frame["arm"] = pd.Categorical(frame["arm"], ARMS, ordered=True)
    scores = [name for quantity in QUANTITIES for name in (quantity, f"{quantity}_low", f"{quantity}_high")]
    return frame.astype(dict.fromkeys(scores, float))


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The rows that were measured."""
    return frame[(frame["status"] == DONE) & frame["f1"].notna()]


def primary(frame: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Measured rows, each cell once; those of the block "variance" only for arms that have no
    other, as its seeds and draws are crossed and so not independent replicates.
    """
    rows = measured(frame)
    other = rows["block"].ne(VARIANCE).groupby([rows["arm"], rows["design"]], observed=True).transform("any")
    rows = rows[rows["block"].ne(VARIANCE) | ~other]
    return rows.drop_duplicates(["arm", "design", *CELL, *REPLICATE])


def by_arm(rows: pd.DataFrame) -> Iterable[Tuple[Tuple[str, str], pd.DataFrame]]:
    """YIELDS (Tuple): Arm and design, and their rows."""
    yield from rows.groupby(["arm", "design"], observed=True)


def table_of(rows: pd.DataFrame, quantity: str = "f1") -> pd.DataFrame:
    """RETURNS (DataFrame): A quantity as a table."""
    return rows.dropna(subset=[quantity]).pivot(index=CELL, columns=REPLICATE, values=quantity).sort_index()


def deviations(table: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The differences from the mean of each line."""
    return table.sub(table.mean(axis=1), axis=0)


def pooled(table: pd.DataFrame) -> Variance:
    """The variance of a replicate, pooled over lines by their degrees of freedom. That of crossed seeds and draws is
    such that their mean has the sum of the variances over seeds and over draws, which is not too small.

    RETURNS (Variance): (NaN, 0) where there is nothing to tell it from.
    """
    if is_crossed(table.columns):
        lines = [_variance(line.dropna()) for _, line in table.iterrows()]
        degrees = sum(df for _, df in lines)
        return (sum(variance * df for variance, df in lines if df) / degrees, degrees) if degrees else (nan, 0)
    values = table.to_numpy()
    degrees = int((~np.isnan(values)).sum()) - len(values)
    if not degrees:
        return nan, 0
    return float(np.nansum((values - np.nanmean(values, axis=1, keepdims=True)) ** 2)) / degrees, degrees


def _variance(line: pd.Series) -> Variance:
    if not is_crossed(line.index):
        return line.var(), len(line) - 1
    means = [line.groupby(level=level).mean() for level in REPLICATE]
    return (
        sum(len(line) * own.var() / len(own) for own in means if len(own) > 1),
        min(len(own) - 1 for own in means if len(own) > 1),
    )


def is_crossed(replicates: pd.Index) -> bool:
    """RETURNS (bool): Whether a seed, or a draw, comes more than once."""
    return replicates.nlevels > 1 and any(len(replicates.unique(level)) < len(replicates) for level in REPLICATE)


def limits(mean: float, parts: Sequence[Variance]) -> Tuple[float, float]:
    """A 95% interval from independent variances of a mean, by Student's t with the degrees of freedom of Welch and
    Satterthwaite.

    parts (Sequence[Variance]): A variance of NaN is left out. RETURNS (Tuple[float, float]): NaN without any.
    """
    known = [part for part in parts if not isnan(part[0])]
    if not known:
        return nan, nan
    total = sum(variance for variance, _ in known)
    spread = sum(variance**2 / degrees for variance, degrees in known)
    quantile = float(special.stdtrit(max(total**2 / spread, 1.0), 0.975)) if spread > 0 else Z
    return mean - quantile * sqrt(total), mean + quantile * sqrt(total)


def estimate(value: float, parts: Sequence[Variance]) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): `value`, `low` and `high`; see `limits`."""
    low, high = limits(value, parts)
    return {"value": value, "low": low, "high": high}


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over replicates of every cell, and over languages (`lang` is "all").

    The variance of a mean is that of the replicates, pooled over the languages of the same sizes, over their number,
    plus the mean variance over test sentences, which replicates share. For the mean over languages the replicates'
    means over languages are used, pooled over the cells of the same number of target sentences.
    RETURNS (DataFrame): `block`, `arm`, `design`, `quantity` (of `QUANTITIES`), `lang`, `n_source`, `n_target`,
        `value`, `low`, `high`, `sd`, `n` (rows).
    """
    found: List[Dict[str, Any]] = []
    for (block, arm, design), rows in measured(frame).groupby(["block", "arm", "design"], observed=True):
        for quantity in QUANTITIES:
            table = table_of(rows, quantity)
            place = {"block": block, "arm": arm, "design": design, "quantity": quantity}
            half = (rows[f"{quantity}_high"] - rows[f"{quantity}_low"]) / (2 * Z)
            test = (half**2).groupby([rows[name] for name in CELL]).mean()
            joint = deviations(table).groupby(level=SIZES).mean()
            shared = {n_target: pooled(part) for n_target, part in joint.groupby(level="n_target")}
            for (n_source, n_target), cells in table.groupby(level=SIZES):
                here = {**place, "n_source": n_source, "n_target": n_target}
                own, counts, centres = test.loc[cells.index], cells.count(axis=1), cells.mean(axis=1)
                variance, degrees = pooled(cells)
                for cell in cells.index:
                    parts = [(variance / counts[cell], degrees), (own[cell], np.inf)]
                    line = {**here, "lang": cell[0], "n": counts[cell], "sd": cells.loc[cell].std()}
                    found.append({**line, **estimate(centres[cell], parts)})
                across, degrees = shared[n_target]
                parts = [(across / counts.min(), degrees), (own.sum(skipna=False) / len(cells) ** 2, np.inf)]
                line = {**here, "lang": ALL, "n": counts.sum(), "sd": sqrt(variance)}
                found.append({**line, **estimate(centres.mean(), parts)})
    columns = ["block", "arm", "design", "quantity", "lang", *SIZES, "value", "low", "high", "sd", "n"]
    result = pd.DataFrame(found, columns=columns)
    bounds = result["quantity"].eq("f1")
    result.loc[bounds, ["low", "high"]] = result.loc[bounds, ["low", "high"]].clip(0, 1)
    return result
