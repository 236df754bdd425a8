"""The inner loops of the aligner in C, where they were installed: wheels have them, and so has what a machine with a C
compiler installs from source. `LIBRARY` is None elsewhere, and hmm.py and trainer.py do the same in NumPy.
"""

import ctypes
from importlib.util import find_spec
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[Any]
Int = npt.NDArray[np.int32]

_POSTERIORS = {np.dtype(np.float32): "posteriors_float32", np.dtype(np.float64): "posteriors_float64"}
_POINTER, _INT, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_ssize_t


def _struct(name: str, fields: Sequence[Tuple[str, Any]]) -> Any:
    """RETURNS (Any): A struct of _inner.c."""
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


_Chain = _struct(
    "_Chain",
    [
        ("move", _POINTER),
        ("start", _POINTER),
        ("null", ctypes.c_double),
        ("moved", _POINTER),
        ("began", _POINTER),
    ],
)
_Batch = _struct(
    "_Batch",
    [
        *((name, _INT) for name in ("targets", "batch", "sources")),
        *((name, _POINTER) for name in ("source_length", "target_length", "source", "target", "cells")),
    ],
)
_Spelled = _struct("_Spelled", [(name, _POINTER) for name in ("bits", "size", "kind")])
_Words = _struct(
    "_Words", [(name, _POINTER) for name in ("weight", "other_totals", "share", "floor", "rates", "kinds")]
)


def _load() -> Optional[ctypes.CDLL]:
    spec = find_spec(f"{__package__}._inner")
    if spec is None or spec.origin is None:
        return None
    library = ctypes.CDLL(spec.origin)
    for name in _POSTERIORS.values():
        getattr(library, name).argtypes = [_POINTER] + [_INT] * 3 + [_POINTER] * 5
    library.expected_links.argtypes = [_POINTER] * 8
    library.add_links.argtypes = [_POINTER] * 3 + [_SIZE]
    library.add_links.restype = None
    library.probabilities.argtypes = [_SIZE, *[_POINTER] * 6, _SIZE, _POINTER, ctypes.c_float, _POINTER]
    library.probabilities.restype = None
    library.buckets.argtypes = [_SIZE, *[_POINTER] * 6]
    library.buckets.restype = None
    return library


# Its functions release the interpreter's lock.
LIBRARY: Any = _load()


class _Arguments:
    """Arrays as C reads them, kept alive as long as a call lasts."""

    def __init__(self) -> None:
        self.kept: List[Any] = []

    def array(self, values: Any, dtype: Any, shape: Tuple[int, ...]) -> int:
        """RETURNS (int): The address of an array with this type and shape, copied if it has another type or order.
        RAISES: ValueError if it has another shape.
        """
        values = np.ascontiguousarray(values, dtype=dtype)
        if values.shape != shape:
            raise ValueError(f"an array has the shape {values.shape} in place of {shape}")
        self.kept.append(values)
        return int(values.ctypes.data)

    def pointers(self, addresses: Sequence[int]) -> Any:
        """RETURNS (Any): An array of addresses."""
        return (_POINTER * len(addresses))(*addresses)

    def chain(self, jumps: Any, null: float, statistics: Any) -> Any:
        """RETURNS (Any): The struct of one direction. See `hmm.posteriors`."""
        wanted = (None, None) if statistics is None else (statistics.moved, statistics.began)
        return _Chain(
            self.array(jumps.move, np.float32, jumps.move.shape),
            self.array(jumps.start, np.float32, jumps.start.shape),
            null,
            *(None if sums is None else _changed(sums) for sums in wanted),
        )


def _changed(values: npt.NDArray[Any]) -> int:
    """RETURNS (int): The address of an array that C writes to."""
    if not values.flags.c_contiguous:
        raise ValueError("an array that is written to has gaps")
    return int(values.ctypes.data)


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
    take = _Arguments()
    failed = getattr(LIBRARY, _POSTERIORS[emission.dtype])(
        ctypes.byref(take.chain(jumps, null, statistics)),
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


def expected_links(
    batch: Any,
    cells: Int,
    tables: Sequence[Float],
    empty: Sequence[Float],
    jumps: Sequence[Any],
    null: float,
    statistics: Sequence[Any],
) -> Tuple[Float, Float, Float]:
    """The products of the posteriors of both directions.

    batch (Batch): The sentence pairs. cells (Int): (target, batch, source) positions of their word pairs in `tables`.
    tables (Sequence[Float]): (pairs,) probabilities, forward and reverse.
    empty (Sequence[Float]): (words,) probabilities of the target words and of the source words given the empty word.
    jumps (Sequence[Jumps]), statistics (Sequence[Statistics]): Of each direction; the latter are added to.
    null (float): Probability of the empty word.
    RETURNS (Tuple[Float, Float, Float]): The (target, batch, source) products, and the posteriors of each target word
        and of each source word, added up: (batch, target) and (batch, source).
    """
    targets, size, sources = cells.shape
    _check_lengths(batch.source_length, sources)
    _check_lengths(batch.target_length, targets)
    take = _Arguments()
    struct = _Batch(
        targets,
        size,
        sources,
        take.array(batch.source_length, np.intc, (size,)),
        take.array(batch.target_length, np.intc, (size,)),
        take.array(batch.source, np.int32, (size, sources)),
        take.array(batch.target, np.int32, (size, targets)),
        take.array(cells, np.int32, cells.shape),
    )
    links = np.zeros(cells.shape, dtype=np.float32)
    linked_target, linked_source = np.zeros((size, targets)), np.zeros((size, sources))
    failed = LIBRARY.expected_links(
        ctypes.byref(struct),
        *(ctypes.byref(take.chain(one, null, sums)) for one, sums in zip(jumps, statistics, strict=True)),
        take.pointers([take.array(table, np.float32, table.shape) for table in tables]),
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
    take = _Arguments()
    size = cells.size
    LIBRARY.add_links(
        _changed(sums),
        take.array(cells.reshape(-1), np.int32, (size,)),
        take.array(links.reshape(-1), np.float32, (size,)),
        size,
    )


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
    take = _Arguments()
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
    LIBRARY.buckets(
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
    tables: Sequence[Float],
) -> None:
    """Write the translation probabilities of all word pairs, the same to the last bit as `both_directions` computes.

    pairs (Tuple[Int, Int]): Their source words and their target words. links (npt.NDArray): Their expected links.
    stems (Int): The position of the stems of each pair in `stem_links`, which are the expected links of stems.
    alike (npt.NDArray): The pairs that are spelled alike, in order, and their `kinds` in both directions.
    directions (Sequence[Direction]): Both directions. strength (float): Weight of the prior.
    tables (Sequence[Float]): The results: float32 arrays, forward and reverse.
    """
    take = _Arguments()
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
    LIBRARY.probabilities(
        size,
        *(take.array(side, np.int32, (size,)) for side in pairs),
        take.array(links, np.float64, (size,)),
        take.array(stems, np.int32, (size,)),
        take.array(stem_links, np.float32, stem_links.shape),
        take.array(alike, np.int64, alike.shape),
        len(alike),
        words,
        strength,
        take.pointers([_changed(table) for table in tables]),
    )
