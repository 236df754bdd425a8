"""The four forms of a surface: F1 as a function of labelled source and target sentences.

With x = log10(N_s / 1000) and y = log10(N_t / 1000), F1 = c_language + height(N_s, N_t), and the height is

    plane         p x + q y
    interaction   p x + q y + r x y
    quadratic     p x + q y + r x y + u x^2 + v y^2
    power         - a (N_s / 1000)^-alpha - b (N_t / 1000)^-beta

c is the F1 of a language at 1,000 sentences of either kind, and for the power law its ceiling, at most 1. For given
exponents each form is linear; so the exponents of the power law are searched on a grid and the rest is solved (variable
projection, Golub and Pereyra 1973), for all bootstrap samples at once.
"""

from dataclasses import dataclass
from typing import Dict, Sequence, Tuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# The forms, the simplest first, with their columns of `basis`.
COLUMNS: Dict[str, Tuple[int, ...]] = {
    "plane": (0, 1),
    "interaction": (0, 1, 2),
    "quadratic": (0, 1, 2, 3, 4),
    "power": (5, 6),
}
FORMS = tuple(COLUMNS)
# The columns that need two sizes of source text, of target text, and three of either.
NEEDS_SOURCE, NEEDS_TARGET, NEEDS_THREE = (0, 2, 3, 5), (1, 2, 4, 6), {3: 0, 4: 1}
WIDTH = 7
EXPONENTS = (0.05, 2.0)
# The exponent of an axis with two sizes, which does not determine it.
FIXED = 0.5
# Relative step of a numerical slope.
STEP = 1e-4


def basis(n_source: npt.ArrayLike, n_target: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike) -> Floats:
    """RETURNS (npt.NDArray): What the slopes are multiplied with, (..., WIDTH); sizes of 0 add nothing."""
    (x, s), (y, t) = ((_logs(n), _power(n, e)) for n, e in ((n_source, alpha), (n_target, beta)))
    return np.stack(np.broadcast_arrays(x, y, x * y, x * x, y * y, s, t), axis=-1)


def _logs(sizes: npt.ArrayLike) -> Floats:
    n = np.asarray(sizes, dtype=np.float64) / 1000
    return np.log10(np.where(n > 0, n, 1.0))


def _power(sizes: npt.ArrayLike, exponents: npt.ArrayLike) -> Floats:
    n = np.asarray(sizes, dtype=np.float64) / 1000
    return np.where(n > 0, np.where(n > 0, n, 1.0) ** -np.asarray(exponents, dtype=np.float64), 0.0)


@dataclass
class Solution:
    """Coefficients of s samples, of any forms.

    slopes (npt.NDArray): (WIDTH, s), 0 for what a form lacks; those of the power law are -a and -b. alpha, beta
    (npt.NDArray): (s,) exponents. c (npt.NDArray): (L, s), see above. form (npt.NDArray): (s,) index in `FORMS`.
    """

    slopes: Floats
    alpha: Floats
    beta: Floats
    c: Floats
    form: Ints

    def height(self, n_source: npt.ArrayLike, n_target: npt.ArrayLike) -> Floats:
        """RETURNS (npt.NDArray): F1 without c in every sample, (s,), or (m, s) for sizes (m, 1)."""
        columns = basis(n_source, n_target, self.alpha, self.beta)
        return np.einsum("...sk,ks->...s", columns, self.slopes)

    def rates(self, n_source: npt.ArrayLike, n_target: npt.ArrayLike) -> Tuple[Floats, Floats]:
        """RETURNS (Tuple): F1 gained by one more source, and by one more target sentence, as `height` returns it."""
        s, t = np.asarray(n_source, dtype=np.float64), np.asarray(n_target, dtype=np.float64)
        by_source = self.height(s * (1 + STEP), t) - self.height(s * (1 - STEP), t)
        by_target = self.height(s, t * (1 + STEP)) - self.height(s, t * (1 - STEP))
        return by_source / (2 * STEP * s), by_target / (2 * STEP * t)

    def joined(self, other: "Solution") -> "Solution":
        """RETURNS (Solution): The samples of both."""
        parts = {name: np.concatenate([value, getattr(other, name)], -1) for name, value in vars(self).items()}
        return Solution(**parts)


