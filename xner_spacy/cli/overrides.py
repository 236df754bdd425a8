"""Which settings of a pipeline are others than those that `xner init-config` writes."""

import inspect
import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Iterator, List, NamedTuple, Optional, Tuple

from catalogue import RegistryError
from confection import Config
from spacy.language import Language
from spacy.util import registry

from ..corpora.reading import read_config, reading
from ..corpora.shard_folder import MANIFEST, read_manifest
from ..types import Json, PathLike
from .init_config import BASES, base_config

# What every run sets anew, or what goes with the language: no choice of a method.
_OWN = ("paths.", "nlp.lang", "nlp.tokenizer.", "nlp.vectors", "initialize.", "vars.", "training.logger.")
# Bases that differ in more settings than this are not what a config was made from.
_MOST_CHANGED = 40


class Origin(NamedTuple):
    """The base of a config, as `xner init-config` names it, and the settings that were changed, by dotted name."""

    base: str
    changed: Json

    def signature(self) -> str:
        """RETURNS (str): Both in one line: "student --labels soft|training.max_steps=600"."""
        return "|".join([self.base, *(f"{name}={value}" for name, value in self.changed.items())])


def find_origin(pipeline: PathLike) -> Optional[Origin]:
    """RETURNS (Optional[Origin]): What the config of a pipeline's folder was made from, and what is other than there.
    None for a config of another origin.
    """
    return origin_of(read_config(Path(pipeline) / "config.cfg"))


def origin_of(config: Config) -> Optional[Origin]:
    """RETURNS (Optional[Origin]): The same for a config that was read already."""
    flat = dict(_flat(config))
    best: Optional[Origin] = None
    for base, options in BASES.items():
        for values in itertools.product(*options.values()):
            chosen = dict(zip(options, values, strict=True))
            base_settings = dict(_flat(base_config(base, **chosen)))
            changed = _changed(flat, base_settings)
            if changed is None or (best is not None and len(changed) >= len(best.changed)):
                continue
            others = [f"--{name} {value}" for name, value in chosen.items() if value != options[name][0]]
            best = Origin(" ".join([base, *others]), changed)
    if best is None or len(best.changed) > _MOST_CHANGED:
        return None
    return best


def origin_of_predictions(predicted: PathLike) -> Optional[Origin]:
    """RETURNS (Optional[Origin]): The same for the pipeline that annotated a folder of shards; None for anything else."""
    folder = Path(predicted)
    manifest = read_manifest(folder) if folder.is_dir() else None
    text = (manifest or {}).get("config")
    if not isinstance(text, str):
        return None
    with reading(folder / MANIFEST, "a manifest with a config", "Annotate anew."):
        return origin_of(Config().from_str(text, interpolate=False))


def _changed(config: Dict[str, Any], base: Dict[str, Any]) -> Optional[Json]:
    """RETURNS (Optional[Json]): The settings of a config that are others than in a base, or than the default of what
    the base does not name; None if its components are others.
    """
    parts = [name for name in base if name.endswith((".factory", "pipeline")) or ".@" in name]
    if any(config.get(name) != base[name] for name in parts if name.startswith(("nlp.pipeline", "components."))):
        return None
    known = {**_defaults(config, base.keys()), **base}
    changed: Json = {}
    for name, value in config.items():
        if name in known:
            is_other = value != known[name]
        else:
            # In place of a value, such as null; or of a section, such as `before_to_disk = null`. What spaCy collects
            # from the components stands in place of an empty section.
            instead_of: Any = next((known[above] for above in _sections_above(name) if above in known), {})
            is_other = instead_of != {} or any(other.startswith(f"{name}.") for other in base)
        if is_other and not _is_own(name, base) and not _is_file(value):
            changed[name] = value
    return dict(sorted(changed.items()))


def _is_own(name: str, base: Dict[str, Any]) -> bool:
    """RETURNS (bool): Whether a setting is no choice of a method: it goes with the run, or with the language."""
    is_encoder = name.startswith("paths.") and base.get(name) is not None
    return (name.startswith(_OWN) and not is_encoder) or _is_reference(base.get(name))


def _is_file(value: Any) -> bool:
    """RETURNS (bool): Whether a value names a file or folder of this machine, or several."""
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and _is_path(name) for name in names)


def _is_path(name: str) -> bool:
    return Path(name).is_absolute() or ("/" in name and Path(name).exists())


def _sections_above(name: str) -> List[str]:
    """RETURNS (List[str]): The names of the sections that a setting is in, the innermost first."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def _defaults(config: Dict[str, Any], base: Collection[str]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The defaults of what the base does not name: spaCy writes those of components and of
    registered functions into the config of a trained pipeline. Those of a package that is not installed are not known.
    """
    defaults: Dict[str, Any] = {}
    for section in {above for name in config if name not in base for above in _sections_above(name)}:
        names = [name for name in config if name.startswith(f"{section}.@") and "." not in name[len(section) + 1 :]]
        own: Json = {}
        with suppress(RegistryError, ImportError, TypeError, ValueError):
            if names:
                own = _defaults_of(registry.get(names[0].rpartition("@")[2], config[names[0]]))
            elif f"{section}.factory" in config:
                factory = config[f"{section}.factory"]
                is_spacys = factory in registry.factories
                function = (registry.factories if is_spacys else registry._entry_point_factories).get(factory)
                own = {**_defaults_of(function), **(Language.get_factory_meta(factory).default_config or {})}
        for name, value in _flat(own, f"{section}."):
            defaults.setdefault(name, list(value) if isinstance(value, tuple) else value)
    return defaults


def _defaults_of(function: Callable) -> Json:
    parameters = inspect.signature(function).parameters.values()
    return {known.name: known.default for known in parameters if known.default is not known.empty}


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _flat(section: Any, prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """YIELDS (Tuple[str, Any]): Every setting of a config by its dotted name."""
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
