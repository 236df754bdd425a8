"""Names of countries and regions as a clue of xner.NameTypes.v1."""

import builtins
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.distillation.soft.country_names import NO_PLACES, country_key, country_names
from xner_spacy.distillation.soft.name_types import NameTypes
from xner_spacy.errors import MissingExtraError, XnerError
from xner_spacy.registry import get_part
from xner_spacy.types import TokenLabels

babel = pytest.importorskip("babel", reason="needs the extra [countries]")
TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
KINDS = dict.fromkeys(("whole", "parts", "context", "letters", "nearby"), False)


def sentence(text, name, place):
    """Words and distributions of a text with one name of one word. place: probability of LOC; the rest is PER."""
    words = text.split()
    probs = np.eye(len(TAGS), dtype=np.float32)[np.zeros(len(words), dtype=int)]
    probs[words.index(name)] = [0, place, 0, 1 - place, 0]
    return words, TokenLabels(TAGS, probs)


CORPUS = [
    sentence("Ujerumani came .", "Ujerumani", 0.4),
    sentence("We are in Kenya .", "Kenya", 0.95),
    sentence("To Uganda then !", "Uganda", 0.95),
    sentence("Odinga came too .", "Odinga", 0.4),
    sentence("So did Anna .", "Anna", 0.05),
    sentence("And Mary ?", "Mary", 0.05),
]


def places(**kinds):
    """The probability of LOC of each name."""
    return np.array([names[0].probs[0] for names in NameTypes(**{**KINDS, **kinds})(CORPUS)])


@pytest.mark.parametrize("code", ["sw", "swa", "swh"])
def test_names_in_the_language_and_in_english(code):
    kinds = country_names(code)
    assert kinds["ujerumani"] == kinds["germany"] == "country"
    assert kinds["afrika"] == kinds["africa"] == "region"
    assert not {"unitednations", "europeanunion", ""} & set(kinds)


def test_english_alone_where_babel_lacks_the_language():
    assert not babel.localedata.exists("nya") and not babel.localedata.exists("xx")
    english = country_names("en")
    assert "germany" in english and "ujerumani" not in english
    assert country_names("xx") == english
    # Its codes are looked up, not only the one given.
    assert set(english) < set(country_names("lug"))


def test_no_places_are_codes_of_babel():
    assert set(babel.Locale("en").territories) >= NO_PLACES


@given(name=st.text(max_size=12))
def test_the_key_does_not_hang_on_case_accents_and_tokens(name):
    assert country_key([name]) == country_key(list(name.split())) == country_key([name, "-"])
    assert country_key([unicodedata.normalize("NFC", name)]) == country_key([unicodedata.normalize("NFD", name)])
    assert all(char.isalnum() for char in country_key([name]))


@pytest.mark.parametrize("words", [["Guinea-Bissau"], ["guinea", "-", "bissau"], ["GUINEA", "Bissau"]])
def test_a_name_is_found_however_it_is_split(words):
    assert country_names("en")[country_key(words)] == "country"


def test_listed_names_vote_for_each_other():
    with_it, without = places(countries="swa"), places()
    assert without[0] < 0.5 < with_it[0]
    # A name in no table stays as it is.
    np.testing.assert_allclose(with_it[3:], without[3:])
    # The corpus decides what a country is called: no label is built in.
    persons = [(words, TokenLabels(TAGS, soft.probs[:, [0, 3, 4, 1, 2]])) for words, soft in CORPUS]
    [[name], *_] = NameTypes(**KINDS, countries="swa")(persons)
    assert name.probs[1] > 0.5


@settings(max_examples=20, deadline=None)
@given(weight=st.floats(0, 50))
def test_the_weight_of_the_others_leaves_it_as_it_is(weight):
    np.testing.assert_allclose(places(countries="swa", weight=weight), places(countries="swa"))


@settings(max_examples=20, deadline=None)
@given(kinds=st.fixed_dictionaries(dict.fromkeys(KINDS, st.booleans())))
def test_without_a_listed_name_nothing_changes(kinds):
    corpus = CORPUS[3:]
    for with_it, without in zip(NameTypes(**kinds, countries="sw")(corpus), NameTypes(**kinds)(corpus), strict=True):
        np.testing.assert_allclose(with_it[0].probs, without[0].probs)


def test_settings_of_a_config():
    part = get_part("xner_retypers", "xner.NameTypes.v1", countries="lug")
    assert "countries='lug'" in repr(part)
    assert NameTypes().countries is None
    with pytest.raises(XnerError, match="Unknown language 'qqq-no'"):
        NameTypes(countries="qqq-no")


def test_the_extra_is_named(monkeypatch):
    whole_import = builtins.__import__

    def without_babel(name, *args, **kwargs):
        if name == "babel":
            raise ImportError(name)
        return whole_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_babel)
    monkeypatch.delitem(sys.modules, "babel", raising=False)
    assert NameTypes()(CORPUS)[0]
    with pytest.raises(MissingExtraError, match=r"xner-spacy\[countries\]"):
        NameTypes(countries="sw")
