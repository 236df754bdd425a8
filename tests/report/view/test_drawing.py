"""What is drawn of a sentence: everything is escaped, and nothing is lost."""

import re
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Tuple

import catalogue
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

import xner_spacy
from xner_spacy.corpora.docs import make_doc
from xner_spacy.docdata import SPANS_KEY
from xner_spacy.errors import XnerError
from xner_spacy.escape import for_page
from xner_spacy.languages import blank_vocab
from xner_spacy.report.view.drawing import Drawn, Palette, direction_of, draw
from xner_spacy.report.view.sentences import of_doc

from .toy import SCRIPT, toy_doc, toy_docs

ALLOWED = {"div", "p", "span", "mark", "b", "svg", "path", "title", "ul", "li", "strong", "code", "style"}


class Reader(HTMLParser):
    """Reads what a browser would: the elements, and the text of those with a class."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set = set()
        self.open: List[Tuple[str, str]] = []
        self.texts: Dict[str, List[str]] = {}

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("href", "src") for name, _ in attrs), attrs
        self.open.append((tag, dict(attrs).get("class") or ""))
        for _, classes in self.open[-1:]:
            for name in classes.split():
                self.texts.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for name in {name for _, classes in self.open for name in classes.split()}:
            self.texts[name][-1] += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    assert reader.tags <= ALLOWED
    return reader


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=10).filter(lambda t: not t.isspace())
markup = st.sampled_from(["<script>alert(1)</script>", "</mark>", '"><img src=x onerror=alert(1)>', "&amp;", "{{x}}",
                          "'", "]]>", "<!--", "\u202e", "\x00", "javascript:x"])  # fmt: skip
word = texts | markup


@st.composite
def docs(draw: Any) -> Any:
    target, source = draw(st.lists(word, min_size=1, max_size=8)), draw(st.lists(word, min_size=1, max_size=8))
    links = draw(st.lists(st.tuples(st.integers(0, len(source) - 1), st.integers(0, len(target) - 1)), max_size=9))
    start = draw(st.integers(0, len(target) - 1))
    place = draw(st.integers(0, len(source) - 1))
    label, lost_label, reason = draw(word), draw(word), draw(word)
    score = draw(st.floats(0, 1))
    spans = [(start, draw(st.integers(start + 1, len(target))), label, score, (place, place + 1))]
    lost = [(0, place, lost_label, reason)] if place else []
    return toy_doc(target, source, links, spans, lost)


@settings(max_examples=150)
@given(docs())
def test_any_text_and_any_spans_survive_and_are_escaped(doc: Any) -> None:
    sentence = of_doc(doc)
    reader = read(str(draw(Drawn(sentence, Palette()))))
    shown = reader.texts["xner-text"][0].removeprefix("Text: ")
    span = doc.spans[SPANS_KEY][0]
    tag = f"{span.label_} {sentence.spans[0].score:.2f}"
    # A browser shows a page's line ends alike; a parser in Python keeps them.
    whole = for_page(doc.text)
    assert sorted(re.sub(r"\s", "", shown)) == sorted(re.sub(r"\s", "", whole + for_page(tag)))
    reading = re.sub(r"\s", "", reader.texts["xner-reading"][0])
    for token in doc._.xner_source:
        assert re.sub(r"\s", "", for_page(token.text)) in reading
    for loss in sentence.lost:
        assert for_page(loss.reason) in "".join(reader.texts["xner-loss"])


def test_a_sentence_of_a_script_stays_a_sentence() -> None:
    html = xner_spacy.render(toy_docs(), jupyter=False)
    reader = read(html)
    assert "script" not in reader.tags
    assert sum(SCRIPT in text for text in reader.texts["xner-text"]) == 1
    assert "none of its words is linked" in " ".join(reader.texts["xner-loss"])
    assert "PER 0.42" in reader.texts["xner-tag"]


def test_render_takes_docs_spans_and_pages() -> None:
    doc = toy_docs()[0]
    assert xner_spacy.render(doc, jupyter=False).count('class="xner-sentence') == 1
    assert xner_spacy.render(iter([doc, doc]), jupyter=False).count('class="xner-sentence') == 2
    page = xner_spacy.render(doc[0:2], jupyter=False, page=True)
    assert page.lstrip().startswith("<!DOCTYPE html>") and "Anna" in page and "París" not in page
    with pytest.raises(XnerError, match="draws Docs, not str"):
        xner_spacy.render(["Anna"])


def test_render_of_a_plain_pipeline() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Paris"}])
    reader = read(xner_spacy.render(nlp("Anna lives in Paris."), jupyter=False))
    assert reader.texts["xner-tag"] == ["GPE"]


def test_without_links_the_lines_are_shown() -> None:
    html = xner_spacy.render(toy_docs()[0], jupyter=False, links=False)
    assert 'class="xner xner-no-links"' in html


def test_colours_are_displacys_and_ones_own() -> None:
    palette = Palette({"river": "rgb(0 0 90)", "LAKE": "#000044"})
    assert palette["LOC"] == "#ff9561" and palette["PER"] == palette["PERSON"] == "#aa9cfc"
    assert palette["River"] == "rgb(0 0 90)" and palette["unknown"] == palette.default
    assert palette.ink("LAKE") == "#ffffff" and palette.ink("LOC") == "#09090b"
    for wrong in ("red;position:fixed", 'red"', "url(http://x)", "}", ""):
        with pytest.raises(XnerError, match="is no colour"):
            Palette({"PER": wrong})


def test_a_colour_that_another_package_registered_is_used_if_it_is_one() -> None:
    colours = {"TREE": "#00ff00", "TRAP": "red;background:url(http://x)"}
    spacy.registry.displacy_colors.register("test_view.v1", func=lambda: colours)
    try:
        palette = Palette()
        assert palette["TREE"] == "#00ff00" and palette["TRAP"] == palette.default
    finally:
        catalogue.REGISTRY.pop(("spacy", "displacy_colors", "test_view.v1"))


def test_overlapping_spans_are_named_and_stale_links_are_not_drawn() -> None:
    doc = toy_docs()[0]
    group = doc.spans[SPANS_KEY]
    group.append(doc[2:5])
    group.attrs["scores"].append(0.3)
    group.attrs["sources"].append([0, 1])
    doc._.xner_alignment.tokens = "of other tokens"
    sentence = of_doc(doc)
    assert [span[:2] for span in sentence.spans] == [(0, 1), (2, 5)]
    assert any("overlaps another span: LOC “París”" in note for note in sentence.notes)
    assert not sentence.links and any("links are not drawn" in note for note in sentence.notes)


def test_direction() -> None:
    assert direction_of(["1", "שלום", "x"]) == "rtl" and direction_of(["1", "x", "שלום"]) == "ltr"
    assert direction_of([]) == "ltr"


def test_a_very_long_sentence_is_shown_as_text() -> None:
    words = ["word"] * 400
    doc = toy_doc(words, words, [(k, k) for k in range(400)])
    drawn = Drawn(of_doc(doc), Palette())
    assert not drawn.layouts
    assert read(str(draw(drawn))).texts["xner-text"][0].count("word") == 400


def test_an_unlabelled_doc() -> None:
    doc = make_doc(blank_vocab("is"), [])
    assert of_doc(doc).words == []
    assert "xner-text" in str(draw(Drawn(of_doc(doc), Palette())))
