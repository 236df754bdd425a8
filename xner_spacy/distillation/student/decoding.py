"""Constrained decoding: the best tag sequence in which every tag may follow the one before."""

from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

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
    # Long sentences first; those of a group are padded to the longest.
    for group in _groups(wrong[np.argsort(-sizes[full][wrong], kind="stable")], sizes[full]):
        chosen = [(int(starts[k]), int(ends[k])) for k in group]
        sequences = viterbi(tagset, [scores[a:b] for a, b in chosen], [blank[a:b] for a, b in chosen])
        for (start, end), best in zip(chosen, sequences, strict=True):
            tags[start:end] = best
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


def _groups(order: Ids, sizes: Ids) -> Iterator[Ids]:
    """YIELDS (Ids): Parts of the sentences, whose tokens with the padding stay within bounds: one long line is not to
    cost its length for every other sentence.
    """
    at = 0
    while at < len(order):
        n = max(CELLS // int(sizes[order[at]]), 1)
        yield order[at : at + n]
        at += n


def viterbi(tagset: TagSet, sentences: Sequence[Floats], blank: Optional[Sequence[Mask]] = None) -> List[Ids]:
    """Viterbi over a batch of sentences at once, with transitions that are either free or forbidden.

    sentences (Sequence[Floats]): (length, tags) scores of each; none may be empty.
    blank (Optional[Sequence[Mask]]): (length,) of each, the tokens at which no entity may begin or end.
    RETURNS (List[Ids]): The best allowed tags of each.
    """
    lengths = np.array([len(s) for s in sentences])
    # Longest first, so that the sentences still running are always the first rows.
    order = np.argsort(-lengths, kind="stable")
    sizes = lengths[order]
    n, longest, width = len(sentences), int(sizes[0]), len(tagset)
    padded = np.zeros((longest, n, width), dtype=np.float32)
    unseen = np.zeros((longest, n), dtype=bool)
    for row, k in enumerate(order):
        padded[: lengths[k], row] = sentences[k]
        if blank is not None:
            unseen[: lengths[k], row] = blank[k]
    padded[unseen] += _cost(tagset.may_be_blank)
    step = _cost(tagset.allowed).T  # [to, from]
    step_after_blank = _cost(tagset.allowed_after_blank).T
    end = np.where(
        unseen[sizes - 1, np.arange(n)][:, None], _cost(tagset.may_end & (tagset.label_of < 0)), _cost(tagset.may_end)
    )
    # In double precision: sums over a line of many thousand tokens would lose the digits that decide.
    best = padded[0].astype(np.float64) + _cost(tagset.may_start)
    back = np.zeros((longest, n, width), dtype=np.int16)
    for t in range(1, longest):
        running = int(np.searchsorted(-sizes, -t, side="left"))  # sentences longer than t
        before = unseen[t - 1, :running]
        steps = np.where(before[:, None, None], step_after_blank, step) if before.any() else step
        paths = best[:running, None, :] + steps
        back[t, :running] = paths.argmax(axis=2)
        best[:running] = paths.max(axis=2) + padded[t, :running]
    state = (best + end).argmax(axis=1)
    result: List[Ids] = [np.zeros(0, dtype=np.int64)] * n
    for row, k in enumerate(order):
        tags = np.zeros(lengths[k], dtype=np.int64)
        tags[-1] = state[row]
        for t in range(int(lengths[k]) - 1, 0, -1):
            tags[t - 1] = back[t, row, tags[t]]
        result[int(k)] = tags
    return result


def _cost(allowed: Mask) -> Costs:
    return np.where(allowed, 0.0, FORBIDDEN)
