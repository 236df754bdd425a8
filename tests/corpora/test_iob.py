from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.training import iob_to_biluo, iob_utils

from xner_spacy.corpora.formats.columns import TaggedSentence, read_columns
from xner_spacy.corpora.formats.schemes import entities_to_tags, tags_to_entities
from xner_spacy.corpora.write import as_iob
from xner_spacy.errors import InputError
from xner_spacy.types import Entity

words = st.text(st.characters(codec="utf8", exclude_categories=("Z", "C")), min_size=1, max_size=6)


@st.composite
def sentences(draw):
    tokens = draw(st.lists(words, min_size=1, max_size=12))
    entities, position = [], 0
    while position < len(tokens):
        start = draw(st.integers(position, len(tokens) - 1))
        end = draw(st.integers(start + 1, len(tokens)))
        if draw(st.booleans()):
            entities.append(Entity(start, end, draw(st.sampled_from(["PER", "LOC", "ORG"]))))
        position = end
    return TaggedSentence(tokens, entities)


@given(st.lists(sentences(), min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path_factory, corpus):
    path = tmp_path_factory.mktemp("iob") / "x.iob"
    path.write_text("".join(map(as_iob, corpus)), encoding="utf8")
    found = list(read_columns(path))
    assert [(s.words, s.entities) for s in found] == [(s.words, s.entities) for s in corpus]


@given(sentences())
def test_tags_round_trip(sentence):
    tags = entities_to_tags(len(sentence.words), sentence.entities)
    assert tags_to_entities(tags) == sentence.entities


@given(sentences())
def test_spans_of_tags_are_those_of_spacy(sentence):
    tags = entities_to_tags(len(sentence.words), sentence.entities)
    spans = iob_utils.tags_to_entities(iob_to_biluo(tags))
    assert [(label, start, end - 1) for start, end, label, *_ in tags_to_entities(tags)] == spans


def test_overlapping_spans_are_refused():
    with pytest.raises(ValueError, match="overlaps"):
        entities_to_tags(3, [Entity(0, 2, "PER"), Entity(1, 3, "LOC")])
    with pytest.raises(ValueError, match="leaves the sentence"):
        entities_to_tags(3, [Entity(2, 4, "PER")])


def write(tmp_path, text, name="x.iob"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))
    return path


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("a\tO\nb\tI-PER\n", 2, "opens an entity"),
        ("a\tB-LOC\nb\tI-PER\n", 2, "opens an entity"),
        ("a\n", 1, "1 column"),
        ("a\tO\tx\n", 1, "3 columns"),
        ("a\tO\nb O\n", 2, "mixes separators"),
        ("a O\nb\tO\n", 2, "mixes separators"),
        ("a\tX-PER\n", 1, "not an IOB2 tag"),
        ("a\tB-\n", 1, "not an IOB2 tag"),
        ("a\tO\n\n\nb\tO\n", 3, "empty sentence"),
        ("\na\tO\n", 1, "empty sentence"),
        ("\u200b\tO\n", 1, "nothing that can be seen"),
        ("\u00a0\tO\n", 1, "nothing that can be seen"),
        (b"a\tO\nb\tO\0\n", 2, "zero byte"),
        (b"a\tO\nb\xff\tO\n", 2, "not UTF-8"),
        ("", None, "empty"),
        ("\n\n", None, "empty"),
    ],
)
def test_broken_files_name_the_line(tmp_path, text, line, message):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as info:
        list(read_columns(path))
    assert info.value.line == line
    assert info.value.path == str(path)


def test_unknown_label(tmp_path):
    path = write(tmp_path, "a\tO\nb\tB-DATE\n")
    with pytest.raises(InputError, match="unknown label 'DATE'") as info:
        list(read_columns(path, labels=["PER"]))
    assert info.value.line == 2


def test_repair_mends_and_counts(tmp_path):
    text = b"\xef\xbb\xbfa\tI-PER\r\n\xe2\x80\x8b\tB-LOC\r\nb\tI-LOC\r\nc\tI-LOC\r\n\r\n\r\nd\tO\r\n"
    counts = Counter()
    found = list(read_columns(write(tmp_path, text), repair=True, counts=counts))
    assert [s.words for s in found] == [["a", "b", "c"], ["d"]]
    assert found[0].entities == [Entity(0, 1, "PER"), Entity(1, 3, "LOC")]
    assert +counts == {
        "repaired opening I-": 1,
        "repaired invisible token": 1,
        "repaired blank line": 1,
        "byte order mark left out": 1,
        "Windows line ends (CRLF) read as line ends": 7,
    }


def test_repair_counts_what_has_no_visible_token(tmp_path):
    text = "a\tO\n\n\u200b\tB-PER\n\nb\tO\n"
    counts = Counter()
    found = list(read_columns(write(tmp_path, text), repair=True, counts=counts))
    assert [s.words for s in found] == [["a"], ["b"]]
    assert counts["sentences left out: no token that can be seen"] == 1
    assert counts["entities left out: no token that can be seen"] == 1


def test_trailing_blank_lines_are_no_sentence(tmp_path):
    assert len(list(read_columns(write(tmp_path, "a\tO\n\n\n\n")))) == 1


def test_iob1(tmp_path):
    path = write(tmp_path, "a I-PER\nb I-PER\nc B-PER\n")
    [found] = read_columns(path, "iob1")
    assert found.entities == [Entity(0, 2, "PER"), Entity(2, 3, "PER")]


def test_uner_and_panx(tmp_path):
    uner = write(tmp_path, "# text = a b\n1\ta\tB-PER\t-\t-\n2\tb\tO\t-\t-\n", "x.iob2")
    assert [s.words for s in read_columns(uner, "uner")] == [["a", "b"]]
    panx = write(tmp_path, "0\ta\tB-ORG\n1\tb\tI-ORG\n")
    [found] = read_columns(panx, "panx")
    assert found.entities == [Entity(0, 2, "ORG")]


def test_a_token_that_starts_with_a_hash_is_no_comment(tmp_path):
    [found] = read_columns(write(tmp_path, "1\t#tag\tO\t-\t-\n"), "uner")
    assert found.words == ["#tag"]


def test_real_files(shared):
    counts = {
        ("iob2", "europarl-ner/de-europarl.test.conll02"): (799, 693),
        ("uner", "uner/en_pud/en_pud-ud-test.iob2"): (1000, 1075),
        ("panx", "wikiann-es/test.conllu"): (10000, 12260),
    }
    for (style, place), expected in counts.items():
        found = list(read_columns(shared / place, style))
        assert (len(found), sum(len(s.entities) for s in found)) == expected
