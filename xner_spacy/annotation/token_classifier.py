"""`xner.TokenClassifier.v1`: any Hugging Face model that classifies tokens, such as XLM-R fine-tuned on CoNLL-2003.

A word gets the distribution of its first sub-word, as in the seed paper (arXiv 2501.18750, section 1.1 step 4 of its
pipeline). The same part is the source annotator, the tagger of the target language for the `ner` scores, and the
model-transfer baseline.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Callable, ClassVar, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ..alignment.neural.backends import longest_input
from ..alignment.neural.encoders import Int, Subwords
from ..alignment.windows import windows
from ..distillation.soft.soft_labels import free_blank
from ..distillation.student.tag_scheme import blank_tokens
from ..errors import XnerError
from ..text import is_blank_token
from ..translation.hub import HubModel, check_weights
from ..types import FloatArray, TokenLabels
from .annotators import Annotation, TagScheme

# On a GPU: windows are padded to a multiple of this many sub-words, and a batch has at most this many windows.
WIDTH_STEP = 32
MOST_ROWS = 64


@dataclass(eq=False)
class TokenClassifier(HubModel):
    """`xner.TokenClassifier.v1`: labels words with a transformer. Settings not named here are those of `HubModel`.

    batch_tokens (int): The most sub-words of a batch, padding included. On a CPU each sentence is read alone, which is
        no slower there, and makes its result independent of the others.
    max_length (int): Longest window in sub-words; longer sentences are read in overlapping windows.
    labels (Optional[Union[List[str], Dict[str, str]]]): Tags for a model that has other names for them ("LABEL_0"): one
        for each of its outputs, in order, or by the model's name.
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
        """Everything that the annotations depend on except the words."""
        identity = {"engine": "transformers", "model": self.content, "dtype": self.dtype}
        return identity if self.labels is None else {**identity, "labels": self.labels}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        for words, probs in zip(sentences, self.distributions(sentences), strict=True):
            yield annotate_visible(self.loaded.scheme, words, probs)

    def distributions(self, sentences: Sequence[Sequence[str]]) -> List[FloatArray]:
        """RETURNS (List[FloatArray]): Per sentence (words, tags of the model), each word by its first sub-word. A word
        without sub-words and an invisible one are O.
        """
        model = self.loaded
        distributions = [model.outside(len(words)) for words in sentences]
        pieces = model.subwords([["" if is_blank_token(word) else word for word in words] for words in sentences])
        cuts = [(k, *cut) for k, sentence in enumerate(pieces) for cut in windows(len(sentence.ids), model.room)]
        lengths = [stop - start + model.special for _, start, stop, _, _ in cuts]
        for batch in fixed_batches(lengths, model.shape_of):
            chosen = [cuts[k] for k in batch.chosen]
            results = model.run([pieces[k].ids[start:stop] for k, start, stop, _, _ in chosen], batch.width, batch.rows)
            for (k, start, _, keep_from, keep_to), probs in zip(chosen, results, strict=True):
                words, first = np.unique(pieces[k].words, return_index=True)
                kept = (keep_from <= first) & (first < keep_to)
                distributions[k][words[kept]] = probs[first[kept] - start]
        return distributions


def annotate_visible(scheme: TagScheme, words: Sequence[str], probs: FloatArray) -> Annotation:
    """Decode a model's (words, tags) distributions over the visible words. The words before and after whitespace can
    belong to one entity, but no entity begins or ends with whitespace.
    """
    blank = blank_tokens(words)
    if not blank.any():
        return scheme.annotate(probs)
    visible = np.flatnonzero(~blank)
    annotation = scheme.annotate(probs[visible])
    assert annotation.labels is not None
    entities = [e._replace(start=int(visible[e.start]), end=int(visible[e.end - 1]) + 1) for e in annotation.entities]
    all_probs = np.zeros((len(words), len(scheme.labels)), dtype=np.float32)
    all_probs[:, 0] = 1.0
    all_probs[visible] = annotation.labels.probs
    for k in np.flatnonzero(blank):
        following = int(np.searchsorted(visible, k))
        if 0 < following < len(visible):  # a blank token has the I- probabilities of the next word
            all_probs[k, 2::2] = annotation.labels.probs[following, 2::2]
            all_probs[k, 0] = 1.0 - all_probs[k, 2::2].sum()
    return Annotation(entities, free_blank(TokenLabels(scheme.labels, all_probs), blank))


