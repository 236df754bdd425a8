"""Constrained decoding: the best tag sequence in which every tag may follow the one before."""

from typing import Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...streams import padded_groups
from .tag_scheme import Ids, Mask, TagSet

Floats = npt.NDArray[np.float32]
Costs = npt.NDArray[np.float64]

# Low enough never to win, high enough that sums over long sentences stay finite.
FORBIDDEN = -1e9
# Tokens, padding counted, that are searched at once.
CELLS = 1 << 16


def decode(tagset: TagSet, scores: Floats, lengths: Sequence[int], blank: Optional[Mask] = None) -> Ids:
    """The best allowed tag sequence of each sentence.

    Tokens are scored independently, so where the best tags of a sentence already form an allowed sequence, that is the
    answer, and only the other sentences need the Viterbi algorithm.

    scores (Floats): (n, tags) unnormalised scores of all sentences, laid end to end.
    lengths (Sequence[int]): Tokens of each sentence.
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


def _cost(allowed: Mask) -> Costs:
    return np.where(allowed, 0.0, FORBIDDEN)
