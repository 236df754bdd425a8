"""Link files in Pharaoh's form: `i-j i-j ...` a line, line n for sentence pair n.

Positions count from 0 and the source comes first, unless the reader's arguments say otherwise. Manual annotations also
have possible links, `ipj`, which may be right or wrong.
"""

import re
from typing import Iterable, Iterator, List, Literal, Optional, Tuple, cast, get_args

import numpy as np

from ...errors import InputError, require
from ...text import split_tokens
from ...types import Alignment, IntArray, PathLike
from ..files import read_lines
from ..writing import atomic_write

Link = Tuple[int, int]
Possible = Literal["keep", "drop", "refuse"]

# The score of a possible link; a sure one has 1.
POSSIBLE_SCORE = 0.5
_MOST_DIGITS = 9
# Nearly all lines are written like this, without a line end.
_SURE_LINKS = re.compile(r"[0-9]{1,9}-[0-9]{1,9}(?: [0-9]{1,9}-[0-9]{1,9})*")


def parse_line(
    text: str,
    path: PathLike = "<links>",
    line: Optional[int] = None,
    *,
    one_indexed: bool = False,
    reverse: bool = False,
) -> Tuple[List[Link], List[Link]]:
    """Read one line of links.

    text (str): The line, with or without its line end. path, line: The file and the 1-based line, for the message.
    one_indexed (bool): Whether positions count from 1. reverse (bool): Whether the target comes first.
    RETURNS (Tuple[List[Link], List[Link]]): The sure links, written `i-j`, and the possible ones, `ipj`, 0-based and
        source first.
    RAISES: InputError for anything but two whole numbers joined by a hyphen or a p.
    """
    sure: List[Link] = []
    possible: List[Link] = []
    for token in split_tokens(text.rstrip("\r\n")):
        separator = "p" if "p" in token else "-"
        left, _, right = token.partition(separator)
        problem = f"'{token[:40]}' is not a word link"
        # str.isdigit alone would also accept superscripts, for instance.
        if not all(side.isascii() and side.isdigit() for side in (left, right)):
            hint = "A link is written i-j (a possible one ipj), two token positions, source first."
            raise InputError(f"{problem}.", path, line, hint)
        if max(len(left), len(right)) > _MOST_DIGITS:
            raise InputError(f"{problem}: the position is too large.", path, line)
        first, second = int(left) - one_indexed, int(right) - one_indexed
        if first < 0 or second < 0:
            raise InputError(f"{problem}, counting from 1.", path, line)
        link = (second, first) if reverse else (first, second)
        (sure if separator == "-" else possible).append(link)
    return sure, possible


def _sure_links(text: str, one_indexed: bool, reverse: bool) -> Optional[IntArray]:
    """RETURNS (Optional[IntArray]): The links of a line in the most frequent form, fast. None if there is anything else
    in it, right or wrong: that is for `parse_line`.
    """
    if not _SURE_LINKS.fullmatch(text):
        return None
    links = np.fromstring(text.replace("-", " "), dtype=np.int32, sep=" ").reshape(-1, 2)
    if one_indexed:
        links -= 1
        if links.min() < 0:
            return None
    return links[:, ::-1] if reverse else links


def check_possible(possible: str) -> Possible:
    """RETURNS (str): The setting. RAISES: XnerError if it is not one of `Possible`."""
    require(possible in get_args(Possible), f"possible is {possible!r}.", "Choose keep, drop or refuse.")
    return cast(Possible, possible)


def read_pharaoh(
    path: PathLike, *, one_indexed: bool = False, reverse: bool = False, possible: Possible = "refuse"
) -> Iterator[Alignment]:
    """Read a file of links line by line. A link given twice counts once.

    path (PathLike): The file; see `read_lines` for what is accepted. one_indexed, reverse (bool): See `parse_line`.
    possible (str): What to do with possible links: "keep" (with a score of 0.5), "drop", or "refuse".
    YIELDS (Alignment): The links of each line, the sure ones with score 1; an empty line is a pair without links.
    RAISES: InputError if the file is missing, is no UTF-8, or holds a bad token (with its line).
    """
    for number, line in read_lines(path):
        sure_links = _sure_links(line, one_indexed, reverse)
        if sure_links is not None:
            yield Alignment(sure_links)
            continue
        sure, possible_links = parse_line(line, path, number, one_indexed=one_indexed, reverse=reverse)
        if possible_links and possible == "refuse":
            message = "holds possible links (ipj), where links are either there or not."
            raise InputError(message, path, number, "Say what should become of them: keep or drop.")
        kept_links = possible_links if possible == "keep" else []
        scores = [1.0] * len(sure) + [POSSIBLE_SCORE] * len(kept_links) if kept_links else None
        yield Alignment(sure + kept_links, scores)


def write_pharaoh(path: PathLike, alignments: Iterable[Alignment]) -> int:
    """Write links, a line a sentence pair, atomically. RETURNS (int): The number of lines. RAISES: XnerError if the
    file cannot be written.
    """
    count = 0
    with atomic_write(path) as file:
        for alignment in alignments:
            file.write(alignment.to_pharaoh() + "\n")
            count += 1
    return count
