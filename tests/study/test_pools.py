"""Processes that die: the job that ran in one is charged, and no other."""

import os
from pathlib import Path
from typing import Dict, List

import pytest

from tests.fuzz.kills import workers_of
from xner_spacy.errors import XnerError
from xner_spacy.study.design import runner
from xner_spacy.study.design.plan import Job, Plan
from xner_spacy.study.design.runner import LocalPool, Outcome, run_jobs, schedule
from xner_spacy.types import Json

PROGRAM = "tests.study.odd_worker"


class Folder:
    """Stands for the study: tells the workers where to note what they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.work = folder
        self.settings = self

    def model_dump(self, **_: object) -> Json:
        return {"folder": str(self.folder)}


def run(folder: Path, jobs: List[Job], workers: int) -> Dict[str, Outcome]:
    """RETURNS (Dict[str, Outcome]): What came of the jobs, by key."""
    found: Dict[str, Outcome] = {}
    with LocalPool(Folder(folder), workers, PROGRAM) as pool:  # type: ignore[arg-type]
        for job, outcome in schedule(jobs, found, pool, workers):
            found[job.key] = outcome
    return found


def times(folder: Path, key: str) -> int:
    """RETURNS (int): How often a job was begun."""
    return len((folder / key).read_text()) if (folder / key).exists() else 0


def test_a_job_that_kills_its_workers_is_given_up_and_its_neighbours_run_once(
    tmp_path: Path,
) -> None:
    jobs = [Job("teacher", {"dies": True}, (), "bad")]
    jobs += [Job("teacher", {"seconds": 0.5}, (), f"good{k}") for k in range(3)]
    found = run(tmp_path, jobs, workers=3)
    assert found["bad"] == Outcome(None, "its process died 3 times") and times(tmp_path, "bad") == 3
    for key in ("good0", "good1", "good2"):
        assert found[key].result == {"key": key} and times(tmp_path, key) == 1


def test_a_worker_that_never_begins_charges_no_job(tmp_path: Path) -> None:
    jobs = [Job("teacher", {"never begins": True}, (), "a")]
    with pytest.raises(XnerError, match=r"ended 3 times before they began .*exit code 7"):
        run(tmp_path, jobs, workers=2)
    assert not times(tmp_path, "a")


def test_an_error_of_a_worker_ends_the_run_and_the_others_with_it(tmp_path: Path) -> None:
    jobs = [Job("teacher", {"seconds": 60}, (), "long"), Job("teacher", {"error": "no"}, (), "b")]
    # Other tests may have left a process, for example the one that Python keeps for its shared memory.
    before = set(workers_of(os.getpid()))
    pool = LocalPool(Folder(tmp_path), 2, PROGRAM)  # type: ignore[arg-type]
    with pytest.raises(XnerError, match=r"^no$"), pool:
        list(schedule(jobs, {}, pool, 2))
    assert not set(workers_of(os.getpid())) - before


def test_a_worker_that_dies_while_it_has_nothing_to_do(tmp_path: Path) -> None:
    with LocalPool(Folder(tmp_path), 1, PROGRAM) as pool:  # type: ignore[arg-type]
        for key in ("a", "b", "c"):
            assert pool.submit(Job("teacher", {}, (), key)).result().result == {"key": key}
            [worker] = pool.alive.values()
            worker.process.kill()
            if key == "a":
                worker.process.wait()  # after "b" it is not even known yet that the process is gone
    assert [times(tmp_path, key) for key in "abc"] == [1, 1, 1]


def test_what_a_dead_worker_left_is_swept_away_in_the_same_run(tmp_path: Path, monkeypatch) -> None:
    half = tmp_path / "jobs" / ".0123456789abcdef.ab"

    def only_the_first(todo, outcomes, pool, workers):
        half.mkdir()
        yield todo[0], Outcome({})

    monkeypatch.setattr(runner, "schedule", only_the_first)
    study = Folder(tmp_path)
    plan = Plan({"a": Job("teacher", {}, (), "a")}, [], {})
    run_jobs(plan, study, {})  # type: ignore[arg-type]
    assert not half.exists()
