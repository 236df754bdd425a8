"""Pharaoh link files: `i-j i-j ...` a line, 0-based, source first, line n for sentence pair n."""

import os
import tempfile
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Tuple, Union

from ..errors import InputError
from ..types import Alignment

PathLike = Union[str, Path]


def parse_links(text: str, path: PathLike = "<links>", line: Optional[int] = None) -> Alignment:
    """Read one line of Pharaoh links. A link given twice counts once.

    text (str): The line, with or without its line end.
    path (Union[str, Path]): The file, for the message.
    line (Optional[int]): Its 1-based line number, for the message.
    RETURNS (Alignment): The links, all with score 1.
    RAISES: InputError for anything but two non-negative integers joined by a hyphen.
    """
    links: List[Tuple[int, int]] = []
    for token in text.split():
        left, hyphen, right = token.partition("-")
        # str.isdigit alone would let through superscripts and the like.
        if not (
            hyphen and left.isascii() and left.isdigit() and right.isascii() and right.isdigit()
        ):
            raise InputError(
                f"'{token}' is not a word link.",
                path,
                line,
                "A link is written i-j with 0-based token positions, source first.",
            )
        if max(len(left), len(right)) > 9:
            raise InputError(
                f"'{token}' is not a word link: the position is too large.", path, line
            )
        links.append((int(left), int(right)))
    return Alignment(links)


def read_pharaoh(path: PathLike) -> Iterator[Alignment]:
    """Read a Pharaoh file line by line.

    path (Union[str, Path]): The file, UTF-8, with or without a BOM.
    YIELDS (Alignment): The links of each line; an empty line is a pair without links.
    RAISES: InputError if the file is missing, is no UTF-8, or holds a bad token (with its line).
    """
    try:
        # newline="\n": other characters that Python takes for line ends must not shift the lines.
        with Path(path).open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield parse_links(line, path, number)
    except UnicodeDecodeError as error:
        raise InputError("The file is not valid UTF-8.", path) from error
    except OSError as error:
        raise InputError(f"The file cannot be read: {error.strerror}.", path) from error


def write_pharaoh(path: PathLike, alignments: Iterable[Alignment]) -> int:
    """Write links, a line a sentence pair. The file appears only when it is complete.

    path (Union[str, Path]): The file to write.
    alignments (Iterable[Alignment]): The links in sentence order.
    RETURNS (int): The number of lines written.
    RAISES: InputError if the file cannot be written.
    """
    path = Path(path)
    count = 0
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"The file cannot be written: {error.strerror}.", path) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            for alignment in alignments:
                file.write(alignment.to_pharaoh() + "\n")
                count += 1
        # mkstemp makes files that only their owner can read.
        umask = os.umask(0)
        os.umask(umask)
        Path(part).chmod(0o666 & ~umask)
        Path(part).replace(path)
    except OSError as error:
        raise InputError(f"The file cannot be written: {error.strerror}.", path) from error
    finally:
        Path(part).unlink(missing_ok=True)
    return count
