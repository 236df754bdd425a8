"""The translation store: once over runs and processes, locked, killed, corrupt."""

import os
import pickle
import random
import signal
import sqlite3
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.errors import XnerError
from xner_spacy.translation.given_bitext import NoOp
from xner_spacy.translation.store import Stored, _load, _save
from xner_spacy.types import Translation


class Upper:
    """Upper-cases, and counts what it is asked for."""

    def __init__(self, revision: str = "1") -> None:
        self.identity: Dict[str, Any] = {"engine": "upper", "revision": revision}
        self.asked: list = []

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for text in texts:
            self.asked.append(text)
            fault = "empty" if text == "bad" else None
            yield Translation(None if fault else text.upper(), -0.5, 1, fault, (("X", -1.0),))


def test_once_over_runs(tmp_path: Path) -> None:
    inner = Upper()
    store = Stored(inner, tmp_path / "s.db")
    texts = ["a", "b", "a", "bad", "c" * 5000]
    first = list(store(texts))
    assert inner.asked == ["a", "b", "bad", "c" * 5000]
    assert first == list(Upper()(texts))
    store.close()
    again = Stored(Upper(), tmp_path / "s.db")
    assert list(again(texts)) == first
    assert again.translator.asked == [] and again.hits == 4  # type: ignore[attr-defined]
    other = Stored(Upper("2"), tmp_path / "s.db")
    list(other(["a"]))
    assert other.misses == 1


def test_a_translator_without_identity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match="has no `identity`"):
        Stored(lambda texts: iter(()), tmp_path / "s.db")


def test_locked(tmp_path: Path) -> None:
    store = Stored(NoOp(), tmp_path / "s.db", wait=0.2)
    list(store(["a"]))
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert [t.text for t in store(["a"])] == ["a"]  # readers do not wait
    with pytest.raises(XnerError, match="locked by another process"):
        list(store(["b"]))
    other.execute("ROLLBACK")
    assert [t.text for t in store(["b"])] == ["b"]


