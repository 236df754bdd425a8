"""F1 as a function of labelled source and unlabelled target sentences: a saturating power law.

    F1 = c_language - a (N_s / 1000)^-alpha - b (N_t / 1000)^-beta

c is the ceiling of a language, a and b what is lost at 1,000 sentences, alpha and beta how fast the
loss fades. For given exponents the rest is linear, so the exponents are searched on a grid and the
rest is solved (variable projection, Golub and Pereyra 1973), for all bootstrap samples at once.
a and b may be negative (F1 that falls), c is at most 1.
"""

from dataclasses import dataclass, fields
from typing import List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from scipy import special

from ..types import Json
from .rows import Row
from .statistics import Z, estimate, sampling_variance

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
            variance = sampling_variance([(row.f1_low, row.f1_high) for row in rows if row.lang == lang])
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
    """Coefficients of s samples: a and b (s,), offsets c (s, L), exponents (s,)."""

    a: Floats
    b: Floats
    offset: Floats
    alpha: Floats
    beta: Floats

    def loss(self, n_source: npt.ArrayLike, n_target: npt.ArrayLike) -> Floats:
        """RETURNS (npt.NDArray): a (N_s / 1000)^-alpha + b (N_t / 1000)^-beta of every sample, or
        (m, s) for sizes (m, 1)."""
        return self.a * power(n_source, self.alpha) + self.b * power(n_target, self.beta)


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
            offset = share * (sum_y[:, at, None, None] - p * sum_u[:, at, :, None] - q * sum_v[:, at, None, :])
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
    return Solution(-p, -q, offset, alphas[i], betas[j])


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
        self.point = self._fit(self.weights[None, :], refine=True)
        random = np.random.default_rng(seed)
        by_replicate = self.weights[None, :] * self._resample_replicates(random, samples)
        by_language = _resample(random, len(data.languages), samples)[:, data.lang]
        noise = random.normal(size=(samples, len(data.languages))) * np.sqrt(data.test)
        # Levels are those of the languages at hand, over replicates and test sentences; the shape is
        # that of languages like these. What cannot be resampled has no interval.
        self.covers = [
            *(["test sentences"] if data.test.all() else []),
            *(["replicates"] if len(data.replicates) > 1 else []),
            *(["languages"] if len(data.languages) > 1 else []),
        ]
        levels = shape = None
        if samples and self.covers[:1] not in ([], ["languages"]):
            levels = self._fit(by_replicate)
            levels.offset = self._offsets(by_replicate, levels) + noise
        if samples and self.covers[-1:] not in ([], ["test sentences"]):
            shape = self._fit(by_replicate * by_language)
        self.levels = _join(self.point, levels)
        self.shape = _join(self.point, shape)
        replicates = (len(data.replicates) - 1) * len(np.unique(self.source))
        self.widen_levels = _widen(replicates)
        clusters = len(data.languages)
        self.widen_shape = _widen(clusters - 1) if clusters > 1 else self.widen_levels

    def _resample_replicates(self, random: np.random.Generator, samples: int) -> Floats:
        """Replicates are shared by languages, as the teacher is, which is trained anew for each number
        of source sentences.

        RETURNS (npt.NDArray): (samples, n) weights.
        """
        data = self.data
        weights = np.ones((samples, len(data.f1)))
        source = self.source[data.size]
        for n_source in np.unique(source):
            drawn = _resample(random, len(data.replicates), samples)
            at = source == n_source
            weights[:, at] = drawn[:, data.replicate[at]]
        return weights

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

    def _solve(self, totals: Tuple[Floats, Floats, Floats], alphas: Floats, betas: Floats) -> Solution:
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
        loss = fit.loss(self.source[:, None], self.target[:, None]).T
        above = mass_f1.sum(axis=2) + (mass * loss[:, None, :]).sum(axis=2)
        offsets: Floats = above / mass.sum(axis=2)
        return offsets

    def _robust_weights(self) -> Floats:
        """Huber's weights, so that a run that went wrong does not bend the surface."""
        data = self.data
        weights = np.ones(len(data.f1))
        for _ in range(6):
            self.point = self._fit(weights[None, :])
            residual = data.f1 - self.fitted()
            scale = max(1.4826 * float(np.median(np.abs(residual))), 1e-4)
            weights = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-12))
        return weights

    def f1(self, n_source: float, n_target: float, lang: Optional[str] = None) -> Floats:
        """RETURNS (npt.NDArray): F1 of the fit and in every sample of levels, of one language or the
        mean over languages."""
        fit = self.levels
        offset = fit.offset.mean(axis=1)
        if lang is not None:
            offset = fit.offset[:, self.data.languages.index(lang)]
        return np.clip(offset - fit.loss(n_source, n_target), 0.0, 1.0)

    def loss(self, n_source: float, n_target: float) -> Floats:
        """RETURNS (npt.NDArray): What is lost to the ceiling, of the fit and in every sample of the
        shape."""
        return self.shape.loss(n_source, n_target)

    def level(self, values: Floats) -> Json:
        """RETURNS (Json): `value`, `low` and `high` of an F1 or a ceiling."""
        return estimate(values, widen=self.widen_levels, least=0.0, most=1.0)

    def estimate(self, values: Floats, low: Optional[float] = None, high: Optional[float] = None) -> Json:
        """RETURNS (Json): `value`, `low` and `high` of what follows from the shape, within bounds."""
        return estimate(values, widen=self.widen_shape, least=low, most=high)

    def fitted(self) -> Floats:
        """RETURNS (npt.NDArray): (n,) fitted F1 of each observation."""
        loss = self.point.loss(self.source[:, None], self.target[:, None])[:, 0]
        return self.point.offset[0][self.data.lang] - loss[self.data.size]

    def r2(self) -> Tuple[Optional[float], Optional[float]]:
        """RETURNS (Tuple[Optional[float], Optional[float]]): Share of the variance between rows, and of
        that within languages, that the surface explains."""
        data = self.data
        residual = float(((data.f1 - self.fitted()) ** 2).sum())
        centre = np.array([data.f1[data.lang == at].mean() for at in range(len(data.languages))])
        totals = [((data.f1 - m) ** 2).sum() for m in (data.f1.mean(), centre[data.lang])]
        first, second = (1.0 - residual / float(t) if t > 1e-12 else None for t in totals)
        return first, second

    def cross_validate(self) -> Json:
        """Predict each size from all the others, and the largest sizes from the smaller ones.

        RETURNS (Json): Root mean squared errors over the cells of language and size of the surface
            (`rmse`), of a plane in the logarithms (`rmse_loglinear`) and of the mean of the language
            (`rmse_mean`); `folds`, and `held_out`, the number of cells; `extrapolation`: the same
            for all cells of the largest `source` and of the largest `target` size at once.
        """
        at = np.arange(len(self.data.sizes))
        result = self._validate(at[:, None] == at[None, :])
        result["extrapolation"] = {}
        for name, axis in (("source", self.source), ("target", self.target)):
            last = (axis == axis.max())[None, :]
            # The exponent needs three sizes.
            if len(np.unique(axis)) > 3:
                result["extrapolation"][name] = self._validate(last)
        return result

    def _validate(self, held: npt.NDArray[np.bool_]) -> Json:
        """held (npt.NDArray): (folds, C), the sizes that each fold leaves out."""
        data = self.data
        weights = self.weights[None, :] * ~held[:, data.size]
        totals = data.totals(weights)
        if len(data.sizes) < 4 or not (weights.sum(axis=1) > 0).all():
            empty = {"rmse": None, "rmse_loglinear": None, "rmse_mean": None}
            return {**empty, "folds": 0, "held_out": 0, "reason": "fewer than four sizes"}
        logs = np.log10(np.maximum(np.stack([self.source, self.target]), 1.0))[:, None, :]
        none = np.zeros(1)
        flat = np.zeros_like(logs[0])
        fit = self._fit(weights)
        plane = _solve(totals, logs[0], logs[1], none, none, None)
        mean = _solve(totals, flat, flat, none, none, None)
        losses = {
            "rmse": fit.loss(self.source[:, None], self.target[:, None]).T,
            "rmse_loglinear": plane.a[:, None] * logs[0] + plane.b[:, None] * logs[1],
            "rmse_mean": np.zeros(held.shape),
        }
        offsets = {"rmse": fit.offset, "rmse_loglinear": plane.offset, "rmse_mean": mean.offset}
        mass, mass_f1, _ = data.totals(np.ones((1, len(data.f1))))
        measured = np.divide(mass_f1, mass, out=np.zeros_like(mass), where=mass > 0)
        # A language of which nothing is left cannot be predicted.
        there = held[:, None, :] & (mass > 0) & (totals[0].sum(axis=2) > 0)[:, :, None]
        result: Json = {}
        for name, loss in losses.items():
            error = (measured - offsets[name][:, :, None] + loss[:, None, :])[there]
            result[name] = float(np.sqrt((error**2).mean())) if error.size else None
        return {**result, "folds": len(held), "held_out": int(there.sum()), "reason": ""}


def _join(point: Solution, samples: Optional[Solution]) -> Solution:
    """RETURNS (Solution): The fit as sample 0, then the bootstrap samples."""
    if samples is None:
        return point
    names = [field.name for field in fields(Solution)]
    return Solution(*(np.concatenate([getattr(point, name), getattr(samples, name)]) for name in names))


def _widen(degrees: int) -> float:
    """RETURNS (float): The quantile of Student's t over the normal one: for few clusters."""
    return float(special.stdtrit(degrees, 0.975) / Z) if degrees > 0 else 1.0


def _resample(random: np.random.Generator, size: int, samples: int) -> Floats:
    """Rescaled bootstrap of Rao and Wu (1988): n - 1 of n clusters with replacement, so that the
    variance is unbiased however few clusters there are. One cluster cannot be resampled.

    RETURNS (npt.NDArray): (samples, size) weights.
    """
    if size < 2:
        return np.ones((samples, size))
    counts = random.multinomial(size - 1, np.full(size, 1 / size), size=samples)
    return np.asarray(counts, dtype=np.float64) * (size / (size - 1))
