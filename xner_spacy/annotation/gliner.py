"""`xner.GLiNER.v1`: any GLiNER model, which finds entities of kinds that are named in plain words, without training
(Zaratiana et al. 2024, arXiv 2311.08526).
"""

import json
import warnings
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Sequence

import numpy as np

from ..alignment.neural.backends import check_device, longest_input
from ..errors import MissingExtraError, XnerError, require
from ..text import is_blank_token
from ..translation.hub import HubModel, check_weights, loading
from ..types import Entity, TokenLabels
from .annotators import Annotation
from .reading_windows import Window, merge_windows, word_windows

LABELS = {"person": "PER", "location": "LOC", "organization": "ORG"}
# Spans with at least this score are in the distributions, also if the threshold is higher.
LEAST_SCORE = 0.05
# After the labels, a model must have room for this many sub-words of the text.
LEAST_ROOM = 8
CONFIG, SAFE_WEIGHTS, OLD_WEIGHTS = "gliner_config.json", "model.safetensors", "pytorch_model.bin"
# Models of other kinds than those that find entities by their labels, and the setting of the config that tells.
_OTHER_KINDS = {"labels_decoder": "makes up labels", "relations_layer": "finds relations"}


@dataclass(eq=False)
class GLiNER(HubModel):
    """`xner.GLiNER.v1`: finds entities by the names of their labels. Settings not named here are those of `HubModel`.

    labels (Optional[Dict[str, str]]): What the model is asked for, in plain words, and the label that it gets. Several
        of them may get one label. None asks for person (PER), location (LOC) and organization (ORG).
    threshold (float): The least score of an entity, above 0 and at most 1.
    batch_size (int): Windows per batch on a GPU. On a CPU each is read alone, so that the result for a sentence does
        not depend on the others.
    max_length (int): Longest window in sub-words, with the labels; longer sentences are read in overlapping windows.
    local_files_only (bool): Never access the Hub; HF_HUB_OFFLINE=1 does the same.
    """

    part: ClassVar[str] = "xner.GLiNER.v1"
    _: KW_ONLY
    labels: Optional[Dict[str, str]] = None
    threshold: float = 0.5
    batch_size: int = 8
    max_length: int = 512
    local_files_only: bool = False
    label_of: Dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.label_of = LABELS if self.labels is None else self.labels
        named = self.label_of and all(prompt.strip() and label for prompt, label in self.label_of.items())
        require(named, f"{self.part} with labels that are empty: {self.labels}.", f"For instance: labels = {LABELS}.")
        require(0 < self.threshold <= 1, f"threshold = {self.threshold}.", "Give a number above 0, and at most 1.")
        require(self.batch_size > 0, f"batch_size = {self.batch_size}.", "Give a number from 1 on.")

    def _load(self) -> "_Model":
        return _Model(self)

    @property
    def identity(self) -> Dict[str, Any]:
        """Everything that the annotations depend on except the words."""
        settings = {"threshold": self.threshold, "max_length": self.max_length, "dtype": self.dtype}
        # The order of the labels matters to the model.
        return {"engine": "gliner", "model": self.content, "labels": list(map(list, self.label_of.items())), **settings}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        """Label tokenised sentences. YIELDS (Annotation): Entities with their scores, and distributions of each."""
        model = self.loaded
        # Positions of the words that the model reads.
        read: List[List[int]] = []
        windows: List[List[Window]] = []
        for sizes in model.sizes(sentences):
            read.append([k for k, size in enumerate(sizes) if size])
            sizes = [size for size in sizes if size]
            windows.append(word_windows(sizes, model.room, model.most_words, model.overlap))
        numbered = [(k, window) for k, of_sentence in enumerate(windows) for window in of_sentence]
        texts = [[sentences[k][i] for i in read[k][window.start : window.stop]] for k, window in numbered]
        found: List[List[List[Entity]]] = [[] for _ in sentences]
        for (k, window), entities in zip(numbered, model.find(texts, min(LEAST_SCORE, self.threshold)), strict=True):
            moved = [
                e._replace(start=e.start + window.start, end=e.end + window.start, label=self.label_of[e.label])
                for e in entities
            ]
            found[k].append(moved)
        for words, positions, of_sentence, of_windows in zip(sentences, read, windows, found, strict=True):
            merged = [
                e._replace(start=positions[e.start], end=positions[e.end - 1] + 1)
                for e in merge_windows(of_sentence, of_windows)
            ]
            entities = [e for e in merged if e.score >= self.threshold]
            yield Annotation(entities, self._distributions(len(words), merged))

    def _distributions(self, n_words: int, entities: Sequence[Entity]) -> TokenLabels:
        """RETURNS (TokenLabels): For each word the score of the best span that it is in, and for O the rest."""
        names = sorted(set(self.label_of.values()))
        tags = ("O", *(f"{prefix}-{name}" for name in names for prefix in "BI"))
        probs = np.zeros((n_words, len(tags)), dtype=np.float32)
        probs[:, 0] = 1.0
        for start, end, label, score in entities:
            column = 1 + 2 * names.index(label)
            probs[start:end, 0] = 1.0 - score
            probs[start, column] = score
            probs[start + 1 : end, column + 1] = score
        return TokenLabels(tags, probs)


