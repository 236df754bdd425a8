import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from xner_spacy.corpora.docs import (
    ATTRIBUTES,
    doc_entities,
    guess_spaces,
    make_doc,
    packed,
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


def test_what_is_packed_is_what_spacy_packs():
    """Docs of two vocabularies, with everything that a Doc can have."""
    docs = []
    for lang in ("en", "is"):
        vocab = spacy.blank(lang).vocab
        words = ["Ada", "Lund", "\n", "fór", "heim"]
        doc = Doc(vocab, words=words, tags=[f"{lang}T"] * 5, pos=["NOUN"] * 5, lemmas=[w.lower() for w in words], deps=["dep"] * 5, heads=[0] * 5, morphs=["Number=Sing"] * 5)  # fmt: skip
        doc.set_ents([Span(doc, 0, 2, f"{lang}PER", kb_id=f"{lang}Q7", span_id="id")], missing=[doc[3:4]])
        doc.spans["xner"] = SpanGroup(
            doc, name="xner", spans=[Span(doc, 3, 4, "NEW", kb_id="Q8")], attrs={"scores": [0.5]}
        )
        doc.cats, doc.user_data["place"] = {"a": 0.5}, 3
        docs += [doc, Doc(vocab)]
    data, counts = packed(docs)
    theirs = DocBin(attrs=ATTRIBUTES, store_user_data=True, docs=docs)
    vocabs = [spacy.blank("xx").vocab for _ in range(2)]
    ours, expected = (
        list(b.get_docs(vocab)) for b, vocab in zip((DocBin().from_bytes(data), theirs), vocabs, strict=True)
    )
    assert counts["sentences"] == len(ours) == 4
    for doc, other, before in zip(ours, expected, docs, strict=True):
        assert doc.to_json() == other.to_json() and doc.text == before.text
        assert [e.kb_id_ for e in doc.ents] == [e.kb_id_ for e in before.ents]
        assert [(t.norm_, t.lemma_, str(t.morph)) for t in doc] == [(t.norm_, t.lemma_, str(t.morph)) for t in other]
        assert doc.spans.to_bytes() == other.spans.to_bytes() and doc.user_data == other.user_data
    packed_nothing, none = packed([])
    assert not list(DocBin().from_bytes(packed_nothing).get_docs(vocabs[0])) and none["sentences"] == 0
