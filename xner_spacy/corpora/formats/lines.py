"""Tokenised text: a sentence a line, tokens separated by one space. An empty line is a sentence without tokens."""

from collections import Counter
from typing import Iterator, List

from ...errors import InputError
from ...text import is_blank_token, split_tokens
from ..files import PathLike, read_lines


def read_text(path: PathLike, counts: Counter, repair: bool = False) -> Iterator[List[str]]:
    """Read tokenised text.

    path (PathLike): The file. counts (Counter): What was mended; see also `read_lines`. repair (bool): Leave tokens out
        that can't be seen, instead of raising.
    YIELDS (List[str]): The tokens of a line. RAISES: InputError for an empty file, or a token that can't be seen.
    """
    number = 0
    for number, line in read_lines(path, counts):
        tokens = split_tokens(line)
        blank = [token for token in tokens if is_blank_token(token)]
        if blank and not repair:
            raise InputError(
                f"token {blank[0]!a} holds nothing that can be seen.",
                path,
                number,
                "Remove it, or run `xner convert --repair`.",
            )
        counts["repaired invisible token"] += len(blank)
        yield [token for token in tokens if not is_blank_token(token)]
    if not number:
        raise InputError("is empty.", path)
