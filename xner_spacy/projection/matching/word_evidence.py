"""Which source words each target word translates: link probabilities, corrected by spelling."""

from collections import defaultdict
from typing import Container, Dict, Iterator, List, Set, Tuple

from ...spelling import is_punctuation, similarity
from ...types import SentencePair

# For each target word: source word -> probability of the link.
Rows = List[Dict[int, float]]

# Least similarity for spelling to count.
_ALIKE = 0.6
# In a longer target sentence a source word is compared only with this many words on each side of its relative position:
# the time to compare all is quadratic in the length.
_REACH = 100


def link_rows(pair: SentencePair, function_words: Container[str], trust: float) -> Rows:
    """Merge links and spelling.

    Statistical aligners misplace rare words, and names are rare. Words of entities, capitalised words and numbers are
    therefore compared with the target words. An identical word takes over the link; a similar one is used only if
    neither side is linked well.

    function_words (Container[str]): Target words that are not compared. trust (float): Probability that words with
        identical spelling correspond; 0 ignores spelling.
    RETURNS (Rows): The probabilities; link scores count as such.
    """
    rows: Rows = [{} for _ in pair.target]
    strongest = [0.0] * len(pair.source)
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        rows[j][i] = min(1.0, score)
        strongest[i] = max(strongest[i], rows[j][i])
    if trust:
        _respell(pair, rows, strongest, function_words, trust)
    return rows


def _respell(
    pair: SentencePair, rows: Rows, strongest: List[float], function_words: Container[str], trust: float
) -> None:
    n_source, n_target = len(pair.source), len(pair.target)
    # Sort by spelling, then links, then position, so that the second "Commission" of a sentence is matched with the
    # second "Kommission".
    ranked: List[Tuple[float, float, int, int, float]] = []
    for i, j in _compared(pair, function_words):
        alike = similarity(pair.source[i], pair.target[j])
        if alike >= _ALIKE:
            rank = -alike - 0.5 * rows[j].get(i, 0.0)
            ranked.append((rank, abs(i / n_source - j / n_target), i, j, alike))
    ranked.sort()
    linked: Dict[int, Set[int]] = defaultdict(set)
    for j, row in enumerate(rows):
        for i in row:
            linked[i].add(j)
    used_source, used_target = set(), set()
    for _, _, i, j, alike in ranked:
        if i in used_source or j in used_target:
            continue
        row = rows[j]
        gain = trust
        if alike < 1.0:
            rival = max((value for other, value in row.items() if other != i), default=0.0)
            if strongest[i] > row.get(i, 0.0):
                rival = max(rival, strongest[i])
            gain = trust * (alike - _ALIKE) / (1.0 - _ALIKE) * (1.0 - rival)
        if gain <= 0.0:
            continue
        used_source.add(i)
        used_target.add(j)
        for other in row:
            row[other] *= 1.0 - gain
        row[i] = row.get(i, 0.0) + gain
        linked[i].add(j)
        if alike == 1.0:
            for other in linked[i] - {j}:
                rows[other][i] *= 1.0 - gain


def _compared(pair: SentencePair, function_words: Container[str]) -> Iterator[Tuple[int, int]]:
    """YIELDS (Tuple[int, int]): The pairs of source and target words whose spelling is compared."""
    named = {position for entity in pair.entities for position in range(entity[0], entity[1])}
    source = [
        position
        for position, word in enumerate(pair.source)
        if (position in named or word[:1].isupper() or word[:1].isdigit()) and not is_punctuation(word)
    ]
    target = [j for j, word in enumerate(pair.target) if word not in function_words and not is_punctuation(word)]
    if len(pair.target) <= 2 * _REACH:
        yield from ((position, j) for j in target for position in source)
        return
    first = 0
    for position in source:
        expected = position * len(pair.target) // len(pair.source)
        while first < len(target) and target[first] < expected - _REACH:
            first += 1
        for index in range(first, len(target)):
            if target[index] > expected + _REACH:
                break
            yield position, target[index]


def names_fused(pair: SentencePair) -> List[bool]:
    """RETURNS (List[bool]): For each entity after a linked short word, whether a target word translates both."""
    linked: Dict[int, Set[int]] = defaultdict(set)
    for i, j in pair.alignment.links.tolist():
        linked[i].add(j)
    fused: List[bool] = []
    for entity in pair.entities:
        before = entity[0] - 1
        if before in linked and len(pair.source[before]) <= 4 and pair.source[before].islower():
            fused.append(any(linked[before] & linked[i] for i in range(entity[0], entity[1])))
    return fused


def leaders_of(pair: SentencePair) -> Dict[int, int]:
    """RETURNS (Dict[int, int]): The source word with the strongest link, for each linked target word."""
    best: Dict[int, Tuple[float, int]] = {}
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        if j not in best or score > best[j][0]:
            best[j] = (score, i)
    return {j: i for j, (_, i) in best.items()}
