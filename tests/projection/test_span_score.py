"""The span score, its learning, and consistency over the corpus."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.counted_words import FunctionWords
from xner_spacy.projection.matching.phrase_lexicon import LabelVotes, PhraseLexicon
from xner_spacy.projection.matching.span_score import SpanScore
from xner_spacy.types import Alignment, Entity, Reason, SentencePair, TrainableProjector

from .test_matching import sentence_pairs


def pair(source, target, entities, links):
    scored = {(i, j): w for i, j, w in links}
    return SentencePair(
        source.split(),
        target.split(),
        [Entity(*e) for e in entities],
        Alignment(list(scored), list(scored.values())),
    )


def spans(projector, p):
    (result,) = projector([p])
    return [(" ".join(p.target[s.start : s.end]), s.label) for s in result.spans]


def test_missing_inner_words_are_included_and_edge_articles_are_not():
    p = pair(
        "the UK Government said",
        "el Gobierno del Reino Unido dijo",
        [(1, 3, "ORG")],
        [(0, 0, 0.9), (1, 3, 0.9), (1, 4, 0.8), (2, 1, 0.9), (3, 5, 0.9), (1, 2, 0.4)],
    )
    assert spans(MatchingProjector(), p) == [("Gobierno del Reino Unido", "ORG")]


def test_spelling_beats_a_stray_link():
    p = pair(
        "Mr Koch agrees",
        "estimado Colega Koch asiente",
        [(1, 2, "PER")],
        [(1, 1, 0.7), (2, 3, 0.9)],
    )
    assert spans(MatchingProjector(), p) == [("Koch", "PER")]
    without = MatchingProjector(scores={"span": SpanScore(spelling=0.0)})
    assert spans(without, p)[0][0].startswith("Colega")


def test_edge_particle_of_the_name_stays():
    p = pair("by von Wogau today", "heute von von Wogau", [(1, 3, "PER")], [(2, 3, 0.9)])
    assert spans(MatchingProjector(), p) == [("von Wogau", "PER")]


def test_brackets_come_in_pairs():
    links = [(0, 0, 0.9), (1, 1, 0.9), (2, 2, 0.9), (3, 3, 0.9)]
    p = pair("Council ( CEN ) met", "Rat ( CEN ) tagte", [(0, 4, "ORG")], links)
    assert spans(MatchingProjector(), p) == [("Rat ( CEN )", "ORG")]


def test_name_that_lost_its_capitals():
    p = pair("in Belgium today", "im belgischen Recht Heute", [(1, 2, "LOC")], [(1, 1, 0.95)])
    assert spans(MatchingProjector(), p) == []
    (result,) = MatchingProjector()([p])
    assert result.unprojected[0].reason == Reason.NO_CANDIDATE
    # A corpus with a label for adjectives uses it instead.
    other = pair("a Dutch law", "ein niederländisches Gesetz", [(1, 2, "MISC")], [(1, 1, 0.9)])
    projector = MatchingProjector()
    projector.train([p, other])
    assert spans(projector, p) == [("belgischen", "MISC")]
    assert spans(projector, other) == [("niederländisches", "MISC")]


def rendering(target, j, w=0.9):
    return pair("the Court of Justice met", target, [(1, 4, "ORG")], [(1, j, w), (3, j, w)])


def test_corpus_decides_between_renderings():
    clear = [rendering(f"gestern tagte der Gerichtshof {n}", 3) for n in range(6)]
    doubtful = pair(
        "the Court of Justice met",
        "der Gerichtshof Anhängig tagte",
        [(1, 4, "ORG")],
        [(1, 1, 0.9), (3, 2, 0.9)],
    )
    assert spans(MatchingProjector(), doubtful) == [("Gerichtshof Anhängig", "ORG")]
    projector = MatchingProjector()
    projector.train([*clear, doubtful])
    assert spans(projector, doubtful) == [("Gerichtshof", "ORG")]
    copy = MatchingProjector()
    copy.from_bytes(projector.to_bytes())
    assert list(copy([*clear, doubtful])) == list(projector([*clear, doubtful]))


def test_training_on_one_sentence_does_not_confirm_itself():
    p = rendering("der Gerichtshof tagte", 1)
    projector = MatchingProjector()
    before = next(projector.match([p]))[1]
    projector.train([p])
    after = next(projector.match([p]))[1]
    assert [o[1:] for o in before[0]] == [o[1:] for o in after[0]]
    assert [o[0] for o in before[0]] == pytest.approx([o[0] for o in after[0]])


def test_training_on_a_stream_equals_training_on_a_list():
    pairs = [rendering(f"da tagte der Gerichtshof {n}", 3) for n in range(4)]
    one, other = MatchingProjector(), MatchingProjector()
    one.train(pairs)
    other.train(p for p in pairs)
    assert one.to_bytes() == other.to_bytes()
    assert isinstance(one, TrainableProjector)


def test_label_votes():
    votes = LabelVotes()
    for label in ("LOC", "LOC", "LOC", "PER"):
        votes.add(["Kidal"], label)
    assert votes.label(["kidal"], "PER") == "LOC"
    assert votes.label(["Gao"], "PER") == "PER"
    votes.add(["Kidal"], "PER")
    assert votes.label(["Kidal"], "PER") == "PER"


def test_lexicon_untrained_changes_nothing():
    p = rendering("der Gerichtshof tagte", 1)
    options = [[(1.0, 1, 2)]]
    assert list(PhraseLexicon().adjust([(p, options)], frozenset())) == [(p, options)]


def test_function_words():
    words = FunctionWords()
    assert "der" in words and "Der" not in words and "über" not in words
    for _ in range(400):
        words.add(["Das", "Haus", "der", "Stadt", "steht", "über", "dem", "Tal", "und", "bleibt"])
    words.finish()
    assert "über" in words and "der" in words and "Haus" not in words
    assert FunctionWords().words == frozenset()


@settings(max_examples=100, deadline=None)
@given(st.lists(sentence_pairs(), max_size=4), st.booleans(), st.randoms())
def test_default_projector_is_valid_and_ignores_order(pairs, trained, random):
    projector = MatchingProjector()
    if trained:
        projector.train(pairs)
    result = list(projector(pairs))
    for p, projection in zip(pairs, result, strict=True):
        last = 0
        for span in projection.spans:
            assert last <= span.start < span.end <= len(p.target)
            assert 0.0 <= span.score <= 1.0
            last = span.end
        sources = [s.source for s in projection.spans]
        sources += [u.source for u in projection.unprojected]
        assert sorted(sources) == list(range(len(p.entities)))
    order = list(range(len(pairs)))
    random.shuffle(order)
    assert list(projector([pairs[k] for k in order])) == [result[k] for k in order]


def test_given_candidates_score_as_found_ones():
    p = pair(
        "the UK Government said",
        "el Gobierno del Reino Unido dijo",
        [(1, 3, "ORG")],
        [(1, 3, 0.9), (1, 4, 0.8), (2, 1, 0.9), (3, 5, 0.9)],
    )
    score = SpanScore()
    ((mine,),) = score.options([p])
    (matrix,) = score([p], [[(a, b) for _, a, b in mine]])
    assert matrix[0].tolist() == pytest.approx([w for w, _, _ in mine])


def test_low_confidence_has_its_reason():
    p = rendering("der Gerichtshof tagte", 1, 0.5)
    (result,) = MatchingProjector(min_confidence=0.999)([p])
    assert not result.spans
    assert result.unprojected[0].reason == Reason.LOW_SCORE


@pytest.mark.parametrize(
    "settings",
    [{"prior": 0.0}, {"prior": 1.5}, {"prior": float("nan")}, {"strength": 0.0}, {"sharpness": -1.0}, {"stem": 0}, {"weight": float("inf")}],
)  # fmt: skip
def test_settings_of_the_lexicon_that_make_no_sense(settings):
    with pytest.raises(XnerError, match=r"xner\.PhraseLexicon\.v1"):
        PhraseLexicon(**settings)


def options_of(projector, p):
    return next(projector.match([p]))[1]


@pytest.mark.parametrize("copies", [1, 2, 7])
def test_copies_of_a_sentence_do_not_vote_for_themselves(copies):
    p = pair(
        "the Court of Justice met", "der Gerichtshof Anhängig tagte", [(1, 4, "ORG")],
        [(1, 1, 0.9), (3, 2, 0.9)],
    )  # fmt: skip
    silent, projector = MatchingProjector(weights={"lexicon": 0.0}), MatchingProjector()
    silent.train([p] * copies)
    before = options_of(silent, p)
    projector.train([p] * copies)
    assert [o[0] for o in options_of(projector, p)[0]] == pytest.approx([o[0] for o in before[0]])
    # Nor do copies with other links.
    other = pair(
        "the Court of Justice met", "der Gerichtshof Anhängig tagte", [(1, 4, "ORG")],
        [(1, 1, 0.9), (3, 1, 0.9)],
    )  # fmt: skip
    silent.train([p, other] * copies)
    projector.train([p, other] * copies)
    for one in (p, other):
        plain = options_of(silent, one)
        assert [o[0] for o in options_of(projector, one)[0]] == pytest.approx([o[0] for o in plain[0]])


def test_a_sentence_that_stands_often_has_one_vote():
    clear = rendering("gestern tagte der Gerichtshof hier", 3)
    doubtful = pair(
        "the Court of Justice met", "der Gerichtshof Anhängig tagte", [(1, 4, "ORG")],
        [(1, 1, 0.9), (3, 2, 0.9)],
    )  # fmt: skip
    once, often = MatchingProjector(), MatchingProjector()
    once.train([clear, doubtful])
    often.train([clear] * 50 + [doubtful])
    assert options_of(once, doubtful)[0] == options_of(often, doubtful)[0]
    # One label for the phrase in fifty copies of a sentence does not overrule the other.
    first = pair("in Kidal today", "heute in Kidal", [(1, 2, "LOC")], [(1, 2, 0.9)])
    second = pair("Kidal came", "Kidal kam", [(0, 1, "PER")], [(0, 0, 0.9)])
    projector = MatchingProjector()
    projector.train([first] * 50 + [second])
    assert spans(projector, second) == [("Kidal", "PER")]


@settings(max_examples=60, deadline=None)
@given(st.lists(sentence_pairs(), max_size=5), st.randoms())
def test_training_does_not_depend_on_the_order(pairs, random):
    """These pairs have the same words, but other links and entities: copies of one sentence."""
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = MatchingProjector(), MatchingProjector()
    one.train(pairs)
    other.train(shuffled)
    assert one.to_bytes() == other.to_bytes()
