"""IOB2: a token and its tag a line, for text editors and for tools that read columns.

What a sentence is stands in comments above it, which begin with "# " and have one space on either side of the "=". The
text is there too, so that tokens that can't be written in a column (of white space, say) come back as they were. A line
`# status = rejected` or `# status = skipped` is an answer; without it the sentence is corrected.
"""

import json
import re
from collections import Counter
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..corpora.files import read_lines
from ..corpora.formats.schemes import Fault, SentenceTags, entities_to_tags, is_sound_label, tags_to_entities
from ..corpora.reading import parse_json
from ..errors import InputError, require
from ..types import Entity, PathLike
from .proposals import Proposal
from .tickets import Ticket, parse_ticket
from .tools import CORRECTED, STATUSES, Answer, ExportedFile

_COMMENT = re.compile(r"# ([a-z ]+) = (.*)")
_GAP = re.compile(r"[\s\x1c-\x1f\x85]+")
_STATUS, _TICKET, _TEXT = "status", "xner", "text"


class Iob2:
    """A column file, in both directions."""

    title = "IOB2"
    next_step = (
        "correct the tags in sentences.iob; a line `# status = rejected` or `skipped` above a sentence leaves it out"
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "sentences.iob", map(_sentence, proposals)

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read sentences; see `AnnotationTool`."""
        comments: Dict[str, str] = {}
        rows: List[Tuple[int, str, str]] = []
        for number, line in read_lines(path):
            comment = _COMMENT.fullmatch(line) if not rows else None
            if not line.strip():
                if rows:
                    yield _answer(path, comments, rows)
                comments, rows = {}, []
            elif comment is not None:
                comments[comment[1]] = comment[2]
            elif rows or not (line.startswith("# ") and len(line.split()) > 2):
                word, _, tag = line.strip(" ").rpartition("\t" if "\t" in line else " ")
                if not word or " " in word or "\t" in word:
                    message = f"{line[:60]!a} is no token and its tag."
                    raise InputError(message, path, number, "Write a token, a tab and a tag such as B-PER, I-PER or O.")
                rows.append((number, word, tag))
        if rows:
            yield _answer(path, comments, rows)

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as a column file does."""
        return isinstance(start, str) and (bool(_COMMENT.fullmatch(start)) or "\t" in start)


def _shown(word: str) -> str:
    """RETURNS (str): A token as it stands in the column: without white space."""
    return _GAP.sub("_", word) or "_"


def _sentence(proposal: Proposal) -> str:
    for span in proposal.spans:
        require(is_sound_label(span.label), f"The label {span.label!a} can't be written to IOB2.", "Correct it first.")
    comments = {_TICKET: str(proposal.ticket), _TEXT: json.dumps(proposal.text, ensure_ascii=False)}
    comments |= {name: " ".join(value.split()) for name, value in proposal.context().items()}
    if proposal.score is not None:
        comments["score"] = str(proposal.score)
    entities = [Entity(span.first, span.last, span.label) for span in proposal.spans]
    tags = entities_to_tags(len(proposal.words), entities)
    head = "".join(f"# {name} = {value}\n" for name, value in comments.items())
    return head + "".join(f"{_shown(word)}\t{tag}\n" for word, tag in zip(proposal.words, tags, strict=True)) + "\n"


def _answer(path: PathLike, comments: Dict[str, str], rows: List[Tuple[int, str, str]]) -> Answer:
    status = comments.get(_STATUS, CORRECTED).strip()
    line = rows[0][0]
    if status not in STATUSES:
        raise InputError(f"has the unknown status {status!a}; expected {', '.join(STATUSES)}.", path, line)
    tags = SentenceTags("iob2", False, Counter())
    for number, _, tag in rows:
        try:
            tags.add(tag)
        except Fault as fault:
            raise InputError(fault.message, path, number, fault.hint) from None
    words = [word for _, word, _ in rows]
    ticket = parse_ticket(comments.get(_TICKET))
    text, offsets = _restored(words, ticket, comments, path, line)
    entities = tags_to_entities(tags.tags)
    spans = [(offsets[entity.start][0], offsets[entity.end - 1][1], entity.label) for entity in entities]
    return Answer(str(path), line, ticket, text, spans, status, comments.get("annotator"), offsets)


def _restored(
    words: List[str], ticket: Optional[Ticket], comments: Dict[str, str], path: PathLike, line: int
) -> Tuple[str, List[Tuple[int, int]]]:
    """RETURNS (Tuple[str, List[Tuple[int, int]]]): The text and the offsets of its tokens: as they were exported, if the
    column still has these tokens; else the tokens with one space between them.
    """
    if ticket is not None and _TEXT in comments:
        text = parse_json(comments[_TEXT], path, line)
        known = ticket.words_and_spaces(text) if isinstance(text, str) else None
        if known is not None and list(map(_shown, known[0])) == words:
            return text, _offsets(*known)
    text = " ".join(words)
    spaces = [True] * (len(words) - 1) + [False]
    return text, _offsets(words, spaces)


def _offsets(words: Sequence[str], spaces: Sequence[bool]) -> List[Tuple[int, int]]:
    offsets, position = [], 0
    for word, space in zip(words, spaces, strict=True):
        offsets.append((position, position + len(word)))
        position += len(word) + space
    return offsets
