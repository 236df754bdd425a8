"""Exports of annotation tools: character spans become entities of whole tokens, and what does not is counted."""

import json
from collections import Counter

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.corpora.formats.jsonl import read_jsonl
from xner_spacy.errors import InputError

TEXT = "Eva Lind reste  till\nBergen."


def read(tmp_path, records, layout=None, name="x.jsonl"):
    path = tmp_path / name
    if layout == "labelstudio":
        path.write_text(json.dumps(records, indent=1), encoding="utf8")
    else:
        lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
        path.write_text("\n".join(lines) + "\n", encoding="utf8")
    counts = Counter()
    docs = list(read_jsonl(path, layout, spacy.blank("xx"), counts))
    return [[(e.text, e.label_) for e in doc.ents] for doc in docs], +counts, docs


PER, LOC = ("Eva Lind", "PER"), ("Bergen", "LOC")


@pytest.mark.parametrize(
    "layout, record",
    [
        ("prodigy", {"text": TEXT, "spans": [{"start": 0, "end": 8, "label": "PER"}, {"start": 21, "end": 27, "label": "LOC"}]}),
        ("doccano", {"id": 1, "text": TEXT, "label": [[0, 8, "PER"], [21, 27, "LOC"]]}),
        ("doccano", {"id": 1, "text": TEXT, "labels": [[0, 8, "PER"], [21, 27, "LOC"]]}),
        ("doccano", {"id": 1, "data": TEXT, "label": [[0, 8, "PER"], [21, 27, "LOC"]]}),
        ("doccano", {"id": 1, "text": TEXT, "entities": [
            {"id": 7, "label": "PER", "start_offset": 0, "end_offset": 8},
            {"id": 8, "label": "LOC", "start_offset": 21, "end_offset": 27}], "relations": []}),
    ],
)  # fmt: skip
def test_layouts(tmp_path, layout, record):
    assert read(tmp_path, [record], layout)[:2] == ([[PER, LOC]], {})
    if "data" not in record:
        assert read(tmp_path, [record])[:2] == ([[PER, LOC]], {})


def test_label_studio(tmp_path):
    text = "😀 Eva Lind, Bergen"
    result = [
        {"type": "labels", "value": {"start": 2, "end": 10, "text": "Eva Lind", "labels": ["PER"]}},
        {"type": "choices", "value": {"choices": ["news"]}},
        # counted in UTF-16, as a browser does
        {"type": "labels", "value": {"start": 13, "end": 19, "text": "Bergen", "labels": ["LOC"]}},
    ]
    tasks = [
        {"data": {"text": text}, "annotations": [{"result": result}, {"result": []}]},
        {"data": {"text": "x"}, "annotations": []},
        {"data": {"text": "y"}, "annotations": [{"result": [], "was_cancelled": True}]},
        {"text": text, "label": [{"start": 12, "end": 18, "text": "Bergen", "labels": ["LOC"]}]},
    ]
    found, counts, _ = read(tmp_path, tasks, "labelstudio")
    assert found == [[PER, LOC], [LOC]]
    assert counts == {
        "annotations left out: a text has several, and the first counts": 1,
        "records left out: not annotated": 2,
    }
    tasks[3]["label"][0]["text"] = "Oslo"
    with pytest.raises(InputError, match=r"task 4.*offsets of 'Oslo' point to 'Bergen'"):
        read(tmp_path, tasks, "labelstudio")


def test_spans_are_snapped_and_counted(tmp_path):
    spans = [(0, 6, "PER"), (20, 27, "LOC"), (14, 16, "X"), (4, 8, "Y")]
    found, counts, _ = read(tmp_path, [{"text": TEXT, "label": spans}])
    assert found == [[PER, LOC]]
    assert counts == {
        "spans widened to whole tokens": 1,
        "entities left out: no token that can be seen": 1,
        "entities left out: another one overlaps them": 1,
    }


def test_what_prodigy_rejected_is_no_gold(tmp_path):
    records = [
        {"text": "Eva", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": answer}
        for answer in ("accept", "reject", "ignore")
    ]
    found, counts, _ = read(tmp_path, records)
    assert found == [[("Eva", "PER")]]
    assert counts == {"records left out: answered reject or ignore": 2}


def test_tokens_of_the_tool_are_kept_where_they_cover_the_text(tmp_path):
    tokens = [{"start": 0, "end": 1}, {"start": 1, "end": 3}, {"start": 4, "end": 6}]
    record = {"text": "Eva ok", "tokens": tokens, "spans": [{"start": 1, "end": 3, "label": "X"}]}
    found, counts, docs = read(tmp_path, [record])
    assert ([t.text for t in docs[0]], found, counts) == (["E", "va", "ok"], [[("va", "X")]], {})
    record["tokens"] = tokens[:1]
    found, counts, docs = read(tmp_path, [record])
    assert [t.text for t in docs[0]] == ["Eva", "ok"] and found == [[("Eva", "X")]]
    assert counts["records tokenised anew: their tokens don't cover the text"] == 1


def test_a_text_that_is_too_long_is_counted(tmp_path):
    records = [{"text": "a " * 500_001, "spans": []}, {"text": "b", "spans": []}]
    found, counts, _ = read(tmp_path, records)
    assert (found, counts) == ([[]], {"sentences left out: over 1,000,000 characters": 1})


@pytest.mark.parametrize(
    "record, said",
    [
        ("[1]", "--from labelstudio"),
        ("3", "no JSON object"),
        ("{", "is not JSON"),
        ({"text": "a"}, "neither"),
        ({"text": "a", "spans": [], "label": []}, "has both"),
        ({"text": None, "spans": []}, 'no "text"'),
        ({"text": "a", "spans": [{"start": 0, "end": 2, "label": "X"}]}, "not inside its text"),
        ({"text": "a", "spans": [{"start": 1, "end": 1, "label": "X"}]}, "not inside its text"),
        ({"text": "a", "spans": [{"start": "0", "end": 1, "label": "X"}]}, "is no span"),
        ({"text": "a", "spans": [{"start": 0, "end": 1, "label": ""}]}, "is no span"),
        ({"text": "a", "spans": [3]}, "is no span"),
        ({"text": "a", "label": [[0, 1]]}, "is no span"),
        ({"text": "a", "spans": [], "tokens": 3}, "is no list"),
        ('{"text": "\\ud800", "spans": []}', "surrogate"),
    ],
)
def test_broken_records_name_the_line(tmp_path, record, said):
    good = {"text": "Eva", "spans": []}
    with pytest.raises(InputError, match=said) as info:
        read(tmp_path, [good, record])
    assert info.value.line == 2


@given(st.text(alphabet="aB. \n\t\u00a0😀-", min_size=1, max_size=15), st.data())
def test_every_mark_is_an_entity_or_counted(tmp_path_factory, text, data):
    spans = []
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text) - 1))
        spans.append([start, data.draw(st.integers(start + 1, len(text))), "X"])
    found, counts, docs = read(tmp_path_factory.mktemp("x"), [{"text": text, "label": spans}])
    lost = sum(n for what, n in counts.items() if "left out" in what)
    assert len(found[0]) + lost == len(spans)
    assert docs[0].text == text
    assert all(e.text.strip() == e.text for e in docs[0].ents)
