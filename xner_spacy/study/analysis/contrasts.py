"""What is compared within the same language, seed and draw: arms, designs, mirrored sizes, tenfolds."""

from math import isnan
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np
import pandas as pd

from ..design.rows import SOURCE_ARMS
from .intervals import ALL, CELL, REPLICATE, SIZES, Variance, by_arm, deviations, estimate, pooled, table_of

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
COEFFICIENTS = ("source", "target", "source_minus_target", "interaction")


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean differences with intervals, by language and sizes, and over all of each.

    One language: over replicates, their variance pooled over languages. All languages: languages and replicates are
    crossed random effects, so that the interval speaks of languages like these and of other seeds and draws. Over all
    sizes a replicate counts with its mean over sizes.
    RETURNS (DataFrame): `lang`, `n_source`, `n_target` (0 in both for all), `value`, `low`, `high` and `n`, the pairs.
    """
    found: List[Dict[str, Any]] = []
    centres, off = table.mean(axis=1), deviations(table)
    # Replicates of all languages together, pooled over sizes: those of the same source text share the teacher and
    # count once.
    joint = pooled(off.groupby(level=SIZES).mean())[0]
    degrees = (len(table.columns) - 1) * len(table.index.unique("n_source"))
    parts: List[Tuple[Tuple[int, int], pd.DataFrame, pd.Series, Variance]] = [
        (size, cells.droplevel(SIZES), cells.count(axis=1).droplevel(SIZES), (joint, degrees))
        for size, cells in table.groupby(level=SIZES)
    ]
    if len(table):
        cells = off.groupby(level="lang").mean().add(centres.groupby(level="lang").mean(), axis=0)
        pairs = table.count(axis=1).groupby(level="lang").sum()
        parts.append(((0, 0), cells, pairs, pooled(deviations(cells).mean().to_frame().T)))
    for size, cells, pairs, shared in parts:
        place = dict(zip(SIZES, size, strict=True))
        variance, own = pooled(cells)
        counts = cells.count(axis=1)
        for lang, mean in cells.mean(axis=1).items():
            line = estimate(mean, [(variance / counts[lang], own)])
            found.append({"lang": lang, **place, **line, "n": pairs[lang]})
        found.append({"lang": ALL, **place, **_over_languages(cells, *shared), "n": pairs.sum()})
    return pd.DataFrame(found, columns=[*CELL, "value", "low", "high", "n"])


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


def _difference(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """RETURNS (DataFrame): `summarise` of F1 of the left rows minus that of the right ones with the same `on`."""
    pairs = left.merge(right[[*on, "f1"]], on=list(on), suffixes=("", "_right"))
    return summarise(table_of(pairs.assign(difference=pairs["f1"] - pairs["f1_right"]), "difference"))


def _joined(parts: Iterable[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    columns = [*names, *CELL, "value", "low", "high", "n"]
    known = [part for part in parts if len(part)]
    return pd.concat(known, ignore_index=True)[columns] if known else pd.DataFrame(columns=columns)


def contrasts(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): `CONTRASTS`, columns `a`, `b`, `design` and those of `summarise`. rows: Of `primary`."""
    arms = dict(list(by_arm(rows)))
    parts = []
    for a, b in CONTRASTS:
        for (arm, design), left in arms.items():
            if arm == a:
                right = rows[rows["arm"] == b] if b in SOURCE_ARMS else arms.get((b, design), rows[:0])
                on = ["lang", "n_source", *REPLICATE] if b in SOURCE_ARMS else [*CELL, *REPLICATE]
                parts.append(_difference(left, right, on).assign(a=a, b=b, design=design))
    return _joined(parts, ["a", "b", "design"])


def designs(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Passes over the text fixed minus optimiser steps fixed, by `arm`; see `summarise`."""
    parts = []
    for arm, own in rows.groupby("arm", observed=True):
        left, right = (own[own["design"] == design] for design in ("epochs", "steps"))
        parts.append(_difference(left, right, [*CELL, *REPLICATE]).assign(arm=arm))
    return _joined(parts, ["arm"])


def mirrored(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Measured pairs of the same total by `arm` and `design`: more source than target sentences
    minus the reverse. See `summarise`; the sizes are those of the first.
    """
    parts = []
    for (arm, design), own in by_arm(rows[~rows["arm"].isin(SOURCE_ARMS)]):
        flipped = own.rename(columns={"n_source": "n_target", "n_target": "n_source"})
        left = own[own["n_source"] > own["n_target"]]
        parts.append(_difference(left, flipped, [*CELL, *REPLICATE]).assign(arm=arm, design=design))
    return _joined(parts, ["arm", "design"])


def tenfolds(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean gain for a tenfold, without the surface: least squares of F1 on the logarithms of both sizes and on their
    product, for each language and replicate alone.

    RETURNS (DataFrame): `arm`, `design`, `coefficient` ("source", "target": F1 for a tenfold of either at the middle of
        the grid; "source_minus_target": their difference; "interaction": how much more a tenfold of one gains when the
        other is tenfold) and the columns of `summarise`.
    """
    parts = []
    for (arm, design), own in by_arm(rows):
        logs = np.log10(own[SIZES].clip(lower=1))
        # In the middle of the whole grid, so that a missing cell does not move it.
        centred = logs - (logs.min() + logs.max()) / 2
        used = [name for name in SIZES if logs[name].nunique() > 1]
        features = centred[used].assign(one=1.0)
        if len(used) == 2:
            features["product"] = centred["n_source"] * centred["n_target"]
        found = {}
        for curve, index in own.groupby(["lang", *REPLICATE]).groups.items():
            design_matrix = features.loc[index].to_numpy()
            rank = np.linalg.matrix_rank(design_matrix)
            if used and len(index) > design_matrix.shape[1] == rank:
                solved = np.linalg.lstsq(design_matrix, own.loc[index, "f1"], rcond=None)[0]
                found[curve] = dict(zip(features.columns, solved, strict=True))
        if not found:
            continue
        table = pd.DataFrame.from_dict(found, orient="index").rename_axis(["lang", *REPLICATE]).reset_index()
        table = table.rename(columns={"n_source": "source", "n_target": "target", "product": "interaction"})
        if len(used) == 2:
            table["source_minus_target"] = table["source"] - table["target"]
        for name in COEFFICIENTS:
            if name in table:
                summary = summarise(table_of(table.assign(n_source=1, n_target=1), name))
                own_size = summary[summary["n_source"] == 1].assign(n_source=0, n_target=0)
                parts.append(own_size.assign(arm=arm, design=design, coefficient=name))
    return _joined(parts, ["arm", "design", "coefficient"])
