"""Marker projection and constrained re-insertion."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.projection.by_translation.insertion import InsertionProjector
from xner_spacy.projection.by_translation.markers import (
    MarkerProjector,
    mark,
    match_names,
    translate_marked,
    unmark,
)
from xner_spacy.types import Alignment, Entity, Reason, SentencePair, Translation

WORDS = {"United": "Estados", "States": "Unidos", "London": "Londres", "saw": "vio"}


class WordByWord:
    """Translates word by word and keeps what is not a letter."""

    def __call__(self, texts):
        import re

        for text in texts:
            yield Translation(re.sub(r"\w+", lambda m: WORDS.get(m[0], m[0]), text))


SOURCE = ["Ann", "saw", "London"]
ENTITIES = [Entity(0, 1, "PER"), Entity(2, 3, "LOC")]


@pytest.mark.parametrize("style", ["brackets", "tags"])
def test_mark_and_unmark(style):
    text = mark(SOURCE, ENTITIES, style)
    marked = unmark(text, style)
    assert marked.text == "Ann saw London"
    assert [marked.text[a:b] for a, b, _ in marked.spans] == ["Ann", "London"]
    assert [n for _, _, n in marked.spans] == ([0, 1] if style == "tags" else [None, None])


def test_stray_markers_are_taken_off():
    marked = unmark("[Ann] saw ] London [")
    assert marked.text.split() == ["Ann", "saw", "London"]


@given(st.text(alphabet="ab []", max_size=30))
def test_unmark_leaves_no_marker_and_right_offsets(text):
    marked = unmark(text)
    assert not set("[]") & set(marked.text)
    for a, b, _ in marked.spans:
        assert 0 <= a < b <= len(marked.text)


@pytest.mark.parametrize("style", ["brackets", "tags"])
def test_translate_train(style):
    (result,) = translate_marked([(SOURCE, ENTITIES)], WordByWord(), style)
    assert result.text == "Ann vio Londres"
    assert [(result.text[a:b], label) for a, b, label, _, _ in result.spans] == [
        ("Ann", "PER"),
        ("Londres", "LOC"),
    ]


def test_names_match_best_not_last():
    found, names = ["Estado Unidos", "London"], ["London", "Estados Unidos", "Unidos"]
    assert [s for s, _ in match_names(found, names)] == [1, 0]
    # The released code takes the last over the threshold.
    assert match_names(["Estados Unidos"], ["Estados Unidos", "Estado Unido"], quirks=True)[0][0] == 1
    assert match_names(["Estados Unidos"], ["Estados Unidos", "Estado Unido"])[0][0] == 0


def test_markers_onto_given_text():
    target = ["Ayer", "vio", "Ann", "a", "Londres"]
    p = SentencePair(SOURCE, target, ENTITIES, Alignment())
    (result,) = MarkerProjector(WordByWord())([p])
    assert [s[:4] for s in result.spans] == [(2, 3, "PER", 0), (4, 5, "LOC", 1)]
    lost = SentencePair(SOURCE, ["Nada"], ENTITIES, Alignment())
    (result,) = MarkerProjector(WordByWord())([lost])
    assert {u.reason for u in result.unprojected} == {Reason.NO_CANDIDATE}


def test_lost_translation_is_a_reason():
    class Silent:
        def __call__(self, texts):
            return iter([Translation(None) for _ in texts])

    (result,) = translate_marked([(SOURCE, ENTITIES)], Silent())
    assert [u.reason for u in result.unprojected] == [Reason.NO_TRANSLATION] * 2


@pytest.mark.skipif(shutil.which("apertium") is None, reason="apertium is not installed")
def test_markers_through_apertium():
    from xner_spacy.errors import XnerError
    from xner_spacy.translation.apertium import Apertium

    engine = Apertium("isl-eng")
    try:
        list(engine(["Halló"]))
    except XnerError as error:
        pytest.skip(str(error))
    tokens = ["Jón", "býr", "í", "Kaupmannahöfn", "."]
    entities = [Entity(0, 1, "PER"), Entity(3, 4, "LOC")]
    (result,) = translate_marked([(tokens, entities)], engine)
    assert {result.text[a:b]: label for a, b, label, _, _ in result.spans}["Copenhagen"] == "LOC"


class LikesBrackets:
    """Scores a marked target by whether the bracketed words are the right ones."""

    def score_batch(self, sources, targets):
        values = []
        for source, target in zip(sources, targets, strict=True):
            wanted = WORDS.get(source[source.index("[") + 1 : source.index("]")], "Ann")
            opening = target.index("[") + 1
            value = 0.0 if target[opening:].startswith(wanted) else -3.0
            if "]" in target:
                value -= 0.5 * abs(target.index("]") - opening - len(wanted))
            values.append(value)
        return values


@pytest.mark.parametrize("links", [[], [(0, 2), (2, 3)]])
def test_insertion(links):
    target = ["Ayer", "vio", "Ann", "a", "Londres"]
    p = SentencePair(SOURCE, target, ENTITIES, Alignment(links))
    (result,) = InsertionProjector(LikesBrackets(), top_k=2)([p])
    assert [s[:4] for s in result.spans] == [(2, 3, "PER", 0), (4, 5, "LOC", 1)]
    assert all(0 < s.score <= 1 for s in result.spans)
    (empty,) = InsertionProjector(LikesBrackets())([SentencePair(SOURCE, [], ENTITIES, Alignment())])
    assert len(empty.unprojected) == 2
