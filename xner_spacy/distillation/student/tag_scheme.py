"""Tag schemes: entity labels to per-token tags and back, which tags may follow each other, and constrained decoding: the
best tag sequence in which they all may.
"""

from typing import Iterable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...streams import padded_groups
from ...text import is_blank_token, trim_span

SCHEMES = {"iob2": "BI", "biluo": "BILU"}
MISSING = -1

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

# Low enough never to win, high enough that sums over long sentences stay finite.
FORBIDDEN = -1e9
# Tokens, padding counted, that are searched at once.
CELLS = 1 << 16


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

        tags (Ids): (n,) tag indices, `MISSING` where nothing is known.
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
        """RETURNS (Tuple[Ids, Ids, Ids]): First token, last token and label index of each entity, in order, of
        well-formed tags laid end to end; `last` says which tokens are the last of their sentence.
        """
        inside = tags > 0
        goes_on = np.zeros(len(tags), dtype=bool)
        goes_on[:-1] = self.continues[tags[1:]] & ~last[:-1]
        starts = np.flatnonzero(inside & ~self.continues[tags])
        ends = np.flatnonzero(inside & ~goes_on)
        return starts, ends, self.label_of[tags[starts]]


def decode(tagset: TagSet, scores: Floats, lengths: Sequence[int], blank: Optional[Mask] = None) -> Ids:
    """The best allowed tag sequence of each sentence.

    Tokens are scored independently, so where the best tags of a sentence already form an allowed sequence, that is the
    answer, and only the other sentences need the Viterbi algorithm.

    scores (Floats): (n, tags) unnormalised scores of all sentences, laid end to end.
    blank (Optional[Mask]): (n,) tokens at which no entity may begin or end (`blank_tokens`).
    RETURNS (Ids): (n,) tag indices.
    """
    if blank is None or not blank.any():
        blank = np.zeros(len(scores), dtype=bool)
    else:
        scores = scores.copy()
        scores[np.ix_(blank, ~tagset.may_be_blank)] = FORBIDDEN
    tags: Ids = scores.argmax(axis=1)
    sizes = np.asarray(lengths, dtype=np.int64)
    if not len(tags):
        return tags
    full = np.flatnonzero(sizes)
    ends = np.cumsum(sizes)[full]
    starts = ends - sizes[full]
    bad = np.zeros(len(tags), dtype=bool)
    bad[1:] = ~np.where(
        blank[:-1], tagset.allowed_after_blank[tags[:-1], tags[1:]], tagset.allowed[tags[:-1], tags[1:]]
    )
    bad[starts] = ~tagset.may_start[tags[starts]]
    bad[ends - 1] |= ~tagset.may_end[tags[ends - 1]] | (blank[ends - 1] & (tags[ends - 1] > 0))
    if not bad.any():
        return tags
    wrong = np.flatnonzero(np.logical_or.reduceat(bad, starts))
    # Of like length, so that one long line does not cost its length for every other sentence.
    longest_first = wrong[np.argsort(starts[wrong] - ends[wrong], kind="stable")]
    for group in padded_groups(longest_first.tolist(), CELLS, lambda k: (int(ends[k] - starts[k]),)):
        viterbi(tagset, scores, blank, starts[group], ends[group], tags)
    return tags


def decode_spans(
    tagset: TagSet, scores: Floats, lengths: Sequence[int], blank: Optional[Mask] = None
) -> Tuple[Ids, Ids, Ids, Ids]:
    """RETURNS (Tuple[Ids, Ids, Ids, Ids]): What `decode` gives, and first token, last token and label index of each
    entity, in order.
    """
    tags = decode(tagset, scores, lengths, blank)
    last = np.zeros(len(tags), dtype=bool)
    last[np.cumsum(lengths)[np.asarray(lengths) > 0] - 1] = True
    return (tags, *tagset.spans(tags, last))


def viterbi(tagset: TagSet, scores: Floats, blank: Mask, starts: Ids, ends: Ids, tags: Ids) -> None:
    """Viterbi over some sentences at once, with transitions that are either free or forbidden.

    scores (Floats), blank (Mask): As of `decode`; at a blank token no tag is left but those that may be there.
    starts (Ids), ends (Ids): Where the sentences begin and end, longest first; none is empty.
    tags (Ids): (n,) gets their best allowed tags.
    """
    sizes = ends - starts
    n, longest = len(sizes), int(sizes[0])
    step, step_after_blank = _cost(tagset.allowed).T, _cost(tagset.allowed_after_blank).T  # [to, from]
    # In double precision: sums over a line of many thousand tokens would lose the digits that decide.
    best = scores[starts].astype(np.float64) + _cost(tagset.may_start)
    back = np.zeros((longest, n, len(tagset)), dtype=np.int16)
    running = [int(np.searchsorted(-sizes, -t, side="left")) for t in range(longest)]  # sentences longer than t
    for t in range(1, longest):
        now = starts[: running[t]] + t
        before = blank[now - 1]
        steps = np.where(before[:, None, None], step_after_blank, step) if before.any() else step
        paths = best[: running[t], None, :] + steps
        back[t, : running[t]] = paths.argmax(axis=2)
        best[: running[t]] = paths.max(axis=2) + scores[now]
    outside = tagset.label_of < 0
    end = np.where(blank[ends - 1][:, None], _cost(tagset.may_end & outside), _cost(tagset.may_end))
    chosen = (best + end).argmax(axis=1)
    for t in range(longest - 1, -1, -1):
        rows = np.arange(running[t])
        tags[starts[rows] + t] = chosen[rows]
        chosen[rows] = back[t, rows, chosen[rows]]


def _cost(allowed: Mask) -> npt.NDArray[np.float64]:
    return np.where(allowed, 0.0, FORBIDDEN)
