"""Several source models as one annotator, `xner.Ensemble.v1`: the mean of their distributions.

Models that differ in their seed alone make different mistakes, so their mean is a better teacher
than any of them, and it knows better how sure it is.
"""

import math
from typing import Any, Iterator, List, Optional, Sequence

from spacy.tokens import Doc

from ..corpora.pipelines import load_pipeline
from ..corpora.watching import existing
from ..distillation.soft.soft_labels import get_soft
from ..distillation.teachers.mixtures import entities_of, mix
from ..errors import XnerError
from ..pairing import paired
from ..types import Entity
from .annotators import Annotation, Annotator


def make_ensemble(models: List[str], weights: Optional[List[float]] = None, batch_size: int = 256) -> Annotator:
    """Make the annotator.

    models (List[str]): Pipelines with an `xner_student` that has `store_soft = true`: installed
        packages or folders. They are loaded at first use and not saved with the teacher.
    weights (Optional[List[float]]): One a model; None for equal ones.
    batch_size (int): Sentences a batch.
    RETURNS (Annotator): Tokenised sentences to entities and distributions.
    RAISES: XnerError for no models, or weights that do not fit.
    """
    if not models:
        raise XnerError("An ensemble of no models.", "Name at least one pipeline.")
    if weights is not None and len(weights) != len(models):
        raise XnerError(f"{len(weights)} weights for {len(models)} models.", "Give one a model.")
    if weights is not None and not (min(weights) >= 0 and 0 < sum(weights) < math.inf):
        raise XnerError(f"The weights of an ensemble are {weights}.", "Give numbers from 0 on.")
    used = weights or [1.0 / len(models)] * len(models)
    loaded: List[Any] = []

    def ensemble(sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        if not loaded:
            loaded.extend(load_pipeline(model) for model in models)
        streams = [
            nlp.pipe([Doc(nlp.vocab, words=list(s)) for s in sentences], batch_size=batch_size) for nlp in loaded
        ]
        rows = [
            paired(sentences, stream, f"The model {model} of an ensemble")
            for model, stream in zip(models, streams, strict=True)
        ]
        for row in zip(*rows, strict=True):
            docs = [doc for _, doc in row]
            soft = mix([get_soft(doc) for doc in docs], used)
            if soft is None:
                if len(docs[0]):
                    raise XnerError(
                        "The models of an ensemble give no distributions.",
                        "Train them as xner_student with store_soft = true.",
                    )
                yield Annotation([])
                continue
            masses = 1.0 - soft.probs[:, 0]
            yield Annotation(
                [
                    Entity(e.start, e.end, e.label_, float(masses[e.start : e.end].min()))
                    for e in entities_of(soft, docs[0])
                ],
                soft,
            )

    # What decides its answers, beside the pipeline that it is saved in.
    ensemble.files = existing(models)  # type: ignore[attr-defined]
    return ensemble
