"""Which words are function words (articles, prepositions, conjunctions), learned by counting."""

from collections import Counter
from typing import Any, FrozenSet, List, Sequence

# Counts of fewer words than this say nothing about shares of two in a thousand.
_ENOUGH = 3_000


class FunctionWords:
    """Tells function words: frequent, and written in lower case where the script has case.

    Until `finish`, and after too little text, lower-case words of up to three letters count as
    such.

    share (float): Least share of the running words.
    lower (float): Least share of a word's occurrences that are in lower case.
    """

    def __init__(self, share: float = 0.0007, lower: float = 0.6) -> None:
        self.share = share
        self.lower = lower
        self.words: FrozenSet[str] = frozenset()
        self.trained = False
        self._counts: Counter = Counter()
        self._lower: Counter = Counter()
        self._total = 0

    def __contains__(self, word: object) -> bool:
        if not isinstance(word, str):
            return False
        if self.trained:
            return word in self.words
        return len(word) <= 3 and word.islower()

    def add(self, words: Sequence[str]) -> None:
        """Count the words of a sentence."""
        self._total += len(words)
        self._counts.update(map(str.lower, words))
        self._lower.update(w for w in words if w.islower() and w.isalpha())

    def finish(self) -> None:
        """Decide by what was counted, and forget the counts."""
        least = self.share * self._total
        self.trained = self._total >= _ENOUGH
        self.words = frozenset(
            w
            for w, n in self._lower.items()
            if self._counts[w] >= least * len(w) and n >= self.lower * self._counts[w]
        )
        self._counts, self._lower, self._total = Counter(), Counter(), 0

    def state(self) -> List[Any]:
        """RETURNS (List[Any]): What was learned, as plain data."""
        return [self.trained, sorted(self.words)]

    def set_state(self, state: List[Any]) -> None:
        """Take on what `state` gave."""
        self.trained, self.words = bool(state[0]), frozenset(state[1])
