"""Runs the jobs of a study, each once: in processes of this machine, or on a Ray cluster. As a program it is such a
process: the first line that it gets is the study, then one line a job.

A pool takes a job and gives a future of its outcome, which raises one of the pool's `died` where the process that ran the
job is gone: then that job alone is charged, and whatever ran beside it goes on.

A job's folder appears under its key when it is whole. A process that is killed leaves a folder named `.KEY.*`, which
the next run takes away.
"""

import heapq
import os
import queue
import re
import shutil
import tempfile
import threading
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, ContextManager, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from typing_extensions import NotRequired, TypedDict

from ...corpora.engines.process import Answer, Inbox, WorkerProcess, how_it_ended, raise_error, serve
from ...corpora.engines.ray_cluster import cluster
from ...corpora.reading import read_json
from ...corpora.writing import atomic_write, write_json
from ...errors import InputError, XnerError
from ...types import Json
from .config import Study
from .input_files import InputChanged
from .jobs import do
from .plan import Job, Plan

JOBS = "jobs"
RESULT = "result.json"
FAILURES = "failures"
HALF_DONE = re.compile(r"\.[0-9a-f]{16}\..+")
# The kinds of a job's parents, in their order; a job has none, the first, two of them or all.
PARENTS = ("teacher", "labels", "transfer")
# A job whose process dies (for want of memory, say) is tried again; one that kills each is given up.
MAX_DEATHS = 3
# Workers in a row that ended before they had begun with a job: something is wrong with this machine or installation.
MAX_FALSE_STARTS = 3
# One thread a process: the jobs are what runs side by side.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Result(TypedDict):
    """What a job's file of results must hold."""

    measurements: Dict[str, Dict[str, Union[int, float, None]]]
    seconds: float
    machine: NotRequired[str]


class Outcome(NamedTuple):
    """What came of a job: what it measured, or why it failed.

    stop (Sequence[str]): Message and hint of an error that ends the whole run: no other job would fare better.
    """

    result: Optional[Json]
    reason: str = ""
    stop: Sequence[str] = ()


def read_result(work: Path, key: str) -> Optional[Json]:
    """RETURNS (Optional[Json]): What a job measured, or None if it is not done; what cannot be read is not done, and
    done again.
    """
    try:
        return read_json(work / JOBS / key / RESULT, Result)
    except InputError:
        return None


def sweep(work: Path) -> None:
    """Take away what killed processes left half-done, and nothing else."""
    for left in (work / JOBS).glob(".*"):
        if HALF_DONE.fullmatch(left.name):
            shutil.rmtree(left, ignore_errors=True)


def perform(job: Job, study: Study) -> Outcome:
    """Do a job and put its folder in place. This runs in a process of its own.

    RETURNS (Outcome): Its result, or the reason of its failure; the traceback is kept in a file.
    """
    jobs = study.settings.work / JOBS
    folder = Path(tempfile.mkdtemp(dir=jobs, prefix=f".{job.key}."))
    parents = {kind: jobs / key for kind, key in zip(PARENTS, job.parents, strict=False)}
    try:
        result = do(job, study, folder, parents)
        write_json(folder / "job.json", {"kind": job.kind, "params": job.params, "parents": list(job.parents)})
        write_json(folder / RESULT, result)
        # A process of an earlier run may have put it there a moment ago. What can't be read goes.
        there = read_result(study.settings.work, job.key)
        if there is None:
            shutil.rmtree(jobs / job.key, ignore_errors=True)
            folder.rename(jobs / job.key)
        return Outcome(there or result)
    except InputChanged as error:
        return Outcome(None, error.message, [error.message, error.hint])
    # spaCy's `train` ends the process for some faults of a config.
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a job fails of, the others go on)
        with suppress(XnerError), atomic_write(study.settings.work / FAILURES / f"{job.key}.txt") as file:
            file.write(f"{job}\n\n{traceback.format_exc()}")
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(None, " ".join(said.split()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def do_jobs(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Do the jobs of the study that the first task is."""
    study = Study.model_validate(tasks.get()["study"])
    while True:
        job = Job(**tasks.get()["job"])
        answer({"begun": job.key})
        answer({"outcome": list(perform(job, study))})


class WorkerDied(Exception):
    """The process ended that a job ran in."""


class LocalPool:
    """Worker processes of this machine, a job at a time in each, and a thread that waits for each; all processes end with
    the `with` block.

    study (Study): What the jobs belong to. workers (int): How many. program (str): The module that a worker runs.
    """

    died: Tuple[type, ...] = (WorkerDied,)

    def __init__(self, study: Study, workers: int, program: str = __name__) -> None:
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
    (study.settings.work / JOBS).mkdir(parents=True, exist_ok=True)
    sweep(study.settings.work)
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
        sweep(study.settings.work)


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


if __name__ == "__main__":
    serve(do_jobs)
