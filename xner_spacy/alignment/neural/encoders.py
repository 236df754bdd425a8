"""Vectors of sub-words or words from one layer of a pretrained encoder, for many sentences at once."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...corpora.watching import existing
from ...errors import XnerError
from ..windows import windows
from .backends import Backend, Dtype, Loaded, Source, load, padded_batches
from .subwords import Frame, Pieces, Subwords

Int = npt.NDArray[np.int64]


class Vectors(NamedTuple):
    """What a sentence became.

    values (Any): (n, width) torch tensor, one vector a unit.
    words (Int): (n,) the word of each unit.
    """

    values: Any
    words: Int


class Encoder:
    """Encodes the sentences of two languages with one model. The model is loaded at first use, and
    again in each process that the encoder is sent to.

    source (Source): Where the model comes from.
    part (str): Who asks, for error messages.
    layer (int): The layer whose output is used.
    device (str): "cpu", "cuda" or "cuda:N".
    dtype (Dtype): The precision.
    backend (Backend): What computes it.
    batch_tokens (int): The most sub-words of a batch, padding included.
    max_length (Optional[int]): The longest input in sub-words, special tokens included; None for
        the model's own limit.
    languages (Tuple[Optional[str], Optional[str]]): The tokenizer's codes of the source and the
        target language, for models that want them.
    """

    def __init__(
        self,
        source: Source,
        part: str,
        layer: int,
        device: str = "cpu",
        dtype: Dtype = "float32",
        backend: Backend = "torch",
        batch_tokens: int = 1024,
        max_length: Optional[int] = None,
        languages: Tuple[Optional[str], Optional[str]] = (None, None),
    ) -> None:
        self.source = source
        self.part = part
        self.layer = layer
        self.device = device
        self.dtype = dtype
        self.backend = backend
        self.batch_tokens = batch_tokens
        self.max_length = max_length
        self.languages = languages
        self._loaded: Optional[Loaded] = None

    def __getstate__(self) -> Dict[str, Any]:
        state = {key: value for key, value in self.__dict__.items() if key[0] != "_"}
        return {**state, "_loaded": None}

    @property
    def files(self) -> List[str]:
        """The folder of the model, where it is one."""
        return existing([self.source.model])

    def _load(self) -> Loaded:
        if self._loaded is None:
            self._loaded = load(self.source, self.part, self.layer, self.device, self.dtype, self.backend)
            self._subwords = Subwords(self._loaded.tokenizer)
            self._frames = [self._subwords.frame(lang) for lang in self.languages]
            self._room = self._window_room(self._loaded.limit)
        return self._loaded

    def _window_room(self, limit: int) -> int:
        room = min(limit, self.max_length or limit) - max(frame.size for frame in self._frames)
        if room < 4:
            raise XnerError(
                f"{self.part}: max_length leaves room for {max(room, 0)} sub-words.",
                "Give at least 8.",
            )
        return room

    def __call__(
        self,
        sentences: Sequence[Sequence[str]],
        sides: Sequence[int],
        batch_tokens: Optional[int] = None,
    ) -> List[Vectors]:
        """Encode sentences.

        sentences (Sequence[Sequence[str]]): Their tokens.
        sides (Sequence[int]): Of each, 0 for the source language and 1 for the target language.
        batch_tokens (Optional[int]): Instead of the encoder's own.
        RETURNS (List[Vectors]): One vector per sub-word, in order. A sentence longer than the model
            takes is encoded in overlapping windows, and each sub-word has its vector from the
            window where it is further from the edge.
        RAISES: What `backends.load` does.
        """
        loaded = self._load()
        pieces = self._subwords(sentences)
        inputs: List[Int] = []
        owners: List[Tuple[int, int, int, int]] = []
        for k, (sentence, side) in enumerate(zip(pieces, sides, strict=True)):
            frame = self._frames[side]
            for start, stop, keep_from, keep_to in windows(len(sentence.ids), self._room):
                inputs.append(_framed(sentence.ids[start:stop], frame))
                offset = len(frame.prefix) - start
                owners.append((k, keep_from + offset, keep_to + offset, keep_from))
        parts: List[List[Tuple[int, Any]]] = [[] for _ in pieces]
        for rows, ids, lengths in padded_batches(inputs, loaded.pad, batch_tokens or self.batch_tokens):
            hidden = loaded.forward(ids, lengths)
            for n, row in enumerate(rows.tolist()):
                k, first, last, position = owners[row]
                parts[k].append((position, hidden[n, first:last]))
        return [_joined(found, sentence) for found, sentence in zip(parts, pieces, strict=True)]


def _framed(ids: Int, frame: Frame) -> Int:
    return np.concatenate([frame.prefix, ids, frame.suffix]).astype(np.int64)


def _joined(parts: List[Tuple[int, Any]], pieces: Pieces) -> Vectors:
    if not parts:
        return Vectors(None, pieces.words)
    if len(parts) == 1:
        return Vectors(parts[0][1], pieces.words)
    import torch

    ordered = sorted(parts, key=lambda part: part[0])
    return Vectors(torch.cat([values for _, values in ordered]), pieces.words)


def pool_words(vectors: Vectors) -> Vectors:
    """RETURNS (Vectors): One vector a word, the mean of its sub-words'; none for words without."""
    if not len(vectors.words):
        return vectors
    import torch

    words, index, counts = np.unique(vectors.words, return_inverse=True, return_counts=True)
    values = vectors.values
    sums = values.new_zeros((len(words), values.shape[1]))
    sums.index_add_(0, torch.from_numpy(index).to(values.device), values)
    return Vectors(sums / torch.from_numpy(counts).to(values.device)[:, None], words)
