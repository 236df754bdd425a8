"""How much F1 varies: from run to run, from language to language, and what of it is due to what."""

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
# Of all variances together, for a regression of them.
LEAST_DEGREES = 8
Interval = Dict[str, float]


def robustness(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): By `arm` and `design`: the standard deviation over replicates, pooled over languages and sizes
    (`value`, `low`, `high`), the number of `languages`, the `worst` of them over the sizes that all have, its F1
    (`worst_f1`) and how far it lies behind the mean (`gap`).
    """
    lines = []
    for place, own in rows.groupby(ARM, observed=True):
        table = table_of(own)
        cells = table.mean(axis=1).unstack("lang")
        common = cells.dropna() if len(cells.dropna()) else cells
        centre = common.mean()
        worst = {"worst": centre.idxmin(), "worst_f1": centre.min(), "gap": centre.mean() - centre.min()}
        lines.append({**dict(zip(ARM, place, strict=True)), "languages": len(centre), **_widest(table), **worst})
    return pd.DataFrame(lines, columns=[*ARM, "languages", "value", "low", "high", "worst", "worst_f1", "gap"])


def _widest(table: pd.DataFrame) -> Interval:
    """RETURNS (Interval): The pooled standard deviation with the widest of three 95% intervals: chi-square, which takes
    cells as independent, and the jackknives over languages and over numbers of source sentences, whose cells share
    draws and teachers.
    """
    chi = _chi_square(*pooled(table))
    found = [chi]
    for level in ("lang", "n_source") if chi["value"] > 0 else ():
        groups = table.index.get_level_values(level)
        left_out = [pooled(table[groups != group])[0] for group in groups.unique()]
        n = len(left_out)
        if n > 2 and min(left_out) > 0:
            error = np.sqrt((n - 1) ** 2 / n * np.var(np.log(left_out), ddof=1))
            factor = float(np.exp(stats.t.ppf(0.975, n - 1) * error / 2))
            found.append({**chi, "low": chi["value"] / factor, "high": chi["value"] * factor})
    return max(found, key=lambda interval: np.nan_to_num(interval["high"] - interval["low"]))


def _chi_square(variance: float, degrees: float) -> Interval:
    """RETURNS (Interval): A standard deviation."""
    low, high = (variance * degrees / stats.chi2.ppf(q, degrees) if degrees else np.nan for q in (0.975, 0.025))
    return {"value": float(np.sqrt(variance)), "low": float(np.sqrt(low)), "high": float(np.sqrt(high))}


def by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): By `arm`, `design`, `n_source` and `n_target` the standard deviation over replicates, pooled over
    languages (`value`, `low`, `high`), its `degrees` of freedom and the number of rows `n`.
    """
    lines = []
    for place, own in rows.groupby(ARM, observed=True):
        for size, cells in table_of(own).groupby(level=SIZES):
            variance, degrees = pooled(cells)
            here = dict(zip((*ARM, *SIZES), (*place, *size), strict=True))
            n = int(cells.count(axis=1).sum())
            lines.append({**here, **_chi_square(variance, degrees), "degrees": degrees, "n": n})
    return pd.DataFrame(lines, columns=[*ARM, *SIZES, "value", "low", "high", "degrees", "n"])


