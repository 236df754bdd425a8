"""Which settings of a pipeline are others than those that `xner init-config` writes."""

import itertools
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from ..corpora.reading import read_config
from ..types import Json, PathLike
from .init_config import BASES, base_config

# What every run sets anew, or what goes with the language: no choice of a method.
_OWN = ("paths.", "nlp.lang", "nlp.tokenizer.", "nlp.vectors", "initialize.", "vars.")
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
    config = read_config(Path(pipeline) / "config.cfg")
    flat = dict(_flat(config))
    best: Optional[Origin] = None
    for base, options in BASES.items():
        for values in itertools.product(*options.values()):
            chosen = dict(zip(options, values, strict=True))
            changed = _changed(flat, dict(_flat(base_config(base, **chosen))))
            if changed is None or (best is not None and len(changed) >= len(best.changed)):
                continue
            others = [f"--{name} {value}" for name, value in chosen.items() if value != options[name][0]]
            best = Origin(" ".join([base, *others]), changed)
    return best if best is not None and len(best.changed) <= _MOST_CHANGED else None


def _changed(config: Dict[str, Any], base: Dict[str, Any]) -> Optional[Json]:
    """RETURNS (Optional[Json]): The settings of a base that a config has otherwise; None if its components are others."""
    parts = [name for name in base if name.endswith((".factory", "pipeline")) or ".@" in name]
    if any(config.get(name) != base[name] for name in parts if name.startswith(("nlp.pipeline", "components."))):
        return None
    names = [name for name in base if not name.startswith(_OWN) and not _is_reference(base[name])]
    return {name: config[name] for name in sorted(names) if name in config and config[name] != base[name]}


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _flat(section: Any, prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """YIELDS (Tuple[str, Any]): Every setting of a config by its dotted name."""
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
