"""Tag schemes: conversion between entity labels and tags of tokens, allowed transitions between tags, and constrained
decoding, which finds the best allowed tag sequence.
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

# So low that it never wins, and high enough that sums over long sentences stay finite.
FORBIDDEN = -1e9
# Most tokens, including padding, that are decoded together.
CELLS = 1 << 16


def blank_tokens(words: Iterable[str]) -> Mask:
    """RETURNS (Mask): (words,) whether a word is invisible, so that no entity may begin or end there."""
    return np.fromiter((is_blank_token(word) for word in words), dtype=bool)


class TagSet:
    """The tags of a set of labels in a scheme: O first, then label by label, so that a new label adds tags at the end.

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
        # A blank token is outside, or the entity continues on both sides of it.
        self.may_be_blank: Mask = (prefix == "O") | (prefix == "I")
        self.allowed_after_blank: Mask = self.allowed & ((prefix == "O")[:, None] | self.continues[None, :])

    def __len__(self) -> int:
        return len(self.tags)

    def from_iob(self, iob: Ids, label: Ids) -> Ids:
        """Convert spaCy's entity codes of one sentence to tags.

        iob (Ids): (n,) `ent_iob`: 0 missing, 1 inside, 2 outside, 3 begin.
        label (Ids): (n,) index of the label, ignored for tokens outside entities; -1 in an entity marks a token that
            spaCy calls blocked, which is outside.
        RETURNS (Ids): (n,) tag indices, `MISSING` for missing values.
        """
        tags = np.zeros(len(iob), dtype=np.int64)
        inside = ((iob == 1) | (iob == 3)) & (label >= 0)
        is_followed = np.zeros(len(iob), dtype=bool)  # the next token continues this one's entity
        is_followed[:-1] = inside[1:] & (iob[1:] == 1)
        begins = inside & (iob == 3)
        base = 1 + label * len(self.prefixes)
        if self.scheme == "iob2":
            offset = np.where(begins, 0, 1)
        else:
            offset = np.where(begins, np.where(is_followed, 0, 3), np.where(is_followed, 1, 2))
        tags[inside] = (base + offset)[inside]
        tags[iob == 0] = MISSING
        return tags

    def trim(self, tags: Ids, words: Sequence[str]) -> Tuple[Ids, int]:
        """Trim blank tokens from the edges of the entities of one sentence; these tokens are then outside.

        tags (Ids): (n,) tag indices, `MISSING` for missing values.
        RETURNS (Tuple[Ids, int]): The tags, and how many entities were trimmed, or removed because they are all blank.
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
                kept_range = trim_span(words, start, end)
                if kept_range != (start, end):
                    count += 1
                    trimmed[start:end] = 0
                    if kept_range is not None:
                        label = self.labels[self.label_of[tags[start]]]
                        trimmed[kept_range[0] : kept_range[1]] = self.of_span(kept_range[1] - kept_range[0], label)
            start = end
        return trimmed, count

    def of_span(self, length: int, label: str) -> List[int]:
        """RETURNS (List[int]): The tags of an entity of `length` tokens."""
        first = 1 + self.labels.index(label) * len(self.prefixes)
        if self.scheme == "iob2":
            return [first] + [first + 1] * (length - 1)
        return [first + 3] if length == 1 else [first, *[first + 1] * (length - 2), first + 2]

    def spans(self, tags: Ids, last: Mask) -> Tuple[Ids, Ids, Ids]:
        """RETURNS (Tuple[Ids, Ids, Ids]): First token, last token and label index of each entity, in order, from
        well-formed tags of concatenated sentences; `last` marks the last token of each sentence.
        """
        inside = tags > 0
        goes_on = np.zeros(len(tags), dtype=bool)
        goes_on[:-1] = self.continues[tags[1:]] & ~last[:-1]
        starts = np.flatnonzero(inside & ~self.continues[tags])
        ends = np.flatnonzero(inside & ~goes_on)
        return starts, ends, self.label_of[tags[starts]]


def decode(tagset: TagSet, scores: Floats, lengths: Sequence[int], blank: Optional[Mask] = None) -> Ids:
    """Find the best allowed tag sequence of each sentence.

    Tokens are scored independently, so if the best tags of a sentence form an allowed sequence, they are the answer.
    Only the other sentences need the Viterbi algorithm.

    scores (Floats): (n, tags) unnormalised scores of the concatenated sentences.
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
    nonempty = np.flatnonzero(sizes)
    ends = np.cumsum(sizes)[nonempty]
    starts = ends - sizes[nonempty]
    faulty = np.zeros(len(tags), dtype=bool)
    faulty[1:] = ~np.where(
        blank[:-1], tagset.allowed_after_blank[tags[:-1], tags[1:]], tagset.allowed[tags[:-1], tags[1:]]
    )
    faulty[starts] = ~tagset.may_start[tags[starts]]
    faulty[ends - 1] |= ~tagset.may_end[tags[ends - 1]] | (blank[ends - 1] & (tags[ends - 1] > 0))
    if not faulty.any():
        return tags
    faulty_sentences = np.flatnonzero(np.logical_or.reduceat(faulty, starts))
    # Group sentences of similar length, so that one long line does not lengthen all others.
    longest_first = faulty_sentences[np.argsort(starts[faulty_sentences] - ends[faulty_sentences], kind="stable")]
    for group in padded_groups(longest_first.tolist(), CELLS, lambda k: (int(ends[k] - starts[k]),)):
        viterbi(tagset, scores, blank, starts[group], ends[group], tags)
    return tags


