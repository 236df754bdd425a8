"""The neural aligners: `xner.SimAlign.v1`, `xner.Awesome.v1` and `xner.Encoder.v1`.

All three compare the vectors that a pretrained encoder gives to the words of both sentences, and
need no training. They differ in the model and in how links are read off the comparison.
"""

from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Literal,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...pools import pools
from ...types import Alignment, TokenPair
from ..windows import pair_windows
from .backends import Backend, Dtype, Source
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


class Comparison(NamedTuple):
    """How links are read off.

    method (str): "softmax" or a key of `matching.MATCHINGS`.
    token_type (str): Whether sub-words ("bpe") or whole words ("word") are compared.
    distortion (float): How much a link far from the diagonal loses, 0 to 1. Not for softmax.
    threshold (float): The least probability of a link both ways. For softmax only.
    """

    method: EncoderMatching
    token_type: TokenType = "bpe"
    distortion: float = 0.0
    threshold: float = 0.001


class EmbeddingAligner:
    """Aligns by the similarity of contextual vectors.

    encoder (Encoder): Gives the vectors.
    comparison (Comparison): How links are read off.
    batch_size (int): Sentence pairs that are read ahead and sorted by length.

    In float32, links and scores do not depend on which pairs share a batch: a pair of which they hang on a
    difference within rounding is encoded once more by itself. This is `stable`; coarser precisions
    round too much for it, unless each sentence is a batch of its own (`batch_tokens = 1`).
    """

    def __init__(self, encoder: Encoder, comparison: Comparison, batch_size: int = 256) -> None:
        known = ("softmax", *MATCHINGS)
        if comparison.method not in known:
            raise XnerError(f"Unknown matching {comparison.method!r}.", f"Known: {', '.join(known)}.")
        if comparison.token_type not in ("bpe", "word"):
            raise XnerError("token_type must be 'bpe' or 'word'.")
        if not 0.0 <= comparison.distortion <= 1.0 or not 0.0 <= comparison.threshold < 1.0:
            raise XnerError("distortion and threshold lie between 0 and 1.")
        if batch_size < 1:
            raise XnerError("batch_size must be at least 1.")
        self.encoder = encoder
        self.comparison = comparison
        self.batch_size = batch_size
        # Alone in its batch, a sentence has the same vectors in any precision.
        self.stable = encoder.batch_tokens <= 1 or encoder.dtype == "float32"

    @property
    def files(self) -> List[str]:
        """RETURNS (List[str]): The folder of the model, where it is one: what it holds decides the links."""
        return self.encoder.files

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align sentence pairs.

        pairs (Iterable[TokenPair]): Tokenised (source, target) pairs; read `batch_size` at a time.
        YIELDS (Alignment): One per pair, in order. Words are linked if any of their sub-words are,
            with the highest score of those: the similarity, or for softmax the product of both
            probabilities. Tokens without sub-words have no links.
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
        entries.sort(key=lambda entry: (len(entry.source.words), len(entry.target.words)))
        found: Dict[int, List[Scored]] = {}
        for group in _groups(entries):
            for entry, scored in zip(group, self._link(group), strict=True):
                found.setdefault(entry.number, []).append(scored)
        for k, parts in found.items():
            results[k] = _joined(parts) if all(part.sure for part in parts) else self._align_alone(pairs[k])
        return results

    def _vectors(self, sentences: List[Sequence[str]], batch_tokens: Optional[int]) -> List[Vectors]:
        half = len(sentences) // 2
        vectors = self.encoder(sentences, [0] * half + [1] * half, batch_tokens)
        if self.comparison.token_type == "word":
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
        how = self.comparison
        dots = _products(sources, targets, normalised=how.method != "softmax")
        valid = valid_cells(dots.shape, rows, columns)
        if how.method == "softmax":
            matched, scores = softmax_matching(dots, valid, how.threshold)
            limit = SOFTMAX_ROUNDING
        else:
            scores = apply_distortion((dots + 1.0) / 2.0, rows, columns, how.distortion)
            matched = MATCHINGS[how.method](scores, valid)
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
            fixed = not self.stable or not _near_a_step(found.scores, how.method == "softmax")
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


def _parts(source: Vectors, target: Vectors) -> Iterator[Tuple[Vectors, Vectors, npt.NDArray[np.bool_]]]:
    """Cut a long pair into windows. Nothing where a side has no sub-words."""
    for window in pair_windows(len(source.words), len(target.words), WINDOW):
        at = (slice(*window.source), slice(*window.target))
        sides = [Vectors(s.values[part], s.words[part]) for s, part in zip((source, target), at, strict=True)]
        kept = np.zeros([len(side.words) for side in sides], dtype=bool)
        kept[window.kept_cells] = True
        yield sides[0], sides[1], kept


def _groups(entries: Sequence[Entry]) -> Iterator[List[Entry]]:
    """Gather pairs, sorted by size, whose padded similarities stay small."""
    group: List[Entry] = []
    height = width = 0
    for entry in entries:
        m, n = len(entry.source.words), len(entry.target.words)
        if group and (len(group) + 1) * max(height, m) * max(width, n) > BATCH_CELLS:
            yield group
            group, height, width = [], 0, 0
        group.append(entry)
        height, width = max(height, m), max(width, n)
    if group:
        yield group


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


