"""`xner convert-model`: convert a translation model from Hugging Face's format to CTranslate2's."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Literal, Optional, Set, get_args

from spacy.util import is_compatible_version

from ..corpora.writing import folder_written_aside, write_json
from ..errors import MissingExtraError, XnerError, require
from ..translation.ct2 import INFO, TAGS, read_info, save_spec
from ..translation.hub import HubModel, check_weights, checksum_of, import_transformers, loading
from ..types import PathLike
from .options import choices, command, option
from .output import done

Quantization = Literal["int8", "int8_float16", "int8_float32", "float16", "bfloat16", "float32"]
FAMILIES = {"m2m_100": "m2m", "marian": "marian"}
SENTENCEPIECE = {
    "nllb": ("sentencepiece.bpe.model", "sentencepiece.bpe.model"),
    "m2m": ("sentencepiece.bpe.model", "sentencepiece.bpe.model"),
    "marian": ("source.spm", "target.spm"),
}
# The files that the converter writes, for folders of an earlier version, which do not list them.
_VOCABULARIES = [f"{side}_vocabulary.{form}" for side in ("shared", "source", "target") for form in ("json", "txt")]
MADE = ("model.bin", "config.json", *_VOCABULARIES)


class _Source(HubModel):
    """The model to convert. Its weights are read only during the conversion."""

    part = "xner convert-model"

    def _load(self) -> SimpleNamespace:
        config, tokenizer = self.read_tokenizer()
        return SimpleNamespace(config=config, tokenizer=tokenizer)


def convert_model(
    model: str,
    output: Path,
    *,
    quantization: Quantization = "int8",
    revision: Optional[str] = None,
    legacy_weights: bool = False,
    overwrite: bool = False,
) -> Dict[str, Any]:
    """Convert NLLB-200, M2M-100 or Marian (OPUS-MT) for xner.CTranslate2.v1.

    model (str): Folder with a Hugging Face model, or its name on the Hub.
    output (Path): Folder to make.
    quantization (str): int8 for a CPU, float16 for a GPU.
    revision (Optional[str]): Branch, tag or commit on the Hub.
    legacy_weights (bool): Accept weights in the old .bin format (read without running their code).
    overwrite (bool): Replace OUT, if it holds a converted model and nothing else.
    RETURNS (Dict[str, Any]): What `xner.json` in the folder says: family, languages, revision, ...
    RAISES: MissingExtraError; XnerError for a model of another kind, or one that cannot be loaded.
    """
    transformers = import_transformers(_Source.part)
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise MissingExtraError(_Source.part, "ctranslate2") from error
    from transformers.utils import cached_file

    output = Path(output)
    earlier = check_replaceable(output, overwrite)
    source = _Source(model, revision=revision, legacy_weights=legacy_weights)
    # Up to transformers 4.55 it is called `torch_dtype`; from ctranslate2 4.6.3 on the converter says `dtype`.
    dtype = "torch_dtype" if is_compatible_version(transformers.__version__, "<4.56") else "dtype"

    class Converter(TransformersConverter):
        def load_model(self, model_class: Any, name: str, **settings: Any) -> Any:
            renamed = {dtype if key.endswith("dtype") else key: value for key, value in settings.items()}
            loaded, report = source.read_model(model_class.__name__, **renamed)
            check_weights(name, report)
            return loaded

    config, vocabulary = source.loaded.config, list(source.loaded.tokenizer.get_vocab())
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise XnerError(
            f"{model!r} is a model of the kind {config.model_type!r}.",
            "NLLB-200, M2M-100 and Marian can be converted; for others use xner.Transformers.v1.",
        )
    if family == "m2m" and any(TAGS["nllb"].match(token) for token in vocabulary):
        family = "nllb"
    known_revision = source.options().get("revision")
    with folder_written_aside(output) as temporary:
        with loading(model, legacy_weights):
            save_spec(Converter(model, revision=known_revision)._load(), temporary, quantization)
        for name in set(SENTENCEPIECE[family]):
            try:
                sentencepiece = str(cached_file(model, name, revision=known_revision))
            except OSError as error:
                raise XnerError(f"{model!r} lacks its SentencePiece file {name}.", "Download it whole.") from error
            shutil.copyfile(sentencepiece, temporary / name)
        info: Dict[str, Any] = {
            "family": family,
            "languages": sorted(m[1] for m in map(TAGS[family].match, vocabulary) if m),
            "limit": int(getattr(config, "max_position_embeddings", 512)) - 2,
            "sentencepiece": list(SENTENCEPIECE[family]),
            "model": model if not Path(model).is_dir() else Path(model).name,
            "revision": source.content,
            "quantization": quantization,
            "files": sorted(path.name for path in temporary.iterdir()),
            "checksum": checksum_of(temporary),
        }
        write_json(temporary / INFO, info)
    for name in earlier - {INFO, *info["files"]}:
        (output / name).unlink()
    return info


@command(convert_model, model="MODEL", output="OUT", quantization=option("-q", kind=choices(get_args(Quantization))))
def convert_model_cli(call: Callable[[], Dict[str, Any]], output: PathLike, quantization: str) -> None:
    """Print a summary of the model."""
    info = call()
    languages = f"{len(info['languages'])} languages" if info["languages"] else "one pair of languages"
    done(f"{info['family']} model, {languages}, {quantization}, revision {info['revision']}", output)


def check_replaceable(output: Path, overwrite: bool) -> Set[str]:
    """RETURNS (Set[str]): The files of a model that will be replaced. RAISES: XnerError if the folder exists, unless
    `overwrite` is given and it holds only a converted model.
    """
    if not output.exists():
        return set()
    require(overwrite, f"{output} exists already.", "Choose another folder, or give --overwrite.")
    if output.is_dir() and not any(output.iterdir()):
        return set()
    info = read_info(output)
    own_files = {INFO, *info["sentencepiece"], *info.get("files", MADE)}
    other_files = sorted(path.name for path in output.iterdir() if path.name not in own_files or path.is_dir())
    require(
        not other_files,
        f"{output} holds more than a converted model ({', '.join(other_files[:3])}), so it is not replaced.",
        "Choose another folder, or move these out of it.",
    )
    return {path.name for path in output.iterdir()}
