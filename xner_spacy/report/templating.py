"""The templates of pages: all text is escaped, and what a page can't show is replaced."""

from functools import lru_cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..escape import for_page


@lru_cache
def environment(*packages: str) -> Environment:
    """RETURNS (Environment): The templates of this room, after those of other packages by their names."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "xner_spacy.report")]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: for_page(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
