"""How much F1 varies between runs and between languages, and the causes of the variance."""

import warnings
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.genmod.families import Gamma
from statsmodels.genmod.families.links import Log
from statsmodels.tools.sm_exceptions import ConvergenceWarning, SingularMatrixWarning

from .intervals import ARM, CELL, REPLICATE, SIZES, Z, is_crossed, measured, pooled, table_of

COMPONENTS = ("language", "size", "language_size", "seed", "draw", "residual")
# Least sum of the degrees of freedom of all variances for a regression on them.
LEAST_DEGREES = 8
Interval = Dict[str, float]


def robustness(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): By `arm` and `design`: the standard deviation over replicates, pooled over languages and
    sizes (`value`, `low`, `high`), the number of `languages`, the `worst` of them over the sizes that all languages
    have, its F1 (`worst_f1`) and its difference to the mean (`gap`).
    """
    lines = []
    for key, arm_rows in rows.groupby(ARM, observed=True):
        table = table_of(arm_rows)
        cells = table.mean(axis=1).unstack("lang")
        complete_cells = cells.dropna() if len(cells.dropna()) else cells
        f1 = complete_cells.mean()
        worst = {"worst": f1.idxmin(), "worst_f1": f1.min(), "gap": f1.mean() - f1.min()}
        lines.append({**dict(zip(ARM, key, strict=True)), "languages": len(f1), **_widest(table), **worst})
    return pd.DataFrame(lines, columns=[*ARM, "languages", "value", "low", "high", "worst", "worst_f1", "gap"])


def _widest(table: pd.DataFrame) -> Interval:
    """RETURNS (Interval): The pooled standard deviation with the widest of three 95% intervals: chi-square, which
    assumes independent cells, and the jackknives over languages and over numbers of source sentences, whose cells share
    draws and teachers.
    """
    chi_square = _chi_square(*pooled(table))
    intervals = [chi_square]
    for level in ("lang", "n_source") if chi_square["value"] > 0 else ():
        groups = table.index.get_level_values(level)
        variances_without = [pooled(table[groups != group])[0] for group in groups.unique()]
        n = len(variances_without)
        if n > 2 and min(variances_without) > 0:
            error = np.sqrt((n - 1) ** 2 / n * np.var(np.log(variances_without), ddof=1))
            factor = float(np.exp(stats.t.ppf(0.975, n - 1) * error / 2))
            intervals.append({**chi_square, "low": chi_square["value"] / factor, "high": chi_square["value"] * factor})
    return max(intervals, key=lambda interval: np.nan_to_num(interval["high"] - interval["low"]))


def _chi_square(variance: float, degrees: float) -> Interval:
    """RETURNS (Interval): The standard deviation with its chi-square interval."""
    low, high = (variance * degrees / stats.chi2.ppf(q, degrees) if degrees else np.nan for q in (0.975, 0.025))
    return {"value": float(np.sqrt(variance)), "low": float(np.sqrt(low)), "high": float(np.sqrt(high))}


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): By `arm`, `design`, `n_source` and `n_target` the standard deviation over replicates, pooled
    over languages (`value`, `low`, `high`), its `degrees` of freedom and the number of rows `n`.
    """
    lines = []
    for key, arm_rows in rows.groupby(ARM, observed=True):
        for size, cells in table_of(arm_rows).groupby(level=SIZES):
            variance, degrees = pooled(cells)
            group = dict(zip((*ARM, *SIZES), (*key, *size), strict=True))
            n = int(cells.count(axis=1).sum())
            lines.append({**group, **_chi_square(variance, degrees), "degrees": degrees, "n": n})
    return pd.DataFrame(lines, columns=[*ARM, *SIZES, "value", "low", "high", "degrees", "n"])


