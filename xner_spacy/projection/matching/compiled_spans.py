"""The span score in C (csrc/spans.c), where `native.LIBRARY` is there. span_score.py has the same in Python."""

import ctypes
from array import array
from itertools import chain
from typing import Any, Callable, Collection, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ... import native
from ...native import INT, POINTER, SIZE, Arguments, declare, struct
from ...spelling import UNEQUAL, fold, outline_of_folded, similarity
from ...types import SentencePair
from .interfaces import Options
from .word_evidence import ALIKE, REACH
from .word_tables import WordTable

# What is asked about a word, as bits of its number, as in spans.c.
MARK, FUNCTION, LOWER, CAPITAL, CONTENT, PARTICLE, EDGE, COMMON, OPENING, CLOSING, STANDS_OUT = (
    1 << bit for bit in range(11)
)
# The bits from this one on are the number of the word once folded.
_FOLDED = 16
# How many options, and how many words that may be spelled alike, there is room for at first, for each entity.
_ROOM = 8
# No sentence is longer, and twice this is still an `int`.
_LONGEST = 2**29

_WEIGHTS = (
    *("spelling", "unlinked", "missing", "lower"),
    *("smooth", "cap", "function_link", "function_rival", "content_rival", "function_weight", "punctuation_weight"),
    *("edge", "bracket", "lower_word", "other_lower_word", "case"),
    *("least_alike", "least_linked"),
)
_SWITCHES = ("max_words", "most_linked", "tells", "after_first", "trained", "names_lose")
_Settings = struct(
    "_Settings",
    [
        *((name, ctypes.c_double) for name in _WEIGHTS),
        ("gains", ctypes.c_double * 2),
        *((name, INT) for name in _SWITCHES),
    ],
)
_PARTS = ("source", "target", "link", "alike", "entity")
_ARRAYS = ("source", "target", "links", "scores", "alike", "similar", "entities")
_Pairs = struct(
    "_Pairs",
    [("pairs", SIZE), *((f"{part}_start", POINTER) for part in _PARTS), *((name, POINTER) for name in _ARRAYS)],
)
_Outlines = struct("_Outlines", [(name, POINTER) for name in ("letter_pairs", "length", "hyphen")])
_Similar = struct("_Similar", [("room", SIZE), ("found", SIZE), ("places", POINTER)])
_Found = struct("_Found", [("room", SIZE), ("found", SIZE), ("count", POINTER), ("score", POINTER), ("span", POINTER)])

declare("similar_words", POINTER, POINTER, ctypes.c_double, INT, POINTER, returns=INT)
declare("span_options", POINTER, POINTER, POINTER, returns=INT)


class FoldedWords:
    """Numbers of words once folded, with their outlines."""

    def __init__(self) -> None:
        self._numbers: Dict[str, int] = {}
        self._letter_pairs, self._length, self._hyphen = array("Q"), array("i"), array("B")

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, word: str, flags: int) -> int:
        """RETURNS (int): A word as C reads it: the number of what it folds to, and what is asked about it."""
        folded = fold(word)
        number = self._numbers.get(folded)
        if number is None:
            number = self._numbers[folded] = len(self._numbers)
            letter_pairs, length, hyphen = outline_of_folded(folded)
            self._letter_pairs.append(letter_pairs)
            self._length.append(length)
            self._hyphen.append(hyphen)
        return flags | number << _FOLDED

    def outlines(self, take: Arguments) -> Any:
        """RETURNS (Any): The struct of all outlines."""
        columns = ((self._letter_pairs, np.uint64), (self._length, np.int32), (self._hyphen, np.uint8))
        return _Outlines(*(take.array(np.frombuffer(c, t), t, (len(self),)) if c else None for c, t in columns))


def options(
    settings: Dict[str, Any],
    pairs: Sequence[SentencePair],
    tables: Tuple[WordTable[int], WordTable[int]],
    folded: FoldedWords,
    names: Collection[str],
) -> List[Options]:
    """All spans with scores above 0, as `SpanScore._options` gives them.

    settings (Dict[str, Any]): The fields of `Settings` in spans.c. tables (Tuple[WordTable, WordTable]): The numbers of
        source and target words, made by `folded`. names (Collection[str]): Labels of names.
    RETURNS (List[Options]): For each pair and each of its entities the spans, by start and end.
    RAISES: ValueError if a link or an entity is outside its sentence.
    """
    take = Arguments()
    given = _pairs(take, pairs, tables, names)
    if settings["spelling"]:
        _compare(take, given, pairs, folded)
    ready = _Settings(**{**settings, "max_words": min(settings["max_words"], _LONGEST)}, least_alike=ALIKE)
    counts = np.zeros(sum(len(pair.entities) for pair in pairs), dtype=np.int32)

    def find(room: int) -> Tuple[int, Sequence[npt.NDArray[Any]]]:
        scores, spans = np.empty(room), np.empty((room, 2), dtype=np.int32)
        found = _Found(room, 0, counts.ctypes.data, scores.ctypes.data, spans.ctypes.data)
        _call("span_options", ctypes.byref(ready), ctypes.byref(given), ctypes.byref(found))
        return found.found, (scores, spans)

    scores, spans = _all_of(find, len(counts))
    rows = list(zip(scores.tolist(), *spans.T.tolist(), strict=True))
    ends = np.cumsum(counts).tolist()
    by_entity = iter([rows[end - count : end] for count, end in zip(counts.tolist(), ends, strict=True)])
    return [[next(by_entity) for _ in pair.entities] for pair in pairs]


