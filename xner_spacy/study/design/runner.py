"""Runs the jobs of a study, each once: in processes on this machine, or on a Ray cluster. Run as a program, it is such
a process: the first line of its input is the study, and each further line a job.

A pool takes a job and returns a future of its outcome. The future raises one of the pool's `died` exceptions if the
process that ran the job died. This counts only against that job, and other jobs continue.

A job's folder is moved to its key when it is complete. A process that is killed leaves a folder named `.KEY.*`, which
the next run deletes.
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
# The kinds of a job's parents, in this order; a job has none, the first one, two, or all three.
PARENTS = ("teacher", "labels", "transfer")
# A job whose process dies (for example without enough memory) is tried again, at most this often in all.
MAX_DEATHS = 3
# How many workers in a row may end before they begin a job. More mean a problem with the machine or installation.
MAX_FALSE_STARTS = 3
# One thread for each process, since jobs run in parallel.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Result(TypedDict):
    """What a job's file of results must hold."""

    measurements: Dict[str, Dict[str, Union[int, float, None]]]
    seconds: float
    machine: NotRequired[str]


class Outcome(NamedTuple):
    """The outcome of a job: what it measured, or why it failed.

    stop (Sequence[str]): Message and hint of an error that ends the whole run, because it would affect all jobs.
    """

    result: Optional[Json]
    reason: str = ""
    stop: Sequence[str] = ()


def read_result(work: Path, key: str) -> Optional[Json]:
    """RETURNS (Optional[Json]): What a job measured, or None if it is not done. A file that cannot be read counts as
    not done.
    """
    try:
        return read_json(work / JOBS / key / RESULT, Result)
    except InputError:
        return None


def sweep(work: Path) -> None:
    """Delete the unfinished folders of killed processes, and nothing else."""
    for leftover in (work / JOBS).glob(".*"):
        if HALF_DONE.fullmatch(leftover.name):
            shutil.rmtree(leftover, ignore_errors=True)


def perform(job: Job, study: Study) -> Outcome:
    """Run a job and move its folder to its key. This runs in a separate process.

    RETURNS (Outcome): Its result, or the reason for its failure; the traceback is saved in a file.
    """
    jobs = study.settings.work / JOBS
    folder = Path(tempfile.mkdtemp(dir=jobs, prefix=f".{job.key}."))
    parents = {kind: jobs / key for kind, key in zip(PARENTS, job.parents, strict=False)}
    try:
        result = do(job, study, folder, parents)
        write_json(folder / "job.json", {"kind": job.kind, "params": job.params, "parents": list(job.parents)})
        write_json(folder / RESULT, result)
        # A process of an earlier run may have just finished the same job. A folder that can't be read is deleted.
        existing = read_result(study.settings.work, job.key)
        if existing is None:
            shutil.rmtree(jobs / job.key, ignore_errors=True)
            folder.rename(jobs / job.key)
        return Outcome(existing or result)
    except InputChanged as error:
        return Outcome(None, error.message, [error.message, error.hint])
    # spaCy's `train` exits for some config errors.
    except (Exception, SystemExit) as error:  # noqa: BLE001  (other jobs continue after any failure)
        with suppress(XnerError), atomic_write(study.settings.work / FAILURES / f"{job.key}.txt") as file:
            file.write(f"{job}\n\n{traceback.format_exc()}")
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(None, " ".join(message.split()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def do_jobs(tasks: "queue.Queue[Json]", answer: Answer) -> None:
    """Run jobs: the first task is the study, and all others are its jobs."""
    study = Study.model_validate(tasks.get()["study"])
    while True:
        job = Job(**tasks.get()["job"])
        answer({"begun": job.key})
        answer({"outcome": list(perform(job, study))})


class WorkerDied(Exception):
    """The process that ran a job has ended."""


class LocalPool:
    """Worker processes on this machine, each running one job at a time, with a thread that waits for it. All processes
    end with the `with` block.

    study (Study): The study of the jobs. workers (int): Number of processes. program (str): The module that they run.
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
        """RETURNS (Future[Outcome]): The outcome of a job. RAISES: WorkerDied; XnerError if no worker begins it."""
        return self._threads.submit(self._do, job)

    def _worker(self) -> WorkerProcess:
        """RETURNS (WorkerProcess): The process of this thread, started if needed. RAISES: WorkerDied after the end."""
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
    """Run the jobs that have no outcome yet. The caller must hold the lock of the folder of jobs.

    plan (Plan), study (Study): The jobs, and their study. outcomes (Dict[str, Outcome]): Known outcomes, by key; those
        of the jobs are added.
    workers (int): Number of parallel jobs. engine (str): "local" or "ray". address (Optional[str]): Address of the Ray
        cluster; None starts one on this machine.
    tick (Callable[[Job], None]): Called after each job.
    RAISES: XnerError if running further jobs is useless, for example because a file of the study has changed.
    """
    (study.settings.work / JOBS).mkdir(parents=True, exist_ok=True)
    sweep(study.settings.work)
    todo = [job for job in plan.jobs.values() if job.key not in outcomes]
    if not todo:
        return
    pool_context: ContextManager[Any] = ray_pool(study, address) if engine == "ray" else LocalPool(study, workers)
    try:
        with pool_context as pool:
            for job, outcome in schedule(todo, outcomes, pool, workers):
                outcomes[job.key] = outcome
                tick(job)
    finally:
        # Also delete what workers of this run left when they died.
        sweep(study.settings.work)


def schedule(todo: List[Job], outcomes: Dict[str, Outcome], pool: Any, workers: int) -> Iterator[Tuple[Job, Outcome]]:
    """Keep `workers` jobs running, each after those that it depends on, in the order of the plan.

    todo (List[Job]): The jobs, in the order of the plan. outcomes (Dict[str, Outcome]): The outcomes of earlier jobs,
        by key; the caller adds those that are yielded. pool (Any): Runs the jobs. workers (int): Parallel jobs.
    YIELDS (Tuple[Job, Outcome]): Each job when it is done. RAISES: XnerError if an outcome ends the run.
    """
    index_of = {job.key: index for index, job in enumerate(todo)}
    graph = TopologicalSorter({job.key: [key for key in job.parents if key in index_of] for job in todo})
    graph.prepare()
    ready: List[int] = []
    running: Dict[Future[Outcome], Job] = {}
    deaths: Counter = Counter()
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, index_of[key])
        if ready and len(running) < workers:
            job = todo[heapq.heappop(ready)]
            failed_parent = next((key for key in job.parents if outcomes[key].result is None), None)
            if failed_parent is None:
                running[pool.submit(job)] = job
            else:
                yield job, Outcome(None, f"needs another job, which failed: {outcomes[failed_parent].reason}")
                graph.done(job.key)
            continue
        # With a timeout, since on Windows an interrupt would wait as well.
        for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            try:
                outcome = future.result()
            except pool.died:
                deaths[job.key] += 1
                if deaths[job.key] < MAX_DEATHS:
                    heapq.heappush(ready, index_of[job.key])
                    continue
                outcome = Outcome(None, f"its process died {MAX_DEATHS} times")
            if outcome.stop:
                raise XnerError(*outcome.stop)
            yield job, outcome
            graph.done(job.key)


if __name__ == "__main__":
    serve(do_jobs)
