"""Pipelines that only tokenise, and what sentences are compared by."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.util import registry

from xner_spacy.errors import XnerError
from xner_spacy.languages import blank
from xner_spacy.recipe.words import blank_for_words, english_words

PIPELINES = {lang: (blank_for_words(lang), blank(lang)) for lang in ("en", "yo", "is", "xx")}
TEXTS = st.lists(
    st.sampled_from([*"aZé1.,'-’ \n\t", "don't", " U.S. ", "https://a.org/b", "%", "\u00a0", "ẹ̀", "中"]), max_size=20
)


@given(st.sampled_from(sorted(PIPELINES)), TEXTS)
def test_the_tokens_are_those_of_any_blank_pipeline(lang, parts):
    text = "".join(parts)
    ours, theirs = (nlp.make_doc(text) for nlp in PIPELINES[lang])
    assert [(t.text, t.whitespace_, t.is_space) for t in ours] == [(t.text, t.whitespace_, t.is_space) for t in theirs]


def test_components_of_other_packages_are_there_afterwards():
    known = registry._entry_point_factories
    for lang in ("en", "klingon"):
        try:
            blank_for_words(lang)
        except XnerError as error:
            assert lang == "klingon" and "Unknown language" in error.message
        assert registry._entry_point_factories is known
    assert spacy.blank("is").add_pipe("xner_projector") is not None
    assert english_words() is english_words()


def test_an_unknown_language_is_refused():
    with pytest.raises(XnerError, match="klingon"):
        blank_for_words("klingon")
