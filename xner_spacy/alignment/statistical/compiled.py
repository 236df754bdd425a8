"""The inner loops of the aligner in C (csrc/aligner.c), where `native.LIBRARY` is there. hmm.py, trainer.py and
word_forms.py call these, and have the same in NumPy; what takes only a line there stands here.
"""

import ctypes
from typing import Any, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ... import native
from ...native import INT, POINTER, SIZE, Arguments, changed, declare, struct

Float = npt.NDArray[Any]
Int = npt.NDArray[np.int32]

_POSTERIORS = {np.dtype(np.float32): "posteriors_float32", np.dtype(np.float64): "posteriors_float64"}

_Chain = struct(
    "_Chain",
    [("move", POINTER), ("start", POINTER), ("null", ctypes.c_double), ("moved", POINTER), ("began", POINTER)],
)
_Batch = struct(
    "_Batch",
    [
        *((name, INT) for name in ("targets", "batch", "sources")),
        *((name, POINTER) for name in ("source_length", "target_length", "source", "target", "cells")),
    ],
)
_Spelled = struct("_Spelled", [(name, POINTER) for name in ("bits", "size", "kind")])
_Words = struct("_Words", [(name, POINTER) for name in ("weight", "other_totals", "share", "floor", "rates", "kinds")])


for _name in _POSTERIORS.values():
    declare(_name, POINTER, INT, INT, INT, *[POINTER] * 5, returns=INT)
declare("expected_links", *[POINTER] * 8, returns=INT)
declare("lexical_links", POINTER, POINTER, POINTER, returns=INT)
declare("add_links", POINTER, POINTER, POINTER, SIZE)
declare("add_values", POINTER, POINTER, POINTER, SIZE)
declare("buckets", SIZE, *[POINTER] * 6)
declare("probabilities", SIZE, *[POINTER] * 6, SIZE, POINTER, ctypes.c_float, POINTER)


def _chain(take: Arguments, jumps: Any, null: float, statistics: Any) -> Any:
    """RETURNS (Any): The struct of one direction. See `hmm.posteriors`."""
    wanted = (None, None) if statistics is None else (statistics.moved, statistics.began)
    return _Chain(
        take.array(jumps.move, np.float32, jumps.move.shape),
        take.array(jumps.start, np.float32, jumps.start.shape),
        null,
        *(None if sums is None else changed(sums) for sums in wanted),
    )


def _check_lengths(lengths: npt.NDArray[Any], most: int) -> None:
    if len(lengths) and (lengths.min() < 1 or lengths.max() > most):
        raise ValueError(f"a sentence has no words, or more than the {most} of its batch")


def posteriors(
    emission: Float, empty: Float, states: Int, steps: Int, jumps: Any, null: float, statistics: Any
) -> Float:
    """See `hmm.posteriors`. `emission` is not changed."""
    n_time, n_batch, n_state = emission.shape
    _check_lengths(states, n_state)
    _check_lengths(steps, n_time)
    linked = np.zeros(emission.shape, dtype=emission.dtype)
    take = Arguments()
    failed = getattr(native.LIBRARY, _POSTERIORS[emission.dtype])(
        ctypes.byref(_chain(take, jumps, null, statistics)),
        n_time,
        n_batch,
        n_state,
        take.array(steps, np.intc, (n_batch,)),
        take.array(states, np.intc, (n_batch,)),
        take.array(emission, emission.dtype, emission.shape),
        take.array(empty, emission.dtype, (n_time, n_batch)),
        linked.ctypes.data,
    )
    if failed:
        raise MemoryError
    return linked


def _batch(take: Arguments, batch: Any, cells: Int) -> Any:
    """RETURNS (Any): The struct of a batch. See `expected_links`."""
    targets, size, sources = cells.shape
    _check_lengths(batch.source_length, sources)
    _check_lengths(batch.target_length, targets)
    return _Batch(
        targets,
        size,
        sources,
        take.array(batch.source_length, np.intc, (size,)),
        take.array(batch.target_length, np.intc, (size,)),
        take.array(batch.source, np.int32, (size, sources)),
        take.array(batch.target, np.int32, (size, targets)),
        take.array(cells, np.int32, cells.shape),
    )


def lexical_links(batch: Any, cells: Int, table: Float) -> Float:
    """RETURNS (Float): The (target, batch, source) products of both directions without positions. See
    `expected_links`.
    """
    take = Arguments()
    links = np.zeros(cells.shape, dtype=np.float32)
    failed = native.LIBRARY.lexical_links(
        ctypes.byref(_batch(take, batch, cells)), take.array(table, np.float32, (len(table), 2)), links.ctypes.data
    )
    if failed:
        raise MemoryError
    return links


