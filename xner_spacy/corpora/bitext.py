"""Line-parallel bitext: two text files, in which line n of one is the translation of line n of the other."""

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import InputError
from ..languages import blank
from ..text import split_tokens
from ..types import PathLike
from .files import count_or_tell, read_lines, require_file

Tokenizer = Callable[[str], Doc]

# Why a line of a bitext is left out.
BOTH_EMPTY = "lines left out: empty on both sides"
ONE_EMPTY = "lines left out: empty on one side"


def read_bitext(source: PathLike, target: PathLike, counts: Optional[Counter] = None) -> Iterator[Tuple[str, str]]:
    """Read two files in parallel. Lines with an empty side are left out and counted.

    source, target (PathLike): The files. counts (Optional[Counter]): Counts the lines that are left out, and what
        `read_lines` counts.
    YIELDS (Tuple[str, str]): Source and target line, stripped.
    RAISES: InputError if one file is longer, or if there is no pair at all.
    """
    for _, left, right in read_numbered_bitext(source, target, counts):
        yield left, right


def read_numbered_bitext(
    source: PathLike, target: PathLike, counts: Optional[Counter] = None
) -> Iterator[Tuple[int, str, str]]:
    """As `read_bitext`. YIELDS (Tuple[int, str, str]): The 1-based line number, and both lines."""
    pairs = 0
    left_out: Counter = Counter()
    lines = zip_longest(read_lines(source, counts), read_lines(target, counts))
    for number, (source_line, target_line) in enumerate(lines, 1):
        if source_line is None or target_line is None:
            short, long = (source, target) if source_line is None else (target, source)
            message = f"has no partner: {short} ends at line {number - 1}; line n must belong to line n."
            raise InputError(message, long, number, "Mend the files so that they run parallel.")
        # A no-break space at an end belongs to a token, but a line of only such spaces is empty.
        left, right = (line.strip(" \t") if line.strip() else "" for line in (source_line[1], target_line[1]))
        if left and right:
            pairs += 1
            yield number, left, right
        else:
            left_out[ONE_EMPTY if left or right else BOTH_EMPTY] += 1
    if not pairs:
        raise InputError("is empty: it holds no pair of sentences.", source)
    count_or_tell(source, left_out, counts)


@dataclass
class TokenizedBitext:
    """A bitext as token pairs. Every iteration reads the files again, so that training keeps no copy of the text.

    source, target (Path): The files. source_tokenizer, target_tokenizer: spaCy tokenizers, or None to split at spaces.
    """

    source: Path
    target: Path
    source_tokenizer: Optional[Tokenizer] = None
    target_tokenizer: Optional[Tokenizer] = None

    @classmethod
    def of(cls, source: str, target: str, nlp: Language, source_lang: str, tokenized: bool) -> "TokenizedBitext":
        """Make a bitext that is tokenised as in a pipeline: by its tokenizer for the target, by that of `source_lang`
        for the source. tokenized (bool): Split both at spaces instead.
        """
        if tokenized:
            return cls(Path(source), Path(target))
        return cls(Path(source), Path(target), blank(source_lang).tokenizer, nlp.tokenizer)

    def __iter__(self) -> Iterator[Tuple[List[str], List[str]]]:
        for path in (self.source, self.target):
            require_file(path, "a bitext is read several times")
        for left, right in read_bitext(self.source, self.target):
            yield (_split(left, self.source_tokenizer), _split(right, self.target_tokenizer))


def _split(text: str, tokenizer: Optional[Tokenizer]) -> List[str]:
    return split_tokens(text) if tokenizer is None else [t.text for t in tokenizer(text) if not t.is_space]
