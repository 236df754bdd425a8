"""The files that the jobs of a study read, each checked against what the plan was made of.

A run takes hours. A file that is replaced meanwhile would give results of old and new data under the old checksum.
"""

import hashlib
from pathlib import Path
from typing import Dict, Iterable, List

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...corpora.docs import docbin_paths
from ...corpora.reading import docs_of, joined, parse_docbin, read_bytes
from ...errors import InputError
from ...types import PathLike

KEY_LENGTH = 16


class InputChanged(InputError):
    """A file of the study that is not what it was when the run began.

    fault (str): What is wrong. path (PathLike): The file.
    """

    def __init__(self, fault: str, path: PathLike) -> None:
        hint = "What was measured before is kept. Run again, when the file will not change any more."
        super().__init__(fault, path, hint=hint)

    def __reduce__(self) -> tuple:
        return (type(self), (self.fault, self.path))


def checksum(contents: Iterable[bytes]) -> str:
    """RETURNS (str): The hash of a DocBin file or of the shards of a folder, whatever their names."""
    found = hashlib.sha256()
    for data in contents:
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()[:KEY_LENGTH]


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
            raise InputChanged("has changed since the run began.", path)
        return unpack(files, contents)

    def docs(self, name: str, vocab: Vocab) -> List[Doc]:
        """RETURNS (List[Doc]): All Docs of a file. RAISES: As `read`."""
        return list(docs_of(self.read(name), vocab, self.paths[name]))


def read_bin(path: Path) -> DocBin:
    """RETURNS (DocBin): A DocBin file of ours or all shards of a folder, unpacked, no Doc built."""
    files = docbin_paths(path)
    return unpack(files, [read_bytes(file) for file in files])


def unpack(files: List[Path], contents: List[bytes]) -> DocBin:
    """RETURNS (DocBin): What DocBin files hold, as one. RAISES: InputError that names the file."""
    return joined(parse_docbin(data, file) for file, data in zip(files, contents, strict=True))
