"""Runs the jobs of a study, on this machine or on a Ray cluster, each once.

A job's folder appears under its key when it is whole. A run that is killed leaves folders named
`.KEY.*`, which the next one takes away; all else it goes on from.
"""

import heapq
import json
import os
import shutil
import tempfile
import traceback
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import srsly

from ..corpora.runfolder import locked
from ..corpora.writing import atomic_write
from ..errors import MissingExtraError, XnerError
from ..types import Json
from .config import Study
from .jobs import do
from .plan import Job, Plan
from .rows import DONE, FAILED, Row

JOBS = "jobs"
RESULT = "result.json"
FAILURES = "failures"
# A job whose process dies (for want of memory, say) is tried again; one that kills each is given up.
MAX_DEATHS = 3
# One thread a process: the jobs are what runs side by side.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Outcome(NamedTuple):
    """What came of a job: what it measured, or why it failed."""

    result: Optional[Json]
    reason: str = ""


def job_folder(work: Path, key: str) -> Path:
    """RETURNS (Path): Where a job's files lie once it is done."""
    return work / JOBS / key


def read_result(work: Path, key: str) -> Optional[Json]:
    """RETURNS (Optional[Json]): What a job measured, or None if it is not done."""
    try:
        found = srsly.read_json(job_folder(work, key) / RESULT)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def perform(job: Job, study: Study) -> Outcome:
    """Do a job and put its folder in place. This runs in a process of its own.

    RETURNS (Outcome): Its result, or the reason of its failure; the traceback is kept in a file.
    """
    jobs = study.work / JOBS
    folder = Path(tempfile.mkdtemp(dir=jobs, prefix=f".{job.key}."))
    parents = {}
    for key in job.parents:
        parents[json.loads((jobs / key / "job.json").read_text())["kind"]] = jobs / key
    try:
        result = do(job, study, folder, parents)
        facts = {"kind": job.kind, "params": job.params, "parents": list(job.parents)}
        for name, data in (("job.json", facts), (RESULT, result)):
            with atomic_write(folder / name) as file:
                file.write(srsly.json_dumps(data, indent=2) + "\n")
        final = job_folder(study.work, job.key)
        if final.exists():  # what is left of a folder whose result cannot be read
            shutil.rmtree(final)
        folder.rename(final)
        return Outcome(result)
    except Exception as error:  # noqa: BLE001  (whatever a job fails of, the others go on)
        shutil.rmtree(folder, ignore_errors=True)
        with atomic_write(study.work / FAILURES / f"{job.key}.txt") as file:
            file.write(f"{job}\n\n{traceback.format_exc()}")
        return Outcome(None, f"{type(error).__name__}: {error}".splitlines()[0])


