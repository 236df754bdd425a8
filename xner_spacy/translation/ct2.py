"""`xner.CTranslate2.v1`: NLLB-200, M2M-100 and Marian (OPUS-MT) models converted by `xner convert-model`.

It only needs ctranslate2 and sentencepiece. int8 on a CPU, float16 on a GPU.
"""

import re
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Dict, Iterator, List, Literal, Sequence

import numpy as np
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from ..corpora.reading import read_json
from ..errors import InputError, MissingExtraError, XnerError
from ..languages import model_code
from ..types import PathLike
from .hub import checksum_of, loading
from .neural import Hypothesis, NeuralTranslator, decoding_limit

INFO = "xner.json"
EOS = "</s>"
_FILE = re.compile(r"[\w-][\w.-]*\Z")
# The largest 8-bit weight for which the sum of two products with inputs (0 to 255) fits into 16 bits: 255 * 63 * 2.
LARGEST_WEIGHT = 63
# How each family writes a language's tag.
TAGS = {
    "nllb": re.compile(r"([a-z]{3}_[A-Z][a-z]{3})\Z"),
    "m2m": re.compile(r"__([a-z]{2,3})__\Z"),
    "marian": re.compile(r">>(.+)<<\Z"),
}


@dataclass(eq=False)
class CTranslate2(NeuralTranslator):
    """`xner.CTranslate2.v1`: translates with CTranslate2. The model is a folder that `xner convert-model` made.
    Settings not named here are those of `NeuralTranslator`.

    device (str): "cpu" or "cuda" ("cuda:1" for the second). It is never chosen automatically.
    compute_type (str): "default" (as converted), "int8", "float16", ...
    threads (int): Threads per batch; 0 for the default of the library.
    """

    _: KW_ONLY
    device: str = "cpu"
    compute_type: str = "default"
    threads: int = 0

    def _load(self) -> "_Model":
        return _Model(self)

    def score_batch(self, sources: Sequence[str], targets: Sequence[str]) -> List[float]:
        """How likely the given translation of each text is.

        RETURNS (List[float]): Per pair the mean log-probability of the target's sub-words and its end, at most 0. A
            text longer than the model allows is scored by its beginning.
        """
        model = self.loaded
        limit = model.limit
        inputs = [[*tokens[:-1][: limit - 1], EOS] for tokens in model.encode(list(sources))]
        outputs = [[*model.prefix, *tokens[:limit]] for tokens in model.target_pieces(list(targets))]
        results = model.translator.score_batch(inputs, outputs, max_batch_size=self.batch_tokens, batch_type="tokens")
        # The tag of the target language is no word of the translation.
        words = [result.log_probs[len(model.prefix) :] for result in results]
        return [fmean(probs) if probs else 0.0 for probs in words]

    def _model_identity(self) -> Dict[str, Any]:
        return {"engine": "ctranslate2", "model": self.content, "compute_type": self.compute_type}

    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        model, beam = self.loaded, max(self.beam_size, self.n_best)
        pending = []
        positions = model.limit - len(model.prefix)
        for batch in batches:
            limits = [decoding_limit(len(tokens), positions) for tokens in batch]
            results = model.translator.translate_batch(
                batch,
                beam_size=beam,
                num_hypotheses=self.n_best,
                max_decoding_length=max(limits),
                max_input_length=0,
                return_scores=True,
                asynchronous=True,
                target_prefix=[model.prefix] * len(batch) if model.prefix else None,
            )
            pending.append((limits, results))
        for limits, results in pending:
            yield [self._hypotheses(result.result(), limit) for limit, result in zip(limits, results, strict=True)]

    def _hypotheses(self, result: Any, limit: int) -> List[Hypothesis]:
        # Longer texts in the batch raise its limit, but each text is cut at its own.
        model, start = self.loaded, len(self.loaded.prefix)
        return [
            Hypothesis(model.decode(tokens[start:limit]), float(score), len(tokens) < limit)
            for tokens, score in zip(result.hypotheses, result.scores, strict=True)
        ]


class Info(TypedDict):
    """The description of a model that `xner convert-model` writes into its folder."""

    family: Literal["nllb", "m2m", "marian"]
    languages: List[str]
    limit: Annotated[int, Field(gt=2)]
    sentencepiece: Annotated[List[str], Field(min_length=2, max_length=2)]
    model: NotRequired[str]
    revision: NotRequired[str]
    quantization: NotRequired[str]
    files: NotRequired[List[str]]
    checksum: NotRequired[str]


