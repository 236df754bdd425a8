"""`.iob`: one token and one IOB2 tag a line (tab or space read, tab written), one blank line between sentences."""

from collections import Counter
from pathlib import Path
from typing import Iterable, Iterator, Optional, Sequence

from ...types import PathLike
from ..writing import atomic_write
from .columns import LAYOUTS, TaggedSentence, read_columns
from .schemes import entities_to_tags


def read_iob(
    path: PathLike,
    style: str = "iob2",
    *,
    repair: bool = False,
    counts: Optional[Counter] = None,
    labels: Optional[Sequence[str]] = None,
) -> Iterator[TaggedSentence]:
    """Read a column file by the name of its layout. See `read_columns`."""
    return read_columns(path, LAYOUTS[style], repair=repair, counts=counts, labels=labels)


def write_iob(path: PathLike, sentences: Iterable[TaggedSentence]) -> int:
    """Write `.iob`, atomically.

    RETURNS (int): The number of sentences.
    """
    count = 0
    with atomic_write(path) as file:
        for words, entities, *_ in sentences:
            tags = entities_to_tags(len(words), entities)
            file.write("".join(f"{w}\t{t}\n" for w, t in zip(words, tags, strict=True)) + "\n")
            count += 1
    return count


def is_iob(path: PathLike) -> bool:
    """RETURNS (bool): Whether the name says that a file is a column file (also one packed with gzip)."""
    path = Path(path)
    return Path(path.stem if path.suffix == ".gz" else path).suffix in (*(".iob", ".iob2", ".conll", ".bio"),)
