"""Load a pipeline, with a clear error message if that fails."""

import re
from contextlib import suppress
from pathlib import Path
from typing import List, Optional

import spacy
from catalogue import RegistryError
from confection import ConfigValidationError
from spacy.language import Language
from spacy.util import get_package_path
from thinc.api import Model

from ..errors import XnerError, in_one_line
from ..types import PathLike

_FACTORY = re.compile(r"Can't find factory for '([^']+)'")
_FUNCTION = re.compile(r"Could not find function '([^']+)' in function registry '([^']+)'")
_LANGUAGE = re.compile(r"Can't import language (\S+)")
# How to install components that a pipeline may need.
_PACKAGES = {
    "transformer": "pip install 'xner-spacy[transformers]'",
    "curated_transformer": "pip install 'xner-spacy[curated]'",
    "experimental_edit_tree_lemmatizer": "pip install spacy-experimental",
    "llm": "pip install spacy-llm",
}
# The checked layers of Thinc and spaCy, and by the name of a weight the dimensions of the layer that give its shape.
_LAYERS = {
    *("linear", "softmax", "multisoftmax", "maxout", "mish", "gelu", "relu", "swish", "clipped_linear"),
    *("layernorm", "embed", "hashembed", "static_vectors", "precomputable_affine", "para-attn"),
}
_AXES = {
    **{"W": ("nF", "nO", "nP", "nI", "nM"), "b": ("nO", "nP"), "G": ("nO",), "Q": ("nO",), "E": ("nV", "nO")},
    "pad": ("nF", "nO", "nP"),
}


def pipeline_folder(name: PathLike) -> Path:
    """RETURNS (Path): The folder of a pipeline or installed package. RAISES: XnerError if there is none."""
    folder = Path(name)
    if (folder / "config.cfg").is_file():
        return folder
    if folder.exists():
        hint = "Give the folder that `spacy train` or `xner assemble` made, such as model-best."
        raise XnerError(f"{name} is not a folder with a pipeline: it has no config.cfg.", hint)
    configs: List[Path] = []
    with suppress(ImportError, ValueError, TypeError, AttributeError):
        package = get_package_path(str(name))
        configs = sorted(package.glob("*/config.cfg")) or sorted(package.glob("config.cfg"))
    if not configs:
        message = f"No pipeline {str(name)!r} (neither an installed package nor a folder)."
        raise XnerError(message, "Train or assemble it first, or correct the path.")
    return configs[0].parent


def load_pipeline(name: PathLike) -> Language:
    """Load a pipeline: an installed package, or a folder that `nlp.to_disk` wrote.

    RETURNS (Language): The pipeline. RAISES: XnerError with the reason: there is no pipeline of this name, its folder
        is incomplete, it needs a component, a function or a language that is not installed, its config is invalid, or
        the weights of a component do not match.
    """
    pipeline_folder(name)
    try:
        nlp = spacy.load(name)
        check_weights(nlp)
        return nlp
    except XnerError as error:
        # A part that is loaded from bytes knows its own name, but not the folder of the pipeline.
        if str(name) in error.message:
            raise
        raise XnerError(f"The pipeline {str(name)!r}: {error.message}", error.hint) from error
    # A library may raise anything for broken files of a pipeline; the user can fix the files.
    except Exception as error:
        known = explained(str(name), error)
        if known is None:
            problem = f"can't be loaded ({type(error).__name__}: {in_one_line(error)})."
            hint = "Its folder may be cut short, or made by another version of a package: make it anew."
            known = XnerError(f"The pipeline {str(name)!r} {problem}", hint)
        raise known from error


def check_weights(nlp: Language) -> None:
    """RAISES: XnerError that names the first component whose weights do not have the shapes that its layers expect.
    Thinc loads arrays of any shape; with a wrong one it fails on the first text, or reads past the end of an array.
    """
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        weights = [(node, key) for node in model.walk() for key in node.param_names] if isinstance(model, Model) else []
        if not any(node.has_param(key) for node, key in weights):
            continue  # none, or not trained yet
        fault = next(filter(None, (_misfit(node, key) for node, key in weights)), None)
        if fault:
            hint = "Its files are damaged, or of different trainings: train it anew, or copy its folder again."
            raise XnerError(f"the weights of its component {name!r} do not fit together: {fault}.", hint)


def _misfit(node: Model, key: str) -> Optional[str]:
    if not node.has_param(key):
        return f"a layer {node.name} has no {key}"
    sizes = tuple(node.get_dim(dim) for dim in _AXES.get(key, ()) if node.has_dim(dim))
    if key == "pad":
        sizes = (1, *sizes)
    shape = node.get_param(key).shape
    if node.name not in _LAYERS or shape == sizes:
        return None
    return f"{key} of a layer {node.name} has the shape {shape}, not {sizes}"


def explained(name: str, error: Exception) -> Optional[XnerError]:
    """RETURNS (Optional[XnerError]): What a person can do about an error of spaCy: it needs something that is not
    installed, lacks a file, or has an invalid config. None for any other error. name (str): The pipeline, or its config.
    """
    text = str(error)
    reason = in_one_line(error)
    install = "Install the package that brings it."
    if match := _FACTORY.search(text):
        problem = f"has a component {match[1]!r}, which is not installed."
        hint = _PACKAGES.get(match[1], install)
    elif isinstance(error, RegistryError) and (match := _FUNCTION.search(text)):
        problem, hint = f"uses {match[1]!r} ({match[2]}), which is not installed.", install
    elif match := _LANGUAGE.search(text):
        problem = f"is for the language {match[1]!r}, which spaCy does not have."
        hint = "Correct nlp.lang in its config.cfg, or install the package that brings the language."
    elif isinstance(error, ImportError):
        problem, hint = f"needs a package that is not installed: {reason}", "Install it and run again."
    elif isinstance(error, FileNotFoundError):
        problem, hint = f"is not whole: {error.filename or reason} is missing.", "Copy or make it anew."
    elif isinstance(error, ConfigValidationError):
        return XnerError(f"The config of the pipeline {name!r} does not hold: {reason}")
    else:
        return None
    return XnerError(f"The pipeline {name!r} {problem}", hint)
