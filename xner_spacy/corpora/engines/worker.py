"""A worker process of `xner annotate`.

The first line that it gets says what to load; then one line a shard.
"""

import queue
import time

from ...types import Json
from ..inputs import Slice
from ..shards import ShardMaker
from .process import Answer, serve

TICK_SECONDS = 0.5


def annotate_shards(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Load what the first task says, and make the shards of the others."""
    maker = ShardMaker(tasks.get())
    answer({})  # ready
    while True:
        piece = Slice(*tasks.get()["slice"])
        done, told = 0, time.monotonic()

        def tick(n: int) -> None:
            nonlocal done, told
            done += n
            if time.monotonic() - told > TICK_SECONDS:
                answer({"ticks": done})
                done, told = 0, time.monotonic()

        entry = maker.make(piece, tick)
        answer({"ticks": done, "done": piece.number, "entry": entry})


if __name__ == "__main__":
    serve(annotate_shards)
