"""What is learned by counting the words of a corpus: which ones are function words (articles, prepositions,
conjunctions), and whether capitals mark names, which they do not in lower-cased, upper-cased and title-cased text.
"""

import math
from collections import Counter
from itertools import compress
from typing import Annotated, Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from pydantic import Field
from typing_extensions import TypedDict

from ...spelling import is_punctuation
from ...text import composed
from .word_tables import WordTable

# Fewer words than this are too few to estimate shares of two in a thousand.
_ENOUGH_WORDS = 3_000
# Least share of all tokens per letter of the word, and least share of a word's occurrences that are in lower case.
_SHARE, _LOWER = 0.0007, 0.6
# Articles often follow another short word ("in the") and seldom precede one; prepositions and conjunctions are the
# other way round.
_BEHIND, _RATIO = 0.3, 2.4
_SHORT = 4
# Stands between the sentences that wait to be counted: no short word, so nothing is counted as beside one.
_BOUNDARY = "\n" * (_SHORT + 1)
_AT_ONCE = 10_000
# For text without usable case: the largest share of a function word's occurrences that translate a word of an entity.
_NAMED = 0.2

# How much likelier a lower-case word must be outside names than in them, as the log of the ratio.
_LEAST_RATIO = 1.0
# Before anything is counted, the shares of carefully written text, weighted as if from this many words.
_NAMES, _OTHERS, _IMAGINED = 0.1, 0.7, 10
# Shares of words in lower case are read as no less than this, and no more than all but this.
_LEAST_SHARE = 0.01
# How many words of names must be counted before the corpus decides about a sentence without any capital.
_ENOUGH_NAMES = 30

_Count = Annotated[int, Field(ge=0)]


class FunctionWordsState(TypedDict):
    """What was learned, in the form that is saved."""

    trained: bool
    cased: bool
    words: List[str]
    articles: List[str]


class FunctionWords:
    """Recognises function words: frequent words in lower case or, in text without usable case, frequent words that are
    hardly ever part of a name. Before `finish`, or after too little text, all lower-case words of up to three letters.
    """

    def __init__(self) -> None:
        self.words: FrozenSet[str] = frozenset()
        self.articles: FrozenSet[str] = frozenset()
        self.trained = False
        self.cased = True
        self._forget()

    def _forget(self) -> None:
        self._waiting: List[str] = []
        self._waiting_named: List[str] = []
        self._is_short = WordTable(_is_short)
        # Words as they are written. Each is lowered when all are counted.
        self._written: Counter = Counter()
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
        """RETURNS (bool): Whether a word is an article or similar (a possessive); known only after training."""
        return composed(word).lower() in self.articles

    def add(self, words: Sequence[str], named: Sequence[str] = ()) -> None:
        """Count the words of a sentence. `named` are those of them that belong to names."""
        self._waiting += words
        self._waiting.append(_BOUNDARY)
        self._waiting_named += named
        if len(self._waiting) >= _AT_ONCE:
            self._count()

    def _count(self) -> None:
        """Count the sentences that wait: many at once take half the time."""
        words = self._waiting
        is_short = list(map(self._is_short.__getitem__, words))
        self._written.update(words)
        self._named.update(self._waiting_named)
        self._behind.update(compress(words[1:], is_short))
        self._before.update(compress(words, is_short[1:]))
        self._waiting, self._waiting_named = [], []

    def finish(self, cased: bool = True) -> None:
        """Choose the function words by the counts, then discard the counts. `cased`: Whether in this text names have
        capitals, and most other words none.
        """
        self._count()
        lowered = {word: composed(word).lower() for word in self._written}
        counts = _sums(self._written, lowered)
        del counts[_BOUNDARY]
        total = counts.total()
        self.trained = total >= _ENOUGH_WORDS
        self.cased = cased
        frequent = {w for w, count in counts.items() if count >= _SHARE * total * len(w) and w.isalpha()}
        if cased:
            in_lower: Counter = Counter()
            for word, count in self._written.items():
                if lowered[word] in frequent and composed(word).islower():
                    in_lower[lowered[word]] += count
            self.words = frozenset(word for word in frequent if in_lower[word] >= max(1, _LOWER * counts[word]))
        else:
            named = _sums(self._named, lowered)
            self.words = frozenset(word for word in frequent if named[word] <= _NAMED * counts[word])
        behind, before = _sums(self._behind, lowered), _sums(self._before, lowered)
        self.articles = frozenset(
            word for word in self.words if behind[word] >= max(_BEHIND * counts[word], _RATIO * before[word])
        )
        self._forget()

    def state(self) -> FunctionWordsState:
        """RETURNS (FunctionWordsState): The learned state."""
        words, articles = sorted(self.words), sorted(self.articles)
        return {"trained": self.trained, "cased": self.cased, "words": words, "articles": articles}

    def set_state(self, state: FunctionWordsState) -> None:
        """Load what `state` returned."""
        self.trained, self.cased = state["trained"], state["cased"]
        self.words, self.articles = frozenset(state["words"]), frozenset(state["articles"])


