"""The name and version of the distribution."""

__title__ = "xner-spacy"
__version__ = "0.1.0"
