"""Named entity recognition with spaCy for languages that nobody has labelled."""

from . import registry as _registry  # noqa: F401  (creates the registries)
from .about import __version__
from .docdata import install_extensions
from .types import Alignment, Entity, ProjectedSpan, Projection, SentencePair

install_extensions()

__all__ = ["Alignment", "Entity", "ProjectedSpan", "Projection", "SentencePair", "__version__", "install_extensions"]
