"""What is learned by counting the words of a corpus: which of them are function words (articles, prepositions,
conjunctions), and whether capitals tell names: lower-cased, upper-cased and title-cased text has capitals that tell
nothing.
"""

import math
from collections import Counter
from itertools import pairwise
from typing import Annotated, Any, Dict, FrozenSet, List, Mapping, Optional, Sequence

from pydantic import Field
from typing_extensions import TypedDict

from ...spelling import is_punctuation
from ...text import composed

# Counts of fewer words than this say nothing about shares of two in a thousand.
_ENOUGH_WORDS = 3_000
# Least share of the running words per letter, and least share of a word's occurrences that are in lower case.
_SHARE, _LOWER = 0.0007, 0.6
# What articles look like: often behind another short word ("in the"), seldom before one. Prepositions and conjunctions
# are the other way round.
_BEHIND, _RATIO = 0.3, 2.4
_SHORT = 4
# Where case tells nothing: the largest share of a function word's occurrences that render a word of an entity.
_NAMED = 0.2

# How much likelier a word in lower case has to be elsewhere than in a name, as log of the ratio.
_LEAST_RATIO = 1.0
# Before anything is counted: as in text that is written with care, and as if from this many words.
_NAMES, _OTHERS, _IMAGINED = 0.1, 0.7, 10
# Words of names that must have been seen before a corpus is trusted about a sentence that shows no capital itself.
_ENOUGH_NAMES = 30

_Count = Annotated[int, Field(ge=0)]


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
        """Count the words of a sentence. `named`: Those of them that belong to names."""
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
        """Decide by what was counted, and forget the counts. `cased`: Whether names have capitals in this text, and other
        words mostly none.
        """
        total = self._counts.total()
        self.trained = total >= _ENOUGH_WORDS
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
        """RETURNS (FunctionWordsState): What was learned."""
        words, articles = sorted(self.words), sorted(self.articles)
        return {"trained": self.trained, "cased": self.cased, "words": words, "articles": articles}

    def set_state(self, state: FunctionWordsState) -> None:
        """Take on what `state` gave."""
        self.trained, self.cased = state["trained"], state["cased"]
        self.words, self.articles = frozenset(state["words"]), frozenset(state["articles"])


class CaseState(TypedDict):
    """What was counted, as it is saved: words in all and in lower case, of names, of adjectives of names, of others."""

    words: Dict[str, _Count]
    lower: Dict[str, _Count]


class Case:
    """Counts words in lower case within names and elsewhere, at all places but the first of a sentence."""

    KINDS = ("name", "adjective", "other")

    def __init__(self) -> None:
        self.words = dict.fromkeys(self.KINDS, 0)
        self.lower = dict.fromkeys(self.KINDS, 0)

    def add(self, words: Sequence[str], kinds: Mapping[int, Optional[str]]) -> None:
        """Count a sentence's words, but for its first and those without case.

        kinds (Mapping[int, Optional[str]]): By position "name" for a word that renders one of a name that has a capital,
            "adjective" if the name has the label that adjectives of names get, "other" for a word that renders none of
            an entity; None and words left out don't count.
        """
        start = first_word(words)
        for place, kind in kinds.items():
            first = words[place][:1]
            if kind and place != start and first.lower() != first.upper():
                self.words[kind] += 1
                self.lower[kind] += first.islower()

    @property
    def tells(self) -> bool:
        """Whether names have capitals in the corpus, and other words mostly none. True before anything was counted."""
        name = (self.lower["name"] + _IMAGINED * _NAMES) / (self.words["name"] + _IMAGINED)
        other = (self.lower["other"] + _IMAGINED * _OTHERS) / (self.words["other"] + _IMAGINED)
        return math.log(other / name) >= _LEAST_RATIO

    @property
    def has_adjectives(self) -> bool:
        """Whether adjectives of names have a label of their own: a tenth of its words are in lower case."""
        return 10 * self.lower["adjective"] >= max(1, self.words["adjective"])

    def counts_in(self, words: Sequence[str]) -> bool:
        """RETURNS (bool): Whether capitals tell names in this sentence. The corpus decides; but a sentence without any
        capital was written without, and as long as few names were seen it must show one that is not its first word's.
        """
        if not self.tells:
            return False
        start = -1 if self.words["name"] >= _ENOUGH_NAMES else first_word(words)
        return any(word[:1].isupper() for word in words[start + 1 :])

    def state(self) -> CaseState:
        """RETURNS (CaseState): What was counted."""
        return {"words": dict(self.words), "lower": dict(self.lower)}

    def set_state(self, state: CaseState) -> None:
        """Take on what `state` gave."""
        self.words = {kind: state["words"].get(kind, 0) for kind in self.KINDS}
        self.lower = {kind: state["lower"].get(kind, 0) for kind in self.KINDS}


def first_word(words: Sequence[str]) -> int:
    """RETURNS (int): Where the first token of a sentence stands that is no punctuation mark."""
    return next((k for k, word in enumerate(words) if not is_punctuation(word)), 0)
