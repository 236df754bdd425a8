"""How tags say where an entity begins and ends: IOB2, IOB1, BIOES and BILOU, read as IOB2.

| scheme | one token | several tokens | an entity right after another |
|---|---|---|---|
| iob2 | B | B I I | B |
| iob1 | I | I I I | B, if its label is the same |
| bioes | S | B I E | S or B |
| bilou | U | B I L | U or B |
"""

from collections import Counter
from typing import Iterable, List, Optional, Sequence, Tuple

from ...errors import XnerError
from ...types import Entity

SCHEMES = ("iob2", "iob1", "bioes", "bilou")
_NOT_CLOSED = "If the file is IOB2, read it with xner convert --scheme iob2; else mend it or run xner convert --repair."


class Fault(XnerError):
    """An invalid tag, or a line with one."""


# The letters for the last token of an entity, and for an entity of one token.
_MARKS = {"bioes": ("E", "S"), "bilou": ("L", "U")}
_OWNERS = {mark: scheme for scheme, marks in _MARKS.items() for mark in marks}


def is_sound_label(label: str) -> bool:
    """RETURNS (bool): Whether a label is all visible: no control characters, no white space at its ends."""
    return label == label.strip() and not any(char < " " or "\x7f" <= char < "\xa0" for char in label)


def split_tag(tag: str, scheme: str) -> Tuple[str, str]:
    """RETURNS (Tuple[str, str]): The letter and the label of a tag, or ("O", ""). RAISES: Fault if it is not a tag
    of the scheme.
    """
    if tag == "O":
        return "O", ""
    mark, _, label = tag.partition("-")
    letters = "BI" + "".join(_MARKS.get(scheme, ()))
    if label and len(mark) == 1 and mark in letters:
        if not is_sound_label(label):
            raise Fault(f"the label of {tag!a} holds characters that can't be seen.")
        return mark, label
    if label and mark in _OWNERS:
        owner = _OWNERS[mark]
        hint = f"Read the file with xner convert --scheme {owner}."
        raise Fault(f"{tag!r} is a tag of {owner.upper()}, not of {scheme.upper()}.", hint)
    forms = ", ".join(f"{letter}-LABEL" for letter in letters)
    article = "a" if scheme.startswith("b") else "an"
    hint = "If the tags are in another column, name it: xner convert --tag-column."
    raise Fault(f"{tag!r} is not {article} {scheme.upper()} tag (O, {forms}).", hint)


class SentenceTags:
    """The tags of one sentence, read one by one and turned into IOB2.

    scheme (str): One of `SCHEMES`. repair (bool): Repair inconsistent tags instead of raising.
    counts (Counter): Counts the repairs.
    """

    def __init__(self, scheme: str, repair: bool, counts: Counter) -> None:
        self.scheme = scheme
        self.repair = repair
        self.counts = counts
        self.tags: List[str] = []
        self._open: Optional[str] = None  # the label of the entity that may continue
        self._unclosed = False  # whether it must continue, in BIOES and BILOU

    def add(self, tag: str) -> None:
        """Read the next tag. RAISES: Fault if it is invalid, or does not fit the tags before it."""
        mark, label = split_tag(tag, self.scheme)
        if self.scheme in _MARKS:
            self._add_closed(tag, mark, label)
        else:
            self._add_iob(tag, mark, label)

    def _add_iob(self, tag: str, mark: str, label: str) -> None:
        if mark == "I" and label != self._open:
            if self.scheme == "iob2" and not self.repair:
                raise Fault(
                    f"{tag} opens an entity; in IOB2 an entity opens with B-{label}.",
                    "If the file is IOB1, as CoNLL-2003 is, read it with xner convert --scheme iob1; else mend it or "
                    "run xner convert --repair.",
                )
            self.counts["repaired opening I-"] += self.scheme == "iob2"
            mark = "B"
        self._open = label or None
        self.tags.append(f"{mark}-{label}" if label else "O")

    def _add_closed(self, tag: str, mark: str, label: str) -> None:
        continues = mark in ("I", _MARKS[self.scheme][0])
        if continues and label != self._open:
            if not self.repair:
                raise Fault(f"{tag} comes without a B-{label} before it.", _NOT_CLOSED)
            self.counts[f"repaired {mark}- without B-"] += 1
            self.end()
            self._open = label
            self.tags.append(f"B-{label}")
        elif continues:
            self.tags.append(f"I-{label}")
        else:
            self.end()
            self._open = label or None
            self.tags.append(f"B-{label}" if label else "O")
        self._unclosed = mark in ("B", "I")
        if not self._unclosed:
            self._open = None

    def end(self) -> None:
        """Finish the sentence, or the tags before an entity. RAISES: Fault if an entity is not closed."""
        if self._unclosed:
            if not self.repair:
                last, _ = _MARKS[self.scheme]
                raise Fault(f"the entity before it is not closed by {last}-{self._open}.", _NOT_CLOSED)
            self.counts["repaired unclosed entity"] += 1
        self._unclosed = False


def tags_to_entities(tags: Sequence[str]) -> List[Entity]:
    """RETURNS (List[Entity]): The spans of valid IOB2 tags."""
    entities: List[Entity] = []
    start, end, label = 0, 0, ""
    for k in [k for k, tag in enumerate(tags) if tag != "O"]:
        if tags[k][0] == "B":
            if label:
                entities.append(Entity(start, end, label))
            start, label = k, tags[k][2:]
        end = k + 1
    if label:
        entities.append(Entity(start, end, label))
    return entities


def entities_to_tags(n_tokens: int, entities: Iterable[Entity]) -> List[str]:
    """RETURNS (List[str]): IOB2 tags. RAISES: ValueError if spans overlap or leave the sentence."""
    tags = ["O"] * n_tokens
    for start, end, label, *_ in entities:
        if not 0 <= start < end <= n_tokens or any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"span {start}-{end} overlaps another or leaves the sentence")
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags
