"""Losses on token vectors by class prototypes, after ProKD."""

from typing import Any, List, Protocol, Tuple, runtime_checkable

from thinc.types import Floats2d

from .tags import TagSet
from .targets import Targets


@runtime_checkable
class FeatureLoss(Protocol):
    """A further loss of the student, on its token vectors and scores."""

    def __call__(
        self,
        ops: Any,
        vectors: List[Floats2d],
        scores: List[Floats2d],
        targets: Targets,
        tagset: TagSet,
    ) -> Tuple[float, List[Floats2d], List[Floats2d]]: ...
