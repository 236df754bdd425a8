"""Write words of any script in Latin letters, and measure how similar two words are spelled: names often survive
translation, and so do word stems.
"""

import unicodedata
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise
from typing import Tuple

import numpy as np
import numpy.typing as npt

# The outlines of many words, see `outline`.
Outlines = Tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]

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


# The most that two words can have in common that are not the same.
UNEQUAL = 0.95


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
    left_pairs, right_pairs = _letter_pairs(left), _letter_pairs(right)
    common = sum([min(left_pairs[pair], right_pairs[pair]) for pair in left_pairs.keys() & right_pairs.keys()])
    dice = 2.0 * common / (total - 2)
    return UNEQUAL * max(dice, 2.0 * prefix / total)


@lru_cache(maxsize=100_000)
def outline(word: str) -> Tuple[int, int, bool]:
    """RETURNS (Tuple[int, int, bool]): What `may_be_similar` needs of a word: its letter pairs as a set of up to 64
    bits, its length once folded, and whether it has a hyphen.
    """
    return outline_of_folded(fold(word))


def outline_of_folded(folded: str) -> Tuple[int, int, bool]:
    """RETURNS (Tuple[int, int, bool]): The `outline` of a word that is folded already."""
    bits = 0
    for first, second in pairwise(folded.encode("ascii") if folded.isascii() else map(ord, folded)):
        bits |= 1 << (first * 31 + second) % 64
    return bits, len(folded), "-" in folded


def may_be_similar(left: Outlines, right: Outlines, least: float) -> npt.NDArray[np.bool_]:
    """Tell quickly which pairs of words need not be compared letter by letter.

    left, right (Outlines): The outlines of the words of each pair, a column a field.
    least (float): A similarity above 0.
    RETURNS (NDArray[bool]): False only for pairs that are less similar than this.
    """
    (left_bits, left_length, left_hyphen), (right_bits, right_length, right_hyphen) = left, right
    left_only, right_only = _count_bits(left_bits & ~right_bits), _count_bits(right_bits & ~left_bits)
    # Each bit of one word alone is at least one letter pair that the other has not.
    common = np.minimum(left_length - left_only, right_length - right_only) - 1
    # A common prefix of n letters has n - 1 letter pairs, and is worth as much as n of these.
    is_close = common >= least / UNEQUAL * (left_length + right_length) / 2 - 1 - 1e-6
    is_equal = (left_length == right_length) & (left_only == 0) & (right_only == 0)
    is_long = np.minimum(left_length, right_length) >= 4
    return (is_close & is_long) | is_equal | left_hyphen | right_hyphen


def _count_bits(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """RETURNS (NDArray[int]): How many bits of each number are set (`numpy.bitwise_count`, which NumPy 1 lacks)."""
    return _bits_of_two_bytes()[numbers.view(np.uint16)].reshape(-1, 4).sum(axis=1, dtype=np.int64)


@cache
def _bits_of_two_bytes() -> npt.NDArray[np.uint8]:
    two_bytes = np.arange(2**16, dtype=np.uint16).view(np.uint8)
    return np.unpackbits(two_bytes).reshape(-1, 16).sum(axis=1, dtype=np.uint8)


@lru_cache(maxsize=100_000)
def is_punctuation(word: str) -> bool:
    """RETURNS (bool): Whether the word has neither a letter nor a digit (of any script)."""
    return not (word.isalnum() or any(c.isalnum() for c in word))
