"""Class prototypes: contrastive alignment for a teacher, prototypical self-training for a student,
after ProKD (Ge et al. 2023).

Only ProKD's abstract and introduction are confirmed (see docs/students.md): that class prototypes
of source and target are aligned by a contrastive loss on the teacher's side, and that the student's
pseudo-labels are shaped by the distances to prototypes. The equations here are a reconstruction,
and no figure of theirs is to be expected of it. Where the paper is silent the mechanics are those
of ContProto (Zhou et al. 2023), whose code is public: vectors and prototypes of unit length, moving
    averages with momentum .99, similarities as logits.

Prototypes belong to entity labels and O, not to tags: whether a token begins or continues a name is
not what languages differ in.
"""

from typing import Any, List, Protocol, Tuple, runtime_checkable

import numpy as np
from thinc.types import Floats2d

from ..student.losses import EPSILON, softmax
from ..student.tag_scheme import TagSet
from ..student.targets import Targets, one_hot


@runtime_checkable
class FeatureLoss(Protocol):
    """A further loss of the student, on its token vectors and scores.

    It returns the loss and its gradients on the vectors and on the scores of each Doc.
    """

    def __call__(
        self,
        ops: Any,
        vectors: List[Floats2d],
        scores: List[Floats2d],
        targets: Targets,
        tagset: TagSet,
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]: ...


class Prototypes:
    """Moving averages of unit vectors, one a class (O, then the labels).

    momentum (float): Share of the old prototype at an update, in [0, 1).
    """

    def __init__(self, momentum: float) -> None:
        self.momentum = momentum
        self.vectors: Any = None
        self.seen: Any = None

    def update(self, xp: Any, features: Any, mass: Any) -> Any:
        """Move each class towards the mean of the tokens that have mass on it.

        features (Floats2d): (n, width) unit vectors. mass (Floats2d): (n, classes) weights.
        RETURNS (Floats2d): (classes, width) prototypes of unit length; zeros for a class never
            seen.
        """
        if self.vectors is None or self.vectors.shape != (mass.shape[1], features.shape[1]):
            self.vectors = xp.zeros((mass.shape[1], features.shape[1]), dtype=features.dtype)
            self.seen = xp.zeros(mass.shape[1], dtype=bool)
        total = mass.sum(axis=0)
        mean = (mass.T @ features) / (total[:, None] + EPSILON)
        present = total > 0.5
        old = xp.where(self.seen[:, None], self.vectors, mean)
        moved = self.momentum * old + (1 - self.momentum) * mean
        self.vectors = xp.where(present[:, None], unit(xp, moved)[0], self.vectors)
        self.seen = self.seen | present
        return self.vectors


def unit(xp: Any, vectors: Any) -> Tuple[Any, Any]:
    """RETURNS (Tuple[Floats2d, Floats2d]): Rows of length one, and the (n, 1) lengths that they
    had.
    """
    norm = xp.sqrt((vectors * vectors).sum(axis=1, keepdims=True)) + EPSILON
    return vectors / norm, norm


def class_matrix(xp: Any, tagset: TagSet) -> Any:
    """RETURNS (Floats2d): (tags, classes) that adds the mass of a label's tags up."""
    matrix = np.zeros((len(tagset), 1 + len(tagset.labels)), dtype=np.float32)
    matrix[np.arange(len(tagset)), tagset.label_of + 1] = 1.0
    return xp.asarray(matrix)


def make_prototype_student(
    weight: float = 1.0, temperature: float = 0.1, momentum: float = 0.99, warmup: int = 200
) -> FeatureLoss:
    """Prototypical self-training, `xner.PrototypeStudent.v1`: cross-entropy to the teacher's
    distribution, refined by the prototypes.

    The refined target of a token is its distribution times softmax(similarity to the prototypes /
    temperature), class by class, normalised (METHODS section 3; as in ProDA). The prototypes are
    moving averages of the student's vectors under the teacher's distributions.

    weight (float): Of this loss beside the distillation loss. temperature (float): Of the
        similarities (cosines).
    momentum (float): Of the prototypes. warmup (int): Updates that only collect prototypes.
    """
    prototypes = Prototypes(momentum)
    updates = 0

    def prototype_student(
        ops: Any,
        vectors: List[Floats2d],
        scores: List[Floats2d],
        targets: Targets,
        tagset: TagSet,
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]:
        nonlocal updates
        xp = ops.xp
        flat, z = xp.concatenate(vectors), xp.concatenate(scores)
        teacher, weights = _teacher(ops, targets, z.shape[1])
        features, _ = unit(xp, flat)
        classes = class_matrix(xp, tagset)
        centres = prototypes.update(xp, features, (teacher * weights[:, None]) @ classes)
        updates += 1
        loss, d_scores = 0.0, xp.zeros_like(z)
        if updates > warmup:
            nearness = softmax(xp, features @ centres.T / temperature) @ classes.T
            refined = teacher * nearness
            refined /= refined.sum(axis=1, keepdims=True) + EPSILON
            probs = softmax(xp, z)
            d_scores = weight * (probs - refined) * weights[:, None]
            loss = -weight * float((weights[:, None] * refined * xp.log(probs + EPSILON)).sum())
        return loss, [xp.zeros_like(v) for v in vectors], _split(d_scores, scores)

    return prototype_student


