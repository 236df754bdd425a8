"""xner.NameTypes.v1: types of names from the evidence of the whole corpus."""

from collections import Counter

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from xner_spacy.distillation.soft.name_types import NameTypes, votes_of_others
from xner_spacy.distillation.soft.retyping import (
    retype_docs,
    retyped,
    words_and_labels,
)
from xner_spacy.distillation.soft.soft_labels import best_entities, get_soft, label_masses, set_soft, to_labels
from xner_spacy.distillation.student.tag_scheme import TagSet
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.types import TokenLabels

VOCAB = spacy.blank("xx").vocab
LABELS = ["LOC", "ORG", "PER"]
TAGS = TagSet(LABELS, "iob2").tags
KINDS = ("whole", "parts", "context", "letters", "nearby")
NOTHING = dict.fromkeys(KINDS, False)


def sentence(text, *names):
    """Words and distributions of a text. names: start, end, and the probability of each label."""
    words = text.split()
    probs = np.zeros((len(words), len(TAGS)), dtype=np.float32)
    probs[:, 0] = 1.0
    for start, end, masses in names:
        for token in range(start, end):
            for label, mass in masses.items():
                probs[token, TAGS.index(f"{'B' if token == start else 'I'}-{label}")] = mass
            probs[token, 0] = 1 - sum(masses.values())
    return words, TokenLabels(TAGS, probs)


DOUBTFUL = {"LOC": 0.5, "PER": 0.3}
SURE = {"PER": 0.9, "LOC": 0.05}
MUSEVENI = [
    sentence("Museveni came .", (0, 1, DOUBTFUL)),
    sentence("I saw Yoweri Museveni there .", (2, 4, SURE)),
    sentence("Was it Janet Museveni ?", (2, 4, SURE)),
    sentence("So Muhoozi Museveni went home .", (1, 3, SURE)),
    sentence("It lies near Kampala .", (3, 4, {"LOC": 0.9})),
    sentence("Rain in Gulu !", (2, 3, {"LOC": 0.9})),
]


def types_of(corpus, **kinds):
    """The likeliest type of each name, by sentence."""
    return [
        [name.labels[int(np.argmax(name.probs))] for name in names]
        for names in NameTypes(**{**NOTHING, **kinds})(corpus)
    ]


def test_a_word_of_longer_names_tells_the_type():
    typed = NameTypes()(MUSEVENI)
    assert [len(names) for names in typed] == [1, 1, 1, 1, 1, 1]
    words, soft = MUSEVENI[0]
    assert [entity.label for entity in best_entities(soft, words)] == ["LOC"]
    new_soft = retyped(soft, typed[0])
    assert [entity.label for entity in best_entities(new_soft, words)] == ["PER"]
    np.testing.assert_allclose(new_soft.probs[:, 0], soft.probs[:, 0], atol=1e-6)
    assert [types_of(MUSEVENI, parts=parts)[0] for parts in (False, True)] == [["LOC"], ["PER"]]


@pytest.mark.parametrize(
    "kind, others",
    {
        "whole": [sentence("That is Museveni !", (2, 3, SURE))],
        "parts": [sentence("That is Museveni Kaguta !", (2, 4, SURE)), sentence("So Museveni Junior ?", (1, 3, SURE))],
        "context": [sentence("Mr Kaguta is here .", (1, 2, SURE)), sentence("Mr Odinga is gone .", (1, 2, SURE))],
        "letters": [sentence("That is Museveri !", (2, 3, SURE)), sentence("And Musevenu ?", (1, 2, SURE))],
        "nearby": [sentence("I saw Old Museveni there .", (2, 4, SURE))],
    }.items(),
)
def test_each_kind_of_clue_speaks_and_can_be_switched_off(kind, others):
    corpus = [
        sentence("Mr Museveni came .", (1, 2, DOUBTFUL)),
        *others,
        *(sentence(f"Rain in {place} !", (2, 3, {"LOC": 0.9})) for place in ("Gulu", "Jinja", "Arua")),
    ]
    with_it, without = (
        NameTypes(**{**dict.fromkeys(KINDS, not on), kind: on}, weight=1.0)(corpus)[0][0].probs for on in (True, False)
    )
    alone = NameTypes(**NOTHING)(corpus)[0][0].probs
    person = LABELS.index("PER")
    assert with_it[person] > 0.5 > alone[person]
    assert not np.allclose(without, with_it)


