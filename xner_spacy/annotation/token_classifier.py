"""`xner.TokenClassifier.v1`: any Hugging Face model that classifies tokens, such as XLM-R fine-tuned on CoNLL-2003.

A word has the distribution of its first sub-word, as in the seed paper (arXiv 2501.18750, section 1.1 step 4 of its
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

# Away from the CPU: sub-words to which windows are filled up, and the most windows of a batch.
WIDTH_STEP = 32
MOST_ROWS = 64


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
                "Name one that was fine-tuned for named entities.",
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
        """RETURNS (Tuple[int, int]): Sub-words and windows of the batch in which a window of this length is read."""
        if str(self.device).startswith("cpu"):
            return length, 1
        width = min(-(-length // WIDTH_STEP) * WIDTH_STEP, self.room + self.special)
        return width, min(max(self.batch_tokens // width, 1), MOST_ROWS)

    def outside(self, n: int) -> FloatArray:
        """RETURNS (FloatArray): n words that are certainly no names."""
        return np.tile(np.array([tag == "O" for tag in self._tags], dtype=np.float32), (n, 1))

    def run(self, texts: List[Int], width: int, rows: int) -> List[FloatArray]:
        """Read texts in a batch of `rows`, of `width` sub-words each; where there are fewer texts, the last is read again.

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
