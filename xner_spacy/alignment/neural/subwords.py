"""Words to sub-word numbers, each word once, and the frame that a model expects around a sentence."""

import json
from itertools import chain
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import XnerError
from ...text import composed

Int = npt.NDArray[np.int64]

# Enough for the vocabulary of some 100,000 sentences; then the memory starts afresh.
CACHE_WORDS = 500_000


class Pieces(NamedTuple):
    """A sentence in sub-words.

    ids (Int): (n,) sub-word numbers.
    words (Int): (n,) the word of each, ascending; words without sub-words do not occur.
    """

    ids: Int
    words: Int


class Frame(NamedTuple):
    """The special tokens around a sentence, such as [CLS] ... [SEP], or a language code first."""

    prefix: Tuple[int, ...]
    suffix: Tuple[int, ...]


class Subwords:
    """Splits words with a Hugging Face tokenizer, slow or fast, and remembers them.

    Such tokenizers treat the words of a pre-split sentence one by one, so that a sentence is the sum of its words.
    Tokens of nothing but white space have no sub-words, whatever the tokenizer.

    tokenizer (Any): The tokenizer.
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
        asked = sorted(word for word in words if word.strip())
        self._known.update((word, ()) for word in words if not word.strip())
        if not asked:
            return
        # A letter with a mark is the same whether it is one character or two; vocabularies hold the first.
        found = self._encode(list(map(composed, asked)), special=False)
        self._known.update((word, tuple(ids)) for word, ids in zip(asked, found, strict=True))

    def _encode(self, words: List[str], special: bool) -> List[List[int]]:
        given: Any = [f" {word}" for word in words] if self._space else [[word] for word in words]
        return self.tokenizer(
            given,
            is_split_into_words=not self._space,
            add_special_tokens=special,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]

    def frame(self, lang: Optional[str] = None) -> Frame:
        """Find the special tokens of a sentence.

        lang (Optional[str]): The tokenizer's code of the sentence's language, for tokenizers of translation models;
            None leaves it as it is.
        RETURNS (Frame): The special tokens.
        RAISES: XnerError if the tokenizer takes no language, or not this one.
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
        # One of these has sub-words in any vocabulary, if only the unknown token.
        for probe in ("a", "1", ".", "\u0430", "\u3042"):
            (inner,) = self._encode([probe], special=False)
            (outer,) = self._encode([probe], special=True)
            for k in range(len(outer) - len(inner) + 1 if inner else 0):
                if outer[k : k + len(inner)] == inner:
                    return Frame(tuple(outer[:k]), tuple(outer[k + len(inner) :]))
        raise XnerError(f"The tokenizer {type(self.tokenizer).__name__} splits no word.")


def wants_a_space(tokenizer: Any) -> bool:
    """RETURNS (bool): Whether a word must come with the space before it: to tokenizers of bytes (RoBERTa, ModernBERT)
    the space is part of the word, and they refuse words without, or take them for the rest of the word before.
    """
    if not getattr(tokenizer, "is_fast", False):
        return False  # slow ones add it to words that are given one by one
    steps = json.loads(tokenizer.backend_tokenizer.to_str()).get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", [steps])
    return any(s.get("type") == "ByteLevel" and not s.get("add_prefix_space") for s in steps)