def _call(name: str, *arguments: Any) -> None:
    if getattr(native.LIBRARY, name)(*arguments):
        raise MemoryError


def _all_of(
    find: Callable[[int], Tuple[int, Sequence[npt.NDArray[Any]]]], n_entities: int
) -> Sequence[npt.NDArray[Any]]:
    """RETURNS (Sequence[NDArray]): All that a function of C finds, with more room if there is not enough at first.
    `find` gets the room, and returns how many there are and the arrays with those that there was room for.
    """
    room = _ROOM * n_entities
    found, arrays = find(room)
    if found > room:
        found, arrays = find(found)
    return [array[:found] for array in arrays]


def _pairs(
    take: Arguments,
    pairs: Sequence[SentencePair],
    tables: Tuple[WordTable[int], WordTable[int]],
    names: Collection[str],
) -> Any:
    """RETURNS (Any): The struct of sentence pairs, in which no words are spelled alike yet."""
    alignments = [pair.alignment for pair in pairs]
    start = {
        "source": _starts([len(pair.source) for pair in pairs]),
        "target": _starts([len(pair.target) for pair in pairs]),
        "link": _starts([len(alignment.links) for alignment in alignments]),
        "alike": np.zeros(len(pairs) + 1, dtype=np.int64),
        "entity": _starts([len(pair.entities) for pair in pairs]),
    }
    n_source, n_target, n_links, _, n_entities = (int(places[-1]) for places in start.values())
    source_lengths, target_lengths = np.diff(start["source"]), np.diff(start["target"])
    links = np.concatenate([np.zeros((0, 2), np.int32), *(alignment.links for alignment in alignments)])
    scores = np.concatenate([np.zeros(0, np.float32), *(alignment.scores for alignment in alignments)])
    entities = [(entity[0], entity[1], entity[2] in names) for pair in pairs for entity in pair.entities]
    bounds = np.array(entities, dtype=np.int32).reshape(-1, 3)
    _check(links[:, 0], start["link"], source_lengths)
    _check(links[:, 1], start["link"], target_lengths)
    _check(bounds[:, 0], start["entity"], source_lengths)
    _check(bounds[:, 1] - 1, start["entity"], source_lengths)
    return _Pairs(
        pairs=len(pairs),
        **{f"{part}_start": take.array(places, np.int64, (len(pairs) + 1,)) for part, places in start.items()},
        source=take.array(_numbers(tables[0], [pair.source for pair in pairs], n_source), np.int64, (n_source,)),
        target=take.array(_numbers(tables[1], [pair.target for pair in pairs], n_target), np.int64, (n_target,)),
        links=take.array(links, np.int32, (n_links, 2)),
        scores=take.array(scores, np.float32, (n_links,)),
        entities=take.array(bounds, np.int32, (n_entities, 3)),
    )


def _starts(sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *sizes], dtype=np.int64)


def _numbers(table: WordTable[int], sentences: Sequence[Sequence[str]], size: int) -> npt.NDArray[np.int64]:
    return np.fromiter(map(table.__getitem__, chain.from_iterable(sentences)), np.int64, size)


def _check(places: npt.NDArray[np.int32], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> None:
    """RAISES: ValueError if a place is outside its sentence. starts: Where the places of each pair begin."""
    if len(places) and (places.min() < 0 or (places >= np.repeat(lengths, np.diff(starts))).any()):
        raise ValueError("a position is outside its sentence")


def _compare(take: Arguments, given: Any, pairs: Sequence[SentencePair], folded: FoldedWords) -> None:
    """Compare the spelling of words, and add those that are alike to the struct of sentence pairs."""
    outlines, least = folded.outlines(take), ALIKE / UNEQUAL

    def find(room: int) -> Tuple[int, Sequence[npt.NDArray[Any]]]:
        places = np.empty((room, 4), dtype=np.int32)
        found = _Similar(room, 0, places.ctypes.data)
        _call("similar_words", ctypes.byref(given), ctypes.byref(outlines), least, REACH, ctypes.byref(found))
        return found.found, (places,)

    [places] = _all_of(find, sum(len(pair.entities) for pair in pairs))
    values = np.array(
        [1.0 if equal else similarity(pairs[k].source[i], pairs[k].target[j]) for k, i, j, equal in places.tolist()]
    )
    kept = np.flatnonzero(values >= ALIKE)
    places, values = places[kept], values[kept]
    given.alike_start = take.array(
        np.searchsorted(places[:, 0], np.arange(len(pairs) + 1)), np.int64, (len(pairs) + 1,)
    )
    given.alike = take.array(places[:, 1:3], np.int32, (len(kept), 2))
    given.similar = take.array(values, np.float64, (len(kept),))
