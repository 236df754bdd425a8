"""A mean of few values with its 95% interval by Student's t, as the benchmarks write it."""

from typing import NamedTuple, Sequence

import numpy as np
from scipy.stats import t as student_t


class Estimate(NamedTuple):
    """A mean, with its 95% interval; none for a single value."""

    values: int
    mean: float
    low: float
    high: float

    @property
    def interval(self) -> str:
        """RETURNS (str): The interval, with signs; empty for a single value."""
        return f"{self.low:+.1f} to {self.high:+.1f}" if self.values > 1 else ""

    def __str__(self) -> str:
        return f"{self.mean:+.1f}" + (f" ({self.interval})" if self.interval else "")


def estimate(values: Sequence[float]) -> Estimate:
    """RETURNS (Estimate): The mean of some values, which are the units of the interval."""
    mean, n = float(np.mean(values)), len(values)
    half = float(student_t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Estimate(n, mean, mean - half, mean + half)
