"""`xner.Stored.v1`: any translator with a memory on disk, so that no text is translated twice, over runs and processes.

The memory is one SQLite file. A translation's key is a checksum of the translator's identity (engine, model revision,
languages, options) and the text in NFC; change any of them and the text is translated anew. Of two processes that
translate the same text at the same time the first to write wins, and both go on with what it wrote.

Where the file lies is said in a config, and a config may come from someone else. So a pipeline that is loaded only
opens a store that is there. It is made when the pipeline is initialised (`spacy assemble`), or where the environment
variable XNER_STORE_FOLDER allows it.
"""

import hashlib
import inspect
import json
import logging
import math
import os
import sqlite3
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from pydantic import FiniteFloat, TypeAdapter, ValidationError
from spacy.util import minibatch

from ..errors import InputError, XnerError, require
from ..streams import paired, pools
from ..text import composed
from ..types import Translation, Translator
from .faults import PASSING

SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS translations (
    key BLOB PRIMARY KEY, engine INTEGER NOT NULL, source TEXT NOT NULL, translation TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engines (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
COMMIT;
"""
TABLES = frozenset(("translations", "engines"))
VARIABLE = "XNER_STORE_FOLDER"
# Text, score, unknown words, fault, alternatives with their scores.
_Score = Optional[FiniteFloat]
_ROW: TypeAdapter = TypeAdapter(Tuple[Optional[str], _Score, int, Optional[str], List[Tuple[str, _Score]]])
_MANY = 500  # placeholders in a query
_LOGGER = logging.getLogger("xner_spacy")
_TRUSTED: ContextVar[bool] = ContextVar("xner_store_trusted", default=False)


@contextmanager
def trusted_configs() -> Iterator[None]:
    """Stores of the configs that are resolved in this block may be made anywhere: the user named the config himself."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


@dataclass(eq=False)
class Stored:
    """Looks translations up, and has made and keeps what is not there.

    translator (Translator): Translates what is not stored yet. It must say what it is (`identity`).
    path (Path): The SQLite file.
    wait (float): Seconds to wait for another process that writes.
    batch_size (int): Texts that are looked up, and written, at a time.

    `hits` and `misses` count the texts that were there and those that were not; `damaged` the rows that could not be
    read: those are translated anew. It may be used from several threads; they take turns.
    """

    translator: Translator
    path: Path
    wait: float = 120.0
    batch_size: int = 2048
    # Make the file if it is not there. Without it a file is made in the folder XNER_STORE_FOLDER alone.
    may_create: bool = field(init=False, default=True)
    hits: int = field(init=False, default=0)
    misses: int = field(init=False, default=0)
    damaged: int = field(init=False, default=0)
    _connection: Optional[sqlite3.Connection] = field(init=False, default=None, repr=False)
    _owner: int = field(init=False, default=0, repr=False)
    _lock: Any = field(init=False, default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        require(
            # Not by hasattr, which would work the identity out, and load the model for it.
            inspect.getattr_static(self.translator, "identity", None) is not None,
            f"The translator {type(self.translator).__name__} does not say what it is.",
            "Use it without xner.Stored.v1, or give it an `identity` (names and revisions).",
        )
        self.path = Path(self.path)

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_connection": None, "_lock": None}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    @property
    def identity(self) -> Dict[str, Any]:
        """The identity of the translator inside."""
        return self.translator.identity  # type: ignore[attr-defined]

    @property
    def score_batch(self) -> Any:
        """The translator's own `score_batch`, where it has one."""
        return self.translator.score_batch  # type: ignore[attr-defined]

    def initialize(self) -> None:
        """Make the file if it is not there: the pipeline is put together, by a user who has read its config."""
        self.may_create = True
        with self._turn():
            _ = self.connection

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for batch in pools(texts, self.batch_size):
            with self._turn():
                translations = self._translate(batch)
            yield from translations

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._connection is not None and self._owner != os.getpid():
            # A fork: the connection is the parent's, and so may be the thread that holds the lock.
            self._connection, self._lock = None, threading.RLock()
        with self._lock:
            try:
                yield
            # A damaged file's own text may be no text, and then the message with it can't be read.
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise _explain(self.path, error) from error

    def _translate(self, texts: List[str]) -> List[Translation]:
        # Both ways to write an accent are the same text.
        texts = list(map(composed, texts))
        prefix = hashlib.sha256(_dump(self.identity).encode("utf8")).digest()
        keys = {text: hashlib.sha256(prefix + text.encode("utf8")).digest() for text in texts}
        known, damaged = self._read(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        if damaged:
            self.damaged += len(damaged)
            _LOGGER.warning("%s: %d stored translations can't be read; they are made anew.", self.path, len(damaged))
        who = f"The translator {type(self.translator).__name__}"
        fresh = self.translator(missing) if missing else ()
        for piece in minibatch(paired(missing, fresh, who, "texts", "translations"), 256):
            # A piece at a time, so that a run that is killed loses little of what it had translated.
            rows = [(keys[text], text, made) for text, made in piece if made.fault not in PASSING]
            self._write(rows, damaged)
            known.update({keys[text]: made for text, made in piece})
            known.update(self._read([key for key, _, _ in rows])[0])
        return [known[keys[text]] for text in texts]

    @property
    def connection(self) -> sqlite3.Connection:
        """The open file; opened anew in a forked process."""
        if self._connection is None or self._owner != os.getpid():
            if not self.path.exists() or not self.path.stat().st_size:
                self._check_may_create()
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection, self._owner = _open(self.path, self.wait), os.getpid()
        return self._connection

    def _check_may_create(self) -> None:
        folder = os.environ.get(VARIABLE)
        allowed = folder and Path(os.path.realpath(self.path)).is_relative_to(os.path.realpath(folder))
        if not self.may_create and not allowed:
            raise XnerError(
                f"{self.path}: there is no translation store, and a pipeline that is loaded may not make one.",
                f"Run in the folder that it was assembled in, correct the path, or set {VARIABLE} to a folder in which "
                f"stores may be made ({VARIABLE}=. for the working folder).",
            )

    def close(self) -> None:
        """Close the file, and the translator where it can be closed."""
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        self._connection = None
        getattr(self.translator, "close", lambda: None)()

    def _read(self, keys: List[bytes]) -> Tuple[Dict[bytes, Translation], Set[bytes]]:
        """RETURNS (Tuple[Dict[bytes, Translation], Set[bytes]]): What is stored, and the keys of damaged rows."""
        rows: Dict[bytes, Translation] = {}
        damaged: Set[bytes] = set()
        for asked in minibatch(keys, _MANY):
            marks = ",".join("?" * len(asked))
            query = f"SELECT key, translation FROM translations WHERE key IN ({marks})"
            for key, row in self.connection.execute(query, asked).fetchall():
                result = _load(row)
                if result is None:
                    damaged.add(key)
                else:
                    rows[key] = result
        return rows, damaged

    def _write(self, rows: List[Tuple[bytes, str, Translation]], damaged: Set[bytes]) -> None:
        identity = _dump(self.identity)
        with self.connection as connection:  # commits, or rolls back
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR IGNORE INTO engines (identity) VALUES (?)", (identity,))
            (engine,) = connection.execute("SELECT id FROM engines WHERE identity = ?", (identity,)).fetchone()
            spoilt = [(key,) for key, _, _ in rows if key in damaged]
            connection.executemany("DELETE FROM translations WHERE key = ?", spoilt)
            connection.executemany(
                "INSERT OR IGNORE INTO translations VALUES (?, ?, ?, ?)",
                [(key, engine, text, _save(result)) for key, text, result in rows],
            )

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The state of the translator inside, where it has one."""
        to_bytes = getattr(self.translator, "to_bytes", None)
        return to_bytes() if to_bytes else b""

    def from_bytes(self, data: bytes) -> "Stored":
        """Load the state of the translator inside. RETURNS (Stored): This translator."""
        if data and hasattr(self.translator, "from_bytes"):
            self.translator.from_bytes(data)
        return self


class ConfiguredStore(Stored):
    """`xner.Stored.v1`: any translator with a memory on disk, as a config names it. The file is made when the pipeline
    is initialised; a pipeline that is loaded opens it. The settings are those of `Stored`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.may_create = _TRUSTED.get()


def _open(path: Path, wait: float) -> sqlite3.Connection:
    """RAISES: InputError for a database of another kind: it is not touched."""
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not tables >= TABLES:
            raise InputError("is a database, but not a translation store.", path, None, "Choose another file.")
        # Readers do not wait for a writer, and what a killed process left half-written is rolled back.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        if not tables:
            connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _save(result: Translation) -> str:
    def storable(score: Optional[float]) -> Optional[float]:  # JSON holds none that is not finite
        return score if score is not None and math.isfinite(score) else None

    alternatives = [(text, storable(score)) for text, score in result.alternatives]
    return _dump((result.text, storable(result.score), result.unknown, result.fault, alternatives))


def _load(row: Any) -> Optional[Translation]:
    """RETURNS (Optional[Translation]): A stored translation, or None for a row that holds none."""
    try:
        text, score, unknown, fault, alternatives = _ROW.validate_json(row, strict=True)
    except ValidationError:
        return None
    return Translation(text, score, unknown, fault, tuple(alternatives))


def _explain(path: Path, error: Exception) -> XnerError:
    text = str(error)
    problem, hint = f"not a usable translation store ({text})", "Move the file away, and translations are made anew."
    if "locked" in text or "busy" in text:
        problem = "the translation store is locked by another process"
        hint = "Wait for it and run again; what was translated is kept."
    elif "full" in text:
        problem, hint = "the disk is full", "Free some space and run again."
    elif any(word in text for word in ("readonly", "unable to open", "disk I/O")):
        problem = f"the translation store can't be opened or written ({text})"
        hint = "See whether its folder is there, may be written to, and has space; run again."
    return XnerError(f"{path}: {problem}.", hint)
