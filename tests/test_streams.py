"""Sequences that belong together: one too few or too many is an error that names the part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.streams import paired


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
