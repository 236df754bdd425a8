"""Means over replicates with 95% intervals, and what is compared within the same language, seed and draw: arms, designs,
mirrored sizes, tenfolds.

A replicate is a pair of seed and draw. A *table* has a line for each language and pair of sizes and a column for each
replicate; what was not measured is NaN there, and so is what cannot be estimated.
"""

from math import isnan, nan, sqrt
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy import special, stats

from ..design.rows import ARMS, DONE, SOURCE_ARMS, Row

ALL = "all"
VARIANCE = "variance"
SIZES = ["n_source", "n_target"]
CELL = ["lang", *SIZES]
REPLICATE = ["seed", "draw"]
ARM = ["arm", "design"]
QUANTITIES = ("f1", "minus_teacher", "minus_transfer")
Z = float(stats.norm.ppf(0.975))
# What is compared with what, within the same language, sizes, seed and draw.
CONTRASTS = (
    ("soft", "hard"),
    ("prototypes", "soft"),
    ("surest", "soft"),
    ("tsl", "transfer"),
    ("translate_train", "hard"),
    ("ensemble", "soft"),
    ("ensemble", "teacher"),
    ("soft", "teacher"),
    ("hard", "teacher"),
    ("soft", "transfer"),
    ("hard", "transfer"),
    ("teacher", "transfer"),
)
ESTIMATE = ("value", "low", "high", "n")
COEFFICIENTS = ("source", "target", "source_minus_target", "interaction")
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
    other = rows["block"].ne(VARIANCE).groupby([rows[name] for name in ARM], observed=True).transform("any")
    rows = rows[rows["block"].ne(VARIANCE) | ~other]
    return rows.drop_duplicates([*ARM, *CELL, *REPLICATE])


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
        degrees = sum(of_line for _, of_line in lines)
        squares = sum(variance * of_line for variance, of_line in lines if of_line)
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
    """RETURNS (bool): Whether a seed, or a draw, comes more than once."""
    return replicates.nlevels > 1 and any(len(replicates.unique(level)) < len(replicates) for level in REPLICATE)


