"""Pharaoh link files: `i-j i-j ...` a line, 0-based, source first, line n for sentence pair n."""

from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Tuple, Union

from ..corpora.files import read_lines
from ..corpora.writing import atomic_write
from ..errors import InputError
from ..text import split_tokens
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
    for token in split_tokens(text.rstrip("\r\n")):
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

    path (Union[str, Path]): The file; see `read_lines` for what is accepted.
    YIELDS (Alignment): The links of each line; an empty line is a pair without links.
    RAISES: InputError if the file is missing, is no UTF-8, or holds a bad token (with its line).
    """
    for number, line in read_lines(path):
        yield parse_links(line, path, number)


def write_pharaoh(path: PathLike, alignments: Iterable[Alignment]) -> int:
    """Write links, a line a sentence pair. The file appears only when it is complete.

    path (Union[str, Path]): The file to write.
    alignments (Iterable[Alignment]): The links in sentence order.
    RETURNS (int): The number of lines written.
    RAISES: XnerError if the file cannot be written.
    """
    count = 0
    with atomic_write(path) as file:
        for alignment in alignments:
            file.write(alignment.to_pharaoh() + "\n")
            count += 1
    return count