class Batch(NamedTuple):
    """The numbers of the windows in a batch, and the width in sub-words and number of rows that it is padded to."""

    chosen: List[int]
    width: int
    rows: int


def fixed_batches(lengths: Sequence[int], shape_of: Callable[[int], Tuple[int, int]]) -> List[Batch]:
    """Make batches whose shapes only depend on the length of a window, not on the other windows: in another shape a
    matrix product adds in another order, and the last digits differ.

    lengths (Sequence[int]): Sub-words of each window. shape_of (Callable): Width and rows of the batch for a length.
    RETURNS (List[Batch]): The batches, the widest first.
    """
    by_shape: Dict[Tuple[int, int], List[int]] = {}
    for k, length in enumerate(lengths):
        by_shape.setdefault(shape_of(length), []).append(k)
    return [
        Batch(numbers[start : start + rows], width, rows)
        for (width, rows), numbers in sorted(by_shape.items(), reverse=True)
        for start in range(0, len(numbers), rows)
    ]


class _Model:
    """A token-classification model with its tokenizer."""

    def __init__(self, owner: TokenClassifier) -> None:
        config, tokenizer = owner.read_tokenizer(add_prefix_space=True)
        import torch

        self.torch = torch
        model, report = owner.read_model("AutoModelForTokenClassification", config=config)
        missing = [name for name in report["missing_keys"] if name.startswith("classifier")]
        if missing:
            raise XnerError(
                f"The model {owner.model!r} has no classifier: it was not trained to label tokens.",
                "Choose one that was fine-tuned for named entities.",
            )
        check_weights(owner.model, report)
        self.config = config
        self.subwords = Subwords(tokenizer)
        self._frame = self.subwords.frame()
        self._pad = int(config.pad_token_id or 0)
        self.model = model.to(device=owner.device, dtype=getattr(torch, owner.dtype)).eval()
        self.device = owner.device
        self.special = sum(map(len, self._frame))
        self.room = max(min(longest_input(tokenizer, config), owner.max_length) - self.special, 1)
        self.batch_tokens = owner.batch_tokens
        names = [str(config.id2label[k]) for k in range(config.num_labels)]
        self._tags = named_tags(names, owner.labels, repr(owner.model))
        self.scheme = TagScheme(self._tags, repr(owner.model))

    def shape_of(self, length: int) -> Tuple[int, int]:
        """RETURNS (Tuple[int, int]): Sub-words and windows of the batch for a window of this length."""
        if str(self.device).startswith("cpu"):
            return length, 1
        width = min(-(-length // WIDTH_STEP) * WIDTH_STEP, self.room + self.special)
        return width, min(max(self.batch_tokens // width, 1), MOST_ROWS)

    def outside(self, n: int) -> FloatArray:
        """RETURNS (FloatArray): Distributions of n words that are O with probability 1."""
        return np.tile(np.array([tag == "O" for tag in self._tags], dtype=np.float32), (n, 1))

    def run(self, texts: List[Int], width: int, rows: int) -> List[FloatArray]:
        """Read texts in a batch of `rows` rows and `width` sub-words. If there are fewer texts, the last is repeated.

        RETURNS (List[FloatArray]): Per text the distributions of its sub-words.
        """
        torch = self.torch
        prefix, suffix = self._frame
        ids = np.full((rows, width), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row in range(rows):
            framed = [*prefix, *texts[min(row, len(texts) - 1)], *suffix]
            ids[row, : len(framed)] = framed
            mask[row, : len(framed)] = 1
        with torch.inference_mode():
            inputs = {"input_ids": ids, "attention_mask": mask}
            logits = self.model(**{name: torch.from_numpy(x).to(self.device) for name, x in inputs.items()}).logits
            probs = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        return [probs[k, len(prefix) : len(prefix) + len(text)] for k, text in enumerate(texts)]


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
