"""`xner.Links.v1`: word links from a file in Pharaoh format."""

from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ...corpora.files import require_same_length
from ...corpora.formats.lines import read_sentences
from ...corpora.formats.pharaoh import check_possible, read_pharaoh
from ...errors import InputError, XnerError, require
from ...text import composed
from ...types import Alignment, TokenPair

_Key = Tuple[Tuple[str, ...], ...]


@dataclass(eq=False)
class StoredLinks:
    """`xner.Links.v1`: returns the links stored in a file.

    path (str): A file of links, one sentence pair per line: `i-j i-j ...`.
    reverse (bool): Whether the target position comes first in its links.
    source (Optional[str]): The tokenised source sentences that were aligned (`.txt`, line n for line n of the links).
        With both texts a pair is looked up by its tokens, so pairs can come in any order and repeatedly, as a pipeline
        needs it. If a pair occurs twice, the first line wins. Without the texts the n-th pair of a call gets line n.
    target (Optional[str]): The tokenised target sentences.
    one_indexed (bool): Whether positions count from 1.
    possible (str): How to handle possible links (`ipj`): "keep" (with a score of 0.5), "drop" or "refuse".
    """

    path: str
    reverse: bool = False
    source: Optional[str] = None
    target: Optional[str] = None
    one_indexed: bool = False
    possible: str = "refuse"
    _table: Optional[Dict[_Key, Alignment]] = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        check_possible(self.possible)
        both_or_none = (self.source is None) == (self.target is None)
        require(both_or_none, "xner.Links.v1 needs both texts, source and target, or neither.")

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The files that the links depend on."""
        return [str(path) for path in (self.path, self.source, self.target) if path is not None]

    @property
    def table(self) -> Dict[_Key, Alignment]:
        """Links by the tokens of both sides. RAISES: InputError for files that do not fit together."""
        if self._table is None:
            assert self.source is not None and self.target is not None
            sources = read_sentences(self.source, allow_empty=True)
            targets = read_sentences(self.target, allow_empty=True)
            require_same_length(self.source, len(sources), self.target, len(targets))
            pairs = list(zip(sources, targets, strict=True))
            linked = list(zip(pairs, self._by_line(pairs), strict=True))
            # In reverse, so that the first of equal pairs wins.
            self._table = {_key(pair): links for pair, links in reversed(linked)}
        return self._table

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """YIELDS (Alignment): The links of each pair.
        RAISES: InputError if, line by line, the numbers of pairs and lines differ, or a link is outside its pair;
            XnerError for a pair that is not in the texts.
        """
        if self.source is None:
            yield from self._by_line(pairs)
            return
        for pair in pairs:
            links = self.table.get(_key(pair))
            if links is None:
                raise XnerError(
                    f"No stored links for the sentence {' '.join(pair[1])[:200]!r}.",
                    f"{self.source} and {self.target} must hold the pairs as the pipeline tokenises them.",
                )
            yield links

    def _by_line(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        if not Path(self.path).exists() and str(self.path) != "-":
            raise InputError(
                "There is no such file of word links.",
                self.path,
                hint="Write one with `xner align`, or set `path` to the Pharaoh file you have.",
            )
        lines = read_pharaoh(
            self.path, one_indexed=self.one_indexed, reverse=self.reverse, possible=check_possible(self.possible)
        )
        for number, (pair, links) in enumerate(zip_longest(pairs, lines), 1):
            if pair is None or links is None:
                problem = f"has more lines than the {number - 1} sentence pairs."
                if links is None:
                    problem = f"ends after {number - 1} lines, but there are more sentence pairs."
                raise InputError(problem, self.path, number, "Line n must hold the links of sentence pair n.")
            try:
                links.check(len(pair[0]), len(pair[1]))
            except ValueError as error:
                raise InputError(f"{error}.", self.path, number, "Are these the tokens that were aligned?") from error
            yield links


def _key(pair: TokenPair) -> _Key:
    # Keyed by the tokens and not by the joined line, because a token can contain a space. NFC and NFD count as equal.
    return tuple(tuple(map(composed, side)) for side in pair)