class Grid:
    """The cells to which surfaces are fitted: m of them, in L languages.

    source, target (npt.NDArray): (m,) sizes. lang (npt.NDArray): (m,) number of the language.
    """

    def __init__(self, source: Floats, target: Floats, lang: Ints) -> None:
        self.source, self.target, self.lang = source, target, lang
        self.counts = tuple(len(np.unique(axis)) for axis in (source, target))
        # (m,) number of each cell's pair of sizes.
        self.size = np.unique(np.stack([source, target], axis=1), axis=0, return_inverse=True)[1].ravel()

    def columns(self, form: str) -> Tuple[int, ...]:
        """RETURNS (Tuple[int, ...]): The columns of a form that these sizes leave, see `basis`."""
        lacking = {
            k
            for needs, count in zip((NEEDS_SOURCE, NEEDS_TARGET), self.counts, strict=True)
            for k in needs
            if count < 2
        }
        lacking |= {k for k, axis in NEEDS_THREE.items() if self.counts[axis] < 3}
        return tuple(k for k in COLUMNS[form] if k not in lacking)

    def exponents(self, steps: int) -> Tuple[Floats, Floats]:
        """RETURNS (Tuple): All pairs of exponents to try: (k,) each."""
        grids = [np.geomspace(*EXPONENTS, steps) if n > 2 else np.array([FIXED]) for n in self.counts]
        alphas, betas = np.meshgrid(*grids, indexing="ij")
        return alphas.ravel(), betas.ravel()

    def features(self, form: str, alphas: Floats, betas: Floats) -> Floats:
        """RETURNS (npt.NDArray): (k, m, f) the columns of a form for each pair of exponents; k is 1 for the others."""
        if form != "power":
            alphas, betas = np.array([FIXED]), np.array([FIXED])
        whole = basis(self.source, self.target, alphas[:, None], betas[:, None])
        return whole[:, :, list(self.columns(form))]

    def solve(self, form: str, y: Floats, mass: Floats, alphas: Floats, betas: Floats) -> Solution:
        """RETURNS (Solution): The fit of a form to each column of y, (m, s). mass (npt.NDArray): (m,) weights."""
        best, coefficients, offsets = least_squares(
            self.features(form, alphas, betas), y, mass, self.lang, ceiling_of(form)
        )
        if form != "power":
            alphas, betas = np.array([FIXED]), np.array([FIXED])
        slopes = np.zeros((WIDTH, y.shape[1]))
        slopes[list(self.columns(form))] = coefficients
        numbers = np.full(y.shape[1], FORMS.index(form))
        return Solution(slopes, alphas[best], betas[best], offsets, numbers)


def ceiling_of(form: str) -> float:
    """RETURNS (float): The largest c of a form."""
    return 1.0 if form == "power" else np.inf


def least_squares(
    features: Floats, y: Floats, mass: Floats, lang: Ints, ceiling: float = np.inf
) -> Tuple[Ints, Floats, Floats]:
    """Solve weighted least squares of each sample on each candidate's features, with an offset for each language.

    features (npt.NDArray): (k, m, f). y (npt.NDArray): (m, s). mass (npt.NDArray): (m,) weights. lang (npt.NDArray):
        (m,) number of each cell's language.
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


def left_out_errors(
    features: Floats, y: Floats, mass: Floats, lang: Ints, size: Ints, ceiling: float = np.inf
) -> Floats:
    """Predict each pair of sizes, in all languages, from all others, by the formula for the deletion of a group of
    cells (Cook and Weisberg 1982, section 3.6). A language without another cell is left out of the size.

    features, y, mass, lang, ceiling: See `least_squares`. size (npt.NDArray): (m,) number of each cell's pair of sizes.
    RETURNS (npt.NDArray): (s,) the root over the left-out sizes of the mean square error of the mean over languages;
        infinite if the other sizes do not determine the form.
    """
    count = int(lang.max()) + 1
    member = np.broadcast_to(np.eye(count)[lang], (len(features), len(lang), count))
    root = np.sqrt(mass)[:, None]
    design, z = np.concatenate([member, features], axis=2) * root, y * root
    known = np.array([len(np.unique(size[lang == k])) > 1 for k in range(count)])[lang]
    folds = [np.flatnonzero(size == number) for number in np.unique(size)]
    # A language that is left out whole takes one column with it.
    for fold in folds:
        lost = np.count_nonzero(~known[fold])
        rest = np.delete(design[:1], fold, axis=1)
        if np.linalg.matrix_rank(rest, tol=1e-8 * len(rest[0]))[0] < design.shape[2] - lost:
            return np.full(y.shape[1], np.inf)
    q, r = np.linalg.qr(design)
    inside = np.swapaxes(q, 1, 2) @ z
    loss = (z**2).sum(axis=0) - (inside**2).sum(axis=1)
    if np.isfinite(ceiling):
        over = np.linalg.solve(r, inside)[:, :count].max(axis=1) > ceiling
        loss[over & ~over.all(axis=0)] = np.inf
    sample, squares, n = np.arange(y.shape[1]), np.zeros(y.shape[1]), 0
    for fold in folds:
        part = q[:, fold]
        residual = z[fold] - part @ inside
        error = (
            np.linalg.pinv(np.eye(len(fold)) - part @ np.swapaxes(part, 1, 2), rcond=1e-9, hermitian=True) @ residual
        )
        best = (loss - (residual * error).sum(axis=1)).argmin(axis=0)
        told = known[fold]
        if told.any():
            squares += (error[best, :, sample] / root[fold, 0])[:, told].mean(axis=1) ** 2
            n += 1
    return np.sqrt(squares / n) if n else np.full(y.shape[1], np.inf)


def mean_error(y: Floats, mass: Floats, lang: Ints, size: Ints) -> Floats:
    """RETURNS (npt.NDArray): (s,) `left_out_errors` of the mean of each language."""
    return left_out_errors(np.zeros((1, len(y), 0)), y, mass, lang, size)


def best_forms(errors: Sequence[Floats]) -> Ints:
    """RETURNS (npt.NDArray): (s,) the number of the form with the least error; the plane where none can be told."""
    return np.stack(errors).argmin(axis=0)
