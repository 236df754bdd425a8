"""Runs are read in pages, and the index finds what a look at every sentence finds."""

import json
import sqlite3
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.helpers import xner
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.docdata import FAULT_KEY, SPANS_KEY
from xner_spacy.errors import InputError, XnerError
from xner_spacy.languages import blank_vocab
from xner_spacy.report.view.comparing import Rows, names_of
from xner_spacy.report.view.index import (
    ERROR,
    LABEL,
    MARK,
    ORDERS,
    REASON,
    Index,
    Query,
    counts_of,
    facts_of,
    first_in_order,
)
from xner_spacy.report.view.pages import parse_query, write_page
from xner_spacy.report.view.runs import open_run
from xner_spacy.types import Entity

from .toy import gold_file, other_run, toy_docs, toy_run


def all_rows(rows: Rows) -> List[Any]:
    return rows.read(range(len(rows)))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("runs")
    run, other, gold = (
        toy_run(folder / "a.spacy", 3),
        other_run(folder / "b.spacy", 3),
        gold_file(folder / "g.spacy", 3),
    )
    return Rows(run, other, gold)


@pytest.fixture(scope="module")
def index(rows: Rows) -> Iterator[Index]:
    index = Index(rows)
    index.fill()
    yield index
    index.close()


def expected(rows: Rows, query: Query) -> List[int]:
    """What fits a query, found one sentence at a time, in its order."""
    found = []
    for row in all_rows(rows):
        panels = row.panels
        texts = [text.casefold() for panel in panels for text in (panel.text, panel.source_text)]
        spans = [
            span for panel in panels for span in panel.spans
            if (not query.label or span.label == query.label)
            and ((query.low, query.high) == (0, 1) or (span.score is not None and query.low <= span.score <= query.high))
        ]  # fmt: skip
        fits = [
            any(query.text.casefold() in text for text in texts),
            spans or not (query.label or (query.low, query.high) != (0, 1)),
            not query.reason or any(loss.reason == query.reason for panel in panels for loss in panel.lost),
            not query.error or any(pairing.kind == query.error for panel in panels for pairing in panel.errors),
            not query.differs or row.differs,
            not query.noted or row.notes or any(panel.notes for panel in panels),
        ]
        if all(fits):
            found.append((row.lowest_score, row.number))
    sign = {"text": 0, "doubt": 1, "sure": -1}[query.order]
    return [n for _, n in sorted(found, key=lambda f: (bool(sign) and f[0] is None, sign * (f[0] or 0), f[1]))]


queries = st.builds(
    Query,
    text=st.sampled_from(["", "anna", "ANNA", "strasse", "<script>", "nowhere", "%", "_", "'"]),
    label=st.sampled_from(["", "PER", "LOC", "ORG", "NONE"]),
    low=st.sampled_from([0.0, 0.4, 0.8]),
    high=st.sampled_from([1.0, 0.9, 0.45]),
    reason=st.sampled_from(["", "no_links", "no_candidate"]),
    error=st.sampled_from(["", "missing", "type", "spurious"]),
    differs=st.booleans(),
    noted=st.booleans(),
    order=st.sampled_from(["text", "doubt", "sure"]),
)


@settings(max_examples=200)
@given(queries, st.integers(0, 8))
def test_the_index_finds_what_is_there(rows: Rows, index: Index, query: Query, start: int) -> None:
    found = expected(rows, query)
    assert index.find(query, start, 4) == (len(found), found[start : start + 4])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [0, 1, 5, 100])
def test_what_comes_first_is_the_same_without_an_index(rows: Rows, index: Index, order: str, limit: int) -> None:
    ticks: List[int] = []
    assert first_in_order(rows, order, limit, ticks.append) == index.find(Query(order=order), 0, limit)[1]
    assert sum(ticks) == (0 if order == "text" else len(rows))


def test_some_sentences_fit_the_queries_of_that_test(rows: Rows, index: Index) -> None:
    for query, total in [
        (Query(label="PER"), 9), (Query(label="PER", high=0.45), 3), (Query(reason="no_links"), 3), (Query(differs=True), 9),
        (Query(error="missing"), 6), (Query(text="STRASSE"), 3), (Query(error="type"), 6),
    ]:  # fmt: skip
        assert index.find(query, 0)[0] == total, query


