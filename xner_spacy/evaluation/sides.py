"""Gold and predictions aligned to the same tokens, with counts of what can't be compared.

Versions of one sentence have the same visible tokens. Whitespace tokens may occur in one version and not in another.
They are kept, so that an entity that begins or ends with one has other boundaries than the entity without it.
"""

import math
from collections import Counter
from functools import partial
from typing import Collection, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..corpora.formats.columns import TaggedSentence
from ..corpora.labelled import iter_tagged, same_sentences
from ..errors import InputError
from ..text import is_blank_token, trim_span
from ..types import Entity, Json, PathLike
from .entities import Sentence


class Sides(NamedTuple):
    """The sides of a comparison: the entities of each sentence, in gold and by each system. `notes` counts
    `whitespace_edges` (`gold`, `predicted`), `missing` (`gold_tokens`, `predicted_left_out`,
    `sentences_without_predictions`), `labels_only_in` (`gold`, `predicted`: entities by label), for all systems.
    """

    gold: List[Sentence]
    predicted: List[List[Sentence]]
    notes: Json

    def only(self, labels: Collection[str]) -> "Sides":
        """RETURNS (Sides): The entities with some labels."""
        gold, *predicted = map(partial(_with_labels, labels), (self.gold, *self.predicted))
        return self._replace(gold=gold, predicted=predicted)

    def common_labels(self) -> List[str]:
        """RETURNS (List[str]): The labels that occur in gold and in what some system predicted."""
        gold, predicted = (
            {entity.label for side in sides for sentence in side for entity in sentence}
            for sides in ([self.gold], self.predicted)
        )
        return sorted(gold & predicted)


def _with_labels(labels: Collection[str], side: List[Sentence]) -> List[Sentence]:
    return [[entity for entity in sentence if entity.label in labels] for sentence in side]


def read_sides(
    gold: PathLike, *systems: PathLike, labels: Optional[Sequence[str]] = None, only: Optional[Sequence[str]] = None
) -> Sides:
    """RETURNS (Sides): Gold and predictions, read and aligned to the same tokens; with `only`, the entities with these
    labels. RAISES: InputError at the first difference in the text, and for a label that is not in `labels`.
    """
    reader = SideReader(gold, *systems, labels=labels, only=only)
    sentences = list(reader)
    of_gold, *predicted = ([sides[k] for sides in sentences] for k in range(1 + len(systems)))
    return Sides(of_gold, predicted, reader.notes())


class SideReader:
    """Reads gold and predictions of the same sentences side by side, and keeps none of them.

    gold, *systems (PathLike): The corpora. labels (Optional[Sequence[str]]): The labels that may occur.
    only (Optional[Sequence[str]]): The labels of the entities that are given.
    """

    def __init__(
        self,
        gold: PathLike,
        *systems: PathLike,
        labels: Optional[Sequence[str]] = None,
        only: Optional[Sequence[str]] = None,
    ) -> None:
        self.paths = (gold, *systems)
        self.labels = labels
        self.only = only
        self._layout = Layout()

    def __iter__(self) -> Iterator[List[Sentence]]:
        """YIELDS (List[Sentence]): The entities of a sentence in gold and by each system, by common positions. RAISES:
        InputError at the first difference in the text, for a label that is not allowed, and if nothing in gold is
        labelled.
        """
        gold_path = self.paths[0]
        corpora = same_sentences(self.paths, [iter_tagged(path, self.labels) for path in self.paths])
        for sides in self._layout.laid_out(corpora, gold_path):
            yield sides if self.only is None else _with_labels(self.only, sides)

    def notes(self) -> Json:
        """RETURNS (Json): What `Sides` counts, of the sentences so far."""
        notes = self._layout.notes()
        if self.only is not None:
            notes["labels_only_in"] = {
                side: {label: n for label, n in its_labels.items() if label in self.only}
                for side, its_labels in notes["labels_only_in"].items()
            }
        return notes


