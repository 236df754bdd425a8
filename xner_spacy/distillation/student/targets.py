"""What a student is to learn from a batch of examples: a target distribution and a weight for every token."""

from dataclasses import dataclass, field
from typing import NamedTuple, Optional, Sequence

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, ORTH  # type: ignore[import-not-found]
from spacy.tokens import Doc
from spacy.training import Example

from ...docdata import SPANS_KEY, span_scores
from ...errors import XnerError
from ...types import FloatArray, TokenLabels
from ..soft.soft_labels import free_blank, get_soft, iob2_to_scheme, normalise, to_labels
from .tag_scheme import MISSING, Ids, TagSet, blank_tokens


class Targets(NamedTuple):
    """Targets of a batch, sentences laid end to end.

    hard (Ids): (n,) tag indices, `MISSING` where nothing is known.
    hard_weights (FloatArray): (n,) weights of the hard tags, 0 where missing.
    soft (Optional[FloatArray]): (n, tags) distributions, or None if no Doc of the batch has any.
    soft_weights (FloatArray): (n,) weights of the distributions, 0 where there is none.
    """

    hard: Ids
    hard_weights: FloatArray
    soft: Optional[FloatArray]
    soft_weights: FloatArray


@dataclass(eq=False)
class TargetReader:
    """Reads targets off examples.

    tagset (TagSet): The student's tags.
    use_hard, use_soft (bool): Which kinds to read.
    confidence (float): Power of the confidence that weights a token: of soft labels the largest probability, of
        projected entities (`doc.spans["xner"]`) their score. 0 weights all tokens alike.
    """

    tagset: TagSet
    use_hard: bool = True
    use_soft: bool = True
    confidence: float = 0.0
    # Entities whose edges were whitespace, which no entity is to learn; they were trimmed.
    trimmed: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.iob2 = TagSet(self.tagset.labels, "iob2")

    def __call__(self, examples: Sequence[Example]) -> Targets:
        """RETURNS (Targets): The batch's targets. RAISES: XnerError for a label that the student does not have."""
        rows = [self._one(eg) for eg in examples]
        soft = None
        if any(row.soft is not None for row in rows):
            shapes = [(len(row.hard), len(self.tagset)) for row in rows]
            soft = np.concatenate(
                [
                    np.zeros(shape, "f") if row.soft is None else row.soft
                    for row, shape in zip(rows, shapes, strict=True)
                ]
            )
        hard, hard_weights, _, soft_weights = zip(*rows, strict=True)
        return Targets(np.concatenate(hard), np.concatenate(hard_weights), soft, np.concatenate(soft_weights))

    def _one(self, eg: Example) -> Targets:
        predicted, reference = eg.predicted, eg.reference
        n = len(predicted)
        same = n == len(reference) and np.array_equal(predicted.to_array(ORTH), reference.to_array(ORTH))
        hard = np.full(n, MISSING, dtype=np.int64)
        hard_weights = np.zeros(n, dtype=np.float32)
        words = [token.text for token in predicted]
        if self.use_hard and n:
            hard = self._read_hard(reference) if same else self._read_aligned(eg)
            hard, trimmed = self.tagset.trim(hard, words)
            self.trimmed += trimmed
            hard_weights = (hard != MISSING).astype(np.float32)
            if self.confidence and same and SPANS_KEY in reference.spans:
                for span, score in zip(reference.spans[SPANS_KEY], span_scores(reference), strict=True):
                    hard_weights[span.start : span.end] *= min(max(score, 0.0), 1.0) ** self.confidence
        soft, soft_weights = None, np.zeros(n, dtype=np.float32)
        labels = get_soft(reference) if self.use_soft and n else None
        if labels is not None:
            probs = to_labels(labels, self.iob2.tags)
            if not same:
                probs = realign(probs, eg)
            probs = free_blank(TokenLabels(self.iob2.tags, probs), blank_tokens(words)).probs
            soft_weights = (probs.sum(axis=1) > 0).astype(np.float32)
            if self.confidence:
                soft_weights *= probs.max(axis=1) ** self.confidence
            soft = iob2_to_scheme(probs, self.tagset)
        return Targets(hard, hard_weights, soft, soft_weights)

    def _read_hard(self, doc: Doc) -> Ids:
        iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).T
        labels = np.full(len(doc), -1, dtype=np.int64)
        for key in np.unique(types[types > 0]):
            name = doc.vocab.strings[key]
            if name not in self.tagset.labels:
                raise unknown_label(name, self.tagset.labels)
            labels[types == key] = self.tagset.labels.index(name)
        return self.tagset.from_iob(iob.astype(np.int64), labels)

    def _read_aligned(self, eg: Example) -> Ids:
        tags = [tag if tag != "-" else None for tag in eg.get_aligned_ner()]
        if self.tagset.scheme == "iob2":
            tags = [tag and tag.replace("U-", "B-").replace("L-", "I-") for tag in tags]
        ids = np.full(len(tags), MISSING, dtype=np.int64)
        for k, tag in enumerate(tags):
            if tag is not None:
                if tag not in self.tagset.index:
                    raise unknown_label(tag[2:], self.tagset.labels)
                ids[k] = self.tagset.index[tag]
        return ids


def unknown_label(name: str, labels: Sequence[str]) -> XnerError:
    """RETURNS (XnerError): The error for a label that the student does not have."""
    return XnerError(
        f"The training data has the label {name!r}; the student has {', '.join(labels) or 'none'}.",
        "Call add_label before training, or initialise the student on all of the data.",
    )


def realign(probs: FloatArray, eg: Example) -> FloatArray:
    """RETURNS (FloatArray): (predicted tokens, IOB2 tags) from (reference tokens, IOB2 tags) of another tokenisation. A
    token that covers several takes their mean; of the parts of one token all but the first hold its "begin" mass as
    "inside".
    """
    parts = eg.alignment.x2y
    rows, before = np.zeros((len(parts.lengths), probs.shape[1]), dtype=np.float32), -1
    for row, covered in zip(rows, np.split(parts.data, np.cumsum(parts.lengths)[:-1]), strict=True):
        if len(covered):
            row[:] = probs[covered].mean(axis=0)
            if covered[0] == before:
                row[2::2] += row[1::2]
                row[1::2] = 0
            before = int(covered[-1])
    return normalise(rows)


def one_hot(ids: Ids, width: int) -> FloatArray:
    """RETURNS (FloatArray): (n, width), all mass on one tag; zeros where missing."""
    return (ids[:, None] == np.arange(width)).astype(np.float32)
