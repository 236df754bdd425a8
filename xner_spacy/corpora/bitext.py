"""Line-parallel bitext: two text files, line n of one the translation of line n of the other."""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import InputError
from ..languages import blank
from .files import read_lines

Tokenizer = Callable[[str], Doc]


def read_bitext(source: Path, target: Path, *, repair: bool = False) -> Iterator[Tuple[str, str]]:
    """Read two files in step.

    YIELDS (Tuple[str, str]): Source and target line, stripped.
    RAISES: InputError if one file is longer, empty, or has an empty line where the other has none.
    """
    number = 0
    for s, t in zip_longest(read_lines(source, repair=repair), read_lines(target, repair=repair)):
        number += 1
        if s is None or t is None:
            short, long = (source, target) if s is None else (target, source)
            raise InputError(
                f"has no partner: {short} ends at line {number - 1}; line n must belong to line n.",
                long,
                number,
                "Mend the files so that they run parallel.",
            )
        left, right = s[1].strip(), t[1].strip()
        if bool(left) != bool(right):
            raise InputError(
                "is an empty sentence whose partner is not.", source if not left else target, number
            )
        if left:
            yield left, right
    if not number:
        raise InputError("is empty.", source)


@dataclass
class TokenizedBitext:
    """A bitext as token pairs, read anew at every iteration, so that training holds no copy of the text.

    source, target (Path): The files. source_tokenizer, target_tokenizer: spaCy tokenizers, or None to split at spaces.
    """

    source: Path
    target: Path
    source_tokenizer: Optional[Tokenizer] = None
    target_tokenizer: Optional[Tokenizer] = None

    @classmethod
    def of(
        cls, source: str, target: str, nlp: Language, source_lang: str, tokenized: bool
    ) -> "TokenizedBitext":
        """A bitext as a pipeline sees it.

        nlp (Language): Whose tokenizer splits the target. source_lang (str): Language code for that of the source. tokenized (bool): Split both
            at spaces instead.
        """
        if tokenized:
            return cls(Path(source), Path(target))
        return cls(Path(source), Path(target), blank(source_lang).tokenizer, nlp.tokenizer)

    def __iter__(self) -> Iterator[Tuple[List[str], List[str]]]:
        for left, right in read_bitext(self.source, self.target):
            yield (
                _split(left, self.source_tokenizer),
                _split(right, self.target_tokenizer),
            )


def _split(text: str, tokenizer: Optional[Tokenizer]) -> List[str]:
    return (
        text.split() if tokenizer is None else [t.text for t in tokenizer(text) if not t.is_space]
    )
