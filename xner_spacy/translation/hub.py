"""Models in the format of Hugging Face: from a folder, or from the Hub where the user names a model
there.

No remote code, safetensors unless the user says otherwise, and then `weights_only`.
HF_HUB_OFFLINE=1 is honoured by the library itself.
"""

import hashlib
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from ..corpora.reading import reading
from ..errors import MissingExtraError, XnerError

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?\Z")
SMALL = 1 << 22


def import_transformers(part: str) -> Any:
    """RETURNS (Any): The module. RAISES: MissingExtraError that names the extra."""
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise MissingExtraError(part, "transformers") from error
    return transformers


def load_options(model: str, revision: Optional[str] = None) -> Dict[str, Any]:
    """What every `from_pretrained` is called with.

    model (str): A folder, or a name on the Hub. revision (Optional[str]): Branch, tag or commit
        there.
    RETURNS (Dict[str, Any]): Keyword arguments. RAISES: XnerError for a path that is not there.
    """
    if not Path(model).is_dir() and (Path(model).exists() or not _HUB_NAME.match(model)):
        raise XnerError(
            f"No model in {model!r}: no such folder, and not a name on the Hugging Face Hub.",
            "Give a folder with config.json and the weights, or a name such as facebook/nllb-200-distilled-600M.",
        )
    options: Dict[str, Any] = {"trust_remote_code": False}
    if revision is not None and not Path(model).is_dir():
        options["revision"] = revision
    return options


def weight_options(legacy_weights: bool) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Keyword arguments that say which weight files may be read."""
    return {"weights_only": True} if legacy_weights else {"use_safetensors": True}


@contextmanager
def loading(model: str, legacy_weights: bool = False) -> Iterator[None]:
    """Turn whatever a library makes of a model's files into a message about that model: files are cut short, changed
    and mixed up, and then there is no telling what is raised.

    model (str): The folder or name. legacy_weights (bool): Whether the old format was allowed.
    RAISES: XnerError in place of any error.
    """
    try:
        yield
    except XnerError:
        raise
    except BaseException as error:
        # The tokenizers' Rust code panics with something that is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise explain(model, error, legacy_weights) from error


def load_seq2seq(transformers: Any, model: str, **settings: Any) -> Any:
    """Load a sequence-to-sequence model, whole.

    transformers (Any): The module. model (str): The folder or name. settings: For `from_pretrained`.
    RETURNS (Any): The model. RAISES: XnerError if weights are missing: the library would make them up.
    """
    loaded, report = transformers.AutoModelForSeq2SeqLM.from_pretrained(model, output_loading_info=True, **settings)
    check_weights(model, report)
    return loaded


def load_tokenizer(transformers: Any, model: str, **settings: Any) -> Any:
    """Load a tokenizer. RAISES: XnerError if its files are not whole: the library then gives False, not an error."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model, **settings)
    if not hasattr(tokenizer, "get_vocab"):
        raise XnerError(f"The tokenizer of the model {model!r} is not whole.", "Download or make it anew.")
    return tokenizer


def check_weights(model: str, report: Dict[str, Any]) -> None:
    """RAISES: XnerError if a model's file lacks weights."""
    missing = sorted(report["missing_keys"])
    if missing:
        raise XnerError(
            f"The model {model!r} lacks {len(missing)} of its weights ({missing[0]}, ...).",
            "Download or make it anew; it may be a model of another kind.",
        )


def explain(model: str, error: BaseException, legacy_weights: bool) -> XnerError:
    """RETURNS (XnerError): A library's error in words that help."""
    reason = str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
    if not isinstance(error, (OSError, ImportError)):
        reason = f"{type(error).__name__}: {reason}"
    hint = "Give a folder with a complete model, or a name on the Hub (HF_HUB_OFFLINE forbids downloads)."
    if not legacy_weights and "safetensors" in str(error):
        hint = "Only safetensors are read. If the model has none, convert it, or set legacy_weights = true where you trust its source."
    return XnerError(f"The model {model!r} could not be loaded: {reason}", hint)


def revision_of(model: str, config: Any = None) -> str:
    """What identifies a model's content.

    model (str): A folder or a name on the Hub. config (Any): The loaded config, which knows the
        commit of a Hub model.
    RETURNS (str): The commit, or a checksum of a folder: of its small files, and of size, begin and
        end of each large one.
    """
    if not Path(model).is_dir():
        return str(getattr(config, "_commit_hash", None) or "unknown")
    with reading(model, "a folder with a model"):
        return checksum_of(Path(model))


def checksum_of(folder: Path, leave_out: str = "") -> str:
    """A checksum of a folder with a model: of its small files, and of size, begin and end of each large one.

    folder (Path): The folder. leave_out (str): A file that does not count. RETURNS (str): The checksum.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        if file.name == leave_out:
            continue
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(SMALL))
            if size > SMALL:
                stream.seek(max(SMALL, size - SMALL))
                digest.update(stream.read())
    return digest.hexdigest()[:16]
