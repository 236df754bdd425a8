"""A folder of numbered DocBin shards, and the manifest that names the files that xner_spacy wrote.

The folder holds `00000.spacy`, `00001.spacy`, ... and `manifest.json`, which names the inputs and versions of the
shards, and the checksum of each. No other file in the folder is ever deleted or overwritten. Two modules use it: a run
that can be continued (`runfolder`, for `xner annotate`), and corpora that are made in one go (`made_at_once`, for
convert, split, select and distill), which are built next to their place and moved there when they are complete.
"""

import hashlib
import os
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Container, Dict, Iterable, List, Optional, Tuple

from ..errors import InputError, XnerError
from ..types import Json, PathLike
from .reading import check_shape, read_json

MANIFEST = "manifest.json"
LOCK = ".lock"
JOURNAL = ".journal.jsonl"
ANNOTATE = "xner annotate"

_SHARD = re.compile(r"[0-9]{5,18}\.spacy")
_LEFT_ASIDE = re.compile(r"\.([0-9]{5,18}\.spacy|manifest\.json)\.[^.]+\.part")
_NUMBER = re.compile(r"([0-9]+)")
# The keys of a manifest's entry that are not counts.
_SHAPES: Dict[str, Any] = {"bytes": int, "sha256": str, "seconds": Optional[float], "faults": List[Any]}
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


def _some_names(paths: Iterable[Path]) -> str:
    """RETURNS (str): The first few names, for a message."""
    names = [path.name for path in paths]
    n_more = len(names) - _NAMED_IN_A_MESSAGE
    return ", ".join(names[:_NAMED_IN_A_MESSAGE]) + (f" and {n_more} more" if n_more > 0 else "")


def read_manifest(folder: Path) -> Optional[Json]:
    """RETURNS (Optional[Json]): The manifest of a folder, or None if it has none that xner_spacy wrote. RAISES:
    InputError if it is broken.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    hint = "Restore the file. If the shards are of no use any more, delete the folder."
    manifest = read_json(path, hint=hint)
    if not isinstance(manifest, dict) or not {"identity", "shards"} <= manifest.keys():
        return None
    for name in ("identity", "shards", "models", "files"):
        check_shape(manifest.get(name, {}), Dict[str, Any], path, hint)
    check_shape(manifest.get("planned", 0), int, path, hint)
    for name, entry in manifest["shards"].items():
        check_entry(name, entry, path, hint)
    return manifest


def check_entry(name: str, entry: Any, path: Path, hint: str = "Delete it.") -> None:
    """RAISES: InputError if an entry of a manifest or journal is not of the form that xner_spacy writes: an edited
    entry could name files that xner_spacy did not write.
    """
    if not _SHARD.fullmatch(name):
        raise InputError(f"names {name!r}, which is no shard.", path, None, hint)
    check_shape(entry, Dict[str, Any], path, hint)
    for key, value in entry.items():
        check_shape(value, _SHAPES.get(key, int), path, hint)


def shards_in(folder: Path) -> List[Path]:
    """RETURNS (List[Path]): The shards of a folder in order. If it has a manifest, it must name exactly these files.

    RAISES: InputError if there is no `.spacy` file, if a run there has not ended, or if files and manifest differ: a
        stale or foreign file would be read as part of the corpus.
    """
    shards = in_order(folder.glob("*.spacy"))
    if not shards:
        raise InputError("is a folder without .spacy files.", folder)
    manifest = read_manifest(folder)
    if manifest is None:
        return shards
    if "totals" not in manifest:
        hint = "Run the same command again: it goes on where it was."
        raise InputError(f"holds {len(shards)} shards of a run that has not ended.", folder, None, hint)
    strangers = [path for path in shards if path.name not in manifest["shards"]]
    if strangers:
        message = f"holds files that its {MANIFEST} does not name: {_some_names(strangers)}."
        raise InputError(message, folder, None, "Move them to another folder, or name the files that you mean.")
    missing = sorted({folder / name for name in manifest["shards"]}.difference(shards))
    if missing:
        message = f"lacks shards that its {MANIFEST} names: {_some_names(missing)}."
        raise InputError(message, folder, None, "Run the command that made the folder again.")
    return shards


def refuse_overlap(inputs: Iterable[PathLike], output: PathLike) -> None:
    """RAISES: XnerError if an input is the output folder, or lies inside it; links are followed."""
    output_folder = Path(os.path.realpath(output))
    for path in inputs:
        input_path = Path(os.path.realpath(path))
        for ancestor in (input_path, *input_path.parents):
            if ancestor == output_folder or _same(ancestor, output_folder):
                verb = "is also" if ancestor == input_path else "holds"
                message = f"The output folder {output} {verb} the input {path}."
                raise XnerError(message, "Choose another folder for the output.")


def _same(a: Path, b: Path) -> bool:
    with suppress(OSError):
        return a.samefile(b)
    return False


def require_ours(folder: Path, made_by: str, more: Container[str] = (), whole: bool = False) -> Optional[Json]:
    """Check that a command may write its shards to a folder.

    folder (Path): The folder; it may not exist yet. made_by (str): The command. more (Container[str]): Names of its
        shards that the manifest lacks. whole (bool): Whether the folder will be replaced.
    RETURNS (Optional[Json]): The manifest of the folder.
    RAISES: InputError if it is a file, or has a broken manifest; XnerError if it holds shards of another command, or
        `.spacy` files that xner_spacy did not write, or, for a folder to be replaced, any other such file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; the shards need a folder.", folder)
    manifest = read_manifest(folder)
    shards = in_order(folder.glob("*.spacy"))
    strangers = [path for path in shards if not _names_shard(manifest, path.name) and path.name not in more]
    if strangers:
        message = f"{folder}: holds .spacy files that no {MANIFEST} of xner names: {_some_names(strangers)}."
        raise XnerError(message, "They are left alone. Choose another folder.")
    maker = made_by if manifest is None else manifest.get("made_by", ANNOTATE)
    if maker != made_by:
        raise XnerError(f"{folder}: holds shards that `{maker}` made.", "Choose another folder.")
    if whole and folder.exists():
        others = sorted(path for path in folder.iterdir() if not is_ours(path, manifest))
        if others:
            hint = "The folder is replaced as a whole: choose another one, or move its files elsewhere."
            raise XnerError(f"{folder}: holds files that xner did not write: {_some_names(others)}.", hint)
    return manifest


