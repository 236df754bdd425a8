"""The target words that the entities of a sentence pair are linked to."""

from typing import Dict, List, Sequence, Tuple

from ..errors import XnerError
from ..text import is_blank_token
from ..types import Entity, SentencePair

# Few entities are linked to this many words. If one is, trying the ranges between all of them would take too long.
MOST_LINKED = 60

# For one entity: target word -> links (target word, count of links, summed link score) from the entity's words.
LinkedWords = List[Tuple[int, int, float]]


def entity_links(pair: SentencePair) -> List[LinkedWords]:
    """Collect the target words that each source entity is linked to. Links to blank tokens don't count.

    This is plain Python on purpose: a sentence has about 25 links, too few for numpy to be faster.

    RETURNS (List[LinkedWords]): For each entity of the pair `(target word, number of links, sum of their scores)`,
        sorted by target word.
    """
    if not pair.entities:
        return []
    owner = owners(pair.entities, len(pair.source))
    target = pair.target
    linked: List[Dict[int, Tuple[int, float]]] = [{} for _ in pair.entities]
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        index = owner[i]
        if index >= 0 and not is_blank_token(target[j]):
            count, total = linked[index].get(j, (0, 0.0))
            linked[index][j] = (count + 1, total + score)
    return [[(j, count, total) for j, (count, total) in sorted(words.items())] for words in linked]


def strongest(words: LinkedWords) -> LinkedWords:
    """RETURNS (LinkedWords): The words with the strongest links to an entity, at most 60, sorted by target word."""
    if len(words) <= MOST_LINKED:
        return words
    return sorted(sorted(words, key=lambda w: (-w[2], w[0]))[:MOST_LINKED])


def mean_link(words: LinkedWords, start: int, end: int) -> float:
    """RETURNS (float): The mean link score of the words of a span, 0 for those that are not linked to the entity."""
    return sum(total / count for j, count, total in words if start <= j < end) / (end - start)


def owners(entities: Sequence[Entity], n_source: int) -> List[int]:
    """RETURNS (List[int]): Per source token its entity, or -1. RAISES: XnerError for one outside or overlapping."""
    owner = [-1] * n_source
    for index, entity in enumerate(entities):
        if not 0 <= entity[0] < entity[1] <= n_source:
            raise XnerError(
                f"Source entity {index} ({entity[0]}, {entity[1]}, {entity[2]!r}) is outside its "
                f"sentence of {n_source} tokens."
            )
        for i in range(entity[0], entity[1]):
            if owner[i] >= 0:
                raise XnerError(f"Source entities {owner[i]} and {index} overlap at token {i}.")
            owner[i] = index
    return owner
