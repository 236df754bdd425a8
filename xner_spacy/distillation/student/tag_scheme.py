"""Tag schemes: entity labels to per-token tags, which tags may follow each other, and spans to tags and back."""

from typing import Iterable, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...text import is_blank_token, trim_span

SCHEMES = {"iob2": "BI", "biluo": "BILU"}
MISSING = -1

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def blank_tokens(words: Iterable[str]) -> Mask:
    """RETURNS (Mask): (words,) which of them nobody can see: no entity may begin or end there."""
    return np.fromiter((is_blank_token(word) for word in words), dtype=bool)


class TagSet:
    """The tags of a set of labels under a scheme: O first, then label by label, so that a new label adds tags at the
    end.

    labels (Sequence[str]): Entity labels, without duplicates.
    scheme (str): "iob2" (O, B-x, I-x) or "biluo" (O, B-x, I-x, L-x, U-x).
    RAISES: XnerError for an unknown scheme.
    """

    def __init__(self, labels: Sequence[str], scheme: str = "biluo") -> None:
        if scheme not in SCHEMES:
            raise XnerError(f"Unknown tag scheme {scheme!r}.", f"Known: {', '.join(SCHEMES)}.")
        self.scheme = scheme
        self.labels: Tuple[str, ...] = tuple(labels)
        self.prefixes = SCHEMES[scheme]
        self.tags: List[str] = ["O", *(f"{p}-{x}" for x in self.labels for p in self.prefixes)]
        self.index = {tag: k for k, tag in enumerate(self.tags)}
        prefix = np.array([tag[0] for tag in self.tags])
        # The label of each tag, -1 for O.
        self.label_of: Ids = np.array(
            [-1, *(k for k in range(len(self.labels)) for _ in self.prefixes)], dtype=np.int64
        )
        self.continues: Mask = (prefix == "I") | (prefix == "L")
        may_go_on = (prefix == "B") | (prefix == "I")
        may_close = np.isin(prefix, ["O", "L", "U"]) | (scheme == "iob2")
        same = self.label_of[:, None] == self.label_of[None, :]
        # allowed[a, b]: tag b may follow tag a.
        self.allowed: Mask = np.where(self.continues[None, :], may_go_on[:, None] & same, may_close[:, None])
        self.may_start: Mask = ~self.continues
        self.may_end: Mask = may_close
        # A blank token is no edge of an entity: it is outside, or the entity goes on before and behind it.
        self.may_be_blank: Mask = (prefix == "O") | (prefix == "I")
        self.allowed_after_blank: Mask = self.allowed & ((prefix == "O")[:, None] | self.continues[None, :])

    def __len__(self) -> int:
        return len(self.tags)

    def from_iob(self, iob: Ids, label: Ids) -> Ids:
        """Tags of one sentence from spaCy's entity codes.

        iob (Ids): (n,) `ent_iob`: 0 missing, 1 inside, 2 outside, 3 begin.
        label (Ids): (n,) index of the label, ignored where the token is not in an entity; -1 in an entity marks a token
            that spaCy calls blocked, which is outside.
        RETURNS (Ids): (n,) tag indices, `MISSING` where nothing is known.
        """
        tags = np.zeros(len(iob), dtype=np.int64)
        inside = ((iob == 1) | (iob == 3)) & (label >= 0)
        follows = np.zeros(len(iob), dtype=bool)  # the next token continues this one's entity
        follows[:-1] = inside[1:] & (iob[1:] == 1)
        begins = inside & (iob == 3)
        base = 1 + label * len(self.prefixes)
        if self.scheme == "iob2":
            offset = np.where(begins, 0, 1)
        else:
            offset = np.where(begins, np.where(follows, 0, 3), np.where(follows, 1, 2))
        tags[inside] = (base + offset)[inside]
        tags[iob == 0] = MISSING
        return tags

    def trim(self, tags: Ids, words: Sequence[str]) -> Tuple[Ids, int]:
        """Free the entities of one sentence of blank tokens at their edges; such tokens are then outside.

        tags (Ids): (n,) tag indices, `MISSING` where nothing is known. words (Sequence[str]): The sentence.
        RETURNS (Tuple[Ids, int]): The tags, and how many entities were trimmed or, blank all over, left out.
        """
        suspects = np.flatnonzero((tags > 0) & blank_tokens(words))
        if not len(suspects):
            return tags, 0
        trimmed, count, start = tags.copy(), 0, 0
        while start < len(tags):
            end = start + 1
            if tags[start] > 0:
                while end < len(tags) and tags[end] > 0 and self.continues[tags[end]]:
                    end += 1
                kept = trim_span(words, start, end)
                if kept != (start, end):
                    count += 1
                    trimmed[start:end] = 0
                    if kept is not None:
                        label = self.labels[self.label_of[tags[start]]]
                        trimmed[kept[0] : kept[1]] = self.of_span(kept[1] - kept[0], label)
            start = end
        return trimmed, count

    def of_span(self, length: int, label: str) -> List[int]:
        """RETURNS (List[int]): The tags of an entity of `length` tokens."""
        first = 1 + self.labels.index(label) * len(self.prefixes)
        if self.scheme == "iob2":
            return [first] + [first + 1] * (length - 1)
        return [first + 3] if length == 1 else [first, *[first + 1] * (length - 2), first + 2]

    def spans(self, tags: Ids, last: Mask) -> Tuple[Ids, Ids, Ids]:
        """The entities of well-formed tag sequences laid end to end.

        tags (Ids): (n,) tag indices of all sentences.
        last (Mask): (n,) whether a token is the last of its sentence.
        RETURNS (Tuple[Ids, Ids, Ids]): First token, last token and label index of each entity, in order.
        """
        inside = tags > 0
        goes_on = np.zeros(len(tags), dtype=bool)
        goes_on[:-1] = self.continues[tags[1:]] & ~last[:-1]
        starts = np.flatnonzero(inside & ~self.continues[tags])
        ends = np.flatnonzero(inside & ~goes_on)
        return starts, ends, self.label_of[tags[starts]]
