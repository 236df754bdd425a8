"""`xner.CTranslate2.v1`: NLLB-200, M2M-100 and Marian (OPUS-MT) models converted by `xner convert-model`.

It needs ctranslate2 and sentencepiece alone. int8 on a CPU, float16 on a GPU.
"""

import re
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Dict, Iterator, List, Literal, Sequence

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from ..corpora.reading import read_json
from ..errors import InputError, MissingExtraError, XnerError
from ..languages import model_code
from .hub import checksum_of, loading
from .neural import Hypothesis, NeuralTranslator, decoding_limit

INFO = "xner.json"
EOS = "</s>"
_FILE = re.compile(r"[\w-][\w.-]*\Z")
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

    device (str): "cpu" or "cuda" ("cuda:1" for the second), nothing is chosen silently.
    compute_type (str): "default" (as converted), "int8", "float16", ...
    threads (int): Threads a batch; 0 leaves it to the library.
    """

    _: KW_ONLY
    device: str = "cpu"
    compute_type: str = "default"
    threads: int = 0

    def _load(self) -> "_Model":
        return _Model(self)

    def score_batch(self, sources: Sequence[str], targets: Sequence[str]) -> List[float]:
        """How likely given translations are.

        sources (Sequence[str]): Texts. targets (Sequence[str]): A translation of each.
        RETURNS (List[float]): Per pair the mean log-probability of the target's sub-words and its end, at most 0. What
            is longer than the model takes is judged by its beginning.
        """
        model = self.loaded
        limit = model.limit
        left = [[*tokens[:-1][: limit - 1], EOS] for tokens in self._encode(list(sources))]
        right = [[*model.prefix, *tokens[:limit]] for tokens in model.target_pieces(list(targets))]
        found = model.translator.score_batch(left, right, max_batch_size=self.batch_tokens, batch_type="tokens")
        # The tag of the target language was given, it is no word.
        words = [result.log_probs[len(model.prefix) :] for result in found]
        return [fmean(probs) if probs else 0.0 for probs in words]

    def _model_identity(self) -> Dict[str, Any]:
        return {"engine": "ctranslate2", "model": self.content, "compute_type": self.compute_type}

    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        model, beam = self.loaded, max(self.beam_size, self.n_best)
        pending = []
        most = model.limit - len(model.prefix)
        for batch in batches:
            limits = [decoding_limit(len(tokens), most) for tokens in batch]
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
        model = self.loaded
        found = []
        for tokens, score in zip(result.hypotheses, result.scores, strict=True):
            # A longer neighbour in the batch allows more; a text is judged as if it were alone.
            words = tokens[len(model.prefix) : limit]
            found.append(Hypothesis(model.decode(words), float(score), len(tokens) < limit))
        return found


class Info(TypedDict):
    """What `xner convert-model` notes of a model in its folder."""

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
    """RETURNS (Info): What `xner convert-model` noted of a model.

    RAISES: XnerError for another folder, or names that lead out of it.
    """
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
        self._set_tags(owner)
        # A file that was cut short or changed can end the process in the library.
        if self.info.get("checksum") not in (None, checksum_of(folder, INFO)):
            raise XnerError(
                f"The files of the model {owner.model!r} are not those that were converted.", "Copy or convert it anew."
            )
        device, _, index = owner.device.partition(":")
        if not (index or "0").isdecimal():
            raise XnerError(f"{owner.device!r} is no device.", 'It is "cpu", "cuda" or "cuda:1".')
        with loading(owner.model):
            self.translator = self._load(ctranslate2, folder, device, int(index or 0), owner)
            source, target = self.info["sentencepiece"]
            self._source = sentencepiece.SentencePieceProcessor(model_file=str(folder / source))
            self._target = sentencepiece.SentencePieceProcessor(model_file=str(folder / target))

    def _load(self, library: Any, folder: Path, device: str, index: int, owner: CTranslate2) -> Any:
        try:
            return library.Translator(
                str(folder),
                device=device,
                device_index=index,
                compute_type=owner.compute_type,
                intra_threads=owner.threads,
            )
        except (ValueError, RuntimeError) as error:
            raise XnerError(
                f"CTranslate2 cannot load {owner.model!r} on {owner.device}: {error}",
                "Choose another device or compute_type, or convert the model anew.",
            ) from error

    def _set_tags(self, owner: CTranslate2) -> None:
        languages, name = self.info["languages"], owner.model
        if self.family == "marian":
            # A model for one pair of languages has no tags and is taken at its word.
            if languages:
                self.start = [f">>{model_code(owner.target_lang, languages, name)}<<"]
            return
        tag = "__{}__" if self.family == "m2m" else "{}"
        self.start = [tag.format(model_code(owner.source_lang, languages, name))]
        self.prefix = [tag.format(model_code(owner.target_lang, languages, name))]

    def encode(self, texts: List[str]) -> List[List[str]]:
        """RETURNS (List[List[str]]): Sub-words with the tags that the model wants."""
        return [[*self.start, *pieces, EOS] for pieces in self._source.encode(texts, out_type=str)]

    def target_pieces(self, texts: List[str]) -> List[List[str]]:
        """RETURNS (List[List[str]]): Sub-words of translations, without tags."""
        return self._target.encode(texts, out_type=str)

    def decode(self, tokens: List[str]) -> str:
        """RETURNS (str): The text of sub-words; tags and other special tokens left out."""
        tag = TAGS[self.family]
        words = [t for t in tokens if not (t[:1] == "<" and t[-1:] == ">") and not tag.match(t)]
        return str(self._target.decode(words)).strip()
