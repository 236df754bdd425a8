"""Writing a corpus that is made at once: a DocBin file or a folder of shards, put in its place when it is whole."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from spacy.tokens import Doc
from spacy.util import minibatch

from ..errors import XnerError
from ..types import Json, PathLike
from .docs import docbin_paths, packed
from .shard_folder import (
    MANIFEST,
    describe,
    is_ours,
    make_manifest,
    read_manifest,
    refuse_overlap,
    require_ours,
    shard_name,
)
from .watching import WatchedFiles, base_versions, joint_checksum, printable
from .writing import Aside, FileAside, all_or_none, beside, permissions, to_json

SHARD_SIZE = 1000


def is_folder_output(path: PathLike) -> bool:
    """RETURNS (bool): Whether an output is a folder of shards: it has no ending, or is a folder that does not end with
    .spacy.
    """
    suffix = Path(path).suffix
    return not suffix or (suffix != ".spacy" and Path(path).is_dir())


def write_docbins(
    outputs: Sequence[Tuple[PathLike, Iterable[Doc]]],
    *,
    made_by: str,
    inputs: Sequence[PathLike],
    settings: Optional[Mapping[str, Any]] = None,
    shard_size: int = SHARD_SIZE,
) -> List[int]:
    """Write corpora that belong together: all of them, or none.

    outputs (Sequence): For each where it goes, a `.spacy` file or a folder, and its Docs, taken once, in order.
    made_by (str): The command, for the manifests. It replaces what it has made before, and nothing else.
    inputs (Sequence[PathLike]): The files and folders that the Docs come from.
    settings (Mapping): The command's options, for the manifests. shard_size (int): Docs a shard.
    RETURNS (List[int]): Docs of each. RAISES: XnerError for a place that holds something else, or that is read;
        InputError if an input has changed meanwhile.
    """
    watched = WatchedFiles()
    identity = _identity(watched, inputs, {**(settings or {}), "shard_size": shard_size})
    with all_or_none() as asides:
        for path, _ in outputs:
            asides.append(_aside(Path(path), inputs, made_by, identity))
        counts = [_fill(aside, docs, shard_size) for aside, (_, docs) in zip(asides, outputs, strict=True)]
        watched.check()
    return counts


def _identity(watched: WatchedFiles, inputs: Sequence[PathLike], settings: Json) -> Json:
    sums: Json = {}
    for path in inputs:
        # A pipe can be read once only; what does not exist is told of by its reader.
        if Path(path).is_dir() or Path(path).is_file():
            sums[printable(path)] = joint_checksum(watched.add(docbin_paths(path)))
    return {"inputs": sums, "versions": base_versions(), "settings": settings}


def _aside(path: Path, inputs: Sequence[PathLike], made_by: str, identity: Json) -> Aside:
    if is_folder_output(path):
        refuse_overlap(inputs, path)
        return FolderAside(path, made_by, identity)
    if path.suffix != ".spacy":
        message = f"{path}: no corpus can be written with the ending {path.suffix!r}."
        raise XnerError(message, "Use .spacy, or a name without ending for a folder of shards.")
    if read_manifest(Path(os.path.realpath(path)).parent) is not None:
        # It would be taken for one of them, or be in the way of the next run.
        raise XnerError(f"{path}: the folder holds the shards of a corpus.", "Choose a place outside that folder.")
    return FileAside(path, "wb")


def _fill(aside: Any, docs: Iterable[Doc], shard_size: int) -> int:
    """Write Docs aside. RETURNS (int): Their number."""
    if isinstance(aside, FileAside):
        file = aside.open()
        data, counts = packed(docs)
        file.write(data)
        return counts["sentences"]
    aside.open()
    for shard in minibatch(docs, shard_size):
        aside.add(*packed(shard))
    if not aside.entries:
        # Of an empty corpus there is one empty shard, so that it can be read.
        aside.add(*packed([]))
    return sum(entry["sentences"] for entry in aside.entries.values())


class FolderAside(Aside):
    """A folder of shards on its way to its place: built beside it, and moved there when it is whole (see
    `writing.all_or_none`). A folder of ours that was there is taken away then; one that holds anything else is refused
    before the first shard is made.

    path (Path): Where it goes. made_by (str): The command. identity (Json): What the shards are made of.
    """

    def __init__(self, path: Path, made_by: str, identity: Json) -> None:
        super().__init__(path)
        self.made_by = made_by
        self.identity = identity
        self.entries: Dict[str, Json] = {}
        require_ours(path, made_by, whole=True)

    def open(self) -> None:
        """Make the folder in which the shards are built."""
        with self.working():
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = Path(tempfile.mkdtemp(**beside(self.place)))

    def add(self, data: bytes, counts: Json) -> None:
        """Add a shard. data (bytes): A DocBin. counts (Json): What is counted of it."""
        name = shard_name(len(self.entries))
        self._write(name, data)
        self.entries[name] = describe(counts, data)

    def finish(self) -> None:
        """Write the manifest."""
        manifest = make_manifest(self.made_by, self.identity, {}, self.entries)
        self._write(MANIFEST, to_json(manifest).encode("utf8"))

    def _write(self, name: str, data: bytes) -> None:
        # The folder as a whole is what lies aside.
        assert self.temporary is not None
        with self.working(), (self.temporary / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def put_in_place(self, keep_backup: bool) -> None:
        """Move the folder to its place; what was there is kept aside until all is in place."""
        assert self.temporary is not None
        with self.working():
            require_ours(self.path, self.made_by, whole=True)
            # What is replaced keeps its permissions; what is new has those of any new file.
            self.temporary.chmod(permissions(self.place, 0o777))
            for file in self.temporary.iterdir():
                before = (self.place / file.name, self.place / shard_name(0))
                file.chmod(permissions(next((path for path in before if path.is_file()), None)))
            if self.place.exists():
                self.backup = Path(tempfile.mkdtemp(**beside(self.place, ".old")))
                self.backup.rmdir()
                self.place.rename(self.backup)
            self.temporary.rename(self.place)
            self.temporary, self.is_put = None, True

    def take_back(self) -> None:
        """Put back what was there."""
        if self.is_put and self.place.exists():
            shutil.rmtree(self.place)
        if self.backup is not None:
            self.backup.rename(self.place)
            self.backup = None

    def discard(self) -> None:
        """Take away what lies aside, but of what was there nothing that is not ours."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
        if self.backup is not None:
            manifest = read_manifest(self.backup)
            for path in list(self.backup.iterdir()):
                if is_ours(path, manifest):
                    path.unlink()
            with suppress(OSError):
                self.backup.rmdir()
