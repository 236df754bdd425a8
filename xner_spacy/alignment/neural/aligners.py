"""The neural aligners: `xner.SimAlign.v1`, `xner.Awesome.v1` and `xner.Encoder.v1`.

All three compare the vectors that a pretrained encoder gives to the words of both sentences, and need no training. They
differ in the model and in how links are read off the comparison.
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Dict, Iterable, Iterator, List, Literal, NamedTuple, Optional, Sequence, Tuple

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
# Differences that float32 cannot tell apart for sure: another batch, other last digits. Of cosines,
# and of probabilities relative to the threshold.
COSINE_ROUNDING = 2e-6
SOFTMAX_ROUNDING = 2e-4
# Scores are rounded to so many decimals, here and nowhere else: of more, another batch gives others. A link has at
# least the least of them.
DECIMALS = 3
_ONE_BATCH = 1 << 40
# The most sub-words (or words) of a side that are compared at once. Longer pairs are compared in windows.
WINDOW = 512
# The most words that are read ahead.
CHUNK_WORDS = 50_000


@dataclass(eq=False)
class EmbeddingAligner(EncoderSettings):
    """Aligns by the similarity of contextual vectors. Its encoder is set as in `EncoderSettings`.

    matching (EncoderMatching): "softmax" (probable both ways), or by cosines "inter" (argmax both ways), "itermax",
        "mwmf" (maximum weight), "fwd" or "rev" (argmax one way).
    distortion (float): How much a link far from the diagonal loses, 0 to 1. Not for softmax.
    threshold (float): What the probability of a link must exceed in either direction. For softmax only.
    token_type (TokenType): Compare sub-words ("bpe") or words, the mean of their sub-words ("word").
    batch_size (int): Sentence pairs that are read ahead and sorted by length.

    In float32, links and scores do not depend on which pairs share a batch: a pair of which they hang on a difference
    within rounding is encoded once more by itself. This is `stable`; coarser precisions round too much for it, unless
    each sentence is a batch of its own (`batch_tokens = 1`).
    """

    _: KW_ONLY
    matching: EncoderMatching = field(init=False, default="softmax")
    distortion: float = field(init=False, default=0.0)
    threshold: float = field(init=False, default=0.001)
    token_type: TokenType = "bpe"
    batch_size: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        known = ("softmax", *MATCHINGS)
        require(self.matching in known, f"Unknown matching {self.matching!r}.", f"Known: {', '.join(known)}.")
        require(self.token_type in ("bpe", "word"), "token_type must be 'bpe' or 'word'.")
        require(
            0.0 <= self.distortion <= 1.0 and 0.0 <= self.threshold < 1.0,
            "distortion and threshold lie between 0 and 1.",
        )
        require(self.batch_size >= 1, "batch_size must be at least 1.")

    def _load(self) -> Encoder:
        return Encoder(self, self.languages)

    @property
    def languages(self) -> Tuple[Optional[str], Optional[str]]:
        """RETURNS (Tuple[Optional[str], Optional[str]]): The tokenizer's codes of both languages, if it wants any.
        them.
        """
        return None, None

    @property
    def stable(self) -> bool:
        """RETURNS (bool): Whether what shares a batch changes nothing: alone, a sentence has the same vectors in any
        precision.
        """
        return self.batch_tokens <= 1 or self.dtype == "float32"

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The folder of the model, where it is one: what it holds decides the links."""
        return existing([self.model])

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs; read `batch_size` at a time.
        YIELDS (Alignment): One per pair, in order. Words are linked if any of their sub-words are, with the highest
            score of those: the similarity, or for softmax the product of both probabilities. Tokens without sub-words
            have no links.
        """
        for chunk in pools(pairs, self.batch_size, CHUNK_WORDS, _words):
            yield from self._align(chunk)

    def _align(self, pairs: List[TokenPair]) -> List[Alignment]:
        results = [Alignment() for _ in pairs]
        full = [k for k, (source, target) in enumerate(pairs) if len(source) and len(target)]
        if not full:
            return results
        sentences = [pairs[k][0] for k in full] + [pairs[k][1] for k in full]
        vectors = self._vectors(sentences, None)
        entries = [
            Entry(k, *part)
            for k, source, target in zip(full, vectors[: len(full)], vectors[len(full) :], strict=True)
            for part in _parts(source, target)
        ]
        entries.sort(key=_shape)
        found: Dict[int, List[Scored]] = {}
        for group in padded_groups(entries, BATCH_CELLS, _shape):
            for entry, scored in zip(group, self._link(group), strict=True):
                found.setdefault(entry.number, []).append(scored)
        for k, parts in found.items():
            results[k] = _joined(parts) if all(part.sure for part in parts) else self._align_alone(pairs[k])
        return results

    def _vectors(self, sentences: List[Sequence[str]], batch_tokens: Optional[int]) -> List[Vectors]:
        half = len(sentences) // 2
        vectors = self.loaded(sentences, [0] * half + [1] * half, batch_tokens)
        if self.token_type == "word":
            vectors = [pool_words(sentence) for sentence in vectors]
        return vectors

    def _align_alone(self, pair: TokenPair) -> Alignment:
        source, target = self._vectors([pair[0], pair[1]], _ONE_BATCH)
        entries = [Entry(0, *part) for part in _parts(source, target)]
        return _joined([self._link([entry])[0] for entry in entries])

    def _link(self, entries: List["Entry"]) -> List["Scored"]:
        sources = [entry.source for entry in entries]
        targets = [entry.target for entry in entries]
        rows = np.array([len(source.words) for source in sources])
        columns = np.array([len(target.words) for target in targets])
        softmax = self.matching == "softmax"
        dots = _products(sources, targets, normalised=not softmax)
        valid = valid_cells(dots.shape, rows, columns)
        if softmax:
            matched, scores = softmax_matching(dots, valid, self.threshold)
            limit = SOFTMAX_ROUNDING
        else:
            scores = apply_distortion((dots + 1.0) / 2.0, rows, columns, self.distortion)
            matched = MATCHINGS[self.matching](scores, valid)
            limit = COSINE_ROUNDING
        scores = np.clip(scores, 0.0, 1.0)
        sure = (matched.margin > limit) | (not self.stable)
        results = []
        for k, entry in enumerate(entries):
            linked = matched.linked[k].copy()
            linked[: rows[k], : columns[k]] &= entry.kept
            i, j = np.nonzero(linked)
            links = np.stack([entry.source.words[i], entry.target.words[j]], axis=1)
            # Of several links of two words the highest score counts.
            found = Alignment(links, scores[k, i, j])
            fixed = not self.stable or not _near_a_step(found.scores, softmax)
            results.append(Scored(found, bool(sure[k]) and fixed))
        return results


def _words(pair: TokenPair) -> int:
    return len(pair[0]) + len(pair[1])


class Scored(NamedTuple):
    """Links of a pair or a window of it.

    alignment (Alignment): The links; scores are not rounded yet.
    sure (bool): Whether another batch would give the same.
    """

    alignment: Alignment
    sure: bool


def _near_a_step(scores: npt.NDArray[Any], softmax: bool) -> bool:
    """RETURNS (bool): Whether rounding of a score hangs on what another batch may change."""
    scores = scores.astype(np.float64)
    steps = scores * 10**DECIMALS
    distance = np.abs(steps - np.floor(steps) - 0.5) / 10**DECIMALS
    if softmax:
        # Probabilities near 0 or 1 hardly move.
        limit = SOFTMAX_ROUNDING * 2.0 * scores * (1.0 - scores) + COSINE_ROUNDING
        return bool(np.any((distance < limit) & (steps > 1.0)))
    return bool(np.any(distance < COSINE_ROUNDING))


def _joined(parts: List[Scored]) -> Alignment:
    links = [link for part in parts for link in part.alignment.links.tolist()]
    scores = [score for part in parts for score in part.alignment.scores.tolist()]
    rounded = np.round(np.array(scores, dtype=np.float64), DECIMALS)
    return Alignment(links, np.maximum(rounded, 10.0**-DECIMALS))


class Entry(NamedTuple):
    """A pair to compare, or a window of a long one.

    number (int): The pair.
    source (Vectors), target (Vectors): Its vectors.
    kept (npt.NDArray[np.bool_]): Which links are taken from here.
    """

    number: int
    source: Vectors
    target: Vectors
    kept: npt.NDArray[np.bool_]


def _shape(entry: Entry) -> Tuple[int, int]:
    return len(entry.source.words), len(entry.target.words)


def _parts(source: Vectors, target: Vectors) -> Iterator[Tuple[Vectors, Vectors, npt.NDArray[np.bool_]]]:
    """Cut a long pair into windows. Nothing where a side has no sub-words."""
    for window in pair_windows(len(source.words), len(target.words), WINDOW):
        at = (window.source, window.target)
        sides = [Vectors(s.values[part], s.words[part]) for s, part in zip((source, target), at, strict=True)]
        yield sides[0], sides[1], window.kept_cells


def _products(sources: List[Vectors], targets: List[Vectors], normalised: bool) -> npt.NDArray[np.floating]:
    """RETURNS (npt.NDArray): (pairs, source units, target units) dot products or cosines."""
    from torch.nn.utils.rnn import pad_sequence

    if len(sources) == 1:
        a, b = (_rows(vectors[0], normalised) for vectors in (sources, targets))
        return (a @ b.T)[None]
    sides: List[Any] = []
    for vectors in (sources, targets):
        padded = pad_sequence([sentence.values for sentence in vectors], batch_first=True)
        if normalised:
            padded = padded / padded.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        sides.append(padded)
    return (sides[0] @ sides[1].transpose(1, 2)).cpu().numpy()


def _rows(vectors: Vectors, normalised: bool) -> npt.NDArray[np.floating]:
    # Ties are decided by the last digit, so a pair by itself is computed as simalign computes it.
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
    target_lang (Optional[str]): The code of the target language. None leaves the tokenizer at the source's.
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

    @property
    def languages(self) -> Tuple[Optional[str], Optional[str]]:
        """RETURNS (Tuple[Optional[str], Optional[str]]): The codes of both sides that the model is told."""
        return self.source_lang, self.target_lang