class Layout:
    """Aligns gold and predictions of the same sentences to the same tokens, and counts what can't be compared.

    Whitespace at the edges of a gold entity is trimmed. A predicted entity with such whitespace is not trimmed, and is
    wrong. Predictions that overlap a token with a missing value in gold are left out, as in spaCy's own evaluation.
    """

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.labels: Tuple[Counter, Counter] = (Counter(), Counter())
        self.is_labelled = False

    def laid_out(self, corpora: Iterable[Sequence[TaggedSentence]], gold_path: PathLike) -> Iterator[List[Sentence]]:
        """YIELDS (List[Sentence]): See `SideReader`. corpora: The versions of each sentence, gold first."""
        for gold, *predictions in corpora:
            yield self._of_sentence(gold, predictions)
        if self.counts["gold tokens"] and not self.is_labelled:
            message = "holds no annotation: all tokens have missing values."
            raise InputError(message, gold_path, hint="Give the corpus with the gold labels.")

    def _of_sentence(self, gold: TaggedSentence, predictions: Sequence[TaggedSentence]) -> List[Sentence]:
        counts, words = self.counts, gold.words
        positions: Sequence[Sequence[int]] = [range(len(words))] * (1 + len(predictions))
        if any(prediction.words != words for prediction in predictions):
            positions = common_positions([words, *(prediction.words for prediction in predictions)])
        entities = []
        for entity in gold.entities:
            span = trim_span(words, entity.start, entity.end)
            counts["gold edges"] += span != entity[:2]
            if span is not None:
                entities.append(_moved(entity._replace(start=span[0], end=span[1]), positions[0]))
                self.labels[0][entity.label] += 1
        sides: List[Sentence] = [entities]
        unknown = [i for i in gold.missing if not is_blank_token(words[i])]
        missing = {positions[0][i] for i in unknown}
        counts["gold tokens"] += len(missing)
        self.is_labelled = self.is_labelled or len(gold.visible) > len(unknown)
        for prediction, system_positions in zip(predictions, positions[1:], strict=True):
            kept = []
            for entity in prediction.entities:
                self.labels[1][entity.label] += 1
                span = trim_span(prediction.words, entity.start, entity.end)
                counts["predicted edges"] += span != entity[:2]
                moved = _moved(entity, system_positions)
                if not missing or missing.isdisjoint(range(moved.start, moved.end)):
                    kept.append(moved)
                else:
                    counts["left out"] += 1
            counts["no predictions"] += bool(prediction.words) and len(prediction.missing) == len(prediction.words)
            sides.append(kept)
        return sides

    def notes(self) -> Json:
        """RETURNS (Json): See `Sides`."""
        counts = self.counts
        return {
            "whitespace_edges": {"gold": counts["gold edges"], "predicted": counts["predicted edges"]},
            "missing": {
                "gold_tokens": counts["gold tokens"],
                "predicted_left_out": counts["left out"],
                "sentences_without_predictions": counts["no predictions"],
            },
            "labels_only_in": {
                name: {label: n for label, n in sorted(own_labels.items()) if label not in other_labels}
                for name, own_labels, other_labels in (
                    ("gold", *self.labels),
                    ("predicted", *reversed(self.labels)),
                )
            },
        }


def common_positions(versions: Sequence[Sequence[str]]) -> List[List[int]]:
    """RETURNS (List[List[int]]): The positions of the tokens of several versions of a sentence in one common sequence.
    The versions have the same visible tokens. Blank tokens between two of them share their positions.
    """
    orders = []
    for words in versions:
        order: List[Tuple[int, float]] = []
        visible, run = 0, 0
        for word in words:
            if is_blank_token(word):
                order.append((visible, run))
                run += 1
            else:
                # After all blank tokens before this word in any version.
                order.append((visible, math.inf))
                visible, run = visible + 1, 0
        orders.append(order)
    keys = sorted({key for order in orders for key in order})
    positions = {key: position for position, key in enumerate(keys)}
    return [[positions[key] for key in order] for order in orders]


def _moved(entity: Entity, positions: Sequence[int]) -> Entity:
    if isinstance(positions, range):
        return entity
    return entity._replace(start=positions[entity.start], end=positions[entity.end - 1] + 1)
