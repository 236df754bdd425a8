"""What counts as a token, the same for every reader, writer, part and component; and scripts without spaces.

These rules live here and nowhere else: where a line of tokens is cut, which tokens nobody can see, and which ways to
write a text are the same; how text is put together in scripts that are written without spaces between words, and cut
where nobody has a better tokenizer. (Chinese and Japanese have no spaces at all; the others have them between phrases.)
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Callable, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, get_words_and_spaces
from spacy.vocab import Vocab

# Characters that take no room on the page: zero-width space, non-joiner, joiner, word joiner, byte order mark. The
# joiners belong to letters inside a word (Persian, Indic scripts); alone in a token they are faulty.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

# `str.split()` also cuts at a no-break space, U+3000, U+2028, U+0085 and others. Aligners and corpora of the field
# don't: to them these are ordinary characters of a token, and token indices would shift.
_GAP = re.compile(r"[ \t]+")

# Scripts without spaces, by their ISO 15924 codes.
UNSPACED = frozenset(("Hans", "Hant", "Hani", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"))

# How the Unicode names of their characters begin. East Asian characters take no space beside anything ("NATO軍"), the
# others none beside each other.
_EAST_ASIAN = frozenset(
    ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH")
)
_SOUTH_EAST_ASIAN = frozenset(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"))

# Khmer coeng and Burmese virama put the next letter below this one.
_STACKERS = "\u17d2\u1039"
# Vowels that are written before their consonant, and letters that end what stands before them (Thai, Lao).
_PREPOSED = "เแโใไເແໂໃໄ"
_POSTPOSED = "ะาำๅະາຳຽ"
_ASAT = "\u103a"  # the Burmese consonant before it ends a syllable
_TSHEG = "\u0f0b\u0f0c"  # ends a Tibetan syllable
_ZERO_WIDTH_JOINERS = "\u200c\u200d"
_INSIDE_WORDS = ".,'’-_"


def split_tokens(line: str) -> List[str]:
    """RETURNS (List[str]): The tokens of a sentence, cut at ASCII spaces and tabs, and at nothing else."""
    return [token for token in _GAP.split(line) if token]


def composed(text: str) -> str:
    """RETURNS (str): The text with its accents in one piece with their letters (NFC): "é" may come as one character or
    as two, and is the same.
    """
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=100_000)
def comparable(text: str) -> str:
    """RETURNS (str): The text without case, as whole letters (NFC): equal for texts that read the same. Texts
    themselves are never changed.
    """
    return composed(composed(text).casefold())


def is_blank_token(token: str) -> bool:
    """RETURNS (bool): Whether nothing of the token can be seen: it is empty, or holds whitespace and zero-width
    characters alone.
    """
    return not "".join(token.split()).strip(INVISIBLE)


def trim_span(words: Sequence[str], start: int, end: int) -> Optional[Tuple[int, int]]:
    """Free a span of blank tokens at its edges. Blank tokens inside it stay: the two halves of "Ada  Lovelace" are one
    name. spaCy's own `ner` has the same rule.

    RETURNS (Optional[Tuple[int, int]]): The trimmed span, its end exclusive, or None if it holds blank tokens alone.
    """
    while start < end and is_blank_token(words[start]):
        start += 1
    while start < end and is_blank_token(words[end - 1]):
        end -= 1
    return (start, end) if start < end else None


def glued(words: Sequence[str]) -> List[bool]:
    """RETURNS (List[bool]): Whether a space follows each token, where the tokens of a text are all that is known."""
    spaces = []
    for left, right in pairwise(words):
        before, after = _kind(left[-1:]), _kind(right[:1])
        spaces.append("east" not in (before, after) and not before == after == "southeast")
    return [*spaces, False] if words else []


def is_unspaced(words: Sequence[str]) -> bool:
    """RETURNS (bool): Whether a sentence is of a script that is written without spaces; a word of another counts as
    much as two characters.
    """
    characters = Counter("".join(words))
    unspaced = sum(n for c, n in characters.items() if c.isalpha() and _kind(c))
    return unspaced > 0 and unspaced > 2 * sum(any(map(_is_plain, word)) for word in words)


def join_words(words: Sequence[str], separator: str = " ", like: Optional[Sequence[str]] = None) -> str:
    """Make a text of tokens, for a translator.

    separator (str): What stands between two of them, where the script has spaces.
    like (Optional[Sequence[str]]): The tokens before markers were put on them: where a space belongs is seen on these.
    """
    plain = words if like is None else like
    if separator == " " and is_unspaced(plain):
        return "".join(w + " " * space for w, space in zip(words, glued(plain), strict=True))
    return separator.join(words)


def cut_syllables(text: str) -> List[str]:
    """RETURNS (List[str]): The syllables (Burmese, Tibetan), or characters with all that is written around them
    (Chinese, Japanese, Khmer, Lao, Thai), of a text in a script without spaces; whitespace is left out. Words and
    numbers of other scripts stay whole.
    """
    pieces: List[Tuple[int, int]] = []
    start = 0
    for place, char in enumerate(f"{text} "):
        if place > start and not char.isspace() and _joins(text, start, place):
            continue
        before, end = pieces[-1] if pieces else (0, -1)
        # A Burmese consonant with asat ends the syllable before it.
        if end == start and text[start + 1 : start + 2] == _ASAT and script_name(text[before]) == "MYANMAR":
            pieces[-1] = (before, place)
        elif text[start:place].strip():
            pieces.append((start, place))
        start = place + char.isspace()
    return [text[start:end] for start, end in pieces]


def _joins(text: str, start: int, place: int) -> bool:
    """RETURNS (bool): Whether a character belongs to the piece that began at `start`."""
    char, last = text[place], text[place - 1]
    if unicodedata.category(char)[0] == "M" or char in _ZERO_WIDTH_JOINERS or char in _POSTPOSED:
        return True
    if last in _STACKERS or last in _PREPOSED or last == "\u200d":
        return True
    if _is_plain(char):
        if last in _INSIDE_WORDS:
            return place - start > 1 and _is_plain(text[place - 2])
        return _is_plain(last) or (_is_plain(text[start]) and unicodedata.category(last)[0] == "M")
    if char in _INSIDE_WORDS:
        return _is_plain(last) and _is_plain(text[place + 1 : place + 2])
    if char.isdecimal():
        return last.isdecimal()
    return _is_tibetan(char) and _is_tibetan(text[start]) and last not in _TSHEG


class SyllableTokenizer(DummyTokenizer):
    """Splits text as `cut_syllables` does. It has nothing to save."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        words, spaces = get_words_and_spaces(cut_syllables(text), text)
        return Doc(self.vocab, words=words, spaces=spaces)


def make_syllables() -> Callable[[Language], SyllableTokenizer]:
    """`xner.Syllables.v1`: a tokenizer for scripts that are written without spaces and that spaCy has none for."""
    return lambda nlp: SyllableTokenizer(nlp.vocab)


def _is_plain(char: str) -> bool:
    """RETURNS (bool): Whether a character is a letter or digit of a script with spaces between words."""
    return char.isalnum() and not _kind(char)


def _is_tibetan(char: str) -> bool:
    return script_name(char) == "TIBETAN" and (char.isalpha() or char in _TSHEG)


def _kind(char: str) -> str:
    name = script_name(char)
    if name in _EAST_ASIAN:
        return "east"
    return "southeast" if name in _SOUTH_EAST_ASIAN else ""


@lru_cache(maxsize=8192)
def script_name(char: str) -> str:
    """RETURNS (str): How the Unicode name of a character begins, as a rule by its script: "THAI", "CJK"."""
    return unicodedata.name(char, "").partition(" ")[0] if char else ""
