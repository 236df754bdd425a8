"""Build parts from their short names on the command line, or from a config file."""

from pathlib import Path
from typing import Any, Dict, Optional

from confection import ConfigValidationError

from ..corpora.reading import read_config
from ..errors import InputError, MissingExtraError, XnerError, in_one_line
from ..registry import get_part, registry
from ..translation.store import trusted_configs
from ..types import PathLike

SHORT_NAMES: Dict[str, Dict[str, str]] = {
    "aligner": {
        "lexical": "xner.Lexical.v1",
        "simalign": "xner.SimAlign.v1",
        "awesome": "xner.Awesome.v1",
        "encoder": "xner.Encoder.v1",
        "eflomal": "xner.Eflomal.v1",
        "links": "xner.Links.v1",
    },
    "projector": {
        "heuristic": "xner.Heuristic.v1",
        "greedy": "xner.Matching.v1",
        "exact": "xner.Matching.v1",
        "markers": "xner.Markers.v1",
    },
    "retyper": {"types": "xner.NameTypes.v1"},
    "queue": {
        "random": "xner.RandomQueue.v1",
        "doubt": "xner.DoubtQueue.v1",
        "disagreement": "xner.DisagreementQueue.v1",
        "expected-gain": "xner.ExpectedGainQueue.v1",
    },
}
# Settings that belong to some of the short names.
SETTINGS = {"greedy": {"solver": "greedy"}, "exact": {"solver": "exact"}}
# Their --model is the folder or name of a Hugging Face model, not of a trained aligner.
ENCODER_ALIGNERS = ("simalign", "awesome", "encoder")


def make_part(kind: str, name: str, config: Optional[PathLike] = None, **settings: Any) -> Any:
    """Build a part for the command line.

    kind (str): "aligner", "projector", "retyper" or "queue". name (str): A short name or a registered one.
    config (Optional[PathLike]): A config file whose section `kind` describes the part; it takes precedence over `name`.
    **settings: Settings from the command line.
    RAISES: XnerError for an unknown name; InputError for a config without the section.
    """
    registry_name = f"xner_{kind}s"
    if config is not None:
        return _from_config(registry_name, Path(config), kind, settings)
    if name == "markers":
        raise XnerError(
            "The projector 'markers' needs a translator.",
            'Give --config a file with a section [projector] (@xner_projectors = "xner.Markers.v1") '
            "and its [projector.translator].",
        )
    short_names = SHORT_NAMES[kind]
    registered = short_names.get(name, name)
    if registered not in getattr(registry, registry_name):
        raise XnerError(
            f"Unknown name {name!r}.", f"Known: {', '.join(short_names)}; or a name registered in {registry_name}."
        )
    try:
        return get_part(registry_name, registered, **{**SETTINGS.get(name, {}), **settings})
    except ConfigValidationError as error:
        shown_settings = ", ".join(f"{key} = {value}" for key, value in settings.items()) or "its settings"
        raise XnerError(f"{registered} can't be built with {shown_settings}: {in_one_line(error)}") from error


def _from_config(registry_name: str, config: Path, section: str, settings: Dict[str, Any]) -> Any:
    loaded = read_config(config, interpolate=True)
    if section not in loaded:
        raise InputError(f"has no section [{section}].", config)
    block, key = loaded[section], f"@{registry_name}"
    if not isinstance(block, dict) or not isinstance(block.get(key), str):
        raise InputError(
            f"[{section}] does not say which part it describes: {key} must be a name.",
            config,
            hint=f'Write for instance {key} = "{sorted(getattr(registry, registry_name).get_all())[0]}"',
        )
    try:
        with trusted_configs():
            return registry.resolve({section: {**block, **settings}})[section]
    except (InputError, MissingExtraError):
        raise
    except XnerError as error:
        raise InputError(f"[{section}]: {error.message}", config, hint=error.hint) from error
    # A part or library may raise anything for a wrong setting; the user can fix the config.
    except Exception as error:
        raise InputError(
            f"[{section}] can't be built ({type(error).__name__}: {in_one_line(error)}).",
            config,
            hint="Mend the setting that is named.",
        ) from error
