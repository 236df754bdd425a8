"""Python's collector rests in a block, and works as before after it."""

import gc

import pytest

from xner_spacy.garbage import collecting_seldom


def test_the_collector_works_as_before_after_the_block():
    before = gc.get_threshold(), gc.get_freeze_count()
    with collecting_seldom():
        assert gc.get_threshold() > before[0] and gc.isenabled()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    with pytest.raises(ValueError), collecting_seldom():
        raise ValueError
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
