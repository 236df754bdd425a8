"""A surface fitted to the rows of an arm, of the form that best predicts left-out sizes, and its bootstrap samples.

In every bootstrap sample the form is chosen anew, so that intervals hold the doubt about it.
"""

from functools import cached_property
from typing import Dict, Optional, Sequence

import numpy as np
import pandas as pd
from scipy import special

from .forms import EXPONENTS, FORMS, Floats, Grid, Ints, Solution, best_forms, ceiling_of, left_out_errors, mean_error
from .intervals import SIZES, Z, table_of

# Values of an exponent in the search, 10% apart, and where forms are compared.
STEPS, FEW_STEPS = 40, 12
HUBER = 2.0


class Surface:
    """A fitted surface with its bootstrap samples; sample 0 is the fit to all rows.

    rows (DataFrame): Measured rows of one arm and design, to which the surface is fitted. samples (int): Bootstrap
        samples. seed (int): Seed of the bootstrap. forms (Sequence[str]): The forms to choose from, see `FORMS`.
    RAISES: ValueError for rows of fewer than two sizes.
    """

    def __init__(
        self, rows: pd.DataFrame, samples: int = 500, seed: int = 0, forms: Sequence[str] = tuple(FORMS)
    ) -> None:
        table = table_of(rows)
        self.forms = list(forms)
        self.table = table.to_numpy()
        self.languages = list(table.index.unique("lang"))
        self.lang = table.index.get_level_values("lang").map(self.languages.index).to_numpy()
        self.source, self.target = (table.index.get_level_values(name).to_numpy(float) for name in SIZES)
        self.sizes = sorted(set(zip(self.source.tolist(), self.target.tolist(), strict=True)))
        if len(self.sizes) < 2:
            raise ValueError("a surface needs at least two sizes")
        self.grid = Grid(self.source, self.target, self.lang)
        self.has_source, self.has_target = (count > 1 for count in self.grid.counts)
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
        exponents = self.grid.exponents(STEPS)
        for step in range(7):
            self.mass = self.weights.sum(axis=1)
            self.mean = np.nansum(self.weights * self.table, axis=1) / self.mass
            if step in (0, 3, 6):
                form = self.forms[int(self._choose(self.mean[:, None])[0])]
            self.point = self.grid.solve(form, self.mean[:, None], self.mass, *exponents)
            residual = np.abs(self.table - self.fitted()[:, None])
            scale = max(1.4826 * float(np.nanmedian(residual)), 1e-4)
            weights = np.minimum(1.0, HUBER * scale / np.maximum(residual, 1e-12))
            self.weights = np.where(np.isnan(weights), 0.0, weights)
        self.form = form
        ratio = (EXPONENTS[1] / EXPONENTS[0]) ** (1 / (STEPS - 1))
        for _ in range(3 if form == "power" else 0):  # refine the exponents beyond the grid
            factors = np.geomspace(1 / ratio, ratio, 21)
            near = [
                np.clip(values * factors, *EXPONENTS) if count > 2 else values
                for values, count in zip((self.point.alpha, self.point.beta), self.grid.counts, strict=True)
            ]
            alphas, betas = (values.ravel() for values in np.meshgrid(*near, indexing="ij"))
            self.point = self.grid.solve(form, self.mean[:, None], self.mass, alphas, betas)
            ratio = ratio**0.15

    def _errors(self, y: Floats) -> Dict[str, Floats]:
        """RETURNS (Dict[str, npt.NDArray]): By form the error over left-out sizes in each sample of y, (m, s)."""
        exponents, grid = self.grid.exponents(FEW_STEPS), self.grid
        return {
            form: left_out_errors(grid.features(form, *exponents), y, self.mass, grid.lang, grid.size, ceiling_of(form))
            for form in self.forms
        }

    def _choose(self, y: Floats) -> Ints:
        return best_forms(list(self._errors(y).values()))

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
        """RETURNS (Solution): The fit as sample 0, then the fits to the means with noise, each of the form that
        predicts its left-out sizes best.
        """
        y, result = self.mean[:, None] + noise, self.point
        chosen = self._choose(y) if noise.shape[1] else np.zeros(0, dtype=np.int64)
        order = np.argsort(chosen, kind="stable")
        for number in np.unique(chosen):
            part = y[:, chosen == number]
            solved = self.grid.solve(self.forms[number], part, self.mass, *self.grid.exponents(STEPS))
            result = result.joined(solved)
        places = np.concatenate([[0], 1 + np.argsort(order, kind="stable")])
        return Solution(**{name: values[..., places] for name, values in vars(result).items()})

    def f1(self, n_source: float, n_target: float, lang: Optional[str] = None) -> Floats:
        """RETURNS (npt.NDArray): F1 of the fit and of every sample of levels, for one language or the mean of all."""
        c = self.levels.c.mean(axis=0) if lang is None else self.levels.c[self.languages.index(lang)]
        return np.clip(c + self.levels.height(n_source, n_target), 0.0, 1.0)

    def level(self, values: Floats) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): `value`, `low` and `high` of an F1, for the measured languages."""
        return percentiles(values, self.widen_levels, 0.0, 1.0)

    def estimate(self, values: Floats, low: float = -1.0, high: float = 1.0) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): `value`, `low` and `high` of a quantity derived from the shape, within bounds,
        for languages like the measured ones.
        """
        return percentiles(values, self.widen_shape, low, high)

    def fitted(self) -> Floats:
        """RETURNS (npt.NDArray): (m,) fitted F1 of each cell."""
        height = self.point.height(self.source[:, None], self.target[:, None])[:, 0]
        return self.point.c[self.lang, 0] + height

    @cached_property
    def errors(self) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By form, and for the mean of each language (`mean`), the root mean square error
        of the mean over languages at left-out sizes; NaN where the sizes do not determine a form.
        """
        y = self.mean[:, None]
        errors = {form: float(error[0]) for form, error in self._errors(y).items()}
        errors["mean"] = float(mean_error(y, self.mass, self.grid.lang, self.grid.size)[0])
        return {name: error if np.isfinite(error) else np.nan for name, error in errors.items()}

    @property
    def chosen(self) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By form the share of bootstrap samples of the shape that chose it."""
        drawn = self.shape.form[1:]
        return {form: float((drawn == FORMS.index(form)).mean()) if len(drawn) else np.nan for form in self.forms}


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
