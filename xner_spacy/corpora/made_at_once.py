"""Writing a corpus that is made at once: one DocBin file, or a folder of shards. It is put in its place when it is whole."""

from itertools import chain
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from spacy.tokens import Doc
from spacy.util import minibatch

from ..errors import XnerError
from ..types import Json, PathLike
from .counts import summarise
from .docs import docbin_bytes, docbin_paths
from .shard_folder import FolderAside, refuse_overlap, refuse_shard_beside
from .watching import WatchedFiles, base_versions, joint_checksum, printable
from .writing import FileAside, all_or_none

SHARD_SIZE = 1000


def is_folder_output(path: PathLike) -> bool:
    """RETURNS (bool): Whether an output is a folder of shards: it has no ending, or is a folder. A name that ends with
    .spacy is that of a file.
    """
    suffix = Path(path).suffix
    return not suffix or (suffix != ".spacy" and Path(path).is_dir())


def write_shards(
    path: PathLike,
    docs: Iterable[Doc],
    *,
    made_by: str,
    inputs: Sequence[PathLike],
    settings: Optional[Mapping[str, Any]] = None,
    shard_size: int = SHARD_SIZE,
) -> int:
    """Write one corpus, as a file or as shards; see `write_docbins`. RETURNS (int): Its Docs."""
    (count,) = write_docbins([(path, docs)], made_by=made_by, inputs=inputs, settings=settings, shard_size=shard_size)
    return count


def write_docbins(
    outputs: Sequence[Tuple[PathLike, Iterable[Doc]]],
    *,
    made_by: str,
    inputs: Sequence[PathLike],
    settings: Optional[Mapping[str, Any]] = None,
    shard_size: int = SHARD_SIZE,
) -> List[int]:
    """Write corpora that belong together: all of them, or none.

    outputs (Sequence): For each where it goes, a `.spacy` file or a folder, and its Docs, which are taken once, in order.
    made_by (str): The command, for the manifests. It replaces what it has made before, and nothing else.
    inputs (Sequence[PathLike]): The files and folders that the Docs come from.
    settings (Mapping): The command's options, for the manifests. shard_size (int): Docs a shard.
    RETURNS (List[int]): Docs of each. RAISES: XnerError for a place that holds something else, or that is read;
        InputError if an input has changed meanwhile.
    """
    watched = WatchedFiles()
    identity = _identity(watched, inputs, {**(settings or {}), "shard_size": shard_size})
    counts = []
    with all_or_none() as asides:
        for path, _ in outputs:
            asides.append(_aside(Path(path), inputs, made_by, identity))
        for aside, (_, docs) in zip(asides, outputs, strict=True):
            aside.open()
            counts.append(_fill(aside, iter(docs), shard_size))
        watched.check()
    return counts


def _aside(path: Path, inputs: Sequence[PathLike], made_by: str, identity: Json) -> Any:
    if not is_folder_output(path):
        if path.suffix != ".spacy":
            raise XnerError(
                f"{path}: no corpus can be written with the ending {path.suffix!r}.",
                "Use .spacy, or a name without ending for a folder of shards.",
            )
        refuse_shard_beside(path)
        return FileAside(path, "wb")
    refuse_overlap(inputs, path)
    return FolderAside(path, made_by, identity)


def _fill(aside: Any, docs: Iterator[Doc], shard_size: int) -> int:
    if isinstance(aside, FileAside):
        data, count = docbin_bytes(docs)
        assert aside.file is not None
        aside.file.write(data)
        return count
    total = 0
    # Of an empty corpus there is one empty shard, so that it can be read.
    first = list(next(minibatch(docs, shard_size), []))
    for shard in chain([first], minibatch(docs, shard_size)):
        part = list(shard)
        data, count = docbin_bytes(part)
        aside.add(data, summarise(part))
        total += count
    return total


def _identity(watched: WatchedFiles, inputs: Sequence[PathLike], settings: Json) -> Json:
    found: Json = {}
    for path in inputs:
        if Path(path).is_dir():
            files = docbin_paths(path)
        elif Path(path).is_file():
            files = [Path(path)]
        else:
            continue  # a pipe can be read once only; what does not exist is told of by its reader
        watched.add(files)
        sums = watched.checksums()
        found[printable(path)] = joint_checksum(sums[str(file)] for file in files)
    return {"inputs": found, "versions": base_versions(), "settings": settings}
