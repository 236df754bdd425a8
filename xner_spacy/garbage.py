"""Python's search for unreachable cycles of objects, which takes long where millions of objects are reachable."""

import gc
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
