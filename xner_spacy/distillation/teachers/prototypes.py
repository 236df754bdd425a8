"""Class prototypes: contrastive alignment for a teacher, and prototypical self-training for a student, based on ProKD
(Ge et al. 2023).

Only ProKD's abstract and introduction are confirmed (see docs/students.md): class prototypes of source and target are
aligned by a contrastive loss for the teacher, and the student's pseudo-labels depend on the distances to prototypes.
The equations here are a reconstruction, so do not expect the results of the paper. The remaining details are those of
ContProto (Zhou et al. 2023), whose code is public: vectors and prototypes of unit length, moving averages with momentum
.99, similarities as logits.

There is a prototype for each entity label and O, not for each tag: languages do not differ in whether a token begins or
continues a name.
"""

from dataclasses import dataclass, field
from typing import Any, List, Protocol, Tuple, runtime_checkable

import numpy as np
from thinc.types import Floats2d

from ..student.losses import EPSILON, softmax
from ..student.tag_scheme import TagSet
from ..student.targets import Targets, one_hot


@runtime_checkable
class FeatureLoss(Protocol):
    """An additional loss of the student, with its gradients on the token vectors and scores of each Doc."""

    def __call__(
        self, ops: Any, vectors: List[Floats2d], scores: List[Floats2d], targets: Targets, tagset: TagSet
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]: ...


@dataclass(eq=False)
class Prototypes:
    """Moving averages of unit vectors, one for each class (O, then the labels).

    momentum (float): Share of the previous prototype in an update, in [0, 1).
    """

    momentum: float
    vectors: Any = None
    seen: Any = None

    def update(self, xp: Any, features: Any, mass: Any) -> Any:
        """Move each class towards the mean of the (n, width) unit vectors, weighted by their (n, classes) mass.

        RETURNS (Floats2d): (classes, width) prototypes of unit length; zeros for a class that has not occurred.
        """
        if self.vectors is None or self.vectors.shape != (mass.shape[1], features.shape[1]):
            self.vectors = xp.zeros((mass.shape[1], features.shape[1]), dtype=features.dtype)
            self.seen = xp.zeros(mass.shape[1], dtype=bool)
        total = mass.sum(axis=0)
        mean = (mass.T @ features) / (total[:, None] + EPSILON)
        present = total > 0.5
        previous = xp.where(self.seen[:, None], self.vectors, mean)
        moved = self.momentum * previous + (1 - self.momentum) * mean
        self.vectors = xp.where(present[:, None], unit(xp, moved)[0], self.vectors)
        self.seen = self.seen | present
        return self.vectors


def unit(xp: Any, vectors: Any) -> Tuple[Any, Any]:
    """RETURNS (Tuple[Floats2d, Floats2d]): The rows, scaled to length 1, and their original (n, 1) lengths."""
    lengths = xp.sqrt((vectors * vectors).sum(axis=1, keepdims=True)) + EPSILON
    return vectors / lengths, lengths


@dataclass(eq=False)
class PrototypeStudent:
    """Prototypical self-training, `xner.PrototypeStudent.v1`: cross-entropy with the teacher's distribution, refined by
    the prototypes.

    The refined target of a token is its distribution times softmax(similarity to the prototypes / temperature), class
    by class, normalised (METHODS section 3; as in ProDA). The prototypes are moving averages of the student's vectors
    under the teacher's distributions.

    weight (float): Weight of this loss relative to the distillation loss. temperature (float): Temperature of the
        similarities (cosines). momentum (float): See `Prototypes`. warmup (int): Updates that only collect prototypes.
    """

    weight: float = 1.0
    temperature: float = 0.1
    momentum: float = 0.99
    warmup: int = 200
    sides: List[Prototypes] = field(init=False, repr=False)
    updates: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.sides = [Prototypes(self.momentum), Prototypes(self.momentum)]

    def __call__(
        self, ops: Any, vectors: List[Floats2d], scores: List[Floats2d], targets: Targets, tagset: TagSet
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]:
        xp = ops.xp
        flat_vectors, flat_scores = xp.concatenate(vectors), xp.concatenate(scores)
        # (tags, classes): sums the masses of a label's tags.
        classes = xp.asarray(np.eye(1 + len(tagset.labels), dtype=np.float32)[tagset.label_of + 1])
        boundaries = np.cumsum([len(rows) for rows in scores])[:-1].tolist()
        self.updates += 1
        loss, d_flat, d_z = self._of_tokens(ops, flat_vectors, flat_scores, boundaries, targets, classes)
        return loss, xp.split(d_flat, boundaries), xp.split(d_z, boundaries)

    def _of_tokens(
        self, ops: Any, flat: Any, z: Any, cuts: List[int], targets: Targets, classes: Any
    ) -> Tuple[float, Any, Any]:
        """RETURNS (Tuple[float, Any, Any]): The loss, and its gradients on the vectors and scores of the tokens of
        concatenated sentences, with boundaries at `cuts`.
        """
        xp = ops.xp
        teacher, weights = _teacher(ops, targets, z.shape[1])
        features, _ = unit(xp, flat)
        centres = self.sides[0].update(xp, features, (teacher * weights[:, None]) @ classes)
        loss, d_z = 0.0, xp.zeros_like(z)
        if self.updates > self.warmup:
            nearness = softmax(xp, features @ centres.T / self.temperature) @ classes.T
            refined = teacher * nearness
            refined /= refined.sum(axis=1, keepdims=True) + EPSILON
            probs = softmax(xp, z)
            d_z = self.weight * (probs - refined) * weights[:, None]
            loss = -self.weight * float((weights[:, None] * refined * xp.log(probs + EPSILON)).sum())
        return loss, xp.zeros_like(flat), d_z


