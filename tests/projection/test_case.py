"""What capitals tell: text in lower, title and upper case, adjectives of names, words that render two."""

import pytest

from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.counted_words import Case, FunctionWords, first_word
from xner_spacy.types import Alignment, Entity, SentencePair


def word_by_word(source, target, entities):
    """A pair whose words are in the same order."""
    n = min(len(source.split()), len(target.split()))
    return SentencePair(
        source.split(), target.split(), [Entity(*e) for e in entities], Alignment([(k, k) for k in range(n)])
    )  # fmt: skip


def found(pairs, **settings):
    projector = MatchingProjector(**settings)
    projector.train(pairs)
    return [
        {(" ".join(p.target[s.start : s.end]), s.label) for s in result.spans}
        for p, result in zip(pairs, projector(pairs), strict=True)
    ]


CARDS = [
    ("Olga studies in Lisbon .", "Olga studiert in Lissabon .", [(0, 1, "PER"), (3, 4, "LOC")]),
    ("A Swedish firm bought Nokia .", "Eine schwedische Firma kaufte Nokia .", [(1, 2, "MISC"), (4, 5, "ORG")]),
    ("Madrid is older than Vienna .", "Madrid ist älter als Wien .", [(0, 1, "LOC"), (4, 5, "LOC")]),
    ("He thanked Interpol and Ivan .", "Er dankte Interpol und Ivan .", [(2, 3, "ORG"), (4, 5, "PER")]),
]  # fmt: skip
GOLD = [
    {("Olga", "PER"), ("Lissabon", "LOC")},
    {("schwedische", "MISC"), ("Nokia", "ORG")},
    {("Madrid", "LOC"), ("Wien", "LOC")},
    {("Interpol", "ORG"), ("Ivan", "PER")},
]
FORMS = {
    "as written": lambda text: text,
    "lower case": str.lower,
    "upper case": str.upper,
    "title case": str.title,
    "only the first word": lambda text: text[:1].upper() + text[1:].lower(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("trained", [True, False])
def test_the_same_names_in_any_case(form, trained):
    """One MISC in the corpus used to make MISC of every name in lower case."""
    change = FORMS[form]
    pairs = [word_by_word(s, change(t), e) for s, t, e in CARDS]
    gold = [{(change(t).strip(), label) for t, label in g} for g in GOLD]
    if trained:
        result = found(pairs)
    else:
        projections = MatchingProjector()(pairs)
        result = [
            {(" ".join(p.target[s.start : s.end]), s.label) for s in x.spans}
            for p, x in zip(pairs, projections, strict=True)
        ]
    lowered = [{(t.lower(), label) for t, label in r} for r in result]
    assert lowered == [{(t.lower(), label) for t, label in g} for g in gold]


def test_a_large_corpus_in_lower_case_has_function_words_and_names():
    """The name that every sentence has is no function word, and the article is one."""
    pairs = [
        word_by_word(f"The Senate met near Oslo on day {k} .", f"der senat tagte bei oslo am tag {k} .", [(1, 2, "ORG"), (4, 5, "LOC")])
        for k in range(400)
    ]  # fmt: skip
    projector = MatchingProjector()
    projector.train(pairs)
    functions = projector.scores["span"].target_function
    assert functions.trained and not functions.cased
    assert "der" in functions and "senat" not in functions and "oslo" not in functions
    for pair, result in zip(pairs, projector(pairs), strict=True):
        assert [pair.target[s.start : s.end] for s in result.spans] == [["senat"], ["oslo"]]


def test_misc_that_keeps_its_capital_is_no_adjective():
    """CoNLL's MISC has names of events too: a corpus with those alone does not make adjectives of the rest."""
    case = Case()
    for _ in range(40):
        case.add(["Dann", "Olympia"], {1: "adjective"})
        case.add(["Dann", "Wien"], {1: "name"})
        case.add(["Dann", "tagte"], {1: "other"})
    assert case.tells and not case.has_adjectives
    case.add(["Dann", "europäisch"], {1: "adjective"})
    assert not case.has_adjectives
    for _ in range(4):
        case.add(["Dann", "europäisch"], {1: "adjective"})
    assert case.has_adjectives


def test_what_a_sentence_shows():
    case = Case()
    assert case.tells
    assert not case.counts_in(["anna", "lebt", "in", "wien"])
    assert not case.counts_in(["»", "Anna", "lebt", "in", "wien"])
    assert case.counts_in(["heute", "lebt", "Anna", "in", "wien"])
    for _ in range(40):
        case.add(["Dann", "Wien"], {1: "name"})
        case.add(["Dann", "tagte"], {1: "other"})
    assert case.counts_in(["Anna", "lebt", "in", "wien"])
    assert not case.counts_in(["anna", "lebt", "in", "wien"])
    for _ in range(400):
        case.add(["Dann", "wien"], {1: "name"})
    assert not case.tells and not case.counts_in(["Anna", "lebt", "in", "Wien"])
    copy = Case()
    copy.set_state(case.state())
    assert copy.state() == case.state() and copy.tells == case.tells


def test_case_counts_by_how_much_the_corpus_tells():
    case = Case()
    capital, lower = case.gains()
    assert capital > 0 > lower
    for _ in range(100):  # German: nouns have capitals, too
        case.add(["Dann", "Wien"], {1: "name"})
        case.add(["Dann", "Haus"], {1: "other"})
    weaker, _ = case.gains()
    assert 0 < weaker < capital
    for _ in range(1000):  # names and others alike
        case.add(["dann", "wien"], {1: "name"})
        case.add(["dann", "haus"], {1: "other"})
    assert all(abs(gain) < 0.2 for gain in case.gains())


def test_scripts_without_case_are_not_counted():
    case = Case()
    for word in ("北京", "ירושלים", "...", "1990"):
        case.add(["Dann", word], {1: "name"})
    assert case.words["name"] == 0


def test_first_word():
    assert first_word(["«", "-", "Anna"]) == 2
    assert first_word(["...", "!"]) == 0
    assert first_word([]) == 0


@pytest.mark.parametrize(
    "source, target, entities, links, names",
    [
        # One word renders preposition and name: Turkish, Finnish, Hungarian, Swahili.
        ("She left from Izmir .", "İzmir'den ayrıldı .", [(3, 4, "LOC")], [(0, 1), (1, 1), (2, 0), (3, 0), (4, 2)], ["İzmir'den"]),
        ("We live in Norway .", "Asumme Norjassa .", [(3, 4, "LOC")], [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)], ["Norjassa"]),
        ("The road to Szeged is long .", "A szegedi út hosszú .", [(3, 4, "LOC")], [(0, 0), (1, 2), (2, 1), (3, 1), (4, 3), (5, 3), (6, 4)], ["szegedi"]),
        # Two function words, and a mark.
        ("He came out of , Kenya .", "Alitoka Kenyani .", [(5, 6, "LOC")], [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2)], ["Kenyani"]),
        # The preposition's link is the stronger one.
        ("Ali works with Maria .", "Ali Mariarekin dabil .", [(0, 1, "PER"), (3, 4, "PER")], [(0, 0), (1, 2), (2, 1, 0.9), (3, 1, 0.6), (4, 3)], ["Ali", "Mariarekin"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("trained", [True, False])
def test_function_words_do_not_count_against_a_name(source, target, entities, links, names, trained):
    alignment = Alignment([x[:2] for x in links], [x[2] if len(x) > 2 else 1.0 for x in links])
    pair = SentencePair(source.split(), target.split(), [Entity(*e) for e in entities], alignment)
    projector = MatchingProjector()
    if trained:
        projector.train([pair])
    (result,) = projector([pair])
    assert [" ".join(pair.target[s.start : s.end]) for s in result.spans] == names


@pytest.mark.parametrize("scores", [[1.0, 1.0], [0.9, 0.8], [0.8, 0.9], [0.5, 0.5]])
def test_of_two_entities_that_share_a_word_one_gets_it(scores):
    pair = SentencePair(
        ["Austria", "Hungary", "fell"], ["Ausztria-Magyarország", "elesett"],
        [Entity(0, 1, "LOC"), Entity(1, 2, "LOC")], Alignment([(0, 0), (1, 0), (2, 1)], [*scores, 1.0]),
    )  # fmt: skip
    (result,) = MatchingProjector()([pair])
    assert [s[:3] for s in result.spans] == [(0, 1, "LOC")]
    assert [u.reason for u in result.unprojected] in (["overlap"], ["no_candidate"])


def test_articles_are_told_from_prepositions():
    words = FunctionWords()
    for noun in ("house", "street", "garden", "village", "kingdom") * 80:
        words.add(["We", "went", "in", "the", noun, "of", "the", "mayor", "and", "of", "a", "king"])
    words.finish()
    assert words.is_article("the") and words.is_article("The")
    assert not words.is_article("of") and not words.is_article("in")
    assert not FunctionWords().is_article("the")


def test_articles_count_like_prepositions_where_names_swallow_them():
    """ "The Senate" is one word, "senaten"; a hundred such sentences show that this is the rule."""
    pairs = [
        SentencePair(
            ["Yesterday", "in", "the", "village", "of", "a", "mayor", "the", "Senate", "met", str(k)],
            ["Igår", "i", "staden", "av", "en", "kung", "möttes", "Senaten", str(k)],
            [Entity(8, 9, "ORG")],
            Alignment([(0, 0), (1, 1), (3, 2), (4, 3), (5, 4), (6, 5), (7, 7), (8, 7), (9, 6), (10, 8)]),
        )
        for k in range(300)
    ]  # fmt: skip
    projector = MatchingProjector()
    projector.train(pairs)
    span = projector.scores["span"]
    assert span.fuses and span.source_function.is_article("the")
    assert MatchingProjector().from_bytes(projector.to_bytes()).scores["span"].fuses
    for pair, result in zip(pairs, projector(pairs), strict=True):
        assert [pair.target[s.start : s.end] for s in result.spans] == [["Senaten"]]
