"""The registries of the swappable parts. Parts of any package join them by entry point (`spacy_xner_aligners`, ...)."""

from typing import Any

import catalogue
from spacy.util import registry

REGISTRIES = (
    "xner_translators",
    "xner_annotators",
    "xner_aligners",
    "xner_candidates",
    "xner_scores",
    "xner_projectors",
    "xner_retypers",
    "xner_queues",
)

for _name in REGISTRIES:
    if not hasattr(registry, _name):
        # `registry.create` would put it in thinc's namespace, and look for `thinc_*` entry points.
        setattr(registry, _name, catalogue.create("spacy", _name, entry_points=True))


def get_part(kind: str, name: str, **settings: Any) -> Any:
    """RETURNS (Any): A registered part, by its registry ("xner_aligners") and name ("xner.Lexical.v1"); settings that
    are left out have their defaults. RAISES: catalogue.RegistryError that lists the registered names.
    """
    return registry.resolve({"part": {f"@{kind}": name, **settings}})["part"]
