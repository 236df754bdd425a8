"""The files that the jobs of a study read, checked for changes since the plan was made, and samples of them.

A run takes hours. If a file is replaced meanwhile, results of old and new data would get the same, old checksum.

Samples are nested: for the same draw, a larger sample contains every smaller one. A draw is an order of the whole pool;
the sample of size n is its first n sentences.
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

# The folders of the jobs that a job depends on, by kind.
Parents = Dict[str, Path]
KEY_LENGTH = 16
KEPT = "What was measured before is kept. Run again, when the file will not change any more."
# Strata: source sentences by their set of labels, target sentences by their length in powers of two.
STRATA: Dict[str, Callable[[Doc], Hashable]] = {
    "source": lambda doc: " ".join(sorted({ent.label_ for ent in doc.ents})),
    "target": lambda doc: len(doc).bit_length(),
}


class InputChanged(InputError):
    """A file of the study has changed since the run began; see `InputError`."""


def checksum(contents: Iterable[bytes]) -> str:
    """RETURNS (str): The hash of a DocBin file or of the shards of a folder, independent of their names."""
    combined = hashlib.sha256()
    for data in contents:
        combined.update(hashlib.sha256(data).digest())
    return combined.hexdigest()[:KEY_LENGTH]


def file_checksum(path: Path) -> str:
    """RETURNS (str): The checksum of a DocBin file or folder. RAISES: InputError if there is none."""
    return checksum(read_bytes(file) for file in docbin_paths(path))


class Inputs:
    """Reads a study's files.

    paths (Dict[str, Path]): Their paths, by name. checksums (Dict[str, str]): Their expected checksums.
    """

    def __init__(self, paths: Dict[str, Path], checksums: Dict[str, str]) -> None:
        self.paths = paths
        self.checksums = checksums

    def read(self, name: str) -> DocBin:
        """RETURNS (DocBin): A file, or all shards of a folder; no Docs are created. RAISES: InputChanged if it has
        changed since the run began.
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
        """RETURNS (List[Doc]): The Docs of a file, all or some by their indices. RAISES: See `read`."""
        docbin = self.read(name)
        return list(docs_of(docbin if which is None else part_of(docbin, which), vocab, self.paths[name]))

    def sample(self, side: str, params: Json, vocab: Vocab) -> List[int]:
        """Draw sentences of the labelled "source" text, or of the unlabelled "target" text of a language.

        params (Dict[str, Any]): Parameters of the job: `n_source` or `n_target`, `draw`, `sampling` and `lang`;
            `text`, the name of the file, if it is not the study's own.
        RETURNS (List[int]): Their indices in the file. RAISES: See `read`; XnerError if there are too few.
        """
        name, pool, description = "source", "source", "labelled source text"
        if side == "target":
            pool = params["lang"]
            name, description = params.get("text", f"target {pool}"), f"unlabelled text of {pool!r}"
        docbin = self.read(name)
        strata: List[Any] = [None] * len(docbin)  # uniform sampling needs only their number
        if params["sampling"] != "uniform":
            strata = [STRATA[side](doc) for doc in docbin.get_docs(vocab)]
        return take(order(strata, params["draw"], pool, params["sampling"]), params[f"n_{side}"], description)


def order(strata: Sequence[Hashable], draw: int, name: str, method: str = "uniform") -> List[int]:
    """Draw a random order of a pool.

    strata (Sequence[Hashable]): The stratum of each sentence; used only by "stratified".
    draw (int): The number of the draw. name (str): Name of the pool, so that two pools with the same draw are ordered
        independently.
    method (str): "uniform", or "stratified": in every prefix each stratum has about its share in the pool, within one
        sentence or so.
    RETURNS (List[int]): Indices into the pool.
    """
    rng = np.random.default_rng([draw, zlib.crc32(name.encode("utf8"))])
    shuffled = [int(index) for index in rng.permutation(len(strata))]
    if method == "uniform":
        return shuffled
    indices_by_stratum: Dict[Hashable, List[int]] = defaultdict(list)
    for index in shuffled:
        indices_by_stratum[strata[index]].append(index)
    # The k-th of n sentences of a stratum is placed at about k / n; each stratum has a random offset, so that their
    # sentences do not all come at the same positions.
    relative_position = {}
    for group in indices_by_stratum.values():
        offset = float(rng.random())
        for position, index in enumerate(group):
            relative_position[index] = (position + offset) / len(group)
    return sorted(shuffled, key=lambda index: relative_position[index])


def take(pool: Sequence[int], n: int, what: str) -> List[int]:
    """RETURNS (List[int]): The first n indices. RAISES: XnerError if there are too few."""
    if n > len(pool):
        raise XnerError(
            f"{n} sentences of {what} are needed, and there are {len(pool)}.",
            "Use sizes within those of the data, or add data.",
        )
    return list(pool[:n])
