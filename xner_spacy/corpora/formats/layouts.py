"""How column files are laid out: which columns hold tokens and tags, by what scheme. Those of well-known data sets have
names.
"""

import re
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple, Union

from ...errors import XnerError

Column = Union[int, str]


@dataclass(frozen=True)
class ColumnLayout:
    """How a column file is laid out.

    token, tag (Union[int, str, None]): Columns. They count from 1; negative ones from the end, -1 being the last. A
        name is one of the file's `# global.columns` comment (CoNLL-U Plus) or of CoNLL-U's ten; `MISC:key` is the value
        of a key in the column MISC. None: taken from the file's comment.
    scheme (str): One of `SCHEMES`. separator (Optional[str]): Between columns; None = tab or spaces, the same one in
        the whole file.
    columns (Tuple[int, ...]): The allowed numbers of columns; empty = any number.
    comments (bool): Lines that begin with # and hold no token with its tag are left out.
    numbered (Optional[bool]): The first column numbers the tokens; rows of ranges (2-3) and empty nodes (2.1) are not
        tokens. None: a file that has such rows is refused.
    prefixed (bool): In a file with two columns, tokens are written `xx:word`.
    inner (Optional[int]): A column of nested entities, which are left out and counted.
    one_gap (bool): Exactly one blank line between sentences.
    """

    token: Optional[Column] = 1
    tag: Optional[Column] = 2
    scheme: str = "iob2"
    separator: Optional[str] = None
    columns: Tuple[int, ...] = ()
    comments: bool = False
    numbered: Optional[bool] = None
    prefixed: bool = False
    inner: Optional[int] = None
    one_gap: bool = False


_CONLLU = ColumnLayout("FORM", None, separator="\t", comments=True, numbered=True)

LAYOUTS: Dict[str, ColumnLayout] = {
    "iob2": ColumnLayout(columns=(2,), one_gap=True),
    "iob1": ColumnLayout(columns=(2,), scheme="iob1"),
    "conll": ColumnLayout(tag=-1),
    "conll2002": ColumnLayout(tag=-1, columns=(2, 3)),
    "conll2003": ColumnLayout(tag=-1, columns=(4, 5), scheme="iob1"),
    "germeval": ColumnLayout(2, 3, separator="\t", columns=(4,), comments=True, numbered=True, inner=4),
    "norne": replace(_CONLLU, tag="MISC:name", columns=(10,)),
    "conllu": _CONLLU,
    "conllup": _CONLLU,
    "multiconer": ColumnLayout(tag=-1, columns=(4,), comments=True),
    "panx": ColumnLayout(-2, -1, separator="\t", columns=(2, 3), prefixed=True),
    "uner": ColumnLayout(2, 3, separator="\t", comments=True, numbered=True),
    "wikineural": ColumnLayout(2, 3, separator="\t", columns=(3,), numbered=True),
}

CONLLU_COLUMNS = (*("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"),)


def parse_column(text: str, option: str) -> Column:
    """RETURNS (Union[int, str]): A column from the command line. RAISES: XnerError for 0 or an empty text."""
    if re.fullmatch(r"[+-]?\d{1,6}", text):
        number = int(text)
        if number == 0:
            raise XnerError(f"{option} 0: columns count from 1.", "-1 is the last one, -2 the one before it.")
        return number
    if not text.strip():
        raise XnerError(f"{option} is empty.", "Give a number from 1 on, or a column's name.")
    return text