def estimate(value: float, parts: Sequence[Variance]) -> Dict[str, float]:
    """A 95% interval from independent variances of a mean, by Student's t with the degrees of freedom of Welch and
    Satterthwaite.

    value (float): The mean. parts (Sequence[Variance]): A variance of NaN is left out.
    RETURNS (Dict[str, float]): `value`, `low` and `high`, both NaN without any variance.
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
    """Mean over replicates of every cell, and over languages (`lang` is "all").

    The variance of a mean is that of the replicates, pooled over the languages of the same sizes, over their number,
    plus the mean variance over test sentences, which replicates share. For the mean over languages the replicates'
    means over languages are used, pooled over the cells of the same number of target sentences.
    RETURNS (DataFrame): `block`, `arm`, `design`, `quantity` (of `QUANTITIES`), `lang`, `n_source`, `n_target`,
        `value`, `low`, `high`, `sd`, `n` (rows).
    """
    lines: List[Dict[str, Any]] = []
    for place, rows in measured(frame).groupby(["block", *ARM], observed=True):
        for quantity in QUANTITIES:
            table = table_of(rows, quantity)
            half = (rows[f"{quantity}_high"] - rows[f"{quantity}_low"]) / (2 * Z)
            test = (half**2).groupby([rows[name] for name in CELL]).mean()
            joint = deviations(table).groupby(level=SIZES).mean()
            shared = {n_target: pooled(part) for n_target, part in joint.groupby(level="n_target")}
            for size, cells in table.groupby(level=SIZES):
                here = dict(zip(("block", *ARM, "quantity", *SIZES), (*place, quantity, *size), strict=True))
                own, counts, centres = test.loc[cells.index], cells.count(axis=1), cells.mean(axis=1)
                variance, degrees = pooled(cells)
                for cell, sd in cells.std(axis=1).items():
                    parts = [(variance / counts[cell], degrees), (own[cell], np.inf)]
                    line = {**here, "lang": cell[0], "n": counts[cell], "sd": sd}
                    lines.append({**line, **estimate(centres[cell], parts)})
                across, degrees = shared[size[1]]
                parts = [(across / counts.min(), degrees), (own.sum(skipna=False) / len(cells) ** 2, np.inf)]
                line = {**here, "lang": ALL, "n": counts.sum(), "sd": sqrt(variance)}
                lines.append({**line, **estimate(centres.mean(), parts)})
    columns = ["block", *ARM, "quantity", "lang", *SIZES, "value", "low", "high", "sd", "n"]
    result = pd.DataFrame(lines, columns=columns)
    bounds = result["quantity"].eq("f1")
    result.loc[bounds, ["low", "high"]] = result.loc[bounds, ["low", "high"]].clip(0, 1)
    return result


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean differences with intervals, by language and sizes, and over all of each.

    One language: over replicates, their variance pooled over languages. All languages: languages and replicates are
    crossed random effects, so that the interval speaks of languages like these and of other seeds and draws. Over all
    sizes a replicate counts with its mean over sizes.
    RETURNS (DataFrame): `lang`, `n_source`, `n_target` (0 in both for all), `value`, `low`, `high` and `n`, the pairs.
    """
    lines: List[Dict[str, Any]] = []
    centres, off = table.mean(axis=1), deviations(table)

    def tell(size: Tuple[int, int], cells: pd.DataFrame, pairs: pd.Series, shared: Variance) -> None:
        place = dict(zip(SIZES, size, strict=True))
        variance, degrees = pooled(cells)
        counts = cells.count(axis=1)
        for lang, mean in cells.mean(axis=1).items():
            line = estimate(mean, [(variance / counts[lang], degrees)])
            lines.append({"lang": lang, **place, **line, "n": pairs[lang]})
        lines.append({"lang": ALL, **place, **_over_languages(cells, *shared), "n": pairs.sum()})

    # Replicates of all languages together, pooled over sizes: those of the same source text share the teacher and
    # count once.
    joint = pooled(off.groupby(level=SIZES).mean())[0]
    degrees = (len(table.columns) - 1) * len(table.index.unique("n_source"))
    for size, cells in table.groupby(level=SIZES):
        tell(size, cells.droplevel(SIZES), cells.count(axis=1).droplevel(SIZES), (joint, degrees))
    if len(table):
        cells = off.groupby(level="lang").mean().add(centres.groupby(level="lang").mean(), axis=0)
        pairs = table.count(axis=1).groupby(level="lang").sum()
        tell((0, 0), cells, pairs, pooled(deviations(cells).mean().to_frame().T))
    return pd.DataFrame(lines, columns=[*CELL, *ESTIMATE])


def _over_languages(cells: pd.DataFrame, joint: float, degrees: float) -> Dict[str, float]:
    """The mean over languages. Its variance is that between languages plus that of the replicates of all languages
    together, less what both hold (the two-way analysis of variance of crossed random effects), and at least the larger.

    joint (float): Variance of a replicate's mean over languages. degrees (float): Of freedom.
    """
    centres = cells.mean(axis=1)
    mean, n, count = centres.mean(), cells.count(axis=1).min(), len(cells)
    if count == 1:
        variance, own = pooled(cells)
        return estimate(mean, [(variance / n, own)])
    between = centres.var() / count
    if isnan(joint):
        return estimate(mean, [(between, count - 1)])
    shared = joint / n
    off = deviations(cells)
    rest = pooled(off - off.mean())[0]
    # One language's share of the degrees of freedom went into the replicates' means.
    both = 0.0 if isnan(rest) else rest / (count - 1) / n
    total = max(between, shared, between + shared - both)
    scale = total / (between + shared) if between + shared > 0 else 1.0
    return estimate(mean, [(between * scale, count - 1), (shared * scale, degrees)])


def _difference(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str] = (*CELL, *REPLICATE)) -> pd.DataFrame:
    """RETURNS (DataFrame): `summarise` of F1 of the left rows minus that of the right ones with the same `on`."""
    pairs = left.merge(right[[*on, "f1"]], on=list(on), suffixes=("", "_right"))
    return summarise(table_of(pairs.assign(difference=pairs["f1"] - pairs["f1_right"]), "difference"))


