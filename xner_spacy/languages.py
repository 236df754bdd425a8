"""Language codes: one table for spaCy, Apertium and the data sets."""

from typing import NamedTuple, Optional

import spacy
from spacy.language import Language

from .errors import XnerError


class Code(NamedTuple):
    """One language: ISO 639-3 and 639-1 code, English name, and spaCy's code ("xx" where spaCy has no class)."""

    iso3: str
    iso1: str
    name: str
    spacy: str


_TABLE = """
bam bm Bambara xx
deu de German de
eng en English en
fra fr French fr
hau ha Hausa xx
hbs sh Serbo-Croatian xx
hrv hr Croatian hr
isl is Icelandic is
lug lg Luganda lg
luo - Luo xx
pcm - Nigerian_Pidgin xx
por pt Portuguese pt
ron ro Romanian ro
spa es Spanish es
srp sr Serbian sr
swa sw Swahili xx
swe sv Swedish sv
tsn tn Setswana tn
yor yo Yoruba yo
"""

CODES = {
    row[0]: Code(row[0], row[1] if row[1] != "-" else "", row[2].replace("_", " "), row[3])
    for row in (line.split() for line in _TABLE.strip().splitlines())
}


def find_code(code: str) -> Optional[Code]:
    """RETURNS (Optional[Code]): The entry for an ISO 639-3 or 639-1 code, or None."""
    if code in CODES:
        return CODES[code]
    return next((entry for entry in CODES.values() if code and entry.iso1 == code), None)


def blank(code: str) -> Language:
    """A blank pipeline for a language: spaCy's own class, or the multi-language one where spaCy has none.

    code (str): ISO 639-1 or 639-3 code, or any code that spaCy knows.
    RETURNS (Language): The blank pipeline.
    RAISES: XnerError if neither spaCy nor the table knows the code.
    """
    entry = find_code(code)
    try:
        return spacy.blank(entry.spacy if entry else code)
    except ImportError:
        raise XnerError(
            f"Unknown language {code!r}.",
            f"Give a code of spaCy's, 'xx' for any other language, or one of: {', '.join(CODES)}.",
        ) from None
