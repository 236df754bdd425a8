"""Losses between a student's scores and its targets, registered under `losses`.

All take unnormalised scores (n, tags), target distributions (n, tags) and token weights (n,), and return the loss,
summed over tokens (like those of spaCy's own components), and its gradient with respect to the scores. A weight of 0
marks a missing value.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
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
    exponentials = xp.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _through_softmax(probs: Any, d_probs: Any) -> Any:
    """Apply the chain rule from the probabilities to the scores."""
    return probs * (d_probs - (d_probs * probs).sum(axis=1, keepdims=True))


class _TokenLoss(ABC):
    """A loss that is a sum over tokens."""

    def __call__(self, scores: Floats2d, targets: Floats2d, weights: Floats1d) -> Tuple[float, Floats2d]:
        loss, gradient = self._of_tokens(get_array_module(scores), scores, targets, weights.reshape((-1, 1)))
        return float(loss), gradient

    @abstractmethod
    def _of_tokens(self, xp: Any, scores: Any, targets: Any, weights: Any) -> Tuple[Any, Any]:
        """RETURNS (Tuple): The loss and its gradient. The weights are (n, 1)."""


@dataclass(eq=False)
class CrossEntropy(_TokenLoss):
    """Cross-entropy, `xner.CrossEntropy.v1`. For soft targets it has the gradient of the Kullback-Leibler divergence.

    label_smoothing (float): Mass that is distributed evenly over all tags, in [0, 1).
    RAISES: ValueError for a value outside this range.
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), not {self.label_smoothing}")

    def _of_tokens(self, xp: Any, scores: Any, targets: Any, weights: Any) -> Tuple[Any, Any]:
        if self.label_smoothing:
            targets = targets * (1 - self.label_smoothing) + self.label_smoothing / targets.shape[1]
        probs = softmax(xp, scores)
        return -(weights * targets * xp.log(probs + EPSILON)).sum(), (probs - targets) * weights


@dataclass(eq=False)
class KLDivergence(_TokenLoss):
    """Kullback-Leibler divergence between softened distributions, `xner.KLDivergence.v1` (Hinton et al. 2015, section
    2).

    temperature (float): Divides the scores of the student and the teacher, whose scores are its log-probabilities. The
        gradient is multiplied by the square of the temperature, so that its size does not depend on it. Above 0.
    RAISES: ValueError for a value outside this range.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be above 0, not {self.temperature}")

    def _of_tokens(self, xp: Any, scores: Any, targets: Any, weights: Any) -> Tuple[Any, Any]:
        probs = softmax(xp, scores / self.temperature)
        if self.temperature != 1.0:
            targets = softmax(xp, xp.log(targets + EPSILON) / self.temperature)
        ratio = xp.log(targets + EPSILON) - xp.log(probs + EPSILON)
        loss = self.temperature**2 * (weights * targets * ratio).sum()
        return loss, self.temperature * (probs - targets) * weights


@dataclass(eq=False)
class MeanSquaredError(_TokenLoss):
    """Mean squared error between probabilities, `xner.MeanSquaredError.v1` (TSL, Wu et al. 2020, equation of the
    student's loss).

    scale (float): Factor on loss and gradient, which are a mean over tags and a sum over tokens. Above 0.
    RAISES: ValueError for a value outside this range.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.scale < math.inf:
            raise ValueError(f"scale must be above 0, not {self.scale}")

    def _of_tokens(self, xp: Any, scores: Any, targets: Any, weights: Any) -> Tuple[Any, Any]:
        probs = softmax(xp, scores)
        difference = (probs - targets) * weights
        factor = self.scale / scores.shape[1]
        loss = factor * (difference * (probs - targets)).sum()
        return loss, _through_softmax(probs, 2 * factor * difference)


@dataclass(eq=False)
class GeneralizedCrossEntropy(_TokenLoss):
    """Generalised cross-entropy for noisy labels, `xner.GeneralizedCrossEntropy.v1` (Zhang and Sabuncu 2018, equation
    6).

    q (float): In (0, 1]: near 0 it is cross-entropy, at 1 the mean absolute error, the most robust to wrong labels.
    RAISES: ValueError for a q outside (0, 1].
    """

    q: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.q <= 1:
            raise ValueError(f"q must be in (0, 1], not {self.q}")

    def _of_tokens(self, xp: Any, scores: Any, targets: Any, weights: Any) -> Tuple[Any, Any]:
        probs = softmax(xp, scores)
        powers = (probs + EPSILON) ** (self.q - 1)
        loss = (weights * targets * (1 - powers * probs)).sum() / self.q
        return loss, _through_softmax(probs, -weights * targets * powers)
