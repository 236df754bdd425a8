"""What counts as a token, the same for every reader, writer, part and component; and scripts without spaces.

Only this module has these rules: where a line of tokens is split, which tokens are invisible, and which spellings of a
text are equal; and for scripts without spaces between words, how tokens are joined to a text, and how it is split if
there is no better tokenizer. (Chinese and Japanese have no spaces at all; the others have them between phrases.)
"""

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Callable, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, get_words_and_spaces
from spacy.vocab import Vocab

# Characters without width: zero-width space, non-joiner, joiner, word joiner, byte order mark. The joiners belong to
# letters inside a word (Persian, Indic scripts); a token of joiners alone is an error.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

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
    """RETURNS (List[str]): The tokens of a sentence, split only at ASCII spaces and tabs."""
    # `str.split()` also splits at a no-break space, U+3000, U+2028, U+0085 and others. Common aligners and corpora treat
    # these as ordinary characters of a token, so splitting there would shift token indices.
    return [token for token in line.replace("\t", " ").split(" ") if token]


def composed(text: str) -> str:
    """RETURNS (str): The text with its accents composed with their letters (NFC): "é" may be one character or two, and
    both forms become equal.
    """
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=100_000)
def comparable(text: str) -> str:
    """RETURNS (str): The text without case and composed (NFC), only for comparison: equal for texts that read the
    same.
    """
    return composed(composed(text).casefold())


def is_blank_token(token: str) -> bool:
    """RETURNS (bool): Whether the token is invisible: empty, or only whitespace and zero-width characters."""
    # Nearly all tokens are letters and digits alone, which is quick to see.
    return not token.isalnum() and not "".join(token.split()).strip(INVISIBLE)


def has_blank_token(words: Sequence[str]) -> bool:
    """RETURNS (bool): Whether any of the tokens is invisible."""
    # No character that a blank token may consist of counts as printable, but for the space.
    joined = "".join(words)
    if joined.isprintable() and " " not in joined and all(words):
        return False
    return any(map(is_blank_token, words))


def trim_span(words: Sequence[str], start: int, end: int) -> Optional[Tuple[int, int]]:
    """Remove blank tokens from the edges of a span. Blank tokens inside it stay: the two halves of "Ada  Lovelace" are
    one name. spaCy's own `ner` has the same rule.

    RETURNS (Optional[Tuple[int, int]]): The trimmed span, its end exclusive, or None if it holds only blank tokens.
    """
    if start < end and words[start].isalnum() and words[end - 1].isalnum():
        return start, end  # nearly always, and quick to see
    while start < end and is_blank_token(words[start]):
        start += 1
    while start < end and is_blank_token(words[end - 1]):
        end -= 1
    return (start, end) if start < end else None


def glued(words: Sequence[str]) -> List[bool]:
    """RETURNS (List[bool]): Whether a space probably follows each token, judged by the scripts of the tokens."""
    spaces = []
    for left, right in pairwise(words):
        before, after = _kind(left[-1:]), _kind(right[:1])
        spaces.append("east" not in (before, after) and not before == after == "southeast")
    return [*spaces, False] if words else []


def is_unspaced(words: Sequence[str]) -> bool:
    """RETURNS (bool): Whether a sentence is mostly in a script without spaces; a word of another script counts as much
    as two characters.
    """
    characters = Counter("".join(words))
    unspaced = sum(n for c, n in characters.items() if c.isalpha() and _kind(c))
    return unspaced > 0 and unspaced > 2 * sum(any(map(_is_plain, word)) for word in words)


def join_words(words: Sequence[str], separator: str = " ", like: Optional[Sequence[str]] = None) -> str:
    """Join tokens to a text, for a translator.

    separator (str): The text between two tokens, where the script has spaces.
    like (Optional[Sequence[str]]): The tokens before markers were added; they decide where spaces belong.
    """
    plain = words if like is None else like
    if separator == " " and is_unspaced(plain):
        return "".join(word + " " * space for word, space in zip(words, glued(plain), strict=True))
    return separator.join(words)


def cut_syllables(text: str) -> List[str]:
    """RETURNS (List[str]): The syllables (Burmese, Tibetan), or characters with all that is written around them
    (Chinese, Japanese, Khmer, Lao, Thai), of a text in a script without spaces; whitespace is left out. Words and
    numbers of other scripts stay whole.
    """
    pieces: List[Tuple[int, int]] = []
    start = 0
    for position, char in enumerate(f"{text} "):
        if position > start and not char.isspace() and _joins(text, start, position):
            continue
        before, end = pieces[-1] if pieces else (0, -1)
        # A Burmese consonant with asat ends the syllable before it.
        if end == start and text[start + 1 : start + 2] == _ASAT and script_name(text[before]) == "MYANMAR":
            pieces[-1] = (before, position)
        elif text[start:position].strip():
            pieces.append((start, position))
        start = position + char.isspace()
    return [text[start:end] for start, end in pieces]


def _joins(text: str, start: int, position: int) -> bool:
    """RETURNS (bool): Whether a character belongs to the piece that began at `start`."""
    char, previous = text[position], text[position - 1]
    if unicodedata.category(char)[0] == "M" or char in _ZERO_WIDTH_JOINERS or char in _POSTPOSED:
        return True
    if previous in _STACKERS or previous in _PREPOSED or previous == "\u200d":
        return True
    if _is_plain(char):
        if previous in _INSIDE_WORDS:
            return position - start > 1 and _is_plain(text[position - 2])
        return _is_plain(previous) or (_is_plain(text[start]) and unicodedata.category(previous)[0] == "M")
    if char in _INSIDE_WORDS:
        return _is_plain(previous) and _is_plain(text[position + 1 : position + 2])
    if char.isdecimal():
        return previous.isdecimal()
    return _is_tibetan(char) and _is_tibetan(text[start]) and previous not in _TSHEG


class SyllableTokenizer(DummyTokenizer):
    """Splits text as `cut_syllables` does. It has nothing to save."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        words, spaces = get_words_and_spaces(cut_syllables(text), text)
        return Doc(self.vocab, words=words, spaces=spaces)


def make_syllables() -> Callable[[Language], SyllableTokenizer]:
    """`xner.Syllables.v1`: a tokenizer for scripts without spaces, for languages that have no tokenizer in spaCy."""
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
    """RETURNS (str): The first word of a character's Unicode name, usually its script: "THAI", "CJK"."""
    return unicodedata.name(char, "").partition(" ")[0] if char else ""