def _names_shard(manifest: Optional[Json], name: str) -> bool:
    """RETURNS (bool): Whether a manifest names a shard, or its run has planned it. The planned number is only used in a
    comparison, so a wrong one can't fill the memory.
    """
    if manifest is None or not _SHARD.fullmatch(name):
        return False
    number = int(name.partition(".")[0])
    planned = number < manifest.get("planned", 0) and name == shard_name(number)
    return planned or name in manifest["shards"]


def is_ours(path: Path, manifest: Optional[Json]) -> bool:
    """RETURNS (bool): Whether xner_spacy wrote a file in a folder with this manifest, at least in part."""
    if path.is_symlink() or not path.is_file():
        return False
    if _names_shard(manifest, path.name) or _LEFT_ASIDE.fullmatch(path.name):
        return True
    return path.name == LOCK or (manifest is not None and path.name in (MANIFEST, JOURNAL))


def sweep(folder: Path) -> None:
    """Remove the half-written files of xner_spacy from a folder."""
    for part in folder.glob(".*.part"):
        if _LEFT_ASIDE.fullmatch(part.name):
            part.unlink(missing_ok=True)


def describe(counts: Json, data: bytes) -> Json:
    """RETURNS (Json): A shard's entry in the manifest. counts (Json): Its counts. data (bytes): Its content."""
    return {**counts, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def make_manifest(made_by: str, identity: Json, facts: Json, entries: Dict[str, Json], *, done: bool = True) -> Json:
    """RETURNS (Json): A manifest. done (bool): Whether the run has ended; the manifest then has the totals."""
    shards = {path.name: entries[path.name] for path in in_order(map(Path, entries))}
    manifest = {"made_by": made_by, "identity": identity, **facts, "shards": shards}
    if done:
        totals: Counter = Counter()
        for entry in entries.values():
            totals.update({name: n for name, n in entry.items() if name not in _SHAPES})
        manifest["totals"] = dict(sorted(totals.items()))
    return manifest
