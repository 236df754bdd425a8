"""Losses between a student's scores and its targets. Each is registered under `losses` and gives
the loss and its gradient.

All take unnormalised scores (n, tags), target distributions (n, tags) and token weights (n,), and
return the loss, summed over tokens (as spaCy's own components sum theirs), and its gradient with
respect to the scores. A weight of 0 marks a missing value.
"""

import math
from typing import Any, Protocol, Tuple, runtime_checkable

from thinc.api import get_array_module
from thinc.types import Floats1d, Floats2d

EPSILON = 1e-8


@runtime_checkable
class Loss(Protocol):
    """A loss: (scores, targets, weights) -> (loss, gradient)."""

    def __call__(self, scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]: ...


def softmax(xp: Any, scores: Any) -> Floats2d:
    """RETURNS (Floats2d): Row-wise softmax."""
    z = xp.exp(scores - scores.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def _through_softmax(probs: Floats2d, d_probs: Floats2d) -> Floats2d:
    """Chain rule from the probabilities to the scores."""
    return probs * (d_probs - (d_probs * probs).sum(axis=1, keepdims=True))


def make_cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """Cross-entropy, `xner.CrossEntropy.v1`; for soft targets the same gradient as the
    Kullback-Leibler divergence.

    label_smoothing (float): Mass that is spread evenly over all tags, in [0, 1).
    RAISES: ValueError for another.
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1), not {label_smoothing}")

    def cross_entropy(scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]:
        xp = get_array_module(scores)
        if label_smoothing:
            targets = targets * (1 - label_smoothing) + label_smoothing / targets.shape[1]
        probs = softmax(xp, scores)
        loss = -(weights.reshape((-1, 1)) * targets * xp.log(probs + EPSILON)).sum()
        return float(loss), (probs - targets) * weights.reshape((-1, 1))

    return cross_entropy


def make_kl_divergence(temperature: float = 1.0) -> Loss:
    """Kullback-Leibler divergence between softened distributions, `xner.KLDivergence.v1` (Hinton et
    al. 2015, section 2).

    temperature (float): Divides the scores of the student, and those of the teacher, which are
        recovered as log-probabilities. The gradient is multiplied by its square, so that its size
        does not depend on the temperature. Above 0.
    RAISES: ValueError for another.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be above 0, not {temperature}")

    def kl_divergence(scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]:
        xp = get_array_module(scores)
        probs = softmax(xp, scores / temperature)
        if temperature != 1.0:
            targets = softmax(xp, xp.log(targets + EPSILON) / temperature)
        ratio = xp.log(targets + EPSILON) - xp.log(probs + EPSILON)
        loss = temperature**2 * (weights.reshape((-1, 1)) * targets * ratio).sum()
        return float(loss), temperature * (probs - targets) * weights.reshape((-1, 1))

    return kl_divergence


def make_mean_squared_error(scale: float = 1.0) -> Loss:
    """Mean squared error between probabilities, `xner.MeanSquaredError.v1` (TSL, Wu et al. 2020,
    equation of the student's loss).

    scale (float): Multiplies loss and gradient; the mean is over tags, the sum over tokens. Above 0.
    RAISES: ValueError for another.
    """
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be above 0, not {scale}")

    def mean_squared_error(scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]:
        xp = get_array_module(scores)
        probs = softmax(xp, scores)
        difference = (probs - targets) * weights.reshape((-1, 1))
        factor = scale / scores.shape[1]
        loss = factor * (difference * (probs - targets)).sum()
        return float(loss), _through_softmax(probs, 2 * factor * difference)

    return mean_squared_error


def make_generalized_cross_entropy(q: float = 0.7) -> Loss:
    """Generalised cross-entropy for noisy labels, `xner.GeneralizedCrossEntropy.v1` (Zhang and
    Sabuncu 2018, equation 6).

    q (float): In (0, 1]: near 0 it is cross-entropy, at 1 the mean absolute error, which wrong
        labels disturb least.
    RAISES: ValueError for a q outside (0, 1].
    """
    if not 0 < q <= 1:
        raise ValueError(f"q must be in (0, 1], not {q}")

    def generalized_cross_entropy(scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]:
        xp = get_array_module(scores)
        probs = softmax(xp, scores)
        powers = (probs + EPSILON) ** (q - 1)
        loss = (weights.reshape((-1, 1)) * targets * (1 - powers * probs)).sum() / q
        return float(loss), _through_softmax(probs, -weights.reshape((-1, 1)) * targets * powers)

    return generalized_cross_entropy
