"""Sequences that belong together: one too few or too many is an error that names the part."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.streams import AHEAD, mapped, paired


@given(st.lists(st.integers(), max_size=5), st.lists(st.none() | st.integers(), max_size=5))
def test_all_pairs_or_an_error(items, results):
    if len(items) == len(results):
        assert list(paired(items, iter(results), "my.Part.v1")) == list(zip(items, results))
        return
    with pytest.raises(XnerError, match=r"my[.]Part[.]v1 gave"):
        list(paired(items, iter(results), "my.Part.v1"))


def test_the_message_says_how_many():
    with pytest.raises(XnerError, match="gave 1 results for 2 sentences"):
        list(paired([1, 2], [1], "X"))
    with pytest.raises(XnerError, match="gave more than 1 links for 1 pairs"):
        list(paired([1], [1, 2], "X", "pairs", "links"))


def test_threads_give_results_in_order_and_wait_for_whoever_takes_them():
    done, lock = [], threading.Lock()

    def work(number: int, factor: int) -> int:
        with lock:
            done.append(number)
        return number * factor

    with ThreadPoolExecutor(3) as pool:
        for taken, result in enumerate(mapped(pool, work, range(50), [2] * 50)):
            assert result == 2 * taken
            with lock:
                assert len(done) <= taken + 1 + AHEAD
        assert sorted(done) == list(range(50))
        assert list(mapped(pool, work, [], [])) == []


def test_an_error_of_a_thread_is_raised():
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        list(mapped(pool, lambda number: 1 // number, [1, 0, 1]))
