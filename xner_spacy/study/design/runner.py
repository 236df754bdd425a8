"""Runs the jobs of a study, each once: in processes of this machine, or on a Ray cluster.

A pool takes a job and gives a future of its outcome, which raises one of the pool's `died` where the process that ran the
job is gone: then that job alone is charged, and whatever ran beside it goes on.
"""

import heapq
import os
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional, Tuple

from ...corpora.engines.process import Inbox, WorkerProcess, how_it_ended, raise_error
from ...corpora.engines.ray_cluster import cluster
from ...errors import XnerError
from .config import Study
from .perform import JOBS, Outcome, perform, sweep
from .plan import Job, Plan

# A job whose process dies (for want of memory, say) is tried again; one that kills each is given up.
MAX_DEATHS = 3
# Workers in a row that ended before they had begun with a job: something is wrong with this machine or installation.
MAX_FALSE_STARTS = 3
# One thread a process: the jobs are what runs side by side.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkerDied(Exception):
    """The process ended that a job ran in."""


class LocalPool:
    """Worker processes of this machine, a job at a time in each, and a thread that waits for each; all processes end with
    the `with` block.

    study (Study): What the jobs belong to. workers (int): How many. program (str): The module that a worker runs.
    """

    died: Tuple[type, ...] = (WorkerDied,)

    def __init__(self, study: Study, workers: int, program: str = "xner_spacy.study.design.perform") -> None:
        self.study = study.model_dump(mode="json", by_alias=True)
        self.program = program
        self.alive: Dict[int, WorkerProcess] = {}
        self._threads = ThreadPoolExecutor(workers)
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> "LocalPool":
        return self

    def __exit__(self, *_: Any) -> None:
        with self._lock:
            self._closed = True
            for worker in self.alive.values():
                worker.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self.alive.values():
            worker.end()

    def submit(self, job: Job) -> "Future[Outcome]":
        """RETURNS (Future[Outcome]): What comes of a job. RAISES: WorkerDied; XnerError where no worker begins with it."""
        return self._threads.submit(self._do, job)

    def _worker(self) -> WorkerProcess:
        """RETURNS (WorkerProcess): That of this thread, made where there is none. RAISES: WorkerDied at the end."""
        with self._lock:
            if self._closed:
                raise WorkerDied
            worker = self.alive.get(threading.get_ident())
            if worker is None:
                worker = WorkerProcess(self.program, {**os.environ, **THREADS}, Inbox())
                worker.send({"study": self.study})
                self.alive[threading.get_ident()] = worker
        return worker

    def _do(self, job: Job) -> Outcome:
        for _ in range(MAX_FALSE_STARTS):
            worker, begun = self._worker(), False
            worker.send({"job": vars(job)})
            while (message := worker.inbox.take()[1]) is not None:
                raise_error(message)
                if "outcome" in message:
                    return Outcome(*message["outcome"])
                begun = True
            code = worker.end()
            with self._lock:
                del self.alive[threading.get_ident()]
            if begun:
                raise WorkerDied
        raise XnerError(
            f"Worker processes ended {MAX_FALSE_STARTS} times before they began with a job ({how_it_ended(code)}).",
            "Signal 9 is often the system out of memory: use fewer --workers.",
        )


@contextmanager
def ray_pool(study: Study, address: Optional[str]) -> Iterator[SimpleNamespace]:
    """YIELDS (SimpleNamespace): A pool on a Ray cluster. Every machine must see the same folders."""
    with cluster(address, runtime_env={"env_vars": THREADS}) as ray:
        task = ray.remote(perform)
        yield SimpleNamespace(submit=lambda job: task.remote(job, study).future(), died=(ray.exceptions.RayError,))


def run_jobs(
    plan: Plan,
    study: Study,
    outcomes: Dict[str, Outcome],
    *,
    workers: int = 1,
    engine: str = "local",
    address: Optional[str] = None,
    tick: Callable[[Job], None] = lambda job: None,
) -> None:
    """Run what has not been run.

    plan (Plan), study (Study): What to do. outcomes (Dict[str, Outcome]): What is known, by key; what is found out is
        added.
    workers (int): Jobs at a time. engine (str): "local" or "ray". address (Optional[str]): Of the Ray cluster; None
        starts one here.
    tick (Callable[[Job], None]): Called after each job. The caller holds the lock of the folder of jobs.
    RAISES: XnerError if no further job makes sense: a file of the study has changed, say.
    """
    (study.work / JOBS).mkdir(parents=True, exist_ok=True)
    sweep(study.work)
    todo = [job for job in plan.jobs.values() if job.key not in outcomes]
    if not todo:
        return
    started: ContextManager[Any] = ray_pool(study, address) if engine == "ray" else LocalPool(study, workers)
    try:
        with started as pool:
            for job, outcome in schedule(todo, outcomes, pool, workers):
                outcomes[job.key] = outcome
                tick(job)
    finally:
        # Also what a worker of this run left that died.
        sweep(study.work)


def schedule(todo: List[Job], outcomes: Dict[str, Outcome], pool: Any, workers: int) -> Iterator[Tuple[Job, Outcome]]:
    """Keep `workers` jobs going, each after those that it needs, the first of the plan first.

    todo (List[Job]): In the order of the plan. outcomes (Dict[str, Outcome]): Those of the jobs before, by key; the caller
        adds what is yielded. pool (Any): Does the jobs. workers (int): Jobs at a time.
    YIELDS (Tuple[Job, Outcome]): Each job when it is done. RAISES: XnerError where an outcome ends the run.
    """
    place = {job.key: k for k, job in enumerate(todo)}
    graph = TopologicalSorter({job.key: [key for key in job.parents if key in place] for job in todo})
    graph.prepare()
    ready: List[int] = []
    running: Dict[Future[Outcome], Job] = {}
    deaths: Counter = Counter()
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, place[key])
        if ready and len(running) < workers:
            job = todo[heapq.heappop(ready)]
            failed = next((k for k in job.parents if outcomes[k].result is None), None)
            if failed is None:
                running[pool.submit(job)] = job
            else:
                yield job, Outcome(None, f"needs another job, which failed: {outcomes[failed].reason}")
                graph.done(job.key)
            continue
        # Not for ever: on Windows an interrupt would wait as long.
        for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            try:
                outcome = future.result()
            except pool.died:
                deaths[job.key] += 1
                if deaths[job.key] < MAX_DEATHS:
                    heapq.heappush(ready, place[job.key])
                    continue
                outcome = Outcome(None, f"its process died {MAX_DEATHS} times")
            if outcome.stop:
                raise XnerError(*outcome.stop)
            yield job, outcome
            graph.done(job.key)
