"""Several source models as one annotator, `xner.Ensemble.v1`: the mean of their distributions.

Models that differ only in their seed make different mistakes, so their mean is a better teacher than any of them, and
better calibrated.
"""

import math
from dataclasses import dataclass, field
from typing import Iterator, List, Optional, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.pipelines import load_pipeline
from ..corpora.watching import existing
from ..distillation.soft.soft_labels import get_soft
from ..distillation.teachers.mixtures import entities_of, mix
from ..errors import require
from ..streams import paired
from ..types import Entity
from .annotators import Annotation


@dataclass(eq=False)
class Ensemble:
    """`xner.Ensemble.v1`: labels sentences with the mean of several pipelines.

    models (List[str]): Pipelines with an `xner_student` that has `store_soft = true`: installed packages or folders.
        They are loaded at first use and not saved with the teacher.
    weights (Optional[List[float]]): One per model; None for equal weights.
    bias (float): Subtracted from the log-probabilities of O to find the entities. Models find fewer names in text that is
        unlike their own: above 0 they find more. The distributions stay as they are.
    batch_size (int): Sentences per batch.
    """

    models: List[str]
    weights: Optional[List[float]] = None
    bias: float = 0.0
    batch_size: int = 256
    _pipelines: List[Language] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        require(self.models, "An ensemble of no models.", "Name at least one pipeline.")
        if self.weights is not None:
            same_length = len(self.weights) == len(self.models)
            require(same_length, f"{len(self.weights)} weights for {len(self.models)} models.", "Give one per model.")
            valid = min(self.weights) >= 0 and 0 < sum(self.weights) < math.inf
            require(valid, f"The weights of an ensemble are {self.weights}.", "Give numbers from 0 on.")
        require(math.isfinite(self.bias), f"The bias of an ensemble is {self.bias}.", "Give a number.")

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The files that its annotations depend on, besides the pipeline that it is saved in."""
        return existing(self.models)

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        """Label tokenised sentences. YIELDS (Annotation): Entities and distributions of each."""
        if not self._pipelines:
            self._pipelines.extend(map(load_pipeline, self.models))
        weights = self.weights or [1.0 / len(self.models)] * len(self.models)
        streams = []
        for name, nlp in zip(self.models, self._pipelines, strict=True):
            docs = nlp.pipe([Doc(nlp.vocab, words=list(words)) for words in sentences], batch_size=self.batch_size)
            streams.append(paired(sentences, docs, f"The model {name} of an ensemble"))
        for row in zip(*streams, strict=True):
            doc = row[0][1]
            soft = mix([get_soft(model_doc) for _, model_doc in row], weights)
            if soft is None:
                require(
                    not len(doc),
                    "The models of an ensemble give no distributions.",
                    "Train them as xner_student with store_soft = true.",
                )
                yield Annotation([])
                continue
            masses = 1.0 - soft.probs[:, 0]
            entities = [
                Entity(e.start, e.end, e.label_, float(masses[e.start : e.end].min()))
                for e in entities_of(soft, doc, self.bias)
            ]
            yield Annotation(entities, soft)
