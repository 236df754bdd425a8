"""Where the target spans come from that entities may be matched with."""

from typing import List, Optional, Protocol, runtime_checkable, Sequence, Tuple

from ..types import SentencePair
from .links import entity_links

Span = Tuple[int, int]


@runtime_checkable
class Candidates(Protocol):
    """Gives the target spans of a batch of sentence pairs that entities may be matched with."""

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        """RETURNS (List[List[Span]]): Per pair the candidates, `(start, end)`, unique, sorted by
        start, then end.
        """
        ...


def make_ngrams(
    max_words: Optional[int] = 10,
    exclude: Sequence[str] = ("!", "?"),
    pruned: bool = True,
) -> Candidates:
    """Create the n-gram candidates (`xner.Ngrams.v1`).

    max_words (Optional[int]): Longest candidate in words; None for no limit. The thesis takes 10,
        the seed paper none.
    exclude (Sequence[str]): No candidate holds one of these tokens.
    pruned (bool): Keep only candidates that begin and end with words linked to one same entity.
        With the `align` score this loses nothing: a span scores strictly less than what remains
        when an unlinked word is cut from its edge, and the rest meets no more other spans than the
        whole.
    RETURNS (Candidates): The candidate generator.
    """
    return Ngrams(max_words, exclude, pruned)


class Ngrams:
    """All target spans up to a length. See `make_ngrams` for the settings."""

    def __init__(self, max_words: Optional[int], exclude: Sequence[str], pruned: bool) -> None:
        self.max_words = max_words
        self.exclude = frozenset(exclude)
        self.pruned = pruned

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in pairs]

    def _spans(self, pair: SentencePair) -> List[Span]:
        n = len(pair.target)
        longest = n if self.max_words is None else self.max_words
        # stop[j]: the first excluded token at or after j; no candidate reaches over it.
        stop = self.stops(pair.target)
        if not self.pruned:
            return [(a, b) for a in range(n) for b in range(a + 1, min(a + longest, stop[a]) + 1)]
        found = set()
        for words in entity_links(pair):
            places = [w[0] for w in words]
            for x, a in enumerate(places):
                limit = min(a + longest, stop[a])
                for b in places[x:]:
                    if b >= limit:
                        break
                    found.add((a, b + 1))
        return sorted(found)

    def stops(self, target: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): Per token the index of the first excluded token from there on, or
        the length.
        """
        n = len(target)
        if not self.exclude or self.exclude.isdisjoint(target):
            return [n] * n
        stop, last = [n] * n, n
        for j in range(n - 1, -1, -1):
            if target[j] in self.exclude:
                last = j
            stop[j] = last
        return stop