def trend(sizes: pd.DataFrame) -> Tuple[Dict[str, Interval], str]:
    """Estimate how the standard deviation over replicates changes with the sizes: by a gamma regression with log link
    of the variances, pooled over languages, on the logarithms of the sizes. All cells with the same source text share
    their teachers, so the interval of `source` is at least as wide as that of a straight line through one variance for
    each number of source sentences.

    sizes (DataFrame): The result of `by_size` for one arm and design.
    RETURNS (Tuple): `source` and `target`: the factor on the standard deviation for ten times the size; and the reason
        if there is none.
    """
    replicated = sizes[sizes["degrees"] > 0].copy()
    varying = [name for name in SIZES if replicated[name].nunique() > 1]
    if not varying or len(replicated) < len(varying) + 2 or replicated["degrees"].sum() < LEAST_DEGREES:
        return {}, "too few sizes with replicates"
    variance = replicated["value"] ** 2
    if variance.max() < 1e-8 or np.ptp(variance) < 1e-9:
        return {}, "no spread over replicates" if variance.max() < 1e-8 else "the same spread at every size"
    replicated["variance"] = variance.clip(lower=1e-8)
    formula = "variance ~ " + " + ".join(f"np.log10({name})" for name in varying)
    model = smf.glm(formula, replicated, family=Gamma(Log()), var_weights=replicated["degrees"])
    fit = model.fit(scale="X2", use_t=True)
    # Slopes, with half the width of their intervals.
    slopes: Dict[str, Tuple[float, float]] = {}
    for name, (low, high) in zip(varying, fit.conf_int().to_numpy()[1:], strict=True):
        slopes[name.removeprefix("n_")] = ((low + high) / 2, (high - low) / 2)
    if "source" in slopes and replicated["n_source"].nunique() > 2:
        weighted = (replicated["variance"] * replicated["degrees"]).groupby(replicated["n_source"]).sum()
        per_source = weighted / replicated["degrees"].groupby(replicated["n_source"]).sum()
        line = stats.linregress(np.log10(per_source.index.to_numpy(float)), np.log(per_source))
        half = float(stats.t.ppf(0.975, len(per_source) - 2) * line.stderr)
        slopes["source"] = (slopes["source"][0], max(slopes["source"][1], half))
    factors = {}
    for name, (slope, half) in slopes.items():
        ends = {"value": slope, "low": slope - half, "high": slope + half}
        # Divide by 2 to get from the variance to the standard deviation.
        factors[name] = {end: float(np.exp(value / 2)) for end, value in ends.items()}
    return factors, ""


def variance_components(frame: pd.DataFrame) -> Tuple[pd.DataFrame, Dict[str, str]]:
    """Estimate variance components by REML (statsmodels), in two mixed models, since a single one would be too large.
    Within cells of language and size: seed and draw, for which some cells must have several draws with the same seed
    and several seeds with the same draw. Between cells: language and size, crossed, on the cells' means; the rest
    there, without the replicates' share, is the interaction of language and size.

    frame (DataFrame): Rows of any block. RETURNS (Tuple): `arm`, `component`, `variance`, `share` of the sum, the
        standard deviation (`value`, `low`, `high`) and the number of rows `n`; by arm what cannot be estimated and why.
    """
    lines, reasons = [], {}
    rows = measured(frame)
    for arm, arm_rows in rows[rows["design"] == "steps"].groupby("arm", observed=True):
        arm_rows = arm_rows.drop_duplicates([*CELL, *REPLICATE])
        notes: List[str] = []
        size = arm_rows["n_source"].astype(str) + "/" + arm_rows["n_target"].astype(str)
        named = pd.DataFrame({"f1": arm_rows["f1"], "language": arm_rows["lang"], "size": size})
        named = named.assign(cell=arm_rows.groupby(CELL).ngroup(), seed=arm_rows["seed"], draw=arm_rows["draw"])
        within = _within(named, table_of(arm_rows), notes)
        parts = {**within, **_between(named, within, notes)}
        total = sum(variance for variance, _ in parts.values())
        for component in (name for name in COMPONENTS if name in parts):
            variance, error = parts[component]
            line = {"arm": arm, "component": component, "variance": variance, "n": len(arm_rows)}
            share = variance / total if total > 0 else np.nan
            lines.append({**line, "share": share, **_satterthwaite(variance, error)})
        reasons[arm] = " ".join(notes)
    columns = ["arm", "component", "variance", "share", "value", "low", "high", "n"]
    return pd.DataFrame(lines, columns=columns), reasons


def _satterthwaite(variance: float, error: float) -> Interval:
    """RETURNS (Interval): The standard deviation; chi-square with degrees of freedom that correspond to the error."""
    if 0 < error < variance:
        return _chi_square(variance, 2 * (variance / error) ** 2)
    high = float(np.sqrt(variance + Z * error))  # NaN where the error is not known
    return {"value": float(np.sqrt(variance)), "low": 0.0, "high": high}


