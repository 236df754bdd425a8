"""Models in Hugging Face's format: from a folder, or from the Hub by name.

Remote code is never run. Only safetensors are read, unless the user allows other weights, which are then read with
`weights_only`. The library itself respects HF_HUB_OFFLINE=1.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Dict, Iterator, Optional, Tuple

from ..corpora.reading import reading
from ..errors import MissingExtraError, XnerError, require

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?\Z")
SMALL = 1 << 22


@dataclass(eq=False)
class LazyModel(ABC):
    """A part that loads a model at first use, and again in each process that it is pickled to.

    model (str): A folder, or a name on the Hugging Face Hub.
    """

    model: str

    @cached_property
    def loaded(self) -> Any:
        """The model. RAISES: MissingExtraError; XnerError if it can't be loaded or is of another kind."""
        return self._load()

    @abstractmethod
    def _load(self) -> Any:
        """RETURNS (Any): The model."""

    @cached_property
    def content(self) -> str:
        """Identifies the model's content: the commit of a Hub model, or the checksum of a folder."""
        if not Path(self.model).is_dir():
            return str(getattr(self.loaded.config, "_commit_hash", None) or "unknown")
        # A folder is not loaded for its checksum, so that stored translations need no model.
        with reading(self.model, "a folder with a model"):
            return checksum_of(Path(self.model))

    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "loaded"}


@dataclass(eq=False)
class HubModel(LazyModel):
    """A part with a model in Hugging Face's format: a folder, or a name on the Hub.

    revision (Optional[str]): Branch, tag or commit on the Hub.
    legacy_weights (bool): Accept weights in the old pickle format, which are read without running their code.
    device (str): A torch device, such as "cpu", "cuda" or "cuda:1". It is never chosen automatically.
    dtype (str): "float32", "float16" or "bfloat16", for encoders of aligners also "int8", which quantises the weights
        of linear layers, and their inputs dynamically.
    """

    part: ClassVar[str]
    dtypes: ClassVar[Tuple[str, ...]] = ("float32", "float16", "bfloat16")
    _: KW_ONLY
    revision: Optional[str] = None
    legacy_weights: bool = False
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        require(self.dtype in self.dtypes, f"{self.dtype!r} is no precision.", f"Choose: {', '.join(self.dtypes)}.")

    def options(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Arguments for every `from_pretrained`. RAISES: XnerError for a missing path."""
        is_folder = Path(self.model).is_dir()
        if not is_folder and (Path(self.model).exists() or not _HUB_NAME.match(self.model)):
            raise XnerError(
                f"No model in {self.model!r}: no such folder, and not a name on the Hugging Face Hub.",
                "Give a folder with config.json and the weights, or a name such as facebook/nllb-200-distilled-600M.",
            )
        options: Dict[str, Any] = {"trust_remote_code": False}
        if self.revision is not None and not is_folder:
            options["revision"] = self.revision
        return options

    def read_tokenizer(self, **settings: Any) -> Tuple[Any, Any]:
        """RETURNS (Tuple[Any, Any]): The model's config, and its tokenizer with these settings. RAISES: XnerError if
        the tokenizer's files are incomplete, for which the library returns False instead of raising an error.
        """
        transformers = import_transformers(self.part)
        options = self.options()
        with loading(self.model, self.legacy_weights):
            config = transformers.AutoConfig.from_pretrained(self.model, **options)
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.model, **settings, **options)
        if not hasattr(tokenizer, "get_vocab"):
            raise XnerError(f"The tokenizer of the model {self.model!r} is incomplete.", "Download or make it again.")
        return config, tokenizer

    def read_model(self, kind: str, **settings: Any) -> Tuple[Any, Dict[str, Any]]:
        """RETURNS (Tuple[Any, Dict[str, Any]]): The model, and the library's report on missing weights."""
        import transformers

        weights = {"weights_only": True} if self.legacy_weights else {"use_safetensors": True}
        with loading(self.model, self.legacy_weights):
            return getattr(transformers, kind).from_pretrained(
                self.model, **{"output_loading_info": True, **settings, **self.options(), **weights}
            )


def import_transformers(part: str) -> Any:
    """RETURNS (Any): The module. RAISES: MissingExtraError if torch or transformers is not installed."""
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise MissingExtraError(part, "transformers") from error
    return transformers


@contextmanager
def loading(model: str, legacy_weights: bool = False) -> Iterator[None]:
    """Turn errors while loading a model into a message about that model. Damaged or mixed-up files can make the
    libraries raise any type of error. RAISES: XnerError in place of any error.
    """
    try:
        yield
    except XnerError:
        raise
    except BaseException as error:
        # A panic in the Rust code of tokenizers is a BaseException, but no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
        if not isinstance(error, (OSError, ImportError)):
            reason = f"{type(error).__name__}: {reason}"
        hint = "Give --model (or the setting `model`) a complete folder, or a name on the Hub if HF_HUB_OFFLINE is not set."
        if not legacy_weights and "safetensors" in str(error):
            hint = "Only safetensors are read. Convert the model, or set legacy_weights = true if you trust it."
        raise XnerError(f"The model {model!r} could not be loaded: {reason}", hint) from error


def check_weights(model: str, report: Dict[str, Any], optional: Tuple[str, ...] = ()) -> None:
    """RAISES: XnerError if a model's file lacks weights, other than those whose names begin with `optional`."""
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(optional))
    if missing:
        raise XnerError(
            f"The model {model!r} lacks {len(missing)} of its weights ({missing[0]}, ...).",
            "Download or make it again; it may be a model of another kind.",
        )


def checksum_of(folder: Path, leave_out: str = "") -> str:
    """RETURNS (str): A checksum of a folder with a model, over its small files and the size, beginning and end of each
    large one. The file `leave_out` does not count.
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