def make_simalign(
    model: str = "bert-base-multilingual-cased",
    matching: Matching = "itermax",
    token_type: TokenType = "bpe",
    layer: int = 8,
    distortion: float = 0.0,
    device: str = "cpu",
    dtype: Dtype = "float32",
    backend: Backend = "torch",
    batch_size: int = 256,
    batch_tokens: int = 1024,
    max_length: Optional[int] = None,
    revision: Optional[str] = None,
    local_files_only: bool = False,
    legacy_weights: bool = False,
) -> EmbeddingAligner:
    """Build `xner.SimAlign.v1` (Jalili Sabet et al. 2020): cosines and a matching method.

    model (str): An encoder, as a folder or a name on the Hugging Face Hub.
    matching (Matching): "inter" (argmax both ways), "itermax", "mwmf" (maximum weight), "fwd" or
        "rev" (argmax one way).
    token_type (TokenType): Compare sub-words ("bpe") or words, the mean of their sub-words ("word").
    layer (int): The layer whose vectors are compared. Layers above it are not computed.
    distortion (float): How much a link far from the diagonal loses, 0 to 1.
    device (str): "cpu", "cuda" or "cuda:N". Nothing else decides where it runs.
    dtype (Dtype): "float32", "float16", "bfloat16" or "int8".
    backend (Backend): "torch", or "ctranslate2" for BERT and RoBERTa models, faster on CPU.
    batch_size (int): Sentence pairs that are read ahead and sorted by length.
    batch_tokens (int): The most sub-words of a batch in the encoder, padding included.
    max_length (Optional[int]): The longest input in sub-words; longer sentences are cut into
        overlapping windows. None for the model's own limit.
    revision (Optional[str]): Branch, tag or commit on the Hub.
    local_files_only (bool): Never ask the Hub.
    legacy_weights (bool): Accept weights in the pickle format, read without running code of theirs.
    RETURNS (EmbeddingAligner): The aligner. Its model is loaded at first use.
    RAISES: XnerError for a setting out of range.
    """
    source = Source(model, revision, local_files_only, legacy_weights)
    encoder = Encoder(source, "xner.SimAlign.v1", layer, device, dtype, backend, batch_tokens, max_length)
    return EmbeddingAligner(encoder, Comparison(matching, token_type, distortion), batch_size)


def make_awesome(
    model: str = "bert-base-multilingual-cased",
    threshold: float = 0.001,
    token_type: TokenType = "bpe",
    layer: int = 8,
    device: str = "cpu",
    dtype: Dtype = "float32",
    backend: Backend = "torch",
    batch_size: int = 256,
    batch_tokens: int = 1024,
    max_length: Optional[int] = None,
    revision: Optional[str] = None,
    local_files_only: bool = False,
    legacy_weights: bool = False,
) -> EmbeddingAligner:
    """Build `xner.Awesome.v1` (Dou and Neubig 2021): softmax over dot products, both ways.

    threshold (float): What the probability of a link must exceed in either direction.
    The other settings are those of `make_simalign`. A model fine-tuned with the authors' code is
    read like any other.
    RETURNS (EmbeddingAligner): The aligner. A link's score is the product of its probabilities.
    RAISES: XnerError for a setting out of range.
    """
    source = Source(model, revision, local_files_only, legacy_weights)
    encoder = Encoder(source, "xner.Awesome.v1", layer, device, dtype, backend, batch_tokens, max_length)
    how = Comparison("softmax", token_type, threshold=threshold)
    return EmbeddingAligner(encoder, how, batch_size)


def make_encoder(
    model: str = "facebook/nllb-200-distilled-600M",
    source_lang: Optional[str] = "eng_Latn",
    target_lang: Optional[str] = None,
    matching: EncoderMatching = "softmax",
    threshold: float = 0.001,
    token_type: TokenType = "bpe",
    layer: int = 12,
    distortion: float = 0.0,
    device: str = "cpu",
    dtype: Dtype = "float32",
    backend: Backend = "torch",
    batch_size: int = 256,
    batch_tokens: int = 1024,
    max_length: Optional[int] = None,
    revision: Optional[str] = None,
    local_files_only: bool = False,
    legacy_weights: bool = False,
) -> EmbeddingAligner:
    """Build `xner.Encoder.v1`: the encoder of a translation model as the aligner (TransAlign, Ebing
    and Glavaš, Findings of EMNLP 2025), so that a pipeline that translates needs no second model.

    source_lang (Optional[str]): The tokenizer's code of the source language, such as "eng_Latn" for
        NLLB or "en" for M2M100. None for tokenizers that take no code.
    target_lang (Optional[str]): The code of the target language. None leaves the tokenizer at the
        source's.
    matching (EncoderMatching): "softmax" as in `xner.Awesome.v1`, or a method of `xner.SimAlign.v1`.
    threshold (float): For softmax.
    The other settings are those of `make_simalign`. The decoder is not loaded.
    RETURNS (EmbeddingAligner): The aligner.
    RAISES: XnerError for a setting out of range.
    """
    source = Source(model, revision, local_files_only, legacy_weights)
    encoder = Encoder(
        source,
        "xner.Encoder.v1",
        layer,
        device,
        dtype,
        backend,
        batch_tokens,
        max_length,
        (source_lang, target_lang),
    )
    return EmbeddingAligner(encoder, Comparison(matching, token_type, distortion, threshold), batch_size)
