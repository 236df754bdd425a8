"""A folder of numbered DocBin shards, and the manifest that says what in it is ours.

`00000.spacy`, `00001.spacy`, ... and `manifest.json`: what the shards were made of and by which versions, and the
checksum of each. Nothing else in the folder is ever deleted or written over. Two things use it: a run that can be
continued (`runfolder`, for `xner annotate`), and corpora that are made at once (`made_at_once`: convert, split,
select, distill), which are built beside their place and moved there when they are whole.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Container, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from ..errors import InputError, XnerError
from ..types import Json, PathLike
from .reading import check_shape, read_bytes, read_json
from .writing import Aside, beside, permissions, to_json

MANIFEST = "manifest.json"
LOCK = ".lock"
JOURNAL = ".journal.jsonl"
# What an entry of the manifest says that is not to be summed.
NOT_COUNTS = ("sha256", "bytes", "seconds", "faults")
ANNOTATE = "xner annotate"

_SHARD = re.compile(r"[0-9]{5,18}\.spacy")
_LEFT_ASIDE = re.compile(r"\.([0-9]{5,18}\.spacy|manifest\.json)\.[^.]+\.part")
_NUMBER = re.compile(r"([0-9]+)")
_ENTRIES = Dict[str, Dict[str, Any]]
# What an entry of the manifest holds that is no count.
_SHAPES: Dict[str, Any] = {"sha256": str, "seconds": Optional[float], "faults": List[Any]}
_NAMED_IN_A_MESSAGE = 5


def shard_name(number: int) -> str:
    """RETURNS (str): The file name of a shard."""
    return f"{number:05d}.spacy"


def in_order(paths: Iterable[Path]) -> List[Path]:
    """RETURNS (List[Path]): Files in the order of the numbers in their names: 99999 comes before 100000."""

    def key(path: Path) -> Tuple[List[Any], str]:
        parts = _NUMBER.split(path.name)
        return [int(part) if k % 2 else part for k, part in enumerate(parts)], path.name

    return sorted(paths, key=key)


def some_names(paths: Iterable[Union[str, Path]]) -> str:
    """RETURNS (str): The first few names, for a message."""
    names = [Path(path).name for path in paths]
    more = len(names) - _NAMED_IN_A_MESSAGE
    return ", ".join(names[:_NAMED_IN_A_MESSAGE]) + (f" and {more} more" if more > 0 else "")


def read_manifest(folder: Path) -> Optional[Json]:
    """Read the manifest of a folder.

    RETURNS (Optional[Json]): The manifest, or None if there is none of ours. RAISES: InputError if it is broken.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    hint = "Restore the file. If the shards are of no use any more, delete the folder."
    found = read_json(path, hint=hint)
    if not isinstance(found, dict) or not {"identity", "shards"} <= found.keys():
        return None
    check_shape(found["identity"], Dict[str, Any], path, hint)
    check_shape(found["shards"], _ENTRIES, path, hint)
    for name in ("models", "files"):
        check_shape(found.get(name, {}), Dict[str, Any], path, hint)
    check_shape(found.get("planned", 0), int, path, hint)
    for name, entry in found["shards"].items():
        check_entry(name, entry, path, hint)
    return found


def check_entry(name: str, entry: Any, path: Path, hint: str = "Delete it.") -> None:
    """RAISES: InputError if what a manifest or journal says of a shard is not what we write of one: another program's
    or a person's word could name files that are not ours.
    """
    if not _SHARD.fullmatch(name):
        raise InputError(f"names {name!r}, which is no shard.", path, None, hint)
    check_shape(entry, Dict[str, Any], path, hint)
    for key, value in entry.items():
        check_shape(value, _SHAPES.get(key, int), path, hint)


def is_done(manifest: Json) -> bool:
    """RETURNS (bool): Whether a manifest is of a run that has ended."""
    return "totals" in manifest


def names_shard(manifest: Optional[Json], name: str) -> bool:
    """RETURNS (bool): Whether a manifest names a shard, or its run was still to make it. The number of those is only
    compared with: whatever it is, no list of that length is made.
    """
    if manifest is None or not _SHARD.fullmatch(name):
        return False
    number = int(name.partition(".")[0])
    planned = number < manifest.get("planned", 0) and name == shard_name(number)
    return planned or name in manifest["shards"]


def shards_in(folder: Path) -> List[Path]:
    """The shards of a folder in order. Where a manifest of ours lies there: those that it names.

    RAISES: InputError if there is no `.spacy` file, if a run there has not ended, or if files and manifest differ: a
        stale or foreign file would be read as part of the corpus.
    """
    found = in_order(folder.glob("*.spacy"))
    if not found:
        raise InputError("is a folder without .spacy files.", folder)
    manifest = read_manifest(folder)
    if manifest is None:
        return found
    if not is_done(manifest):
        raise InputError(
            f"holds {len(found)} shards of a run that has not ended.",
            folder, None, "Run the same command again: it goes on where it was.",
        )  # fmt: skip
    names = set(manifest["shards"])
    strangers = [path for path in found if path.name not in names]
    missing = sorted(names - {path.name for path in found})
    if strangers:
        raise InputError(
            f"holds files that its {MANIFEST} does not name: {some_names(strangers)}.",
            folder, None, "Move them to another folder, or name the files that you mean.",
        )  # fmt: skip
    if missing:
        raise InputError(
            f"lacks shards that its {MANIFEST} names: {some_names(missing)}.",
            folder, None, "Run the command that made the folder again.",
        )  # fmt: skip
    return found


