"""Column files: a token and its tag on each line, blank lines between sentences, and maybe other columns.

One reader reads all of them, by a layout (`layouts.py`).
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import FrozenSet, Iterator, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

from ...errors import InputError, XnerError
from ...text import has_blank_token, is_blank_token
from ...types import Entity, PathLike
from ..files import read_lines, tell_once
from .layouts import CONLLU_COLUMNS, LAYOUTS, Column, ColumnLayout
from .plain_rows import plain_rows
from .schemes import SCHEMES, Fault, SentenceTags, split_tag, tags_to_entities

# The token of a line that starts a document.
DOCSTART = "-DOCSTART-"
CHANGE_LABELS = "Correct it, or translate or drop labels first: xner convert IN OUT --label-map NAME"

# What is counted where broken sentences are skipped.
BROKEN = "sentences left out: a line that can't be read"

Broken = Literal["refuse", "skip"]


class TaggedSentence(NamedTuple):
    """A sentence with entities.

    words (List[str]): All tokens, blank ones too. entities (List[Entity]): Its entities, by token.
    line (int): 1-based line of the first token, 0 for a format without lines.
    missing (FrozenSet[int]): Tokens without entity annotation: neither inside nor outside an entity.
    """

    words: List[str]
    entities: List[Entity]
    line: int = 0
    missing: FrozenSet[int] = frozenset()

    @property
    def visible(self) -> List[str]:
        """RETURNS (List[str]): The tokens that are not blank."""
        return [word for word in self.words if not is_blank_token(word)]


_GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_PREFIX = re.compile(r"[a-z][a-z0-9]+(?:-[a-z0-9]+)*:")
_NAME_TAGS = "Name it with --tag-column: its number, or MISC:key for `key=B-PER` in MISC."
# The number of tokens to read before deciding that all tokens of a file have a prefix, or are numbers.
_N_DECIDING = 50


def is_iob(path: PathLike) -> bool:
    """RETURNS (bool): Whether a file has the ending of a column file (also before .gz)."""
    path = Path(path)
    return Path(path.stem if path.suffix == ".gz" else path).suffix in (".iob", ".iob2", ".conll", ".bio")


def read_columns(
    path: PathLike,
    layout: Union[str, ColumnLayout] = "iob2",
    *,
    repair: bool = False,
    broken: Broken = "refuse",
    counts: Optional[Counter] = None,
    labels: Optional[Sequence[str]] = None,
) -> Iterator[TaggedSentence]:
    """Read a column file.

    path (PathLike): The file. layout (Union[str, ColumnLayout]): Its layout, or the name of one.
    repair (bool): Repair what is possible (an `I-` that begins an entity, invisible tokens, doubled blank lines)
        instead of raising.
    broken (Broken): What becomes of a sentence with a line that can't be read: "refuse" raises; "skip" leaves it out,
        counts it, and logs the first such line. Where most sentences have one, the layout is wrong: that raises too.
    counts (Optional[Counter]): Counts what was left out and what was repaired.
    labels (Optional[Sequence[str]]): The allowed labels, or None for any.
    YIELDS (TaggedSentence): The sentences.
    RAISES: InputError with the file and line of the first fault.
    """
    layout = LAYOUTS[layout] if isinstance(layout, str) else layout
    if layout.scheme not in SCHEMES:
        raise XnerError(f"Unknown scheme {layout.scheme!r}.", f"Known: {', '.join(SCHEMES)}.")
    reader = _ColumnReader(layout, repair, Counter() if counts is None else counts, labels, broken == "skip")
    try:
        yield from reader.read_all(read_lines(path, counts))
    except Fault as fault:
        raise InputError(fault.message, path, reader.number, fault.hint) from None
    if reader.first_broken is not None:
        number, first = reader.first_broken
        tell_once(f"{path}:{number}", f"{first.message} {reader.broken:,} {BROKEN}")


@dataclass
class _ColumnReader:
    """Reads lines, and raises a Fault; `number` is then its line, or None if it is about the whole file."""

    layout: ColumnLayout
    repair: bool
    counts: Counter
    labels: Optional[Sequence[str]]
    skips_broken: bool = False
    number: Optional[int] = 0
    sentences: int = 0
    broken: int = 0  # sentences that were left out
    first_broken: Optional[Tuple[int, Fault]] = None
    is_between: bool = True  # whether the last line was blank
    extra_blank: Optional[int] = None  # a second blank line in a row: an error only if a sentence follows
    was_skipped: bool = False  # whether the line before held no token: a blank line after it separates nothing
    rest: Iterator[Tuple[int, str]] = field(default_factory=lambda: iter(()))  # lines that were read ahead
    prefix: str = ""
    keys_found: bool = False  # whether any row had the key of MISC:key
    names: Optional[List[str]] = None  # of a `# global.columns` comment
    shared: Optional[str] = None  # the prefix of all tokens so far
    tokens: int = 0
    counted_up: bool = True  # whether the "tokens" of every sentence so far are 1, 2, 3, ...

    def __post_init__(self) -> None:
        self.separator = self.layout.separator
        self.tag_column = self.layout.tag
        plain = ColumnLayout(scheme=self.layout.scheme, columns=(2,), one_gap=self.layout.one_gap)
        self.has_plain_rows = self.layout == plain and self.layout.scheme == "iob2"
        self._new_sentence()

    def _new_sentence(self) -> None:
        self.words: List[str] = []
        self.tags = SentenceTags(self.layout.scheme, self.repair, self.counts)
        self.first = 0

    def read_all(self, lines: Iterator[Tuple[int, str]]) -> Iterator[TaggedSentence]:
        """YIELDS (TaggedSentence): All sentences, without broken ones if these are skipped."""
        while True:
            try:
                yield from self._read(lines)
                break
            except Fault as fault:
                if not self.skips_broken or self.number is None:
                    raise
                self.first_broken = self.first_broken or (self.number, fault)
                self.broken += 1
                self.counts[BROKEN] += 1
                self._new_sentence()
                if not self.is_between:
                    next((number for number, line in chain(self.rest, lines) if _is_between(line)), None)
        if self.first_broken is not None and self.broken > self.sentences:
            self.number, first = self.first_broken
            raise first
        self._check_whole()

    def _read(self, lines: Iterator[Tuple[int, str]]) -> Iterator[TaggedSentence]:
        self.extra_blank, self.was_skipped = None, False
        rows = chain(lines, [(0, "")])  # the end of the file is the end of a sentence
        for number, line in rows:
            if self.words or not self._may_be_plain(line):
                sentence = self._read_line(number, line)
            else:
                texts = [line]
                for last, line in rows:  # noqa: B007  (used after the loop)
                    if not line or (line[0] in " \t" and _is_between(line)):
                        break
                    texts.append(line)
                sentence = self._plain_sentence(number, texts, last)
                self.rest = iter([*enumerate(texts, number), (last, line)] if sentence is None else ())
                for number, line in self.rest:
                    sentence = self._read_line(number, line)
            if sentence is not None:
                self.sentences += 1
                yield sentence

    def _may_be_plain(self, line: str) -> bool:
        """RETURNS (bool): Whether the sentence that begins with a line may be read at once."""
        is_decided = self.tokens > _N_DECIDING and not self.shared and not self.counted_up
        return (
            self.has_plain_rows
            and is_decided
            and self.extra_blank is None
            and not _is_between(line)
            and not line.startswith(DOCSTART)
        )

    def _plain_sentence(self, number: int, texts: Sequence[str], end: int) -> Optional[TaggedSentence]:
        """RETURNS (Optional[TaggedSentence]): The sentence of some lines, or None if each of them has to be looked at;
        nothing was done then.

        number (int): The number of the first line. end (int): That of the blank line after them; 0 at the end.
        """
        rows = plain_rows(texts, str(self.separator))
        if rows is None:
            return None
        words, tags = rows
        entities = tags_to_entities(tags) if tags.count("O") < len(tags) else []
        if self.labels is not None and any(entity.label not in self.labels for entity in entities):
            return None
        self.tokens += len(words)
        self.is_between, self.was_skipped = True, False
        self.number = end or number + len(texts) - 1
        return TaggedSentence(words, entities, number)

    def _read_line(self, number: int, line: str) -> Optional[TaggedSentence]:
        """RETURNS (Optional[TaggedSentence]): The sentence that ends with a line, if any."""
        self.number = number or self.number
        self.is_between = _is_between(line)
        if self.is_between:
            if not self.words and self.extra_blank is None and not self.was_skipped:
                self.extra_blank = number
            self.was_skipped = False
            return self._end() if self.words else None
        row = self._row(line)
        self.was_skipped = row is None
        if row is None:
            return None
        if not self.words:
            if self.extra_blank is not None and self.layout.one_gap and not (self.repair or self.skips_broken):
                self.number = self.extra_blank
                message = "is an empty sentence (a blank line with no sentence before it)."
                raise Fault(message, "Leave exactly one blank line between sentences.")
            self.counts["repaired blank line"] += self.extra_blank is not None and self.layout.one_gap
            self.extra_blank, self.first = None, number
        self._add(*row)
        return None

    def _add(self, token: str, tag: str) -> None:
        if is_blank_token(token) and not self.repair:
            hint = "Remove the line, or run `xner convert --repair`."
            raise Fault(f"token {token!a} holds nothing that can be seen.", hint)
        try:
            self.tags.add(tag)
        except Fault as fault:
            if token.startswith("#") and not self.layout.comments:
                hint = "If lines that begin with # are comments: xner convert --comments"
                raise Fault(fault.message, hint) from None
            raise
        label = self.tags.tags[-1][2:]
        if self.labels is not None and label and label not in self.labels:
            raise Fault(f"unknown label {label!r}; expected {', '.join(self.labels)}.", CHANGE_LABELS)
        self.words.append(token)

    def _end(self) -> Optional[TaggedSentence]:
        self.tags.end()
        words, entities, first = self.words, tags_to_entities(self.tags.tags), self.first
        self._new_sentence()
        self._check_numbers(words)
        if not self.repair:
            return TaggedSentence(words, entities, first)
        kept, entities, lost = visible(words, entities)
        self.counts["repaired invisible token"] += len(words) - len(kept)
        self.counts["entities left out: no token that can be seen"] += lost
        self.counts["sentences left out: no token that can be seen"] += not kept
        return TaggedSentence(kept, entities, first) if kept else None

    def _row(self, line: str) -> Optional[Tuple[str, str]]:
        """RETURNS (Optional[Tuple[str, str]]): The token and tag of a line, or None for a line without a token."""
        if self.layout.comments and line.startswith("#") and not self._is_row(line):
            if match := _GLOBAL_COLUMNS.match(line):
                self.names = match[1].split()
                other_names = self._other_names()
                if self.layout.tag is None and len(other_names) == 1:
                    self.tag_column = other_names[0]
            self.counts["lines left out: comments"] += 1
            return None
        if not self.words and line.startswith(DOCSTART):
            parts = line.split("\t" if "\t" in line else " ")
            if parts[0] == DOCSTART and not _is_entity(parts[-1]):
                self.counts["lines left out: -DOCSTART-"] += 1
                return None
        cells = self._cells(line)
        self._check_width(cells)
        if self.layout.numbered or (self.layout.prefixed and len(cells) == 3):
            kind = _row_kind(cells[0])
            if kind is None:
                hint = "Name the layout (xner convert --from ...), or the columns (--token-column, --tag-column)."
                raise Fault(f"begins with {cells[0]!r}, where the number of a token should stand.", hint)
            if kind:
                self.counts[kind] += 1
                self.counts["tags left out with ranges and empty nodes"] += _is_entity(self._tag(cells))
                return None
        elif self.layout.numbered is None and len(cells) > 2 and _row_kind(cells[0]) and self._first_is_free():
            hint = "Say whether the first column numbers the tokens: xner convert --numbered, or --no-numbered."
            raise Fault(f"begins with {cells[0]!r}, as ranges of words and empty nodes do.", hint)
        token, tag = self._token(cells), self._tag(cells)
        if self.layout.inner is not None and self.layout.inner <= len(cells):
            self.counts["entities left out: inner layer"] += cells[self.layout.inner - 1].startswith("B-")
        return token, tag

    def _first_is_free(self) -> bool:
        """RETURNS (bool): Whether the first column holds neither the token nor the tag."""
        return not {1, self.names[0] if self.names else "ID"} & {self.layout.token, self.tag_column}

    def _is_row(self, line: str) -> bool:
        """RETURNS (bool): Whether a line that begins with # is a token with its tag, and not a comment."""
        cells = line.split("\t") if "\t" in line else [cell for cell in line.split(" ") if cell]
        allowed = self.layout.columns
        if self.layout.numbered or len(cells) < 2 or (allowed and len(cells) not in allowed):
            return False
        if not isinstance(self.tag_column, int) or abs(self.tag_column) > len(cells):
            return False
        try:
            split_tag(cells[_index(self.tag_column)].strip(), self.layout.scheme)
        except Fault:
            return False
        return True

    def _cells(self, line: str) -> List[str]:
        if self.separator is None:
            self.separator = "\t" if "\t" in line else " "
        mixed = ""
        if self.separator == " ":
            mixed = "a tab in a file that began with spaces" if "\t" in line else ""
        # Mixed separators are only an error if the layout leaves the separator open.
        elif self.layout.separator is None and "\t" not in line and " " in line.strip(" "):
            mixed = "the file began with tabs"
        if mixed:
            raise Fault(f"mixes separators: {mixed}.", "Use one separator throughout.")
        return line.split("\t") if self.separator == "\t" else [cell for cell in line.split(" ") if cell]

    def _check_width(self, cells: List[str]) -> None:
        allowed = self.layout.columns
        needed = max([2, *(abs(k) for k in (self.layout.token, self.layout.tag) if isinstance(k, int))])
        if (allowed and len(cells) not in allowed) or len(cells) < needed:
            actual = f"{len(cells)} column{'s' if len(cells) != 1 else ''}"
            expected = " or ".join(map(str, allowed)) if allowed else f"at least {needed}"
            hint = "Mend the line; a text with a sentence a line is read with xner convert --from txt."
            if len(cells) > 1:
                hint = (
                    "Name the layout (xner convert --from conll2003, germeval, ...; see its --help), or the "
                    "columns (xner convert --token-column 1 --tag-column -1)."
                )
            raise Fault(f"has {actual} where {expected} are needed (a token and its tag).", hint)

    def _other_names(self) -> List[str]:
        """RETURNS (List[str]): The columns that CoNLL-U does not have."""
        return [name for name in self.names or () if name not in CONLLU_COLUMNS]

    def _cell(self, cells: List[str], column: Optional[Column]) -> str:
        """RETURNS (str): The cell of a column, which has a number or a name."""
        names: Sequence[str] = self.names or CONLLU_COLUMNS
        if column is None:
            message = "no column is known to hold the entities"
            message += f" (columns: {', '.join(self.names)})." if self.names else "."
            others = ", ".join(self._other_names())
            hint = f"Name it with --tag-column: its number, its name ({others}), or MISC:key." if others else _NAME_TAGS
            raise Fault(message, hint)
        if isinstance(column, str) and column not in names:
            raise Fault(f"there is no column {column!r}; there are: {', '.join(names)}.")
        index = names.index(column) if isinstance(column, str) else _index(column)
        if index >= len(cells) or -index > len(cells):
            raise Fault(f"has {len(cells)} columns, and no column {column}.")
        return cells[index]

    def _token(self, cells: List[str]) -> str:
        token = self._cell(cells, self.layout.token)
        if self.layout.prefixed and len(cells) == 2:
            self.prefix = self.prefix or "".join(_PREFIX.findall(token)[:1])
            if not self.prefix or not token.startswith(self.prefix):
                expected = self.prefix or "a language code as in sw:word"
                hint = "If the tokens have no prefix, read the file with xner convert --from iob2."
                raise Fault(f"token {token!r} does not begin with {expected!r}.", hint)
            return token[len(self.prefix) :]
        if self.tokens == 0:
            match = _PREFIX.match(token)
            self.shared = match[0] if match else None
        elif self.shared and not token.startswith(self.shared):
            self.shared = None
        self.tokens += 1
        if self.tokens == _N_DECIDING:
            self._refuse_a_prefix()
        return token

    def _check_numbers(self, words: List[str]) -> None:
        if not self.counted_up:
            return
        first_number = 0 if words[0] == "0" else 1
        if words[0] != str(first_number) or words != [str(k) for k in range(first_number, first_number + len(words))]:
            self.counted_up = False
        elif self.tokens >= _N_DECIDING:
            self._refuse_numbers()

    def _refuse_numbers(self) -> None:
        if self.counted_up:
            self.number = None
            layouts = "Name the layout (xner convert --from germeval, uner, wikineural, conllu, ...)"
            message = "its tokens are numbers that count up: they are another column."
            raise Fault(message, f"{layouts}, or the column (--token-column).")

    def _refuse_a_prefix(self) -> None:
        if self.shared:
            self.number = None
            hint = "Read the file with xner convert --from panx, which takes the prefix off."
            raise Fault(f"every token begins with {self.shared!r}, as in PAN-X (WikiANN).", hint)

    def _tag(self, cells: List[str]) -> str:
        column = self.tag_column
        if column is None and not self.names and len(cells) == len(CONLLU_COLUMNS):
            keys = [value.partition("=")[0] for value in cells[-1].split("|") if "=" in value]
            found_keys = ", ".join(keys) or "nothing"
            raise Fault(f"no column is known to hold the entities; MISC has: {found_keys}.", _NAME_TAGS)
        if self._is_keyed(column):
            name, _, key = str(column).partition(":")
            for value in self._cell(cells, name).split("|"):
                if value.startswith(f"{key}="):
                    self.keys_found = True
                    return value[len(key) + 1 :].strip(" ")
            return "O"
        return self._cell(cells, column).strip(" ")

    def _check_whole(self) -> None:
        self.number = None
        if not self.sentences:
            raise Fault("is empty: it holds no sentence.")
        if self.tokens > 1:
            self._refuse_a_prefix()
        if self.tokens > max(2, self.sentences):
            self._refuse_numbers()
        if self._is_keyed(self.tag_column) and not self.keys_found:
            name, _, key = str(self.tag_column).partition(":")
            raise Fault(f"no row has {key}= in its column {name}.", f"Name the right key: --tag-column {name}:KEY")

    def _is_keyed(self, column: Optional[Column]) -> bool:
        """RETURNS (bool): Whether a column has the form `MISC:key`."""
        return isinstance(column, str) and ":" in column and column not in (self.names or ())