def decode_spans(
    tagset: TagSet, scores: Floats, lengths: Sequence[int], blank: Optional[Mask] = None
) -> Tuple[Ids, Ids, Ids, Ids]:
    """RETURNS (Tuple[Ids, Ids, Ids, Ids]): The result of `decode`, and first token, last token and label index of each
    entity, in order.
    """
    tags = decode(tagset, scores, lengths, blank)
    last = np.zeros(len(tags), dtype=bool)
    last[np.cumsum(lengths)[np.asarray(lengths) > 0] - 1] = True
    return (tags, *tagset.spans(tags, last))


def viterbi(tagset: TagSet, scores: Floats, blank: Mask, starts: Ids, ends: Ids, tags: Ids) -> None:
    """Run Viterbi on several sentences at once, with transitions that are either free or forbidden.

    scores (Floats), blank (Mask): See `decode`; at a blank token only the tags that it may have are not forbidden.
    starts (Ids), ends (Ids): Where the sentences begin and end, longest first; none is empty.
    tags (Ids): (n,) is filled with their best allowed tags.
    """
    sizes = ends - starts
    n_sentences, longest = len(sizes), int(sizes[0])
    step_cost, cost_after_blank = _cost(tagset.allowed).T, _cost(tagset.allowed_after_blank).T  # [to, from]
    # Use double precision: sums over many thousand tokens would lose the decisive digits.
    best = scores[starts].astype(np.float64) + _cost(tagset.may_start)
    backpointers = np.zeros((longest, n_sentences, len(tagset)), dtype=np.int16)
    running = [int(np.searchsorted(-sizes, -t, side="left")) for t in range(longest)]  # sentences longer than t
    for t in range(1, longest):
        current = starts[: running[t]] + t
        after_blank = blank[current - 1]
        costs = np.where(after_blank[:, None, None], cost_after_blank, step_cost) if after_blank.any() else step_cost
        paths = best[: running[t], None, :] + costs
        backpointers[t, : running[t]] = paths.argmax(axis=2)
        best[: running[t]] = paths.max(axis=2) + scores[current]
    outside = tagset.label_of < 0
    end = np.where(blank[ends - 1][:, None], _cost(tagset.may_end & outside), _cost(tagset.may_end))
    chosen = (best + end).argmax(axis=1)
    for t in range(longest - 1, -1, -1):
        rows = np.arange(running[t])
        tags[starts[rows] + t] = chosen[rows]
        chosen[rows] = backpointers[t, rows, chosen[rows]]


def _cost(allowed: Mask) -> npt.NDArray[np.float64]:
    return np.where(allowed, 0.0, FORBIDDEN)
