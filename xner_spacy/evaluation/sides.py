"""Gold and predictions laid on the same tokens, with what can't be compared counted.

Readings of one sentence agree in the tokens that can be seen. Tokens of whitespace may stand in one and not in another;
they are kept, so that an entity that begins or ends with one has other boundaries than the entity without it.
"""

import math
from collections import Counter
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..corpora.formats.columns import TaggedSentence
from ..corpora.labelled import read_tagged, require_same_words
from ..errors import InputError
from ..text import is_blank_token, trim_span
from ..types import Entity, Json, PathLike
from .entities import Sentence


class Sides(NamedTuple):
    """What is to be compared: the entities of each sentence, in gold and by each system. `notes` counts
    `whitespace_edges` (`gold`, `predicted`), `missing` (`gold_tokens`, `predicted_left_out`,
    `sentences_without_predictions`), `labels_only_in` (`gold`, `predicted`: entities by label), for all systems.
    """

    gold: List[Sentence]
    predicted: List[List[Sentence]]
    notes: Json


def read_sides(gold: PathLike, *systems: PathLike, labels: Optional[Sequence[str]] = None) -> Sides:
    """RETURNS (Sides): Gold and predictions, read and laid on the same tokens. RAISES: InputError at the first
    difference in the text, and for another label than those given.
    """
    truth, *others = (read_tagged(path, labels) for path in (gold, *systems))
    for path, sentences in zip(systems, others, strict=True):
        require_same_words(gold, truth, path, sentences)
    return lay_out(gold, truth, *others)


def lay_out(gold_path: PathLike, gold: Sequence[TaggedSentence], *systems: Sequence[TaggedSentence]) -> Sides:
    """Lay gold and predictions of the same sentences on the same tokens.

    A gold entity is freed of whitespace at its edges. A predicted one is not: it is wrong. Predictions that touch a
    token that nobody has labelled in gold are neither right nor wrong, and left out (as spaCy's own evaluation does).

    gold_path (PathLike): What to call the gold corpus in a message.
    RETURNS (Sides): The entities by common positions. RAISES: InputError if nothing in gold is labelled.
    """
    counts: Counter = Counter()
    of_gold: List[Sentence] = []
    predicted: List[List[Sentence]] = [[] for _ in systems]
    labels = (Counter(), Counter())  # type: ignore[var-annotated]
    for truth, *others in zip(gold, *systems, strict=True):
        positions = common_positions([side.words for side in (truth, *others)])
        entities = []
        for entity in truth.entities:
            span = trim_span(truth.words, entity.start, entity.end)
            counts["gold edges"] += span != entity[:2]
            if span is not None:
                entities.append(_moved(entity._replace(start=span[0], end=span[1]), positions[0]))
        labels[0].update(entity.label for entity in entities)
        of_gold.append(entities)
        unknown = {positions[0][i] for i in truth.missing if not is_blank_token(truth.words[i])}
        counts["gold tokens"] += len(unknown)
        counts["tokens"] += len(truth.visible)
        for side, places, sentences in zip(others, positions[1:], predicted, strict=True):
            kept = []
            for entity in side.entities:
                labels[1][entity.label] += 1
                span = trim_span(side.words, entity.start, entity.end)
                counts["predicted edges"] += span != entity[:2]
                moved = _moved(entity, places)
                if unknown.isdisjoint(range(moved.start, moved.end)):
                    kept.append(moved)
                else:
                    counts["left out"] += 1
            counts["no predictions"] += bool(side.words) and len(side.missing) == len(side.words)
            sentences.append(kept)
    if counts["tokens"] and counts["gold tokens"] == counts["tokens"]:
        raise InputError(
            "holds no annotation: of no token is it said whether it is in an entity.",
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
            name: {label: n for label, n in sorted(here.items()) if label not in there}
            for name, here, there in (("gold", *labels), ("predicted", *reversed(labels)))
        },
    }
    return Sides(of_gold, predicted, notes)


def common_positions(readings: Sequence[Sequence[str]]) -> List[List[int]]:
    """RETURNS (List[List[int]]): The places of the tokens of several readings of a sentence in one sequence. The
    readings have the same tokens that can be seen; blank tokens between two of those share the places there.
    """
    orders = []
    for words in readings:
        order: List[Tuple[int, float]] = []
        visible, run = 0, 0
        for word in words:
            if is_blank_token(word):
                order.append((visible, run))
                run += 1
            else:
                # Behind all blank tokens that stand here in any reading.
                order.append((visible, math.inf))
                visible, run = visible + 1, 0
        orders.append(order)
    everywhere = sorted({key for order in orders for key in order})
    places = {key: place for place, key in enumerate(everywhere)}
    return [[places[key] for key in order] for order in orders]


def _moved(entity: Entity, places: Sequence[int]) -> Entity:
    return entity._replace(start=places[entity.start], end=places[entity.end - 1] + 1)
