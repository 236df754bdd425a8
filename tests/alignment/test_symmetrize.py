"""Symmetrisation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.alignment.symmetrize import METHODS, symmetrize
from xner_spacy.errors import XnerError
from xner_spacy.types import Alignment

LINKS = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)))


def links(alignment: Alignment) -> set:
    return {(i, j) for i, j in alignment.links.tolist()}


@given(LINKS, LINKS)
def test_order_by_inclusion(forward: set, reverse: set) -> None:
    a, b = Alignment(sorted(forward)), Alignment(sorted(reverse))
    found = {name: links(symmetrize(a, b, name)) for name in METHODS}
    assert found["intersection"] == forward & reverse and found["union"] == forward | reverse
    assert found["forward"] == forward and found["reverse"] == reverse
    chain = ["intersection", "grow-diag", "grow-diag-final-and", "grow-diag-final", "union"]
    assert found["intersection"] <= found["grow-diag"] <= found["grow-diag-final-and"]
    assert all(found[name] <= found["union"] for name in chain)
    # Of two alignments final covers every word that the union covers.
    for side in (0, 1):
        assert {x[side] for x in found["grow-diag-final"]} == {x[side] for x in found["union"]}


@given(LINKS, LINKS)
def test_scores_are_means(forward: set, reverse: set) -> None:
    both = symmetrize(Alignment(sorted(forward)), Alignment(sorted(reverse)), "union")
    for (i, j), score in zip(both.links.tolist(), both.scores.tolist(), strict=False):
        assert score == (((i, j) in forward) + ((i, j) in reverse)) / 2


def test_a_worked_example() -> None:
    forward = Alignment([(0, 0), (1, 1), (2, 1), (4, 4)])
    reverse = Alignment([(0, 0), (1, 1), (1, 2), (5, 6)])
    assert symmetrize(forward, reverse, "grow-diag").to_pharaoh() == "0-0 1-1 1-2 2-1"
    final = symmetrize(forward, reverse, "grow-diag-final-and").to_pharaoh()
    assert final == "0-0 1-1 1-2 2-1 4-4 5-6"


def test_unknown_method() -> None:
    with pytest.raises(XnerError, match="grow-diag"):
        symmetrize(Alignment(), Alignment(), "gdfa")
