"""The short names of the command line, and parts from a config file."""

from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ..corpora.reading import read_config
from ..errors import InputError, XnerError
from ..registry import get_part, registry
from ..translation.store import trusted_configs

ALIGNERS: Dict[str, Tuple[str, Dict[str, Any]]] = {
    "lexical": ("xner.Lexical.v1", {}),
    "simalign": ("xner.SimAlign.v1", {}),
    "awesome": ("xner.Awesome.v1", {}),
    "encoder": ("xner.Encoder.v1", {}),
    "eflomal": ("xner.Eflomal.v1", {}),
    "links": ("xner.Links.v1", {}),
}
# Their --model is the folder or name of a Hugging Face model, not of a trained aligner.
ENCODER_ALIGNERS = ("simalign", "awesome", "encoder")

PROJECTORS: Dict[str, Tuple[str, Dict[str, Any]]] = {
    "heuristic": ("xner.Heuristic.v1", {}),
    "greedy": ("xner.Matching.v1", {"solver": "greedy"}),
    "exact": ("xner.Matching.v1", {"solver": "exact"}),
    "markers": ("xner.Markers.v1", {}),
}


def make_part(
    kind: str,
    short: Dict[str, Tuple[str, Dict[str, Any]]],
    name: str,
    config: Optional[Path] = None,
    section: str = "",
    **settings: Any,
) -> Any:
    """Build a part for the command line.

    kind (str): The registry. short: Its short names. name (str): A short name or a registered one.
    config (Optional[Path]): A config file whose `[section]` describes the part; it wins over `name`.
    **settings: Settings that the command line gave.
    RAISES: XnerError for an unknown name; InputError for a config without the section.
    """
    if config is not None:
        if not config.exists():
            raise InputError("no such file.", config)
        loaded = read_config(config, interpolate=True)
        if section not in loaded:
            raise InputError(f"has no section [{section}].", config)
        with trusted_configs():
            return registry.resolve({section: {**loaded[section], **settings}})[section]
    if name == "markers":
        raise XnerError(
            "The projector 'markers' needs a translator.",
            'Give --config a file with a section [projector] (@xner_projectors = "xner.Markers.v1") '
            "and its [projector.translator].",
        )
    registered, defaults = short.get(name, (name, {}))
    if registered not in registry.get_registry_names() and not _exists(kind, registered):
        raise XnerError(
            f"Unknown name {name!r}.",
            f"Known: {', '.join(short)}; or a name registered in {kind}.",
        )
    return get_part(kind, registered, **{**defaults, **settings})


def _exists(kind: str, name: str) -> bool:
    return name in getattr(registry, kind)
