"""`xner.Lexical.v1`: the embedded statistical aligner, trained on a bitext.

Two hidden Markov models, one per direction, trained to agree, over translation probabilities with a
prior that is learned from spelling. The probability of a link is the geometric mean of its
posteriors in the two models. See docs/alignment.md.
"""

import os
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np
import srsly

from ..errors import XnerError
from ..types import Alignment, FloatArray, TokenPair
from .batches import make_batches
from .model import Model
from .training import (
    BATCH_CELLS,
    Int,
    Trainer,
    find_cells,
    link_posteriors,
    make_pool,
    read_bitext,
)
from .vocabulary import Vocabulary

CHUNK_PAIRS = 2_000


class LexicalAligner:
    """Aligns words by what it learned from a bitext.

    threshold (float): Links with a lower probability are left out.
    lexical_rounds (int): Rounds of training without positions.
    hmm_rounds (int): Rounds of training with the hidden Markov models.
    strength (float): Weight of the learned prior, in observations of a word.
    null (float): Probability of a word without a counterpart.
    max_words (int): Vocabulary cap of each language; later words are treated as unseen.
    max_length (int): Sentences with more words are left out of the training.
    threads (int): Threads; 0 for one per core, at most 4. They do not change the result.
    seed (int): For interfaces that hand one over. The training has no random part.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.4,
        lexical_rounds: int = 3,
        hmm_rounds: int = 5,
        strength: float = 10.0,
        null: float = 0.1,
        max_words: int = 1_000_000,
        max_length: int = 120,
        threads: int = 0,
        seed: int = 0,
    ) -> None:
        if not 0.0 < threshold <= 1.0:
            raise XnerError(f"threshold is {threshold}.", "It must be above 0 and at most 1.")
        if not 0.0 < null < 1.0 or strength <= 0.0:
            raise XnerError("null must be between 0 and 1, and strength above 0.")
        if lexical_rounds < 1 or hmm_rounds < 1:
            raise XnerError("lexical_rounds and hmm_rounds must be at least 1.")
        self.threshold = threshold
        self.lexical_rounds = lexical_rounds
        self.hmm_rounds = hmm_rounds
        self.strength = strength
        self.null = null
        self.max_words = max_words
        self.max_length = max_length
        self.threads = threads or min(os.cpu_count() or 1, 4)
        self.seed = seed
        self.model: Optional[Model] = None

    def train(self, pairs: Iterable[TokenPair]) -> None:
        """Learn from a bitext. What was learned before is forgotten.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs; read once, not kept.
        RAISES: XnerError if there is no pair with words on both sides.
        """
        source, target = Vocabulary(limit=self.max_words), Vocabulary(limit=self.max_words)
        sources, targets = read_bitext(pairs, source, target, self.max_length)
        if not sources:
            raise XnerError(
                "The aligner got no sentence pairs to learn from.", "Give it a bitext to train on."
            )
        pool = make_pool(self.threads)
        try:
            trainer = Trainer(
                sources,
                targets,
                source,
                target,
                strength=self.strength,
                null=self.null,
                pool=pool,
            )
            for _ in range(self.lexical_rounds):
                trainer.lexical_round()
            for _ in range(self.hmm_rounds):
                trainer.hmm_round()
        finally:
            if pool is not None:
                pool.shutdown()
        self.model = trainer.model()

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, also unseen ones.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs.
        YIELDS (Alignment): Links with their probabilities, one alignment per pair, in order.
        RAISES: XnerError if the aligner has not been trained.
        """
        for (source, target), (one, other) in self.posteriors(pairs):
            both = np.minimum(np.sqrt(one * other), np.float32(1.0))
            links = np.argwhere(both >= self.threshold)
            assert both.shape == (len(source), len(target))
            yield Alignment(links, both[links[:, 0], links[:, 1]])

    def posteriors(
        self, pairs: Iterable[TokenPair]
    ) -> Iterator[Tuple[TokenPair, Tuple[FloatArray, FloatArray]]]:
        """What both models think of every possible link.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs.
        YIELDS (Tuple[TokenPair, Tuple[FloatArray, FloatArray]]): The pair, and two (source, target)
            arrays: the probability of the target word coming from the source word, and the reverse.
        RAISES: XnerError if the aligner has not been trained.
        """
        if self.model is None:
            raise XnerError(
                "The aligner xner.Lexical.v1 has not been trained.",
                "Train it on a bitext first, by `nlp.initialize` or `aligner.train(pairs)`.",
            )
        chunk: List[TokenPair] = []
        for pair in pairs:
            chunk.append(pair)
            if len(chunk) == CHUNK_PAIRS:
                yield from zip(chunk, self._chunk(self.model, chunk), strict=True)
                chunk = []
        yield from zip(chunk, self._chunk(self.model, chunk), strict=True)

    def _chunk(self, model: Model, pairs: List[TokenPair]) -> List[Tuple[FloatArray, FloatArray]]:
        source_words, target_words = list(model.source.words), list(model.target.words)
        new: Tuple[Dict[str, int], Dict[str, int]] = ({}, {})
        sources: List[Int] = []
        targets: List[Int] = []
        for source, target in pairs:
            sources.append(_encode(source, model.source, new[0], source_words))
            targets.append(_encode(target, model.target, new[1], target_words))
        result = [_nothing(len(source), len(target)) for source, target in pairs]
        for batch in make_batches(sources, targets, BATCH_CELLS):
            cells, _ = find_cells(batch)
            keys = cells.pairs.copy()
            keys[0] = 0  # the padding; its probability is put to 0 below
            one, other, forward, reverse = model.tables(keys, source_words, target_words)
            one[0] = other[0] = 0.0
            ahead, back = link_posteriors(cells, one, other, forward, reverse, self.null)
            for k, row in enumerate(batch.rows):
                m, n = batch.source_length[k], batch.target_length[k]
                result[row] = (ahead[:n, k, :m].T, back[:n, k, :m].T)
        return result

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned, without the settings."""
        return srsly.msgpack_dumps(None if self.model is None else self.model.to_dict())

    def from_bytes(self, data: bytes) -> "LexicalAligner":
        """Take on what `to_bytes` gave. RETURNS (LexicalAligner): Itself."""
        state = srsly.msgpack_loads(data)
        self.model = None if state is None else Model.from_dict(state)
        return self


def _nothing(n_source: int, n_target: int) -> Tuple[FloatArray, FloatArray]:
    empty = np.zeros((n_source, n_target), dtype=np.float32)
    return empty, empty


def _encode(tokens: Iterable[str], known: Vocabulary, new: Dict[str, int], words: List[str]) -> Int:
    """Word numbers, with new ones after the vocabulary for words that it lacks."""
    numbers = known.encode(list(tokens))
    for position in np.flatnonzero(numbers == 0):
        word = list(tokens)[position].casefold()
        if word not in new:
            new[word] = len(words)
            words.append(word)
        numbers[position] = new[word]
    return numbers


def make_lexical(
    threshold: float = 0.4,
    lexical_rounds: int = 3,
    hmm_rounds: int = 5,
    strength: float = 10.0,
    null: float = 0.1,
    max_words: int = 1_000_000,
    max_length: int = 120,
    threads: int = 0,
    seed: int = 0,
) -> LexicalAligner:
    """Build `xner.Lexical.v1`. The settings are those of `LexicalAligner`."""
    return LexicalAligner(
        threshold=threshold,
        lexical_rounds=lexical_rounds,
        hmm_rounds=hmm_rounds,
        strength=strength,
        null=null,
        max_words=max_words,
        max_length=max_length,
        threads=threads,
        seed=seed,
    )