def _joined(parts: Mapping[Any, pd.DataFrame], names: List[str]) -> pd.DataFrame:
    known = {place: part for place, part in parts.items() if len(part)}
    if not known:
        return pd.DataFrame(columns=[*names, *CELL, *ESTIMATE])
    return pd.concat(known, names=names).reset_index(names).reset_index(drop=True)


def contrasts(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): `CONTRASTS`, columns `a`, `b`, `design` and those of `summarise`. rows: Of `primary`."""
    arms = dict(list(rows.groupby(ARM, observed=True)))
    parts = {}
    for a, b in CONTRASTS:
        for (_, design), left in ((place, own) for place, own in arms.items() if place[0] == a):
            if b in SOURCE_ARMS:
                parts[a, b, design] = _difference(left, rows[rows["arm"] == b], ["lang", "n_source", *REPLICATE])
            else:
                parts[a, b, design] = _difference(left, arms.get((b, design), rows[:0]))
    return _joined(parts, ["a", "b", "design"])


def designs(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Passes over the text fixed minus optimiser steps fixed, by `arm`; see `summarise`."""
    parts = {}
    for arm, own in rows.groupby("arm", observed=True):
        parts[(arm,)] = _difference(own[own["design"] == "epochs"], own[own["design"] == "steps"])
    return _joined(parts, ["arm"])


def mirrored(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Measured pairs of the same total by `arm` and `design`: more source than target sentences
    minus the reverse. See `summarise`; the sizes are those of the first.
    """
    parts = {}
    for place, own in rows[~rows["arm"].isin(SOURCE_ARMS)].groupby(ARM, observed=True):
        flipped = own.rename(columns={"n_source": "n_target", "n_target": "n_source"})
        parts[place] = _difference(own[own["n_source"] > own["n_target"]], flipped)
    return _joined(parts, ARM)


def tenfolds(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean gain for a tenfold, without the surface: least squares of F1 on the logarithms of both sizes and on their
    product, for each language and replicate alone.

    RETURNS (DataFrame): `arm`, `design`, `coefficient` ("source", "target": F1 for a tenfold of either at the middle of
        the grid; "source_minus_target": their difference; "interaction": how much more a tenfold of one gains when the
        other is tenfold) and the columns of `summarise`.
    """
    parts = {}
    for place, own in rows.groupby(ARM, observed=True):
        logs = np.log10(own[SIZES].clip(lower=1))
        # In the middle of the whole grid, so that a missing cell does not move it.
        centred = logs - (logs.min() + logs.max()) / 2
        used = [name for name in SIZES if logs[name].nunique() > 1]
        features = centred[used].assign(one=1.0)
        if len(used) == 2:
            features["product"] = centred["n_source"] * centred["n_target"]
        solved = {}
        for curve, index in own.groupby(["lang", *REPLICATE]).groups.items():
            design_matrix = features.loc[index].to_numpy()
            rank = np.linalg.matrix_rank(design_matrix)
            if used and len(index) > design_matrix.shape[1] == rank:
                solved[curve] = np.linalg.lstsq(design_matrix, own.loc[index, "f1"], rcond=None)[0]
        if not solved:
            continue
        table = pd.DataFrame.from_dict(solved, orient="index", columns=features.columns)
        table.index = pd.MultiIndex.from_tuples(table.index, names=["lang", *REPLICATE])
        table = table.rename(columns={"n_source": "source", "n_target": "target", "product": "interaction"})
        if len(used) == 2:
            table["source_minus_target"] = table["source"] - table["target"]
        for name in (name for name in COEFFICIENTS if name in table):
            summary = summarise(table_of(table.reset_index().assign(n_source=1, n_target=1), name))
            parts[(*place, name)] = summary[summary["n_source"] == 1].assign(n_source=0, n_target=0)
    return _joined(parts, [*ARM, "coefficient"])