def read_info(folder: Path) -> Info:
    """RETURNS (Info): The description of a model. RAISES: XnerError for another folder, or file names outside of it."""
    file = folder / INFO
    hint = "Make one with: xner convert-model MODEL FOLDER"
    if not file.is_file():
        raise XnerError(f"{str(folder)!r} is not a folder with a converted model.", hint)
    info: Info = read_json(file, Info, hint)
    if not all(map(_FILE.match, info["sentencepiece"])):
        raise InputError("names a file outside of its folder.", file, None, hint)
    return info


class _Model:
    """A converted model with its SentencePiece models and tags."""

    def __init__(self, owner: CTranslate2) -> None:
        try:
            import ctranslate2
            import sentencepiece
        except ImportError as error:
            raise MissingExtraError("xner.CTranslate2.v1", "ctranslate2") from error
        folder = Path(owner.model)
        self.info = read_info(folder)
        self.family, self.limit = self.info["family"], self.info["limit"]
        self.prefix: List[str] = []
        self.start: List[str] = []
        languages, name = self.info["languages"], owner.model
        if self.family != "marian":
            tag = "__{}__" if self.family == "m2m" else "{}"
            self.start = [tag.format(model_code(owner.source_lang, languages, name))]
            self.prefix = [tag.format(model_code(owner.target_lang, languages, name))]
        elif languages:  # a model for one pair of languages has no tags, and its languages are not checked
            self.start = [f">>{model_code(owner.target_lang, languages, name)}<<"]
        # The library can crash on a truncated or changed file.
        if self.info.get("checksum") not in (None, checksum_of(folder, INFO)):
            raise XnerError(
                f"The files of the model {owner.model!r} have changed since conversion.", "Copy or convert it again."
            )
        device, _, index = owner.device.partition(":")
        if not (index or "0").isdecimal():
            raise XnerError(f"{owner.device!r} is no device.", 'Choose "cpu", "cuda" or "cuda:1".')
        settings = {"device": device, "device_index": int(index or 0), "compute_type": owner.compute_type}
        with loading(owner.model):
            try:
                self.translator = ctranslate2.Translator(str(folder), intra_threads=owner.threads, **settings)
            except (ValueError, RuntimeError) as error:
                raise XnerError(
                    f"CTranslate2 cannot load {owner.model!r} on {owner.device}: {error}",
                    "Choose another device or compute_type, or convert the model again.",
                ) from error
            source, target = self.info["sentencepiece"]
            self._source = sentencepiece.SentencePieceProcessor(model_file=str(folder / source))
            self._target = sentencepiece.SentencePieceProcessor(model_file=str(folder / target))

    def encode(self, texts: List[str]) -> List[List[str]]:
        """RETURNS (List[List[str]]): Sub-words with the tags that the model needs."""
        return [[*self.start, *pieces, EOS] for pieces in self._source.encode(texts, out_type=str)]

    def target_pieces(self, texts: List[str]) -> List[List[str]]:
        """RETURNS (List[List[str]]): Sub-words of translations, without tags."""
        return self._target.encode(texts, out_type=str)

    def decode(self, tokens: List[str]) -> str:
        """RETURNS (str): The text of sub-words, without tags and other special tokens."""
        tag = TAGS[self.family]
        words = [t for t in tokens if not (t[:1] == "<" and t[-1:] == ">") and not tag.match(t)]
        return str(self._target.decode(words)).strip()


def save_spec(spec: Any, folder: PathLike, quantization: str) -> None:
    """Write a model into an existing folder, as the library's own `convert` does, but with 8-bit weights for which all
    processors compute the same. `spec` is CTranslate2's description of a model, and is changed in place.
    """
    spec.validate()
    spec.optimize(quantization=quantization)
    if quantization in ("int8", "int8_float32"):
        leave_room_for_sums(spec)
    spec.save(str(folder))


def leave_room_for_sums(spec: Any) -> None:
    """Use only 7 of the 8 bits of the weights, so that sums are exact on every processor.

    x86 processors without VNNI (AVX2, the first with AVX-512) multiply bytes two at a time and add them up in 16 bits,
    where large weights overflow and are cut off: the mean cosine to the right vectors was 0.96. With 7 bits nothing
    overflows, and all processors compute the same sums. The lost bit costs less than 0.001. PyTorch does the same.
    """
    variables = spec.variables()
    # If two layers share a weight, one of them has the name of the other as its value.
    shared = {value for value in variables.values() if isinstance(value, str)}
    share = LARGEST_WEIGHT / 127
    for name, weight in variables.items():
        scale = variables.get(f"{name}_scale")
        # Embeddings are looked up, not multiplied.
        looked_up = "embeddings" in name and name not in shared
        if scale is None or isinstance(weight, str) or str(weight.dtype) != "int8" or looked_up:
            continue
        weight.array = np.rint(weight.numpy() * np.float32(share)).astype(np.int8)
        scale.array = (scale.numpy() * share).astype(np.float32)
