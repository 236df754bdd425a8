"""Find out how a column file is laid out: which column holds the tokens, which the tags, and by which scheme.

`xner convert` guesses nothing; a project does, and its summary says what was found.
"""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..corpora.files import read_lines
from ..corpora.formats.columns import DOCSTART, Broken, TaggedSentence, read_columns
from ..corpora.formats.layouts import ColumnLayout
from ..corpora.formats.schemes import SCHEMES, Fault, split_tag
from ..errors import InputError

_N_LINES = 5000
# Rows that may be broken where a layout is found out: a share of them, or one if there are some. The reader names them.
_BROKEN_SHARE, _SOME_ROWS = 0.02, 10


class GuessedLayout(NamedTuple):
    """A layout, and the same in words."""

    layout: ColumnLayout
    words: str


def guess_layout(path: Path) -> GuessedLayout:
    """RETURNS (GuessedLayout): The layout of a column file, judged by its first 5,000 lines. RAISES: InputError if no
    column holds tags, or if the file is empty.
    """
    rows, has_comments = _rows(path)
    if not any(rows):
        raise InputError("is empty: it holds no sentence.", path)
    rows = _without_broken(rows)
    cells = [row for sentence in rows for row in sentence]
    width = min(map(len, cells))
    tags_of = {k: [row[k] for row in cells] for k in reversed(range(1, width))}
    # A scheme that knows all tags goes before one that knows nearly all.
    guesses = ((k, _scheme(tags, n)) for n in (0, _allowed(len(cells))) for k, tags in tags_of.items())
    tag_column, scheme = next(((k, scheme) for k, scheme in guesses if scheme), (None, None))
    if tag_column is None or scheme is None:
        hint = "Write a token, a tab and its tag a line, or convert the file first: xner convert --from ..."
        raise InputError("has no column of tags (O, B-PER, I-PER, ...).", path, None, hint)
    is_numbered = width > 2 and all(_counts_up([row[0] for row in sentence]) for sentence in rows)
    token_column = 1 if is_numbered and tag_column > 1 else 0
    if scheme == "iob2" and _has_iob1_openings([[row[tag_column] for row in sentence] for sentence in rows]):
        scheme = "iob1"
    is_last = all(len(row) == tag_column + 1 for row in cells)
    layout = ColumnLayout(
        token_column + 1,
        -1 if is_last else tag_column + 1,
        scheme=scheme,
        comments=has_comments,
        numbered=True if is_numbered else None,
        prefixed=width == 2 and _have_prefix([row[0] for row in cells]),
    )
    return GuessedLayout(layout, f"{scheme.upper()}, token in column {token_column + 1}, tag in {tag_column + 1}")


def read_project_columns(path: Path, layout: ColumnLayout, counts: Counter, broken: Broken) -> List[TaggedSentence]:
    """RETURNS (List[TaggedSentence]): The sentences of a column file of a project, with what can be mended mended.
    RAISES: InputError with the first line that can't be read; it says how the project goes on.
    """
    try:
        return list(read_columns(path, layout, repair=True, broken=broken, counts=counts))
    except InputError as error:
        if error.line is None or broken == "skip":
            raise
        hint = "Mend the line. Or leave such sentences out: --broken skip (of a project: --vars.broken skip)."
        raise InputError(error.fault, path, error.line, hint) from None


def _rows(path: Path) -> Tuple[List[List[List[str]]], bool]:
    """RETURNS (Tuple): The cells of each token by sentence, and whether there are comments."""
    sentences: List[List[List[str]]] = [[]]
    has_comments = False
    separator: Optional[str] = None
    for _, line in islice(read_lines(path), _N_LINES):
        if not line.strip() or line.startswith(DOCSTART):
            sentences.append([])
            continue
        if line.startswith("#") and not sentences[-1] and ("\t" not in line):
            has_comments = True
            continue
        separator = separator or ("\t" if "\t" in line else " ")
        sentences[-1].append(line.rstrip().split("\t") if separator == "\t" else line.split())
    return [sentence for sentence in sentences if sentence], has_comments


def _without_broken(rows: List[List[List[str]]]) -> List[List[List[str]]]:
    """RETURNS (List[List[List[str]]]): The sentences without rows that are shorter than nearly all others. The reader
    names their lines.
    """
    widths = Counter(len(row) for sentence in rows for row in sentence)
    frequent = [width for width, n in widths.items() if n > _allowed(widths.total())]
    least = min(frequent or widths)
    kept = [[row for row in sentence if len(row) >= least] for sentence in rows]
    return [sentence for sentence in kept if sentence]


def _allowed(rows: int) -> int:
    return max(int(_BROKEN_SHARE * rows), int(rows >= _SOME_ROWS))


def _scheme(tags: Sequence[str], may_be_broken: int) -> Optional[str]:
    """RETURNS (Optional[str]): The first scheme that knows all the tags but so many, or None."""
    for scheme in SCHEMES:
        if scheme != "iob1" and sum(not _is_tag(tag.strip(), scheme) for tag in tags) <= may_be_broken:
            return scheme
    return None


def _is_tag(tag: str, scheme: str) -> bool:
    try:
        split_tag(tag, scheme)
    except Fault:
        return False
    return True


def _has_iob1_openings(sentences: Sequence[Sequence[str]]) -> bool:
    """RETURNS (bool): Whether more entities open with I- than with B-, as in IOB1, where B- is rare."""
    openings = {"B": 0, "I": 0}
    for tags in sentences:
        previous = "O"
        for tag in tags:
            if tag[0] == "B" or (tag[0] == "I" and previous[2:] != tag[2:]):
                openings[tag[0]] += 1
            previous = tag
    return openings["I"] > openings["B"]


def _counts_up(cells: Sequence[str]) -> bool:
    numbers = [cell for cell in cells if cell.isdecimal()]
    first = int(numbers[0]) if numbers else 0
    return numbers == [str(k) for k in range(first, first + len(numbers))] and first in (0, 1) and bool(numbers)


def _have_prefix(tokens: Sequence[str]) -> bool:
    prefix, mark, _ = tokens[0].partition(":")
    return bool(mark) and prefix.isascii() and prefix.isalpha() and all(t.startswith(prefix + ":") for t in tokens)