def test_disk_full(tmp_path: Path) -> None:
    """SQLite may not have one page more: what it says then is what it says of a full disk."""
    store = Stored(Upper(), tmp_path / "s.db")
    texts = [f"{k} " + "text " * 20 for k in range(1000)]
    (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
    store.connection.execute(f"PRAGMA max_page_count = {pages + 45}")
    with pytest.raises(XnerError, match="disk is full"):
        list(store(texts))
    store.close()
    again = Stored(Upper(), tmp_path / "s.db")
    assert [t.text for t in again(texts)] == [t.upper() for t in texts]
    # What was written before the disk was full is kept: pieces of 256 texts, whole.
    assert again.hits in (256, 512, 768)
    assert again.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_corrupt(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"no database" * 500)
    with pytest.raises(XnerError, match="not a usable translation store"):
        list(Stored(NoOp(), tmp_path / "s.db")(["a"]))


@pytest.mark.parametrize(
    "row",
    [
        "[]",
        "",
        "{}",
        "not json",
        '["X"]',
        "[5, -0.5, 1, null, []]",
        '["X", "high", 1, null, []]',
        '["X", -0.5, 1, null, [["Y"]]]',
        '["X", -0.5, 1, null, 5]',
        '["X", NaN, 1, null, []]',
        '["\\ud800", -0.5, 1, null, []]',
        "[" * 5000,
        b"\xff",
        7,
    ],
)
def test_a_row_that_holds_no_translation_is_made_anew(
    tmp_path: Path, row: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first = Stored(Upper(), tmp_path / "s.db")
    wanted = list(first(["a", "b"]))
    first.connection.execute("UPDATE translations SET translation = ? WHERE source = 'a'", (row,))
    first.close()
    again = Stored(Upper(), tmp_path / "s.db")
    assert list(again(["a", "b"])) == wanted
    assert again.translator.asked == ["a"] and again.damaged == 1  # type: ignore[attr-defined]
    assert "1 stored translations can't be read" in caplog.text
    third = Stored(Upper(), tmp_path / "s.db")
    assert list(third(["a", "b"])) == wanted and not third.misses


@given(
    st.builds(
        Translation,
        st.none() | st.text(),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.integers(0, 9),
        st.sampled_from([None, "empty", "length"]),
        st.lists(st.tuples(st.text(), st.none() | st.floats(-9, 0))).map(tuple),
    )
)
def test_what_is_written_is_read(translation: Translation) -> None:
    assert _load(_save(translation)) == translation


def test_a_score_that_is_no_number_is_stored_as_none(tmp_path: Path) -> None:
    class Odd(Upper):
        def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
            return (Translation(text, float("nan")) for text in texts)

    for _ in range(2):
        store = Stored(Odd(), tmp_path / "s.db")
        assert list(store(["a"])) == [Translation("a", None)] and not store.damaged


def test_several_threads_use_one_store(tmp_path: Path) -> None:
    inner = Upper()
    store = Stored(inner, tmp_path / "s.db", batch_size=7)
    texts = [f"text {k}" for k in range(100)]
    assert [t.text for t in store(["opened in this thread"])] == ["OPENED IN THIS THREAD"]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: list(store(texts)), range(8)):
            assert [t.text for t in found] == [t.upper() for t in texts]
    assert sorted(inner.asked[1:]) == sorted(texts)  # nothing was translated twice
    store.close()


def test_a_store_that_a_thread_holds_can_be_used_after_a_fork(tmp_path: Path) -> None:
    store = Stored(Upper(), tmp_path / "s.db")
    list(store(["a"]))
    store._lock.acquire()
    child = os.fork()
    if child == 0:
        ok = False
        try:
            thread: list = []
            worker = threading.Thread(target=lambda: thread.extend(store(["a", "b"])))
            worker.start()
            worker.join(20)
            ok = [t.text for t in thread] == ["A", "B"]
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    store._lock.release()


def test_it_can_be_pickled(tmp_path: Path) -> None:
    store = Stored(NoOp(), tmp_path / "s.db")
    list(store(["a"]))
    again = pickle.loads(pickle.dumps(store))
    assert [t.text for t in again(["a"])] == ["a"] and again.hits == store.hits + 1


def test_composed_or_not_it_is_one_text(tmp_path: Path) -> None:
    inner = Upper()
    store = Stored(inner, tmp_path / "s.db")
    texts = [unicodedata.normalize(form, "Þórður í París") for form in ("NFC", "NFD")]
    assert texts[0] != texts[1]
    assert [t.text for t in store(texts)] == [texts[0].upper()] * 2
    assert inner.asked == [texts[0]]


class Counted(Upper):
    """Gives too few or too many."""

    def __init__(self, difference: int) -> None:
        super().__init__()
        self.difference = difference

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        found = [Translation(text) for text in texts]
        return iter([*found, Translation("more")][: len(found) + self.difference])


@pytest.mark.parametrize("difference, given", [(-1, "299"), (1, "more than 300")])
def test_too_few_or_too_many_is_an_error_that_names_the_part(tmp_path: Path, difference: int, given: str) -> None:
    store = Stored(Counted(difference), tmp_path / "s.db")
    with pytest.raises(XnerError, match=f"Counted gave {given} translations for 300 texts"):
        list(store([f"text {k}" for k in range(300)]))


def test_what_may_go_better_next_time_is_not_kept(tmp_path: Path) -> None:
    class Broken(Upper):
        def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
            for text in texts:
                self.asked.append(text)
                yield Translation(None, fault="failed")

    for _ in range(2):
        inner = Broken()
        assert [t.fault for t in Stored(inner, tmp_path / "s.db")(["a"])] == ["failed"]
        assert inner.asked == ["a"]


def stored_pipeline(folder: Path, path: str, initialize: bool = False) -> None:
    nlp = spacy.blank("xx")
    noop = {"@xner_translators": "xner.NoOp.v1"}
    part = {"@xner_translators": "xner.Stored.v1", "path": path, "translator": noop}
    nlp.add_pipe("xner_translator", config={"translator": part})
    if initialize:
        nlp.initialize()
    nlp.to_disk(folder)


@pytest.mark.parametrize("path", ["made.sqlite", "new/folder/made.db", "../made.db", "{tmp}/made"])
def test_a_pipeline_that_is_loaded_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("XNER_STORE_FOLDER", raising=False)
    stored_pipeline(work / "model", path.format(tmp=tmp_path))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(XnerError, match=r"may not create one.*XNER_STORE_FOLDER"):
        list(load_pipeline("model").pipe(["Ana"]))
    assert sorted(tmp_path.rglob("*")) == before
    # The user's own setting allows it, for one folder.
    monkeypatch.setenv("XNER_STORE_FOLDER", str(work / "stores"))
    with pytest.raises(XnerError, match="may not create one"):
        list(load_pipeline("model").pipe(["Ana"]))
    monkeypatch.setenv("XNER_STORE_FOLDER", str(tmp_path))
    assert len(list(load_pipeline("model").pipe(["Ana"]))) == 1


def test_a_store_is_made_when_the_pipeline_is_initialised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stored_pipeline(tmp_path / "model", "stores/s.db", initialize=True)
    assert (tmp_path / "stores" / "s.db").exists()
    (doc,) = load_pipeline("model").pipe(["Ana"])
    assert doc._.xner_source.text == "Ana"


def test_a_file_that_is_no_store_is_not_touched(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE cookies (name TEXT)")
    other.commit()
    other.close()
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(XnerError, match="not a translation store"):
        list(Stored(NoOp(), tmp_path / "other.db")(["a"]))
    assert (tmp_path / "other.db").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.db"]


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "s.db").mkdir()
    with pytest.raises(XnerError, match=r"s\.db: the translation store can't be opened"):
        list(Stored(NoOp(), tmp_path / "s.db")(["a"]))


def test_a_file_cut_short(tmp_path: Path) -> None:
    store = Stored(Upper(), tmp_path / "s.db")
    list(store([f"{k} " * 50 for k in range(500)]))
    store.close()
    data = (tmp_path / "s.db").read_bytes()
    for size in (50, 3000, len(data) // 2):
        (tmp_path / "s.db").write_bytes(data[:size])
        with pytest.raises(XnerError, match="not a usable translation store"):
            list(Stored(NoOp(), tmp_path / "s.db")([f"{k} " * 50 for k in range(500)]))


def write_forever(path: Path) -> int:
    """Fork a process that fills the store. RETURNS (int): Its id."""
    child = os.fork()
    if child == 0:
        try:
            store = Stored(Upper(), path, batch_size=50)
            for k in range(0, 200_000, 50):
                list(store([f"text {n}" for n in range(k, k + 50)]))
        finally:
            os._exit(0)
    return child


def test_killed_writers_leave_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    rng = random.Random(0)
    for _ in range(12):
        two = [write_forever(path), write_forever(path)]
        time.sleep(0.02 + rng.random() * 0.2)
        for child in two:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    store = Stored(Upper(), path)
    texts = [f"text {n}" for n in range(3000)]
    assert [t.text for t in store(texts)] == [t.upper() for t in texts]
    assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    count, distinct = store.connection.execute("SELECT count(*), count(DISTINCT source) FROM translations").fetchone()
    assert count == distinct >= 3000


def test_a_store_whose_names_are_no_text_is_named(tmp_path: Path) -> None:
    """SQLite then tells what is wrong in bytes that can't be read, and Python raises UnicodeDecodeError for them."""
    path = tmp_path / "store.sqlite"
    store = Stored(Upper(), path)
    list(store(["a"]))
    store.close()
    # The name of an index that belongs to a table stands in the file as text.
    data = path.read_bytes().replace(b"sqlite_autoindex_engines_1", b"sqlite_autoindex_engin\xe5s_1")
    path.write_bytes(data)
    with pytest.raises(XnerError, match=r"store\.sqlite: not a usable translation store"):
        list(Stored(Upper(), path)(["a"]))
