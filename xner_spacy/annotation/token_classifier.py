"""`xner.TokenClassifier.v1`: any Hugging Face model that classifies tokens, such as XLM-R fine-tuned on CoNLL-2003.

A word has the distribution of its first sub-word, as in the seed paper (arXiv 2501.18750, section 1.1 step 4 of its
pipeline). The same part is the source annotator, the tagger of the target language for the `ner` scores, and the
model-transfer baseline.
"""

from collections import Counter
from dataclasses import KW_ONLY, dataclass
from typing import Any, Callable, ClassVar, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..alignment.neural.subwords import wants_a_space
from ..distillation.soft.soft_labels import free_blank
from ..distillation.student.tag_scheme import blank_tokens
from ..errors import XnerError
from ..translation.hub import HubModel, check_weights, import_transformers
from ..types import FloatArray, TokenLabels
from .annotators import Annotation, TagScheme

# Away from the CPU: sub-words to which windows are filled up, and the most windows of a batch.
WIDTH_STEP = 32
MOST_ROWS = 64


class Window(NamedTuple):
    """A stretch of a sentence that the model reads at once.

    sentence (int): Which sentence. start, end (int): Its words. keep (Tuple[int, int]): Those whose distributions are
        taken from here.
    """

    sentence: int
    start: int
    end: int
    keep: Tuple[int, int]


@dataclass(eq=False)
class TokenClassifier(HubModel):
    """`xner.TokenClassifier.v1`: labels words with a transformer. Settings not named here are those of `HubModel`.

    batch_tokens (int): Sub-words a batch, padding counted. On a CPU each sentence is read by itself, which takes no
        longer there, and what it gets then does not depend on the others.
    max_length (int): Longest window in sub-words; longer sentences are read in windows that overlap.
    labels (Optional[Union[List[str], Dict[str, str]]]): The tags of a model that names them otherwise ("LABEL_0"): one
        for each of its outputs, in order, or by the name that it uses.
    """

    part: ClassVar[str] = "xner.TokenClassifier.v1"
    _: KW_ONLY
    batch_tokens: int = 8192
    max_length: int = 512
    labels: Optional[Union[List[str], Dict[str, str]]] = None

    def _load(self) -> "_Model":
        return _Model(self)

    @property
    def identity(self) -> Dict[str, Any]:
        """What the annotations depend on, beside the words."""
        identity = {"engine": "transformers", "model": self.content, "dtype": self.dtype}
        return identity if self.labels is None else {**identity, "labels": self.labels}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        for words, probs in zip(sentences, self.distributions(sentences), strict=True):
            yield annotate_seen(self.loaded.scheme, words, probs)

    def distributions(self, sentences: Sequence[Sequence[str]]) -> List[FloatArray]:
        """RETURNS (List[FloatArray]): Per sentence (words, tags of the model): each word by its first sub-word; a word
        without any, and one that nobody can see, is O.
        """
        model = self.loaded
        distributions = [model.outside(len(words)) for words in sentences]
        seen = [np.flatnonzero(~blank_tokens(words)) for words in sentences]
        shown = [[words[int(k)] for k in places] for words, places in zip(sentences, seen, strict=True)]
        windows: List[Window] = []
        lengths: List[int] = []
        for k, text in enumerate(shown):
            sizes = model.sizes(text)
            for window in split_windows(k, sizes, model.limit):
                windows.append(window)
                lengths.append(sum(sizes[window.start : window.end]) + model.special)
        for batch in fixed_batches(lengths, model.shape_of):
            chosen = [windows[k] for k in batch.chosen]
            texts = [shown[w.sentence][w.start : w.end] for w in chosen]
            results = model.run(texts, batch.width, batch.rows)
            for window, (positions, probs) in zip(chosen, results, strict=True):
                for word, row in zip(positions, probs, strict=True):
                    place = window.start + word
                    if window.keep[0] <= place < window.keep[1]:
                        distributions[window.sentence][seen[window.sentence][place]] = row
        return distributions


def annotate_seen(scheme: TagScheme, words: Sequence[str], probs: FloatArray) -> Annotation:
    """Read entities off the words that can be seen, by a model's tags and its (words, tags) distributions: those before
    and behind whitespace may be one name, and none begins or ends with it.
    """
    blank = blank_tokens(words)
    if not blank.any():
        return scheme.annotate(probs)
    seen = np.flatnonzero(~blank)
    annotation = scheme.annotate(probs[seen])
    assert annotation.labels is not None
    entities = [e._replace(start=int(seen[e.start]), end=int(seen[e.end - 1]) + 1) for e in annotation.entities]
    full = np.zeros((len(words), len(scheme.labels)), dtype=np.float32)
    full[:, 0] = 1.0
    full[seen] = annotation.labels.probs
    for place in np.flatnonzero(blank):
        behind = int(np.searchsorted(seen, place))
        if 0 < behind < len(seen):  # as far inside a name as the next word goes on with one
            full[place, 2::2] = annotation.labels.probs[behind, 2::2]
            full[place, 0] = 1.0 - full[place, 2::2].sum()
    return Annotation(entities, free_blank(TokenLabels(scheme.labels, full), blank))


class Batch(NamedTuple):
    """The numbers of windows that are read at once, and the sub-words and windows that these are filled up to."""

    chosen: List[int]
    width: int
    rows: int


