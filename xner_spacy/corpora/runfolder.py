"""The folder of a run that can be continued: its lock, its manifest, and a journal of the shards that are done.

`manifest.json` says what is annotated by what; it is written when a run begins and when it ends. In between a line is
added to the journal for each shard, so that the cost of a shard does not grow with their number. The line is on the
disk before the shard is in its place: a shard that nobody vouches for is made again. A process that is killed leaves at
worst half a line at the end of the journal, and a file `.*.part`; both are ignored by the next one.
"""

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from filelock import FileLock, Timeout

from ..errors import InputError, XnerError
from ..types import Json
from .inputs import Slice
from .reading import check_shape, read_bytes
from .shard_folder import ANNOTATE, JOURNAL, LOCK, MANIFEST, check_entry, make_manifest, require_ours, shard_name, sweep
from .watching import WatchedFiles, changes, checksum, installed
from .writing import not_written, put_in_place, write_json

# What comes with the entry of a shard, and must be the same for all of them: what each part says of its model, the
# checksums of the files that the parts read, the versions of the libraries that they loaded.
MODELS, FILES, LIBRARIES = "models", "files", "libraries"
ALIKE = (MODELS, FILES, LIBRARIES)
# With the entry too: where the shard lies until it is in the journal.
ASIDE = "aside"