def test_counts_are_those_of_the_facts(rows: Rows, index: Index) -> None:
    facts = [facts_of(row) for row in all_rows(rows)]
    assert index.counts() == counts_of(facts)
    counts = index.counts()
    assert counts[LABEL] == {"LOC": 6, "ORG": 3, "PER": 9}
    assert counts[REASON] == {"no_candidate": 3, "no_links": 3}
    assert counts[ERROR]["missing"] == 6 and counts[MARK] == {"differs": 9}


def test_errors_by_kind(rows: Rows) -> None:
    errors = [[pairing.kind for pairing in panel.errors] for panel in all_rows(rows)[0].panels]
    assert errors == [["correct", "correct"], ["correct", "type"]]


def test_a_folder_is_read_a_shard_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_run(tmp_path / "in.spacy", 20)
    assert xner("convert", tmp_path / "in.spacy", tmp_path / "run", "--shard-size", "10").code == 0
    from xner_spacy.report.view import runs

    texts = [doc.text for doc in toy_docs()]
    opened: List[str] = []
    read = runs.read_docbin
    monkeypatch.setattr(runs, "read_docbin", lambda path: opened.append(path.name) or read(path))
    run = open_run(tmp_path / "run")
    # How many sentences there are is known from the manifest.
    assert (len(run), opened) == (100, [])
    assert [s.text for s in run.read([57, 58, 3])] == [texts[k] for k in (2, 3, 3)]
    assert opened == ["00005.spacy", "00000.spacy"]
    assert [s.text for s in run.read(range(100))] == texts * 20
    # The first was still open.
    assert opened[2:] == [f"{k:05d}.spacy" for k in range(1, 10)]


def test_the_json_of_xner_project(tmp_path: Path) -> None:
    (tmp_path / "en.iob").write_text("Anna\tB-PER\nlives\tO\nin\tO\nOslo\tB-LOC\n\nNo\tO\n\n")
    (tmp_path / "is.txt").write_text("Anna býr hér\nNei\n", encoding="utf8")
    (tmp_path / "links").write_text("0-0 1-1\n0-0\n")
    done = xner("project", tmp_path / "en.iob", tmp_path / "is.txt", "-o", tmp_path / "is.iob", "--links",
                tmp_path / "links", "--json", tmp_path / "run.json", "-p", "heuristic")  # fmt: skip
    assert done.code == 0, done.err
    first, second = open_run(tmp_path / "run.json").read([0, 1])
    assert (first.text, first.source_text) == ("Anna býr hér", "Anna lives in Oslo")
    assert [(s.start, s.end, s.label, s.source) for s in first.spans] == [(0, 1, "PER", (0, 1))]
    assert [tuple(loss) for loss in first.lost] == [(3, 4, "LOC", "no_links")]
    assert list(first.links) == [(0, 0, 1.0), (1, 1, 1.0)]
    assert second.text == "Nei" and not second.spans


@pytest.mark.parametrize(
    "content, message",
    [
        ({"sentences": [{"spans": [], "unprojected": []}]}, "without the words of their sentences"),
        ({"f1": 1}, "holds no projected sentences"),
        ([], "holds no projected sentences"),
        ({"sentences": []}, "is empty"),
    ],
)
def test_other_json(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        open_run(tmp_path / "x.json")


ROW = {
    "target": ["a", "b"], "source": ["c"], "links": [[0, 1, 0.5]],
    "spans": [{"start": 0, "end": 1, "label": "X", "source": [0, 1], "score": 0.5}], "unprojected": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"links": [[0, 2, 0.5]]}, {"links": [[0, 0]]}, {"links": 3}, {"target": "ab"}, {"unprojected": [{"start": 0}]},
        {"spans": [{"start": 1, "end": 3, "label": "X", "source": [0, 1], "score": 0.5}]}, {"spans": [{}]},
        {"spans": ROW["spans"] * 2}, {"unprojected": [{"start": 0, "end": 2, "label": "X", "reason": "x"}]},
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, change: Any) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"sentences": [ROW, {**ROW, **change}]}))
    run = open_run(tmp_path / "x.json")
    assert next(iter(run.read([0]))).text == "a b"
    with pytest.raises(InputError, match=r"x\.json") as error:
        list(run.read([1]))
    assert "sentence 2" in error.value.hint


def test_spans_that_point_outside_the_reading_are_an_error(tmp_path: Path) -> None:
    docs = toy_docs()
    docs[1].spans[SPANS_KEY].attrs["unprojected"][0]["end"] = 99
    write_docbin(tmp_path / "x.spacy", docs)
    with pytest.raises(InputError, match=r"x.spacy: is not a DocBin of xner .*no tokens from 3 to 99"):
        list(open_run(tmp_path / "x.spacy").read(range(5)))