def expected_links(
    batch: Any,
    cells: Int,
    table: Float,
    empty: Sequence[Float],
    jumps: Sequence[Any],
    null: float,
    statistics: Sequence[Any],
) -> Tuple[Float, Float, Float]:
    """The products of the posteriors of both directions.

    batch (Batch): The sentence pairs. cells (Int): (target, batch, source) positions of their word pairs in `table`.
    table (Float): (pairs, 2) probabilities, forward and reverse.
    empty (Sequence[Float]): (words,) probabilities of the target words and of the source words given the empty word.
    jumps (Sequence[Jumps]), statistics (Sequence[Statistics]): Of each direction; the latter are added to.
    null (float): Probability of the empty word.
    RETURNS (Tuple[Float, Float, Float]): The (target, batch, source) products, and the posteriors of each target word
        and of each source word, added up: (batch, target) and (batch, source).
    """
    targets, size, sources = cells.shape
    take = Arguments()
    links = np.zeros(cells.shape, dtype=np.float32)
    linked_target, linked_source = np.zeros((size, targets)), np.zeros((size, sources))
    failed = native.LIBRARY.expected_links(
        ctypes.byref(_batch(take, batch, cells)),
        *(ctypes.byref(_chain(take, one, null, sums)) for one, sums in zip(jumps, statistics, strict=True)),
        take.array(table, np.float32, (len(table), 2)),
        take.pointers([take.array(values, np.float32, values.shape) for values in empty]),
        links.ctypes.data,
        linked_target.ctypes.data,
        linked_source.ctypes.data,
    )
    if failed:
        raise MemoryError
    return links, linked_target, linked_source


def add_links(sums: npt.NDArray[np.float64], cells: Int, links: Float) -> None:
    """Add the links of cells to the sums of their word pairs. Pair 0, the padding, gets none."""
    if native.LIBRARY is None:
        kept = cells > 0
        np.add.at(sums, cells[kept], links[kept].astype(np.float64))
        return
    take = Arguments()
    size = cells.size
    native.LIBRARY.add_links(
        changed(sums),
        take.array(cells.reshape(-1), np.int32, (size,)),
        take.array(links.reshape(-1), np.float32, (size,)),
        size,
    )


def sums_by(index: Int, values: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """RETURNS (npt.NDArray[np.float64]): The sum of the values of each number from 0 to `size`: `numpy.bincount`, which
    would copy a large index as 64-bit integers.
    """
    if native.LIBRARY is None:
        return np.asarray(np.bincount(index, values, size), dtype=np.float64)
    take = Arguments()
    result = np.zeros(size)
    if len(index) and not (index.min() >= 0 and index.max() < size):
        raise ValueError("an index is out of range")
    native.LIBRARY.add_values(
        changed(result),
        take.array(index, np.int32, index.shape),
        take.array(values, np.float64, index.shape),
        len(index),
    )
    return result


def buckets(
    source: Int,
    target: Int,
    bits: Sequence[npt.NDArray[np.uint64]],
    sizes: Sequence[Int],
    kinds: Sequence[npt.NDArray[np.uint8]],
    same: npt.NDArray[np.int64],
    named: Sequence[int],
) -> npt.NDArray[np.uint8]:
    """See `word_forms.Spelling.buckets`. `named` are the buckets UNLIKE, SAME_LETTERS, IDENTICAL and OTHER_KIND."""
    take = Arguments()
    result = np.zeros(len(source), dtype=np.uint8)
    words = (_Spelled * 2)(
        *(
            _Spelled(
                take.array(of_words, np.uint64, of_words.shape),
                take.array(size, np.int32, size.shape),
                take.array(kind, np.uint8, kind.shape),
            )
            for of_words, size, kind in zip(bits, sizes, kinds, strict=True)
        )
    )
    native.LIBRARY.buckets(
        len(source),
        take.array(source, np.int32, source.shape),
        take.array(target, np.int32, source.shape),
        words,
        take.array(same, np.int64, same.shape),
        take.array(named, np.uint8, (4,)),
        result.ctypes.data,
    )
    return result


def probabilities(
    pairs: Tuple[Int, Int],
    links: npt.NDArray[np.float64],
    stems: Int,
    stem_links: Float,
    alike: npt.NDArray[np.int64],
    kinds: Sequence[npt.NDArray[np.int16]],
    directions: Sequence[Any],
    strength: float,
    table: Float,
) -> None:
    """Write the translation probabilities of all word pairs, the same to the last bit as `both_directions` computes.

    pairs (Tuple[Int, Int]): Their source words and their target words. links (npt.NDArray): Their expected links.
    stems (Int): The position of the stems of each pair in `stem_links`, which are the expected links of stems.
    alike (npt.NDArray): The pairs that are spelled alike, in order, and their `kinds` in both directions.
    directions (Sequence[Direction]): Both directions. strength (float): Weight of the prior.
    table (Float): (pairs, 2) results, forward and reverse.
    """
    take = Arguments()
    size = len(links)
    words = (_Words * 2)(
        *(
            _Words(
                take.array(direction.totals + np.float32(strength), np.float32, direction.totals.shape),
                *(
                    take.array(values, np.float32, values.shape)
                    for values in (*direction.word_terms(), direction.rates)
                ),
                take.array(of_pairs, np.int16, alike.shape),
            )
            for direction, of_pairs in zip(directions, kinds, strict=True)
        )
    )
    native.LIBRARY.probabilities(
        size,
        *(take.array(side, np.int32, (size,)) for side in pairs),
        take.array(links, np.float64, (size,)),
        take.array(stems, np.int32, (size,)),
        take.array(stem_links, np.float32, stem_links.shape),
        take.array(alike, np.int64, alike.shape),
        len(alike),
        words,
        strength,
        changed(table),
    )