_CHOICE = "Choose another folder, or start anew with --overwrite."


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one process. The lock ends with the process, however that ends. RAISES: XnerError if another
    holds it, or the folder has no lock of ours.
    """
    path = folder / LOCK
    if path.is_symlink() or (path.exists() and not path.is_file()):
        message = f"{path}: is not a lock file of ours, but a link or a folder."
        raise XnerError(message, "Remove it, or choose another folder.")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise XnerError(f"{folder}: another run is writing here.", "Wait for it, or choose another folder.") from None
    except (OSError, NotImplementedError) as error:
        said = getattr(error, "strerror", None) or error
        raise XnerError(f"{path}: could not be locked ({said}).", "Choose a folder on another file system.") from error
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """A run's folder, which this process has locked.

    path (Path): The folder. identity (Json): What the shards depend on: checksums of input and pipeline, settings,
        versions.
    overwrite (bool): Delete the shards of another run, or of this one.
    of_parts (Optional[WatchedFiles]): Checksums of what parts read, as far as known; more are added. A model may have
        gigabytes, and is read once.
    RAISES: XnerError where the folder holds shards of another run or `.spacy` files that are not ours; InputError if it
        is a file, or for a broken manifest or journal.
    """

    def __init__(
        self, path: Path, identity: Json, overwrite: bool = False, of_parts: Optional[WatchedFiles] = None
    ) -> None:
        self.path = path
        self.identity = identity
        self.entries: Dict[str, Json] = {}
        self.alike: Dict[str, Json] = {name: {} for name in ALIKE}
        journal = self._journal()
        manifest = require_ours(path, ANNOTATE, more=journal)
        file = path / MANIFEST
        if manifest is None and (file.exists() or file.is_symlink()):
            raise XnerError(f"{file}: is not a manifest of ours.", "Choose another folder.")
        if manifest is None and journal:
            message = f"{path}: lacks the {MANIFEST} that its journal belongs to."
            raise XnerError(message, "Restore it, or choose another folder.")
        # Whatever is no shard of ours was refused.
        self._own = list(path.glob("*.spacy"))
        self._fresh = manifest is None or overwrite or manifest["identity"] != identity
        if manifest is None or overwrite:
            return
        if self._fresh and self._own:
            differences = "; ".join(changes(manifest["identity"], identity))
            message = f"{path}: holds shards of another input, pipeline or setting ({differences})."
            raise XnerError(message, _CHOICE)
        if not self._fresh:
            known = {**manifest["shards"], **journal}
            self.alike = {name: known.pop(name, manifest.get(name, {})) for name in ALIKE}
            self.entries = known
            self._refuse_other_files_and_libraries(of_parts or WatchedFiles())

    def _refuse_other_files_and_libraries(self, of_parts: WatchedFiles) -> None:
        """What the shards before were made with, beside the pipeline's folder and the input, must be there still."""
        of_parts.add(path for path in self.alike[FILES] if Path(path).exists())
        sums = of_parts.checksums()
        changed = [f"{path} has changed" for path, expected in self.alike[FILES].items() if sums.get(path) != expected]
        changed += changes(self.alike[LIBRARIES], installed(self.alike[LIBRARIES]))
        if changed:
            message = f"{self.path}: holds shards that were made with something else ({'; '.join(changed)})."
            raise XnerError(message, f"Put back what was there. {_CHOICE}")

    def _journal(self) -> Dict[str, Json]:
        """The entries of the journal by shard, and what must be the same for all shards."""
        file = self.path / JOURNAL
        entries: Dict[str, Json] = {}
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise XnerError(f"{file}: is not a journal of ours.", "Choose another folder.")
        lines = read_bytes(file).split(b"\n")[:-1] if file.exists() else []
        for line in lines:
            # Left out is half a line, from a run that was killed, with another one's after it; and what is not of our
            # making. The shard that it may have named is made again.
            with suppress(ValueError, TypeError, RecursionError):
                name, entry = json.loads(line)
                if name in ALIKE:
                    check_shape(entry, Dict[str, Any], file)
                else:
                    check_entry(name, entry, file)
                entries[name] = entry
        return entries

    def clean(self) -> None:
        """Take away the shards of another run, or on `overwrite` of this one, and what was left half-written."""
        if self._fresh:
            for shard in self._own:
                shard.unlink(missing_ok=True)
            (self.path / JOURNAL).unlink(missing_ok=True)
        sweep(self.path)

    def missing(self, pieces: List[Slice]) -> List[Slice]:
        """RETURNS (List[Slice]): The pieces to make: their shards are not there, or are not what was written."""
        todo = []
        known, self.entries = self.entries, {}
        for piece in pieces:
            name = shard_name(piece.number)
            # What can't be read is made again.
            with suppress(InputError):
                if name in known and checksum(self.path / name) == known[name].get("sha256"):
                    self.entries[name] = known[name]
                    continue
            todo.append(piece)
        return todo

    def record(self, piece: Slice, entry: Json) -> None:
        """Note in the journal that a shard is done, and put it in its place.

        piece (Slice): Which shard. entry (Json): Its entry, with what must be alike in all, and where it lies.
        RAISES: XnerError if the disk is full, or if models, files or libraries are others than those of the shards
            before.
        """
        name = shard_name(piece.number)
        aside = Path(entry.pop(ASIDE))
        for kind in ALIKE:
            self._agree(kind, entry.pop(kind))
        self._note(name, entry)
        # Another machine may know the folder by another name.
        put_in_place(self.path / aside.name, self.path / name)
        self.entries[name] = entry

    def _agree(self, kind: str, made_with: Mapping[str, Any]) -> None:
        known = self.alike[kind]
        for key, value in made_with.items():
            if known.get(key, value) == value:
                continue
            if kind == FILES:
                raise InputError("has changed since the run began.", key, None, f"Put back what was there. {_CHOICE}")
            what, hint = key, f"Install that version. {_CHOICE}"
            if kind == MODELS:
                what = f"the model of {key}"
                hint = "Name its revision in the pipeline's config, or start anew with --overwrite."
            message = f"{self.path}: {what} is {value}; the shards before were made with {known[key]}."
            raise XnerError(message, hint)
        if not made_with.keys() <= known.keys():
            known.update(made_with)
            self._note(kind, known)

    def _note(self, name: str, entry: Json) -> None:
        line = json.dumps([name, entry]).encode("utf8") + b"\n"
        try:
            with (self.path / JOURNAL).open("a+b") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        # After half a line that a killed run left, this one begins on its own.
                        line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            hint = "Free some space and run again; the finished shards are kept."
            raise not_written(self.path, error, hint) from error

    def write_manifest(self, facts: Json, *, planned: int, done: bool) -> Json:
        """Write the manifest; at the end of a run with the totals, and the journal goes. RETURNS (Json): It.

        facts (Json): What is told beside the identity. planned (int): Shards of the whole run.
        """
        facts = {**facts, **self.alike, "planned": planned}
        manifest = make_manifest(ANNOTATE, self.identity, facts, self.entries, done=done)
        write_json(self.path / MANIFEST, manifest)
        if done:
            (self.path / JOURNAL).unlink(missing_ok=True)
        return manifest
