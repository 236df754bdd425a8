"""From a tagger's scheme (IOB1, IOB2, BILOU, IOBES) and its distributions to entities and IOB2."""

from typing import List, Sequence, Tuple

import numpy as np

from ..errors import XnerError
from ..types import Entity, FloatArray, TokenLabels
from .annotators import Annotation

_OPENING = {"B": True, "U": True, "S": True, "I": False, "L": False, "E": False}


class TagScheme:
    """The tags of a model, and the IOB2 tags that they become.

    tags (Sequence[str]): The model's tags, such as "B-PER", in the order of its outputs.
    RAISES: XnerError for tags of no scheme.
    """

    def __init__(self, tags: Sequence[str], model: str = "the model") -> None:
        parts = [self._parse(tag) for tag in tags]
        if any(part is None for part in parts) or "O" not in tags:
            raise XnerError(
                f"The tags of {model} are of no scheme that is known: {', '.join(tags)}.",
                "It must tag tokens with O, B-LABEL and I-LABEL (or BILOU, IOBES).",
            )
        self.names = sorted({part[1] for part in parts if part is not None and part[1]})
        self.labels = ("O", *(f"{p}-{name}" for name in self.names for p in "BI"))
        # A column of ours for each of the model's.
        self._columns = np.zeros((len(tags), len(self.labels)), dtype=np.float32)
        for k, part in enumerate(parts):
            assert part is not None
            opening, name = part
            column = self.labels.index(f"{'B' if opening else 'I'}-{name}") if name else 0
            self._columns[k, column] = 1.0

    @staticmethod
    def _parse(tag: str) -> "Tuple[bool, str] | None":
        if tag == "O":
            return False, ""
        prefix, dash, name = tag.partition("-")
        return (_OPENING[prefix], name) if prefix in _OPENING and dash and name else None

    def annotate(self, probs: FloatArray) -> Annotation:
        """Read entities off distributions: the best tag per word, a run of one label is an entity, a B- begins a new
        one.

        Where an entity begins, mass on its I- tag is moved to B-: models trained on IOB1 mean the same by it.

        probs (FloatArray): (words, tags of the model). RETURNS (Annotation): Entities, their scores the mean
            probability of their label, and IOB2 distributions.
        """
        found = probs @ self._columns
        entities: List[Entity] = []
        masses: List[float] = []
        previous = ""

        def close(end: int) -> None:
            if masses:
                start = end - len(masses)
                entities.append(Entity(start, end, previous, float(np.mean(masses))))
                masses.clear()

        for k, best in enumerate(found.argmax(axis=1).tolist()):
            name = self.labels[best][2:]
            begins = bool(name) and (name != previous or self.labels[best][0] == "B")
            if begins or not name:
                close(k)
            self._move(found[k], previous if not begins else "")
            if name:
                column = self.labels.index(f"B-{name}")
                masses.append(float(found[k, column] + found[k, column + 1]))
            previous = name
        close(len(found))
        return Annotation(entities, TokenLabels(self.labels, found))

    def _move(self, row: FloatArray, going_on: str) -> None:
        """Every I- that cannot go on an entity begins one."""
        for column in range(2, len(self.labels), 2):
            if self.labels[column][2:] != going_on:
                row[column - 1] += row[column]
                row[column] = 0.0
