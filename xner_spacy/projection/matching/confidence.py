"""Maps from scores to confidences, after which "0.8" means that eight of ten such spans are right."""

import math
from typing import NamedTuple, Sequence, Tuple

import numpy as np
import numpy.typing as npt


class Calibration(NamedTuple):
    """A logistic map (Platt 1999) of a match's score and its margin. The margin is the difference to the score of the
    entity's next best option, or to 0, which stands for no span. The fields are the coefficients.
    """

    bias: float
    score: float
    margin: float

    def __call__(self, score: float, margin: float) -> float:
        """RETURNS (float): Probability that the span is right, in (0, 1)."""
        x = self.bias + self.score * score + self.margin * margin
        x = max(-30.0, min(30.0, x))
        return 1.0 / (1.0 + math.exp(-x))


# Fitted on the embedded Icelandic-English corpus (docs/projection.md): one map for all heuristics, whose only score is
# how well the span is linked (0 to 1), and one for each of the two scores that are used alone in candidate matching.
LINK_CONFIDENCE = Calibration(0.37, 2.65, 0.0)
ALIGN_CONFIDENCE = Calibration(0.20, 2.34, 0.74)
SPAN_CONFIDENCE = Calibration(0.71, 0.0, 0.76)


def link_confidence(score: float) -> float:
    """RETURNS (float): The confidence of a heuristic's span."""
    return LINK_CONFIDENCE(score, 0.0)


def fit_calibration(features: Sequence[Tuple[float, float]], right: Sequence[bool], ridge: float = 1.0) -> Calibration:
    """Fit the map by maximum likelihood.

    features (Sequence[Tuple[float, float]]): Score and margin of projected spans. right (Sequence[bool]): Whether each
        is right. ridge (float): Penalty on the two slopes, which keeps them finite for separable data.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    x = np.column_stack([np.ones(len(features)), np.asarray(features, dtype=np.float64)])
    # Platt's targets, under which no sample is entirely certain.
    n_right = sum(right)
    y = np.where(right, (n_right + 1.0) / (n_right + 2.0), 1.0 / (len(right) - n_right + 2.0))
    penalty = np.array([1e-6, ridge, ridge])

    def loss(w: npt.NDArray[np.float64]) -> Tuple[float, npt.NDArray[np.float64]]:
        z = x @ w
        value = np.sum(np.logaddexp(0.0, z) - y * z) + penalty @ w**2 / 2
        return float(value), x.T @ (expit(z) - y) + penalty * w

    return Calibration(*minimize(loss, np.zeros(3), jac=True, method="BFGS").x.tolist())
