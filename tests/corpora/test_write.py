"""Docs to files: kept, refused, or counted."""

import gzip
from collections import Counter

import pytest
import spacy
from spacy.tokens import Doc, Span, SpanGroup

from tests.corpora.test_docbins import full_doc
from xner_spacy.corpora.docs import count_doc, make_doc, read_docs
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.corpora.write import WriteOptions, form_of, write_corpus
from xner_spacy.docdata import FAULT_KEY
from xner_spacy.errors import XnerError
from xner_spacy.languages import blank_vocab
from xner_spacy.types import Entity

VOCAB = blank_vocab("xx")


def doc(*words, ents=()):
    return make_doc(VOCAB, words, [Entity(*e) for e in ents], spaces=[True] * len(words))


def write(tmp_path, docs, name="x.iob", **options):
    counts = Counter()
    written = write_corpus(tmp_path / name, docs, None, WriteOptions(**options), counts)
    return (tmp_path / name).read_text(encoding="utf8"), written, +counts


@pytest.mark.parametrize(
    "name, form",
    [
        *(("a.iob", "iob"), ("a.conll", "iob"), ("a.bio", "iob"), ("a.iob.gz", "iob")),
        *(("a.txt", "txt"), ("b.x/a.txt.gz", "txt"), ("a.spacy", "docbin")),
    ],
)
def test_the_ending_is_the_form(name, form):
    assert form_of(name) == form


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.gz", "-", "a.json", "a.spacy.gz", "a.iob.zip"])
def test_another_ending_is_refused(name):
    with pytest.raises(XnerError, match="no form of corpus is known"):
        form_of(name)
    assert form_of(name, "iob") == "iob"


@pytest.mark.parametrize("token", ["a\nb", "a\tb", "a\rb", "a\0b", "\n\nx", "\ufeffa"])
def test_a_token_that_iob_can_not_hold(tmp_path, token):
    docs = [doc(token, "c", ents=[(0, 2, "X")])]
    with pytest.raises(XnerError, match=r"Sentence 1: the token .* can't be written to .iob"):
        write(tmp_path, docs)
    assert not list(tmp_path.iterdir())
    _, written, counts = write(tmp_path, docs, spaces="replace")
    assert written == 1
    assert counts == {"tokens changed: .iob can't hold them as they are": 1}
    [found] = read_columns(tmp_path / "x.iob")
    assert found.entities == [Entity(0, 2, "X")] and len(found.words) == 2
    assert found.words[0] in ("a_b", "_x", "a")


def test_a_sentence_that_begins_like_a_document(tmp_path):
    docs = [doc("-DOCSTART-", "c")]
    with pytest.raises(XnerError, match=r"--spaces replace \(this one to 'DOCSTART'\)"):
        write(tmp_path, docs)
    text, _, counts = write(tmp_path, docs, spaces="replace")
    assert text == "DOCSTART\tO\nc\tO\n\n"
    assert counts == {"tokens changed: .iob can't hold them as they are": 1}
    docs = [doc("c", "-DOCSTART-"), doc("-DOCSTART-", ents=[(0, 1, "X")])]
    assert write(tmp_path, docs)[1:] == (2, {})
    found = [(s.words, len(s.entities)) for s in read_columns(tmp_path / "x.iob")]
    assert found == [(["c", "-DOCSTART-"], 0), (["-DOCSTART-"], 1)]


def test_a_space_in_a_token(tmp_path):
    docs = [doc("New York", "x", ents=[(0, 1, "LOC")])]
    assert write(tmp_path, docs)[0] == "New York\tB-LOC\nx\tO\n\n"
    with pytest.raises(XnerError, match=r"can't be written to \.txt"):
        write(tmp_path, docs, "x.txt")
    assert write(tmp_path, docs, "x.txt", spaces="replace")[0] == "New_York x\n"


def test_tokens_that_nobody_can_see_are_left_out_and_counted(tmp_path):
    docs = [doc("a", "\n ", "\u200b", "b", ents=[(0, 4, "X")]), doc(" ", ents=[(0, 1, "X")]), doc()]
    text, written, counts = write(tmp_path, docs)
    assert (text, written) == ("a\tB-X\nb\tI-X\n\n", 1)
    assert counts == {
        "tokens left out: can't be seen": 3,
        "entities left out: no token that can be seen": 1,
        "sentences left out: without tokens": 2,
    }
    # in a text an empty line is a sentence without tokens: line n stays line n
    text, written, counts = write(tmp_path, docs, "x.txt")
    assert (text, written) == ("a b\n\n\n", 3)
    assert counts == {"tokens left out: can't be seen": 3, "not kept by .txt: entities": 2}


@pytest.mark.parametrize("label", ["A\nB\tO", "A\tB", " A", "A ", "\x1b[2J", "\x85"])
def test_a_label_that_can_not_be_written(tmp_path, label):
    for spaces in ("refuse", "replace"):
        with pytest.raises(XnerError, match=r"the label .* can't be written"):
            write(tmp_path, [doc("a", ents=[(0, 1, label)])], spaces=spaces)
    assert not list(tmp_path.iterdir())


def unknown():
    some = doc("Oslo", "er", "by")
    some.set_ents([Span(some, 0, 1, "LOC")], missing=[Span(some, 2, 3)], default="outside")
    none = doc("ei", "linje")
    none.set_ents([], default="missing")
    return [some, none, doc("Ada", "er", ents=[(0, 1, "PER")])]


