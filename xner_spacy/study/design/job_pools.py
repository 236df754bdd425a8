"""Where the jobs of a study run: in processes of this machine, or on a Ray cluster.

A pool takes jobs, says which are finished, and gives their outcomes. It raises one of its `died` where the process that
ran a job is gone: then that job alone is charged, and whatever ran beside it goes on.
"""

import os
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ...corpora.engines.process import Inbox, WorkerProcess, how_it_ended, raise_error
from ...errors import MissingExtraError, XnerError
from ...types import Json
from .config import Study
from .perform import Outcome, perform
from .plan import Job

# One thread a process: the jobs are what runs side by side.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Workers in a row that ended before they had begun with a job: something is wrong with this machine or installation.
MAX_FALSE_STARTS = 3


class WorkerDied(Exception):
    """The process ended that a job ran in."""


class _Task:
    """A job that runs: the handle that `LocalPool` gives out."""

    def __init__(self, job: Job, worker: WorkerProcess) -> None:
        self.job = job
        self.worker = worker
        self.begun = False
        self.outcome: Optional[Outcome] = None
        self.code: Optional[int] = None


class LocalPool:
    """Worker processes of this machine, a job at a time in each.

    workers (int): How many. program (str): The module that a worker runs.
    """

    died: Tuple[type, ...] = (WorkerDied,)

    def __init__(self, workers: int, program: str = "xner_spacy.study.design.job_worker") -> None:
        self.workers = workers
        self.program = program
        self.idle: List[WorkerProcess] = []
        self.running: List[_Task] = []
        self.study: Json = {}
        self.inbox = Inbox()
        self.false_starts = 0

    @contextmanager
    def started(self) -> Iterator[None]:
        """Have the pool; all its processes end with the block."""
        try:
            yield
        finally:
            for worker in [*self.idle, *(task.worker for task in self.running)]:
                worker.end()

    def submit(self, job: Job, study: Study) -> _Task:
        """RETURNS (_Task): The handle of a job that is being done."""
        self.study = study.to_json()
        # A worker that died while it had nothing to do has no job to answer for.
        while self.idle:
            worker = self.idle.pop()
            if worker.process.poll() is None:
                break
            worker.end()
        else:
            worker = self._start()
        task = _Task(job, worker)
        worker.send({"job": job.to_json()})
        self.running.append(task)
        return task

    def _start(self) -> WorkerProcess:
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        worker = WorkerProcess(self.program, environment, self.inbox)
        worker.send({"study": self.study})
        return worker

    def finished(self, tasks: List[_Task]) -> List[_Task]:
        """Wait until at least one is finished. RETURNS (List[_Task]): Those that are, or whose process has died."""
        while True:
            sender, message = self.inbox.take()
            task = next((task for task in tasks if task.worker is sender), None)
            # Without one it is the end of a worker that had nothing to do; `submit` sees that it is gone.
            if task is not None:
                self._note(task, message)
                if task.outcome is not None or task.code is not None:
                    self.running.remove(task)
                    return [task]

    def _note(self, task: _Task, message: Optional[Json]) -> None:
        if message is None:
            code = task.worker.end()
            if task.begun:
                task.code = code
                return
            self.false_starts += 1
            if self.false_starts >= MAX_FALSE_STARTS:
                raise XnerError(
                    f"Worker processes ended {MAX_FALSE_STARTS} times before they began with a job "
                    f"({how_it_ended(code)}).",
                    "Signal 9 is often the system out of memory: use fewer --workers.",
                )
            task.worker = self._start()
            task.worker.send({"job": task.job.to_json()})
            return
        raise_error(message)
        if "begun" in message:
            task.begun, self.false_starts = True, 0
        elif "outcome" in message:
            task.outcome = Outcome(*message["outcome"])

    def result(self, task: _Task) -> Outcome:
        """RETURNS (Outcome): What came of a finished job. RAISES: WorkerDied where its process is gone."""
        if task.outcome is None:
            raise WorkerDied
        self.idle.append(task.worker)
        return task.outcome


class RayPool:
    """Tasks on a Ray cluster. Every machine must see the same folders.

    address (Optional[str]): The cluster; None starts one here.
    """

    died: Tuple[type, ...] = ()

    def __init__(self, address: Optional[str]) -> None:
        self.address = address
        self.task: Any = None

    @contextmanager
    def started(self) -> Iterator[None]:
        """Have the cluster."""
        require_ray()
        import ray

        fresh = not ray.is_initialized()
        if fresh:
            threads = {"env_vars": dict.fromkeys(THREADS, "1")}
            try:
                ray.init(
                    address=self.address,
                    runtime_env=threads,
                    log_to_driver=False,
                    configure_logging=False,
                )
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise XnerError(
                    f"No Ray cluster at {self.address!r}: {str(error).splitlines()[0]}",
                    "Start one with `ray start --head`, or leave the address out.",
                ) from error
        self.died = (ray.exceptions.RayError,)
        self.task = ray.remote(perform)
        try:
            yield
        finally:
            if fresh:
                ray.shutdown()

    def submit(self, job: Job, study: Study) -> Any:
        """RETURNS: The handle of a job that is being done."""
        return self.task.remote(job, study)

    def finished(self, handles: List[Any]) -> List[Any]:
        """Wait until one is finished. RETURNS (List): It."""
        import ray

        return list(ray.wait(handles, num_returns=1)[0])

    def result(self, handle: Any) -> Outcome:
        """RETURNS (Outcome): What came of a finished job. RAISES: RayError where its process is gone."""
        import ray

        return ray.get(handle)


def require_ray() -> None:
    """RAISES: MissingExtraError without ray."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("--engine ray", "ray") from error


POOLS: Dict[str, Callable[[int, Optional[str]], Any]] = {
    "local": lambda workers, address: LocalPool(workers),
    "ray": lambda workers, address: RayPool(address),
}
