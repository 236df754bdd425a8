"""`xner.Links.v1`: links that are already there, from a Pharaoh file."""

from itertools import zip_longest
from pathlib import Path
from typing import Dict, Iterable, Iterator, Optional, Tuple

from ..corpora.files import read_sentences, require_same_length
from ..errors import InputError, XnerError
from ..types import Aligner, Alignment, TokenPair
from .pharaoh import read_pharaoh

_END = object()


def make_links(
    path: str,
    reverse: bool = False,
    source: Optional[str] = None,
    target: Optional[str] = None,
) -> Aligner:
    """Make the aligner.

    path (str): A Pharaoh file, 0-based.
    reverse (bool): Whether its links are target first.
    source, target (Optional[str]): The tokenised sentences that were aligned (`.txt`, line n for line n of the links). With them a pair
        is looked up by its tokens, in any order and as often as it comes, as a pipeline needs it; without them the n-th pair of
        a call gets line n.
    RETURNS (Aligner): The aligner.
    """
    if source is None and target is None:
        return StoredLinks(path, reverse=reverse)
    if source is None or target is None:
        raise XnerError("xner.Links.v1 needs both texts, source and target, or neither.")
    return LinkTable(path, source, target, reverse=reverse)


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
        both = zip_longest(pairs, _read(self.path, self.reverse), fillvalue=_END)
        for number, (pair, links) in enumerate(both, start=1):
            if links is _END or pair is _END:
                fault = (
                    f"ends after {number - 1} lines, but there are more sentence pairs."
                    if links is _END
                    else f"has more lines than the {number - 1} sentence pairs."
                )
                raise InputError(
                    fault, self.path, number, "Line n must hold the links of sentence pair n."
                )
            assert isinstance(links, Alignment) and isinstance(pair, tuple)
            _check(links, pair, self.path, number)
            yield links


class LinkTable:
    """An aligner that looks the links of a pair up by its tokens. Of a pair that stands twice in the texts the first line counts.

    path, source, target (str): The links and the tokenised texts, line-parallel. reverse (bool): Whether the links are target first.
    """

    def __init__(self, path: str, source: str, target: str, *, reverse: bool = False) -> None:
        self.path = path
        self.source = source
        self.target = target
        self.reverse = reverse
        self._table: Optional[Dict[Tuple[str, str], Alignment]] = None

    @property
    def table(self) -> Dict[Tuple[str, str], Alignment]:
        """Links by the tokens of both sides. RAISES: InputError for files that do not fit together."""
        if self._table is None:
            sources, targets = read_sentences(self.source), read_sentences(self.target)
            require_same_length(self.source, len(sources), self.target, len(targets))
            pairs = list(zip(sources, targets))
            table: Dict[Tuple[str, str], Alignment] = {}
            for pair, links in zip(pairs, StoredLinks(self.path, reverse=self.reverse)(pairs)):
                table.setdefault(_key(pair), links)
            self._table = table
        return self._table

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Look the pairs up. RAISES: XnerError that names a pair without links."""
        for pair in pairs:
            links = self.table.get(_key(pair))
            if links is None:
                raise XnerError(
                    f"No stored links for the sentence {' '.join(pair[1])!r}.",
                    f"{self.source} and {self.target} must hold the pairs as the pipeline tokenises them.",
                )
            yield links


def _key(pair: TokenPair) -> Tuple[str, str]:
    return " ".join(pair[0]), " ".join(pair[1])


def _read(path: str, reverse: bool) -> Iterator[Alignment]:
    if not Path(path).is_file():
        raise InputError(
            "There is no such file of word links.",
            path,
            hint="Write one with `xner align`, or set `path` to the Pharaoh file you have.",
        )
    for links in read_pharaoh(path):
        yield links.reversed() if reverse else links


def _check(links: Alignment, pair: TokenPair, path: str, number: int) -> None:
    try:
        links.check(len(pair[0]), len(pair[1]))
    except ValueError as error:
        raise InputError(
            f"{error}.", path, number, "Are these the tokens that were aligned?"
        ) from error
