"""A few dozen of the corpora that `python -m tests.fuzz --round-trips` sends through every layout and form."""

import pytest

from tests.fuzz.forms import doc_trips
from tests.fuzz.roundtrips import round_trip


@pytest.mark.parametrize("number", range(2))
def test_every_layout_into_every_form(number, tmp_path):
    ended = round_trip(7, number, tmp_path)
    assert ended["wrong"] == [] and len(ended["right"]) > 20


@pytest.mark.parametrize("number", range(24))
def test_docs_through_pairs_of_forms(number, tmp_path):
    ended = doc_trips(11, number, tmp_path, pairs=3)
    assert ended["wrong"] == []
    assert number % 2 or len(ended["right"]) == 3  # what is tame is never refused
