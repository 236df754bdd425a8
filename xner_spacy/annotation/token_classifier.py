"""`xner.TokenClassifier.v1`: any Hugging Face model that classifies tokens, such as XLM-R
fine-tuned on CoNLL-2003.

A word has the distribution of its first sub-word, as in the seed paper (arXiv 2501.18750, section
1.1 step 4 of its pipeline). The same part is the source annotator, the tagger of the target
language for the `ner` scores, and the model-transfer baseline.
"""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import XnerError
from ..translation.hub import (
    import_transformers,
    load_options,
    loading,
    revision_of,
    weight_options,
)
from ..translation.neural import plan_batches
from ..types import FloatArray
from .base import Annotation, Annotator
from .tags import TagScheme


def make_token_classifier(
    model: str,
    revision: Optional[str] = None,
    legacy_weights: bool = False,
    device: str = "cpu",
    dtype: str = "float32",
    batch_tokens: int = 8192,
    max_length: int = 512,
) -> Annotator:
    """Make the annotator. The model is loaded at first use.

    model (str): A folder, or a name on the Hugging Face Hub. revision (Optional[str]): Branch, tag
        or commit there.
    legacy_weights (bool): Accept weights in the old pickle format, read with `weights_only`.
    device (str): A torch device, such as "cpu" or "cuda". dtype (str): "float32", "float16" or
        "bfloat16".
    batch_tokens (int): Sub-words a batch, padding counted.
    max_length (int): Longest window in sub-words; longer sentences are read in windows that
        overlap.
    """
    return TokenClassifier(model, revision, legacy_weights, device, dtype, batch_tokens, max_length)


class Window(NamedTuple):
    """A stretch of a sentence that the model reads at once.

    sentence (int): Which sentence. start, end (int): Its words. keep (Tuple[int, int]): Those whose
        distributions are taken from here.
    """

    sentence: int
    start: int
    end: int
    keep: Tuple[int, int]


class TokenClassifier:
    """Labels words with a transformer. See `make_token_classifier`."""

    def __init__(
        self,
        model: str,
        revision: Optional[str] = None,
        legacy_weights: bool = False,
        device: str = "cpu",
        dtype: str = "float32",
        batch_tokens: int = 8192,
        max_length: int = 512,
    ) -> None:
        self.model = model
        self.revision = revision
        self.legacy_weights = legacy_weights
        self.device = device
        self.dtype = dtype
        self.batch_tokens = batch_tokens
        self.max_length = max_length
        self._loaded: Any = None
        self._revision: Optional[str] = None

    @property
    def loaded(self) -> Any:
        """Tokenizer, model and tag scheme. RAISES: MissingExtraError; XnerError where the model
        cannot be loaded or is of another kind.
        """
        if self._loaded is None:
            self._loaded = _Model(self)
        return self._loaded

    @property
    def identity(self) -> Dict[str, Any]:
        """What the annotations depend on, beside the words."""
        if self._revision is None:
            self._revision = revision_of(self.model, self.loaded.config)
        return {"engine": "transformers", "model": self._revision, "dtype": self.dtype}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        for probs in self.distributions(sentences):
            yield self.loaded.scheme.annotate(probs)

    def distributions(self, sentences: Sequence[Sequence[str]]) -> List[FloatArray]:
        """RETURNS (List[FloatArray]): Per sentence (words, tags of the model): each word by its
        first sub-word; a word without any is O.
        """
        model = self.loaded
        found = [model.outside(len(words)) for words in sentences]
        windows: List[Window] = []
        lengths: List[int] = []
        for k, words in enumerate(sentences):
            sizes = model.sizes(words)
            for window in split_windows(k, sizes, model.limit):
                windows.append(window)
                lengths.append(sum(sizes[window.start : window.end]) + model.special)
        for batch in plan_batches(lengths, self.batch_tokens):
            chosen = [windows[k] for k in batch]
            texts = [list(sentences[w.sentence][w.start : w.end]) for w in chosen]
            for window, (positions, probs) in zip(chosen, model.run(texts), strict=True):
                for word, row in zip(positions, probs, strict=True):
                    place = window.start + word
                    if window.keep[0] <= place < window.keep[1]:
                        found[window.sentence][place] = row
        return found


