"""The account of a chat model: shared by threads, processes and runs, and never over the budget."""

import pickle
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.translation.spending import Charge, Ledger

MOST = Charge(60, 40, 0.1)
ACTUAL = Charge(20, 10, 0.03)


def test_what_was_set_aside_becomes_what_it_did_cost() -> None:
    ledger = Ledger("model")
    assert ledger.reserve(MOST, 1.0, in_money=True)
    assert ledger.spent() == (0, 0, 0.0, 100, 0.1)
    ledger.settle(MOST, ACTUAL)
    assert ledger.spent() == (1, 30, 0.03, 0, 0.0)
    assert ledger.reserve(MOST, 130, in_money=False)
    assert not ledger.reserve(MOST, 229, in_money=False)
    ledger.settle(MOST, None)  # an error of the server costs nothing
    assert ledger.spent()[:2] == (1, 30)
    ledger.close()
    assert ledger.spent()[:2] == (1, 30)


def test_accounts_are_kept_apart_and_runs_go_on(tmp_path: Path) -> None:
    first = Ledger("one", tmp_path / "s.db")
    assert first.reserve(MOST, None, in_money=True)
    first.settle(MOST, ACTUAL)
    assert Ledger("two", tmp_path / "s.db").spent() == (0, 0, 0.0, 0, 0.0)
    again = pickle.loads(pickle.dumps(first))
    assert again.reserve(MOST, None, in_money=True)
    assert again.spent()[:2] == first.spent()[:2] == (1, 30)
    assert first.spent().held_tokens == 100
    for ledger in (first, again):
        ledger.close()


@given(st.integers(0, 900), st.integers(1, 5))
def test_many_threads_never_set_aside_more_than_the_budget(budget: int, n_ledgers: int) -> None:
    """Whatever the requests cost in the end, the sum of what is spent and set aside stays within the budget."""
    ledger = Ledger("model")

    def ask(number: int) -> bool:
        allowed = ledger.reserve(MOST, budget, in_money=False)
        spent = ledger.spent()
        assert spent.tokens + spent.held_tokens <= budget
        if allowed:
            ledger.settle(MOST, ACTUAL if number % 2 else MOST)
        return allowed

    with ThreadPoolExecutor(n_ledgers) as pool:
        asked = sum(pool.map(ask, range(12)))
    assert ledger.spent().requests == asked
    assert asked or budget < 100


CHILD = """
import sys
from xner_spacy.translation.spending import Charge, Ledger
ledger = Ledger("model", sys.argv[1])
done = 0
while ledger.reserve(Charge(60, 40, 0.1), 1000, in_money=False):
    ledger.settle(Charge(60, 40, 0.1), Charge(20, 10, 0.03))
    done += 1
print(done)
"""


def test_processes_share_a_budget(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    running = [subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    done = [int(child.communicate()[0]) for child in running]
    # A request may cost 100 tokens and costs 30: the last one that fits begins at 900.
    assert 29 <= sum(done) <= 31
    assert Ledger("model", Path(path)).spent().tokens == 30 * sum(done)


def test_a_killed_process_leaves_what_it_had_set_aside(tmp_path: Path) -> None:
    code = CHILD.replace(
        "done = 0", "ledger.reserve(Charge(60, 40, 0.1), 1000, in_money=False)\nimport os\nos._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.db")], check=False)
    ledger = Ledger("model", tmp_path / "s.db")
    assert ledger.spent() == (0, 0, 0.0, 100, 0.1)
    assert not ledger.reserve(MOST, 150, in_money=False)
    ledger.close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