def test_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text")
    (tmp_path / "x.spacy").write_text("text")
    for path, message in [(tmp_path / "none", "no such"), (tmp_path / "x.txt", "none of the runs"),
                          (tmp_path, "x.spacy: is not a DocBin")]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            open_run(path)


def test_faults_and_other_tokens_are_noted(tmp_path: Path) -> None:
    docs = toy_docs()
    docs[4].user_data[FAULT_KEY] = "missing"
    write_docbin(tmp_path / "a.spacy", docs)
    vocab = blank_vocab("is")
    others = [make_doc(vocab, [t.text for t in doc] if k else ["other"]) for k, doc in enumerate(docs)]
    write_docbin(tmp_path / "b.spacy", others)
    gold = [make_doc(vocab, [t.text for t in doc], [Entity(0, 1, "PER")]) for doc in docs]
    gold[0] = make_doc(vocab, ["other"])
    gold[1].set_ents([], missing=[gold[1][:]], default="missing")
    write_docbin(tmp_path / "g.spacy", gold)
    rows = all_rows(Rows(tmp_path / "a.spacy", tmp_path / "b.spacy", tmp_path / "g.spacy"))
    assert sum("other tokens" in note for note in rows[0].notes) == 2
    assert rows[0].gold is None and not rows[0].differs
    assert rows[1].panels[0].notes == ["Not judged, because gold says nothing of their tokens: 1 spans."]
    assert rows[4].panels[0].notes == ["Not labelled: missing."]


def test_runs_that_do_not_belong_together(tmp_path: Path) -> None:
    a, b, g = toy_run(tmp_path / "a.spacy", 2), toy_run(tmp_path / "b.spacy"), gold_file(tmp_path / "g.spacy")
    for others in ({"against": b}, {"gold": g}):
        with pytest.raises(InputError, match=r"has 5 sentences; .*a\.spacy has 10"):
            Rows(a, **others)
    write_docbin(tmp_path / "none.spacy", [make_doc(blank_vocab("is"), ["x"]) for _ in range(5)])
    docs = [make_doc(blank_vocab("is"), ["x"]) for _ in range(5)]
    for doc in docs:
        doc.set_ents([], default="missing")
    write_docbin(tmp_path / "none.spacy", docs)
    with pytest.raises(InputError, match="holds no annotation"):
        Rows(b, gold=tmp_path / "none.spacy")


def test_a_file_that_breaks_meanwhile_ends_the_index(tmp_path: Path) -> None:
    toy_run(tmp_path / "in.spacy", 20)
    assert xner("convert", tmp_path / "in.spacy", tmp_path / "run", "--shard-size", "10").code == 0
    rows = Rows(tmp_path / "run")
    (tmp_path / "run" / "00004.spacy").write_bytes(b"")
    index = Index(rows)
    index.fill()
    assert index.fault is not None and "00004.spacy" in str(index.fault)
    index.close()


def test_an_index_that_can_not_be_written_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(Rows(toy_run(tmp_path / "a.spacy")))

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index, "_store", full)
    index.fill()
    assert index.fault is not None and "xner-view-" in index.fault.message and "TMPDIR" in index.fault.hint
    index.close()


def test_a_page_without_progress(tmp_path: Path) -> None:
    rows = Rows(toy_run(tmp_path / "a.spacy"))
    assert write_page(rows, tmp_path / "p.html", limit=2, by="sure") == {"sentences": 2, "left out": 3}
    with pytest.raises(XnerError, match="Unknown order 'up'"):
        write_page(rows, tmp_path / "p.html", limit=2, by="up")


def test_names_of_runs() -> None:
    assert names_of(["runs/a/test"]) == ["runs/a/test"]
    assert names_of(["runs/a/test", "/other/b.spacy"]) == ["test", "b.spacy"]
    assert names_of(["runs/a/test", "runs/b/test"]) == ["a/test", "b/test"]
    assert names_of(["a", "a"]) == ["a", "a"]


@pytest.mark.parametrize("name, value", [("order", "up"), ("low", "x"), ("low", "nan"), ("high", "2"), ("page", "-1"),
                                         ("page", "1e99")])  # fmt: skip
def test_addresses_that_make_no_sense(name: str, value: str) -> None:
    with pytest.raises(XnerError, match=f"{value}"):
        parse_query({name: value})
