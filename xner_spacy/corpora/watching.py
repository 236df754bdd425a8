"""Detect changes in everything that the output of a run depends on: files by checksums, libraries by versions."""

import hashlib
import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from ..about import __version__
from ..errors import InputError
from ..types import PathLike
from .reading import reading

# The distributions that every pipeline uses, and those that only some pipelines load, as modules of the same names.
ALWAYS = ("spacy", "thinc", "numpy")
WHERE_LOADED = (
    *("torch", "transformers", "tokenizers", "sentencepiece", "ctranslate2", "spacy-transformers"),
    *("spacy-curated-transformers", "simalign", "gliner"),
)
_BLOCK = 1 << 20
_IGNORED = "__pycache__"


def base_versions() -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The versions of the distributions that every output depends on."""
    return {"xner-spacy": __version__, **installed(ALWAYS)}


def loaded_versions() -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The versions of the other libraries that this process has loaded."""
    return installed(name for name in WHERE_LOADED if name.replace("-", "_") in sys.modules)


def installed(names: Iterable[str]) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The versions of distributions, without those that are not installed."""
    versions = {}
    for name in names:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def checksum(path: PathLike) -> str:
    """RETURNS (str): SHA-256 of a file, or of a folder's files with their names. RAISES: InputError if unreadable."""
    path = Path(path)
    digest = hashlib.sha256()
    with reading(path, "a file"):
        for file in _files(path):
            if file != path:
                digest.update(os.fsencode(f"{file.relative_to(path)}\0"))
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()


def joint_checksum(checksums: Iterable[str]) -> str:
    """RETURNS (str): One checksum for several files, made from theirs; for a single file, its own checksum."""
    sums = list(checksums)
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode("ascii")).hexdigest()


def printable(path: PathLike) -> str:
    """RETURNS (str): A path as text that can be written as UTF-8: a name on disk may hold any bytes."""
    return os.fsencode(path).decode("utf8", "backslashreplace")


def _files(path: Path) -> List[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and _IGNORED not in file.parts)


def signature(path: PathLike) -> List[List[Union[str, int]]]:
    """RETURNS (List): Traits of a file, or of a folder's files, that change when it is written or replaced, and that
    need no reading: name, size, times and inode; empty if the file does not exist.
    """
    path = Path(path)
    traits: List[List[Union[str, int]]] = []
    try:
        for file in _files(path):
            stat = file.stat()
            name = "" if file == path else os.fsencode(file.relative_to(path)).hex()
            traits.append([name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino])
    except OSError:
        return []
    return traits


def existing(names: Iterable[Optional[PathLike]]) -> List[str]:
    """RETURNS (List[str]): The names that are existing files or folders; the name of a model may also be one on the
    Hub, or of an installed package.
    """
    return [str(name) for name in names if name and Path(name).exists()]


class WatchedFiles:
    """Files and folders that must not change during a run. A check reads a file only if its signature has changed.

    known (Mapping): By path, the checksum and signature that another process has computed.
    """

    def __init__(self, known: Optional[Mapping[str, Tuple[str, list]]] = None) -> None:
        self.known: Dict[str, Tuple[str, list]] = {path: (seen[0], seen[1]) for path, seen in (known or {}).items()}

    def add(self, paths: Iterable[PathLike], seen: Optional[Mapping[str, list]] = None) -> List[str]:
        """Watch files from now on.

        paths (Iterable): Files or folders. seen (Mapping): Their signatures at an earlier moment; they must not have
            changed since then.
        RETURNS (List[str]): Their checksums. RAISES: InputError if one can't be read.
        """
        names = [str(path) for path in paths]
        for name in names:
            if name not in self.known:
                before = (seen or {}).get(name) or signature(name)
                self.known[name] = (checksum(name), before)
        return [self.known[name][0] for name in names]

    def checksums(self) -> Dict[str, str]:
        """RETURNS (Dict[str, str]): The checksums by path."""
        return {path: checksum for path, (checksum, _) in self.known.items()}

    def check(self, *, thoroughly: bool = False) -> None:
        """RAISES: InputError that names a file which has changed. thoroughly (bool): Read all files again."""
        for path, (expected, seen) in self.known.items():
            current = signature(path)
            if current == seen and not thoroughly:
                continue
            if not current or checksum(path) != expected:
                hint = "What was made before is kept. Put back what was there, or begin anew in another folder."
                raise InputError("has changed since the run began.", path, None, hint)
            self.known[path] = (expected, current)


def changes(before: Mapping, now: Mapping, prefix: str = "") -> Iterator[str]:
    """YIELDS (str): Each difference between two identities, in words."""
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from changes(old, new, f"{prefix}{name} ")
        elif old != new:
            short = [str(value)[:12] + "…" if len(str(value)) > 40 else value for value in (old, new)]
            yield f"{prefix}{name} was {short[0]!r}, is {short[1]!r}"
