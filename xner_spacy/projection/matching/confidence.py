"""From scores to confidences: maps that make "0.8" mean that eight of ten such spans are right."""

import math
from typing import Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Calibration(NamedTuple):
    """A logistic map (Platt 1999) of a match's score and its margin.

    The margin is by how much the score beats the entity's next best choice, or none at all (0).

    bias, score, margin (float): Coefficients.
    """

    bias: float
    score: float
    margin: float

    def __call__(self, score: float, margin: float) -> float:
        """RETURNS (float): Probability that the span is right, in (0, 1)."""
        x = self.bias + self.score * score + self.margin * margin
        x = max(-30.0, min(30.0, x))
        return 1.0 / (1.0 + math.exp(-x))


# For the heuristics, whose only score is how well the span is linked (0 to 1). Fitted on the embedded
# Icelandic-English corpus, one map for all of them (see docs/projection.md).
LINK_CONFIDENCE = Calibration(0.37, 2.65, 0.0)


def fit_calibration(features: Sequence[Tuple[float, float]], right: Sequence[bool], ridge: float = 1.0) -> Calibration:
    """Fit the map by Newton's method.

    features (Sequence[Tuple[float, float]]): Score and margin of each projected span.
    right (Sequence[bool]): Whether it is right.
    ridge (float): Penalty on the two slopes, which keeps separable data finite.
    RETURNS (Calibration): The map.
    """
    x = np.column_stack([np.ones(len(features)), np.asarray(features, dtype=np.float64)])
    # Platt's targets: no sample is quite certain.
    n_right = sum(right)
    high = (n_right + 1.0) / (n_right + 2.0)
    low = 1.0 / (len(right) - n_right + 2.0)
    y = np.where(np.asarray(right), high, low)
    penalty = np.diag([1e-6, ridge, ridge])
    w = np.zeros(3)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (p - y) + penalty @ w
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(*(float(v) for v in w))


class Bin(NamedTuple):
    """One column of a reliability diagram."""

    low: float
    high: float
    number: int
    confidence: float
    accuracy: float


def reliability(confidences: Iterable[float], right: Iterable[bool], bins: int = 10) -> List[Bin]:
    """RETURNS (List[Bin]): Mean confidence and share of right spans per equal bin of [0, 1]."""
    values = np.asarray(list(confidences), dtype=np.float64)
    hits = np.asarray(list(right), dtype=np.float64)
    place = np.minimum((values * bins).astype(int), bins - 1)
    out: List[Bin] = []
    for k in range(bins):
        mine = place == k
        count = int(mine.sum())
        out.append(
            Bin(
                k / bins,
                (k + 1) / bins,
                count,
                float(values[mine].mean()) if count else 0.0,
                float(hits[mine].mean()) if count else 0.0,
            )
        )
    return out


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """RETURNS (float): Mean distance of confidence and accuracy, weighted by count."""
    total = sum(b.number for b in bins)
    return sum(b.number * abs(b.confidence - b.accuracy) for b in bins) / total if total else 0.0


def isotonic(confidences: Sequence[float], right: Sequence[bool]) -> List[Tuple[float, float]]:
    """Fit a rising step function by pooling adjacent violators.

    confidences (Sequence[float]): Scores.
    right (Sequence[bool]): Whether each span is right.
    RETURNS (List[Tuple[float, float]]): From this score on this share is right, ascending.
    """
    blocks: List[List[float]] = []  # least score, sum of hits, count
    for value, hit in sorted(zip(confidences, right, strict=True)):
        blocks.append([value, float(hit), 1.0])
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
            _, hits, count = blocks.pop()
            blocks[-1][1] += hits
            blocks[-1][2] += count
    return [(value, hits / count) for value, hits, count in blocks]
