"""Translations that are there already: a stored one for each sentence (`xner.Bitext.v1`), or the text itself."""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Dict, Iterable, Iterator, List, Literal, Optional

import srsly

from ..corpora.bitext import read_bitext
from ..corpora.files import tell_once
from ..corpora.reading import parse_msgpack
from ..errors import XnerError, require
from ..text import composed, join_words
from ..types import PathLike, Translation
from .faults import MISSING

Match = Literal["exact", "letters"]
Missing = Literal["error", "skip"]
PART = "xner.Bitext.v1"
CONFLICTS = "texts have several translations: the first is taken"


def exact_key(text: str) -> str:
    """RETURNS (str): The text in NFC. Any whitespace between words counts as one space, between the characters of a
    script that is written without spaces as none.
    """
    return join_words(composed(text).split())


def letters_key(text: str) -> str:
    """RETURNS (str): Letters, marks and digits alone, lower-cased: equal however a text was tokenised or quoted. A text
    that has none of them ("!!!", "👍") is as it is: it must not be equal to every other.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")
    # Marks alone are no text: the selector of an emoji's form is one. Behind a space, which no other key begins with.
    if any(unicodedata.category(c)[0] != "M" for c in letters):
        return letters
    return " " + "".join(composed(text).split())


_KEYS: Dict[str, Callable[[str], str]] = {"exact": exact_key, "letters": letters_key}


@dataclass(eq=False)
class Bitext:
    """`xner.Bitext.v1`: looks translations up. Of a text that has several the first is taken; how many have is said
    once.

    source (Optional[PathLike]): A text file of translations, one a line. Read at first use and saved with the pipeline.
    target (Optional[PathLike]): The texts that they are of, line n for line n.
    match (Match): "exact": the same text, but that any whitespace counts as one space; or "letters": texts are the same
        if their letters and digits are.
    missing (Missing): What to do about a text without translation: "error" names it; "skip" passes the Doc on without a
        source, for the reason "missing".

    `counts` holds what there was in the files: texts with several translations, and lines that were left out.
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
            differ = set()
            counts: Counter = Counter()
            key = _KEYS[self.match]
            for left, right in read_bitext(self.source, self.target, counts):
                if table.setdefault(key(right), left) != left:
                    differ.add(key(right))
            counts[CONFLICTS] = len(differ)
            self._table, self.counts = table, +counts
            for what, n in self.counts.items():
                tell_once(self.target, f"{n} {what}")
        return self._table

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        table, key = self.table, _KEYS[self.match]
        for text in texts:
            stored = table.get(key(text))
            if stored is None and self.missing == "error":
                shown = text if len(text) <= 200 else f"{text[:200]}..."
                raise XnerError(
                    f"No stored translation of the sentence {shown!r}.",
                    "Add it to the bitext, or set missing = 'skip' to pass such sentences on.",
                )
            yield Translation(stored, fault=MISSING if stored is None else None)

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The files that it reads, if its translations did not come with the pipeline."""
        paths = [self.source, self.target] if self._table is None else []
        return [str(path) for path in paths if path]

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The translations."""
        return srsly.msgpack_dumps(self.table)

    def from_bytes(self, data: bytes) -> "Bitext":
        """Load the translations. RETURNS (Bitext): This translator."""
        self._table = parse_msgpack(data, PART, "the translations of a saved pipeline", Dict[str, str])
        return self


class NoOp:
    """`xner.NoOp.v1`: gives every text back. For tests, and for text that is in the source language already."""

    identity: ClassVar[Dict[str, Any]] = {"engine": "noop"}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        return map(Translation, texts)
