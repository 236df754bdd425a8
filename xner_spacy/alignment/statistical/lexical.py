"""`xner.Lexical.v1`: the embedded statistical aligner, trained on a bitext.

Two hidden Markov models, one per direction, trained to agree, over translation probabilities with a prior that is
learned from spelling. The probability of a link is the geometric mean of its posteriors in the two models. See
docs/alignment.md.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, List, Optional, Tuple

import numpy as np
import srsly

from ...corpora.reading import parse_msgpack, reading
from ...errors import require
from ...progress import step, tracked
from ...streams import pools
from ...types import Alignment, FloatArray, TokenPair
from ..windows import PairWindow, pair_windows
from .alignment_model import Model, Tables
from .trainer import BATCH_CELLS, Trainer, TrainingReport, link_posteriors, read_bitext
from .vocabulary import Batch, Int, Keys, Vocabulary, make_batches, pair_keys

_log = logging.getLogger("xner_spacy")

# How much is aligned at a time, in sentence pairs and in cells of their word-by-word tables.
CHUNK_PAIRS = 2_000
CHUNK_CELLS = 2_000_000
# The most words of a side that are aligned in one piece. Longer pairs are aligned in windows.
WINDOW = 256
# Scores are rounded to this number of decimals before they are compared with the threshold, and only here. The other
# pairs in a batch can change the last digits of a score. So if a score is within UNSURE (a share of a rounding step) of
# the middle between two rounded values, its pair is aligned again alone.
DECIMALS = 6
UNSURE = 1e-4


@dataclass(eq=False)
class LexicalAligner:
    """`xner.Lexical.v1`: a statistical word aligner that is trained on a bitext.

    threshold (float): Links with a lower probability are left out.
    lexical_rounds (int): Rounds of training without positions.
    hmm_rounds (int): Rounds of training with the hidden Markov models.
    strength (float): Weight of the learned prior, in observations of a word.
    null (float): Probability of a word without a counterpart.
    max_words (int): Vocabulary cap of each language; later words are treated as unseen.
    max_length (int): Longer sentence pairs are cut into pieces of this many words for the training.
    threads (int): Threads; 0 for one per core, at most 4. They do not change the result.
    seed (int): Ignored, because the training has no random part. It is for interfaces that set a seed.
    """

    threshold: float = 0.4
    lexical_rounds: int = 3
    hmm_rounds: int = 5
    strength: float = 10.0
    null: float = 0.1
    max_words: int = 1_000_000
    max_length: int = 120
    threads: int = 0
    seed: int = 0
    model: Optional[Model] = field(init=False, default=None, repr=False)
    report: TrainingReport = field(init=False, default_factory=TrainingReport, repr=False)

    def __post_init__(self) -> None:
        require(0.0 < self.threshold <= 1.0, f"threshold is {self.threshold}.", "It must be above 0 and at most 1.")
        require(
            0.0 < self.null < 1.0 and 0.0 < self.strength < float("inf"),
            "null must be between 0 and 1, and strength above 0.",
        )
        require(self.lexical_rounds >= 1 <= self.hmm_rounds, "lexical_rounds and hmm_rounds must be at least 1.")
        require(
            self.max_words >= 1 and self.max_length >= 2 and self.threads >= 0,
            "max_words must be at least 1, max_length 2, and threads 0.",
        )

    def train(self, pairs: Iterable[TokenPair]) -> None:
        """Learn from a bitext, which is read once and not kept. Earlier training is discarded. `report` counts the
        pairs that were skipped and those that were cut. RAISES: XnerError if no pair has words on both sides.
        """
        source, target = Vocabulary(limit=self.max_words), Vocabulary(limit=self.max_words)
        read = tracked(pairs, "Aligner: reading the bitext", unit="sentence pairs")
        sources, targets, self.report = read_bitext(read, source, target, self.max_length)
        summary = self.report.summary()
        require(
            bool(sources),
            f"The aligner got no sentence pairs to learn from{f' ({summary})' if summary else ''}.",
            "Give it a bitext to train on.",
        )
        if summary:
            _log.warning("xner.Lexical.v1: %s", summary)
        with ThreadPoolExecutor(self.threads or min(os.cpu_count() or 1, 4), "xner-align") as pool:
            with step("Aligner: counting word pairs"):
                trainer = Trainer(sources, targets, source, target, strength=self.strength, null=self.null, pool=pool)
            rounds = [trainer.lexical_round] * (self.lexical_rounds - 1) + [trainer.hmm_round] * self.hmm_rounds
            for learn in tracked(rounds, "Aligner: learning", len(rounds), "rounds"):
                learn()
        self.model = trainer.model()

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, including unseen ones. YIELDS (Alignment): Links with their probabilities.
        RAISES: XnerError if the aligner has not been trained.
        """
        for chunk in self._chunks(pairs):
            links: List[List[List[int]]] = [[] for _ in chunk]
            scores: List[List[float]] = [[] for _ in chunk]
            for number, window, posteriors in self._aligned(chunk):
                table, sure = _scores(*posteriors, self.threshold)
                if not sure:
                    source, target = chunk[number]
                    part = (source[window.source], target[window.target])
                    # The other side can be longer than the window, and must not be cut again.
                    [(_, _, posteriors)] = self._aligned([part], 2 * WINDOW)
                    table, _ = _scores(*posteriors, self.threshold)
                i, j = np.nonzero(window.kept_cells & (table >= self.threshold))
                links[number] += np.stack([i + window.source.start, j + window.target.start], axis=1).tolist()
                scores[number] += table[i, j].tolist()
            yield from map(Alignment, links, scores)

    def posteriors(self, pairs: Iterable[TokenPair]) -> Iterator[Tuple[TokenPair, Tuple[FloatArray, FloatArray]]]:
        """Compute the posteriors of every possible link in both models.

        YIELDS (Tuple[TokenPair, Tuple[FloatArray, FloatArray]]): The pair, and two (source, target) arrays: the
            probability of the target word coming from the source word, and the reverse. A pair longer than 256 words is
            aligned in windows, and both are 0 outside them.
        RAISES: XnerError if the aligner has not been trained.
        """
        for chunk in self._chunks(pairs):
            results = [
                (np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32))
                for shape in ((len(source), len(target)) for source, target in chunk)
            ]
            for number, window, tables in self._aligned(chunk):
                for pair_table, window_table in zip(results[number], tables, strict=True):
                    kept = window.kept_cells
                    pair_table[window.source, window.target][kept] = window_table[kept]
            yield from zip(chunk, results, strict=True)

    def _chunks(self, pairs: Iterable[TokenPair]) -> Iterator[List[TokenPair]]:
        require(
            self.model is not None,
            "The aligner xner.Lexical.v1 has not been trained.",
            "Train it on a bitext first, by `nlp.initialize` or `aligner.train(pairs)`.",
        )
        listed: Iterable[TokenPair] = ((list(source), list(target)) for source, target in pairs)
        yield from pools(listed, CHUNK_PAIRS, CHUNK_CELLS, _cells)

    def _aligned(
        self, pairs: List[TokenPair], window_size: int = WINDOW
    ) -> Iterator[Tuple[int, PairWindow, Tuple[FloatArray, FloatArray]]]:
        """YIELDS (Tuple): The number of a pair, a window of it, and its (source, target) posteriors in both models. The
        order is arbitrary.
        """
        model: Any = self.model
        source_words, target_words = Vocabulary(), Vocabulary()  # of these pairs alone
        owners: List[Tuple[int, PairWindow]] = []
        sources: List[Int] = []
        targets: List[Int] = []
        for number, (source, target) in enumerate(pairs):
            source_numbers, target_numbers = source_words.add(source), target_words.add(target)
            for window in pair_windows(len(source_numbers), len(target_numbers), window_size):
                owners.append((number, window))
                sources.append(source_numbers[window.source])
                targets.append(target_numbers[window.target])
        tables = Tables(model, source_words.words, target_words.words)
        for batch in make_batches(sources, targets, BATCH_CELLS):
            keys, index = _word_pairs(batch)
            # In float64, so that the rest of the batch does not change the rounded scores.
            forward, reverse = (table.astype(np.float64) for table in tables(keys))
            forward[0] = reverse[0] = 0.0  # the padding
            emissions = forward[index], reverse[np.ascontiguousarray(index.transpose(2, 1, 0))]
            ahead, back = link_posteriors(batch, emissions, tables.directions, self.null)
            for k, row in enumerate(batch.rows):
                m, n = batch.source_length[k], batch.target_length[k]
                yield (*owners[row], (ahead[:n, k, :m].T, back[:n, k, :m].T))

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The trained model, without the settings."""
        return srsly.msgpack_dumps(None if self.model is None else self.model.to_dict())

    def from_bytes(self, data: bytes) -> "LexicalAligner":
        """RETURNS (LexicalAligner): This aligner, with the loaded model. RAISES: XnerError if the data is damaged; the
        aligner is unchanged then.
        """
        state = parse_msgpack(data, "xner.Lexical.v1", "the state of a trained aligner")
        with reading("xner.Lexical.v1", "the state of a trained aligner", "Train it again."):
            self.model = None if state is None else Model.from_dict(state)
        return self


def _word_pairs(batch: Batch) -> Tuple[Keys, Int]:
    """RETURNS (Tuple[Keys, Int]): The different word pairs of a batch after one for the padding (the pair of words 0),
    and the (target, batch, source) positions of the batch's word pairs among them.
    """
    keys = pair_keys(batch.source[None, :, :], batch.target.T[:, :, None])
    keys[(batch.source[None, :, :] < 0) | (batch.target.T[:, :, None] < 0)] = 0
    # A key is appended so that the padding is in every table.
    pairs, index = np.unique(np.append(keys, 0), return_inverse=True)
    return pairs, index[:-1].reshape(keys.shape).astype(np.int32)


def _cells(pair: TokenPair) -> int:
    """RETURNS (int): The size of the tables of a pair."""
    longer, shorter = sorted(map(len, pair))[::-1]
    return longer * min(shorter, WINDOW)


def _scores(ahead: FloatArray, back: FloatArray, threshold: float) -> Tuple[FloatArray, bool]:
    """RETURNS (Tuple[FloatArray, bool]): The scores of all possible links from the posteriors of both models, and
    whether all that can reach the threshold are the same in any batch.
    """
    steps = np.minimum(np.sqrt(ahead * back), 1.0) * 10**DECIMALS
    near = np.abs(steps - np.floor(steps) - 0.5) < UNSURE
    sure = not np.any(near & (steps >= threshold * 10**DECIMALS - 1))
    return np.rint(steps) / 10**DECIMALS, sure