def _is_between(line: str) -> bool:
    return not line.strip(" \t")


def visible(words: Sequence[str], entities: Sequence[Entity]) -> Tuple[List[str], List[Entity], int]:
    """Leave out invisible tokens.

    RETURNS (Tuple[List[str], List[Entity], int]): The visible tokens, their entities, and the number of entities
        without a visible token.
    """
    if not has_blank_token(words):
        return list(words), list(entities), 0
    new_index: List[int] = []
    kept_words: List[str] = []
    for word in words:
        new_index.append(len(kept_words))
        if not is_blank_token(word):
            kept_words.append(word)
    new_index.append(len(kept_words))
    moved = [Entity(new_index[entity.start], new_index[entity.end], *entity[2:]) for entity in entities]
    kept_entities = [entity for entity in moved if entity.start < entity.end]
    return kept_words, kept_entities, len(moved) - len(kept_entities)


def _index(column: int) -> int:
    return column - 1 if column > 0 else column


def _is_entity(tag: str) -> bool:
    return len(tag) > 2 and tag[1] == "-" and tag[0] in "BIESLU"


def _row_kind(number: str) -> Optional[str]:
    """RETURNS (Optional[str]): "" for a token, the reason to leave a row out, or None for a row without a number."""
    if number.isascii() and number.isdigit():
        return ""
    if re.fullmatch(r"[0-9]+-[0-9]+", number):
        return "lines left out: ranges of words (2-3)"
    return "lines left out: empty nodes (2.1)" if re.fullmatch(r"[0-9]+\.[0-9]+", number) else None
