import pytest
import spacy
from spacy.tokens import Span

from xner_spacy.corpora.docs import (
    doc_entities,
    guess_spaces,
    make_doc,
    read_docs,
    write_docbin,
)
from xner_spacy.corpora.formats.columns import visible
from xner_spacy.errors import InputError
from xner_spacy.types import Entity


@pytest.mark.parametrize(
    "text, words",
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("He (Jon) said: yes.", ["He", "(", "Jon", ")", "said", ":", "yes", "."]),
        ('She said "yes" twice.', ["She", "said", '"', "yes", '"', "twice", "."]),
        ("„Já“, sagði hún.", ["„", "Já", "“", ",", "sagði", "hún", "."]),
        ("“Yes,” she said.", ["“", "Yes", ",", "”", "she", "said", "."]),
        ("«Oui» et non", ["«", "Oui", "»", "et", "non"]),
        ("Jon's dog didn't", ["Jon", "'s", "dog", "did", "n't"]),
    ],
)
def test_spaces_are_guessed(text, words):
    doc = make_doc(spacy.blank("xx").vocab, words)
    assert doc.text == text


def test_no_words():
    assert guess_spaces([]) == []


def test_docbin_round_trip(tmp_path):
    vocab = spacy.blank("xx").vocab
    docs = [
        make_doc(vocab, ["Anna", "býr", "í", "París"], [Entity(0, 1, "PER"), Entity(3, 4, "LOC")]),
        make_doc(vocab, ["Já"]),
    ]
    docs[1].set_ents([], missing=[Span(docs[1], 0, 1)])
    assert write_docbin(tmp_path / "x.spacy", docs) == 2
    found = list(read_docs(tmp_path, spacy.blank("xx").vocab))
    assert [(d.text, doc_entities(d)) for d in found] == [(d.text, doc_entities(d)) for d in docs]
    # a missing value stays missing and does not become O
    assert found[1][0].ent_iob == 0 and found[0][1].ent_iob == 2


def test_space_tokens_are_left_out_and_spans_follow():
    nlp = spacy.blank("en")
    doc = nlp("a \n Anna  Jones b")
    start = [t.text for t in doc].index("Anna")
    end = [t.text for t in doc].index("Jones") + 1
    doc.set_ents([Span(doc, start, end, "PER")])
    words, entities, lost = visible([token.text for token in doc], doc_entities(doc))
    assert words == ["a", "Anna", "Jones", "b"]
    assert entities == [Entity(1, 3, "PER")] and not lost


def test_broken_docbin(tmp_path):
    path = tmp_path / "x.spacy"
    write_docbin(path, [make_doc(spacy.blank("xx").vocab, ["a"])])
    whole = path.read_bytes()
    for data in (b"", b"nonsense", whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="not a DocBin that can be read"):
            list(read_docs(path, spacy.blank("xx").vocab))


def test_missing(tmp_path):
    (tmp_path / "x.iob").write_text("a\tO\n")
    with pytest.raises(InputError, match=r"convert it first: xner convert"):
        list(read_docs(tmp_path / "x.iob", spacy.blank("xx").vocab))
    with pytest.raises(InputError, match="no such file"):
        list(read_docs(tmp_path / "x.spacy", spacy.blank("xx").vocab))
    with pytest.raises(InputError, match=r"folder without \.spacy"):
        list(read_docs(tmp_path, spacy.blank("xx").vocab))
