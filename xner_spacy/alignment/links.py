"""`xner.Links.v1`: links that are already there, from a Pharaoh file."""

from itertools import zip_longest
from pathlib import Path
from typing import Iterable, Iterator

from ..errors import InputError
from ..types import Alignment, TokenPair
from .pharaoh import read_pharaoh

_END = object()


class StoredLinks:
    """An aligner that hands out the lines of a Pharaoh file, line n for the n-th pair of a call.

    path (str): The file.
    reverse (bool): Whether the file has the target first.
    """

    def __init__(self, path: str, *, reverse: bool = False) -> None:
        self.path = path
        self.reverse = reverse

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Give each pair its line.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs in the order of the file.
        YIELDS (Alignment): One per pair.
        RAISES: InputError if the numbers of pairs and lines differ, or a link is outside its pair.
        """
        if not Path(self.path).is_file():
            raise InputError(
                "There is no such file of word links.",
                self.path,
                hint="Write one with `xner align`, or set `path` to the Pharaoh file you have.",
            )
        both = zip_longest(pairs, read_pharaoh(self.path), fillvalue=_END)
        for number, (pair, links) in enumerate(both, start=1):
            if links is _END:
                raise InputError(
                    f"The file ends after {number - 1} lines, but there are more sentence pairs.",
                    self.path,
                    number,
                    "Line n must hold the links of sentence pair n.",
                )
            if pair is _END:
                raise InputError(
                    f"The file has more lines than the {number - 1} sentence pairs.",
                    self.path,
                    number,
                    "Line n must hold the links of sentence pair n.",
                )
            assert isinstance(links, Alignment) and isinstance(pair, tuple)
            if self.reverse:
                links = links.reversed()
            try:
                links.check(len(pair[0]), len(pair[1]))
            except ValueError as error:
                raise InputError(
                    f"{error}.", self.path, number, "Are these the tokens that were aligned?"
                ) from error
            yield links


def make_links(path: str, reverse: bool = False) -> StoredLinks:
    """Build `xner.Links.v1`.

    path (str): A Pharaoh file, 0-based, line n for pair n.
    reverse (bool): Whether its links are target first.
    RETURNS (StoredLinks): The aligner.
    """
    return StoredLinks(path, reverse=reverse)
