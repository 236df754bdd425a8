"""The short names of the command line, and parts from a config file."""

from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from confection import ConfigValidationError

from ..corpora.reading import read_config
from ..errors import InputError, MissingExtraError, XnerError, in_one_line
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
        return _from_config(kind, config, section, settings)
    if name == "markers":
        raise XnerError(
            "The projector 'markers' needs a translator.",
            'Give --config a file with a section [projector] (@xner_projectors = "xner.Markers.v1") '
            "and its [projector.translator].",
        )
    registered, defaults = short.get(name, (name, {}))
    if registered not in getattr(registry, kind):
        raise XnerError(f"Unknown name {name!r}.", f"Known: {', '.join(short)}; or a name registered in {kind}.")
    try:
        return get_part(kind, registered, **{**defaults, **settings})
    except ConfigValidationError as error:
        raise XnerError(f"{registered} can't be built with {_listed(settings)}: {in_one_line(error)}") from error


def _from_config(kind: str, config: Path, section: str, settings: Dict[str, Any]) -> Any:
    loaded = read_config(config, interpolate=True)
    if section not in loaded:
        raise InputError(f"has no section [{section}].", config)
    block, key = loaded[section], f"@{kind}"
    if not isinstance(block, dict) or not isinstance(block.get(key), str):
        raise InputError(
            f"[{section}] does not say which part it describes: {key} must be a name.",
            config,
            hint=f'Write for instance {key} = "{sorted(getattr(registry, kind).get_all())[0]}"',
        )
    try:
        with trusted_configs():
            return registry.resolve({section: {**block, **settings}})[section]
    except (InputError, MissingExtraError):
        raise
    except XnerError as error:
        raise InputError(f"[{section}]: {error.message}", config, hint=error.hint) from error
    # Whatever a setting makes of a part or a library, the config is the user's to mend.
    except Exception as error:
        raise InputError(
            f"[{section}] can't be built ({type(error).__name__}: {in_one_line(error)}).",
            config,
            hint="Mend the setting that is named.",
        ) from error


def _listed(settings: Dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items()) or "its settings"
