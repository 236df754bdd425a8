"""Which words are function words (articles, prepositions, conjunctions), learned by counting."""

from collections import Counter
from itertools import pairwise
from typing import Any, FrozenSet, List, Sequence

from typing_extensions import TypedDict

from ...spelling import is_punctuation
from ...text import composed

# Counts of fewer words than this say nothing about shares of two in a thousand.
_ENOUGH = 3_000
# Least share of the running words per letter, and least share of a word's occurrences that are in lower case.
_SHARE, _LOWER = 0.0007, 0.6
# What articles look like: often behind another short word ("in the"), seldom before one. Prepositions and conjunctions
# are the other way round.
_BEHIND, _RATIO = 0.3, 2.4
_SHORT = 4
# Where case tells nothing: the largest share of a function word's occurrences that render a word of an entity.
_NAMED = 0.2


class FunctionWordsState(TypedDict):
    """What was learned, as it is saved."""

    trained: bool
    cased: bool
    words: List[str]
    articles: List[str]


class FunctionWords:
    """Tells function words: frequent, and written in lower case; where case tells nothing, frequent and hardly ever a
    part of a name. Until `finish`, and after too little text, lower-case words of up to three letters count as such.
    """

    def __init__(self) -> None:
        self.words: FrozenSet[str] = frozenset()
        self.articles: FrozenSet[str] = frozenset()
        self.trained = False
        self.cased = True
        self._forget()

    def _forget(self) -> None:
        self._counts: Counter = Counter()
        self._lower: Counter = Counter()
        self._named: Counter = Counter()
        self._behind: Counter = Counter()
        self._before: Counter = Counter()

    def __contains__(self, word: Any) -> bool:
        word = composed(word)
        if self.trained:
            return (word if self.cased else word.lower()) in self.words
        return len(word) <= 3 and word.islower()

    def is_content(self, word: str) -> bool:
        """RETURNS (bool): Whether a word is neither a function word nor a punctuation mark."""
        return word not in self and not is_punctuation(word)

    def is_article(self, word: str) -> bool:
        """RETURNS (bool): Whether a word is an article or the like (a possessive): known after training only."""
        return composed(word).lower() in self.articles

    def add(self, words: Sequence[str], named: Sequence[str] = ()) -> None:
        """Count the words of a sentence.

        words (Sequence[str]): All of them. named (Sequence[str]): Those that belong to names.
        """
        words = list(map(composed, words))
        self._counts.update(map(str.lower, words))
        self._lower.update(w for w in words if w.islower() and w.isalpha())
        self._named.update(composed(w).lower() for w in named)
        for left, right in pairwise(map(str.lower, words)):
            if len(left) <= _SHORT:
                self._behind[right] += 1
            if len(right) <= _SHORT:
                self._before[left] += 1

    def finish(self, cased: bool = True) -> None:
        """Decide by what was counted, and forget the counts.

        cased (bool): Whether names have capitals in this text, and other words mostly none.
        """
        total = self._counts.total()
        self.trained = total >= _ENOUGH
        self.cased = cased
        self.words = frozenset(
            w
            for w, n in self._counts.items()
            if n >= _SHARE * total * len(w)
            and w.isalpha()
            and (self._lower[w] >= max(1, _LOWER * n) if cased else self._named[w] <= _NAMED * n)
        )
        self.articles = frozenset(
            w for w in self.words if self._behind[w] >= max(_BEHIND * self._counts[w], _RATIO * self._before[w])
        )
        self._forget()

    def state(self) -> FunctionWordsState:
        """RETURNS (FunctionWordsState): What was learned, as plain data."""
        words, articles = sorted(self.words), sorted(self.articles)
        return {"trained": self.trained, "cased": self.cased, "words": words, "articles": articles}

    def set_state(self, state: FunctionWordsState) -> None:
        """Take on what `state` gave."""
        self.trained, self.cased = state["trained"], state["cased"]
        self.words, self.articles = frozenset(state["words"]), frozenset(state["articles"])