def fixed_batches(lengths: Sequence[int], shape_of: Callable[[int], Tuple[int, int]]) -> List[Batch]:
    """Batches whose shapes hang on the length of a window alone, not on what else there is to read: with another shape
    a matrix product adds in another order, and the last digits differ.

    lengths (Sequence[int]): Sub-words of each window. shape_of (Callable): Gives width and rows of the batch for one.
    RETURNS (List[Batch]): The batches, the widest first.
    """
    by_shape: Dict[Tuple[int, int], List[int]] = {}
    for k, length in enumerate(lengths):
        by_shape.setdefault(shape_of(length), []).append(k)
    return [
        Batch(numbers[at : at + rows], width, rows)
        for (width, rows), numbers in sorted(by_shape.items(), reverse=True)
        for at in range(0, len(numbers), rows)
    ]


def split_windows(sentence: int, sizes: Sequence[int], limit: int) -> List[Window]:
    """Split a sentence into windows of at most `limit` sub-words, of which each word has `sizes`. They overlap by about a
    quarter; a word is read where it has the most context. RETURNS (List[Window]): Their `keep` covers the sentence.
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
        import_transformers(owner.part)
        import torch

        self.torch = torch
        self.config, self.tokenizer = owner.read_tokenizer(add_prefix_space=True)
        model, report = owner.read_model("AutoModelForTokenClassification", config=self.config)
        missing = [name for name in report["missing_keys"] if name.startswith("classifier")]
        if missing:
            raise XnerError(
                f"The model {owner.model!r} has no classifier: it was not trained to label tokens.",
                "Name one that was fine-tuned for named entities.",
            )
        check_weights(owner.model, report)
        if not self.tokenizer.is_fast:
            raise XnerError(
                f"The tokenizer of {owner.model!r} cannot tell which word a sub-word is of.",
                "Use a model with a fast tokenizer (tokenizer.json).",
            )
        self._space = wants_a_space(self.tokenizer)
        self.model = model.to(device=owner.device, dtype=getattr(torch, owner.dtype)).eval()
        self.device = owner.device
        self.special = int(self.tokenizer.num_special_tokens_to_add())
        # Positions of RoBERTa-like models begin behind the padding symbol.
        longest = int(getattr(self.config, "max_position_embeddings", 512))
        if str(self.config.model_type) in ("roberta", "xlm-roberta", "camembert"):
            longest -= int(self.config.pad_token_id) + 1
        longest = min(longest, int(self.tokenizer.model_max_length), owner.max_length)
        self.limit = max(longest - self.special, 1)
        self.batch_tokens = owner.batch_tokens
        names = [str(self.config.id2label[k]) for k in range(self.config.num_labels)]
        tags = named_tags(names, owner.labels, repr(owner.model))
        self.scheme = TagScheme(tags, repr(owner.model))
        self._outside = tags.index("O")

    def shape_of(self, length: int) -> Tuple[int, int]:
        """RETURNS (Tuple[int, int]): Sub-words and windows of the batch in which a window of this length is read."""
        if str(self.device).startswith("cpu"):
            return length, 1
        width = min(-(-length // WIDTH_STEP) * WIDTH_STEP, self.limit + self.special)
        return width, min(max(self.batch_tokens // width, 1), MOST_ROWS)

    def _marked(self, words: Sequence[str]) -> List[str]:
        return [f" {word}" for word in words] if self._space else list(words)

    def outside(self, n: int) -> FloatArray:
        """RETURNS (FloatArray): n words that are certainly no names."""
        probs = np.zeros((n, int(self.config.num_labels)), dtype=np.float32)
        probs[:, self._outside] = 1.0
        return probs

    def sizes(self, words: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): Sub-words of each word."""
        if not words:
            return []
        encoded = self.tokenizer(self._marked(words), is_split_into_words=True, add_special_tokens=False)
        counts = Counter(encoded.word_ids())
        return [counts[number] for number in range(len(words))]

    def run(self, texts: List[List[str]], width: int, rows: int) -> Iterator[Tuple[List[int], FloatArray]]:
        """Read texts in a batch of `rows`, of `width` sub-words each; where there are fewer texts, the last is read again.

        YIELDS (Tuple[List[int], FloatArray]): Per text the words that have sub-words, and the distributions of their
            first ones.
        """
        torch = self.torch
        filled = [self._marked(text) for text in texts]
        filled += [filled[-1]] * (rows - len(texts))
        encoded = self.tokenizer(
            filled,
            is_split_into_words=True,
            padding="max_length",
            truncation=True,
            max_length=min(width, self.limit + self.special),
            return_tensors="pt",
        )
        with torch.inference_mode():
            inputs = {name: value.to(self.device) for name, value in encoded.items()}
            logits = self.model(**inputs).logits
            probs = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        for k in range(len(texts)):
            first: Dict[int, int] = {}  # word -> the place of its first sub-word
            for position, word in enumerate(encoded.word_ids(k)):
                if word is not None:
                    first.setdefault(word, position)
            yield list(first), probs[k, list(first.values())]


def named_tags(names: Sequence[str], labels: Optional[Union[List[str], Dict[str, str]]], model: str) -> List[str]:
    """RETURNS (List[str]): The tags of a model's outputs. RAISES: XnerError if the setting `labels` does not fit."""
    if labels is None:
        if names and all(name.startswith("LABEL_") for name in names):
            raise XnerError(
                f"The model {model} does not say what its {len(names)} outputs are ({names[0]}, ...).",
                'Name them in order: labels = ["O","B-PER","I-PER", ...], as the model was trained.',
            )
        return list(names)
    if isinstance(labels, dict):
        unknown = sorted(set(labels) - set(names))
        if unknown:
            raise XnerError(f"The model {model} has no label {unknown[0]!r}.", f"It has {', '.join(names)}.")
        return [labels.get(name, name) for name in names]
    if len(labels) != len(names):
        raise XnerError(f"{len(labels)} labels for the {len(names)} outputs of {model}.", "Give one for each.")
    return list(labels)