def make_prototype_teacher(
    weight: float = 0.1, temperature: float = 0.1, momentum: float = 0.99, warmup: int = 200
) -> FeatureLoss:
    """Contrastive alignment of source and target prototypes, `xner.PrototypeTeacher.v1`, for a
    model trained on labelled source text.

    The batch holds labelled source sentences and unlabelled target ones (all entity values
    missing), whose pseudo-labels are the model's own distributions. For every class the batch mean
    of one language is drawn to the other language's prototype of that class and pushed from those
    of the other classes (InfoNCE over classes).

    weight, temperature, momentum, warmup: As of `xner.PrototypeStudent.v1`.
    """
    sides = (Prototypes(momentum), Prototypes(momentum))
    updates = 0

    def prototype_teacher(
        ops: Any,
        vectors: List[Floats2d],
        scores: List[Floats2d],
        targets: Targets,
        tagset: TagSet,
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]:
        nonlocal updates
        xp = ops.xp
        flat, z = xp.concatenate(vectors), xp.concatenate(scores)
        features, norm = unit(xp, flat)
        classes = class_matrix(xp, tagset)
        labelled = np.concatenate([np.full(n, bool(known)) for n, known in _labelled(targets, scores)])
        source = xp.asarray(labelled.astype(np.float32))[:, None]
        gold, _ = _teacher(ops, targets, z.shape[1])
        masses = ((gold @ classes) * source, (softmax(xp, z) @ classes) * (1 - source))
        centres = [p.update(xp, features, m) for p, m in zip(sides, masses, strict=True)]
        updates += 1
        total, d_features = 0.0, xp.zeros_like(flat)
        if updates > warmup:
            for mass, other in zip(masses, reversed(centres), strict=True):
                loss, gradient = _contrast(xp, features, mass, other, temperature)
                total += weight * loss
                d_features += weight * gradient
        # Through the normalisation: the part along the vector is lost.
        along = (d_features * features).sum(axis=1, keepdims=True)
        d_flat = (d_features - along * features) / norm
        return total, _split(d_flat, vectors), [xp.zeros_like(s) for s in scores]

    return prototype_teacher


def _contrast(xp: Any, features: Any, mass: Any, centres: Any, temperature: float) -> Any:
    """InfoNCE of the batch means of one side against the other side's prototypes, and its gradient
    on the features.
    """
    total = mass.sum(axis=0)
    present = (total > 0.5) & (xp.abs(centres).sum(axis=1) > 0)
    if not present.any():
        return 0.0, xp.zeros_like(features)
    mean = (mass.T @ features) / (total[:, None] + EPSILON)
    logits = mean @ centres.T / temperature
    # A class without a prototype is nothing to be pushed from.
    logits = xp.where((xp.abs(centres).sum(axis=1) > 0)[None, :], logits, -1e9)
    probs = softmax(xp, logits)
    which = present.astype(features.dtype)
    loss = -(which * xp.log(xp.diagonal(probs) + EPSILON)).sum()
    d_logits = (probs - xp.eye(len(probs), dtype=features.dtype)) * which[:, None]
    d_mean = d_logits @ centres / temperature
    return float(loss), (mass / (total + EPSILON)) @ d_mean


def _teacher(ops: Any, targets: Targets, width: int) -> Tuple[Any, Any]:
    """The distributions to learn from, the labels where there are none, and their weights."""
    hard = one_hot(targets.hard, width)
    probs, weights = hard, targets.hard_weights
    if targets.soft is not None:
        has = targets.soft_weights > 0
        probs = np.where(has[:, None], targets.soft, hard)
        weights = np.where(has, targets.soft_weights, targets.hard_weights)
    return ops.asarray2f(probs), ops.asarray1f(weights)


def _labelled(targets: Targets, scores: List[Floats2d]) -> List[Tuple[int, bool]]:
    found, at = [], 0
    for rows in scores:
        found.append((len(rows), bool(targets.hard_weights[at : at + len(rows)].any())))
        at += len(rows)
    return found


def _split(array: Any, like: List[Floats2d]) -> List[Any]:
    parts, at = [], 0
    for rows in like:
        parts.append(array[at : at + len(rows)])
        at += len(rows)
    return parts
