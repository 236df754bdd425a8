"""Does one job and puts its folder in place. As a program it is a worker process of `xner study run`: the first line that
it gets is the study, then one line a job.

A job's folder appears under its key when it is whole. A process that is killed leaves a folder named `.KEY.*`, which
the next run takes away.
"""

import contextlib
import queue
import re
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence, Union

from typing_extensions import NotRequired, TypedDict

from ...corpora.engines.process import Answer, serve
from ...corpora.reading import read_json
from ...corpora.writing import atomic_write, write_json
from ...errors import InputError, XnerError
from ...types import Json
from .config import Study
from .input_files import InputChanged
from .jobs import do
from .plan import Job

JOBS = "jobs"
RESULT = "result.json"
FAILURES = "failures"
HALF_DONE = re.compile(r"\.[0-9a-f]{16}\..+")
# The kinds of the jobs whose folders a job reads, in the order of its parents.
PARENTS = {
    "teacher": (),
    "labels": ("teacher",),
    "transfer": ("teacher",),
    "student": ("teacher", "labels", "transfer"),
}


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
    jobs = study.work / JOBS
    folder = Path(tempfile.mkdtemp(dir=jobs, prefix=f".{job.key}."))
    # A student has no job `transfer` before it, unless it learns from that.
    parents = {kind: jobs / key for kind, key in zip(PARENTS[job.kind], job.parents, strict=False)}
    try:
        result = do(job, study, folder, parents)
        write_json(folder / "job.json", {"kind": job.kind, "params": job.params, "parents": list(job.parents)})
        write_json(folder / RESULT, result)
        # From a process of an earlier run, which ended a moment ago; or what is left of a folder that cannot be read.
        there = read_result(study.work, job.key)
        if there is None:
            shutil.rmtree(jobs / job.key, ignore_errors=True)
            folder.rename(jobs / job.key)
        return Outcome(there or result)
    except InputChanged as error:
        return Outcome(None, error.message, [error.message, error.hint])
    # spaCy's `train` ends the process for some faults of a config.
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a job fails of, the others go on)
        with contextlib.suppress(XnerError), atomic_write(study.work / FAILURES / f"{job.key}.txt") as file:
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


if __name__ == "__main__":
    serve(do_jobs)
