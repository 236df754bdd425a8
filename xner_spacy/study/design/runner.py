"""Runs the jobs of a study, on this machine or on a Ray cluster, each once."""

import heapq
from collections import Counter, defaultdict
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

from ...errors import XnerError
from ...types import Json
from .config import Study
from .job_pools import POOLS
from .perform import JOBS, Outcome, read_result, sweep
from .plan import Job, Plan
from .rows import DONE, FAILED, Row

# A job whose process dies (for want of memory, say) is tried again; one that kills each is given up.
MAX_DEATHS = 3


def finished_jobs(plan: Plan, work: Path) -> Dict[str, Outcome]:
    """RETURNS (Dict[str, Outcome]): What earlier runs have measured of a plan, by key. A result that lacks what the
    plan wants of it is none.
    """
    wanted: Dict[str, Set[str]] = defaultdict(set)
    for cell in plan.cells:
        wanted[cell.job].add(cell.name)
    found = {key: read_result(work, key) for key in plan.jobs}
    return {
        key: Outcome(result)
        for key, result in found.items()
        if result is not None and wanted[key] <= set(result["measurements"])
    }


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
    jobs = study.work / JOBS
    jobs.mkdir(parents=True, exist_ok=True)
    sweep(study.work)
    todo = [job for job in plan.jobs.values() if job.key not in outcomes]
    if not todo:
        return
    pool = POOLS[engine](workers, address)
    try:
        with pool.started():
            for job, outcome in _schedule(todo, study, outcomes, pool, workers):
                outcomes[job.key] = outcome
                tick(job)
    finally:
        # Also what a worker of this run left that died.
        sweep(study.work)


def _schedule(
    todo: List[Job], study: Study, outcomes: Dict[str, Outcome], pool: Any, workers: int
) -> Iterator[Tuple[Job, Outcome]]:
    """Keep `workers` jobs going, each after those that it needs, the first of the plan first."""
    place = {job.key: k for k, job in enumerate(todo)}
    graph = TopologicalSorter({job.key: [key for key in job.parents if key in place] for job in todo})
    graph.prepare()
    ready: List[int] = []
    running: Dict[Any, Job] = {}
    deaths: Counter = Counter()
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, place[key])
        if ready and len(running) < workers:
            job = todo[heapq.heappop(ready)]
            failed = next((k for k in job.parents if outcomes[k].result is None), None)
            if failed is None:
                running[pool.submit(job, study)] = job
            else:
                yield job, Outcome(None, f"needs another job, which failed: {outcomes[failed].reason}")
                graph.done(job.key)
            continue
        for handle in pool.finished(list(running)):
            job = running.pop(handle)
            try:
                outcome = pool.result(handle)
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
                machine=outcome.result.get("machine", ""),
                **known,
            )
        )
    return rows


def price(plan: Plan, study: Study) -> Json:
    """What a run would do, and how long it would take, from the jobs that have been measured.

    RETURNS (Json): By kind of job (students by arm): `jobs`, `done`, `seconds` each (None if none has been measured);
        `seconds` left in all, and the kinds that it is not known of.
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
