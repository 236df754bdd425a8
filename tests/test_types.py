import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy import Alignment

links = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30)


@given(links)
def test_links_are_sorted_and_unique(pairs):
    alignment = Alignment(pairs)
    found = [tuple(x) for x in alignment.links.tolist()]
    assert found == sorted(set(pairs))
    assert alignment.links.shape == (len(found), 2)
    assert alignment.scores.shape == (len(found),)


@given(links, st.data())
def test_of_a_link_given_twice_the_highest_score_stays(pairs, data):
    scores = data.draw(st.lists(st.floats(0, 1, width=32), min_size=len(pairs), max_size=len(pairs)))
    alignment = Alignment(pairs, scores)
    for (i, j), score in zip(alignment.links.tolist(), alignment.scores.tolist()):
        assert score == max(s for p, s in zip(pairs, scores) if p == (i, j))


@given(links)
def test_reversing_twice_changes_nothing(pairs):
    assert Alignment(pairs).reversed().reversed() == Alignment(pairs)


def test_faults_are_refused():
    with pytest.raises(ValueError, match="2 links but 1 scores"):
        Alignment([(0, 0), (1, 1)], [0.5])
    with pytest.raises(ValueError, match="negative"):
        Alignment([(0, -1)])
    with pytest.raises(ValueError, match="negative"):
        Alignment([(0, 1)], [float("nan")])
    with pytest.raises(ValueError, match=r"link 3-1 is outside .*3 source and 2 target"):
        Alignment([(0, 0), (3, 1)]).check(3, 2)


def test_empty():
    alignment = Alignment()
    assert len(alignment) == 0 and alignment.links.dtype == np.int32
    assert alignment.to_pharaoh() == ""
    alignment.check(0, 0)
