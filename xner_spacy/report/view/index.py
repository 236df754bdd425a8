"""The index of a run: what is asked of its sentences, in a database on the disk, which is filled while pages are read.

Texts are compared without case and in composed form. The doubt of a sentence is its lowest score: what is sorted by
doubt begins with the lowest, and ends with the sentences without any score.
"""

import heapq
import sqlite3
import tempfile
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from typing_extensions import TypedDict

from ...errors import XnerError
from ...text import comparable
from .comparing import Row, Rows, error_counts

# Sentences that are read and stored together.
BATCH = 200
PAGE_SIZE = 20
LABEL, REASON, ERROR, MARK = "label", "reason", "error", "mark"
# Values of the kind MARK.
DIFFERS, NOTED = "differs", "noted"
ORDERS = ("text", "doubt", "sure")

_TABLES = """
CREATE TABLE sentences (number INTEGER PRIMARY KEY, lowest REAL, text TEXT NOT NULL);
CREATE TABLE facts (kind TEXT NOT NULL, value TEXT NOT NULL, score REAL, number INTEGER NOT NULL);
CREATE INDEX by_value ON facts (kind, value, number, score);
CREATE INDEX by_number ON facts (number, kind, score);
"""
_ORDER_BY = {"text": "number", "doubt": "lowest IS NULL, lowest, number", "sure": "lowest IS NULL, lowest DESC, number"}


class Query(NamedTuple):
    """What is asked for; empty values ask for nothing.

    text (str): Text or reading has it. label (str): A span has this label. low, high (float): A span (of that label) has
        a score from `low` to `high`. reason (str): An entity was dropped for this reason. error (str): An error of this
        kind. differs, noted (bool): The runs differ; there is a note. order (str): One of `ORDERS`.
    """

    text: str = ""
    label: str = ""
    low: float = 0.0
    high: float = 1.0
    reason: str = ""
    error: str = ""
    differs: bool = False
    noted: bool = False
    order: str = "text"


class Facts(TypedDict):
    """What the index knows of a sentence. labels (List[Tuple[str, Optional[float]]]): Each span's label and score."""

    number: int
    lowest: Optional[float]
    text: str
    labels: List[Tuple[str, Optional[float]]]
    reasons: List[str]
    errors: List[str]
    marks: List[str]


def facts_of(row: Row) -> Facts:
    """RETURNS (Facts): What the index knows of a sentence."""
    texts = dict.fromkeys(text for panel in row.panels for text in (panel.text, panel.source_text) if text)
    marks = [DIFFERS] * row.differs + [NOTED] * bool(row.notes or any(panel.notes for panel in row.panels))
    return {
        "number": row.number,
        "lowest": row.lowest_score,
        "text": comparable("\n".join(texts)),
        "labels": list(dict.fromkeys((span.label, span.score) for panel in row.panels for span in panel.spans)),
        "reasons": list(dict.fromkeys(loss.reason for panel in row.panels for loss in panel.lost)),
        "errors": list(dict.fromkeys(kind for panel in row.panels for kind in error_counts(panel.errors))),
        "marks": marks,
    }


