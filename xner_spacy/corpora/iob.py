"""Column formats with one token and one tag a line: `.iob` (IOB2), CoNLL files with IOB1 tags, UNER and PAN-X.

`.iob` is one token and one IOB2 tag a line (tab or space read, tab written) and one blank line between sentences.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import InputError
from ..text import is_blank_token
from ..types import Entity
from .files import PathLike, read_lines
from .writing import atomic_write


class TaggedSentence(NamedTuple):
    """Tokens, their entities, and the 1-based line of the first token."""

    words: List[str]
    entities: List[Entity]
    line: int = 0


class ColumnFormat(NamedTuple):
    """How a column file is laid out.

    token, tag (int): Columns. separator (Optional[str]): Between columns; None = tab or space, one of them throughout.
    columns (Optional[int]): How many there must be. comments (bool): Lines that start with `# ` are skipped.
    iob1 (bool): An `I-` may open an entity.
    """

    token: int = 0
    tag: int = 1
    separator: Optional[str] = None
    columns: Optional[int] = 2
    comments: bool = False
    iob1: bool = False


FORMATS = {
    "iob2": ColumnFormat(),
    "iob1": ColumnFormat(iob1=True),
    "conll": ColumnFormat(tag=-1, columns=None),
    "uner": ColumnFormat(token=1, tag=2, separator="\t", columns=None, comments=True),
    "panx": ColumnFormat(token=1, tag=2, separator="\t", columns=3),
}


@dataclass
class Repairs:
    """What `repair` mended, counted by kind."""

    counts: Counter = field(default_factory=Counter)


def tags_to_entities(tags: Sequence[str]) -> List[Entity]:
    """RETURNS (List[Entity]): The spans of valid IOB2 tags."""
    entities: List[Entity] = []
    start = -1
    for i, tag in enumerate([*tags, "O"]):
        if start >= 0 and not tag.startswith("I-"):
            entities.append(Entity(start, i, tags[start][2:]))
            start = -1
        if tag.startswith("B-"):
            start = i
    return entities


def entities_to_tags(n_tokens: int, entities: Iterable[Entity]) -> List[str]:
    """RETURNS (List[str]): IOB2 tags. RAISES: ValueError if spans overlap or leave the sentence."""
    tags = ["O"] * n_tokens
    for start, end, label, *_ in entities:
        if not 0 <= start < end <= n_tokens or any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"span {start}-{end} overlaps another or leaves the sentence")
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


def read_iob(
    path: PathLike,
    style: str = "iob2",
    *,
    repair: bool = False,
    repairs: Optional[Repairs] = None,
    labels: Optional[Sequence[str]] = None,
) -> Iterator[TaggedSentence]:
    """Read a column file.

    path (PathLike): The file.
    style (str): One of `FORMATS`.
    repair (bool): Mend what can be mended (byte order mark, CRLF, an `I-` that opens, tokens that cannot be seen, doubled blank
        lines) instead of raising.
    repairs (Optional[Repairs]): Where to count what was mended.
    labels (Optional[Sequence[str]]): The labels that may occur; any may where this is None.
    YIELDS (TaggedSentence): One a sentence.
    RAISES: InputError with the file and line of the first fault.
    """
    layout = FORMATS[style]
    repairs = repairs or Repairs()
    separator = layout.separator
    words: List[str] = []
    tags: List[str] = []
    first = 0
    gap: Optional[int] = None  # a second blank line in a row: an error only if a sentence follows
    sentences = 0
    opened = ""
    for number, line in read_lines(path, repair=repair):
        if layout.comments and line.startswith("#") and "\t" not in line:
            continue
        if not line.strip():
            if words:
                sentences += 1
                yield TaggedSentence(words, tags_to_entities(tags), first)
                words, tags, opened = [], [], ""
            elif gap is None:
                gap = number
            continue
        if not words:
            if gap is not None and not repair and style == "iob2":
                raise InputError(
                    "is an empty sentence (a blank line with no sentence before it).",
                    path,
                    gap,
                    "Leave exactly one blank line between sentences.",
                )
            repairs.counts["blank line"] += gap is not None
            gap, first = None, number
        if separator is None:
            separator = "\t" if "\t" in line else " "
        token, tag = _split(line, separator, layout, path, number)
        if is_blank_token(token):
            if not repair:
                raise InputError(
                    f"token {token!a} holds nothing that can be seen.",
                    path,
                    number,
                    "Remove the line, or run `xner convert --repair`.",
                )
            repairs.counts["invisible token"] += 1
            if tag.startswith("B-"):
                opened = tag[2:]
            continue
        # An entity that began with a token that cannot be seen begins with its next one.
        if opened and tag == f"I-{opened}":
            tag = f"B-{opened}"
        opened = ""
        prefix, _, label = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not label):
            raise InputError(f"{tag!r} is not an IOB2 tag (O, B-LABEL or I-LABEL).", path, number)
        if labels is not None and label and label not in labels:
            raise InputError(
                f"unknown label {label!r}; expected {', '.join(labels)}.",
                path,
                number,
                "Use --label-map to translate or drop labels.",
            )
        if prefix == "I" and (not tags or tags[-1] == "O" or tags[-1][2:] != label):
            if not (repair or layout.iob1):
                raise InputError(
                    f"{tag} opens an entity; in IOB2 an entity opens with B-{label}.",
                    path,
                    number,
                    "If the file is IOB1, read it with --from iob1; else mend it or run `xner convert --repair`.",
                )
            repairs.counts["opening I-"] += not layout.iob1
            tag = f"B-{label}"
        words.append(token)
        tags.append(tag)
    if words:
        sentences += 1
        yield TaggedSentence(words, tags_to_entities(tags), first)
    if not sentences:
        raise InputError("is empty: it holds no sentence.", path)


def _split(
    line: str, separator: str, layout: ColumnFormat, path: PathLike, number: int
) -> Tuple[str, str]:
    other = " " if separator == "\t" else "\t"
    # Only a file of the plain two-column form can mix its separators: elsewhere the tab is given.
    if layout.separator is None and separator not in line and other in line:
        raise InputError(
            f"mixes separators: the file began with {'tabs' if separator == chr(9) else 'spaces'}.",
            path,
            number,
            "Use one separator throughout.",
        )
    if layout.separator is None and separator == " " and "\t" in line:
        raise InputError(
            "mixes separators: a tab in a file that began with spaces.",
            path,
            number,
            "Use one separator throughout.",
        )
    columns = line.rstrip(" ").split(separator) if separator == " " else line.split(separator)
    needed = layout.columns or max(layout.token, layout.tag) + 1
    if len(columns) < max(needed, 2) or (layout.columns and len(columns) > layout.columns):
        found = f"{len(columns)} column{'s' if len(columns) != 1 else ''}"
        wanted = str(layout.columns) if layout.columns else f"at least {max(needed, 2)}"
        raise InputError(
            f"has {found} where {wanted} are needed (a token and its tag).", path, number
        )
    return columns[layout.token], columns[layout.tag].strip()


def write_iob(path: PathLike, sentences: Iterable[TaggedSentence]) -> int:
    """Write `.iob`, atomically.

    RETURNS (int): The number of sentences.
    """
    count = 0
    with atomic_write(path) as file:
        for words, entities, *_ in sentences:
            tags = entities_to_tags(len(words), entities)
            file.write("".join(f"{w}\t{t}\n" for w, t in zip(words, tags)) + "\n")
            count += 1
    return count


def is_iob(path: PathLike) -> bool:
    """RETURNS (bool): Whether the name says that a file is a column file."""
    return Path(path).suffix in (".iob", ".iob2", ".conll", ".bio")
