"""Nested subsamples: of one draw, a larger one holds every smaller one.

A draw is an order of the whole pool; the subsample of size n is its first n sentences.
"""

import zlib
from collections import defaultdict
from typing import Dict, Hashable, List, Sequence

import numpy as np
from spacy.tokens import Doc

from ...errors import XnerError


def order(strata: Sequence[Hashable], draw: int, name: str, method: str = "uniform") -> List[int]:
    """Draw an order of a pool.

    strata (Sequence[Hashable]): The stratum of each sentence; read by "stratified" alone.
    draw (int): The number of the draw. name (str): Of the pool, so that two pools of one draw are ordered
        independently.
    method (str): "uniform", or "stratified": every prefix holds each stratum by its share of the pool, to within one
        sentence or so.
    RETURNS (List[int]): Indices into the pool.
    """
    rng = np.random.default_rng([draw, zlib.crc32(name.encode("utf8"))])
    shuffled = [int(i) for i in rng.permutation(len(strata))]
    if method == "uniform":
        return shuffled
    members: Dict[Hashable, List[int]] = defaultdict(list)
    for i in shuffled:
        members[strata[i]].append(i)
    # The k-th of a stratum's n stands at about k / n of the way; the offset is the stratum's own, so
    # that the strata do not all come at the same places.
    place = {}
    for group in members.values():
        offset = float(rng.random())
        for k, i in enumerate(group):
            place[i] = (k + offset) / len(group)
    return sorted(shuffled, key=lambda i: place[i])


def take(pool: Sequence[int], n: int, what: str) -> List[int]:
    """RETURNS (List[int]): The first n. RAISES: XnerError if there are not so many."""
    if n > len(pool):
        raise XnerError(
            f"{n} sentences of {what} are asked for, and there are {len(pool)}.",
            "Give sizes that the data has, or more data.",
        )
    return list(pool[:n])


def source_stratum(doc: Doc) -> str:
    """RETURNS (str): Which labels a labelled sentence has."""
    return " ".join(sorted({ent.label_ for ent in doc.ents}))


def target_stratum(doc: Doc) -> int:
    """RETURNS (int): The length of an unlabelled sentence, in powers of two."""
    return len(doc).bit_length()