class _Model:
    """A loaded GLiNER model.

    room (int): The most sub-words of a window's text. most_words (int): The most words of a window.
    overlap (int): The words that two neighbouring windows share: the longest name that the model can find.
    """

    def __init__(self, owner: GLiNER) -> None:
        try:
            import gliner
            import huggingface_hub
            import torch
        except ImportError as error:
            raise MissingExtraError(owner.part, "gliner") from error
        check_device(owner.device, owner.part)
        options = owner.options()
        local = Path(owner.model).is_dir() or owner.local_files_only
        weights = [SAFE_WEIGHTS, *([OLD_WEIGHTS] if owner.legacy_weights else [])]
        with loading(owner.model, owner.legacy_weights):
            folder = Path(owner.model)
            if not folder.is_dir():
                folder = Path(
                    huggingface_hub.snapshot_download(
                        owner.model,
                        revision=options.get("revision"),
                        local_files_only=local,
                        allow_patterns=["*.json", "*.txt", "*.model", *weights],
                    )
                )
                # What identifies the model (see `LazyModel.content`): a snapshot's folder has the name of its commit.
                self.config = SimpleNamespace(_commit_hash=folder.name)
            _check_files(owner.model, folder, weights, local)
            precision = None if owner.dtype == "float32" else getattr(torch, owner.dtype)
            with warnings.catch_warnings():
                # Models with an encoder for the labels need no new embeddings.
                warnings.filterwarnings("ignore", "Resizing embeddings is not supported")
                self.model = gliner.GLiNER.from_pretrained(
                    str(folder), local_files_only=local, map_location=owner.device, dtype=precision
                )
            check_weights(owner.model, {"missing_keys": self._missing(folder)})
        self.prompts = list(owner.label_of)
        self.alone = owner.device.startswith("cpu")
        self.batch_size = owner.batch_size
        self._collator = self.model.create_collator()
        self._measure(owner)

    def _missing(self, folder: Path) -> List[str]:
        """RETURNS (List[str]): The weights of the model that its file lacks. The library makes them up."""
        from safetensors import safe_open
        from transformers.modeling_utils import load_state_dict

        if (folder / SAFE_WEIGHTS).exists():
            with safe_open(folder / SAFE_WEIGHTS, framework="pt") as file:
                # Weights that are the same as others are only named.
                stored = {*file.keys(), *(file.metadata() or {})}
        else:
            stored = {*load_state_dict(str(folder / OLD_WEIGHTS), map_location="meta", weights_only=True)}
        return sorted(self.model.model.state_dict().keys() - stored)

    def _measure(self, owner: GLiNER) -> None:
        config, processor = self.model.config, self.model.data_processor
        self._tokenizer = processor.transformer_tokenizer
        limit = min(longest_input(self._tokenizer, config.encoder_config), owner.max_length)
        # The library cuts off what is longer, which is then only the end of a single word.
        self._tokenizer.model_max_length = limit
        # A model with an encoder for the labels does not read them before the text.
        reads_labels = getattr(processor, "labels_tokenizer", None) is None
        self._before: List[str] = processor.prepare_inputs([[]], self.prompts)[0][0] if reads_labels else []
        [with_text] = self._encode([["a"]])["input_ids"]
        [sizes] = self.sizes([["a"]])
        self.room = limit - len(with_text) + sizes[0]
        require(
            self.room >= LEAST_ROOM,
            f"The {len(self.prompts)} labels leave room for {max(self.room, 0)} sub-words of text in the {limit} that "
            f"the model {owner.model!r} reads at once.",
            "Use fewer labels or shorter words for them, or a larger max_length.",
        )
        self.most_words, self.overlap = config.max_len, config.max_width

    def _encode(self, sentences: Sequence[Sequence[str]]) -> Any:
        texts = [[*self._before, *words] for words in sentences]
        return self._tokenizer(texts, is_split_into_words=True, verbose=False)

    def sizes(self, sentences: Sequence[Sequence[str]]) -> List[List[int]]:
        """RETURNS (List[List[int]]): The sub-words of each word; 0 for words that the model can't see."""
        if not sentences:
            return []
        encoded = self._encode([["" if is_blank_token(word) else word for word in words] for words in sentences])
        results = []
        for k, words in enumerate(sentences):
            numbers = [n for n in encoded.word_ids(k) if n is not None]
            counts = np.bincount(np.array(numbers, dtype=np.int64), minlength=len(self._before) + len(words))
            results.append(counts[len(self._before) :].tolist())
        return results

    def find(self, windows: Sequence[Sequence[str]], threshold: float) -> List[List[Entity]]:
        """RETURNS (List[List[Entity]]): The spans of each window with at least this score, which do not overlap, with
        the words that the model was asked for as labels.
        """
        results: List[List[Entity]] = [[] for _ in windows]
        order = sorted(range(len(windows)), key=lambda k: -len(windows[k]))
        step = 1 if self.alone else self.batch_size
        for first in range(0, len(order), step):
            chosen = order[first : first + step]
            for k, spans in zip(chosen, self._run([list(windows[k]) for k in chosen], threshold), strict=True):
                results[k] = spans
        return results

    def _run(self, windows: List[List[str]], threshold: float) -> Iterator[List[Entity]]:
        model = self.model
        batch = model.collate_batch(model.prepare_base_input(windows), self.prompts, self._collator)
        output = model.run_batch(batch, threshold=threshold)
        for spans in model.decode_batch(output, batch, threshold=threshold):
            yield [Entity(s.start, s.end + 1, s.entity_type, float(s.score)) for s in spans]


