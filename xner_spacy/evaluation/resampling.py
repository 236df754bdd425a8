"""Intervals by the percentile bootstrap over sentences."""

from typing import Iterator, List, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from ..errors import require

Weights = npt.NDArray[np.float64]

# More resamples would not improve an interval noticeably.
MOST_SAMPLES = 1_000_000
# Sentences times resamples that are drawn at a time, to limit the memory.
BLOCK = 2_000_000


def check_resampling(samples: int, seed: int) -> None:
    """RAISES: XnerError for an invalid number of resamples or seed."""
    require(0 <= samples <= MOST_SAMPLES, f"{samples:,} resamples: from 0 to {MOST_SAMPLES:,} can be drawn.")
    require(seed >= 0, f"The seed {seed} is negative.", "Give 0 or more.")


def block_sizes(n: int, samples: int) -> Iterator[int]:
    """YIELDS (int): The numbers of resamples to draw at a time, which add up to `samples`. n (int): How many sentences, or
    groups of them, a resample is drawn from.
    """
    block = max(1, BLOCK // max(n, 1))
    for start in range(0, samples, block):
        yield min(block, samples - start)


def draw(random: np.random.Generator, numbers: npt.NDArray, size: int) -> Weights:
    """RETURNS (Weights): (size, groups) how many sentences of each group are in each resample. numbers (NDArray): How
    many each group has.
    """
    n = numbers.sum()
    return random.multinomial(int(n), numbers / n, size=size).astype(np.float64)


def interval(values: Union[Sequence[float], Weights]) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): The 95% percentile interval of the values of resamples."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def rounded(values: Sequence[float]) -> List[float]:
    """RETURNS (List[float]): Values rounded for output."""
    return [round(value, 5) for value in values]
