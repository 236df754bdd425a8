"""The translation store: once over runs and processes, locked, killed, corrupt."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.translation.noop import NoOp
from xner_spacy.translation.store import Stored
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
    with pytest.raises(XnerError, match="does not say what it is"):
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
    count, distinct = store.connection.execute(
        "SELECT count(*), count(DISTINCT source) FROM translations"
    ).fetchone()
    assert count == distinct >= 3000
