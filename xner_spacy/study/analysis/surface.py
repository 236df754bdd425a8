"""F1 as a function of labelled source and unlabelled target sentences: a saturating power law.

    F1 = c_language - a (N_s / 1000)^-alpha - b (N_t / 1000)^-beta

c is the ceiling of a language, at most 1. a and b, which may be negative, are the losses at 1,000 sentences, and alpha
and beta say how fast they decrease. For given exponents the problem is linear, so the exponents are searched on a grid
and the rest is solved (variable projection, Golub and Pereyra 1973), for all bootstrap samples at once.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, Optional, Tuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from .intervals import SIZES, Z, table_of

Floats = npt.NDArray[np.float64]

EXPONENTS = (0.05, 2.0)
# Values of an exponent in the search, 10% apart.
STEPS = 40
HUBER = 2.0


@dataclass
class Solution:
    """Coefficients of s samples: a, b, alpha, beta (s,) and the ceilings c (L, s)."""

    a: Floats
    b: Floats
    alpha: Floats
    beta: Floats
    c: Floats

    def loss(self, n_source: npt.ArrayLike, n_target: npt.ArrayLike) -> Floats:
        """RETURNS (npt.NDArray): The loss relative to the ceiling in every sample, (s,), or (m, s) for sizes (m, 1)."""
        return self.a * power(n_source, self.alpha) + self.b * power(n_target, self.beta)


def power(sizes: npt.ArrayLike, exponents: npt.ArrayLike) -> Floats:
    """RETURNS (npt.NDArray): (sizes / 1000)^-exponent, broadcast; 0 for size 0."""
    n = np.asarray(sizes, dtype=np.float64) / 1000
    return np.where(n > 0, np.where(n > 0, n, 1.0) ** -np.asarray(exponents, dtype=np.float64), 0.0)


def least_squares(
    features: Floats, y: Floats, mass: Floats, lang: npt.NDArray[np.int64], ceiling: float = np.inf
) -> Tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Solve weighted least squares of each sample on each candidate's features, with an offset for each language.

    features (npt.NDArray): (k, n, f). y (npt.NDArray): (n, s). mass (npt.NDArray): (n,) weights. lang (npt.NDArray):
        (n,) number of each cell's language.
    ceiling (float): Largest allowed offset; ignored if all candidates exceed it.
    RETURNS (Tuple): The best candidate of each sample (s,), its coefficients (f, s) and offsets (L, s).
    """
    member = np.eye(int(lang.max()) + 1)[lang] * mass[:, None]
    share = (member / member.sum(axis=0)).T
    centre_x, centre_y = share @ features, share @ y
    x, z = features - centre_x[:, lang], y - centre_y[lang]
    weighted = np.swapaxes(x * mass[:, None], 1, 2)
    moments = weighted @ z
    coefficients = np.linalg.pinv(weighted @ x, rcond=1e-9, hermitian=True) @ moments
    loss = mass @ z**2 - (coefficients * moments).sum(axis=1)
    offsets = centre_y - centre_x @ coefficients
    over = offsets.max(axis=1) > ceiling
    loss[over & ~over.all(axis=0)] = np.inf
    best, sample = loss.argmin(axis=0), np.arange(y.shape[1])
    return best, coefficients[best, :, sample].T, offsets[best, :, sample].T


