"""Tickets: what travels with a sentence through an annotation tool, so that its correction finds back.

A ticket is one word of letters, digits and hyphens, such as `3f2a91c0-17-100-8d21aa90-4s3s5n1n`: the run that the
sentence comes from, the sentence's number in it, how many sentences were exported, a checksum of the text, and the
length of each token with whether a space follows it (s) or not (n). Tools keep it as they keep any other data of theirs.
"""

import hashlib
import re
from typing import Any, List, NamedTuple, Optional, Tuple

from spacy.tokens import Doc

from ..corpora.docs import docbin_paths
from ..corpora.watching import checksum as checksum_of_file
from ..corpora.watching import joint_checksum
from ..types import PathLike

_TICKET = re.compile(r"([0-9a-f]{8})-(\d{1,12})-(\d{1,12})-([0-9a-f]{8})-((?:\d{1,9}[sn])+)")
_TOKEN = re.compile(r"(\d+)([sn])")


class Ticket(NamedTuple):
    """Which sentence of which run a text is.

    run (str): A checksum of the run. number (int): The sentence in it, counted from 1. of (int): How many sentences the
    export has. text (str): A checksum of the text. tokens (str): The lengths of the tokens.
    """

    run: str
    number: int
    of: int
    text: str
    tokens: str

    def __str__(self) -> str:
        return "-".join(map(str, self))

    def belongs_to(self, text: str) -> bool:
        """RETURNS (bool): Whether a text is the one that was exported."""
        return self.text == checksum(text)

    def words_and_spaces(self, text: str) -> Optional[Tuple[List[str], List[bool]]]:
        """RETURNS (Optional[Tuple[List[str], List[bool]]]): The tokens of the text, and whether a space follows each; None
        if they do not cover it.
        """
        words, spaces, position = [], [], 0
        for length, space in _TOKEN.findall(self.tokens):
            words.append(text[position : position + int(length)])
            spaces.append(space == "s")
            position += int(length) + (space == "s")
        joined = "".join(word + " " * has_space for word, has_space in zip(words, spaces, strict=True))
        return (words, spaces) if joined == text and position == len(text) and all(words) else None


def checksum(text: str) -> str:
    """RETURNS (str): Eight digits that differ for different texts."""
    return hashlib.sha256(text.encode("utf8", "surrogatepass")).hexdigest()[:8]


def make_ticket(doc: Doc, text: str, run: str, number: int, of: int) -> Ticket:
    """RETURNS (Ticket): The ticket of a sentence. number (int): Counted from 1."""
    tokens = "".join(f"{len(token)}{'s' if token.whitespace_ else 'n'}" for token in doc)
    return Ticket(run, number, of, checksum(text), tokens)


def parse_ticket(value: Any) -> Optional[Ticket]:
    """RETURNS (Optional[Ticket]): The ticket that a tool kept; None for anything else."""
    match = _TICKET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    run, number, of, text, tokens = match.groups()
    return Ticket(run, int(number), int(of), text, tokens)


def run_identity(run: PathLike) -> str:
    """RETURNS (str): Eight digits that differ for corpora with other content, wherever they lie. RAISES: InputError if
    there is none.
    """
    return joint_checksum(map(checksum_of_file, docbin_paths(run)))[:8]
