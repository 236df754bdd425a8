"""Translations that went wrong: empty, repeating themselves, or of an impossible length; and texts that could not be
translated at all.

Neural translators fall into loops or stop after a word, above all for languages of which they saw little; what is
projected from that would be noise. The codes are written to files: add, never rename.
"""

import re
from functools import lru_cache
from typing import Optional

from ..docdata import TOO_LONG
from ..text import composed, script_name

EMPTY = "empty"  # nothing, or no letter or digit, for a text that has some
REPETITION = "repetition"  # the same words over and over
LENGTH = "length"  # far longer or far shorter than the text
# TOO_LONG: the text, or its translation, is more than the translator or spaCy's tokenizer can take.
FAILED = "failed"  # the translator broke on this text
MISSING = "missing"  # the translator has none: no stored one, or it gave no reason
FAULTS = (EMPTY, REPETITION, LENGTH, TOO_LONG, FAILED, MISSING)
# These may go better another time: they are not kept in a store.
PASSING = (FAILED,)
# Part of a translator's identity: what was judged by older rules is judged anew.
RULES = 2

MAX_RATIO = 4.0
SMOOTHING = 30
LONGEST_CYCLE = 8
TIMES_WORDS = 4
TIMES_CHARACTERS = 10
_CHARACTER_LOOP = re.compile(rf"(.{{1,12}}?)\1{{{TIMES_CHARACTERS - 1},}}", re.DOTALL)
# How many Latin letters a character of a script says as much as. Others count as one.
_WEIGHTS = {"CJK": 3.0, "HIRAGANA": 2.0, "KATAKANA": 2.0, "HANGUL": 2.0, "ETHIOPIC": 1.5}


def find_fault(text: str, translation: str, max_ratio: float = MAX_RATIO) -> Optional[str]:
    """Say what is wrong with a translation.

    max_ratio (float): How many times longer or shorter it may be: in characters, those of scripts that write a syllable
        or a word with one counted for more (see `text_size`), smoothed for short texts.
    RETURNS (Optional[str]): A code of `FAULTS`, or None for a plausible translation.
    """
    if not any(c.isalnum() for c in translation):
        return EMPTY if any(c.isalnum() for c in text) else None
    if repeats_itself(translation) and not repeats_itself(text):
        return REPETITION
    ratio = (text_size(translation) + SMOOTHING) / (text_size(text) + SMOOTHING)
    return LENGTH if not 1 / max_ratio <= ratio <= max_ratio else None


def text_size(text: str) -> float:
    """RETURNS (float): How much a text says, in Latin letters: a Chinese character says about as much as three, a
    Korean syllable as two; marks on letters, which some scripts have many of, count as letters.
    """
    return sum(map(_weight, composed(text)))


@lru_cache(maxsize=8192)
def _weight(char: str) -> float:
    return _WEIGHTS.get(script_name(char), 1.0)


def repeats_itself(text: str) -> bool:
    """RETURNS (bool): Whether a cycle of one to eight words comes four times in a row, or one of up to twelve
    characters ten times. Dots, dashes and other signs are neither: a line of dots is no loop.
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
