__title__ = "xner-spacy"
__version__ = "0.1.0"
