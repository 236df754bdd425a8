"""Give the names of a corpus the types that a part such as `xner.NameTypes.v1` found, in the text and in its readings."""

from collections import Counter, deque
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
from spacy.tokens import Doc, Span
from spacy.util import minibatch

from ...corpora.pipelines import load_pipeline
from ...errors import XnerError
from ...types import PathLike, TokenLabels, TypedName
from ..student.tag_scheme import TagSet
from .soft_labels import entity_labels, get_soft, label_masses, set_soft, to_labels

RARE = 1e-6  # share of a type in a name from which on it is told apart from none
LEAST = 1e-20  # share of a token's probability that new types must leave
BATCH = 256  # Docs that are projected together
# The words of a sentence, and its distributions, if it has any.
Labelled = Tuple[List[str], Optional[TokenLabels]]


def retyped(soft: TokenLabels, names: Sequence[TypedName]) -> TokenLabels:
    """Give the names of a sentence other types.

    soft (TokenLabels): Its distributions. names (Sequence[TypedName]): Names that do not overlap.
    RETURNS (TokenLabels): The new distributions. Each token is as likely to be in a name as before.
    """
    if not names:
        return soft
    labels = list(names[0].labels)
    tags = TagSet(labels, "iob2").tags
    probs = to_labels(soft, tags).astype(np.float64)
    for name in names:
        rows = probs[name.start : name.end]
        masses = rows[:, 1::2] + rows[:, 2::2]
        shares = masses.mean(axis=0) / max(masses.sum() / len(rows), RARE)
        factors = name.probs / np.maximum(shares, RARE)
        old_totals = masses.sum(axis=1, keepdims=True)
        new_totals = (masses * factors).sum(axis=1, keepdims=True)
        # A token without any probability for the new types keeps those that it has.
        can_change = new_totals > LEAST * old_totals
        factors = np.where(can_change, factors * old_totals / np.where(can_change, new_totals, 1.0), 1.0)
        rows[:, 1::2] *= factors
        rows[:, 2::2] *= factors
    return TokenLabels(tags, probs.astype(np.float32))


def retype_docs(docs: Iterable[Doc], typed: Iterable[Sequence[TypedName]], counts: Counter) -> Iterator[Doc]:
    """Give the names of a corpus other types: in the distributions, and in `doc.ents`, whose borders stay.

    docs (Iterable[Doc]): Docs with distributions. typed (Iterable[Sequence[TypedName]]): The names of each.
    counts (Counter): "names" and "changed" (those with another likeliest type than before) are added to it.
    YIELDS (Doc): The Docs, changed in place. RAISES: XnerError for distributions that do not fit their Doc.
    """
    for doc, names in zip(docs, typed, strict=True):
        soft = get_soft(doc)
        if soft is not None and names:
            new_soft = retyped(soft, names)
            set_soft(doc, new_soft)
            doc.set_ents([_retyped_entity(entity, new_soft, names) for entity in doc.ents], default="unmodified")
            counts["names"] += len(names)
            counts["changed"] += sum(_main_label(soft, name) != _main_label(new_soft, name) for name in names)
        yield doc


def _main_label(soft: TokenLabels, span: Union[Span, TypedName]) -> str:
    """RETURNS (str): The likeliest label of a span; empty if none has any probability."""
    labels = entity_labels(soft.labels)
    masses = label_masses(to_labels(soft, TagSet(labels, "iob2").tags)[span.start : span.end]).sum(axis=0)
    return labels[int(masses.argmax())] if masses.any() else ""


def _retyped_entity(entity: Span, soft: TokenLabels, names: Sequence[TypedName]) -> Span:
    """RETURNS (Span): The entity with its likeliest label, if it overlaps a typed name."""
    is_typed = any(name.start < entity.end and entity.start < name.end for name in names)
    label = _main_label(soft, entity) if is_typed else ""
    return Span(entity.doc, entity.start, entity.end, label or entity.label_, kb_id=entity.kb_id, span_id=entity.id)


def words_and_labels(docs: Iterable[Doc]) -> Iterator[Labelled]:
    """YIELDS (Labelled): The words and the distributions of each Doc."""
    for doc in docs:
        yield [token.text for token in doc], get_soft(doc)


def readings_and_labels(docs: Iterable[Doc]) -> Iterator[Labelled]:
    """YIELDS (Labelled): The words and the distributions of each Doc's reading in the source language; no words if it
    has none.
    """
    for doc in docs:
        reading = doc._.xner_source
        yield ([], None) if reading is None else ([token.text for token in reading], get_soft(reading))


def projector_of(teacher: PathLike) -> Any:
    """RETURNS (Any): The `xner_projector` of the teacher that labelled a corpus. RAISES: XnerError if it has none."""
    nlp = load_pipeline(teacher)
    for name, pipe in nlp.pipeline:
        if nlp.get_pipe_meta(name).factory == "xner_projector":
            return pipe
    hint = "Give the pipeline that `xner annotate` labelled the corpus with."
    raise XnerError(f"The pipeline {str(teacher)!r} has no xner_projector.", hint)


def retype_readings(
    docs: Iterable[Doc],
    typed: Iterable[Sequence[TypedName]],
    project: Callable[[Iterable[Doc]], Iterable[Doc]],
    counts: Counter,
) -> Iterator[Doc]:
    """Give the names of the readings other types, and project the labels of the readings again. What stands around a name
    in the source language says more of its type than the target text alone.

    docs (Iterable[Doc]): Docs with readings and links. typed (Iterable[Sequence[TypedName]]): The names of each reading.
    project (Callable[[Iterable[Doc]], Iterable[Doc]]): Projects; the `pipe` of the teacher's `xner_projector`.
        It changes Docs in place.
    counts (Counter): "names" and "changed" are added to it.
    YIELDS (Doc): The Docs, changed in place. Those without a reading or links stay as they are.
    """
    for batch in minibatch(zip(docs, typed, strict=True), BATCH):
        linked = [
            (doc, names) for doc, names in batch if doc._.xner_source is not None and doc._.xner_alignment is not None
        ]
        for doc, names in linked:
            deque(retype_docs([doc._.xner_source], [names], counts), maxlen=0)
            set_soft(doc, None)  # what was projected before is no evidence
        deque(project([doc for doc, _ in linked]), maxlen=0)
        yield from (doc for doc, _ in batch)
