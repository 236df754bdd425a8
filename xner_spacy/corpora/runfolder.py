"""The folder of an annotation run: its lock, its manifest, and a journal of the shards that are
done.

`manifest.json` says what is annotated by what; it is written when a run begins and when it ends. In
between a line is added to the journal for each shard, so that the cost of a shard does not grow
with their number. A process that is killed leaves at worst half a line at the end of the journal,
and a file `.*.part`; both are ignored by the next one.
"""

import fcntl
import hashlib
import json
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import spacy
import srsly
from spacy.tokens import DocBin

from ..errors import InputError, XnerError
from ..types import Json
from .counts import summarise
from .inputs import Slice
from .writing import atomic_write

MANIFEST = "manifest.json"
LOCK = ".lock"
JOURNAL = ".journal.jsonl"
# Beside the shards, in the manifest and in the journal: what the pipeline's models are.
MODELS = "models"
# What an entry of the manifest says that is not to be summed.
NOT_COUNTS = ("sha256", "bytes", "seconds")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one process. The lock ends with the process, however that ends.

    RAISES: XnerError if another holds it.
    """
    with (folder / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise XnerError(
                f"{folder}: another run is writing here.", "Wait for it, or choose another folder."
            ) from None
        yield


def shard_name(number: int) -> str:
    """RETURNS (str): The file name of a shard."""
    return f"{number:05d}.spacy"


class RunFolder:
    """A run's folder, which this process has locked.

    path (Path): The folder. identity (Json): What the shards depend on: checksums of input and
        pipeline, settings.
    overwrite (bool): Delete the shards of another run, or of this one.
    RAISES: XnerError where the folder holds shards of another run.
    """

    def __init__(self, path: Path, identity: Json, overwrite: bool = False) -> None:
        self.path = path
        self.identity = identity
        self.entries: Dict[str, Json] = {}
        self.models: Json = {}
        manifest = self._manifest()
        shards = sorted(path.glob("*.spacy"))
        same = manifest.get("identity") == identity
        if shards and not same and not overwrite:
            raise XnerError(
                f"{path}: holds shards of another input, pipeline or setting.",
                "Choose another folder, or start anew with --overwrite.",
            )
        self._fresh = overwrite or not same
        if not self._fresh:
            self.entries = {**manifest.get("shards", {}), **self._journal()}
            self.models = self.entries.pop(MODELS, manifest.get(MODELS, {}))

    def _manifest(self) -> Json:
        try:
            found = srsly.read_json(self.path / MANIFEST)
        except (ValueError, OSError):
            return {}
        return found if isinstance(found, dict) else {}

    def _journal(self) -> Dict[str, Json]:
        file = self.path / JOURNAL
        entries: Dict[str, Json] = {}
        if file.exists():
            for line in file.read_bytes().split(b"\n")[:-1]:
                try:
                    name, entry = json.loads(line)
                except ValueError:
                    continue  # half a line, from a run that was killed, with another one's after it
                entries[name] = entry
        return entries

    def clean(self) -> None:
        """Take away what is not this run's: on `overwrite` all shards, and always what was left
        half-written.
        """
        if self._fresh:
            for shard in self.path.glob("*.spacy"):
                shard.unlink()
            (self.path / JOURNAL).unlink(missing_ok=True)
        self.sweep()

    def sweep(self) -> None:
        """Take away what was left half-written."""
        for part in self.path.glob(".*.part"):
            part.unlink(missing_ok=True)

    def missing(self, pieces: List[Slice], vocab: Any = None) -> List[Slice]:
        """Find what is to do: shards that are not there, or are not what was written.

        pieces (List[Slice]): All shards of the run. RETURNS (List[Slice]): Those to make.
        """
        todo = []
        known, self.entries = self.entries, {}
        for piece in pieces:
            name = shard_name(piece.number)
            entry = self._check(self.path / name, known.get(name), piece.size)
            if entry is None:
                todo.append(piece)
            else:
                self.entries[name] = entry
        return todo

    def _check(self, shard: Path, entry: Optional[Json], count: int) -> Optional[Json]:
        if self._fresh or not shard.exists():
            return None
        data = shard.read_bytes()
        if entry is not None:
            sound = hashlib.sha256(data).hexdigest() == entry.get("sha256")
            return entry if sound else None
        # Whole, but the process was killed before the journal knew of it.
        try:
            docs = list(DocBin().from_bytes(data).get_docs(spacy.blank("xx").vocab))
        except Exception:  # noqa: BLE001  (whatever is wrong with it, it is made again)
            return None
        return describe(summarise(docs), data, None) if len(docs) == count else None

    def record(self, name: str, entry: Json) -> None:
        """Note in the journal that a shard is done.

        name (str): The shard. entry (Json): Its entry, with the identities of the models.
        RAISES: XnerError if the disk is full, or if the models are others than those of the shards
            before.
        """
        for component, identity in entry.pop(MODELS, {}).items():
            known = self.models.setdefault(component, identity)
            if known is identity:
                self._note(MODELS, self.models)
            elif known != identity:
                raise XnerError(
                    f"{self.path}: the model of {component} is {identity}; the shards before were "
                    f"made with {known}.",
                    "Name its revision in the pipeline's config, or start anew with --overwrite.",
                )
        self.entries[name] = entry
        self._note(name, entry)

    def _note(self, name: str, entry: Json) -> None:
        try:
            with (self.path / JOURNAL).open("ab") as file:
                # After half a line that a killed run left, this one begins on its own.
                line = json.dumps([name, entry], ensure_ascii=False).encode("utf8")
                file.write(b"\n" + line + b"\n" if _open_ended(file) else line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise XnerError(
                f"{self.path}: could not be written ({error.strerror or error}).",
                "Free some space and run again; the finished shards are kept.",
            ) from error

    def write_manifest(self, facts: Json, *, done: bool) -> Json:
        """Write the manifest; at the end of a run with the totals, and the journal goes.

        RETURNS (Json): The manifest.
        """
        manifest: Json = {"identity": self.identity, **facts}
        manifest[MODELS] = self.models
        manifest["shards"] = dict(sorted(self.entries.items()))
        if done:
            totals: Counter = Counter()
            for entry in self.entries.values():
                totals.update({k: v for k, v in entry.items() if k not in NOT_COUNTS})
            manifest["totals"] = dict(sorted(totals.items()))
        with atomic_write(self.path / MANIFEST) as file:
            file.write(srsly.json_dumps(manifest, indent=2) + "\n")
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


def describe(counts: Dict[str, int], data: bytes, seconds: Optional[float]) -> Json:
    """RETURNS (Json): A shard's entry in the manifest."""
    return {
        **counts,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "seconds": seconds,
    }
