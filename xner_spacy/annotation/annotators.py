"""The protocol of registered annotators, which label tokenised sentences and can give distributions; and the
conversion of a tagger's distributions in any scheme (IOB1, IOB2, BILOU, IOBES) to entities and IOB2 distributions.
"""

from typing import Iterator, List, NamedTuple, Optional, Protocol, Sequence, Tuple, runtime_checkable

import numpy as np
from spacy.training import iob_to_biluo, tags_to_entities

from ..errors import require
from ..types import Entity, FloatArray, TokenLabels


class Annotation(NamedTuple):
    """The result of an annotator for a sentence."""

    entities: List[Entity]  # with the annotator's own labels and scores
    labels: Optional[TokenLabels] = None  # distributions over IOB2 tags per token, if the annotator gives any
    # Names that it found and that are no entities: the tokens that they touch, and a code of `xner_spacy.types.Reason`.
    unplaced: Sequence[Tuple[Entity, str]] = ()
    fault: Optional[str] = None  # why it could not label the sentence at all (see `xner_spacy.docdata`)


@runtime_checkable
class Annotator(Protocol):
    """Labels tokenised sentences, one `Annotation` per sentence, in order."""

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]: ...


@runtime_checkable
class TextAnnotator(Annotator, Protocol):
    """An annotator that also reads how a sentence is written."""

    def annotate_texts(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> Iterator[Annotation]:
        """YIELDS (Annotation): One for each sentence, of which the tokens and the text with its spaces are given."""


class TagScheme:
    """The tags of a model, and the IOB2 tags that they are converted to.

    tags (Sequence[str]): The model's tags, such as "B-PER", in the order of its outputs.
    RAISES: XnerError for tags of an unknown scheme.
    """

    def __init__(self, tags: Sequence[str], model: str = "the model") -> None:
        parts = [tag.partition("-") for tag in tags if tag != "O"]
        is_known = all(prefix in {*"BUSILE"} and name for prefix, _, name in parts) and "O" in tags
        require(
            is_known,
            f"The tags of {model} are of an unknown scheme: {', '.join(tags)}.",
            "It must tag tokens with O, B-LABEL and I-LABEL (or BILOU, IOBES).",
        )
        self.names = sorted({name for _, _, name in parts})
        self.labels = ("O", *(f"{p}-{name}" for name in self.names for p in "BI"))
        # (tags of the model, IOB2 tags): 1 for the IOB2 tag of each of the model's tags.
        self._to_iob2 = np.zeros((len(tags), len(self.labels)), dtype=np.float32)
        for k, tag in enumerate(tags):
            iob2_tag = tag if tag == "O" else f"{'B' if tag[0] in 'BUS' else 'I'}{tag[1:]}"
            self._to_iob2[k, self.labels.index(iob2_tag)] = 1.0

    def annotate(self, probs: FloatArray) -> Annotation:
        """Decode distributions into entities. Each word gets its best tag, and a sequence of one label is an entity. A
        B- tag begins a new one.

        At the beginning of an entity, the mass of its I- tag is moved to B-, because IOB1 uses I- there.

        probs (FloatArray): (words, tags of the model). RETURNS (Annotation): Entities, scored with the mean probability
            of their label, and IOB2 distributions.
        """
        iob2 = probs @ self._to_iob2
        begin, inside = iob2[:, 1::2], iob2[:, 2::2]
        masses = (begin + inside).astype(np.float64)
        tags = [self.labels[k] for k in iob2.argmax(axis=1).tolist()]
        entities = []
        # An I- tag that does not continue an entity begins one.
        continues = np.zeros(inside.shape, dtype=bool)
        for k, tag in enumerate(tags[:-1], 1):
            if tag != "O":
                continues[k, self.names.index(tag[2:])] = True
        for name, start, last in tags_to_entities(iob_to_biluo(tags)):
            continues[start] = False
            mass = masses[start : last + 1, self.names.index(name)].mean()
            entities.append(Entity(start, last + 1, name, float(mass)))
        begin += np.where(continues, 0.0, inside)
        inside *= continues
        return Annotation(entities, TokenLabels(self.labels, iob2))