def split_windows(sentence: int, sizes: Sequence[int], limit: int) -> List[Window]:
    """Split a sentence into windows that overlap by about a quarter; a word is read where it has
    the most context.

    sentence (int): Its number. sizes (Sequence[int]): Sub-words of each word. limit (int):
        Sub-words that fit.
    RETURNS (List[Window]): Windows whose `keep` together cover the sentence.
    """
    windows: List[Window] = []
    start, n = 0, len(sizes)
    while start < n:
        end, total = start, 0
        while end < n and (end == start or total + sizes[end] <= limit):
            total += sizes[end]
            end += 1
        first = 0 if not windows else (start + windows[-1].end) // 2
        if windows:
            windows[-1] = windows[-1]._replace(keep=(windows[-1].keep[0], first))
        windows.append(Window(sentence, start, end, (first, end)))
        if end == n:
            break
        start = max(end - max((end - start) // 4, 1), start + 1)
    return windows


class _Model:
    """A token-classification model with its tokenizer."""

    def __init__(self, owner: TokenClassifier) -> None:
        transformers = import_transformers("xner.TokenClassifier.v1")
        import torch

        self.torch = torch
        options = load_options(owner.model, owner.revision)
        with loading(owner.model, owner.legacy_weights):
            self.config = transformers.AutoConfig.from_pretrained(owner.model, **options)
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(
                owner.model, add_prefix_space=True, **options
            )
            model, report = transformers.AutoModelForTokenClassification.from_pretrained(
                owner.model,
                config=self.config,
                output_loading_info=True,
                **options,
                **weight_options(owner.legacy_weights),
            )
        missing = [name for name in report["missing_keys"] if name.startswith("classifier")]
        if missing:
            raise XnerError(
                f"The model {owner.model!r} has no classifier: it was not trained to label tokens.",
                "Name one that was fine-tuned for named entities.",
            )
        if not self.tokenizer.is_fast:
            raise XnerError(
                f"The tokenizer of {owner.model!r} cannot tell which word a sub-word is of.",
                "Use a model with a fast tokenizer (tokenizer.json).",
            )
        self.model = model.to(device=owner.device, dtype=getattr(torch, owner.dtype)).eval()
        self.device = owner.device
        self.special = int(self.tokenizer.num_special_tokens_to_add())
        # Positions of RoBERTa-like models begin behind the padding symbol.
        longest = int(getattr(self.config, "max_position_embeddings", 512))
        if str(self.config.model_type) in ("roberta", "xlm-roberta", "camembert"):
            longest -= int(self.config.pad_token_id) + 1
        longest = min(longest, int(self.tokenizer.model_max_length), owner.max_length)
        self.limit = max(longest - self.special, 1)
        tags = [str(self.config.id2label[k]) for k in range(self.config.num_labels)]
        self.scheme = TagScheme(tags, repr(owner.model))
        self._outside = tags.index("O")

    def outside(self, n: int) -> FloatArray:
        """RETURNS (FloatArray): n words that are certainly no names."""
        probs = np.zeros((n, int(self.config.num_labels)), dtype=np.float32)
        probs[:, self._outside] = 1.0
        return probs

    def sizes(self, words: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): Sub-words of each word."""
        found = [0] * len(words)
        if words:
            encoded = self.tokenizer(
                list(words), is_split_into_words=True, add_special_tokens=False
            )
            for word in encoded.word_ids():
                if word is not None:
                    found[word] += 1
        return found

    def run(self, texts: List[List[str]]) -> Iterator[Tuple[List[int], FloatArray]]:
        """YIELDS (Tuple[List[int], FloatArray]): Per text the words that have sub-words, and the
        distributions of their first ones.
        """
        torch = self.torch
        encoded = self.tokenizer(
            texts,
            is_split_into_words=True,
            padding=True,
            truncation=True,
            max_length=self.limit + self.special,
            return_tensors="pt",
        )
        with torch.inference_mode():
            inputs = {name: value.to(self.device) for name, value in encoded.items()}
            logits = self.model(**inputs).logits
            probs = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        for k in range(len(texts)):
            words: List[int] = []
            rows: List[int] = []
            for position, word in enumerate(encoded.word_ids(k)):
                if word is not None and (not words or words[-1] != word):
                    words.append(word)
                    rows.append(position)
            yield words, probs[k, rows]
