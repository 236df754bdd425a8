"""Vectors of sub-words or words from one layer of a pretrained encoder, for many sentences at once."""

from operator import itemgetter
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import require
from ..windows import windows
from .backends import EncoderSettings, load, padded_batches
from .subwords import Subwords

Int = npt.NDArray[np.int64]


class Vectors(NamedTuple):
    """What a sentence became.

    values (Any): (n, width) torch tensor, one vector a unit.
    words (Int): (n,) the word of each unit.
    """

    values: Any
    words: Int


class Encoder:
    """Encodes the sentences of two languages with one model.

    settings (EncoderSettings): Which model, and how it is run.
    languages (Tuple[Optional[str], Optional[str]]): The tokenizer's codes of the source and the target language, for
        models that want them.
    RAISES: What `backends.load` does; XnerError where `max_length` is too small or a language is not known.
    """

    def __init__(self, settings: EncoderSettings, languages: Tuple[Optional[str], Optional[str]]) -> None:
        self.batch_tokens = settings.batch_tokens
        self.model = load(settings)
        self.subwords = Subwords(self.model.tokenizer)
        self.frames = [self.subwords.frame(lang) for lang in languages]
        limit = self.model.limit
        self._room = min(limit, settings.max_length or limit) - max(
            len(prefix) + len(suffix) for prefix, suffix in self.frames
        )
        require(
            self._room >= 4,
            f"{settings.part}: max_length leaves room for {max(self._room, 0)} sub-words.",
            "Give at least 8.",
        )

    def __call__(
        self, sentences: Sequence[Sequence[str]], sides: Sequence[int], batch_tokens: Optional[int] = None
    ) -> List[Vectors]:
        """Encode sentences.

        sentences (Sequence[Sequence[str]]): Their tokens.
        sides (Sequence[int]): Of each, 0 for the source language and 1 for the target language.
        batch_tokens (Optional[int]): Instead of the encoder's own.
        RETURNS (List[Vectors]): One vector per sub-word, in order. A sentence longer than the model takes is encoded in
            overlapping windows, and each sub-word has its vector from the window where it is further from the edge.
        """
        import torch

        pieces = self.subwords(sentences)
        inputs: List[Int] = []
        owners: List[Tuple[int, int, int, int]] = []
        for k, (sentence, side) in enumerate(zip(pieces, sides, strict=True)):
            frame = self.frames[side]
            for start, stop, keep_from, keep_to in windows(len(sentence.ids), self._room):
                inputs.append(np.concatenate([frame.prefix, sentence.ids[start:stop], frame.suffix]).astype(np.int64))
                offset = len(frame.prefix) - start
                owners.append((k, keep_from + offset, keep_to + offset, keep_from))
        parts: List[List[Tuple[int, Any]]] = [[] for _ in pieces]
        for rows, ids, lengths in padded_batches(inputs, self.model.pad, batch_tokens or self.batch_tokens):
            hidden = self.model.forward(ids, lengths)
            for n, row in enumerate(rows):
                k, first, last, position = owners[row]
                parts[k].append((position, hidden[n, first:last]))
        return [
            Vectors(torch.cat([values for _, values in sorted(found, key=itemgetter(0))]) if found else None, words)
            for found, (_, words) in zip(parts, pieces, strict=True)
        ]


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
