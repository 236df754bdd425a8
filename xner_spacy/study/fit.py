"""F1 as a function of labelled source and unlabelled target sentences: a saturating power law.

    F1 = c_language - a (N_s / 1000)^-alpha - b (N_t / 1000)^-beta

c is the ceiling of a language, a and b what is lost at 1,000 sentences, alpha and beta how fast the
loss fades. For given exponents the rest is linear, so the exponents are searched on a grid and the
rest is solved (variable projection, Golub and Pereyra 1973), for all bootstrap samples at once.
a and b may be negative (F1 that falls), c is at most 1.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..types import Json
from .rows import Row
from .statistics import estimate, sampling_variance

Floats = npt.NDArray[np.float64]

EXPONENTS = (0.05, 2.0)
THOUSAND = 1000.0
# Values of an exponent in the search; a step is 10% of it.
STEPS = 40
HUBER = 2.0


@dataclass
class Observations:
    """What a surface is fitted to, by language, size and replicate.

    languages (List[str]): L languages. sizes (List[Tuple[int, int]]): C pairs of labelled source and
        unlabelled target sentences. replicates (List[Tuple[int, int]]): R pairs of seed and draw.
    lang, size, replicate (npt.NDArray): Index of each of the n observations.
    f1 (npt.NDArray): (n,) in [0, 1]. test (npt.NDArray): (L,) variance of F1 over test sentences.
    """

    languages: List[str]
    sizes: List[Tuple[int, int]]
    replicates: List[Tuple[int, int]]
    lang: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    replicate: npt.NDArray[np.int64]
    f1: Floats
    test: Floats

    @classmethod
    def from_rows(cls, rows: Sequence[Row]) -> "Observations":
        """RETURNS (Observations): Of rows that are done."""
        rows = [row for row in rows if row.f1 is not None]
        languages = sorted({row.lang for row in rows})
        sizes = sorted({(row.n_source, row.n_target) for row in rows})
        replicates = sorted({(row.seed, row.draw) for row in rows})
        test = []
        for lang in languages:
            variance = sampling_variance(
                [(row.f1_low, row.f1_high) for row in rows if row.lang == lang]
            )
            test.append(variance or 0.0)
        return cls(
            languages,
            sizes,
            replicates,
            np.array([languages.index(row.lang) for row in rows], dtype=np.int64),
            np.array([sizes.index((row.n_source, row.n_target)) for row in rows], dtype=np.int64),
            np.array([replicates.index((row.seed, row.draw)) for row in rows], dtype=np.int64),
            np.array([row.f1 for row in rows], dtype=np.float64),
            np.array(test, dtype=np.float64),
        )

    def totals(self, weights: Floats) -> Tuple[Floats, Floats, Floats]:
        """Sums over replicates.

        weights (npt.NDArray): (s, n) weights of the observations, a row a sample.
        RETURNS (Tuple[npt.NDArray, npt.NDArray, npt.NDArray]): Sums of the weights and of the
            weighted F1, both (s, L, C), and of the weighted squared F1, (s,).
        """
        shape = (len(weights), len(self.languages), len(self.sizes))
        one_hot = np.zeros((len(self.f1), shape[1] * shape[2]))
        one_hot[np.arange(len(self.f1)), self.lang * shape[2] + self.size] = 1.0
        mass = (weights @ one_hot).reshape(shape)
        mass_f1 = ((weights * self.f1) @ one_hot).reshape(shape)
        return mass, mass_f1, (weights * self.f1**2).sum(axis=1)


@dataclass
class Solution:
    """Coefficients of s samples: p, q (s,), offsets c (s, L), exponents (s,)."""

    p: Floats
    q: Floats
    offset: Floats
    alpha: Floats
    beta: Floats


def _solve(
    totals: Tuple[Floats, Floats, Floats],
    first: Floats,
    second: Floats,
    alphas: Floats,
    betas: Floats,
    ceiling: Optional[float],
) -> Solution:
    """Least squares of F1 on one of the first and one of the second features, with an offset for
    each language, for the best pair of features.

    first, second (npt.NDArray): (k, C) and (j, C) values of candidate features at each size. A
        feature that is zero everywhere is left out.
    ceiling (Optional[float]): The most that an offset may be.
    """
    mass, mass_f1, squares = totals
    per_language = mass.sum(axis=2)
    inverse = np.divide(1.0, per_language, out=np.zeros_like(per_language), where=per_language > 0)
    sum_u = np.einsum("slc,kc->slk", mass, first)
    sum_v = np.einsum("slc,jc->slj", mass, second)
    sum_y = mass_f1.sum(axis=2)
    flat, flat_y = mass.sum(axis=1), mass_f1.sum(axis=1)
    uu = flat @ (first**2).T - np.einsum("slk,sl->sk", sum_u**2, inverse)
    vv = flat @ (second**2).T - np.einsum("slj,sl->sj", sum_v**2, inverse)
    pairs = first[:, None, :] * second[None, :, :]
    uv = np.einsum("sc,kjc->skj", flat, pairs, optimize=True) - np.einsum(
        "slk,slj->skj", sum_u * inverse[:, :, None], sum_v, optimize=True
    )
    uy = flat_y @ first.T - np.einsum("slk,sl->sk", sum_u, sum_y * inverse)
    vy = flat_y @ second.T - np.einsum("slj,sl->sj", sum_v, sum_y * inverse)
    # A feature without any spread gets the coefficient 0.
    dead_u, dead_v = uu <= 1e-12, vv <= 1e-12
    uu, vv = np.where(dead_u, 1.0, uu), np.where(dead_v, 1.0, vv)
    uv = np.where(dead_u[:, :, None] | dead_v[:, None, :], 0.0, uv)
    uy, vy = np.where(dead_u, 0.0, uy), np.where(dead_v, 0.0, vy)
    scale = uu[:, :, None] * vv[:, None, :]
    determinant = scale - uv**2
    singular = determinant <= 1e-9 * scale
    determinant = np.where(singular, 1.0, determinant)
    p = (vv[:, None, :] * uy[:, :, None] - uv * vy[:, None, :]) / determinant
    q = (uu[:, :, None] * vy[:, None, :] - uv * uy[:, :, None]) / determinant
    residual = squares - (sum_y**2 * inverse).sum(axis=1)
    loss = residual[:, None, None] - p * uy[:, :, None] - q * vy[:, None, :]
    loss = np.where(singular, np.inf, loss)
    if ceiling is not None:
        highest = np.full(loss.shape, -np.inf)
        for at in range(mass.shape[1]):
            share = inverse[:, at, None, None]
            offset = share * (
                sum_y[:, at, None, None] - p * sum_u[:, at, :, None] - q * sum_v[:, at, None, :]
            )
            np.maximum(highest, np.where(share > 0, offset, -np.inf), out=highest)
        over = highest > ceiling
        # Where every pair of exponents goes over it, the ceiling is let go.
        over[over.all(axis=(1, 2))] = False
        loss = np.where(over, np.inf, loss)
    best = loss.reshape(len(loss), -1).argmin(axis=1)
    i, j = np.unravel_index(best, loss.shape[1:])
    s = np.arange(len(loss))
    p, q = p[s, i, j], q[s, i, j]
    offset = inverse * (sum_y - p[:, None] * sum_u[s, :, i] - q[:, None] * sum_v[s, :, j])
    return Solution(p, q, offset, alphas[i], betas[j])


def power(sizes: npt.ArrayLike, exponents: npt.ArrayLike) -> Floats:
    """RETURNS (npt.NDArray): (sizes / 1000)^-exponent, broadcast; 0 for size 0."""
    n = np.asarray(sizes, dtype=np.float64) / THOUSAND
    safe = np.where(n > 0, n, 1.0)
    return np.where(n > 0, safe ** -np.asarray(exponents, dtype=np.float64), 0.0)


class Surface:
    """A fitted surface with its bootstrap samples; sample 0 is the fit to all rows.

    observations (Observations): What to fit. samples (int): Bootstrap samples. seed (int): Of the
        bootstrap.
    RAISES: ValueError for observations of fewer than two sizes.
    """

    def __init__(self, observations: Observations, samples: int = 500, seed: int = 0) -> None:
        self.data = data = observations
        sizes = np.array(data.sizes, dtype=np.float64).reshape(-1, 2)
        if len(sizes) < 2:
            raise ValueError("a surface needs at least two sizes")
        self.source, self.target = sizes.T
        self.has_source = len(np.unique(self.source)) > 1
        self.has_target = len(np.unique(self.target)) > 1
        self.weights = self._robust_weights()
        point = self._fit(self.weights[None, :], refine=True)
        random = np.random.default_rng(seed)
        by_language = _resample(random, len(data.languages), samples)[:, data.lang]
        by_replicate = _resample(random, len(data.replicates), samples)[:, data.replicate]
        base = self.weights[None, :] * by_replicate
        boot = self._fit(base * by_language) if samples else None
        # Levels are those of the languages at hand; only the shape is that of resampled languages.
        offsets = [point.offset]
        if boot is not None:
            noise = random.normal(size=(samples, len(data.languages))) * np.sqrt(data.test)
            offsets.append(self._offsets(base, boot) + noise)
        parts = [point] if boot is None else [point, boot]
        self.a = -np.concatenate([part.p for part in parts])
        self.b = -np.concatenate([part.q for part in parts])
        self.alpha = np.concatenate([part.alpha for part in parts])
        self.beta = np.concatenate([part.beta for part in parts])
        self.offset = np.concatenate(offsets)
        clusters = len(data.languages) if len(data.languages) > 1 else len(data.replicates)
        # The quantile of Student's t over the normal one: few clusters.
        self.widen = float(stats.t.ppf(0.975, clusters - 1) / 1.959964) if clusters > 1 else 1.0

    def _grid(self, axis: Floats) -> Floats:
        """Candidate exponents of an axis; with two sizes the exponent is not determined."""
        if len(np.unique(axis)) < 3:
            return np.array([0.5])
        return np.geomspace(*EXPONENTS, STEPS)

    def _features(self, exponents: Floats, axis: Floats, used: bool) -> Floats:
        if not used:
            return np.zeros((len(exponents), len(axis)))
        return power(axis[None, :], exponents[:, None])

    def _fit(self, weights: Floats, refine: bool = False) -> Solution:
        alphas, betas = self._grid(self.source), self._grid(self.target)
        totals = self.data.totals(weights)
        solution = self._solve(totals, alphas, betas)
        ratio = (EXPONENTS[1] / EXPONENTS[0]) ** (1 / (STEPS - 1))
        for _ in range(3 if refine else 0):
            near = np.geomspace(1 / ratio, ratio, 21)
            zoomed = []
            for grid, value in ((alphas, solution.alpha[0]), (betas, solution.beta[0])):
                zoomed.append(np.clip(value * near, *EXPONENTS) if len(grid) > 1 else grid)
            solution = self._solve(totals, *zoomed)
            ratio = ratio**0.15
        return solution

    def _solve(
        self, totals: Tuple[Floats, Floats, Floats], alphas: Floats, betas: Floats
    ) -> Solution:
        return _solve(
            totals,
            self._features(alphas, self.source, self.has_source),
            self._features(betas, self.target, self.has_target),
            alphas,
            betas,
            1.0,
        )

    def _offsets(self, weights: Floats, fit: Solution) -> Floats:
        mass, mass_f1, _ = self.data.totals(weights)
        full, full_f1, _ = self.data.totals(self.weights[None, :])
        gone = mass.sum(axis=2) <= 0
        mass = np.where(gone[:, :, None], full, mass)
        mass_f1 = np.where(gone[:, :, None], full_f1, mass_f1)
        shape = fit.p[:, None] * power(self.source, fit.alpha[:, None]) + fit.q[:, None] * power(
            self.target, fit.beta[:, None]
        )
        above = mass_f1.sum(axis=2) - (mass * shape[:, None, :]).sum(axis=2)
        offsets: Floats = above / mass.sum(axis=2)
        return offsets

    def _robust_weights(self) -> Floats:
        """Huber's weights, so that a run that went wrong does not bend the surface."""
        data = self.data
        weights = np.ones(len(data.f1))
        for _ in range(6):
            fit = self._fit(weights[None, :])
            fitted = self._fitted(fit)
            residual = data.f1 - fitted
            scale = max(1.4826 * float(np.median(np.abs(residual))), 1e-4)
            weights = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-12))
        return weights

    def _fitted(self, fit: Solution) -> Floats:
        data = self.data
        shape = fit.p[0] * power(self.source, fit.alpha[0]) + fit.q[0] * power(
            self.target, fit.beta[0]
        )
        return fit.offset[0][data.lang] + shape[data.size]

    def f1(self, n_source: float, n_target: float, lang: Optional[str] = None) -> Floats:
        """RETURNS (npt.NDArray): F1 in every sample, of one language or the mean over languages."""
        offset = self.offset.mean(axis=1)
        if lang is not None:
            offset = self.offset[:, self.data.languages.index(lang)]
        loss = self.a * power(n_source, self.alpha) + self.b * power(n_target, self.beta)
        return np.clip(offset - loss, 0.0, 1.0)

    def loss(self, n_source: float, n_target: float) -> Floats:
        """RETURNS (npt.NDArray): What is lost to the ceiling, in every sample."""
        return self.a * power(n_source, self.alpha) + self.b * power(n_target, self.beta)

    def estimate(
        self, values: Floats, low: Optional[float] = None, high: Optional[float] = None
    ) -> Json:
        """RETURNS (Json): `value` of the fit, and `low` and `high` of the bootstrap within bounds."""
        return estimate(values, widen=self.widen, least=low, most=high)

    def r2(self) -> Optional[float]:
        """RETURNS (Optional[float]): Share of the variance between rows that the surface explains."""
        f1 = self.data.f1
        total = float(((f1 - f1.mean()) ** 2).sum())
        if total <= 0:
            return None
        shape = -self.loss_at_sizes()[0]
        fitted = self.offset[0][self.data.lang] + shape[self.data.size]
        return 1.0 - float(((f1 - fitted) ** 2).sum()) / total

    def loss_at_sizes(self) -> Floats:
        """RETURNS (npt.NDArray): (1 + samples, C) losses at the measured sizes."""
        return self.a[:, None] * power(self.source, self.alpha[:, None]) + self.b[:, None] * power(
            self.target, self.beta[:, None]
        )

    def cross_validate(self) -> Json:
        """Predict each size from all the others.

        RETURNS (Json): Root mean squared errors over the cells of language and size of the surface
            (`rmse`), of a plane in the logarithms (`rmse_loglinear`) and of the mean of the language
            (`rmse_mean`); `folds`, and `held_out`, the number of cells.
        """
        data = self.data
        folds = len(data.sizes)
        empty = {"rmse": None, "rmse_loglinear": None, "rmse_mean": None}
        if folds < 4:
            return {**empty, "folds": 0, "held_out": 0, "reason": "fewer than four sizes"}
        held = np.arange(folds)
        weights = self.weights[None, :] * (data.size[None, :] != held[:, None])
        totals = data.totals(weights)
        fit = self._fit(weights)
        logs = [np.log10(np.maximum(axis, 1.0))[None, :] for axis in (self.source, self.target)]
        none = np.zeros(1)
        plane = _solve(totals, logs[0], logs[1], none, none, None)
        flat = np.zeros((1, folds))
        mean = _solve(totals, flat, flat, none, none, None)
        predicted = {
            "rmse": fit.p * power(self.source, fit.alpha) + fit.q * power(self.target, fit.beta),
            "rmse_loglinear": plane.p * logs[0][0] + plane.q * logs[1][0],
            "rmse_mean": np.zeros(folds),
        }
        offsets = {"rmse": fit.offset, "rmse_loglinear": plane.offset, "rmse_mean": mean.offset}
        mass, mass_f1, _ = data.totals(np.ones((1, len(data.f1))))
        seen = totals[0].sum(axis=2).T > 0
        there = (mass[0] > 0) & seen
        measured = np.divide(mass_f1[0], mass[0], out=np.zeros_like(mass[0]), where=mass[0] > 0)
        result: Dict[str, Any] = {}
        for name, shape in predicted.items():
            error = (measured - (offsets[name].T + shape[None, :]))[there]
            result[name] = float(np.sqrt((error**2).mean())) if error.size else None
        return {**result, "folds": folds, "held_out": int(there.sum())}


def _resample(random: np.random.Generator, size: int, samples: int) -> Floats:
    """Rescaled bootstrap of Rao and Wu (1988): n - 1 of n clusters with replacement, so that the
    variance is unbiased however few clusters there are. One cluster cannot be resampled.

    RETURNS (npt.NDArray): (samples, size) weights.
    """
    if size < 2:
        return np.ones((samples, size))
    counts = random.multinomial(size - 1, np.full(size, 1 / size), size=samples)
    return np.asarray(counts, dtype=np.float64) * (size / (size - 1))
