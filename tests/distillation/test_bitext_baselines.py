"""Word-by-word translation."""

import spacy
from spacy.tokens import Span

from xner_spacy.corpora.docs import make_doc
from xner_spacy.distillation.bitext_baselines import learn_lexicon, translate_words
from xner_spacy.types import Alignment, Entity

VOCAB = spacy.blank("xx").vocab


def test_the_lexicon_holds_the_best_counterpart():
    pairs = [
        (["the", "city", "grows"], ["borgin", "vex"]),
        (["the", "city", "sleeps"], ["borgin", "sefur"]),
        (["a", "city"], ["bær"]),
    ]
    links = [
        Alignment([(1, 0), (2, 1)]),
        Alignment([(1, 0), (2, 1)], [0.9, 0.3]),
        Alignment([(1, 0)]),
    ]
    # "sleeps" has too little behind it, "the" nothing.
    assert learn_lexicon(pairs, links) == {"city": "borgin", "grows": "vex"}


def test_of_equals_the_first_of_the_alphabet_whatever_the_order():
    pairs = [(["x"], ["b"]), (["x"], ["a"])]
    links = [Alignment([(0, 0)])] * 2
    assert learn_lexicon(pairs, links) == learn_lexicon(pairs[::-1], links) == {"x": "a"}


def test_entities_stay_where_they_are():
    doc = make_doc(VOCAB, ["The", "city", "of", "Rome", "grows"], [Entity(3, 4, "LOC")])
    lexicon = {"the": "hin", "city": "borg", "Rome": "Róm", "grows": "vex"}
    made = translate_words(doc, lexicon, VOCAB)
    assert [t.text for t in made] == ["Hin", "borg", "of", "Róm", "vex"]
    assert [(e.text, e.label_) for e in made.ents] == [("Róm", "LOC")]
    assert made[0].ent_iob_ == "O"


def test_a_name_does_not_become_a_common_word():
    doc = make_doc(VOCAB, ["May", "met", "May"])
    doc.set_ents([Span(doc, 2, 3, "PER")])
    made = translate_words(doc, {"may": "getur"}, VOCAB)
    assert [t.text for t in made] == ["Getur", "met", "May"]
