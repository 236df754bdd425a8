"""Translators that do not translate: they return a stored translation (`xner.Bitext.v1`) or the text itself."""

import unicodedata
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Dict, Iterable, Iterator, List, Literal, Optional, Sequence

import srsly

from ..corpora.bitext import read_bitext
from ..corpora.files import tell_once
from ..corpora.reading import parse_msgpack
from ..errors import Warnings, XnerError, XnerWarning, require
from ..progress import tracked
from ..text import composed, join_words
from ..types import PathLike, Translation
from .faults import MISSING

Match = Literal["exact", "letters"]
Missing = Literal["error", "skip"]
PART = "xner.Bitext.v1"
_has_warned = False
CONFLICTS = "texts have several translations: the first is used"


def exact_key(text: str) -> str:
    """RETURNS (str): The text in NFC. Whitespace between words is replaced by one space, and removed between characters
    of a script that is written without spaces.
    """
    return join_words(composed(text).split())


class _LettersAlone(Dict[int, Optional[int]]):
    """For `str.translate`: characters other than letters, marks and digits are removed. Remembers those it has seen."""

    def __missing__(self, number: int) -> Optional[int]:
        self[number] = number if unicodedata.category(chr(number))[0] in "LMN" else None
        return self[number]


_LETTERS_ALONE = _LettersAlone()


def letters_key(text: str) -> str:
    """RETURNS (str): Only letters, marks and digits, lower-cased, so that tokenisation and quotes make no difference. A
    text without any ("!!!", "👍") is kept, so that such texts are not all equal.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = folded.translate(_LETTERS_ALONE)
    # Marks alone don't count, because an emoji can have one. Such a text gets a space in front, as no other key has.
    if any(unicodedata.category(c)[0] != "M" for c in letters):
        return letters
    return " " + "".join(composed(text).split())


_KEYS: Dict[str, Callable[[str], str]] = {"exact": exact_key, "letters": letters_key}


@dataclass(eq=False)
class Bitext:
    """`xner.Bitext.v1`: looks translations up. If a text has several, the first is used. The number of such texts is
    reported once.

    source (Optional[PathLike]): A file of translations, one per line. Read at first use and saved with the pipeline.
    target (Optional[PathLike]): The translated texts, line n for line n.
    match (Match): "exact" (texts match except for whitespace) or "letters" (only letters and digits must match).
    missing (Missing): What to do with a text without translation: "error" raises an error; "skip" leaves the Doc
        without a source, with the fault "missing".

    `counts` counts texts with several translations, and lines that were left out.
    """

    source: Optional[PathLike] = None
    target: Optional[PathLike] = None
    match: Match = "exact"
    missing: Missing = "error"
    counts: Counter = field(init=False, default_factory=Counter, repr=False)
    _table: Optional[Dict[str, str]] = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        require(
            self.missing in ("error", "skip") and self.match in _KEYS,
            "match must be 'exact' or 'letters', and missing 'error' or 'skip'.",
        )

    @property
    def table(self) -> Dict[str, str]:
        """The translations by normalised text."""
        if self._table is None:
            if not self.source or not self.target:
                raise XnerError(
                    f"{PART} has no translations.", "Give it `source` and `target`, two line-parallel files."
                )
            table: Dict[str, str] = {}
            conflicts = set()
            counts: Counter = Counter()
            key = _KEYS[self.match]
            pairs = read_bitext(self.source, self.target, counts)
            for translation, text in tracked(pairs, "Translator: reading the translations", unit="sentence pairs"):
                if table.setdefault(key(text), translation) != translation:
                    conflicts.add(key(text))
            counts[CONFLICTS] = len(conflicts)
            self._table, self.counts = table, +counts
            for description, n in self.counts.items():
                tell_once(self.target, f"{n} {description}")
        return self._table

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        table, key = self.table, _KEYS[self.match]
        for text in texts:
            stored = table.get(key(text))
            if stored is None and self.missing == "error":
                shortened = text if len(text) <= 200 else f"{text[:200]}..."
                raise XnerError(
                    f"No stored translation of the sentence {shortened!r}.",
                    "Add it to the bitext, or set missing = 'skip' to skip such sentences.",
                )
            if stored is None:
                _warn_once(text)
            yield Translation(stored, fault=MISSING if stored is None else None)

    def known(self, texts: Sequence[str]) -> Dict[str, Translation]:
        """RETURNS (Dict[str, Translation]): The translation of each text."""
        return dict(zip(texts, self(texts), strict=True))

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The files to read, if the translations are not loaded yet."""
        paths = [self.source, self.target] if self._table is None else []
        return [str(path) for path in paths if path]

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The translations."""
        return srsly.msgpack_dumps(self.table)

    def from_bytes(self, data: bytes) -> "Bitext":
        """Load the translations. RETURNS (Bitext): This translator."""
        self._table = parse_msgpack(data, PART, "the translations of a saved pipeline", Dict[str, str])
        return self


def _warn_once(text: str) -> None:
    """Warn of the first text in this process that has no translation."""
    global _has_warned
    if not _has_warned:
        _has_warned = True
        warnings.warn(Warnings.XW02.format(name=PART, text=text[:80]), XnerWarning, stacklevel=3)


class NoOp:
    """`xner.NoOp.v1`: returns every text unchanged. For tests, and for texts already in the source language."""

    identity: ClassVar[Dict[str, Any]] = {"engine": "noop"}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        return map(Translation, texts)
