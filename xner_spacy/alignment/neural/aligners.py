"""The neural aligners: `xner.SimAlign.v1`, `xner.Awesome.v1` and `xner.Encoder.v1`.

All three compare the vectors that a pretrained encoder gives to the words of both sentences, and need no training. They
differ in the model and in how links follow from the similarities.
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Dict, Iterable, Iterator, List, Literal, NamedTuple, Optional, Tuple

import numpy as np
import numpy.typing as npt

from ...corpora.watching import existing
from ...errors import require
from ...streams import padded_groups, pools
from ...types import Alignment, TokenPair
from ..windows import pair_windows
from .backends import EncoderSettings
from .encoders import Encoder, Vectors, pool_words
from .link_matching import MATCHINGS, Matching, apply_distortion, softmax_matching, valid_cells

TokenType = Literal["bpe", "word"]
EncoderMatching = Literal["softmax", "inter", "itermax", "mwmf", "fwd", "rev"]

# The most cells of a padded batch of similarities.
BATCH_CELLS = 1_000_000
# How much float32 results can differ between batches: cosines, and probabilities relative to the threshold.
COSINE_ROUNDING = 2e-6
SOFTMAX_ROUNDING = 2e-4
# Scores are rounded to this number of decimals, and only here: further digits depend on the batch. The score of a link
# is at least the smallest step.
DECIMALS = 3
_ONE_BATCH = 1 << 40
# The most sub-words (or words) of a side that are compared at once. Longer pairs are compared in windows.
WINDOW = 512
# The most words that are read ahead.
CHUNK_WORDS = 50_000


@dataclass(eq=False)
class EmbeddingAligner(EncoderSettings):
    """Aligns by the similarity of contextual vectors. The settings of the encoder are those of `EncoderSettings`.

    matching (EncoderMatching): "softmax" (probable both ways), or by cosines "inter" (argmax both ways), "itermax",
        "mwmf" (maximum weight), "fwd" or "rev" (argmax one way).
    distortion (float): How much a link far from the diagonal loses, 0 to 1. Not for softmax.
    threshold (float): The probability of a link must exceed this in both directions. For softmax only.
    token_type (TokenType): Compare sub-words ("bpe") or words, the mean of their sub-words ("word").
    batch_size (int): Sentence pairs that are read ahead and sorted by length.

    In float32, links and scores do not depend on which pairs share a batch: if they depend on a difference within
    rounding, the pair is encoded again alone. See `stable`: lower precisions round too much for this, unless each
    sentence is a batch of its own (`batch_tokens = 1`).
    """

    _: KW_ONLY
    matching: EncoderMatching = field(init=False, default="softmax")
    distortion: float = field(init=False, default=0.0)
    threshold: float = field(init=False, default=0.001)
    token_type: TokenType = "bpe"
    batch_size: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        matchings = ("softmax", *MATCHINGS)
        require(self.matching in matchings, f"Unknown matching {self.matching!r}.", f"Known: {', '.join(matchings)}.")
        require(self.token_type in ("bpe", "word"), "token_type must be 'bpe' or 'word'.")
        require(
            0.0 <= self.distortion <= 1.0 and 0.0 <= self.threshold < 1.0,
            "distortion and threshold lie between 0 and 1.",
        )
        require(self.batch_size >= 1, "batch_size must be at least 1.")

    def _load(self) -> Encoder:
        return Encoder(self, (None, None))

    @property
    def stable(self) -> bool:
        """RETURNS (bool): Whether the result for a pair is the same in any batch. It is in any precision if each
        sentence is encoded alone.
        """
        return self.batch_tokens <= 1 or self.dtype == "float32"

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The folder of the model, if it is a folder, because the links depend on its content."""
        return existing([self.model])

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs, read `batch_size` at a time.

        YIELDS (Alignment): One per pair, in order. Words are linked if any of their sub-words are. The score is the
            highest of those: the similarity, or for softmax the product of both probabilities. Tokens without sub-words
            have no links.
        """
        for chunk in pools(pairs, self.batch_size, CHUNK_WORDS, _words):
            yield from self._align(chunk)

    def _align(self, pairs: List[TokenPair], alone: bool = False) -> List[Alignment]:
        """RETURNS (List[Alignment]): The links of the pairs. With `alone`, each window is a batch of its own."""
        results = [Alignment() for _ in pairs]
        filled = [k for k, (source, target) in enumerate(pairs) if len(source) and len(target)]
        if not filled:
            return results
        sentences = [pairs[k][0] for k in filled] + [pairs[k][1] for k in filled]
        sides = [0] * len(filled) + [1] * len(filled)
        # In lower precisions the other sentence of a pair would change the vectors, so each stays a batch of its own.
        together = alone and self.dtype == "float32"
        vectors = self.loaded(sentences, sides, _ONE_BATCH if together else self.batch_tokens)
        if self.token_type == "word":
            vectors = list(map(pool_words, vectors))
        entries = [
            entry
            for k, source, target in zip(filled, vectors[: len(filled)], vectors[len(filled) :], strict=True)
            for entry in _entries(k, source, target)
        ]
        entries.sort(key=_shape)
        parts: Dict[int, List[Tuple[Alignment, bool]]] = {}
        for group in padded_groups(entries, 0 if alone else BATCH_CELLS, _shape):
            for entry, linked in zip(group, self._link(group), strict=True):
                parts.setdefault(entry.number, []).append(linked)
        for k, linked_parts in parts.items():
            if alone or all(sure for _, sure in linked_parts):
                results[k] = _rounded([alignment for alignment, _ in linked_parts])
            else:
                results[k] = self._align([pairs[k]], alone=True)[0]
        return results

    def _link(self, entries: List["Entry"]) -> List[Tuple[Alignment, bool]]:
        """RETURNS (List[Tuple[Alignment, bool]]): The links of each entry with unrounded scores, and whether they would
        be the same in another batch.
        """
        rows, columns = np.array([_shape(entry) for entry in entries]).T
        softmax = self.matching == "softmax"
        dots = _products([entry.source for entry in entries], [entry.target for entry in entries], not softmax)
        valid = valid_cells(dots.shape, rows, columns)
        if softmax:
            matched, scores = softmax_matching(dots, valid, self.threshold)
        else:
            scores = apply_distortion((dots + 1.0) / 2.0, rows, columns, self.distortion)
            matched = MATCHINGS[self.matching](scores, valid)
        scores = np.clip(scores, 0.0, 1.0)
        sure = matched.margin > (SOFTMAX_ROUNDING if softmax else COSINE_ROUNDING)
        results = []
        for k, entry in enumerate(entries):
            i, j = np.nonzero(matched.linked[k, : rows[k], : columns[k]] & entry.kept)
            links = np.stack([entry.source.words[i], entry.target.words[j]], axis=1)
            # `Alignment` keeps the highest score of several links between two words.
            alignment = Alignment(links, scores[k, i, j])
            reproducible = bool(sure[k]) and not _near_a_step(alignment.scores, softmax)
            results.append((alignment, reproducible or not self.stable))
        return results


def _words(pair: TokenPair) -> int:
    return len(pair[0]) + len(pair[1])


def _near_a_step(scores: npt.NDArray[Any], softmax: bool) -> bool:
    """RETURNS (bool): Whether a score could be rounded differently in another batch."""
    scores = scores.astype(np.float64)
    steps = scores * 10**DECIMALS
    distance = np.abs(steps - np.floor(steps) - 0.5) / 10**DECIMALS
    if softmax:
        # Probabilities near 0 or 1 hardly move.
        limit = SOFTMAX_ROUNDING * 2.0 * scores * (1.0 - scores) + COSINE_ROUNDING
        return bool(np.any((distance < limit) & (steps > 1.0)))
    return bool(np.any(distance < COSINE_ROUNDING))


def _rounded(parts: List[Alignment]) -> Alignment:
    scores = np.concatenate([part.scores for part in parts]).astype(np.float64)
    return Alignment(
        np.concatenate([part.links for part in parts]), np.maximum(np.round(scores, DECIMALS), 10.0**-DECIMALS)
    )


class Entry(NamedTuple):
    """A pair to compare, or a window of a long one: its number, the vectors of both sides, and the cells whose links
    are used.
    """

    number: int
    source: Vectors
    target: Vectors
    kept: npt.NDArray[np.bool_]


def _shape(entry: Entry) -> Tuple[int, int]:
    return len(entry.source.words), len(entry.target.words)


def _entries(number: int, source: Vectors, target: Vectors) -> Iterator[Entry]:
    """Cut a long pair into windows. There are none if a side has no sub-words."""
    for window in pair_windows(len(source.words), len(target.words), WINDOW):
        source_part = Vectors(source.values[window.source], source.words[window.source])
        target_part = Vectors(target.values[window.target], target.words[window.target])
        yield Entry(number, source_part, target_part, window.kept_cells)


def _products(sources: List[Vectors], targets: List[Vectors], normalised: bool) -> npt.NDArray[np.floating]:
    """RETURNS (npt.NDArray): (pairs, source units, target units) dot products or cosines."""
    from torch.nn.utils.rnn import pad_sequence

    if len(sources) == 1:
        source, target = (_rows(vectors[0], normalised) for vectors in (sources, targets))
        return (source @ target.T)[None]
    sides: List[Any] = []
    for vectors in (sources, targets):
        padded = pad_sequence([sentence.values for sentence in vectors], batch_first=True)
        if normalised:
            padded = padded / padded.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        sides.append(padded)
    return (sides[0] @ sides[1].transpose(1, 2)).cpu().numpy()


def _rows(vectors: Vectors, normalised: bool) -> npt.NDArray[np.floating]:
    # The last digit decides ties, so a single pair is computed in the same way as in simalign.
    values = vectors.values.cpu().numpy()
    if not normalised:
        return values
    return values / np.maximum(np.sqrt(np.einsum("ij,ij->i", values, values)), 1e-12)[:, None]


@dataclass(eq=False)
class SimAlign(EmbeddingAligner):
    """`xner.SimAlign.v1` (Jalili Sabet et al. 2020): cosines and a matching method, never softmax. Its settings are
    those of `EmbeddingAligner`.
    """

    part: ClassVar[str] = "xner.SimAlign.v1"
    model: str = "bert-base-multilingual-cased"
    matching: Matching = "itermax"
    distortion: float = 0.0


@dataclass(eq=False)
class Awesome(EmbeddingAligner):
    """`xner.Awesome.v1` (Dou and Neubig 2021): softmax over dot products, both ways. A model fine-tuned with the
    authors' code is read like any other. A link's score is the product of its probabilities.
    """

    part: ClassVar[str] = "xner.Awesome.v1"
    model: str = "bert-base-multilingual-cased"
    threshold: float = 0.001


@dataclass(eq=False)
class TranslationEncoder(EmbeddingAligner):
    """`xner.Encoder.v1`: the encoder of a translation model as the aligner (TransAlign, Ebing and Glavaš, Findings of
    EMNLP 2025), so that a pipeline that translates needs no second model. The decoder is not loaded.

    source_lang (Optional[str]): The tokenizer's code of the source language, such as "eng_Latn" for NLLB or "en" for
        M2M100. None for tokenizers that take no code.
    target_lang (Optional[str]): The code of the target language. None keeps the tokenizer at the source language.
    """

    part: ClassVar[str] = "xner.Encoder.v1"
    model: str = "facebook/nllb-200-distilled-600M"
    source_lang: Optional[str] = "eng_Latn"
    target_lang: Optional[str] = None
    _: KW_ONLY
    matching: EncoderMatching = "softmax"
    distortion: float = 0.0
    threshold: float = 0.001
    layer: int = 12

    def _load(self) -> Encoder:
        return Encoder(self, (self.source_lang, self.target_lang))