def _check_files(model: str, folder: Path, weights: Sequence[str], local: bool) -> None:
    """RAISES: XnerError if a folder holds no whole GLiNER model of a kind that finds entities, if its weights are not
    in a safe format, or if it asks for code of its own.
    """
    config_file = folder / CONFIG
    require(
        config_file.is_file(),
        f"The model {model!r} has no {CONFIG}.",
        "Choose a GLiNER model, or xner.TokenClassifier.v1 for one that was fine-tuned to label tokens.",
    )
    if not any((folder / name).is_file() for name in weights):
        raise XnerError(
            f"The model {model!r} has no {weights[0]}.",
            "Only safetensors are read. Convert the model, or set legacy_weights = true if you trust it.",
        )
    config = json.loads(config_file.read_text(encoding="utf8"))
    require(isinstance(config, dict), f"The model {model!r} has a {CONFIG} that is no object.", "Download it again.")
    kinds = [words for name, words in _OTHER_KINDS.items() if config.get(name)]
    if "streaming" in str(config.get("model_type", "")):
        kinds.append("reads a stream")
    require(
        not kinds,
        f"The model {model!r} is of another kind: it {' and '.join(kinds)}.",
        "Choose a GLiNER model that finds entities by their labels.",
    )
    settings = [config, *_encoder_configs(config, local)]
    for file in sorted(folder.rglob("*.json")):
        if file.name in ("tokenizer_config.json", "config.json"):
            settings.append(json.loads(file.read_text(encoding="utf8")))
    # The library would run such code without asking.
    require(
        not any(map(_asks_for_code, settings)),
        f"The model {model!r} asks for code of its own (auto_map), which is never run.",
        "Choose a model whose encoder is part of transformers.",
    )


def _encoder_configs(config: Dict[str, Any], local: bool) -> Iterator[Dict[str, Any]]:
    """YIELDS (Dict[str, Any]): The config of each encoder that the model only names, as the library will read it."""
    import transformers

    for name, stored in (("model_name", "encoder_config"), ("labels_encoder", "labels_encoder_config")):
        if config.get(name) and not config.get(stored):
            found = transformers.AutoConfig.from_pretrained(
                config[name], local_files_only=local, trust_remote_code=False
            )
            yield found.to_dict()


def _asks_for_code(settings: Any) -> bool:
    if isinstance(settings, dict):
        return "auto_map" in settings or any(map(_asks_for_code, settings.values()))
    return isinstance(settings, list) and any(map(_asks_for_code, settings))
