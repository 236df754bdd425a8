"""Worker processes on this machine: each loads the pipeline once and makes one shard at a time."""

import os
import queue
import time
from collections import Counter, deque
from typing import Callable, Deque, Dict, List, Optional

from ...errors import XnerError
from ...garbage import collecting_seldom
from ...types import Json
from ..inputs import Slice
from ..shards import ShardMaker
from .process import Answer, Inbox, WorkerProcess, how_it_ended, raise_error, serve

# A dead worker is replaced and its shard made again; after this many deaths at one shard, the run fails.
MAX_DEATHS = 3
# NumPy's matrix library reads the first variable, or else the second, which torch reads too.
NUMPY_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
TICK_SECONDS = 0.5

Record = Callable[[Slice, Json], None]
Tick = Callable[[int], None]


class Worker(WorkerProcess):
    """A worker process and its current shard.

    job (Json): See `ShardMaker`. environment (Dict[str, str]): Of the process. inbox (Inbox): Receives its answers.
    """

    def __init__(self, job: Json, environment: Dict[str, str], inbox: Inbox) -> None:
        super().__init__("xner_spacy.corpora.engines.local", environment, inbox)
        self.piece: Optional[Slice] = None
        self.ticks = 0
        self.send(job)


def share_cores(workers: int) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The environment of one of several workers. Unless the number of NumPy's threads is set
    already, NumPy gets its share of the cores; otherwise each worker would start a thread for every core, and they
    would wait for each other. Torch's threads are not set: its results depend on their number, and shards must not
    depend on the number of workers.
    """
    if any(name in os.environ for name in NUMPY_THREADS):
        return dict(os.environ)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return {**os.environ, NUMPY_THREADS[0]: str(max(cores // max(workers, 1), 1))}


def run_workers(job: Json, pieces: List[Slice], workers: int, record: Record, tick: Tick) -> None:
    """Annotate shards in processes of their own.

    job (Json): See `ShardMaker`. pieces (List[Slice]): The shards to make. workers (int): Processes. record: Called
        with each finished shard and its entry. tick: Called with numbers of sentences; a negative number takes back
        what a dead worker had reported.
    RAISES: XnerError with a worker's own error, or if a shard kills worker after worker.
    """
    todo: Deque[Slice] = deque(pieces)
    deaths: Counter = Counter()
    inbox = Inbox()
    workers = min(workers, len(pieces))
    environment = share_cores(workers)
    alive: List[Worker] = []
    try:
        for _ in range(workers):
            alive.append(Worker(job, environment, inbox))
        while alive:
            sender, message = inbox.take()
            worker = next((worker for worker in alive if worker is sender), None)
            if worker is None:
                continue  # the last message of a worker that was stopped
            if message is None:
                alive.remove(worker)
                tick(-worker.ticks)
                _count_death(deaths, worker, worker.end())
                if worker.piece is not None:
                    todo.appendleft(worker.piece)
                if len(alive) < len(todo):
                    alive.append(Worker(job, environment, inbox))
                continue
            raise_error(message)
            worker.ticks += message.get("ticks", 0)
            tick(message.get("ticks", 0))
            if "done" in message:
                assert worker.piece is not None and worker.piece.number == message["done"]
                record(worker.piece, message["entry"])
                worker.piece, worker.ticks = None, 0
            if worker.piece is None and todo:
                worker.piece = todo.popleft()
                worker.send({"slice": list(worker.piece)})
            elif worker.piece is None:
                alive.remove(worker)
                worker.end()
    finally:
        for worker in alive:
            worker.end()


def _count_death(deaths: Counter, worker: Worker, code: int) -> None:
    shard = worker.piece.number if worker.piece is not None else None
    deaths[shard] += 1
    if deaths[shard] >= MAX_DEATHS:
        where = "while loading the pipeline" if shard is None else f"at shard {shard:05d}"
        hint = "Run with --workers 1 to see the error."
        if code == -9:
            hint = "Signal 9 is often the system out of memory: use fewer workers or a smaller --batch-size."
        raise XnerError(f"Worker processes ended {MAX_DEATHS} times {where} ({how_it_ended(code)}).", hint)


def annotate_shards(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Run a worker: load the job of the first task, and make the shards of the later ones."""
    maker = ShardMaker(tasks.get())
    answer({})  # ready
    while True:
        piece = Slice(*tasks.get()["slice"])
        n_done, last_answer = 0, time.monotonic()

        def tick(n: int) -> None:
            nonlocal n_done, last_answer
            n_done += n
            if time.monotonic() - last_answer > TICK_SECONDS:
                answer({"ticks": n_done})
                n_done, last_answer = 0, time.monotonic()

        entry = maker.make(piece, tick)
        answer({"ticks": n_done, "done": piece.number, "entry": entry})


if __name__ == "__main__":
    with collecting_seldom():
        serve(annotate_shards)
