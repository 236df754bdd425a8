"""`xner.Stored.v1`: any translator with a store on disk, so that no text is translated twice in any run or process.

The store is one SQLite file. A translation's key is a checksum of the translator's identity (engine, model revision,
languages, options) and the text in NFC. If any of them changes, the text is translated again. If two processes
translate the same text at the same time, the first to write wins, and both use its translation.

The path of the file is set in a config, and a config may come from someone else. So a loaded pipeline only opens an
existing store. A new one is created when the pipeline is initialised (`xner assemble`), or if the environment variable
XNER_STORE_FOLDER allows it.
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
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from pydantic import FiniteFloat, TypeAdapter, ValidationError
from spacy.util import minibatch

from ..errors import InputError, XnerError, require
from ..streams import paired, pools
from ..text import composed
from ..types import Cost, EagerTranslator, Translation, Translator
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
_QUERY_SIZE = 500  # placeholders in a query
_LOGGER = logging.getLogger("xner_spacy")
_TRUSTED: ContextVar[bool] = ContextVar("xner_store_trusted", default=False)


@contextmanager
def trusted_configs() -> Iterator[None]:
    """Stores of the configs resolved in this block may be created anywhere, because the user named the config."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


@dataclass(eq=False)
class Stored:
    """Looks translations up, and translates and stores missing ones.

    translator (Translator): Translates texts that are not stored yet. It must have an `identity`.
    path (Path): The SQLite file.
    wait (float): Seconds to wait for another process that writes.
    batch_size (int): Texts that are looked up and written at a time.

    `hits` and `misses` count the texts that were stored and those that were not. `damaged` counts the rows that could
    not be read; their texts are translated again. Several threads can use a store; they wait for each other.
    """

    translator: Translator
    path: Path
    wait: float = 120.0
    batch_size: int = 2048
    # Whether a missing file may be created outside of the folder XNER_STORE_FOLDER.
    may_create: bool = field(init=False, default=True)
    hits: int = field(init=False, default=0)
    misses: int = field(init=False, default=0)
    damaged: int = field(init=False, default=0)
    _connection: Optional[sqlite3.Connection] = field(init=False, default=None, repr=False)
    _owner: int = field(init=False, default=0, repr=False)
    _lock: Any = field(init=False, default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        require(
            # hasattr would compute the identity, and load the model for it.
            inspect.getattr_static(self.translator, "identity", None) is not None,
            f"The translator {type(self.translator).__name__} has no `identity`.",
            "Use it without xner.Stored.v1, or give it an `identity` (names and revisions).",
        )
        self.path = Path(self.path)

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_connection": None, "_lock": None}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    @property
    def identity(self) -> Dict[str, Any]:
        """The translator's `identity`."""
        return self.translator.identity  # type: ignore[attr-defined]

    @property
    def score_batch(self) -> Any:
        """The translator's `score_batch`, if it has one."""
        return self.translator.score_batch  # type: ignore[attr-defined]

    def initialize(self) -> None:
        """Create the file if it is missing. This is allowed because the user initialises a pipeline of their own."""
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
            # After a fork the connection belongs to the parent, and a thread of the parent may hold the lock.
            self._connection, self._lock = None, threading.RLock()
        with self._lock:
            try:
                yield
            # The text in a damaged file may not be decodable, and neither is the error message then.
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise _explain(self.path, error) from error

    def _translate(self, texts: List[str]) -> List[Translation]:
        # NFC and NFD are the same text.
        texts = list(map(composed, texts))
        keys = self._keys(texts)
        stored, damaged = self._read(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in stored]
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        if damaged:
            self.damaged += len(damaged)
            _LOGGER.warning("%s: %d stored translations can't be read; they are made again.", self.path, len(damaged))
        for piece in self._translated(missing) if missing else ():
            rows = [(keys[text], text, result) for text, result in piece if result.fault not in PASSING]
            self._write(rows, damaged)
            stored.update({keys[text]: result for text, result in piece})
            stored.update(self._read([key for key, _, _ in rows])[0])
        return [stored[keys[text]] for text in texts]

    def _keys(self, texts: Iterable[str]) -> Dict[str, bytes]:
        """RETURNS (Dict[str, bytes]): The key of each text, by its NFC."""
        prefix = hashlib.sha256(_dump(self.identity).encode("utf8")).digest()
        unique = dict.fromkeys(map(composed, texts))
        return {text: hashlib.sha256(prefix + text.encode("utf8")).digest() for text in unique}

    def _translated(self, texts: List[str]) -> Iterator[List[Tuple[str, Translation]]]:
        """YIELDS (List[Tuple[str, Translation]]): Texts with their translations, in pieces that are written at once."""
        translator = self.translator
        if hasattr(translator, "count_in"):
            translator.count_in(self.path)
        if isinstance(translator, EagerTranslator):
            # Each translation took a request that may have cost money, so it is written as it comes.
            missing = set(range(len(texts)))
            for number, result in translator.completed(texts):
                missing.discard(number)
                yield [(texts[number], result)]
            # It must not leave any out.
            paired_texts = [texts[number] for number in sorted(missing)]
            results: Iterable[Translation] = ()
        else:
            paired_texts, results = texts, translator(texts)
        # In small pieces, so that a run that is killed loses few translations.
        who = f"The translator {type(translator).__name__}"
        yield from minibatch(paired(paired_texts, results, who, "texts", "translations"), 256)

    @property
    def connection(self) -> sqlite3.Connection:
        """The open file. It is opened again in a forked process."""
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
                f"{self.path}: there is no translation store, and a loaded pipeline may not create one.",
                f"Run in the folder that it was assembled in, correct the path, or set {VARIABLE} to a folder in which "
                f"stores may be created ({VARIABLE}=. for the working folder).",
            )

    def close(self) -> None:
        """Close the file, and the translator if it can be closed."""
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        self._connection = None
        getattr(self.translator, "close", lambda: None)()

    def _read(self, keys: List[bytes]) -> Tuple[Dict[bytes, Translation], Set[bytes]]:
        """RETURNS (Tuple[Dict[bytes, Translation], Set[bytes]]): The stored rows, and the keys of damaged ones."""
        rows: Dict[bytes, Translation] = {}
        damaged: Set[bytes] = set()
        for batch in minibatch(keys, _QUERY_SIZE):
            placeholders = ",".join("?" * len(batch))
            query = f"SELECT key, translation FROM translations WHERE key IN ({placeholders})"
            for key, row in self.connection.execute(query, batch).fetchall():
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
            damaged_rows = [(key,) for key, _, _ in rows if key in damaged]
            connection.executemany("DELETE FROM translations WHERE key = ?", damaged_rows)
            connection.executemany(
                "INSERT OR IGNORE INTO translations VALUES (?, ?, ?, ?)",
                [(key, engine, text, _save(result)) for key, text, result in rows],
            )

    def known(self, texts: Sequence[str]) -> Dict[str, Translation]:
        """RETURNS (Dict[str, Translation]): The texts that have a translation already, without asking for any."""
        if not texts or not self.path.exists():
            return {}
        with self._turn():
            keys = self._keys(list(texts))
            stored, _ = self._read([keys[composed(text)] for text in texts])
            return {text: stored[keys[composed(text)]] for text in texts if keys[composed(text)] in stored}

    @property
    def usage(self) -> Dict[str, int]:
        """The requests and tokens of the translator in this process, if it counts them."""
        return getattr(self.translator, "usage", {})

    def estimate(self, texts: Sequence[str]) -> Optional[Cost]:
        """RETURNS (Optional[Cost]): About what the texts without a translation would cost, or None if the translator is
        not paid.
        """
        if not hasattr(self.translator, "estimate"):
            return None
        known = self.known(texts)
        missing = dict.fromkeys(composed(text) for text in texts if text not in known)
        if self.path.exists():
            self.translator.count_in(self.path)  # type: ignore[attr-defined]
        return self.translator.estimate(list(missing))

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The state of the translator; empty if it has none."""
        to_bytes = getattr(self.translator, "to_bytes", None)
        return to_bytes() if to_bytes else b""

    def from_bytes(self, data: bytes) -> "Stored":
        """Load the state of the translator. RETURNS (Stored): This translator."""
        if data and hasattr(self.translator, "from_bytes"):
            self.translator.from_bytes(data)
        return self


class ConfiguredStore(Stored):
    """`xner.Stored.v1`: any translator with a store on disk, as set in a config. The file is created when the pipeline
    is initialised, and a loaded pipeline opens it. The settings are those of `Stored`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.may_create = _TRUSTED.get()


