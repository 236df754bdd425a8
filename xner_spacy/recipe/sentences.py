"""Split text into sentences, in any script: by spaCy's list of marks that end a sentence, without a model.

spaCy's `sentencizer` has marks of every script, but it splits at each of them. Here a mark ends no sentence if what
stands around it speaks against it: the next word is in lower case, or the mark belongs to an abbreviation, an initial or
a number.
"""

import re
import unicodedata
from itertools import pairwise
from typing import FrozenSet, List, Tuple

from spacy.language import Language
from spacy.pipeline.sentencizer import Sentencizer

# Marks that also stand inside words and numbers. They end a sentence only before white space.
_AMBIGUOUS = ".!?…"
# Khmer and Tibetan marks, which spaCy's list lacks.
_MORE_MARKS = "។៕།༎"
_SURE = "".join(mark for mark in Sentencizer.default_punct_chars if mark not in _AMBIGUOUS) + _MORE_MARKS
_CLOSING = "\"'”’»›)]}」』）】》〉"
_OPENING = "\"'“‘«‹„‚([{「『（【《〈¿¡-–—"
_END = re.compile(
    f"[{re.escape(_AMBIGUOUS)}]+[{re.escape(_CLOSING)}]*(?=\\s)"
    f"|[{re.escape(_SURE)}][{re.escape(_SURE + _AMBIGUOUS + _CLOSING)}]*"
)
# Titles with a vowel; those without ("Dr", "Bw", "Dkt") are known by that.
_TITLES = frozenset(
    [
        "prof",
        "gen",
        "col",
        "capt",
        "hon",
        "rev",
        "sen",
        "gov",
        "maj",
        "insp",
        "eng",
        "fig",
        "vol",
        "no",
        "art",
        "etc",
        "al",
        "vs",
    ]
)
_VOWELS = frozenset("aeiouy")
_LONGEST_ABBREVIATION = 4
# A full stop before a number ends no sentence after a shorter word ("kl. 5", "Art. 12").
_SHORT_WORD = 5


class SentenceSplitter:
    """Finds the sentences of a text.

    nlp (Language): Its tokenizer's exceptions name the abbreviations of the language, if spaCy knows any.
    """

    def __init__(self, nlp: Language) -> None:
        exceptions = nlp.Defaults.tokenizer_exceptions or {}
        self.abbreviations: FrozenSet[str] = frozenset(
            text.casefold().rstrip(".") for text in exceptions if text.endswith(".")
        )

    def __call__(self, text: str) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): The start and end (exclusive) of each sentence, without white space at its
        edges. Only white space is outside of all sentences.
        """
        has_case = any(char.isupper() for char in text)
        bounds = [0]
        for match in _END.finditer(text):
            if match.end() < len(text) and self._ends_sentence(text, bounds[-1], match, has_case):
                bounds.append(match.end())
        bounds.append(len(text))
        sentences = []
        for start, end in pairwise(bounds):
            sentence = text[start:end]
            stripped = sentence.strip()
            if stripped:
                start += len(sentence) - len(sentence.lstrip())
                sentences.append((start, start + len(stripped)))
        return sentences

    def _ends_sentence(self, text: str, sentence_start: int, match: "re.Match[str]", has_case: bool) -> bool:
        if match[0][0] in _SURE:
            return True
        following = text[match.end() : match.end() + 20].lstrip().lstrip(_OPENING + " ")
        if has_case and following[:1].islower():
            return False
        if match[0].rstrip(_CLOSING) != ".":
            return True
        word = text[sentence_start : match.start()].split()[-1:]
        # A full stop after white space is a token of its own, in a tokenised text.
        if not word or text[match.start() - 1].isspace():
            return True
        return not self._is_abbreviated(word[0].lstrip(_OPENING), following, text[sentence_start : match.start()])

    def _is_abbreviated(self, word: str, following: str, sentence: str) -> bool:
        folded = word.casefold()
        if folded in self.abbreviations or folded in _TITLES:
            return True
        if _n_letters(word) == 1 and len(word) <= 2:  # an initial
            return True
        if "." in word and _n_letters(word) < _SHORT_WORD:  # U.S., Ph.D
            return True
        if word.isdecimal() and sentence.strip() == word:  # 1. in a list
            return True
        if following[:1].isdecimal() and _n_letters(word) < _SHORT_WORD and not word[-1:].isdecimal():
            return True
        is_title_case = word[:1].isupper() and word[1:].islower()
        plain = unicodedata.normalize("NFD", folded)
        return is_title_case and len(word) <= _LONGEST_ABBREVIATION and plain.isascii() and not _VOWELS & set(plain)


def _n_letters(word: str) -> int:
    return sum(char.isalpha() for char in word)