class Surface:
    """A fitted surface with its bootstrap samples; sample 0 is the fit to all rows.

    rows (DataFrame): Measured rows of one arm and design, to which the surface is fitted. samples (int): Bootstrap
        samples. seed (int): Seed of the bootstrap.
    RAISES: ValueError for rows of fewer than two sizes.
    """

    def __init__(self, rows: pd.DataFrame, samples: int = 500, seed: int = 0) -> None:
        table = table_of(rows)
        self.table = table.to_numpy()
        self.languages = list(table.index.unique("lang"))
        self.lang = table.index.get_level_values("lang").map(self.languages.index).to_numpy()
        self.source, self.target = (table.index.get_level_values(name).to_numpy(float) for name in SIZES)
        self.sizes = sorted(set(zip(self.source.tolist(), self.target.tolist(), strict=True)))
        if len(self.sizes) < 2:
            raise ValueError("a surface needs at least two sizes")
        self.has_source, self.has_target = (len(np.unique(axis)) > 1 for axis in (self.source, self.target))
        self._robust_fit()
        random = np.random.default_rng(seed)
        replicates, count = self._noise_of_replicates(random, samples), len(self.languages)
        # Levels describe the measured languages, with uncertainty over replicates and test sentences. The shape
        # describes similar languages. Estimates from a single cluster have no interval.
        half_widths = (rows["f1_high"] - rows["f1_low"]) / (2 * Z)
        test_sd = np.sqrt((half_widths**2).groupby(rows["lang"]).mean().reindex(self.languages).fillna(0).to_numpy())
        replicated = bool(((self.weights > 0).sum(axis=1) > 1).any())
        self.levels = self._with_samples(replicates if replicated or test_sd.all() else replicates[:, :0])
        drawn = self.levels.c.shape[1] - 1
        self.levels.c[:, 1:] += test_sd[:, None] * random.normal(size=(count, drawn))
        # The differences between languages, without the error of the surface that is common to all of them.
        remainder = pd.Series(self.mean - self.fitted(), table.index).groupby(level=SIZES)
        cell_sd = (remainder.transform(lambda e: (e - e.mean()) * np.sqrt(len(e) / max(len(e) - 1, 1)))).to_numpy()
        noise = replicates + cell_sd[:, None] * random.normal(size=(count, samples))[self.lang]
        self.shape = self._with_samples(noise if replicated or count > 1 else noise[:, :0])
        clusters = (self.table.shape[1] - 1) * len(np.unique(self.source))
        self.widen_levels = _widen(clusters)
        self.widen_shape = _widen(count - 1) if count > 1 else self.widen_levels

    def _robust_fit(self) -> None:
        """Fit the cells' means with Huber's weights of the rows, so that a failed run does not distort the fit."""
        self.weights = np.where(np.isnan(self.table), 0.0, 1.0)
        for _ in range(7):
            self.mass = self.weights.sum(axis=1)
            self.mean = np.nansum(self.weights * self.table, axis=1) / self.mass
            self.point = self._solve(self.mean[:, None])
            residual = np.abs(self.table - self.fitted()[:, None])
            scale = max(1.4826 * float(np.nanmedian(residual)), 1e-4)
            weights = np.minimum(1.0, HUBER * scale / np.maximum(residual, 1e-12))
            self.weights = np.where(np.isnan(weights), 0.0, weights)
        ratio = (EXPONENTS[1] / EXPONENTS[0]) ** (1 / (STEPS - 1))
        for _ in range(3):  # refine the exponents beyond the grid
            factors = np.geomspace(1 / ratio, ratio, 21)
            exponents = [np.clip(values * factors, *EXPONENTS) for values in (self.point.alpha, self.point.beta)]
            self.point = self._solve(self.mean[:, None], *exponents)
            ratio = ratio**0.15

    def _solve(self, y: Floats, *near: Floats, keep: Any = slice(None)) -> Solution:
        """RETURNS (Solution): The solution for each column of `y`. near (npt.NDArray): Exponents to use instead of the
        grid. keep: Which cells to fit; the ceilings are those of their languages.
        """
        grids = []
        for number, axis in enumerate((self.source, self.target)):
            open_exponent = len(np.unique(axis)) > 2  # with two sizes it is not determined
            grid = near[number] if near else np.geomspace(*EXPONENTS, STEPS)
            grids.append(grid if open_exponent else np.array([0.5]))
        alphas, betas = (grid.ravel() for grid in np.meshgrid(*grids, indexing="ij"))
        source = power(self.source[keep], alphas[:, None]) * self.has_source
        target = power(self.target[keep], betas[:, None]) * self.has_target
        features = np.stack([source, target], axis=2)
        lang = np.unique(self.lang[keep], return_inverse=True)[1]
        best, (p, q), offsets = least_squares(features, y[keep], self.mass[keep], lang, 1.0)
        return Solution(-p, -q, alphas[best], betas[best], offsets)

    def _noise_of_replicates(self, random: np.random.Generator, samples: int) -> Floats:
        """Draw the noise of replicates. Languages share it, as they share the teacher, which is trained separately for
        each number of source sentences.

        RETURNS (npt.NDArray): (cells, samples) normal draws with the covariance of the cells' means.
        """
        sources, source_index = np.unique(self.source, return_inverse=True)
        counts = (self.weights > 0).sum(axis=1, keepdims=True)
        row_noise = self.weights / self.mass[:, None] * np.nan_to_num(self.table - self.mean[:, None])
        row_noise *= np.sqrt(counts / np.maximum(counts - 1, 1)) * (counts > 1)
        drawn = random.normal(size=(len(sources), row_noise.shape[1], samples))
        return np.einsum("cr,crs->cs", row_noise, drawn[source_index])

    def _with_samples(self, noise: Floats) -> Solution:
        """RETURNS (Solution): The fit as sample 0, then the fits to the means with noise."""
        drawn = self._solve(self.mean[:, None] + noise)
        parts = {name: np.concatenate([value, getattr(drawn, name)], -1) for name, value in vars(self.point).items()}
        return Solution(**parts)

    def f1(self, n_source: float, n_target: float, lang: Optional[str] = None) -> Floats:
        """RETURNS (npt.NDArray): F1 of the fit and of every sample of levels, for one language or the mean of all."""
        c = self.levels.c.mean(axis=0) if lang is None else self.levels.c[self.languages.index(lang)]
        return np.clip(c - self.levels.loss(n_source, n_target), 0.0, 1.0)

    def level(self, values: Floats) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): `value`, `low` and `high` of an F1 or a ceiling."""
        return percentiles(values, self.widen_levels, 0.0, 1.0)

    def estimate(self, values: Floats, low: float = -1.0, high: float = 1.0) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): `value`, `low` and `high` of a quantity derived from the shape, within bounds."""
        return percentiles(values, self.widen_shape, low, high)

    def parameters(self) -> Dict[str, Dict[str, float]]:
        """RETURNS (Dict[str, Dict[str, float]]): The parameters, each with `value`, `low` and `high`; the last two are
        NaN for one that the sizes do not determine.
        """
        estimates = {"c": self.level(self.levels.c.mean(axis=0))}
        for axis, factor, exponent in ((self.source, "a", "alpha"), (self.target, "b", "beta")):
            sizes = len(np.unique(axis))
            if sizes > 1:
                estimates[factor] = self.estimate(getattr(self.shape, factor), -np.inf, np.inf)
                drawn = getattr(self.shape, exponent)
                estimates[exponent] = self.estimate(drawn if sizes > 2 else drawn[:1], *EXPONENTS)
        return estimates

    def fitted(self) -> Floats:
        """RETURNS (npt.NDArray): (n,) fitted F1 of each cell."""
        loss = self.point.loss(self.source[:, None], self.target[:, None])[:, 0]
        return self.point.c[self.lang, 0] - loss

    def r2(self) -> float:
        """RETURNS (float): The share of the variance between rows that the surface explains."""
        residual = np.nansum((self.table - self.fitted()[:, None]) ** 2)
        total = np.nansum((self.table - np.nanmean(self.table)) ** 2)
        return float(1 - residual / total) if total > 1e-12 else np.nan

    @cached_property
    def errors(self) -> Dict[str, Dict[str, float]]:
        """Cross-validate: predict the sizes that are excluded from the fit.

        RETURNS (Dict[str, Dict[str, float]]): `each` (each size from all others), `source` and `target` (the largest
            from the smaller ones): root mean squared errors over cells of the surface (`surface`), of a plane in the
            logarithms (`plane`) and of the language's mean (`mean`), and `n`, the number of cells.
        """
        cells = np.stack([self.source, self.target], axis=1)
        folds = {"each": [(cells == size).all(axis=1) for size in self.sizes]}
        for name, axis in (("source", self.source), ("target", self.target)):
            if len(np.unique(axis)) > 3:  # the exponent needs three
                folds[name] = [axis == axis.max()]
        return {name: self._validate(held) for name, held in folds.items() if len(self.sizes) > 3}

    def _validate(self, folds: Any) -> Dict[str, float]:
        logs = np.log10(np.maximum(np.stack([self.source, self.target], axis=1), 1.0))
        plain = np.nanmean(self.table, axis=1)
        errors: Dict[str, list] = {"surface": [], "plane": [], "mean": []}
        for held in folds:
            # A language without any remaining cell cannot be predicted.
            test_cells = held & np.isin(self.lang, self.lang[~held])
            names, lang = np.unique(self.lang[~held], return_inverse=True)
            test_lang = np.searchsorted(names, self.lang[test_cells])
            keep = np.flatnonzero(~held)
            part = self._solve(self.mean[:, None], keep=keep)
            loss = part.loss(self.source[test_cells, None], self.target[test_cells, None])[:, 0]
            errors["surface"].append(plain[test_cells] - (part.c[test_lang, 0] - loss))
            for name, features in (("plane", logs), ("mean", np.zeros_like(logs))):
                _, slope, offset = least_squares(features[None, keep], self.mean[keep, None], self.mass[keep], lang)
                errors[name].append(plain[test_cells] - (offset[test_lang, 0] + features[test_cells] @ slope[:, 0]))
        joined = {name: np.concatenate(parts) for name, parts in errors.items()}
        return {**{k: float(np.sqrt((v**2).mean())) for k, v in joined.items()}, "n": len(joined["mean"])}


def percentiles(values: Floats, widen: float, low: float, high: float) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The estimate (`value`, sample 0) and the percentile limits of the other samples,
    widened by the factor `widen`, within bounds; NaN for fewer than 20 samples.
    """
    value, samples = float(values[0]), values[1:]
    if len(samples) < 20:
        return {"value": value, "low": np.nan, "high": np.nan}
    ends = value + widen * (np.percentile(samples, (2.5, 97.5)) - value)
    return {"value": value, "low": float(max(min(ends[0], value), low)), "high": float(min(max(ends[1], value), high))}


def _widen(degrees: int) -> float:
    """RETURNS (float): The ratio of the quantiles of Student's t and the normal distribution, for few clusters."""
    return float(special.stdtrit(degrees, 0.975) / Z) if degrees > 0 else 1.0
