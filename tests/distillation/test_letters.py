"""Letters with accents are read alike, as one character or as two."""

import pickle
import unicodedata

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.attrs import LOWER, NORM, PREFIX, SHAPE, SUFFIX

from xner_spacy.cli.init_config import base_config
from xner_spacy.distillation.student.letters import ComposedLetters

FEATURES = [LOWER, NORM, PREFIX, SHAPE, SUFFIX]


def features(nlp, word):
    return spacy.tokens.Doc(nlp.vocab, words=[word]).to_array(FEATURES).tolist()


@pytest.mark.parametrize("lang", ["xx", "yo"])
@given(word=st.text(st.characters(categories=["L", "Mn"]), min_size=1, max_size=12))
def test_both_forms_have_the_same_features(lang, word):
    nlp = ComposedLetters()(spacy.blank(lang))
    composed, decomposed = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    assert features(nlp, composed) == features(nlp, decomposed)
    assert spacy.tokens.Doc(nlp.vocab, words=[decomposed])[0].text == decomposed
    # What is composed already has the features that spaCy gives it.
    assert features(nlp, composed) == features(spacy.blank(lang), composed)


def test_without_it_they_differ():
    nlp = spacy.blank("yo")
    assert features(nlp, "Ọ̀yọ́") != features(nlp, unicodedata.normalize("NFD", "Ọ̀yọ́"))


def test_it_is_applied_once_survives_saving_and_can_be_pickled(tmp_path):
    config = base_config("student", labels="soft")
    config["nlp"]["lang"] = "yo"
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    once = dict(nlp.vocab.lex_attr_getters)
    assert ComposedLetters()(nlp).vocab.lex_attr_getters == once
    word = "Adékọ́lá"
    expected = features(nlp, unicodedata.normalize("NFC", word))
    nlp.get_pipe("xner_student").add_label("PER")
    nlp.initialize()
    nlp.to_disk(tmp_path)
    for again in (spacy.load(tmp_path), pickle.loads(pickle.dumps(nlp))):
        assert features(again, unicodedata.normalize("NFD", word)) == expected
