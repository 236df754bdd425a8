"""Constrained decoding: the best tag sequence in which every tag may follow the one before."""

from typing import List, Sequence

import numpy as np
import numpy.typing as npt

from .tags import Ids, TagSet

Floats = npt.NDArray[np.float32]

# Low enough never to win, high enough that sums over long sentences stay finite in float32.
FORBIDDEN = -1e9


def log_softmax(scores: Floats, temperature: float = 1.0) -> Floats:
    """RETURNS (Floats): Log-probabilities of (n, tags) scores divided by a temperature."""
    z = scores / temperature if temperature != 1.0 else scores
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def decode(tagset: TagSet, scores: Floats, lengths: Sequence[int]) -> Ids:
    """The best allowed tag sequence of each sentence.

    Tokens are scored independently, so where the best tags of a sentence already form an allowed
    sequence, that is the answer, and only the other sentences need the Viterbi algorithm.

    scores (Floats): (n, tags) unnormalised scores of all sentences, laid end to end.
    lengths (Sequence[int]): Tokens of each sentence.
    RETURNS (Ids): (n,) tag indices.
    """
    tags: Ids = scores.argmax(axis=1)
    sizes = np.asarray(lengths, dtype=np.int64)
    if not len(tags):
        return tags
    full = np.flatnonzero(sizes)
    ends = np.cumsum(sizes)[full]
    starts = ends - sizes[full]
    bad = np.zeros(len(tags), dtype=bool)
    bad[1:] = ~tagset.allowed[tags[:-1], tags[1:]]
    bad[starts] = ~tagset.may_start[tags[starts]]
    bad[ends - 1] |= ~tagset.may_end[tags[ends - 1]]
    if not bad.any():
        return tags
    wrong = np.flatnonzero(np.logical_or.reduceat(bad, starts))
    chosen = [(int(starts[k]), int(ends[k])) for k in wrong]
    found = viterbi(tagset, [scores[a:b] for a, b in chosen])
    for (start, end), best in zip(chosen, found, strict=True):
        tags[start:end] = best
    return tags


def viterbi(tagset: TagSet, sentences: Sequence[Floats]) -> List[Ids]:
    """Viterbi over a batch of sentences at once, with transitions that are either free or
    forbidden.

    sentences (Sequence[Floats]): (length, tags) scores of each; none may be empty.
    RETURNS (List[Ids]): The best allowed tags of each.
    """
    lengths = np.array([len(s) for s in sentences])
    # Longest first, so that the sentences still running are always the first rows.
    order = np.argsort(-lengths, kind="stable")
    sizes = lengths[order]
    n, longest, width = len(sentences), int(sizes[0]), len(tagset)
    padded = np.zeros((longest, n, width), dtype=np.float32)
    for row, k in enumerate(order):
        padded[: lengths[k], row] = sentences[k]
    step = np.where(tagset.allowed, 0.0, FORBIDDEN).astype(np.float32).T  # [to, from]
    end = np.where(tagset.may_end, 0.0, FORBIDDEN).astype(np.float32)
    best = padded[0] + np.where(tagset.may_start, 0.0, FORBIDDEN).astype(np.float32)
    back = np.zeros((longest, n, width), dtype=np.int64)
    for t in range(1, longest):
        running = int(np.searchsorted(-sizes, -t, side="left"))  # sentences longer than t
        paths = best[:running, None, :] + step
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
