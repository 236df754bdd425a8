"""The files that the jobs of a study read, each checked against what the plan was made of, and samples of them.

A run takes hours. A file that is replaced meanwhile would give results of old and new data under the old checksum.

Samples are nested: of one draw, a larger one holds every smaller one. A draw is an order of the whole pool; the sample of
size n is its first n sentences.
"""

import hashlib
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, Dict, Hashable, Iterable, List, Optional, Sequence

import numpy as np
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...corpora.docs import docbin_paths, docs_of, joined, parse_docbin, part_of
from ...corpora.reading import read_bytes
from ...errors import InputError, XnerError
from ...types import Json

KEY_LENGTH = 16
KEPT = "What was measured before is kept. Run again, when the file will not change any more."
# What makes sentences alike: the labels that they have; their length, in powers of two.
STRATA: Dict[str, Callable[[Doc], Hashable]] = {
    "source": lambda doc: " ".join(sorted({ent.label_ for ent in doc.ents})),
    "target": lambda doc: len(doc).bit_length(),
}


class InputChanged(InputError):
    """A file of the study that is not what it was when the run began; see `InputError`."""


def checksum(contents: Iterable[bytes]) -> str:
    """RETURNS (str): The hash of a DocBin file or of the shards of a folder, whatever their names."""
    whole = hashlib.sha256()
    for data in contents:
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()[:KEY_LENGTH]


def file_checksum(path: Path) -> str:
    """RETURNS (str): The checksum of a DocBin file or folder. RAISES: InputError if there is none."""
    return checksum(read_bytes(file) for file in docbin_paths(path))


class Inputs:
    """Reads a study's files.

    paths (Dict[str, Path]): Where they lie, by name. checksums (Dict[str, str]): What each must be.
    """

    def __init__(self, paths: Dict[str, Path], checksums: Dict[str, str]) -> None:
        self.paths = paths
        self.checksums = checksums

    def read(self, name: str) -> DocBin:
        """RETURNS (DocBin): A file, or all shards of a folder, unpacked, no Doc built. RAISES: InputChanged if it is
        not what it was when the run began.
        """
        path = self.paths[name]
        try:
            files = docbin_paths(path)
            contents = [read_bytes(file) for file in files]
        except InputError:
            contents, files = [], []
        if checksum(contents) != self.checksums[name]:
            raise InputChanged("has changed since the run began.", path, hint=KEPT)
        return joined(parse_docbin(data, file) for file, data in zip(files, contents, strict=True))

    def docs(self, name: str, vocab: Vocab, which: Optional[Sequence[int]] = None) -> List[Doc]:
        """RETURNS (List[Doc]): The Docs of a file, all or some by their numbers. RAISES: As `read`."""
        docbin = self.read(name)
        return list(docs_of(docbin if which is None else part_of(docbin, which), vocab, self.paths[name]))

    def sample(self, side: str, params: Json, vocab: Vocab) -> List[int]:
        """Draw sentences of the labelled "source" text, or of the unlabelled "target" text of a language.

        params (Dict[str, Any]): Of the job: `n_source` or `n_target`, `draw`, `sampling` and `lang`.
        RETURNS (List[int]): Their numbers in the file. RAISES: As `read`; XnerError if there are not so many.
        """
        name, pool, said = "source", "source", "labelled source text"
        if side == "target":
            pool = params["lang"]
            name, said = f"target {pool}", f"unlabelled text of {pool!r}"
        whole = self.read(name)
        strata: List[Any] = [None] * len(whole)  # uniform: nothing but their number is read
        if params["sampling"] != "uniform":
            strata = [STRATA[side](doc) for doc in whole.get_docs(vocab)]
        return take(order(strata, params["draw"], pool, params["sampling"]), params[f"n_{side}"], said)


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
    # The k-th of a stratum's n stands at about k / n of the way; the offset is the stratum's own, so that the strata do
    # not all come at the same places.
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