class Index:
    """The index of some rows, in a file that is removed at the end. Sentences that it does not have yet are not found,
    except where nothing is asked for.

    rows (Rows): The sentences.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.done = 0
        self.fault: Optional[XnerError] = None
        self._folder = tempfile.TemporaryDirectory(prefix="xner-view-")
        self._file = Path(self._folder.name) / "index.sqlite"
        self._stopped = threading.Event()
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=60)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def fill(self, tick: Callable[[int], Any] = lambda n: None) -> None:
        """Read all sentences and store what is asked of them. A file that can't be read ends it: see `fault`.

        tick (Callable[[int], Any]): Called with the number of sentences that were just stored.
        """
        try:
            with closing(self._connect()) as connection:
                while self.done < len(self.rows) and not self._stopped.is_set():
                    numbers = range(self.done, min(self.done + BATCH, len(self.rows)))
                    self._store(connection, numbers)
                    self.done = numbers.stop
                    tick(len(numbers))
        except XnerError as error:
            self.fault = error
        except (sqlite3.Error, OSError) as error:
            hint = "Free some space there, or let TMPDIR name another place, and start again."
            self.fault = XnerError(f"The index in {self._folder.name} can't be written ({error}).", hint)

    def _store(self, connection: sqlite3.Connection, numbers: range) -> None:
        sentences: List[Tuple[Any, ...]] = []
        facts: List[Tuple[Any, ...]] = []
        for row in self.rows.read(numbers):
            known = facts_of(row)
            sentences.append((known["number"], known["lowest"], _storable(known["text"])))
            facts += [(LABEL, _storable(label), score, row.number) for label, score in known["labels"]]
            for kind, values in ((REASON, known["reasons"]), (ERROR, known["errors"]), (MARK, known["marks"])):
                facts += [(kind, _storable(value), None, row.number) for value in values]
        with connection:
            connection.executemany("INSERT INTO sentences VALUES (?, ?, ?)", sentences)
            connection.executemany("INSERT INTO facts VALUES (?, ?, ?, ?)", facts)

    def find(self, query: Query, start: int, size: int = PAGE_SIZE) -> Tuple[int, List[int]]:
        """RETURNS (Tuple[int, List[int]]): How many sentences fit, and the numbers of those of a page in the order that
        is asked for. start (int): How many of them come before the page.
        """
        if query == Query():
            return len(self.rows), list(range(start, min(start + size, len(self.rows))))
        where, values = _condition(query)
        with closing(self._connect()) as connection:
            total = connection.execute(f"SELECT count(*) FROM sentences WHERE {where}", values).fetchone()[0]
            order = _ORDER_BY[query.order]
            found = connection.execute(
                f"SELECT number FROM sentences WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", [*values, size, start]
            ).fetchall()
        return total, [number for (number,) in found]

    def counts(self) -> Dict[str, Dict[str, int]]:
        """RETURNS (Dict[str, Dict[str, int]]): By kind, the number of sentences that have each value."""
        with closing(self._connect()) as connection:
            counted = connection.execute("SELECT kind, value, count(DISTINCT number) FROM facts GROUP BY kind, value")
            counts: Dict[str, Dict[str, int]] = {LABEL: {}, REASON: {}, ERROR: {}, MARK: {}}
            for kind, value, n in counted:
                counts[kind][value] = n
        return counts

    def stop(self) -> None:
        """Let `fill` end, in another thread."""
        self._stopped.set()

    def close(self) -> None:
        """Remove the file of the index."""
        self._folder.cleanup()


def first_in_order(rows: Rows, order: str, limit: int, tick: Callable[[int], Any] = lambda n: None) -> List[int]:
    """RETURNS (List[int]): The numbers of the sentences that come first, without an index. All are read for it, except
    for the order of the text. order (str): One of `ORDERS`. tick (Callable[[int], Any]): See `Index.fill`.
    """
    if order == "text":
        return list(range(min(limit, len(rows))))
    sign = {"doubt": 1, "sure": -1}[order]
    keys: List[Tuple[bool, float, int]] = []
    for start in range(0, len(rows), BATCH):
        batch = rows.read(range(start, min(start + BATCH, len(rows))))
        keys += [(row.lowest_score is None, sign * (row.lowest_score or 0.0), row.number) for row in batch]
        tick(len(batch))
    return [number for _, _, number in heapq.nsmallest(limit, keys)]


def counts_of(facts: List[Facts]) -> Dict[str, Dict[str, int]]:
    """RETURNS (Dict[str, Dict[str, int]]): The same counts as those of `Index.counts`, of some sentences."""
    counters: Dict[str, Counter] = {LABEL: Counter(), REASON: Counter(), ERROR: Counter(), MARK: Counter()}
    for known in facts:
        counters[LABEL].update({label for label, _ in known["labels"]})
        for kind, values in ((REASON, known["reasons"]), (ERROR, known["errors"]), (MARK, known["marks"])):
            counters[kind].update(values)
    return {kind: dict(sorted(counter.items())) for kind, counter in counters.items()}


def _storable(text: str) -> str:
    """RETURNS (str): The text without halves of surrogate pairs, which the database can't hold."""
    return text.encode("utf8", "replace").decode("utf8")


def _condition(query: Query) -> Tuple[str, List[Any]]:
    """RETURNS (Tuple[str, List[Any]]): The condition in SQL, and its values."""
    parts: List[str] = ["1"]
    values: List[Any] = []

    def has(kind: str, more: str = "", *its_values: Any) -> None:
        parts.append(f"number IN (SELECT number FROM facts WHERE kind = ?{more})")
        values.extend((kind, *its_values))

    if query.text:
        parts.append("instr(text, ?)")
        values.append(_storable(comparable(query.text)))
    by_score = query.low > 0 or query.high < 1
    if query.label or by_score:
        more = " AND value = ?" * bool(query.label) + " AND score BETWEEN ? AND ?" * by_score
        has(LABEL, more, *([query.label] if query.label else []), *([query.low, query.high] if by_score else []))
    for kind, value in ((REASON, query.reason), (ERROR, query.error)):
        if value:
            has(kind, " AND value = ?", value)
    for mark, wanted in ((DIFFERS, query.differs), (NOTED, query.noted)):
        if wanted:
            has(MARK, " AND value = ?", mark)
    return " AND ".join(parts), values