# Variances and their standard errors.
Parts = Dict[str, Tuple[float, float]]


def _within(rows: pd.DataFrame, table: pd.DataFrame, notes: List[str]) -> Parts:
    tables = {cell: pd.MultiIndex.from_frame(cell_rows[REPLICATE]) for cell, cell_rows in rows.groupby("cell")}
    crossed = [cell for cell, replicates in tables.items() if is_crossed(replicates)]
    if len(crossed) < 2:
        variance, degrees = pooled(table)
        if not degrees:
            notes.append("Seed, draw and residual cannot be told: one replicate in each cell.")
            return {}
        notes.append(
            "Seed and draw cannot be told apart: no cells with crossed seeds and draws; the residual holds both."
        )
        return {"residual": (variance, variance * float(np.sqrt(2 / degrees)))}
    fit = _mixed(rows[rows["cell"].isin(crossed)], "f1 ~ 0 + C(cell)", "cell", REPLICATE)
    if fit is None:
        notes.append("Seed, draw and residual cannot be told: the mixed model did not converge.")
        return {}
    degrees = 0
    for replicates in (tables[cell] for cell in crossed):
        degrees += len(replicates) + 1 - sum(len(replicates.unique(name)) for name in REPLICATE)
    if degrees:
        fit["residual"] = (fit["residual"][0], fit["residual"][0] * float(np.sqrt(2 / degrees)))
    return fit


def _between(rows: pd.DataFrame, within: Parts, notes: List[str]) -> Parts:
    cells = rows.groupby("cell").agg(
        f1=("f1", "mean"), n=("f1", "size"), language=("language", "first"), size=("size", "first")
    )
    counts = {name: cells[name].nunique() for name in ("language", "size")}
    effects = [name for name, count in counts.items() if count > 1]
    notes += [f"{name.capitalize()} cannot be told: one {name}." for name in counts if name not in effects]
    degrees = len(cells) - sum(counts.values()) + 1
    if not effects:
        return {}
    if len(cells) < 4 or (len(effects) == 2 and degrees < 1):
        notes.append("Language and size cannot be told: too few cells.")
        return {}
    fit = _mixed(cells.assign(whole=0), "f1 ~ 1", "whole", effects)
    if fit is None:
        notes.append("Language and size cannot be told: the mixed model did not converge.")
        return {}
    residual = fit.pop("residual")[0]
    if len(effects) == 2:
        # The share of the replicates in the variance of a cell's mean, as if they were independent.
        replicates = float((1 / cells["n"]).mean()) * sum(variance for variance, _ in within.values())
        fit["language_size"] = (max(residual - replicates, 0.0), residual * float(np.sqrt(2 / degrees)))
        if not within:
            notes.append("The interaction of language and size holds the replicates' variance.")
    return fit


def _mixed(rows: pd.DataFrame, formula: str, groups: str, effects: Sequence[str]) -> Optional[Parts]:
    """RETURNS (Optional[Parts]): The variances of random effects within groups, and of `residual`, whose error is NaN;
    None if the optimiser did not converge.
    """
    # F1 is small, and the optimiser's tolerances are for values of the order of 1.
    scale = float((rows["f1"] - rows.groupby(groups)["f1"].transform("mean")).std(ddof=0)) or 1.0
    random = {name: f"0 + C({name})" for name in effects}
    model = smf.mixedlm(formula, rows.assign(f1=rows["f1"] / scale), groups=groups, vc_formula=random)
    fits: List[Any] = []
    with warnings.catch_warnings():
        # A variance of 0 is on the boundary, and a valid result; near it either optimiser may stop early.
        for category in (ConvergenceWarning, SingularMatrixWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        for method in ("bfgs", "powell"):
            try:
                fits.append(model.fit(reml=True, method=method))
            except (np.linalg.LinAlgError, ValueError):
                continue
        best = max((fit for fit in fits if fit.converged), key=lambda fit: fit.llf, default=None)
        if best is None:
            return None
        errors = np.asarray(best.bse, dtype=float)[-len(effects) :] * float(best.scale)
        estimates = zip(sorted(effects), best.vcomp, errors, strict=True)
        parts = {name: (float(variance) * scale**2, float(error) * scale**2) for name, variance, error in estimates}
    return {**parts, "residual": (float(best.scale) * scale**2, np.nan)}
