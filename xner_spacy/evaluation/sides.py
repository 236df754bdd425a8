"""Gold and predictions aligned to the same tokens, with counts of what can't be compared.

Versions of one sentence have the same visible tokens. Whitespace tokens may occur in one version and not in another.
They are kept, so that an entity that begins or ends with one has other boundaries than the entity without it.
"""

import math
from collections import Counter
from functools import partial
from typing import Collection, List, NamedTuple, Optional, Sequence, Tuple

from ..corpora.formats.columns import TaggedSentence
from ..corpora.labelled import read_tagged, require_same_words
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
    gold_sentences, *predictions = (read_tagged(path, labels) for path in (gold, *systems))
    for path, sentences in zip(systems, predictions, strict=True):
        require_same_words(gold, gold_sentences, path, sentences)
    sides = lay_out(gold, gold_sentences, *predictions)
    if only is None:
        return sides
    labels_of_sides = sides.notes["labels_only_in"]
    for side, its_labels in labels_of_sides.items():
        labels_of_sides[side] = {label: n for label, n in its_labels.items() if label in only}
    return sides.only(only)


def lay_out(gold_path: PathLike, gold: Sequence[TaggedSentence], *systems: Sequence[TaggedSentence]) -> Sides:
    """Align gold and predictions of the same sentences to the same tokens.

    Whitespace at the edges of a gold entity is trimmed. A predicted entity with such whitespace is not trimmed, and is
    wrong. Predictions that overlap a token with a missing value in gold are left out, as in spaCy's own evaluation.

    gold_path (PathLike): The name of the gold corpus in a message.
    RETURNS (Sides): The entities by common positions. RAISES: InputError if nothing in gold is labelled.
    """
    counts: Counter = Counter()
    gold_entities: List[Sentence] = []
    predicted: List[List[Sentence]] = [[] for _ in systems]
    labels = (Counter(), Counter())  # type: ignore[var-annotated]
    for gold_sentence, *predictions in zip(gold, *systems, strict=True):
        words = gold_sentence.words
        positions = common_positions([words, *(prediction.words for prediction in predictions)])
        entities = []
        for entity in gold_sentence.entities:
            span = trim_span(words, entity.start, entity.end)
            counts["gold edges"] += span != entity[:2]
            if span is not None:
                entities.append(_moved(entity._replace(start=span[0], end=span[1]), positions[0]))
        labels[0].update(entity.label for entity in entities)
        gold_entities.append(entities)
        missing = {positions[0][i] for i in gold_sentence.missing if not is_blank_token(words[i])}
        counts["gold tokens"] += len(missing)
        counts["tokens"] += len(gold_sentence.visible)
        for prediction, system_positions, sentences in zip(predictions, positions[1:], predicted, strict=True):
            kept = []
            for entity in prediction.entities:
                labels[1][entity.label] += 1
                span = trim_span(prediction.words, entity.start, entity.end)
                counts["predicted edges"] += span != entity[:2]
                moved = _moved(entity, system_positions)
                if missing.isdisjoint(range(moved.start, moved.end)):
                    kept.append(moved)
                else:
                    counts["left out"] += 1
            counts["no predictions"] += bool(prediction.words) and len(prediction.missing) == len(prediction.words)
            sentences.append(kept)
    if counts["tokens"] and counts["gold tokens"] == counts["tokens"]:
        raise InputError(
            "holds no annotation: all tokens have missing values.",
            gold_path,
            hint="Give the corpus with the gold labels.",
        )
    notes = {
        "whitespace_edges": {"gold": counts["gold edges"], "predicted": counts["predicted edges"]},
        "missing": {
            "gold_tokens": counts["gold tokens"],
            "predicted_left_out": counts["left out"],
            "sentences_without_predictions": counts["no predictions"],
        },
        "labels_only_in": {
            name: {label: n for label, n in sorted(own_labels.items()) if label not in other_labels}
            for name, own_labels, other_labels in (("gold", *labels), ("predicted", *reversed(labels)))
        },
    }
    return Sides(gold_entities, predicted, notes)


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
    return entity._replace(start=positions[entity.start], end=positions[entity.end - 1] + 1)
