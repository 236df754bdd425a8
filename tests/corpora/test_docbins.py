"""DocBins are read with a guard: whatever bytes a `.spacy` file holds, it is read or refused with its name."""

import random
import zlib

import numpy as np
import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span

from xner_spacy.corpora import docs
from xner_spacy.corpora.docs import docs_of, joined, parse_docbin, part_of, read_docbin, read_docs, write_docbin
from xner_spacy.errors import InputError
from xner_spacy.languages import blank_vocab


def full_doc():
    """A Doc on which everything is set that a pipeline may set."""
    vocab = spacy.blank("en").vocab
    doc = Doc(
        vocab,
        words=["Ada", "left", "Oslo", ".", "Rain", "fell", "."],
        tags=["NNP", "VBD", "NNP", ".", "NN", "VBD", "."],
        pos=["PROPN", "VERB", "PROPN", "PUNCT", "NOUN", "VERB", "PUNCT"],
        lemmas=["Ada", "leave", "oslo", ".", "rain", "fall", "."],
        morphs=["Number=Sing", "Tense=Past", "Number=Sing", "", "Number=Sing", "Tense=Past", ""],
        heads=[1, 1, 1, 1, 5, 5, 5],
        deps=["nsubj", "ROOT", "obj", "punct", "nsubj", "ROOT", "punct"],
    )
    place = Span(doc, 2, 3, label="LOC", kb_id="Q585", span_id="oslo")
    doc.set_ents([place], missing=[Span(doc, 0, 1)], default="outside")
    doc.spans["sc"] = [Span(doc, 0, 3, "X")]
    doc.cats = {"A": 1.0}
    doc.user_data["meta"] = {"k": 0.5}
    return doc


def everything(doc):
    tokens = [
        (
            t.text,
            t.tag_,
            t.pos_,
            t.lemma_,
            str(t.morph),
            t.head.i,
            t.dep_,
            t.is_sent_start,
            t.ent_iob,
            t.ent_type_,
            t.ent_id_,
            t.ent_kb_id_,
            t.whitespace_,
        )
        for t in doc
    ]
    spans = {key: [(s.start, s.end, s.label_) for s in group] for key, group in doc.spans.items()}
    return tokens, spans, dict(doc.cats), doc.user_data["meta"]


def test_all_that_a_pipeline_says_is_kept(tmp_path):
    doc = full_doc()
    write_docbin(tmp_path / "x.spacy", [doc])
    [found] = read_docs(tmp_path / "x.spacy", spacy.blank("xx").vocab)
    assert everything(found) == everything(doc)


def test_a_doc_without_a_parse_gets_none(tmp_path):
    write_docbin(tmp_path / "x.spacy", [Doc(blank_vocab("xx"), words=["a", "b"])])
    [found] = read_docs(tmp_path / "x.spacy", blank_vocab("xx"))
    for attribute in ("TAG", "POS", "LEMMA", "MORPH", "DEP", "SENT_START", "ENT_IOB"):
        assert not found.has_annotation(attribute)


def message_of(*docs):
    docbin = DocBin(attrs=["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE", "POS", "SENT_START"])
    for doc in docs:
        docbin.add(doc)
    return srsly.msgpack_loads(zlib.decompress(docbin.to_bytes()))


def pack(message):
    return zlib.compress(srsly.msgpack_dumps(message))


def with_token(message, column, value):
    tokens = np.frombuffer(message["tokens"], dtype="uint64").copy()
    tokens[column] = value
    return {**message, "tokens": tokens.tobytes()}


TWO = [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda m: {**m, "cats": []}, "2 Docs and cats of 0"),
        (lambda m: {**m, "flags": [{}]}, "flags of 1"),
        (lambda m: {**m, "span_groups": [b""] * 3}, "span_groups of 3"),
        (lambda m: {**m, "user_data": []}, "user_data of 0"),
        (lambda m: {**m, "lengths": np.array([2, 9], "int32").tobytes()}, "don't fit its tokens"),
        (lambda m: {**m, "lengths": np.array([4, -1], "int32").tobytes()}, "don't fit its tokens"),
        (lambda m: {**m, "spaces": b""}, "more or fewer spaces"),
        (lambda m: {**m, "tokens": m["tokens"][:-1]}, "cut short"),
        (lambda m: {**m, "attrs": []}, "attributes"),
        (lambda m: {**m, "attrs": [*m["attrs"][1:], 77]}, "attributes"),
        (lambda m: {**m, "attrs": [*m["attrs"][:-1], 123456]}, "attributes"),
        (lambda m: {**m, "attrs": "x"}, "attrs"),
        (lambda m: {**m, "strings": [1]}, "strings"),
        (lambda m: {**m, "strings": []}, "a ORTH that stands for nothing"),
        (lambda m: {k: v for k, v in m.items() if k != "spaces"}, "spaces"),
        (lambda m: with_token(m, 1, 7), "a POS that stands for nothing"),
        (lambda m: with_token(m, 0, 12345678901), "a ORTH that stands for nothing"),
        (lambda m: [1, 2], "valid dictionary"),
    ],
)
def test_a_crafted_docbin_is_refused(tmp_path, change, said):
    vocab = blank_vocab("xx")
    message = message_of(*(Doc(vocab, words=words) for words in TWO))
    path = tmp_path / "x.spacy"
    path.write_bytes(pack(message))
    assert len(read_docbin(path)) == 2
    path.write_bytes(pack(change(message)))
    with pytest.raises(InputError, match=said) as info:
        list(read_docs(path, blank_vocab("xx")))
    assert info.value.path == str(path)


def test_what_fails_only_when_a_doc_is_built_is_refused_too(tmp_path):
    message = message_of(Doc(blank_vocab("xx"), words=["a"]))
    path = tmp_path / "x.spacy"
    for broken in ({"span_groups": [b"\xc1"]}, {"user_data": [b"\xc1"]}, {"cats": [{1: 2}]}):
        path.write_bytes(pack({**message, **broken}))
        with pytest.raises(InputError, match=r"x\.spacy: "):
            list(read_docs(path, blank_vocab("xx")))


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(docs, "MOST_UNPACKED", 1000)
    bomb = zlib.compress(b"\0" * 10_000_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        parse_docbin(bomb, "x.spacy")


def test_changed_bytes_are_read_or_refused():
    whole = zlib.decompress(DocBin(docs=[full_doc()], store_user_data=True).to_bytes())
    chance = random.Random(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            for doc in docs_of(parse_docbin(zlib.compress(bytes(data)), "x"), blank_vocab("xx"), "x"):
                assert len([t.tag_ + t.lemma_ + t.ent_id_ for t in doc]) == len(doc)
        except InputError:
            refused += 1
    assert 0 < refused < 300


def test_parts_and_wholes():
    vocab = blank_vocab("xx")
    old = DocBin(attrs=["ORTH", "ENT_IOB"], store_user_data=True)
    new = DocBin(attrs=["ORTH", "ENT_IOB", "TAG"], store_user_data=True)
    for docbin, words in ((old, ["a"]), (old, ["b", "c"]), (new, ["d"])):
        docbin.add(Doc(vocab, words=words, tags=["T"] * len(words), user_data={"n": words[0]}))
    whole = joined([old, new])
    found = list(part_of(whole, [2, 1]).get_docs(blank_vocab("xx")))
    assert [doc.text for doc in found] == ["d ", "b c "]
    assert [doc.user_data["n"] for doc in found] == ["d", "b"]
    assert [[t.tag_ for t in doc] for doc in found] == [["T"], ["", ""]]
