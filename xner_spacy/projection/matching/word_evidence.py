"""Which source words each target word translates: link probabilities, corrected by spelling."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import Dict, Iterable, Iterator, List, Sequence, Set, Tuple

import numpy as np

from ...spelling import Outlines, may_be_similar, outline, similarity
from ...types import SentencePair

# For each target word: source word -> probability of the link.
Rows = List[Dict[int, float]]
# Positions of words whose spelling is compared: of the source, ascending, and of the target.
Compared = Tuple[Sequence[int], Sequence[int]]
# Source and target words of one sentence pair that are spelled alike, and their similarity.
Alike = List[Tuple[int, int, float]]

# Least similarity for spelling to count.
ALIKE = 0.6
# In a longer target sentence a source word is compared only with this many words on each side of its relative position:
# the time to compare all is quadratic in the length.
REACH = 100
# Rows of comparisons that are done at a time, to limit the memory.
_MOST_AT_ONCE = 1_000_000


def link_rows(pair: SentencePair, alike: Alike, trust: float) -> Rows:
    """Merge links and spelling.

    Statistical aligners misplace rare words, and names are rare. An identical word takes over the link; a similar one
    is used only if neither side is linked well.

    alike (Alike): The words that are spelled alike, see `words_alike`. trust (float): Probability that words with
        identical spelling correspond.
    RETURNS (Rows): The probabilities; link scores count as such.
    """
    rows: Rows = [{} for _ in pair.target]
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        rows[j][i] = score if score < 1.0 else 1.0
    if alike:
        _respell(pair, rows, alike, trust)
    return rows


def _respell(pair: SentencePair, rows: Rows, alike: Alike, trust: float) -> None:
    n_source, n_target = len(pair.source), len(pair.target)
    linked: Dict[int, Set[int]] = defaultdict(set)
    strongest = [0.0] * n_source
    for j, row in enumerate(rows):
        for i, value in row.items():
            linked[i].add(j)
            strongest[i] = max(strongest[i], value)
    # Sort by spelling, then links, then position, so that the second "Commission" of a sentence is matched with the
    # second "Kommission".
    ranked = [
        (-similar - 0.5 * rows[j].get(i, 0.0), abs(i / n_source - j / n_target), i, j, similar)
        for i, j, similar in alike
    ]
    ranked.sort()
    used_source, used_target = set(), set()
    for _, _, i, j, similar in ranked:
        if i in used_source or j in used_target:
            continue
        row = rows[j]
        gain = trust
        if similar < 1.0:
            rival = max((value for other, value in row.items() if other != i), default=0.0)
            if strongest[i] > row.get(i, 0.0):
                rival = max(rival, strongest[i])
            gain = trust * (similar - ALIKE) / (1.0 - ALIKE) * (1.0 - rival)
        if gain <= 0.0:
            continue
        used_source.add(i)
        used_target.add(j)
        for other in row:
            row[other] *= 1.0 - gain
        row[i] = row.get(i, 0.0) + gain
        linked[i].add(j)
        if similar == 1.0:
            for other in linked[i] - {j}:
                rows[other][i] *= 1.0 - gain


def words_alike(pairs: Sequence[SentencePair], compared: Sequence[Compared]) -> List[Alike]:
    """Compare the spelling of words. Most pairs of words are told apart by their outlines, many sentences at a time.

    compared (Sequence[Compared]): For each pair the words to compare.
    RETURNS (List[Alike]): For each pair the words that are spelled alike.
    """
    found: List[Alike] = [[] for _ in pairs]
    source_places = [(k, i) for k, (source, _) in enumerate(compared) for i in source]
    target_places = [(k, j) for k, (_, target) in enumerate(compared) for j in target]
    if not source_places or not target_places:
        return found
    source = _outlines(pairs[k].source[i] for k, i in source_places)
    target = _outlines(pairs[k].target[j] for k, j in target_places)
    first, stop = _ranges(pairs, compared)
    n_compared = np.cumsum(stop - first)
    begin = 0
    while begin < len(source_places):
        # As many source words as have few enough comparisons, but at least one.
        before = int(n_compared[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(n_compared, before + _MOST_AT_ONCE)))
        counts = (stop - first)[begin:end]
        # The number of the source and of the target word of each comparison.
        left = np.repeat(np.arange(begin, begin + len(counts)), counts)
        right = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts - first[begin:end], counts)
        sides: Tuple[Outlines, Outlines] = (
            (source[0][left], source[1][left], source[2][left]),
            (target[0][right], target[1][right], target[2][right]),
        )
        kept = np.flatnonzero(may_be_similar(*sides, ALIKE))
        for a, b in zip(left[kept].tolist(), right[kept].tolist(), strict=True):
            (k, i), (_, j) = source_places[a], target_places[b]
            similar = similarity(pairs[k].source[i], pairs[k].target[j])
            if similar >= ALIKE:
                found[k].append((i, j, similar))
        begin = end
    return found


def _outlines(words: Iterable[str]) -> Outlines:
    bits, lengths, hyphens = zip(*map(outline, words), strict=True)
    return np.array(bits, dtype=np.uint64), np.array(lengths, dtype=np.int64), np.array(hyphens, dtype=np.bool_)


def _ranges(pairs: Sequence[SentencePair], compared: Sequence[Compared]) -> Tuple[np.ndarray, np.ndarray]:
    """RETURNS (Tuple[ndarray, ndarray]): For each compared source word of all pairs, the first of the compared target
    words of all pairs that it is compared with, and the one after the last.
    """
    first: List[int] = []
    stop: List[int] = []
    offset = 0
    for pair, (source, target) in zip(pairs, compared, strict=True):
        n_target = len(pair.target)
        if n_target <= 2 * REACH:
            first += [offset] * len(source)
            stop += [offset + len(target)] * len(source)
        else:
            for i in source:
                expected = i * n_target // len(pair.source)
                first.append(offset + bisect_left(target, expected - REACH))
                stop.append(offset + bisect_right(target, expected + REACH))
        offset += len(target)
    return np.array(first, dtype=np.int64), np.array(stop, dtype=np.int64)


def names_fused(pair: SentencePair) -> Iterator[bool]:
    """YIELDS (bool): For each entity after a linked short word, whether a target word translates both."""
    before = [e for e in pair.entities if e[0] and len(pair.source[e[0] - 1]) <= 4 and pair.source[e[0] - 1].islower()]
    if not before:
        return
    links = pair.alignment.links.tolist()
    for entity in before:
        of_word_before = {j for i, j in links if i == entity[0] - 1}
        if of_word_before:
            yield any(j in of_word_before for i, j in links if entity[0] <= i < entity[1])


def leaders_of(pair: SentencePair) -> Dict[int, int]:
    """RETURNS (Dict[int, int]): The source word with the strongest link, for each linked target word."""
    leaders: Dict[int, int] = {}
    strongest: Dict[int, float] = {}
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        if score > strongest.get(j, -1.0):
            strongest[j], leaders[j] = score, i
    return leaders