@dataclass(eq=False)
class PrototypeTeacher(PrototypeStudent):
    """Contrastive alignment of source and target prototypes, `xner.PrototypeTeacher.v1`, for a model trained on
    labelled source text.

    The batch contains labelled source sentences and unlabelled target sentences (all entity values missing), whose
    pseudo-labels are the model's own distributions. For every class the batch mean of one language is pulled towards
    the other language's prototype of that class and pushed away from those of the other classes (InfoNCE over classes).

    weight, temperature, momentum, warmup: See `xner.PrototypeStudent.v1`.
    """

    weight: float = 0.1

    def _of_tokens(
        self, ops: Any, flat: Any, z: Any, cuts: List[int], targets: Targets, classes: Any
    ) -> Tuple[float, Any, Any]:
        xp = ops.xp
        features, lengths = unit(xp, flat)
        labelled = [np.full(len(row), row.any()) for row in np.split(targets.hard_weights, cuts)]
        source = xp.asarray(np.concatenate(labelled).astype(np.float32))[:, None]
        gold, _ = _teacher(ops, targets, z.shape[1])
        masses = ((gold @ classes) * source, (softmax(xp, z) @ classes) * (1 - source))
        centres = [side.update(xp, features, mass) for side, mass in zip(self.sides, masses, strict=True)]
        total, d_features = 0.0, xp.zeros_like(flat)
        if self.updates > self.warmup:
            for mass, opposite_centres in zip(masses, reversed(centres), strict=True):
                loss, gradient = _contrast(xp, features, mass, opposite_centres, self.temperature)
                total += self.weight * loss
                d_features += self.weight * gradient
        # Backpropagate through the normalisation, which removes the component parallel to the vector.
        parallel_part = (d_features * features).sum(axis=1, keepdims=True)
        return total, (d_features - parallel_part * features) / lengths, xp.zeros_like(z)


def _contrast(xp: Any, features: Any, mass: Any, centres: Any, temperature: float) -> Any:
    """RETURNS (Tuple): InfoNCE of one side's batch means against the other's prototypes, and the features' gradient."""
    total = mass.sum(axis=0)
    present = (total > 0.5) & (xp.abs(centres).sum(axis=1) > 0)
    if not present.any():
        return 0.0, xp.zeros_like(features)
    mean = (mass.T @ features) / (total[:, None] + EPSILON)
    logits = mean @ centres.T / temperature
    # Nothing is pushed away from a class without a prototype.
    logits = xp.where((xp.abs(centres).sum(axis=1) > 0)[None, :], logits, -1e9)
    probs = softmax(xp, logits)
    present_weights = present.astype(features.dtype)
    loss = -(present_weights * xp.log(xp.diagonal(probs) + EPSILON)).sum()
    d_logits = (probs - xp.eye(len(probs), dtype=features.dtype)) * present_weights[:, None]
    d_mean = d_logits @ centres / temperature
    return float(loss), (mass / (total + EPSILON)) @ d_mean


def _teacher(ops: Any, targets: Targets, width: int) -> Tuple[Any, Any]:
    """RETURNS (Tuple): The distributions to learn from, or the labels of tokens without them; and their weights."""
    hard = one_hot(targets.hard, width)
    probs, weights = hard, targets.hard_weights
    if targets.soft is not None:
        has_soft = targets.soft_weights > 0
        probs = np.where(has_soft[:, None], targets.soft, hard)
        weights = np.where(has_soft, targets.soft_weights, targets.hard_weights)
    return ops.asarray2f(probs), ops.asarray1f(weights)