def finished_jobs(plan: Plan, work: Path) -> Dict[str, Outcome]:
    """RETURNS (Dict[str, Outcome]): What earlier runs have measured of a plan, by key."""
    found = {key: read_result(work, key) for key in plan.jobs}
    return {key: Outcome(result) for key, result in found.items() if result is not None}


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

    plan (Plan), study (Study): What to do. outcomes (Dict[str, Outcome]): What is known, by key; what
        is found out is added.
    workers (int): Jobs at a time. engine (str): "local" or "ray". address (Optional[str]): Of the
        Ray cluster; None starts one here.
    tick (Callable[[Job], None]): Called after each job.
    RAISES: XnerError if another run works in the folder.
    """
    jobs = study.work / JOBS
    jobs.mkdir(parents=True, exist_ok=True)
    with locked(study.work):
        for left in jobs.glob(".*.*"):
            shutil.rmtree(left, ignore_errors=True)
        todo = [job for job in plan.jobs.values() if job.key not in outcomes]
        if not todo:
            return
        pool = _RayPool(address) if engine == "ray" else _LocalPool(workers)
        with pool.started():
            for job, outcome in _schedule(todo, study, outcomes, pool, workers):
                outcomes[job.key] = outcome
                tick(job)


def _schedule(
    todo: List[Job], study: Study, outcomes: Dict[str, Outcome], pool: Any, workers: int
) -> Iterator[Tuple[Job, Outcome]]:
    """Keep `workers` jobs going, each after those that it needs, the first of the plan first."""
    place = {job.key: k for k, job in enumerate(todo)}
    waiting = {job.key: job for job in todo}
    left = {job.key: {k for k in job.parents if k in waiting} for job in todo}
    children: Dict[str, Set[str]] = defaultdict(set)
    for key, parents in left.items():
        for parent in parents:
            children[parent].add(key)
    ready = [(place[job.key], job.key) for job in todo if not left[job.key]]

    def release(job: Job) -> None:
        for child in children[job.key]:
            left[child].discard(job.key)
            if not left[child]:
                heapq.heappush(ready, (place[child], child))

    running: Dict[Any, Job] = {}
    deaths: Counter = Counter()
    while ready or running:
        while ready and len(running) < workers:
            job = waiting[heapq.heappop(ready)[1]]
            failed = next((k for k in job.parents if outcomes[k].result is None), None)
            if failed is not None:
                outcome = Outcome(
                    None, f"needs another job, which failed: {outcomes[failed].reason}"
                )
                yield job, outcome
                release(job)
                continue
            running[pool.submit(job, study)] = job
        if not running:
            continue
        for handle in pool.finished(list(running)):
            job = running.pop(handle)
            try:
                outcome = pool.result(handle)
            except pool.died:
                deaths[job.key] += 1
                if deaths[job.key] < MAX_DEATHS:
                    heapq.heappush(ready, (place[job.key], job.key))
                    continue
                outcome = Outcome(None, f"its process died {MAX_DEATHS} times")
            yield job, outcome
            release(job)


class _LocalPool:
    """Processes on this machine. When one dies the pool is made anew."""

    died = (BrokenProcessPool,)

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.executor: Optional[ProcessPoolExecutor] = None

    @contextmanager
    def started(self) -> Iterator[None]:
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, "1"))
        try:
            yield
        except BaseException:
            self._kill()
            raise
        finally:
            if self.executor is not None:
                self.executor.shutdown(cancel_futures=True)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def submit(self, job: Job, study: Study) -> "Future[Outcome]":
        try:
            return self._pool().submit(perform, job, study)
        except BrokenProcessPool:
            self.executor = None
            return self._pool().submit(perform, job, study)

    def _pool(self) -> ProcessPoolExecutor:
        if self.executor is None:
            # spawn: a forked child would take over threads and locks of its parent.
            self.executor = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))
        return self.executor

    def finished(self, handles: List[Any]) -> List[Any]:
        return list(wait(handles, return_when=FIRST_COMPLETED).done)

    def result(self, handle: "Future[Outcome]") -> Outcome:
        return handle.result()

    def _kill(self) -> None:
        for process in list(getattr(self.executor, "_processes", {}).values()):
            process.kill()


class _RayPool:
    """Tasks on a Ray cluster. Every machine must see the same folders."""

    died: tuple = ()

    def __init__(self, address: Optional[str]) -> None:
        self.address = address
        self.task: Any = None

    @contextmanager
    def started(self) -> Iterator[None]:
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("--engine ray", "ray") from error
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
        return self.task.remote(job, study)

    def finished(self, handles: List[Any]) -> List[Any]:
        import ray

        return list(ray.wait(handles, num_returns=1)[0])

    def result(self, handle: Any) -> Outcome:
        import ray

        return ray.get(handle)


def make_rows(plan: Plan, outcomes: Dict[str, Outcome]) -> List[Row]:
    """RETURNS (List[Row]): The rows of all cells whose jobs were run."""
    rows = []
    for cell in plan.cells:
        outcome = outcomes.get(cell.job)
        if outcome is None:
            continue
        if outcome.result is None:
            rows.append(replace(cell.row, status=FAILED, reason=outcome.reason))
            continue
        measured = outcome.result["measurements"][cell.name]
        known = {k: v for k, v in measured.items() if k in Row.__dataclass_fields__}
        rows.append(
            replace(
                cell.row,
                status=DONE,
                seconds=outcome.result["seconds"],
                machine=outcome.result["machine"],
                **known,
            )
        )
    return rows


def price(plan: Plan, study: Study) -> Json:
    """What a run would do, and how long it would take, from the jobs that have been measured.

    RETURNS (Json): By kind of job (students by arm): `jobs`, `done`, `seconds` each (None if none
        has been measured); `seconds` left in all, and the kinds that it is not known of.
    """
    kinds: Dict[str, Json] = {}
    for job in plan.jobs.values():
        name = f"student {job.params['arm']}" if job.kind == "student" else job.kind
        entry = kinds.setdefault(name, {"jobs": 0, "done": 0, "measured": 0.0})
        entry["jobs"] += 1
        found = read_result(study.work, job.key)
        if found is not None:
            entry["done"] += 1
            entry["measured"] += found["seconds"]
    students = [e for name, e in kinds.items() if name.startswith("student") and e["done"]]
    usual = sum(e["measured"] for e in students) / max(1, sum(e["done"] for e in students))
    total, unknown = 0.0, []
    for name, entry in kinds.items():
        seconds = entry["measured"] / entry["done"] if entry["done"] else None
        if seconds is None and name.startswith("student") and students:
            seconds = usual
        entry["seconds"] = seconds
        if seconds is not None:
            total += seconds * (entry["jobs"] - entry["done"])
        elif entry["jobs"] > entry["done"]:
            unknown.append(name)
    return {"kinds": kinds, "seconds": total, "unknown": unknown}
