"""`xner.Links.v1`: links that are already there, from a file in Pharaoh's form."""

from itertools import zip_longest
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from ...corpora.files import require_same_length
from ...corpora.formats.lines import read_sentences
from ...corpora.formats.pharaoh import Possible, check_possible, read_pharaoh
from ...errors import InputError, XnerError
from ...text import composed
from ...types import Aligner, Alignment, TokenPair

_END = object()


def make_links(
    path: str,
    reverse: bool = False,
    source: Optional[str] = None,
    target: Optional[str] = None,
    one_indexed: bool = False,
    possible: str = "refuse",
) -> Aligner:
    """Make the aligner.

    path (str): A file of links, `i-j i-j ...` a line.
    reverse (bool): Whether its links are target first.
    source, target (Optional[str]): The tokenised sentences that were aligned (`.txt`, line n for line n of the links). With them a pair
        is looked up by its tokens, in any order and as often as it comes, as a pipeline needs it; without them the n-th pair of
        a call gets line n.
    one_indexed (bool): Whether its positions count from 1.
    possible (str): What becomes of possible links (`ipj`): "keep" (with a score of 0.5), "drop" or "refuse".
    RETURNS (Aligner): The aligner.
    """
    links = StoredLinks(path, reverse=reverse, one_indexed=one_indexed, possible=check_possible(possible))
    if source is None and target is None:
        return links
    if source is None or target is None:
        raise XnerError("xner.Links.v1 needs both texts, source and target, or neither.")
    return LinkTable(links, source, target)


class StoredLinks:
    """An aligner that hands out the lines of a file of links, line n for the n-th pair of a call.

    path (str): The file.
    reverse, one_indexed, possible: See `make_links`.
    """

    def __init__(
        self,
        path: str,
        *,
        reverse: bool = False,
        one_indexed: bool = False,
        possible: Possible = "refuse",
    ) -> None:
        self.path = path
        self.reverse = reverse
        self.one_indexed = one_indexed
        self.possible: Possible = possible

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): Every file that decides what it gives."""
        return [str(self.path)]

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Give each pair its line.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs in the order of the file.
        YIELDS (Alignment): One per pair.
        RAISES: InputError if the numbers of pairs and lines differ, or a link is outside its pair.
        """
        for number, (pair, links) in enumerate(zip_longest(pairs, self._read(), fillvalue=_END), 1):
            if links is _END or pair is _END:
                fault = (
                    f"ends after {number - 1} lines, but there are more sentence pairs."
                    if links is _END
                    else f"has more lines than the {number - 1} sentence pairs."
                )
                raise InputError(fault, self.path, number, "Line n must hold the links of sentence pair n.")
            assert isinstance(links, Alignment)
            _check(links, pair, self.path, number)
            yield links

    def _read(self) -> Iterator[Alignment]:
        if not Path(self.path).exists() and str(self.path) != "-":
            raise InputError(
                "There is no such file of word links.",
                self.path,
                hint="Write one with `xner align`, or set `path` to the Pharaoh file you have.",
            )
        yield from read_pharaoh(self.path, one_indexed=self.one_indexed, reverse=self.reverse, possible=self.possible)


class LinkTable:
    """An aligner that looks the links of a pair up by its tokens. Of a pair that stands twice in the texts the first line counts.

    links (StoredLinks): The links.
    source, target (str): The tokenised texts, line-parallel with them.
    """

    def __init__(self, links: StoredLinks, source: str, target: str) -> None:
        self.links = links
        self.source = source
        self.target = target
        self._table: Optional[Dict[_Key, Alignment]] = None

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): Every file that decides what it gives."""
        return [*self.links.files, str(self.source), str(self.target)]

    @property
    def table(self) -> Dict["_Key", Alignment]:
        """Links by the tokens of both sides. RAISES: InputError for files that do not fit together."""
        if self._table is None:
            sources = read_sentences(self.source, allow_empty=True)
            targets = read_sentences(self.target, allow_empty=True)
            require_same_length(self.source, len(sources), self.target, len(targets))
            pairs = list(zip(sources, targets, strict=True))
            table: Dict[_Key, Alignment] = {}
            for pair, links in zip(pairs, self.links(pairs), strict=True):
                table.setdefault(_key(pair), links)
            self._table = table
        return self._table

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Look the pairs up. RAISES: XnerError that names a pair without links."""
        for pair in pairs:
            links = self.table.get(_key(pair))
            if links is None:
                raise XnerError(
                    f"No stored links for the sentence {' '.join(pair[1])[:200]!r}.",
                    f"{self.source} and {self.target} must hold the pairs as the pipeline tokenises them.",
                )
            yield links


_Key = Tuple[Tuple[str, ...], ...]


def _key(pair: TokenPair) -> _Key:
    # By their tokens and not by a line of them: a token may hold a space. NFC and NFD are the same text.
    return tuple(tuple(map(composed, side)) for side in pair)


def _check(links: Alignment, pair: Any, path: str, number: int) -> None:
    try:
        links.check(len(pair[0]), len(pair[1]))
    except ValueError as error:
        raise InputError(f"{error}.", path, number, "Are these the tokens that were aligned?") from error
