"""`xner.Links.v1`: links that are already there, from a file in Pharaoh's form."""

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
    """`xner.Links.v1`: hands out the links of a file.

    path (str): A file of links, `i-j i-j ...` a line.
    reverse (bool): Whether its links are target first.
    source (Optional[str]): The tokenised source sentences that were aligned (`.txt`, line n for line n of the links).
        With both texts a pair is looked up by its tokens, in any order and as often as it comes, as a pipeline needs
        it; of a pair that stands twice the first line counts. Without them the n-th pair of a call gets line n.
    target (Optional[str]): The target sentences.
    one_indexed (bool): Whether its positions count from 1.
    possible (str): What becomes of possible links (`ipj`): "keep" (with a score of 0.5), "drop" or "refuse".
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
        """RETURNS (List[str]): Every file that decides what it gives."""
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
            # Backwards, so that of equal pairs the first stays.
            self._table = {_key(pair): links for pair, links in reversed(linked)}
        return self._table

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """YIELDS (Alignment): The links of each pair.
        RAISES: InputError if, line by line, the numbers of pairs and lines differ, or a link is outside its pair;
            XnerError that names a pair that is not in the texts.
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
                fault = f"has more lines than the {number - 1} sentence pairs."
                if links is None:
                    fault = f"ends after {number - 1} lines, but there are more sentence pairs."
                raise InputError(fault, self.path, number, "Line n must hold the links of sentence pair n.")
            try:
                links.check(len(pair[0]), len(pair[1]))
            except ValueError as error:
                raise InputError(f"{error}.", self.path, number, "Are these the tokens that were aligned?") from error
            yield links


def _key(pair: TokenPair) -> _Key:
    # By their tokens and not by a line of them: a token may hold a space. NFC and NFD are the same text.
    return tuple(tuple(map(composed, side)) for side in pair)
