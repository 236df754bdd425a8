"""`xner.Lexical.v1`: the embedded statistical aligner, trained on a bitext.

Two hidden Markov models, one per direction, are trained to agree (Liang, Taskar and Klein 2006):
the expected count of a link is the product of what both directions think of it. The probability of
a link is the geometric mean of the two.
"""

from typing import Any, Dict, Iterable, Iterator, List, Tuple

import numpy as np
import numpy.typing as npt
import srsly

from ..errors import XnerError
from ..types import Alignment, TokenPair
from .batches import Batch, make_batches
from .hmm import Jumps, Statistics, posteriors
from .vocabulary import Vocabulary

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int32]

BATCH_CELLS = 400_000
CHUNK_PAIRS = 2_000


class LexicalAligner:
    """Aligns words by what it learned from a bitext.

    threshold (float): Links with a lower probability are left out.
    iterations (int): Rounds of training with the hidden Markov models.
    null (float): Probability of a word without a counterpart.
    max_words (int): Vocabulary cap of each language.
    max_length (int): Longer sentences are left out of the training.
    seed (int): Kept for interfaces that hand one over: the training has no random part.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        iterations: int = 6,
        null: float = 0.1,
        max_words: int = 1_000_000,
        max_length: int = 120,
        seed: int = 0,
    ) -> None:
        self.threshold = threshold
        self.iterations = iterations
        self.null = null
        self.max_words = max_words
        self.max_length = max_length
        self.seed = seed
        self.trained = False

    def train(self, pairs: Iterable[TokenPair]) -> None:
        """Learn from a bitext. What was learned before is forgotten.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs; read once.
        RAISES: XnerError if there is no pair with words on both sides.
        """
        self.source = Vocabulary(limit=self.max_words)
        self.target = Vocabulary(limit=self.max_words)
        sources: List[Int] = []
        targets: List[Int] = []
        for source, target in pairs:
            if 0 < len(source) <= self.max_length and 0 < len(target) <= self.max_length:
                sources.append(self.source.add(source))
                targets.append(self.target.add(target))
        if not sources:
            raise XnerError(
                "The aligner got no sentence pairs to learn from.", "Give it a bitext to train on."
            )
        batches = make_batches(sources, targets, BATCH_CELLS)
        self._width = len(self.target)
        keys = np.concatenate([self._key(batch).ravel() for batch in batches])
        self.keys, cells, together = np.unique(keys, return_inverse=True, return_counts=True)
        if self.keys[0] != -1:
            self.keys = np.concatenate([[-1], self.keys])
            together = np.concatenate([[0], together])
            cells = cells + 1
        together[0] = 0
        ids_all: Int = cells.astype(np.int32).ravel()
        self.source_counts = _count(batches, "source", len(self.source))
        self.target_counts = _count(batches, "target", len(self.target))
        e, f = self.keys // self._width, self.keys % self._width
        dice = 2.0 * together / (self.source_counts[e] + self.target_counts[f])
        self.forward = self.reverse = dice.astype(np.float32)
        self.empty_forward = (self.target_counts / self.target_counts.sum()).astype(np.float32)
        self.empty_reverse = (self.source_counts / self.source_counts.sum()).astype(np.float32)
        self.jumps = (Jumps(), Jumps())
        for iteration in range(self.iterations + 2):
            statistics = (
                None
                if iteration < 2
                else (Statistics(self.jumps[0].limit), Statistics(self.jumps[1].limit))
            )
            weights: List[npt.NDArray[np.float32]] = []
            start = 0
            for batch in batches:
                size = batch.source.size * batch.target.shape[1]
                ids = ids_all[start : start + size].reshape(
                    batch.target.shape[1], *batch.source.shape
                )
                start += size
                one, other = self._posteriors(batch, ids, statistics)
                weights.append((one * other).ravel())
            counts = np.bincount(
                ids_all, np.concatenate(weights).astype(np.float64), minlength=len(self.keys)
            )
            counts[0] = 0.0
            self.forward, self.reverse = (
                _conditional(counts, e, self.source_counts, f, self.target_counts),
                _conditional(counts, f, self.target_counts, e, self.source_counts),
            )
            if statistics is not None:
                for jumps, statistic in zip(self.jumps, statistics, strict=True):
                    jumps.update(statistic.moved, statistic.began)
        self.trained = True

    def _key(self, batch: Batch) -> npt.NDArray[np.int64]:
        key = batch.source[None, :, :].astype(np.int64) * self._width + batch.target.T[:, :, None]
        key[~batch.mask] = -1
        return key

    def _posteriors(
        self, batch: Batch, ids: Int, statistics: Any, model: bool = True
    ) -> Tuple[Float, Float]:
        """RETURNS (Tuple[Float, Float]): (target, batch, source) posteriors of both directions."""
        forward, reverse = self.forward[ids], self.reverse[ids]
        unknown = (ids == 0) & batch.mask
        forward[unknown] = reverse[unknown] = 1e-6
        if statistics is None and not self.trained:
            return (
                forward / np.maximum(forward.sum(axis=2, keepdims=True), 1e-9),
                reverse / np.maximum(reverse.sum(axis=0, keepdims=True), 1e-9),
            )
        first, second = statistics or (None, None)
        one = posteriors(
            forward,
            np.maximum(self.empty_forward[np.maximum(batch.target.T, 0)], np.float32(1e-6)),
            batch.source_length,
            batch.target_length,
            self.jumps[0],
            self.null,
            first,
        )
        other = posteriors(
            np.ascontiguousarray(reverse.transpose(2, 1, 0)),
            np.maximum(self.empty_reverse[np.maximum(batch.source.T, 0)], np.float32(1e-6)),
            batch.target_length,
            batch.source_length,
            self.jumps[1],
            self.null,
            second,
        )
        return one, other.transpose(2, 1, 0)

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, also unseen ones.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs.
        YIELDS (Alignment): Links with their probabilities, one alignment per pair, in order.
        RAISES: XnerError if the aligner has not been trained.
        """
        if not self.trained:
            raise XnerError(
                "The aligner xner.Lexical.v1 has not been trained.",
                "Train it on a bitext first, by `nlp.initialize` or `aligner.train(pairs)`.",
            )
        chunk: List[TokenPair] = []
        for pair in pairs:
            chunk.append(pair)
            if len(chunk) == CHUNK_PAIRS:
                yield from self._align(chunk)
                chunk = []
        yield from self._align(chunk)

    def _align(self, pairs: List[TokenPair]) -> List[Alignment]:
        sources = [self.source.encode(source) for source, _ in pairs]
        targets = [self.target.encode(target) for _, target in pairs]
        result = [Alignment() for _ in pairs]
        for batch in make_batches(sources, targets, BATCH_CELLS):
            key = self._key(batch)
            place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
            ids = np.where(self.keys[place] == key, place, 0).astype(np.int32)
            one, other = self._posteriors(batch, ids, None)
            probability = np.minimum(np.sqrt(one * other), np.float32(1.0))
            for k, row in enumerate(batch.rows):
                j, i = np.nonzero(probability[:, k] >= self.threshold)
                result[row] = Alignment(np.column_stack([i, j]), probability[j, k, i])
        return result

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned, without the settings."""
        state: Dict[str, Any] = {"trained": self.trained}
        if self.trained:
            state["source"] = self.source.words[1:]
            state["target"] = self.target.words[1:]
            for name in ("keys", "forward", "reverse", "empty_forward", "empty_reverse"):
                state[name] = np.asarray(getattr(self, name))
            state["jumps"] = [[jumps.move, jumps.start] for jumps in self.jumps]
        return srsly.msgpack_dumps(state)

    def from_bytes(self, data: bytes) -> "LexicalAligner":
        """Take on what `to_bytes` gave. RETURNS (LexicalAligner): Itself."""
        state = srsly.msgpack_loads(data)
        self.trained = state["trained"]
        if self.trained:
            self.source = Vocabulary(state["source"], limit=self.max_words)
            self.target = Vocabulary(state["target"], limit=self.max_words)
            self._width = len(self.target)
            for name in ("keys", "forward", "reverse", "empty_forward", "empty_reverse"):
                setattr(self, name, state[name])
            self.jumps = (Jumps(), Jumps())
            for jumps, (move, start) in zip(self.jumps, state["jumps"], strict=True):
                jumps.move, jumps.start = move, start
        return self


def _count(batches: List[Batch], side: str, size: int) -> npt.NDArray[np.float64]:
    counts = np.zeros(size)
    for batch in batches:
        words = getattr(batch, side)
        counts += np.bincount(words[words >= 0], minlength=size)
    return counts


def _conditional(
    counts: npt.NDArray[Any],
    given: npt.NDArray[Any],
    given_counts: npt.NDArray[np.float64],
    word: npt.NDArray[Any],
    word_counts: npt.NDArray[np.float64],
) -> Float:
    """Probability of `word` if `given`, with the prior strength of one observation.

    The prior of a pair is the mean probability of pairs of words as frequent as these.
    """
    total = np.bincount(np.maximum(given, 0), counts, minlength=len(given_counts))
    bucket = _frequency(given_counts)[given] * 10 + _frequency(word_counts)[word]
    links = np.bincount(bucket, counts, minlength=100)
    chances = np.bincount(bucket, given_counts[given], minlength=100)
    prior = (links + 1e-3) / (chances + 1.0)
    result = (counts + prior[bucket]) / (total[given] + 1.0)
    result[0] = 0.0
    return result.astype(np.float32)


def _frequency(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.minimum(np.log2(np.maximum(counts, 1.0)), 9.0).astype(np.int64)


def make_lexical(
    threshold: float = 0.5,
    iterations: int = 6,
    null: float = 0.1,
    max_words: int = 1_000_000,
    max_length: int = 120,
    seed: int = 0,
) -> LexicalAligner:
    """Build `xner.Lexical.v1`. The settings are those of `LexicalAligner`."""
    return LexicalAligner(
        threshold=threshold,
        iterations=iterations,
        null=null,
        max_words=max_words,
        max_length=max_length,
        seed=seed,
    )
