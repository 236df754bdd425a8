"""Named entity recognition with spaCy for languages that nobody has labelled."""

import sys
from importlib import import_module
from typing import Any

from .about import __version__
from .types import Alignment, Entity, ProjectedSpan, Projection, SentencePair

__all__ = [
    "Alignment",
    "Entity",
    "ProjectedSpan",
    "Projection",
    "SentencePair",
    "__version__",
    "install_extensions",
    "prepare",
    "render",
]

# Loaded when they are asked for, so that importing the package stays quick.
_LATER = {"install_extensions": ".docdata", "render": ".report.view.notebook"}


def prepare() -> None:
    """Import spaCy, create the registries and install the extension attributes. Importing the package does it, but not
    in the command `xner`, which does it when it runs one of its commands: its help needs none of it.
    """
    import_module(".registry", __name__)
    import_module(".docdata", __name__).install_extensions()


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not getattr(sys.modules.get("xner_command"), "is_running", False):
    prepare()
