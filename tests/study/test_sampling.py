"""Nested subsamples."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.study.design.input_files import order, take

STRATA = st.lists(st.sampled_from("abcd"), min_size=1, max_size=60)


@given(STRATA, st.integers(0, 5), st.sampled_from(["uniform", "stratified"]))
def test_a_draw_is_an_order_of_the_whole_pool(strata, draw, method):
    found = order(strata, draw, "pool", method)
    assert sorted(found) == list(range(len(strata)))
    assert found == order(strata, draw, "pool", method)
    for n in range(1, len(strata)):
        assert set(take(found, n, "text")) < set(take(found, n + 1, "text"))


@given(STRATA, st.integers(0, 5))
def test_every_prefix_has_its_share_of_each_stratum(strata, draw):
    found = order(strata, draw, "pool", "stratified")
    total = Counter(strata)
    for n in range(1, len(strata) + 1):
        here = Counter(strata[i] for i in found[:n])
        for name, size in total.items():
            # Each stratum is off by less than one at its place; so the prefix's own length is off
            # by less than their number, of which each stratum has its share.
            assert abs(here[name] - n * size / len(strata)) < 2 + len(total)


def test_draws_and_pools_differ():
    strata = [None] * 200
    orders = [order(strata, draw, name) for draw in (0, 1) for name in ("source", "lug")]
    assert len({tuple(o) for o in orders}) == 4


def test_more_than_there_is_is_refused():
    with pytest.raises(XnerError, match="6 sentences of text are needed, and there are 5"):
        take([0, 1, 2, 3, 4], 6, "text")
