"""Tokenised text: a sentence a line, tokens separated by one space. An empty line is a sentence without tokens."""

from collections import Counter
from typing import Iterator, List, Optional

from ...errors import InputError
from ...text import has_blank_token, is_blank_token, split_tokens
from ...types import PathLike
from ..files import read_lines


def read_text(path: PathLike, counts: Optional[Counter] = None, repair: bool = False) -> Iterator[List[str]]:
    """Read tokenised text.

    path (PathLike): The file. counts (Optional[Counter]): Counts repairs; see also `read_lines`. repair (bool): Leave
        out invisible tokens instead of raising.
    YIELDS (List[str]): The tokens of a line. RAISES: InputError for an empty file, or an invisible token.
    """
    number = 0
    for number, line in read_lines(path, counts):
        tokens = split_tokens(line)
        if not has_blank_token(tokens):
            yield tokens
            continue
        blank = list(filter(is_blank_token, tokens))
        if not repair:
            message = f"token {blank[0]!a} holds nothing that can be seen (zero-width characters, or spaces)."
            raise InputError(message, path, number, "Remove it, or run `xner convert --repair`.")
        if counts is not None:
            counts["repaired invisible token"] += len(blank)
        yield [token for token in tokens if not is_blank_token(token)]
    if not number:
        raise InputError("is empty.", path)


def read_sentences(path: PathLike, *, allow_empty: bool = False) -> List[List[str]]:
    """RETURNS (List[List[str]]): The tokens of each line. allow_empty (bool): Read an empty line as a
    sentence without tokens. RAISES: InputError, as `read_text`, and for an empty line.
    """
    sentences = []
    for number, tokens in enumerate(read_text(path), 1):
        if not tokens and not allow_empty:
            raise InputError("is an empty sentence.", path, number, "Every line must hold a sentence.")
        sentences.append(tokens)
    return sentences
