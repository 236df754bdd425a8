"""Write a corpus in one go: a DocBin file or a folder of shards, which is moved to its place when it is complete."""

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

    outputs (Sequence): The path of each corpus, a `.spacy` file or a folder, and its Docs, which are read once.
    made_by (str): The command, for the manifests. It replaces only folders that the same command made.
    inputs (Sequence[PathLike]): The files and folders that the Docs come from.
    settings (Mapping): The command's options, for the manifests. shard_size (int): Docs a shard.
    RETURNS (List[int]): The number of Docs of each corpus. RAISES: XnerError for an output that holds something else,
        or that is also an input; InputError if an input has changed meanwhile.
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
        # A pipe can be read only once; for a missing file, its reader raises the error.
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
        # The file would be mistaken for a shard, or the next run would refuse it.
        raise XnerError(f"{path}: the folder holds the shards of a corpus.", "Choose a place outside that folder.")
    return FileAside(path, "wb")


def _fill(aside: Any, docs: Iterable[Doc], shard_size: int) -> int:
    """Write Docs to a temporary file or folder. RETURNS (int): The number of Docs."""
    if isinstance(aside, FileAside):
        file = aside.open()
        data, counts = packed(docs)
        file.write(data)
        return counts["sentences"]
    aside.open()
    for shard in minibatch(docs, shard_size):
        aside.add(*packed(shard))
    if not aside.entries:
        # An empty corpus gets one empty shard, so that it can be read.
        aside.add(*packed([]))
    return sum(entry["sentences"] for entry in aside.entries.values())


class FolderAside(Aside):
    """A folder of shards that is built next to its final path, and moved there when it is complete (see
    `writing.all_or_none`). An existing folder that xner_spacy wrote is replaced; one with any other content is refused
    before the first shard is made.

    path (Path): The final path. made_by (str): The command. identity (Json): What the shards are made from.
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
        """Add a shard. data (bytes): A DocBin. counts (Json): Its counts."""
        name = shard_name(len(self.entries))
        self._write(name, data)
        self.entries[name] = describe(counts, data)

    def finish(self) -> None:
        """Write the manifest."""
        manifest = make_manifest(self.made_by, self.identity, {}, self.entries)
        self._write(MANIFEST, to_json(manifest).encode("utf8"))

    def _write(self, name: str, data: bytes) -> None:
        # The file needs no temporary name of its own, because its folder is temporary.
        assert self.temporary is not None
        with self.working(), (self.temporary / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def put_in_place(self, keep_backup: bool) -> None:
        """Move the folder to its place; the folder that was there is a backup until all outputs are in place."""
        assert self.temporary is not None
        with self.working():
            require_ours(self.path, self.made_by, whole=True)
            # A replaced file passes on its permissions; a new one gets the default permissions.
            self.temporary.chmod(permissions(self.place, 0o777))
            for file in self.temporary.iterdir():
                replaced = (self.place / file.name, self.place / shard_name(0))
                file.chmod(permissions(next((path for path in replaced if path.is_file()), None)))
            if self.place.exists():
                self.backup = Path(tempfile.mkdtemp(**beside(self.place, ".old")))
                self.backup.rmdir()
                self.place.rename(self.backup)
            self.temporary.rename(self.place)
            self.temporary, self.is_put = None, True

    def take_back(self) -> None:
        """Restore the backup."""
        if self.is_put and self.place.exists():
            shutil.rmtree(self.place)
        if self.backup is not None:
            self.backup.rename(self.place)
            self.backup = None

    def discard(self) -> None:
        """Remove the temporary folder, and the files of the backup that xner_spacy wrote."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
        if self.backup is not None:
            manifest = read_manifest(self.backup)
            for path in list(self.backup.iterdir()):
                if is_ours(path, manifest):
                    path.unlink()
            with suppress(OSError):
                self.backup.rmdir()