def test_missing_values(tmp_path):
    with pytest.raises(XnerError, match=r"Sentence 1 .* missing values, such as 'by'.*--missing"):
        write(tmp_path, unknown())
    assert not list(tmp_path.iterdir())
    text, written, counts = write(tmp_path, unknown(), missing="outside")
    assert written == 3 and text.count("\tO\n") == 5
    assert counts == {"missing values written as O": 3}
    text, written, counts = write(tmp_path, unknown(), missing="skip")
    assert (text, written) == ("Ada\tB-PER\ner\tO\n\n", 1)
    assert counts == {
        "sentences left out: missing values": 2,
        "entities left out: missing values beside them": 1,
    }
    assert write(tmp_path, unknown(), "x.txt")[1] == 3
    assert write_corpus(tmp_path / "x.spacy", unknown()) == 3
    found = [[t.ent_iob for t in d] for d in read_docs(tmp_path / "x.spacy", VOCAB)]
    assert found == [[3, 2, 0], [0, 0], [3, 2]]


def test_a_sentence_without_translation_is_no_gold(tmp_path):
    docs = [doc("a", "b"), doc("c")]
    docs[0].user_data[FAULT_KEY] = "empty"
    with pytest.raises(XnerError, match=r"Sentence 1 .* no translation"):
        write(tmp_path, docs)
    assert write(tmp_path, docs, missing="skip")[0] == "c\tO\n\n"
    docs[0].user_data.pop(FAULT_KEY)
    docs[0].spans["xner"] = SpanGroup(docs[0], name="xner", attrs={"unprojected": []})
    with pytest.raises(XnerError, match=r"Sentence 1 .* no translation"):
        write(tmp_path, docs)
    assert write(tmp_path, docs, missing="outside")[2] == {"sentences without translation written as O": 1}


def test_nothing_left_is_an_error(tmp_path):
    with pytest.raises(XnerError, match=r"no sentence is left.*without tokens: 1"):
        write(tmp_path, [doc()])
    assert not list(tmp_path.iterdir())


def two_sentences(start):
    words = ["Ada", "gikk", ".", "Oslo", "sov", "."]
    found = Doc(VOCAB, words=words, sent_starts=[True, False, False, True, False, False])
    found.set_ents([Span(found, start, 4, "X")], default="outside")
    return found


def test_two_sentences_are_two(tmp_path):
    text, written, counts = write(tmp_path, [two_sentences(3)])
    assert (text.count("\n\n"), written) == (2, 2)
    assert counts == {"texts of several sentences, written as one each": 1}
    assert [s.entities for s in read_columns(tmp_path / "x.iob")] == [[], [Entity(0, 1, "X")]]
    assert write(tmp_path, [two_sentences(3)], join=True)[1:] == (1, {})
    # an entity is never cut
    _, written, counts = write(tmp_path, [two_sentences(2)])
    assert written == 1
    assert counts == {"sentence ends left out: inside an entity": 1}


def test_what_iob_does_not_hold_is_counted(tmp_path):
    found = full_doc()
    found._.xner_source = doc("a")
    *_, counts = write(tmp_path, [found], missing="outside")
    assert counts == {
        "missing values written as O": 1,
        "texts of several sentences, written as one each": 1,
        "not kept by .iob: TAG of tokens": 7,
        "not kept by .iob: POS of tokens": 7,
        "not kept by .iob: LEMMA of tokens": 7,
        "not kept by .iob: MORPH of tokens": 5,
        "not kept by .iob: DEP of tokens": 7,
        "not kept by .iob: ENT_ID of entities": 1,
        "not kept by .iob: KB_ID of entities": 1,
        "not kept by .iob: spans in doc.spans['sc']": 1,
        "not kept by .iob: categories of texts": 1,
        "not kept by .iob: source sentences and links": 1,
        "not kept by .iob: other data of texts": 1,
    }


def test_packed_files_are_equal_for_equal_texts(tmp_path):
    for name in ("a.iob.gz", "b.iob.gz"):
        write_corpus(tmp_path / name, [doc("a", ents=[(0, 1, "X")])])
    data = (tmp_path / "a.iob.gz").read_bytes()
    assert gzip.decompress(data) == b"a\tB-X\n\n"
    assert data == (tmp_path / "b.iob.gz").read_bytes()
    assert [s.words for s in read_columns(tmp_path / "a.iob.gz")] == [["a"]]
    with pytest.raises(XnerError, match="compressed already"):
        write_corpus(tmp_path / "a.spacy.gz", [doc("a")], "docbin")


def test_a_pipeline_for_text_with_double_spaces(tmp_path):
    found = spacy.blank("en")("Ada  left \n Oslo .")
    found.set_ents([], default="outside")
    text, _, counts = write(tmp_path, [found], "x.txt")
    assert text == "Ada left Oslo .\n"
    assert counts["tokens left out: can't be seen"] == 2


@pytest.mark.parametrize("projected", [True, False])
def test_what_a_student_found_nothing_in_is_not_untranslated(tmp_path, projected):
    """A student has no source and needs none; a projector without a source knew nothing."""
    labelled = doc("Anna", "left", ents=[])
    attrs = {"scores": [], "method": "exact", "unprojected": []} if projected else {"scores": [], "method": "student"}
    labelled.spans["xner"] = SpanGroup(labelled, name="xner", spans=[], attrs=attrs)
    assert count_doc(labelled).get("without translation", 0) == int(projected)
    if projected:
        with pytest.raises(XnerError, match="has no translation"):
            write(tmp_path, [labelled])
    else:
        assert write(tmp_path, [labelled])[0] == "Anna\tO\nleft\tO\n\n"
