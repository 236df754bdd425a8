"""Translations that went wrong: empty, repeating themselves, or of an impossible length; and texts that could not be
translated at all.

Neural translators sometimes loop or stop after a word, above all in languages with little training data. Projecting
from such translations would add noise. The codes are written to files: add new ones, but never rename any.
"""

import re
from functools import lru_cache
from typing import Optional

from ..docdata import TOO_LONG
from ..text import composed, script_name

EMPTY = "empty"  # nothing, or no letter or digit, for a text that has some
REPETITION = "repetition"  # the same words over and over
LENGTH = "length"  # far longer or far shorter than the text
# TOO_LONG: the text or its translation is longer than the translator or spaCy's tokenizer allows.
FAILED = "failed"  # the translator raised an error on this text
MISSING = "missing"  # there is no stored translation, or the translator gave none without a reason
REFUSED = "refused"  # a chat model would not translate it
EXTRA_LINES = "extra lines"  # a chat model said more than the translation
FAULTS = (EMPTY, REPETITION, LENGTH, TOO_LONG, FAILED, MISSING, REFUSED, EXTRA_LINES)
# These may not occur again, so they are not kept in a store.
PASSING = (FAILED,)
# The version of these rules is part of a translator's identity, so that stored translations are checked again.
RULES = 2

MAX_RATIO = 4.0
SMOOTHING = 30
LONGEST_CYCLE = 8
TIMES_WORDS = 4
TIMES_CHARACTERS = 10
_CHARACTER_LOOP = re.compile(rf"(.{{1,12}}?)\1{{{TIMES_CHARACTERS - 1},}}", re.DOTALL)
# How many Latin letters a character of a script is worth. Characters of other scripts count as one.
_WEIGHTS = {"CJK": 3.0, "HIRAGANA": 2.0, "KATAKANA": 2.0, "HANGUL": 2.0, "ETHIOPIC": 1.5}


def find_fault(text: str, translation: str, max_ratio: float = MAX_RATIO) -> Optional[str]:
    """Find out what is wrong with a translation.

    max_ratio (float): How many times longer or shorter than the text it may be, measured by `text_size` and smoothed
        for short texts.
    RETURNS (Optional[str]): A code of `FAULTS`, or None for a plausible translation.
    """
    if not any(c.isalnum() for c in translation):
        return EMPTY if any(c.isalnum() for c in text) else None
    if repeats_itself(translation) and not repeats_itself(text):
        return REPETITION
    ratio = (text_size(translation) + SMOOTHING) / (text_size(text) + SMOOTHING)
    return LENGTH if not 1 / max_ratio <= ratio <= max_ratio else None


def text_size(text: str) -> float:
    """RETURNS (float): The length of a text in Latin letters. A Chinese character counts as three, a Korean syllable as
    two. Combining marks, which are frequent in some scripts, count as letters.
    """
    return sum(map(_weight, composed(text)))


@lru_cache(maxsize=8192)
def _weight(char: str) -> float:
    return _WEIGHTS.get(script_name(char), 1.0)


def repeats_itself(text: str) -> bool:
    """RETURNS (bool): Whether a sequence of one to eight words repeats four times in a row, or one of up to twelve
    characters ten times. Punctuation does not count: a line of dots is no loop.
    """
    if any(any(c.isalpha() for c in m[1]) for m in _CHARACTER_LOOP.finditer(text)):
        return True
    words = [w for w in text.casefold().split() if any(c.isalnum() for c in w)]
    for length in range(1, min(LONGEST_CYCLE, len(words) // TIMES_WORDS) + 1):
        run = 0
        for i in range(length, len(words)):
            run = run + 1 if words[i] == words[i - length] else 0
            if run + length >= TIMES_WORDS * length:
                return True
    return False