def trend(sizes: pd.DataFrame) -> Tuple[Dict[str, Interval], str]:
    """How the standard deviation over replicates changes with the sizes: a gamma regression with log link of the
    variances, pooled over languages, on the logarithms of the sizes. All cells of the same source text share their
    teachers, so that the limits of `source` are at least those of a straight line through one variance for each number
    of source sentences.

    sizes (DataFrame): Of `by_size`, one arm and design.
    RETURNS (Tuple): `source`, `target` and `ratio` (at a fixed product of the two): the factor on the standard
        deviation for a tenfold; and why there is none.
    """
    known = sizes[sizes["degrees"] > 0].copy()
    used = [name for name in SIZES if known[name].nunique() > 1]
    if not used or len(known) < len(used) + 2 or known["degrees"].sum() < LEAST_DEGREES:
        return {}, "too few sizes with replicates"
    variance = known["value"] ** 2
    if variance.max() < 1e-8 or np.ptp(variance) < 1e-9:
        return {}, "no spread over replicates" if variance.max() < 1e-8 else "the same spread at every size"
    known["variance"] = variance.clip(lower=1e-8)
    formula = "variance ~ " + " + ".join(f"np.log10({name})" for name in used)
    model = smf.glm(formula, known, family=Gamma(Log()), var_weights=known["degrees"])
    fit = model.fit(scale="X2", use_t=True)
    # Slopes with half their intervals.
    slopes: Dict[str, Tuple[float, float]] = {}
    for name, (low, high) in zip(used, fit.conf_int().to_numpy()[1:], strict=True):
        slopes[name.removeprefix("n_")] = ((low + high) / 2, (high - low) / 2)
    if "source" in slopes and known["n_source"].nunique() > 2:
        weighted = (known["variance"] * known["degrees"]).groupby(known["n_source"]).sum()
        per_source = weighted / known["degrees"].groupby(known["n_source"]).sum()
        line = stats.linregress(np.log10(per_source.index.to_numpy(float)), np.log(per_source))
        half = float(stats.t.ppf(0.975, len(per_source) - 2) * line.stderr)
        slopes["source"] = (slopes["source"][0], max(slopes["source"][1], half))
    if len(used) == 2:
        (a, left), (b, right) = slopes.values()
        slopes["ratio"] = ((a - b) / 2, float(np.hypot(left, right)) / 2)
    factors = {}
    for name, (slope, half) in slopes.items():
        ends = {"value": slope, "low": slope - half, "high": slope + half}
        # Half: from variance to standard deviation.
        factors[name] = {end: float(np.exp(value / 2)) for end, value in ends.items()}
    return factors, ""


def variance_components(frame: pd.DataFrame) -> Tuple[pd.DataFrame, Dict[str, str]]:
    """Variance components by REML (statsmodels), in two mixed models, since the sizes at hand make one too large. Within
    cells of language and size: seed and draw, which need cells where several draws were run with the same seed and the
    reverse. Between cells: language and size, crossed, on the cells' means; what is left there, beyond the replicates'
    share, is the interaction of language and size.

    frame (DataFrame): Rows of any block. RETURNS (Tuple): `arm`, `component`, `variance`, `share` of the sum, the standard
        deviation (`value`, `low`, `high`) and the number of rows `n`; by arm what cannot be told and why.
    """
    lines, reasons = [], {}
    rows = measured(frame)
    for arm, own in rows[rows["design"] == "steps"].groupby("arm", observed=True):
        own = own.drop_duplicates([*CELL, *REPLICATE])
        told: List[str] = []
        size = own["n_source"].astype(str) + "/" + own["n_target"].astype(str)
        named = pd.DataFrame({"f1": own["f1"], "language": own["lang"], "size": size})
        named = named.assign(cell=own.groupby(CELL).ngroup(), seed=own["seed"], draw=own["draw"])
        within = _within(named, table_of(own), told)
        parts = {**within, **_between(named, within, told)}
        total = sum(variance for variance, _ in parts.values())
        for component in (name for name in COMPONENTS if name in parts):
            variance, error = parts[component]
            line = {"arm": arm, "component": component, "variance": variance, "n": len(own)}
            share = variance / total if total > 0 else np.nan
            lines.append({**line, "share": share, **_satterthwaite(variance, error)})
        reasons[arm] = " ".join(told)
    columns = ["arm", "component", "variance", "share", "value", "low", "high", "n"]
    return pd.DataFrame(lines, columns=columns), reasons


def _satterthwaite(variance: float, error: float) -> Interval:
    """RETURNS (Interval): A standard deviation: chi-square with the degrees of freedom that the error stands for."""
    if 0 < error < variance:
        return _chi_square(variance, 2 * (variance / error) ** 2)
    high = float(np.sqrt(variance + Z * error))  # NaN where the error is not known
    return {"value": float(np.sqrt(variance)), "low": 0.0, "high": high}


