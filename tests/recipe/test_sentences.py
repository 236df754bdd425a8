"""Sentences of raw text: nothing is lost, and marks of every script count."""

from itertools import pairwise

import spacy
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.recipe.sentences import SentenceSplitter

split = SentenceSplitter(spacy.blank("xx"))
texts = st.text(st.sampled_from('aAbB. .!?…"”»)\n\t。।؟ 1é\u00a0\u200b'), max_size=60)


def sentences(text, splitter=split):
    return [text[start:end] for start, end in splitter(text)]


@given(texts | st.text(max_size=60))
def test_only_white_space_is_outside(text):
    spans = split(text)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert all(part and part == part.strip() for part in sentences(text))


@given(texts)
def test_a_sentence_is_not_split_further(text):
    # A list of sentences that came from a text is a list of sentences, if their words keep their case.
    for part in sentences(text):
        assert len(split(part)) == 1 or not any(char.isupper() for char in part)


def test_marks_of_scripts():
    assert sentences("यह एक है।यह दो है। क्या?") == ["यह एक है।", "यह दो है।", "क्या?"]
    assert sentences("今天很好。「你好！」他说。") == ["今天很好。", "「你好！」", "他说。"]
    assert sentences("هذا نص. ما هذا؟ نعم!") == ["هذا نص.", "ما هذا؟", "نعم!"]
    assert sentences("ሰላም። እንዴት ነህ፧ ደህና") == ["ሰላም።", "እንዴት ነህ፧", "ደህና"]
    assert sentences("ខ្ញុំ។ អ្នក។") == ["ខ្ញុំ។", "អ្នក។"]


def test_quotations_stay_whole():
    text = 'He left. "Why?" she asked. "I don\'t know." (He did.) «Oui.» Then he went.'
    expected = ["He left.", '"Why?" she asked.', '"I don\'t know."', "(He did.)", "«Oui.»", "Then he went."]
    assert sentences(text) == expected


def test_full_stops_inside_sentences():
    for text in (
        "Dr. Smith and J. K. Rowling met the U.S. Army.",
        "Bw. Kamau na Dkt. Otieno walikuja saa 3.5 usiku.",
        "Kl. 5 kom hann.",
        "1. The first of a list.",
        "See masakhane.io for more.",
    ):
        assert sentences(text) == [text]
    assert sentences("He came in 2010. Then he left. It cost $5. He paid.") == [
        "He came in 2010.",
        "Then he left.",
        "It cost $5.",
        "He paid.",
    ]


def test_text_without_capitals_is_split():
    assert sentences("one here. two there! three?") == ["one here.", "two there!", "three?"]


def test_abbreviations_are_those_of_the_language():
    text = "Das gilt z.B. Heute und bzw. Morgen auch."
    assert len(sentences(text, SentenceSplitter(spacy.blank("de")))) == 1
