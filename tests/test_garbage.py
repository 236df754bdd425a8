"""Python's collector rests in a block, and works as before after it; freed memory goes back to the system."""

import ctypes
import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from xner_spacy.garbage import collecting_seldom, give_back_memory


def test_the_collector_works_as_before_after_the_block():
    before = gc.get_threshold(), gc.get_freeze_count()
    with collecting_seldom():
        assert gc.get_threshold() > before[0] and gc.isenabled()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    with pytest.raises(ValueError), collecting_seldom():
        raise ValueError
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def _held_mib() -> float:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not that of GNU"
)
def test_freed_memory_goes_back_to_the_system():
    blocks = [np.ones(10_000) for _ in range(1_000)]  # 80 kB each: too small for pages of their own
    last = blocks[-1]  # in the way of those before it
    del blocks
    before = _held_mib()
    give_back_memory()
    assert _held_mib() < before - 50 and last.all()
