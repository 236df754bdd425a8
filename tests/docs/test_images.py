"""The script that draws a projected sentence."""

import importlib.util
from xml.etree import ElementTree

import spacy
from spacy.tokens import Doc, Span

from tests.conftest import ROOT
from xner_spacy.types import Alignment


def load_script():
    path = ROOT / "docs" / "images" / "projected_pair.py"
    spec = importlib.util.spec_from_file_location("projected_pair", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_words_links_and_entities_are_drawn():
    source = Doc(spacy.blank("en").vocab, ["Anna", "&", "Co", "in", "Paris"])
    source.ents = [Span(source, 0, 3, "ORG"), Span(source, 4, 5, "LOC")]
    doc = Doc(spacy.blank("is").vocab, ["Í", "París", "Anna", "&", "Co"])
    doc.ents = [Span(doc, 1, 2, "LOC")]
    doc._.xner_source = source
    doc._.xner_alignment = Alignment([(0, 2), (3, 0), (4, 1)])
    picture = ElementTree.fromstring(load_script().draw(doc))
    name = "{http://www.w3.org/2000/svg}"
    words = [each.text for each in picture.iter(f"{name}text") if each.get("class") == "word"]
    assert words == [token.text for side in (source, doc) for token in side]
    kinds = [each.get("class") for each in picture.iter(f"{name}path")]
    assert sorted(kinds) == ["LOC carried", "link", "link"]
    assert [each.get("class") for each in picture.iter(f"{name}g")] == ["ORG", "LOC", "LOC"]
