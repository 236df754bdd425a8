"""Comparisons within the same language, seed and draw: of arms, designs, mirrored sizes, and tenfolds."""

from typing import Any, List, Mapping, Sequence

import numpy as np
import pandas as pd

from ..design.rows import SOURCE_ARMS
from .intervals import ALL, ARM, CELL, ESTIMATE, REPLICATE, SIZES, measured, summarise, table_of

# Pairs of arms that are compared, within the same language, sizes, seed and draw.
CONTRASTS = (
    ("soft", "hard"),
    ("prototypes", "soft"),
    ("surest", "soft"),
    ("tsl", "transfer"),
    ("tsl", "soft"),
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


def difference(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str] = (*CELL, *REPLICATE)) -> pd.DataFrame:
    """RETURNS (DataFrame): `summarise` of F1 of the left rows minus F1 of the right rows with the same `on`."""
    pairs = left.merge(right[[*on, "f1"]], on=list(on), suffixes=("", "_right"))
    return summarise(table_of(pairs.assign(difference=pairs["f1"] - pairs["f1_right"]), "difference"))


def _joined(parts: Mapping[Any, pd.DataFrame], names: List[str]) -> pd.DataFrame:
    nonempty = {key: part for key, part in parts.items() if len(part)}
    if not nonempty:
        return pd.DataFrame(columns=[*names, *CELL, *ESTIMATE])
    return pd.concat(nonempty, names=names).reset_index(names).reset_index(drop=True)


def contrasts(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): `CONTRASTS` of `primary` rows; columns `a`, `b`, `design` and those of `summarise`."""
    arms = dict(list(rows.groupby(ARM, observed=True)))
    parts = {}
    for left, right in CONTRASTS:
        for (_, design), left_rows in ((key, arm_rows) for key, arm_rows in arms.items() if key[0] == left):
            if right in SOURCE_ARMS:
                on = ["lang", "n_source", *REPLICATE]
                parts[left, right, design] = difference(left_rows, rows[rows["arm"] == right], on)
            else:
                parts[left, right, design] = difference(left_rows, arms.get((right, design), rows[:0]))
    return _joined(parts, ["a", "b", "design"])


def variants(frame: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Compare variants with the study's own students of the same cells.

    frame (DataFrame): All rows. base (DataFrame): `primary` rows.
    RETURNS (DataFrame): `variant`, `arm`, `design`; `f1` and `f1_study`, the means over languages of the cells that both
        have; `languages`, their codes; and the columns of `summarise` for all languages. Sizes that the study does not
        have are there with `f1` alone.
    """
    rows = measured(frame[frame["variant"].ne("")])
    parts = {}
    for key, of_variant in rows.groupby(["variant", *ARM], observed=True, sort=False):
        own = base[(base["arm"] == key[1]) & (base["design"] == key[2])]
        pairs = of_variant.merge(own[[*CELL, *REPLICATE, "f1"]], on=[*CELL, *REPLICATE], suffixes=("", "_study"))
        by_size = _means_by_size(pairs, ["f1", "f1_study"])
        found = pd.DataFrame(columns=[*CELL, *ESTIMATE])
        if len(pairs):
            found = difference(of_variant, own)
            by_size.loc[(0, 0), :] = pairs.groupby(CELL)[["f1", "f1_study"]].mean().groupby(level="lang").mean().mean()
        alone = _means_by_size(of_variant, ["f1"])
        by_size = pd.concat([by_size, alone[~alone.index.isin(by_size.index)]]).sort_index()
        estimates = found[found["lang"] == ALL].drop(columns="lang").astype(float)
        whole = by_size.reset_index().merge(estimates, on=SIZES, how="left")
        parts[key] = whole.assign(lang=ALL, languages=",".join(sorted(of_variant["lang"].unique())))
    return _joined(parts, ["variant", *ARM])


def _means_by_size(rows: pd.DataFrame, columns: List[str]) -> pd.DataFrame:
    """RETURNS (DataFrame): Means over replicates, then languages."""
    return rows.groupby(CELL)[columns].mean().groupby(level=SIZES).mean()


def designs(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): F1 with a fixed number of passes minus F1 with fixed steps, by `arm`; see `summarise`."""
    parts = {}
    for arm, arm_rows in rows.groupby("arm", observed=True):
        parts[(arm,)] = difference(arm_rows[arm_rows["design"] == "epochs"], arm_rows[arm_rows["design"] == "steps"])
    return _joined(parts, ["arm"])


def mirrored(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Differences by `arm` and `design` of F1 with more source than target sentences minus F1 with
    the reverse sizes. See `summarise`; the sizes are those of the former.
    """
    parts = {}
    for key, arm_rows in rows[~rows["arm"].isin(SOURCE_ARMS)].groupby(ARM, observed=True):
        flipped = arm_rows.rename(columns={"n_source": "n_target", "n_target": "n_source"})
        parts[key] = difference(arm_rows[arm_rows["n_source"] > arm_rows["n_target"]], flipped)
    return _joined(parts, ARM)


def tenfolds(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean gain from ten times more text, without the surface: least squares of F1 on the logarithms of
    both sizes and on their product, separately for each language and replicate.

    RETURNS (DataFrame): `arm`, `design`, `coefficient` ("source", "target": F1 gained from ten times more of either, at
        the middle of the grid; "source_minus_target": their difference; "interaction": how much more ten times more of
        one gains with ten times more of the other) and the columns of `summarise`.
    """
    parts = {}
    for key, arm_rows in rows.groupby(ARM, observed=True):
        logs = np.log10(arm_rows[SIZES].clip(lower=1))
        # Centre on the middle of the whole grid, so that missing cells have no influence.
        centred = logs - (logs.min() + logs.max()) / 2
        varying = [name for name in SIZES if logs[name].nunique() > 1]
        features = centred[varying].assign(one=1.0)
        if len(varying) == 2:
            features["product"] = centred["n_source"] * centred["n_target"]
        coefficients = {}
        for curve, index in arm_rows.groupby(["lang", *REPLICATE]).groups.items():
            design_matrix = features.loc[index].to_numpy()
            rank = np.linalg.matrix_rank(design_matrix)
            if varying and len(index) > design_matrix.shape[1] == rank:
                coefficients[curve] = np.linalg.lstsq(design_matrix, arm_rows.loc[index, "f1"], rcond=None)[0]
        if not coefficients:
            continue
        table = pd.DataFrame.from_dict(coefficients, orient="index", columns=features.columns)
        table.index = pd.MultiIndex.from_tuples(table.index, names=["lang", *REPLICATE])
        table = table.rename(columns={"n_source": "source", "n_target": "target", "product": "interaction"})
        if len(varying) == 2:
            table["source_minus_target"] = table["source"] - table["target"]
        for name in (name for name in COEFFICIENTS if name in table):
            summary = summarise(table_of(table.reset_index().assign(n_source=1, n_target=1), name))
            parts[(*key, name)] = summary[summary["n_source"] == 1].assign(n_source=0, n_target=0)
    return _joined(parts, [*ARM, "coefficient"])
