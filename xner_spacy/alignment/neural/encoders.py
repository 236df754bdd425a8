"""Vectors of sub-words or words from one layer of a pretrained encoder, for many sentences at once. Each word is split
into sub-word numbers once, and each sentence gets the special tokens that the model expects.
"""

import json
from itertools import chain
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import XnerError, require
from ...text import composed
from ..windows import windows
from .backends import EncoderSettings, load, padded_batches

Int = npt.NDArray[np.int64]

# The vocabulary of some 100,000 sentences. The cache is cleared when it is larger.
CACHE_WORDS = 500_000


class Pieces(NamedTuple):
    """A sentence in sub-words: their (n,) numbers, and the (n,) index of the word of each, ascending. Words without
    sub-words do not occur.
    """

    ids: Int
    words: Int


class Frame(NamedTuple):
    """The special tokens around a sentence, such as [CLS] ... [SEP], or a language code first."""

    prefix: Tuple[int, ...]
    suffix: Tuple[int, ...]


class Subwords:
    """Splits words with a Hugging Face tokenizer, slow or fast, and caches the result.

    Such tokenizers treat the words of a pre-split sentence one by one, so a sentence is the sequence of its words'
    sub-words. Tokens of whitespace alone have no sub-words with any tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._space = wants_a_space(tokenizer)
        self._known: Dict[str, Tuple[int, ...]] = {}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> List[Pieces]:
        """RETURNS (List[Pieces]): The sentences in sub-words, without special tokens."""
        if len(self._known) > CACHE_WORDS:
            self._known.clear()
        self._learn(set(chain.from_iterable(sentences)) - self._known.keys())
        return [self._pieces(words) for words in sentences]

    def _pieces(self, words: Sequence[str]) -> Pieces:
        pieces = [self._known[word] for word in words]
        counts = [len(ids) for ids in pieces]
        return Pieces(
            np.fromiter(chain.from_iterable(pieces), dtype=np.int64, count=sum(counts)),
            np.repeat(np.arange(len(words)), counts),
        )

    def _learn(self, words: Set[str]) -> None:
        visible = sorted(word for word in words if word.strip())
        self._known.update((word, ()) for word in words if not word.strip())
        if not visible:
            return
        # Vocabularies hold a letter with a diacritic as one character, not as two.
        encoded = self._encode(list(map(composed, visible)), special=False)
        self._known.update((word, tuple(ids)) for word, ids in zip(visible, encoded, strict=True))

    def _encode(self, words: List[str], special: bool) -> List[List[int]]:
        inputs: Any = [f" {word}" for word in words] if self._space else [[word] for word in words]
        return self.tokenizer(
            inputs,
            is_split_into_words=not self._space,
            add_special_tokens=special,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]

    def frame(self, lang: Optional[str] = None) -> Frame:
        """Find the special tokens of a sentence.

        lang (Optional[str]): The tokenizer's code of its language, for tokenizers of translation models; None leaves it
            as it is.
        RETURNS (Frame): The special tokens. RAISES: XnerError if the tokenizer takes no language, or not this one.
        """
        if lang is None:
            return self._find_frame()
        name = f"{type(self.tokenizer).__name__} of {self.tokenizer.name_or_path!r}"
        if not hasattr(self.tokenizer, "src_lang"):
            raise XnerError(
                f"The tokenizer {name} takes no language code, but source_lang or target_lang is {lang!r}.",
                "Leave source_lang and target_lang empty for this model.",
            )
        try:
            self.tokenizer.src_lang = lang
            frame = self._find_frame()
        except KeyError:
            frame = None
        if frame is None or self.tokenizer.unk_token_id in frame.prefix + frame.suffix:
            raise XnerError(
                f"The tokenizer {name} does not know the language {lang!r}.",
                "Give the code in the model's own form, such as 'eng_Latn' for NLLB or 'en' for M2M100.",
            )
        return frame

    def _find_frame(self) -> Frame:
        # At least one of these has sub-words in any vocabulary, even if it is the unknown token.
        for probe in ("a", "1", ".", "\u0430", "\u3042"):
            (inner,) = self._encode([probe], special=False)
            (outer,) = self._encode([probe], special=True)
            for k in range(len(outer) - len(inner) + 1 if inner else 0):
                if outer[k : k + len(inner)] == inner:
                    return Frame(tuple(outer[:k]), tuple(outer[k + len(inner) :]))
        raise XnerError(f"The tokenizer {type(self.tokenizer).__name__} splits no word.")


def wants_a_space(tokenizer: Any) -> bool:
    """RETURNS (bool): Whether a word needs a space before it. For byte-level tokenizers (RoBERTa, ModernBERT) the space
    is part of the word. They reject words without it, or treat them as the rest of the word before.
    """
    if not getattr(tokenizer, "is_fast", False):
        return False  # slow tokenizers add it to pre-split words
    steps = json.loads(tokenizer.backend_tokenizer.to_str()).get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", [steps])
    return any(step.get("type") == "ByteLevel" and not step.get("add_prefix_space") for step in steps)


class Vectors(NamedTuple):
    """A sentence as a (n, width) torch tensor, one vector per unit, and the (n,) index of the word of each unit."""

    values: Any
    words: Int


class Encoder:
    """Encodes the sentences of two languages with one model.

    languages (Tuple[Optional[str], Optional[str]]): The tokenizer's codes of the source and the target language, for
        models that need them.
    RAISES: The errors of `backends.load`; XnerError if `max_length` is too small or a language is unknown.
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

        sides (Sequence[int]): For each sentence 0 for the source language or 1 for the target language.
        batch_tokens (Optional[int]): Overrides the setting of the encoder.
        RETURNS (List[Vectors]): One vector per sub-word, in order. A sentence longer than the model allows is encoded
            in overlapping windows, and each sub-word's vector is from the window where it is further from the edge.
        """
        import torch

        pieces = self.subwords(sentences)
        inputs: List[Int] = []
        owners: List[Tuple[int, int, int]] = []
        for k, (sentence, side) in enumerate(zip(pieces, sides, strict=True)):
            frame = self.frames[side]
            for start, stop, keep_from, keep_to in windows(len(sentence.ids), self._room):
                inputs.append(np.concatenate([frame.prefix, sentence.ids[start:stop], frame.suffix]).astype(np.int64))
                offset = len(frame.prefix) - start
                owners.append((k, keep_from + offset, keep_to + offset))
        windowed: List[Any] = [None] * len(inputs)
        for rows, ids, lengths in padded_batches(inputs, self.model.pad, batch_tokens or self.batch_tokens):
            hidden = self.model.forward(ids, lengths)
            for n, row in enumerate(rows):
                _, first, last = owners[row]
                windowed[row] = hidden[n, first:last]
        parts: List[List[Any]] = [[] for _ in pieces]
        for (k, _, _), values in zip(owners, windowed, strict=True):
            parts[k].append(values)
        return [
            Vectors(torch.cat(part) if part else None, words) for part, (_, words) in zip(parts, pieces, strict=True)
        ]


def pool_words(vectors: Vectors) -> Vectors:
    """RETURNS (Vectors): One vector per word, the mean of its sub-words. Words without sub-words have none."""
    if not len(vectors.words):
        return vectors
    import torch

    words, index, counts = np.unique(vectors.words, return_inverse=True, return_counts=True)
    values = vectors.values
    sums = values.new_zeros((len(words), values.shape[1]))
    sums.index_add_(0, torch.from_numpy(index).to(values.device), values)
    return Vectors(sums / torch.from_numpy(counts).to(values.device)[:, None], words)