def _is_short(word: str) -> bool:
    return len(composed(word).lower()) <= _SHORT


def _sums(counts: Counter, lowered: Mapping[str, str]) -> Counter:
    """RETURNS (Counter): The counts of words by what they are in lower case."""
    sums: Dict[str, int] = {}
    for word, count in counts.items():
        sums[lowered[word]] = sums.get(lowered[word], 0) + count
    return Counter(sums)


class CaseState(TypedDict):
    """The counts in the form that is saved: all words and lower-case words, by kind (see `Case.add`)."""

    words: Dict[str, _Count]
    lower: Dict[str, _Count]


class Case:
    """Counts lower-case words in names and elsewhere, except the first word of each sentence."""

    KINDS = ("name", "adjective", "other")

    def __init__(self) -> None:
        self.words = dict.fromkeys(self.KINDS, 0)
        self.lower = dict.fromkeys(self.KINDS, 0)
        self._is_lower = WordTable(_is_lower)  # by the first letter of a word

    def add(self, words: Sequence[str], kinds: Mapping[int, Optional[str]]) -> None:
        """Count the words of a sentence, except its first word and words without case.

        kinds (Mapping[int, Optional[str]]): By position "name" for a word that translates a capitalised word of a name,
            "adjective" if that name has the label for adjectives of names, "other" for a word that translates no word
            of an entity. Positions with None or without a value are not counted.
        """
        start = first_word(words)
        for position, kind in kinds.items():
            if kind and position != start:
                is_lower = self._is_lower[words[position][:1]]
                if is_lower is not None:
                    self.words[kind] += 1
                    self.lower[kind] += is_lower

    @property
    def tells(self) -> bool:
        """Whether in the corpus names have capitals, and most other words none. True before anything is counted."""
        name = (self.lower["name"] + _IMAGINED * _NAMES) / (self.words["name"] + _IMAGINED)
        other = (self.lower["other"] + _IMAGINED * _OTHERS) / (self.words["other"] + _IMAGINED)
        return math.log(other / name) >= _LEAST_RATIO

    def gains(self) -> Tuple[float, float]:
        """RETURNS (Tuple[float, float]): Log-odds of a name rather than another word for a word that is not in lower
        case, and for one that is.
        """
        name = (self.lower["name"] + _IMAGINED * _NAMES) / (self.words["name"] + _IMAGINED)
        other = (self.lower["other"] + _IMAGINED * _OTHERS) / (self.words["other"] + _IMAGINED)
        name, other = (min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE) for share in (name, other))
        return math.log((1 - name) / (1 - other)), math.log(name / other)

    @property
    def has_adjectives(self) -> bool:
        """Whether adjectives of names have their own label, of whose words then at least a tenth are in lower case."""
        return 10 * self.lower["adjective"] >= max(1, self.words["adjective"])

    @property
    def has_names(self) -> bool:
        """Whether enough names were counted to judge a sentence with a capital in its first word alone."""
        return self.words["name"] >= _ENOUGH_NAMES

    def counts_in(self, words: Sequence[str]) -> bool:
        """RETURNS (bool): Whether capitals mark names in this sentence: they must in the corpus, and the sentence must
        have a capital itself; as long as few names were counted, in another word than its first.
        """
        if not self.tells:
            return False
        start = -1 if self.has_names else first_word(words)
        return any(word[:1].isupper() for word in words[start + 1 :])

    def state(self) -> CaseState:
        """RETURNS (CaseState): The counts."""
        return {"words": dict(self.words), "lower": dict(self.lower)}

    def set_state(self, state: CaseState) -> None:
        """Load what `state` returned."""
        self.words = {kind: state["words"].get(kind, 0) for kind in self.KINDS}
        self.lower = {kind: state["lower"].get(kind, 0) for kind in self.KINDS}


def _is_lower(letter: str) -> Optional[bool]:
    return letter.islower() if letter.lower() != letter.upper() else None


def first_word(words: Sequence[str]) -> int:
    """RETURNS (int): The position of the first token in a sentence that is not a punctuation mark."""
    return next((position for position, word in enumerate(words) if not is_punctuation(word)), 0)
