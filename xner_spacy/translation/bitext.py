"""`xner.Bitext.v1`: translations that are there already, a stored one for each sentence."""

import unicodedata
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, Literal, Optional

import srsly

from ..corpora.bitext import read_bitext
from ..errors import XnerError
from ..types import Translation, Translator

Match = Literal["exact", "letters"]
Missing = Literal["error", "skip"]


def exact_key(text: str) -> str:
    """RETURNS (str): The text with single spaces, NFC."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def letters_key(text: str) -> str:
    """RETURNS (str): Letters, marks and digits alone, lower-cased: equal however a text was
    tokenised or quoted.
    """
    return "".join(
        c
        for c in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(c)[0] in "LMN"
    )


_KEYS: Dict[str, Callable[[str], str]] = {"exact": exact_key, "letters": letters_key}


def make_bitext(
    source: Optional[str] = None,
    target: Optional[str] = None,
    match: Match = "exact",
    missing: Missing = "error",
) -> Translator:
    """Make the translator.

    source, target (Optional[str]): Line-parallel text files: the translations, and the texts they
        are of. Read at first use and saved with the pipeline.
    match (str): "exact" (up to spaces), or "letters": texts are the same if their letters and
        digits are.
    missing (str): What to do about a text without translation: "error" names it; "skip" passes the
        Doc on without a source.
    """
    return Bitext(
        Path(source) if source else None, Path(target) if target else None, match, missing
    )


class Bitext:
    """Looks translations up. Of a text that occurs twice the first translation counts."""

    def __init__(
        self,
        source: Optional[Path],
        target: Optional[Path],
        match: Match = "exact",
        missing: Missing = "error",
    ) -> None:
        if missing not in ("error", "skip") or match not in _KEYS:
            raise XnerError("match must be 'exact' or 'letters', and missing 'error' or 'skip'.")
        self.source = source
        self.target = target
        self.missing = missing
        self.match = match
        self._table: Optional[Dict[str, str]] = None

    @property
    def table(self) -> Dict[str, str]:
        """The translations by normalised text."""
        if self._table is None:
            if self.source is None or self.target is None:
                raise XnerError(
                    "xner.Bitext.v1 has no translations.",
                    "Give it `source` and `target`, two line-parallel files.",
                )
            self._table = {}
            key = _KEYS[self.match]
            for source, target in read_bitext(self.source, self.target):
                self._table.setdefault(key(target), source)
        return self._table

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        table, key = self.table, _KEYS[self.match]
        for text in texts:
            found = table.get(key(text))
            if found is None and self.missing == "error":
                raise XnerError(
                    f"No stored translation of the sentence {text!r}.",
                    "Add it to the bitext, or set missing = 'skip' to pass such sentences on.",
                )
            yield Translation(found)

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The translations."""
        return srsly.msgpack_dumps(self.table)

    def from_bytes(self, data: bytes) -> "Bitext":
        """Load the translations. RETURNS (Bitext): This translator."""
        self._table = srsly.msgpack_loads(data)
        return self