def refuse_overlap(inputs: Iterable[PathLike], output: PathLike) -> None:
    """See that nothing that is read lies in a folder that is written.

    inputs (Iterable[PathLike]): Files and folders that are read. output (PathLike): The folder that is written.
    RAISES: XnerError where an input is the output folder or lies in it, links followed.
    """
    place = Path(os.path.realpath(output))
    for path in inputs:
        real = Path(os.path.realpath(path))
        for ancestor in (real, *real.parents):
            if ancestor == place or _same(ancestor, place):
                verb = "is also" if ancestor == real else "holds"
                raise XnerError(
                    f"The output folder {output} {verb} the input {path}.", "Choose another folder for the output."
                )


def _same(a: Path, b: Path) -> bool:
    with suppress(OSError):
        return a.samefile(b)
    return False


def refuse_shard_beside(path: PathLike) -> None:
    """RAISES: XnerError if a DocBin would be written among the shards of a manifest, where it would be taken for one
    of them, or be in the way of the next run.
    """
    folder = Path(os.path.realpath(path)).parent
    if read_manifest(folder) is not None:
        raise XnerError(f"{path}: the folder holds the shards of a corpus.", "Choose a place outside that folder.")


def refuse_strangers(folder: Path, manifest: Optional[Json], more: Container[str] = ()) -> None:
    """RAISES: XnerError if a folder holds `.spacy` files that neither its manifest nor `more` names."""
    found = in_order(folder.glob("*.spacy"))
    strangers = [p for p in found if not names_shard(manifest, p.name) and p.name not in more]
    if strangers:
        raise XnerError(
            f"{folder}: holds .spacy files that no {MANIFEST} of xner names: {some_names(strangers)}.",
            "They are left alone. Choose another folder.",
        )


def describe(counts: Json, data: bytes, seconds: Optional[float] = None) -> Json:
    """RETURNS (Json): A shard's entry in the manifest."""
    found = {**counts, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return found if seconds is None else {**found, "seconds": seconds}


def make_manifest(made_by: str, identity: Json, facts: Json, entries: Dict[str, Json]) -> Json:
    """RETURNS (Json): A manifest without totals; see `totals`."""
    shards = {path.name: entries[path.name] for path in in_order(map(Path, entries))}
    return {"made_by": made_by, "identity": identity, **facts, "shards": shards}


def totals(entries: Iterable[Json]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): What was counted in all shards."""
    found: Counter = Counter()
    for entry in entries:
        found.update({k: v for k, v in entry.items() if k not in NOT_COUNTS})
    return dict(sorted(found.items()))


def sweep(folder: Path) -> None:
    """Take away what of ours was left half-written in a folder."""
    for part in folder.glob(".*.part"):
        if _LEFT_ASIDE.fullmatch(part.name):
            part.unlink(missing_ok=True)


class FolderAside(Aside):
    """A folder of shards on its way to its place: built beside it, and moved there when it is whole (see
    `writing.all_or_none`). A folder of ours that was there is taken away then; one that holds anything else is
    refused before the first shard is made.

    path (Path): Where it goes. made_by (str): The command. identity (Json): What the shards are made of.
    """

    def __init__(self, path: Path, made_by: str, identity: Json) -> None:
        super().__init__(path)
        self.made_by = made_by
        self.identity = identity
        self.entries: Dict[str, Json] = {}
        self._refuse_what_is_not_ours()

    def _refuse_what_is_not_ours(self) -> None:
        if not self.place.exists():
            return
        if not self.place.is_dir():
            raise InputError("is a file; the shards need a folder.", self.path)
        manifest = read_manifest(self.place)
        refuse_strangers(self.place, manifest)
        if manifest is not None and manifest.get("made_by", ANNOTATE) != self.made_by:
            raise XnerError(
                f"{self.path}: holds shards that `{manifest.get('made_by', ANNOTATE)}` made.", "Choose another folder."
            )
        others = sorted(p for p in self.place.iterdir() if not _is_ours(p, manifest))
        if others:
            raise XnerError(
                f"{self.path}: holds what is not ours: {some_names(others)}.",
                "The folder is replaced as a whole: choose another one, or move its files elsewhere.",
            )

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
        manifest["totals"] = totals(self.entries.values())
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
            self._refuse_what_is_not_ours()
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
            self.temporary = None

    def take_back(self, was_put: bool) -> None:
        """Put back what was there. was_put (bool): Whether the folder was to be moved to its place."""
        if was_put and self.temporary is None and self.place.exists():
            shutil.rmtree(self.place)
        if self.backup is not None:
            self.backup.rename(self.place)
            self.backup = None

    def discard(self) -> None:
        """Take away what lies aside."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
        if self.backup is not None:
            _take_away(self.backup)


def _is_ours(path: Path, manifest: Optional[Json]) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if names_shard(manifest, path.name) or _LEFT_ASIDE.fullmatch(path.name):
        return True
    return path.name == LOCK or (manifest is not None and path.name in (MANIFEST, JOURNAL))


def _take_away(folder: Path) -> None:
    """Delete a folder of ours, but nothing that came into it meanwhile."""
    manifest = read_manifest(folder)
    for path in list(folder.iterdir()):
        if _is_ours(path, manifest):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def parse_journal(file: Path) -> Iterator[Tuple[str, Any]]:
    """YIELDS (Tuple[str, Any]): The names and entries of a journal. A line that is not whole, or not of our making, is
    left out: the shard that it may have named is made again.
    """
    for line in read_bytes(file).split(b"\n")[:-1]:
        try:
            pair = json.loads(line)
        except (ValueError, RecursionError):
            continue  # half a line, from a run that was killed, with another one's after it
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
            yield pair[0], pair[1]
