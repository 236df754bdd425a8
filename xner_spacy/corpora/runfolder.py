"""The folder of a run that can be continued: its lock, its manifest, and a journal of the finished shards.

`manifest.json` names the input and the pipeline; it is written when a run begins and when it ends. In between, each
shard adds a line to the journal, so that the cost of a shard does not grow with their number. The line is on the disk
before the shard is in its place; a shard without a line is made again. A killed process leaves at most half a line at
the end of the journal, and a file `.*.part`; the next run ignores both.
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

# Keys of a shard's entry whose values must be the same for all shards: the identity of each part's model, the checksums
# of the files that the parts read, the versions of the libraries that they loaded.
MODELS, FILES, LIBRARIES = "models", "files", "libraries"
ALIKE = (MODELS, FILES, LIBRARIES)
# Another key of the entry: the temporary path of the shard until it is in the journal.
ASIDE = "aside"

_CHOICE = "Choose another folder, or start anew with --overwrite."


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder for one process. The lock ends with the process, even if it is killed. RAISES: XnerError if
    another process holds the lock, or its path is not a lock file.
    """
    path = folder / LOCK
    if path.is_symlink() or (path.exists() and not path.is_file()):
        message = f"{path}: is not a lock file, but a link or a folder."
        raise XnerError(message, "Remove it, or choose another folder.")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise XnerError(f"{folder}: another run is writing here.", "Wait for it, or choose another folder.") from None
    except (OSError, NotImplementedError) as error:
        cause = getattr(error, "strerror", None) or error
        raise XnerError(f"{path}: could not be locked ({cause}).", "Choose a folder on another file system.") from error
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """A run's folder, which this process has locked.

    path (Path): The folder. identity (Json): What the shards depend on: checksums of input and pipeline, settings,
        versions.
    overwrite (bool): Delete the shards of another run, or of this one.
    of_parts (Optional[WatchedFiles]): The known checksums of files that parts read; new ones are added. They are kept
        because a model may have gigabytes.
    RAISES: XnerError if the folder holds shards of another run, or `.spacy` files that xner_spacy did not write;
        InputError if it is a file, or for a broken manifest or journal.
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
            raise XnerError(f"{file}: is not a manifest that xner wrote.", "Choose another folder.")
        if manifest is None and journal:
            message = f"{path}: lacks the {MANIFEST} that its journal belongs to."
            raise XnerError(message, "Restore it, or choose another folder.")
        # `require_ours` has refused any shard of another program.
        self._own_shards = list(path.glob("*.spacy"))
        self._fresh = manifest is None or overwrite or manifest["identity"] != identity
        if manifest is None or overwrite:
            return
        if self._fresh and self._own_shards:
            differences = "; ".join(changes(manifest["identity"], identity))
            message = f"{path}: holds shards of another input, pipeline or setting ({differences})."
            raise XnerError(message, _CHOICE)
        if not self._fresh:
            known = {**manifest["shards"], **journal}
            self.alike = {name: known.pop(name, manifest.get(name, {})) for name in ALIKE}
            self.entries = known
            self._refuse_other_files_and_libraries(of_parts or WatchedFiles())

    def _refuse_other_files_and_libraries(self, of_parts: WatchedFiles) -> None:
        """RAISES: XnerError unless the existing shards were made with the current files and libraries."""
        of_parts.add(path for path in self.alike[FILES] if Path(path).exists())
        sums = of_parts.checksums()
        changed = [f"{path} has changed" for path, expected in self.alike[FILES].items() if sums.get(path) != expected]
        changed += changes(self.alike[LIBRARIES], installed(self.alike[LIBRARIES]))
        if changed:
            message = f"{self.path}: holds shards that were made with something else ({'; '.join(changed)})."
            raise XnerError(message, f"Put back what was there. {_CHOICE}")

    def _journal(self) -> Dict[str, Json]:
        """RETURNS (Dict[str, Json]): The entries of the journal by shard, and the values that all shards share."""
        file = self.path / JOURNAL
        entries: Dict[str, Json] = {}
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise XnerError(f"{file}: is not a journal that xner wrote.", "Choose another folder.")
        lines = read_bytes(file).split(b"\n")[:-1] if file.exists() else []
        for line in lines:
            # A broken line is skipped: half a line of a killed run, joined to a line of the next run, or a line that
            # xner_spacy did not write. Its shard, if any, is made again.
            with suppress(ValueError, TypeError, RecursionError):
                name, entry = json.loads(line)
                if name in ALIKE:
                    check_shape(entry, Dict[str, Any], file)
                else:
                    check_entry(name, entry, file)
                entries[name] = entry
        return entries

    def clean(self) -> None:
        """Remove the shards of another run, or with `overwrite` of this one, and half-written files."""
        if self._fresh:
            for shard in self._own_shards:
                shard.unlink(missing_ok=True)
            (self.path / JOURNAL).unlink(missing_ok=True)
        sweep(self.path)

    def missing(self, pieces: List[Slice]) -> List[Slice]:
        """RETURNS (List[Slice]): The pieces to make: their shards do not exist, or have changed."""
        todo = []
        known, self.entries = self.entries, {}
        for piece in pieces:
            name = shard_name(piece.number)
            # An unreadable shard is made again.
            with suppress(InputError):
                if name in known and checksum(self.path / name) == known[name].get("sha256"):
                    self.entries[name] = known[name]
                    continue
            todo.append(piece)
        return todo

    def record(self, piece: Slice, entry: Json) -> None:
        """Note in the journal that a shard is done, and put it in its place.

        piece (Slice): The slice of the shard. entry (Json): Its entry, with the values of `ALIKE` and `ASIDE`.
        RAISES: XnerError if the disk is full, or if models, files or libraries differ from those of the earlier
            shards.
        """
        name = shard_name(piece.number)
        aside = Path(entry.pop(ASIDE))
        for kind in ALIKE:
            self._agree(kind, entry.pop(kind))
        self._note(name, entry)
        # Only the name is used: another machine may have the folder under another path.
        put_in_place(self.path / aside.name, self.path / name)
        self.entries[name] = entry

    def _agree(self, kind: str, made_with: Mapping[str, Any]) -> None:
        known = self.alike[kind]
        for key, value in made_with.items():
            if known.get(key, value) == value:
                continue
            if kind == FILES:
                raise InputError("has changed since the run began.", key, None, f"Put back what was there. {_CHOICE}")
            subject, hint = key, f"Install that version. {_CHOICE}"
            if kind == MODELS:
                subject = f"the model of {key}"
                hint = "Name its revision in the pipeline's config, or start anew with --overwrite."
            message = f"{self.path}: {subject} is {value}; the shards before were made with {known[key]}."
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
                        # Half a line of a killed run must not continue into this one.
                        line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            hint = "Free some space and run again; the finished shards are kept."
            raise not_written(self.path, error, hint) from error

    def write_manifest(self, facts: Json, *, planned: int, done: bool) -> Json:
        """Write the manifest. At the end of a run, add the totals and remove the journal. RETURNS (Json): The manifest.

        facts (Json): Entries in addition to the identity. planned (int): Number of shards of the whole run.
        """
        facts = {**facts, **self.alike, "planned": planned}
        manifest = make_manifest(ANNOTATE, self.identity, facts, self.entries, done=done)
        write_json(self.path / MANIFEST, manifest)
        if done:
            (self.path / JOURNAL).unlink(missing_ok=True)
        return manifest