def _open(path: Path, wait: float) -> sqlite3.Connection:
    """RAISES: InputError for a database of another kind, which is left unchanged."""
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not tables >= TABLES:
            raise InputError("is a database, but not a translation store.", path, None, "Choose another file.")
        # Readers do not wait for a writer, and incomplete writes of a killed process are rolled back.
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
    def storable(score: Optional[float]) -> Optional[float]:  # JSON has no infinity or NaN
        return score if score is not None and math.isfinite(score) else None

    alternatives = [(text, storable(score)) for text, score in result.alternatives]
    return _dump((result.text, storable(result.score), result.unknown, result.fault, alternatives))


def _load(row: Any) -> Optional[Translation]:
    """RETURNS (Optional[Translation]): A stored translation, or None for a damaged row."""
    try:
        text, score, unknown, fault, alternatives = _ROW.validate_json(row, strict=True)
    except ValidationError:
        return None
    return Translation(text, score, unknown, fault, tuple(alternatives))


def _explain(path: Path, error: Exception) -> XnerError:
    text = str(error)
    problem, hint = f"not a usable translation store ({text})", "Move the file away to translate the texts again."
    if "locked" in text or "busy" in text:
        problem = "the translation store is locked by another process"
        hint = "Wait for it and run again; finished translations are kept."
    elif "full" in text:
        problem, hint = "the disk is full", "Free some space and run again."
    elif any(word in text for word in ("readonly", "unable to open", "disk I/O")):
        problem = f"the translation store can't be opened or written ({text})"
        hint = "Check that its folder exists, is writable and has space; run again."
    return XnerError(f"{path}: {problem}.", hint)
