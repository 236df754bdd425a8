"""Whether capitals tell names in a corpus: counted, since lower-cased, upper-cased and title-cased text has capitals that
tell nothing.
"""

import math
from typing import Annotated, Dict, Mapping, Optional, Sequence

from pydantic import Field
from typing_extensions import TypedDict

from ...spelling import is_punctuation

# How much likelier a word in lower case has to be elsewhere than in a name, as log of the ratio.
_LEAST_RATIO = 1.0
# Before anything is counted: as in text that is written with care, and as if from this many words.
_NAMES, _OTHERS, _IMAGINED = 0.1, 0.7, 10
# Words of names that must have been seen before a corpus is trusted about a sentence that shows no capital itself.
_ENOUGH = 30

_Count = Annotated[int, Field(ge=0)]


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
        """Count a sentence's words.

        words (Sequence[str]): The sentence. Its first word and words without case don't count.
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
        """Whether the corpus writes names with capitals, and other words mostly without. True before anything was
        counted.
        """
        name = (self.lower["name"] + _IMAGINED * _NAMES) / (self.words["name"] + _IMAGINED)
        other = (self.lower["other"] + _IMAGINED * _OTHERS) / (self.words["other"] + _IMAGINED)
        return math.log(other / name) >= _LEAST_RATIO

    @property
    def has_adjectives(self) -> bool:
        """Whether names that became adjectives have a label of their own: at least a tenth of the words with that
        label are in lower case.
        """
        return 10 * self.lower["adjective"] >= max(1, self.words["adjective"])

    def counts_in(self, words: Sequence[str]) -> bool:
        """RETURNS (bool): Whether capitals tell names in this sentence. The corpus decides; but a sentence without
        any capital was written without, and as long as few names were seen it must show one that is not its first
        word's.
        """
        if not self.tells:
            return False
        start = -1 if self.words["name"] >= _ENOUGH else first_word(words)
        return any(word[:1].isupper() for word in words[start + 1 :])

    def state(self) -> CaseState:
        """RETURNS (CaseState): What was counted, as plain data."""
        return {"words": dict(self.words), "lower": dict(self.lower)}

    def set_state(self, state: CaseState) -> None:
        """Take on what `state` gave."""
        self.words = {kind: state["words"].get(kind, 0) for kind in self.KINDS}
        self.lower = {kind: state["lower"].get(kind, 0) for kind in self.KINDS}


def first_word(words: Sequence[str]) -> int:
    """RETURNS (int): Where the first token of a sentence stands that is no punctuation mark."""
    return next((k for k, word in enumerate(words) if not is_punctuation(word)), 0)
