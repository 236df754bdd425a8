"""What a registered annotator is: it labels tokenised sentences and says how sure it is of each token. And how a tagger
becomes one: from its scheme (IOB1, IOB2, BILOU, IOBES) and its distributions to entities and IOB2.
"""

from typing import Iterator, List, NamedTuple, Optional, Protocol, Sequence, runtime_checkable

import numpy as np
from spacy.training import iob_to_biluo, tags_to_entities

from ..errors import require
from ..types import Entity, FloatArray, TokenLabels


class Annotation(NamedTuple):
    """What an annotator finds in a sentence."""

    entities: List[Entity]  # by the annotator's own labels, with scores
    labels: Optional[TokenLabels] = None  # distributions over IOB2 tags per token, where the annotator has them


@runtime_checkable
class Annotator(Protocol):
    """Labels tokenised sentences, one `Annotation` per sentence, in order."""

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]: ...


class TagScheme:
    """The tags of a model, and the IOB2 tags that they become.

    tags (Sequence[str]): The model's tags, such as "B-PER", in the order of its outputs.
    RAISES: XnerError for tags of no scheme.
    """

    def __init__(self, tags: Sequence[str], model: str = "the model") -> None:
        parts = [tag.partition("-") for tag in tags if tag != "O"]
        known = all(prefix in {*"BUSILE"} and name for prefix, _, name in parts) and "O" in tags
        require(
            known,
            f"The tags of {model} are of no scheme that is known: {', '.join(tags)}.",
            "It must tag tokens with O, B-LABEL and I-LABEL (or BILOU, IOBES).",
        )
        self.names = sorted({name for _, _, name in parts})
        self.labels = ("O", *(f"{p}-{name}" for name in self.names for p in "BI"))
        # A column of ours for each of the model's.
        self._columns = np.zeros((len(tags), len(self.labels)), dtype=np.float32)
        for k, tag in enumerate(tags):
            ours = tag if tag == "O" else f"{'B' if tag[0] in 'BUS' else 'I'}{tag[1:]}"
            self._columns[k, self.labels.index(ours)] = 1.0

    def annotate(self, probs: FloatArray) -> Annotation:
        """Read entities off distributions: the best tag per word, a run of one label is an entity, a B- begins a new
        one.

        Where an entity begins, mass on its I- tag is moved to B-: models trained on IOB1 mean the same by it.

        probs (FloatArray): (words, tags of the model). RETURNS (Annotation): Entities, their scores the mean
            probability of their label, and IOB2 distributions.
        """
        iob2 = probs @ self._columns
        begin, inside = iob2[:, 1::2], iob2[:, 2::2]
        masses = (begin + inside).astype(np.float64)
        tags = [self.labels[k] for k in iob2.argmax(axis=1).tolist()]
        entities = []
        # Every I- that cannot go on an entity begins one.
        goes_on = np.zeros(inside.shape, dtype=bool)
        for k, tag in enumerate(tags[:-1], 1):
            if tag != "O":
                goes_on[k, self.names.index(tag[2:])] = True
        for name, start, last in tags_to_entities(iob_to_biluo(tags)):
            goes_on[start] = False
            mass = masses[start : last + 1, self.names.index(name)].mean()
            entities.append(Entity(start, last + 1, name, float(mass)))
        begin += np.where(goes_on, 0.0, inside)
        inside *= goes_on
        return Annotation(entities, TokenLabels(self.labels, iob2))
