"""`xner convert-model`: a translation model of Hugging Face's format becomes one for CTranslate2."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Literal, Optional, Tuple

import srsly

from ..errors import MissingExtraError, XnerError
from .ct2 import INFO, TAGS
from .hub import explain, import_transformers, load_options, revision_of, weight_options

Quantization = Literal["int8", "int8_float16", "int8_float32", "float16", "bfloat16", "float32"]
FAMILIES = {"m2m_100": "m2m", "marian": "marian"}
SENTENCEPIECE = {
    "nllb": ("sentencepiece.bpe.model", "sentencepiece.bpe.model"),
    "m2m": ("sentencepiece.bpe.model", "sentencepiece.bpe.model"),
    "marian": ("source.spm", "target.spm"),
}


def convert_model(
    model: str,
    output: Path,
    *,
    quantization: Quantization = "int8",
    revision: Optional[str] = None,
    legacy_weights: bool = False,
    overwrite: bool = False,
) -> Dict[str, Any]:
    """Convert NLLB-200, M2M-100 or Marian.

    model (str): A folder, or a name on the Hugging Face Hub. output (Path): The folder to make.
    quantization (str): Precision of the weights. revision (Optional[str]): Branch, tag or commit on
        the Hub.
    legacy_weights (bool): Accept weights in the old pickle format, read with `weights_only`.
    overwrite (bool): Replace the folder.
    RETURNS (Dict[str, Any]): What `xner.json` in the folder says: family, languages, revision, ...
    RAISES: MissingExtraError; XnerError for a model of another kind, or one that cannot be loaded.
    """
    transformers = import_transformers("xner convert-model")
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise MissingExtraError("xner convert-model", "ctranslate2") from error
    output = Path(output)
    if output.exists() and not overwrite:
        raise XnerError(f"{output} exists already.", "Choose another folder, or give --overwrite.")
    options, weights = load_options(model, revision), weight_options(legacy_weights)
    # Up to transformers 4.55 the precision is called `torch_dtype`, from ctranslate2 4.6.3 on the
    # converter says `dtype`.
    old = _version(transformers.__version__) < (4, 56)

    class Converter(TransformersConverter):
        def load_model(self, model_class: Any, name: str, **settings: Any) -> Any:
            wrong, right = ("dtype", "torch_dtype") if old else ("torch_dtype", "dtype")
            if wrong in settings:
                settings[right] = settings.pop(wrong)
            return model_class.from_pretrained(name, **{**settings, **options, **weights})

    try:
        config = transformers.AutoConfig.from_pretrained(model, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, **options)
    except (OSError, ValueError, ImportError) as error:
        raise explain(model, error, legacy_weights) from error
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise XnerError(
            f"{model!r} is a model of the kind {config.model_type!r}.",
            "NLLB-200, M2M-100 and Marian can be converted; for others use xner.Transformers.v1.",
        )
    vocabulary = list(tokenizer.get_vocab())
    if family == "m2m" and any(TAGS["nllb"].match(token) for token in vocabulary):
        family = "nllb"
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        made = Path(temporary) / "model"
        try:
            Converter(model, revision=options.get("revision")).convert(
                str(made), quantization=quantization
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise explain(model, error, legacy_weights) from error
        info = {
            "family": family,
            "languages": sorted(m[1] for m in map(TAGS[family].match, vocabulary) if m),
            "limit": int(getattr(config, "max_position_embeddings", 512)) - 2,
            "sentencepiece": list(SENTENCEPIECE[family]),
            "model": model if not Path(model).is_dir() else Path(model).name,
            "revision": revision_of(model, config),
            "quantization": quantization,
        }
        for name in set(SENTENCEPIECE[family]):
            shutil.copyfile(_tokenizer_file(model, name, tokenizer, options), made / name)
        srsly.write_json(made / INFO, info)
        if output.exists():
            shutil.rmtree(output)
        made.rename(output)
    return info


def _tokenizer_file(model: str, name: str, tokenizer: Any, options: Dict[str, Any]) -> Path:
    if Path(model).is_dir():
        file = Path(model) / name
    else:
        from huggingface_hub import hf_hub_download

        file = Path(hf_hub_download(model, name, revision=options.get("revision")))
    if not file.exists():
        raise XnerError(f"{model!r} lacks its SentencePiece file {name}.", "Download it whole.")
    return file


def _version(text: str) -> Tuple[int, ...]:
    return tuple(int(n) for n in text.split(".")[:2])
