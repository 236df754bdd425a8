"""What holds for every projector: whitespace, reasons, links that fit."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.projection.by_translation.insertion import InsertionProjector
from xner_spacy.projection.by_translation.markers import MarkerProjector
from xner_spacy.projection.heuristics import HeuristicProjector, LongestRunProjector, MinMaxProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import (
    LinkedRanges,
    Ngrams,
    TaggerSpans,
    TranslatedSpans,
    fuzzy_spans,
)
from xner_spacy.projection.matching.counted_words import FunctionWords
from xner_spacy.projection.matching.scores import AlignScore, NerScore, TranslationScore
from xner_spacy.projection.projectors import checked, prepare
from xner_spacy.text import is_blank_token
from xner_spacy.types import (
    Alignment,
    Entity,
    ProjectedSpan,
    Projection,
    Reason,
    SentencePair,
    TokenLabels,
    Translation,
    Unprojected,
)

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
BLANKS = ["", " ", "\n", "  ", "\u200b", "\u00a0", "\u3000", "\u2028"]


class Same:
    """A translator that changes nothing; it has none of what begins with a Q."""

    def __call__(self, texts):
        return (Translation(None if text.startswith("Q") else text) for text in texts)


class Length:
    """Likes translations of the same length."""

    def score_batch(self, sources, targets):
        return [-0.1 * abs(len(s) - len(t)) for s, t in zip(sources, targets, strict=True)]


ALIGN = {"scores": {"align": AlignScore()}}
PROJECTORS = {
    "heuristic": HeuristicProjector,
    "heuristic, thesis": lambda: HeuristicProjector(
        min_ratio=None, top_k=1, only_i=True, overlap="skip", order="length"
    ),
    "min-max": MinMaxProjector,
    "min-max, filters": lambda: MinMaxProjector(comp_src=True, comp_tgt=True, whole_sentence=True),
    "longest run": LongestRunProjector,
    "longest run, as released": lambda: LongestRunProjector(defects=True),
    "markers": lambda: MarkerProjector(Same()),
    "markers, tags": lambda: MarkerProjector(Same(), style="tags"),
    "insertion": lambda: InsertionProjector(Length(), top_k=2),
    "default": MatchingProjector,
    "greedy": lambda: MatchingProjector(solver="greedy"),
    "count 0": lambda: MatchingProjector(count=0),
    "at least one": lambda: MatchingProjector(constraint=">=", **ALIGN),
    "exactly two": lambda: MatchingProjector(constraint="=", count=2, **ALIGN),
    "unpruned": lambda: MatchingProjector(candidates=Ngrams(pruned=False), **ALIGN),
    "any length": lambda: MatchingProjector(candidates=Ngrams(None, pruned=False), **ALIGN),
    "linked ranges": lambda: MatchingProjector(candidates=LinkedRanges(), **ALIGN),
    "tagger": lambda: MatchingProjector(candidates=TaggerSpans(linked=True), scores={"ner": NerScore()}),
    "translated": lambda: MatchingProjector(candidates=TranslatedSpans(translator=Same())),
    "translation score": lambda: MatchingProjector(scores={"nmt": TranslationScore(Length())}),
    "sure only": lambda: MatchingProjector(min_confidence=0.9),
}

words = st.sampled_from(["Ada", "Lovelace", "in", "Rom", "rom", "!", "de", "Qom", "(", ")", *BLANKS])


@st.composite
def odd_pairs(draw):
    """Sentence pairs with blank tokens anywhere, without tokens, without links."""
    source, target = draw(st.lists(words, max_size=7)), draw(st.lists(words, max_size=8))
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), max_size=6)))
    entities = [
        Entity(a, b, draw(st.sampled_from(["PER", "LOC", "MISC"]))) for a, b in pairwise(cuts) if draw(st.booleans())
    ]
    links = []
    if source and target:
        link = st.tuples(st.integers(0, len(source) - 1), st.integers(0, len(target) - 1))
        links = draw(st.lists(link, max_size=12, unique=True))
    scores = draw(st.lists(st.floats(0, 1), min_size=len(links), max_size=len(links)))
    probs = np.zeros((len(target), len(TAGS)), dtype=np.float32)
    for row in probs:
        row[draw(st.integers(0, len(TAGS) - 1))] = 1.0
    return SentencePair(source, target, entities, Alignment(links, scores), TokenLabels(TAGS, probs))


def check(pair, projection):
    last = 0
    for span in projection.spans:
        assert last <= span.start < span.end <= len(pair.target)
        last = span.end
        edges = pair.target[span.start], pair.target[span.end - 1]
        assert not any(map(is_blank_token, edges)), edges
        assert 0.0 <= span.score <= 1.0
    lost = [u.source for u in projection.unprojected]
    assert len(lost) == len(set(lost))
    assert set(lost).isdisjoint(s.source for s in projection.spans)
    assert {s.source for s in projection.spans} | set(lost) == set(range(len(pair.entities)))
    assert all(u.reason in vars(Reason).values() for u in projection.unprojected)


@pytest.mark.parametrize("name", PROJECTORS)
@settings(max_examples=60, deadline=None)
@given(st.lists(odd_pairs(), max_size=3), st.booleans())
def test_whitespace_and_reasons(name, pairs, train):
    projector = PROJECTORS[name]()
    if train and hasattr(projector, "train"):
        projector.train(pairs)
    result = list(projector(pairs))
    assert len(result) == len(pairs)
    for pair, projection in zip(pairs, result, strict=True):
        check(pair, projection)


@pytest.mark.parametrize("name", PROJECTORS)
@settings(max_examples=30, deadline=None)
@given(odd_pairs(), st.sampled_from(BLANKS), st.data())
def test_a_blank_token_more_changes_no_span(name, pair, blank, data):
    """Text with a double space or a newline in it gets the same names."""
    place = data.draw(st.integers(0, len(pair.target)))
    target = [*pair.target[:place], blank, *pair.target[place:]]
    links = [(i, j + (j >= place)) for i, j in pair.alignment.links.tolist()]
    o = TokenLabels(TAGS, np.insert(pair.target_labels.probs, place, 0.2, axis=0))
    other = SentencePair(pair.source, target, pair.entities, Alignment(links, pair.alignment.scores), o)
    projector = PROJECTORS[name]()
    one, two = next(iter(projector([pair]))), next(iter(projector([other])))
    visible = [[pair.target[k] for k in range(s.start, s.end) if not is_blank_token(pair.target[k])] for s in one.spans]
    assert visible == [[target[k] for k in range(s.start, s.end) if not is_blank_token(target[k])] for s in two.spans]
    assert one.unprojected == two.unprojected


def test_two_halves_of_a_name_are_one_name():
    pair = SentencePair(
        ["\n", "Ada", " ", "Lovelace", "\n", "wrote"],
        ["Ada", "  ", "Lovelace", "\n", "schrieb"],
        [Entity(0, 5, "PER")],
        Alignment([(0, 1), (1, 0), (3, 2), (4, 3), (5, 4)]),
    )
    for make in (HeuristicProjector, MinMaxProjector, LongestRunProjector, MatchingProjector):
        (projection,) = make()([pair])
        assert [s[:4] for s in projection.spans] == [(0, 3, "PER", 0)], make
    # Blank tokens are no gap: this gap of one word is two tokens wide.
    (projection,) = MinMaxProjector(comp_src=True, comp_tgt=True)([pair])
    assert [s[:2] for s in projection.spans] == [(0, 3)]


def test_a_blank_entity_has_its_reason():
    pair = SentencePair(
        ["\n", "Ada"], ["\n", "Ada"], [Entity(0, 1, "LOC"), Entity(1, 2, "PER")], Alignment([(0, 0), (1, 1)])
    )  # fmt: skip
    for name, make in PROJECTORS.items():
        if name != "tagger":
            (projection,) = make()([pair])
            assert Unprojected(0, Reason.BLANK) in projection.unprojected, name


@pytest.mark.parametrize(
    "candidates",
    [
        Ngrams(pruned=False),
        Ngrams(),
        LinkedRanges(),
        TaggerSpans(),
        TranslatedSpans(min_ratio=0.4),
    ],
)
@settings(max_examples=60, deadline=None)
@given(odd_pairs())
def test_candidates_have_no_blank_edges(candidates, pair):
    pair.entity_translations = ["Ada Lovelace"] * len(pair.entities)
    (spans,) = candidates([pair])
    assert spans == sorted(set(spans))
    for start, end in spans:
        assert 0 <= start < end <= len(pair.target)
        assert not is_blank_token(pair.target[start])
        assert not is_blank_token(pair.target[end - 1])


def test_links_and_lists_that_do_not_fit():
    wrong = SentencePair(["a"], ["b"], [], Alignment([(0, 3)]))
    with pytest.raises(XnerError, match="Link 0-3 is outside the sentence pair"):
        list(HeuristicProjector()([wrong]))
    with pytest.raises(XnerError, match="outside the sentence pair"):
        MatchingProjector().train([wrong])
    few = SentencePair(["a"], ["b", "c"], [Entity(0, 1, "PER")], Alignment(), TokenLabels(TAGS, np.zeros((1, 5))))  # fmt: skip
    with pytest.raises(XnerError, match="1 tokens of a sentence of 2"):
        prepare(few)
    names = SentencePair(["a"], ["b"], [Entity(0, 1, "PER")], Alignment(), None, [])
    with pytest.raises(XnerError, match="0 translations were given for 1 source entities"):
        prepare(names)


class Foreign:
    """A projector of another package."""

    def __init__(self, *projections):
        self.projections = projections

    def __call__(self, pairs):
        for _ in pairs:
            yield from self.projections


def test_projectors_of_others_are_held_to_the_rules():
    pair = SentencePair(["a", "b"], ["\n", "x", " "], [Entity(0, 1, "A"), Entity(1, 2, "B")], Alignment())  # fmt: skip
    span = ProjectedSpan(0, 3, "A", 0)
    (projection,) = checked(Foreign(Projection([span])), [pair])
    assert projection.spans == [ProjectedSpan(1, 2, "A", 0)]
    assert projection.unprojected == [Unprojected(1, Reason.NO_CANDIDATE)]
    with pytest.raises(XnerError, match="Foreign gave 0 projections for more sentences"):
        list(checked(Foreign(), [pair]))
    with pytest.raises(XnerError, match="Foreign gave more than 1 projections for 1 sentences"):
        list(checked(Foreign(Projection(), Projection()), [pair]))
    with pytest.raises(XnerError, match=r"gave the span \(0, 4\)"):
        list(checked(Foreign(Projection([span._replace(end=4)])), [pair]))
    with pytest.raises(XnerError, match="source entity 5"):
        list(checked(Foreign(Projection([span._replace(source=5)])), [pair]))


def test_composed_and_decomposed_letters_are_the_same():
    def split(text):
        return unicodedata.normalize("NFD", text)

    words = FunctionWords()
    for _ in range(400):
        words.add(["Das", "Haus", "der", "Stadt", "steht", split("über"), "dem", "Tal", "und"])
    words.finish()
    assert "über" in words and split("über") in words
    assert max(fuzzy_spans("Málaga", [split("Málaga")]))[0] == 1.0
    assert max(fuzzy_spans(split("Málaga"), ["Málaga"]))[0] == 1.0
    source, target = "ein Málaga da", "hay un Málaga aquí"
    results = []
    for s, t in ((source, target), (split(source), target), (source, split(target))):
        pair = SentencePair(s.split(), t.split(), [Entity(1, 2, "LOC")], Alignment([(0, 1)]))
        projector = MatchingProjector()
        projector.train([pair])
        results.append([x[:4] for x in next(iter(projector([pair]))).spans])
    assert results == [[(2, 3, "LOC", 0)]] * 3
