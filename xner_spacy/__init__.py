"""Named entity recognition with spaCy for languages that nobody has labelled."""

from importlib import import_module
from typing import Any

from . import registry as _registry  # noqa: F401  (creates the registries)
from .about import __version__
from .docdata import install_extensions
from .types import Alignment, Entity, ProjectedSpan, Projection, SentencePair

install_extensions()

__all__ = [
    "Alignment",
    "Entity",
    "ProjectedSpan",
    "Projection",
    "SentencePair",
    "__version__",
    "install_extensions",
    "render",
]


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for, so that importing the package stays quick.
    if name == "render":
        return import_module(".report.view.notebook", __name__).render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
