"""`xner info`: versions, what is installed, and the registered parts."""

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Dict, Optional

import typer

from ..about import __version__
from ..registry import REGISTRIES, registry
from ..types import Json
from .output import say

PACKAGES = (
    "spacy", "weasel", "numpy", "scipy", "torch", "spacy-transformers", "transformers", "simalign", "ctranslate2", "ray", "eflomal",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    app.command("info")(info_cli)


def info_cli() -> None:
    """Versions of what is installed, external programs, and the registered parts."""
    found = info()
    say(f"xner-spacy {__version__}, Python {found['python']}, {found['platform']}")
    for name, number in found["packages"].items():
        say(f"  {name:<20}{number or '-'}")
    for name, place in found["programs"].items():
        say(f"  {name:<20}{place or '-'}")
    for name, parts in found["parts"].items():
        say(f"{name}: {', '.join(parts)}")


def info() -> Json:
    """RETURNS (Json): `python`, `platform`, `packages` and `programs` (None = absent), and `parts` by registry."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "programs": _programs(),
        "parts": {
            name: sorted(
                {p.name for p in getattr(registry, name)._get_entry_points()}
                | set(getattr(registry, name).get_all())
            )
            for name in REGISTRIES
        },
    }


def _version(name: str) -> Optional[str]:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _programs() -> Dict[str, Optional[str]]:
    return {name: shutil.which(name) for name in ("apertium",)}
