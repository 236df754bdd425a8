"""What a chat model has cost: tokens and money, over all processes and runs that share a store.

The sums are in the file of the store. Before a request, the most that it can cost is set aside; with the answer, that
becomes what it did cost. What a killed process had set aside stays: its requests may have been charged.
"""

import os
import sqlite3
import threading
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spending (
    account TEXT, process TEXT, requests INTEGER DEFAULT 0, input INTEGER DEFAULT 0, output INTEGER DEFAULT 0,
    money REAL DEFAULT 0, held_tokens INTEGER DEFAULT 0, held_money REAL DEFAULT 0, PRIMARY KEY (account, process)
)
"""
_WAIT = 120.0


class Spent(NamedTuple):
    """The sums of an account."""

    requests: int
    tokens: int
    money: float
    held_tokens: int  # of requests that have no answer yet, or never got one
    held_money: float


class Charge(NamedTuple):
    """What a request costs, or may cost at most."""

    input: int  # tokens
    output: int  # tokens
    money: float

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input + self.output


@dataclass(eq=False)
class Ledger:
    """The account of a model. Threads and processes can share it.

    account (str): Its name. path (Optional[Path]): The file of the store; None keeps the sums in memory.
    """

    account: str
    path: Optional[Path] = None
    _process: str = field(init=False, default="")
    _owner: int = field(init=False, default=0)
    _connection: Optional[sqlite3.Connection] = field(init=False, default=None)
    _lock: Any = field(init=False, default_factory=threading.Lock)

    def __getstate__(self) -> Dict[str, Any]:
        return {"account": self.account, "path": self.path}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def reserve(self, charge: Charge, budget: Optional[float], in_money: bool) -> bool:
        """Set aside the most that a request can cost.

        budget (Optional[float]): The most to spend in all; None for no limit. in_money (bool): Whether it is money, not
            tokens.
        RETURNS (bool): Whether the budget allows it. If not, nothing is set aside.
        """
        with self._turn() as connection:
            if budget is not None:
                spent = self._sums(connection)
                before = spent.money + spent.held_money if in_money else spent.tokens + spent.held_tokens
                # Sums of prices differ in the last digits.
                if before + (charge.money if in_money else charge.tokens) > budget * (1 + 1e-9):
                    return False
            self._add(connection, held_tokens=charge.tokens, held_money=charge.money)
        return True

    def settle(self, reserved: Charge, actual: Optional[Charge]) -> None:
        """Turn what was set aside into what a request did cost. actual (Optional[Charge]): None if it cost nothing."""
        with self._turn() as connection:
            self._add(connection, held_tokens=-reserved.tokens, held_money=-reserved.money)
            if actual is not None:
                self._add(connection, requests=1, input=actual.input, output=actual.output, money=actual.money)

    def spent(self) -> Spent:
        """RETURNS (Spent): The sums over all processes and runs."""
        with self._turn() as connection:
            return self._sums(connection)

    def _sums(self, connection: sqlite3.Connection) -> Spent:
        names = ("requests", "input + output", "money", "held_tokens", "held_money")
        sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in names)
        query = f"SELECT {sums} FROM spending WHERE account = ?"
        return Spent(*connection.execute(query, (self.account,)).fetchone())

    def _add(self, connection: sqlite3.Connection, **amounts: float) -> None:
        row = (self.account, self._process)
        connection.execute("INSERT OR IGNORE INTO spending (account, process) VALUES (?, ?)", row)
        changes = ", ".join(f"{name} = {name} + ?" for name in amounts)
        query = f"UPDATE spending SET {changes} WHERE account = ? AND process = ?"
        connection.execute(query, (*amounts.values(), *row))

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        """YIELDS (sqlite3.Connection): The file, in a transaction of its own."""
        if self._owner != os.getpid():
            # After a fork the connection belongs to the parent, and a thread of the parent may hold the lock.
            self._connection, self._lock, self._owner = None, threading.Lock(), os.getpid()
        with self._lock:
            if self._connection is None:
                place = ":memory:" if self.path is None else self.path
                self._connection = sqlite3.connect(place, timeout=_WAIT, isolation_level=None, check_same_thread=False)
                self._connection.execute(_SCHEMA)
                self._process = uuid.uuid4().hex
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    def close(self) -> None:
        """Close the file; the next request opens it again. Sums in memory are kept."""
        if self.path is not None and self._connection is not None and self._owner == os.getpid():
            with self._lock, closing(self._connection):
                self._connection = None
