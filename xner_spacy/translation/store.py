"""`xner.Stored.v1`: any translator with a memory on disk, so that no text is translated twice, over
runs and processes.

The memory is one SQLite file. A translation's key is a checksum of the translator's identity
(engine, model revision, languages, options) and the text; change any of them and the text is
translated anew. Of two processes that translate the same text at the same time the first to write
wins, and both go on with what it wrote: every reader sees one translation of a text.
"""

import hashlib
import json
import os
import sqlite3
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional

from spacy.util import minibatch

from ..errors import XnerError
from ..types import Translation, Translator

SCHEMA = """
CREATE TABLE IF NOT EXISTS translations (
    key BLOB PRIMARY KEY, engine INTEGER NOT NULL, source TEXT NOT NULL, translation TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engines (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
"""
_MANY = 500  # placeholders in a query


def make_stored(
    translator: Translator, path: str, wait: float = 120.0, batch_size: int = 2048
) -> Translator:
    """Make the translator.

    translator (Translator): Translates what is not stored yet. It must say what it is (`identity`).
    path (str): The SQLite file; made if it is not there.
    wait (float): Seconds to wait for another process that writes.
    batch_size (int): Texts that are looked up, and written, at a time.
    """
    return Stored(translator, Path(path), wait, batch_size)


class Stored:
    """Looks translations up, and has made and keeps what is not there. See `make_stored`.

    `hits` and `misses` count the texts that were there and those that were not.
    """

    def __init__(
        self, translator: Translator, path: Path, wait: float = 120.0, batch_size: int = 2048
    ) -> None:
        if not hasattr(translator, "identity"):
            raise XnerError(
                f"The translator {type(translator).__name__} does not say what it is.",
                "Use it without xner.Stored.v1, or give it an `identity` (names and revisions).",
            )
        self.translator = translator
        self.path = Path(path)
        self.wait = wait
        self.batch_size = batch_size
        self.hits = 0
        self.misses = 0
        self._connection: Optional[sqlite3.Connection] = None
        self._owner = 0

    @property
    def identity(self) -> Dict[str, Any]:
        """The identity of the translator inside."""
        return self.translator.identity

    @property
    def score_batch(self) -> Any:
        """The translator's own `score_batch`, where it has one."""
        return self.translator.score_batch  # type: ignore[attr-defined]

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for batch in minibatch(texts, self.batch_size):
            try:
                yield from self._translate(batch)
            except sqlite3.Error as error:
                raise _explain(self.path, error) from error

    def _translate(self, texts: List[str]) -> List[Translation]:
        prefix = hashlib.sha256(_dump(self.identity).encode("utf8")).digest()
        keys = {text: hashlib.sha256(prefix + text.encode("utf8")).digest() for text in texts}
        found = self._read(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in found]
        if missing:
            results = self.translator(missing)
            # A piece at a time, so that a run that is killed loses little of what it had
            # translated.
            todo = iter(missing)
            while piece := list(islice(todo, 256)):
                fresh = [next(results, None) for _ in piece]
                if None in fresh:
                    raise XnerError("The translator gave fewer translations than texts.")
                self._write(
                    [(keys[t], t, r) for t, r in zip(piece, fresh, strict=True) if r is not None]
                )
            found.update(self._read([keys[text] for text in missing]))
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        return [_load(found[keys[text]]) for text in texts]

    @property
    def connection(self) -> sqlite3.Connection:
        """The open file; opened anew in a forked process."""
        if self._connection is None or self._owner != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=self.wait, isolation_level=None)
            # Readers do not wait for a writer, and what a killed process left half-written is
            # rolled back.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(SCHEMA)
            self._connection, self._owner = connection, os.getpid()
        return self._connection

    def close(self) -> None:
        """Close the file, and the translator where it can be closed."""
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        self._connection = None
        getattr(self.translator, "close", lambda: None)()

    def _read(self, keys: List[bytes]) -> Dict[bytes, str]:
        rows: Dict[bytes, str] = {}
        for some in minibatch(keys, _MANY):
            marks = ",".join("?" * len(some))
            query = f"SELECT key, translation FROM translations WHERE key IN ({marks})"
            rows.update(self.connection.execute(query, some).fetchall())
        return rows

    def _write(self, rows: List[Any]) -> None:
        identity = _dump(self.identity)
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("INSERT OR IGNORE INTO engines (identity) VALUES (?)", (identity,))
            (engine,) = connection.execute(
                "SELECT id FROM engines WHERE identity = ?", (identity,)
            ).fetchone()
            connection.executemany(
                "INSERT OR IGNORE INTO translations VALUES (?, ?, ?, ?)",
                [(key, engine, text, _save(result)) for key, text, result in rows],
            )
            connection.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite has rolled back itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The state of the translator inside, where it has one."""
        to_bytes = getattr(self.translator, "to_bytes", None)
        return to_bytes() if to_bytes else b""

    def from_bytes(self, data: bytes) -> "Stored":
        """Load the state of the translator inside. RETURNS (Stored): This translator."""
        if data:
            self.translator.from_bytes(data)  # type: ignore[attr-defined]
        return self


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _save(result: Translation) -> str:
    fields = (result.text, result.score, result.unknown, result.fault, list(result.alternatives))
    return _dump(fields)


def _load(row: str) -> Translation:
    text, score, unknown, fault, alternatives = json.loads(row)
    return Translation(text, score, unknown, fault, tuple((t, s) for t, s in alternatives))


def _explain(path: Path, error: sqlite3.Error) -> XnerError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return XnerError(
            f"{path}: the translation store is locked by another process.",
            "Wait for it and run again; what was translated is kept.",
        )
    if "full" in text:
        return XnerError(f"{path}: the disk is full.", "Free some space and run again.")
    return XnerError(
        f"{path}: not a usable translation store ({text}).",
        "Move the file away, and translations are made anew.",
    )