@settings(max_examples=25, deadline=None)
@given(copies=st.integers(1, 4), mass=st.floats(0.4, 0.8))
def test_no_name_votes_for_itself_or_a_copy_of_its_sentence(copies, mass):
    corpus = [sentence("Museveni met Museveni .", (0, 1, {"LOC": 0.2, "PER": mass}), (2, 3, {"LOC": 0.9}))] * copies
    first, second = NameTypes()(corpus)[-1]
    alone_first, alone_second = NameTypes(**NOTHING)(corpus)[-1]
    np.testing.assert_allclose(first.probs, alone_first.probs)
    np.testing.assert_allclose(second.probs, alone_second.probs)


def test_a_sentence_that_occurs_often_votes_once():
    doubtful, *others = MUSEVENI
    wrong = sentence("In Museveni Park it rains .", (1, 3, {"ORG": 0.9}))
    once, often = (NameTypes()([doubtful, *others, *[wrong] * n])[0][0].probs for n in (1, 40))
    # Only the sentences nearby could differ, and they share the votes of one.
    assert once[LABELS.index("PER")] == pytest.approx(often[LABELS.index("PER")], abs=0.05)
    assert np.argmax(often) == LABELS.index("PER")


def test_far_names_are_not_nearby():
    filler = [sentence(f"Nothing happened {k} .") for k in range(20)]
    corpus = [MUSEVENI[0], *filler, MUSEVENI[1]]
    assert [types_of(corpus, nearby=True, window=window, weight=2.0)[0] for window in (15, 21)] == [["LOC"], ["PER"]]


def test_labels_of_all_sentences_are_known():
    odd = ["Expo", "opens"], TokenLabels(["O", "B-EVENT", "I-EVENT"], np.array([[0.2, 0.8, 0], [1, 0, 0]], np.float32))
    silent = ["Nothing"], None
    typed = NameTypes()([*MUSEVENI, odd, silent])
    assert {tuple(name.labels) for names in typed for name in names} == {("EVENT", *LABELS)}
    assert typed[-1] == []
    assert NameTypes()([silent]) == [[]]
    assert NameTypes()([]) == []


@pytest.mark.parametrize(
    "wrong",
    [{"weight": -1}, {"weight": float("nan")}, {"smoothing": 0}, {"bias": float("inf")}, {"window": -1}],
)
def test_settings_are_checked(wrong):
    with pytest.raises(XnerError, match=r"xner\.NameTypes\.v1 with weight"):
        NameTypes(**wrong)


def test_the_part_is_registered():
    assert get_part("xner_retypers", "xner.NameTypes.v1", window=3).window == 3


WORDS = st.sampled_from(["Anna", "Rome", "of", "Bo", "-", "\u00a0", "ẹ́", "went"])


@st.composite
def corpora(draw):
    """Sentences of few words, so that names repeat, with any distributions; some have none, or missing rows."""
    corpus = []
    for words in draw(st.lists(st.lists(WORDS, max_size=6), max_size=6)):
        labels = draw(st.lists(st.sampled_from([*LABELS, "EVENT"]), unique=True, max_size=4))
        tags = TagSet(labels, "iob2").tags
        rng = np.random.default_rng(draw(st.integers(0, 2**20)))
        probs = (
            rng.dirichlet(np.full(len(tags), 0.3), size=len(words)).astype(np.float32).reshape(len(words), len(tags))
        )
        probs[rng.random(len(words)) < 0.2] = 0.0
        corpus.append((words, draw(st.sampled_from([TokenLabels(tags, probs), None]))))
    return corpus


