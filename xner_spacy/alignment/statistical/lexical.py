"""`xner.Lexical.v1`: the embedded statistical aligner, trained on a bitext.

Two hidden Markov models, one per direction, trained to agree, over translation probabilities with a prior that is
learned from spelling. The probability of a link is the geometric mean of its posteriors in the two models. See
docs/alignment.md.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
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
# A table of marks for all pairs of the words of a batch may have this many times as many cells as the batch.
MOST_MARKS = 8


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
        batches = make_batches(sources, targets, BATCH_CELLS)
        del sources, targets  # the batches have them
        with ThreadPoolExecutor(self.threads or min(os.cpu_count() or 1, 4), "xner-align") as pool:
            with step("Aligner: counting word pairs"):
                trainer = Trainer(batches, source, target, strength=self.strength, null=self.null, pool=pool)
            rounds = [trainer.lexical_round] * (self.lexical_rounds - 1) + [trainer.hmm_round] * self.hmm_rounds
            for learn in tracked(rounds, "Aligner: learning", len(rounds), "rounds"):
                learn()
        self.model = trainer.model()

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, including unseen ones. YIELDS (Alignment): Links with their probabilities.
        RAISES: XnerError if the aligner has not been trained.
        """
        for chunk in self._chunks(pairs):
            links: List[List[Int]] = [[] for _ in chunk]
            scores: List[List[FloatArray]] = [[] for _ in chunk]
            for owners, batch, posteriors in self._aligned(chunk):
                for (number, window), (cells, values, sure) in zip(
                    owners, _links(batch, *posteriors, self.threshold), strict=True
                ):
                    if not sure:
                        source, target = chunk[number]
                        part = (source[window.source], target[window.target])
                        # The other side can be longer than the window, and must not be cut again.
                        [(_, one, posteriors_alone)] = self._aligned([part], 2 * WINDOW)
                        [(cells, values, _)] = _links(one, *posteriors_alone, self.threshold)
                    is_kept = window.keeps(cells)
                    links[number].append(cells[is_kept] + (window.source.start, window.target.start))
                    scores[number].append(values[is_kept])
            for parts, values_of_parts in zip(links, scores, strict=True):
                yield Alignment(np.concatenate(parts), np.concatenate(values_of_parts)) if parts else Alignment()

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
            for owners, batch, tables in self._aligned(chunk):
                for k, (number, window) in enumerate(owners):
                    m, n = batch.source_length[k], batch.target_length[k]
                    for pair_table, table in zip(results[number], tables, strict=True):
                        kept = window.kept_cells
                        pair_table[window.source, window.target][kept] = table[:n, k, :m].T[kept]
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
    ) -> Iterator[Tuple[List[Tuple[int, PairWindow]], Batch, Tuple[FloatArray, FloatArray]]]:
        """YIELDS (Tuple): For each row of a batch the number of its pair and its window; the batch; and its (target,
        batch, source) posteriors in both models. The order is arbitrary.
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
            yield (
                [owners[row] for row in batch.rows],
                batch,
                link_posteriors(batch, emissions, tables.directions, self.null),
            )

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
    # The words of the batch after the padding, and for each place the number of its word among them.
    (source_words, source), (target_words, target) = (
        np.unique(np.append(np.maximum(side, 0), 0), return_inverse=True) for side in (batch.source, batch.target)
    )
    rows = source[:-1].reshape(1, *batch.source.shape)
    columns = target[:-1].reshape(batch.target.shape).T[:, :, None]
    cells = np.where((rows > 0) & (columns > 0), rows * len(target_words) + columns, 0)
    pairs, index = _distinct(cells, len(source_words) * len(target_words))
    i, j = np.divmod(pairs, len(target_words))
    return pair_keys(source_words[i], target_words[j]), index


def _distinct(cells: Keys, size: int) -> Tuple[Keys, Int]:
    """RETURNS (Tuple[Keys, Int]): The different values and 0, in order, and the position of each value among them.

    cells (Keys): Values from 0 to `size`, which is not included. To mark them in a table of that size is several times
        as fast as to sort them, unless few of them occur.
    """
    if size > MOST_MARKS * cells.size:
        values, index = np.unique(np.append(cells, 0), return_inverse=True)
        return values, index[:-1].reshape(cells.shape).astype(np.int32)
    marks = np.zeros(size, dtype=bool)
    marks[cells] = marks[0] = True
    values = np.flatnonzero(marks)
    numbers = np.empty(size, dtype=np.int32)
    numbers[values] = np.arange(len(values), dtype=np.int32)
    return values, numbers[cells]


def _cells(pair: TokenPair) -> int:
    """RETURNS (int): The size of the tables of a pair."""
    longer, shorter = sorted(map(len, pair))[::-1]
    return longer * min(shorter, WINDOW)


def _links(
    batch: Batch, ahead: FloatArray, back: FloatArray, threshold: float
) -> Iterator[Tuple[Int, FloatArray, bool]]:
    """Choose the links of the pairs of a batch.

    ahead (FloatArray), back (FloatArray): (target, batch, source) posteriors of both models.
    YIELDS (Tuple[Int, FloatArray, bool]): For each pair the (links, 2) source and target positions of its links in
        order, their scores, and whether all scores that can reach the threshold are the same in any batch.
    """
    # By pair, source word and target word, so that the links come in order.
    steps = np.minimum(np.sqrt(ahead * back), 1.0).transpose(1, 2, 0) * 10**DECIMALS
    is_word = [
        np.arange(width) < length[:, None]
        for width, length in zip(steps.shape[1:], (batch.source_length, batch.target_length), strict=True)
    ]
    found = np.nonzero((steps >= threshold * 10**DECIMALS - 1) & is_word[0][:, :, None] & is_word[1][:, None, :])
    values = steps[found]
    is_unsure = np.abs(values - np.floor(values) - 0.5) < UNSURE
    scores = np.rint(values) / 10**DECIMALS
    cells = np.stack(found[1:], axis=1).astype(np.int32)
    ends = np.searchsorted(found[0], np.arange(len(batch.rows) + 1)).tolist()
    for begin, end in pairwise(ends):
        is_link = scores[begin:end] >= threshold
        yield cells[begin:end][is_link], scores[begin:end][is_link], not is_unsure[begin:end].any()
