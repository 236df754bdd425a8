"""What the steps need of a sentence before anything is trained: its tokens, and what it is compared by."""

from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Iterator

import catalogue
from spacy.attrs import IS_SPACE  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.util import registry

from ..languages import blank
from ..translation.given_bitext import letters_key

# A sentence is compared several times: as text, as a side of a bitext, as a test sentence.
sentence_key = lru_cache(maxsize=200_000)(letters_key)


def blank_for_words(lang: str) -> Language:
    """RETURNS (Language): A blank pipeline whose words know nothing but whether they are white space: what else spaCy
    computes of each new word (its shape, whether it is a number) takes long in some languages, and is not read here.
    """
    with _without_components():
        nlp = blank(lang)
    vocab: Any = nlp.vocab
    vocab.lex_attr_getters = {IS_SPACE: vocab.lex_attr_getters[IS_SPACE]}
    return nlp


@contextmanager
def _without_components() -> Iterator[None]:
    """Pipelines that are made in the block don't import the components of other packages, some of which take seconds
    (PyTorch). spaCy imports them with the next pipeline.
    """
    everywhere: Any = registry
    known = everywhere._entry_point_factories
    everywhere._entry_point_factories = catalogue.create("xner_spacy", "no_factories")
    try:
        yield
    finally:
        everywhere._entry_point_factories = known


@lru_cache(maxsize=1)
def english_words() -> Language:
    """RETURNS (Language): The same for English, made once."""
    return blank_for_words("en")