@settings(max_examples=80, deadline=None)
@given(corpus=corpora(), bias=st.floats(-2, 30), weight=st.floats(0, 50))
def test_only_types_change(corpus, bias, weight):
    typed = NameTypes(bias=bias, weight=weight)(corpus)
    assert len(typed) == len(corpus)
    for (words, soft), names in zip(corpus, typed, strict=True):
        assert soft is not None or not names
        ends = [0, *(edge for name in names for edge in (name.start, name.end)), len(words)]
        assert ends == sorted(ends)
        for name in names:
            assert name.start < name.end
            assert name.probs.sum() == pytest.approx(1)
            assert (name.probs >= 0).all()
        if soft is not None:
            new_soft = retyped(soft, names)
            assert np.isfinite(new_soft.probs).all()
            np.testing.assert_allclose(new_soft.probs[:, 0], soft.probs[:, 0], atol=1e-6)
            np.testing.assert_allclose(new_soft.probs.sum(axis=1), soft.probs.sum(axis=1), atol=1e-4)
            doc = Doc(VOCAB, words=words)
            set_soft(doc, new_soft)
            assert get_soft(doc) is not None


@settings(max_examples=60, deadline=None)
@given(corpus=corpora(), seed=st.integers(0, 100))
def test_the_order_of_sentences_matters_only_for_what_is_nearby(corpus, seed):
    order = np.random.default_rng(seed).permutation(len(corpus)).tolist()
    part = NameTypes(nearby=False)
    typed, shuffled = part(corpus), part([corpus[k] for k in order])
    # Sentences with the same words may have other distributions, so each has its place.
    for place, number in enumerate(order):
        for name, other in zip(typed[number], shuffled[place], strict=True):
            assert (name.start, name.end) == (other.start, other.end)
            np.testing.assert_allclose(name.probs, other.probs, atol=1e-6)


@st.composite
def clues_and_votes(draw):
    n = draw(st.integers(1, 6))
    clue = st.tuples(st.just("kind"), st.sampled_from("abcd"))
    clues = st.lists(st.lists(clue, max_size=4), min_size=n, max_size=n)
    groups = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    votes = np.random.default_rng(draw(st.integers(0, 1000))).random((n, 2))
    return draw(clues), draw(clues), votes, np.array(groups)


@settings(max_examples=100, deadline=None)
@given(case=clues_and_votes())
def test_votes_of_others_are_those_of_a_plain_count(case):
    heard, said, votes, groups = case
    rows, counts = votes_of_others(heard, said, votes, groups)
    wanted = [(row, clue) for row, clues in enumerate(heard) for clue in clues]
    assert rows.tolist() == [row for row, _ in wanted]
    for count, (row, clue) in zip(counts, wanted, strict=True):
        plain = np.zeros(2)
        for other, clues in enumerate(said):
            if groups[other] != groups[row]:
                plain += clues.count(clue) * votes[other]
        np.testing.assert_allclose(count, plain, atol=1e-9)


def labelled_docs():
    docs = []
    for words, soft in MUSEVENI:
        doc = Doc(VOCAB, words=words)
        entities = best_entities(soft, words)
        doc.set_ents(
            [Span(doc, e.start, e.end, e.label, kb_id="Q1") for e in entities],
            missing=[doc[len(doc) - 1 :]],
            default="outside",
        )
        set_soft(doc, soft)
        docs.append(doc)
    return docs


def test_entities_get_the_new_types_and_keep_the_rest():
    docs = labelled_docs()
    before = [[(e.start, e.end, e.kb_id_) for e in doc.ents] for doc in docs]
    counts = Counter()
    docs = list(retype_docs(docs, NameTypes()(words_and_labels(docs)), counts))
    assert counts == {"names": 6, "changed": 1}
    assert docs[0].ents[0].label_ == "PER"
    assert [[(e.start, e.end, e.kb_id_) for e in doc.ents] for doc in docs] == before
    assert all(doc[-1].ent_iob == 0 for doc in docs)  # missing values stay
    assert docs[0][1].ent_iob_ == "O"
    masses = label_masses(to_labels(get_soft(docs[0]), TAGS))
    assert masses[0].argmax() == LABELS.index("PER")


def test_an_entity_without_a_typed_name_stays():
    doc = Doc(VOCAB, words=["Anna", "in", "Rome"])
    doc.set_ents([Span(doc, 0, 1, "EVENT"), Span(doc, 2, 3, "PER")], default="outside")
    _, soft = sentence("Anna in Rome", (2, 3, {"LOC": 0.9}))
    set_soft(doc, soft)
    [doc] = retype_docs([doc], NameTypes()(words_and_labels([doc])), Counter())
    assert [(e.text, e.label_) for e in doc.ents] == [("Anna", "EVENT"), ("Rome", "LOC")]
