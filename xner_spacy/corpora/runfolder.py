"""The folder of a run that can be continued: its lock, its manifest, and a journal of the shards that are done.

`manifest.json` says what is annotated by what; it is written when a run begins and when it ends. In between a line is
added to the journal for each shard, so that the cost of a shard does not grow with their number. The line is on the disk
before the shard is in its place: a shard that nobody vouches for is made again. A process that is killed leaves at worst
half a line at the end of the journal, and a file `.*.part`; both are ignored by the next one.
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
from .reading import check_shape
from .shard_folder import (
    ANNOTATE,
    JOURNAL,
    LOCK,
    MANIFEST,
    check_entry,
    make_manifest,
    parse_journal,
    read_manifest,
    refuse_strangers,
    shard_name,
    sweep,
    totals,
)
from .watching import WatchedFiles, changes, checksum, installed
from .writing import put_in_place, write_json

# What comes with the entry of a shard, and must be the same for all of them: what each part says of its model, the
# checksums of the files that the parts read, the versions of the libraries that they loaded.
MODELS, FILES, LIBRARIES = "models", "files", "libraries"
ALIKE = (MODELS, FILES, LIBRARIES)
# With the entry too: where the shard lies until it is in the journal.
ASIDE = "aside"

_CHOICE = "Choose another folder, or start anew with --overwrite."


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one process. The lock ends with the process, however that ends.

    RAISES: XnerError if another holds it, or the folder has no lock of ours.
    """
    path = folder / LOCK
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise XnerError(
            f"{path}: is not a lock file of ours, but a link or a folder.", "Remove it, or choose another folder."
        )
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
    RAISES: XnerError where the folder holds shards of another run or `.spacy` files that are not ours; InputError for a
        broken manifest or journal.
    """

    def __init__(
        self, path: Path, identity: Json, overwrite: bool = False, of_parts: Optional[WatchedFiles] = None
    ) -> None:
        self.path = path
        self.identity = identity
        self.entries: Dict[str, Json] = {}
        self.alike: Dict[str, Json] = {name: {} for name in ALIKE}
        manifest = read_manifest(path)
        journal = self._journal()
        self._refuse_what_is_not_ours(manifest, journal)
        # Whatever is no shard of ours was refused.
        self._own = list(path.glob("*.spacy"))
        same = manifest is not None and manifest["identity"] == identity
        if self._own and not same and not overwrite:
            assert manifest is not None
            what = "; ".join(changes(manifest["identity"], identity))
            raise XnerError(f"{path}: holds shards of another input, pipeline or setting ({what}).", _CHOICE)
        self._fresh = overwrite or not same
        if not self._fresh:
            assert manifest is not None
            known = {**manifest["shards"], **journal}
            self.alike = {name: known.pop(name, manifest.get(name, {})) for name in ALIKE}
            self.entries = known
            self._refuse_other_files_and_libraries(of_parts or WatchedFiles())

    def _refuse_what_is_not_ours(self, manifest: Any, journal: Mapping) -> None:
        file = self.path / MANIFEST
        if manifest is None and (file.exists() or file.is_symlink()):
            raise XnerError(f"{file}: is not a manifest of ours.", "Choose another folder.")
        if manifest is None and journal:
            raise XnerError(
                f"{self.path}: lacks the {MANIFEST} that its journal belongs to.",
                "Restore it, or choose another folder.",
            )
        maker = manifest.get("made_by", ANNOTATE) if manifest else ANNOTATE
        if maker != ANNOTATE:
            raise XnerError(f"{self.path}: holds shards that `{maker}` made.", "Choose another folder.")
        refuse_strangers(self.path, manifest, more=journal)

    def _refuse_other_files_and_libraries(self, of_parts: WatchedFiles) -> None:
        """What the shards before were made with, beside the pipeline's folder and the input, must be there still."""
        of_parts.add(path for path in self.alike[FILES] if Path(path).exists())
        found = of_parts.checksums()
        changed = [f"{path} has changed" for path, expected in self.alike[FILES].items() if found.get(path) != expected]
        now = installed(self.alike[LIBRARIES])
        changed += changes(self.alike[LIBRARIES], now)
        if changed:
            raise XnerError(
                f"{self.path}: holds shards that were made with something else ({'; '.join(changed)}).",
                f"Put back what was there. {_CHOICE}",
            )

    def _journal(self) -> Dict[str, Json]:
        file = self.path / JOURNAL
        entries: Dict[str, Json] = {}
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise XnerError(f"{file}: is not a journal of ours.", "Choose another folder.")
        if not file.exists():
            return entries
        for name, entry in parse_journal(file):
            with suppress(InputError):
                if name in ALIKE:
                    check_shape(entry, Dict[str, Any], file)
                else:
                    check_entry(name, entry, file)
                entries[name] = entry
        return entries

    def clean(self) -> None:
        """Take away what is not this run's: on `overwrite` the shards that the manifest names, and always what was left
        half-written.
        """
        if self._fresh:
            for shard in self._own:
                shard.unlink(missing_ok=True)
            (self.path / JOURNAL).unlink(missing_ok=True)
        self.sweep()

    def sweep(self) -> None:
        """Take away what was left half-written."""
        sweep(self.path)

    def missing(self, pieces: List[Slice]) -> List[Slice]:
        """Find what is to do: shards that are not there, or are not what was written.

        pieces (List[Slice]): All shards of the run. RETURNS (List[Slice]): Those to make.
        """
        todo = []
        known, self.entries = self.entries, {}
        for piece in pieces:
            name = shard_name(piece.number)
            entry = known.get(name)
            if self._fresh or entry is None or not self._is_sound(name, entry):
                todo.append(piece)
            else:
                self.entries[name] = entry
        return todo

    def _is_sound(self, name: str, entry: Json) -> bool:
        with suppress(InputError):
            return checksum(self.path / name) == entry.get("sha256")
        return False

    def record(self, name: str, entry: Json) -> None:
        """Note in the journal that a shard is done, and put it in its place.

        name (str): The shard. entry (Json): Its entry, with what must be the same for all shards, and where it lies.
        RAISES: XnerError if the disk is full, or if models, files or libraries are others than those of the shards
            before.
        """
        aside = Path(entry.pop(ASIDE)) if ASIDE in entry else None
        for kind in ALIKE:
            self._agree(kind, entry.pop(kind, {}))
        self._note(name, entry)
        if aside is not None:
            # Another machine may know the folder by another name.
            put_in_place(self.path / aside.name, self.path / name)
        self.entries[name] = entry

    def _agree(self, kind: str, found: Mapping[str, Any]) -> None:
        known = self.alike[kind]
        fresh = {key: value for key, value in found.items() if key not in known}
        for key, value in found.items():
            if key in fresh or known[key] == value:
                continue
            if kind == MODELS:
                raise XnerError(
                    f"{self.path}: the model of {key} is {value}; the shards before were made with {known[key]}.",
                    "Name its revision in the pipeline's config, or start anew with --overwrite.",
                )
            if kind == FILES:
                raise InputError("has changed since the run began.", key, None, f"Put back what was there. {_CHOICE}")
            raise XnerError(
                f"{self.path}: {key} is {value}; the shards before were made with {known[key]}.",
                f"Install that version. {_CHOICE}",
            )
        if fresh:
            known.update(fresh)
            self._note(kind, known)

    def _note(self, name: str, entry: Json) -> None:
        try:
            with (self.path / JOURNAL).open("ab") as file:
                # After half a line that a killed run left, this one begins on its own.
                line = json.dumps([name, entry]).encode("utf8")
                file.write(b"\n" + line + b"\n" if _open_ended(file) else line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise XnerError(
                f"{self.path}: could not be written ({error.strerror or error}).",
                "Free some space and run again; the finished shards are kept.",
            ) from error

    def write_manifest(self, facts: Json, *, planned: int, done: bool) -> Json:
        """Write the manifest; at the end of a run with the totals, and the journal goes.

        facts (Json): What is told beside the identity. planned (int): Shards of the whole run.
        RETURNS (Json): The manifest.
        """
        told = {**facts, **self.alike, "planned": planned}
        manifest = make_manifest(ANNOTATE, self.identity, told, self.entries)
        if done:
            manifest["totals"] = totals(self.entries.values())
        write_json(self.path / MANIFEST, manifest)
        if done:
            (self.path / JOURNAL).unlink(missing_ok=True)
        return manifest


def _open_ended(file: Any) -> bool:
    if not file.tell():
        return False
    with open(file.name, "rb") as reader:  # noqa: PTH123  (the same file, for reading)
        reader.seek(-1, os.SEEK_END)
        return reader.read(1) != b"\n"


def prepare(output: Path) -> None:
    """Make the folder. RAISES: InputError if it is a file."""
    if output.exists() and not output.is_dir():
        raise InputError("is a file; the shards need a folder.", output)
    output.mkdir(parents=True, exist_ok=True)
