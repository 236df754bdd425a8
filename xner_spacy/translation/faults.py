"""Translations that went wrong: empty, repeating themselves, or of an impossible length.

Neural translators fall into loops or stop after a word, above all for languages of which they saw
little. What they say then is no reading of the sentence, and what is projected from it would be
noise. The codes are written to files: add, never rename.
"""

import re
from typing import List, Optional

EMPTY = "empty"  # nothing, or no letter or digit, for a text that has some
REPETITION = "repetition"  # the same words over and over
LENGTH = "length"  # far longer or far shorter than the text
FAULTS = (EMPTY, REPETITION, LENGTH)

# Bytes of UTF-8 make scripts comparable where characters do not: a Chinese character says about as
# much as three Latin ones.
MAX_RATIO = 4.0
SMOOTHING = 30
LONGEST_CYCLE = 8
_CHARACTER_LOOP = re.compile(r"(.{1,12}?)\1{9,}", re.DOTALL)


def find_fault(text: str, translation: str, max_ratio: float = MAX_RATIO) -> Optional[str]:
    """Say what is wrong with a translation.

    text (str): What was translated. translation (str): What came out.
    max_ratio (float): How many times longer or shorter (in bytes, smoothed for short texts) it may
        be.
    RETURNS (Optional[str]): A code of `FAULTS`, or None for a plausible translation.
    """
    if not any(c.isalnum() for c in translation):
        return EMPTY if any(c.isalnum() for c in text) else None
    if _loops(translation) and not _loops(text):
        return REPETITION
    ratio = (len(translation.encode("utf8")) + SMOOTHING) / (len(text.encode("utf8")) + SMOOTHING)
    return LENGTH if not 1 / max_ratio <= ratio <= max_ratio else None


def _loops(text: str) -> bool:
    return _repeats(text.split()) or _CHARACTER_LOOP.search(text) is not None


def _repeats(words: List[str]) -> bool:
    """RETURNS (bool): Whether a cycle of words comes four times in a row, over eight or more."""
    for length in range(1, min(LONGEST_CYCLE, len(words) // 4) + 1):
        run = 0
        for i in range(length, len(words)):
            run = run + 1 if words[i] == words[i - length] else 0
            if run + length >= max(8, 4 * length):
                return True
    return False