# Variances and their standard errors.
Parts = Dict[str, Tuple[float, float]]


def _within(rows: pd.DataFrame, table: pd.DataFrame, told: List[str]) -> Parts:
    tables = {cell: pd.MultiIndex.from_frame(own[REPLICATE]) for cell, own in rows.groupby("cell")}
    crossed = [cell for cell, replicates in tables.items() if is_crossed(replicates)]
    if len(crossed) < 2:
        variance, degrees = pooled(table)
        if not degrees:
            told.append("Seed, draw and residual cannot be told: one replicate in each cell.")
            return {}
        told.append(
            "Seed and draw cannot be told apart: no cells with crossed seeds and draws; the residual holds both."
        )
        return {"residual": (variance, variance * float(np.sqrt(2 / degrees)))}
    fit = _mixed(rows[rows["cell"].isin(crossed)], "f1 ~ 0 + C(cell)", "cell", REPLICATE)
    if fit is None:
        told.append("Seed, draw and residual cannot be told: the mixed model did not converge.")
        return {}
    degrees = 0
    for replicates in (tables[cell] for cell in crossed):
        degrees += len(replicates) + 1 - sum(len(replicates.unique(name)) for name in REPLICATE)
    if degrees:
        fit["residual"] = (fit["residual"][0], fit["residual"][0] * float(np.sqrt(2 / degrees)))
    return fit


def _between(rows: pd.DataFrame, within: Parts, told: List[str]) -> Parts:
    cells = rows.groupby("cell").agg(
        f1=("f1", "mean"), n=("f1", "size"), language=("language", "first"), size=("size", "first")
    )
    counts = {name: cells[name].nunique() for name in ("language", "size")}
    effects = [name for name, count in counts.items() if count > 1]
    told += [f"{name.capitalize()} cannot be told: one {name}." for name in counts if name not in effects]
    degrees = len(cells) - sum(counts.values()) + 1
    if not effects:
        return {}
    if len(cells) < 4 or (len(effects) == 2 and degrees < 1):
        told.append("Language and size cannot be told: too few cells.")
        return {}
    fit = _mixed(cells.assign(whole=0), "f1 ~ 1", "whole", effects)
    if fit is None:
        told.append("Language and size cannot be told: the mixed model did not converge.")
        return {}
    left = fit.pop("residual")[0]
    if len(effects) == 2:
        # What replicates add to the mean of a cell, as if all of it were independent.
        replicates = float((1 / cells["n"]).mean()) * sum(variance for variance, _ in within.values())
        fit["language_size"] = (max(left - replicates, 0.0), left * float(np.sqrt(2 / degrees)))
        if not within:
            told.append("The interaction of language and size holds the replicates' variance.")
    return fit


def _mixed(rows: pd.DataFrame, formula: str, groups: str, effects: Sequence[str]) -> Optional[Parts]:
    """RETURNS (Optional[Parts]): The variances of random effects within groups, and of `residual`, whose error is not known;
    None where the optimiser did not converge.
    """
    # F1 is small: the optimiser's tolerances are made for values of the order of one.
    scale = float((rows["f1"] - rows.groupby(groups)["f1"].transform("mean")).std(ddof=0)) or 1.0
    random = {name: f"0 + C({name})" for name in effects}
    model = smf.mixedlm(formula, rows.assign(f1=rows["f1"] / scale), groups=groups, vc_formula=random)
    fits: List[Any] = []
    with warnings.catch_warnings():
        # An effect without variance is on the boundary, which is an answer; near it either optimiser may stop early.
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
        found = zip(sorted(effects), best.vcomp, errors, strict=True)
        parts = {name: (float(variance) * scale**2, float(error) * scale**2) for name, variance, error in found}
    return {**parts, "residual": (float(best.scale) * scale**2, np.nan)}
