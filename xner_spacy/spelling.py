"""Write words of any script in Latin letters, and measure how similar two words are spelled: names often survive
translation, and so do word stems.
"""

import unicodedata
from collections import Counter
from functools import lru_cache

# Cyrillic, Greek and special Latin letters in plain Latin ones. Letters of other scripts are read by their Unicode
# names.
_LETTERS = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "ђ": "d", "е": "e", "є": "je",
    "ж": "z", "з": "z", "и": "i", "і": "i", "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m",
    "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u",
    "ф": "f", "х": "h", "ц": "c", "ч": "c", "џ": "dz", "ш": "s", "щ": "sc", "ъ": "", "ы": "y",
    "ь": "", "э": "e", "ю": "ju", "я": "ja", "ѕ": "dz",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
    "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
    "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
    "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ð": "d", "þ": "th", "ł": "l", "đ": "d", "ı": "i", "’": "'",
})  # fmt: skip


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """RETURNS (str): The word without case and accents, in Latin letters as far as its letters have any."""
    word = word.casefold()
    if word.isascii():
        return word
    # An accented letter is decomposed first, so composed and decomposed forms give the same result.
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    plain = plain.translate(_LETTERS)
    return plain if plain.isascii() else "".join(map(_by_name, plain))


@lru_cache(maxsize=8192)
def _by_name(char: str) -> str:
    """The Latin letters of a character by its Unicode name: HEBREW LETTER SHIN is sh, DEVANAGARI LETTER KA is k."""
    _, letter, sound = unicodedata.name(char, "").partition(" LETTER ")
    if char.isascii() or not letter:
        return char
    sound = sound.split(" WITH ")[0].split()[-1].lower()
    head = len(sound) - len(sound.lstrip("bcdfghjklmnpqrstvwxyz"))
    if head:
        return sound if len(sound) == 2 and sound[0] == "y" else sound[:head]
    return sound[1] if len(sound) == 2 and sound[0] in "ei" else sound[:1]


@lru_cache(maxsize=50_000)
def _letter_pairs(word: str) -> Counter:
    return Counter(word[k : k + 2] for k in range(len(word) - 1))


@lru_cache(maxsize=200_000)
def similarity(source: str, target: str) -> float:
    """RETURNS (float): How similar a source word and a target word are: 1 if they are the same once folded; .9 and more
    if one is a part of the other's hyphenated compound; else the larger of the common prefix's share and the Dice
    coefficient of letter pairs, 0 for words under four letters.
    """
    left, right = fold(source), fold(target)
    if left == right:
        return 1.0 if left else 0.0
    if "-" in right and len(left) > 1 and source[:1].isupper() and left in right.split("-"):
        return 0.95
    if "-" in left and len(right) > 1 and target[:1].isupper() and right in left.split("-"):
        return 0.9
    if min(len(left), len(right)) < 4:
        return 0.0
    total = len(left) + len(right)
    differences = (k for k, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    prefix = next(differences, min(len(left), len(right)))
    dice = 2.0 * (_letter_pairs(left) & _letter_pairs(right)).total() / (total - 2)
    return 0.95 * max(dice, 2.0 * prefix / total)


@lru_cache(maxsize=100_000)
def is_punctuation(word: str) -> bool:
    """RETURNS (bool): Whether the word has neither a letter nor a digit (of any script)."""
    return not any(c.isalnum() for c in word)
