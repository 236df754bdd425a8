"""What a student learns from a batch of examples: a target distribution and a weight for every token."""

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
    """Targets of a batch of concatenated sentences.

    hard (Ids): (n,) tag indices, `MISSING` for missing values.
    hard_weights (FloatArray): (n,) weights of the hard tags, 0 for missing values.
    soft (Optional[FloatArray]): (n, tags) distributions, or None if no Doc of the batch has any.
    soft_weights (FloatArray): (n,) weights of the distributions, 0 for missing ones.
    """

    hard: Ids
    hard_weights: FloatArray
    soft: Optional[FloatArray]
    soft_weights: FloatArray


@dataclass(eq=False)
class TargetReader:
    """Reads targets from examples.

    tagset (TagSet): The student's tags.
    use_hard, use_soft (bool): Which kinds to read. Where distributions alone are read, a Doc that has none is read for
        its labels: somebody corrected or labelled it by hand.
    confidence (float): Tokens are weighted by this power of their confidence, which is the largest probability of soft
        labels, and the score of projected entities (`doc.spans["xner"]`). 0 gives all tokens the same weight.
    """

    tagset: TagSet
    use_hard: bool = True
    use_soft: bool = True
    confidence: float = 0.0
    # How many entities were trimmed because they began or ended with whitespace, which a student must not learn.
    trimmed: int = field(init=False, default=0)
    # How many Docs were read for their labels, though labels are not to be read, because they have no distributions.
    labels_alone: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.iob2 = TagSet(self.tagset.labels, "iob2")

    def __call__(self, examples: Sequence[Example]) -> Targets:
        """RETURNS (Targets): The batch's targets. RAISES: XnerError for a label that the student does not have."""
        rows = [self._read(example) for example in examples]
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

    def _read(self, example: Example) -> Targets:
        predicted, reference = example.predicted, example.reference
        n_tokens = len(predicted)
        same_tokens = n_tokens == len(reference) and np.array_equal(predicted.to_array(ORTH), reference.to_array(ORTH))
        hard = np.full(n_tokens, MISSING, dtype=np.int64)
        hard_weights = np.zeros(n_tokens, dtype=np.float32)
        words = [token.text for token in predicted]
        soft_labels = get_soft(reference) if self.use_soft and n_tokens else None
        is_alone = self.use_soft and not self.use_hard and soft_labels is None
        if (self.use_hard or is_alone) and n_tokens:
            hard = self._read_hard(reference) if same_tokens else self._read_aligned(example)
            hard, trimmed = self.tagset.trim(hard, words)
            self.trimmed += trimmed
            hard_weights = (hard != MISSING).astype(np.float32)
            if self.confidence and same_tokens and SPANS_KEY in reference.spans:
                for span, score in zip(reference.spans[SPANS_KEY], span_scores(reference), strict=True):
                    hard_weights[span.start : span.end] *= min(max(score, 0.0), 1.0) ** self.confidence
            self.labels_alone += is_alone and bool(hard_weights.any())
        soft, soft_weights = None, np.zeros(n_tokens, dtype=np.float32)
        if soft_labels is not None:
            probs = to_labels(soft_labels, self.iob2.tags)
            if not same_tokens:
                probs = realign(probs, example)
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

    def _read_aligned(self, example: Example) -> Ids:
        tags = [tag if tag != "-" else None for tag in example.get_aligned_ner()]
        if self.tagset.scheme == "iob2":
            tags = [tag and tag.replace("U-", "B-").replace("L-", "I-") for tag in tags]
        ids = np.full(len(tags), MISSING, dtype=np.int64)
        for position, tag in enumerate(tags):
            if tag is not None:
                if tag not in self.tagset.index:
                    raise unknown_label(tag[2:], self.tagset.labels)
                ids[position] = self.tagset.index[tag]
        return ids


def unknown_label(name: str, labels: Sequence[str]) -> XnerError:
    """RETURNS (XnerError): The error for a label that the student does not have."""
    return XnerError(
        f"The training data has the label {name!r}; the student has {', '.join(labels) or 'none'}.",
        "Call add_label before training, or initialise the student on all of the data.",
    )


def realign(probs: FloatArray, example: Example) -> FloatArray:
    """RETURNS (FloatArray): (predicted tokens, IOB2 tags) from (reference tokens, IOB2 tags) of another tokenisation. A
    token that covers several reference tokens gets their mean. If several tokens are parts of one reference token, all
    but the first get its "begin" mass as "inside".
    """
    alignment = example.alignment.x2y
    realigned, previous_reference = np.zeros((len(alignment.lengths), probs.shape[1]), dtype=np.float32), -1
    references = np.split(alignment.data, np.cumsum(alignment.lengths)[:-1])
    for token_probs, covered in zip(realigned, references, strict=True):
        if len(covered):
            token_probs[:] = probs[covered].mean(axis=0)
            if covered[0] == previous_reference:
                token_probs[2::2] += token_probs[1::2]
                token_probs[1::2] = 0
            previous_reference = int(covered[-1])
    return normalise(realigned)


def one_hot(ids: Ids, width: int) -> FloatArray:
    """RETURNS (FloatArray): (n, width), all mass on one tag; zeros where missing."""
    return (ids[:, None] == np.arange(width)).astype(np.float32)
