"""When memory is looked through for what is not needed any more, and given back."""

import ctypes
import gc
import sys
from contextlib import contextmanager
from typing import Iterator


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let Python look for unreachable cycles of objects less often in a block. A corpus or a pipeline in memory holds
    none, but millions of objects that it would look through again and again: up to a fifth of the time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def give_back_memory() -> None:
    """Give memory that was freed back to the system. The C library of most Linux systems keeps it otherwise, for what
    the process allocates later. Elsewhere this does nothing.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
