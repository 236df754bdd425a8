"""Does one job and puts its folder in place.

A job's folder appears under its key when it is whole. A process that is killed leaves a folder named `.KEY.*`, which
the next run takes away.
"""

import contextlib
import re
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence, Union

from typing_extensions import NotRequired, TypedDict

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

Measured = Dict[str, Union[int, float, None]]


class Result(TypedDict):
    """What a job's file of results must hold."""

    measurements: Dict[str, Measured]
    seconds: float
    machine: NotRequired[str]


class Outcome(NamedTuple):
    """What came of a job: what it measured, or why it failed.

    stop (Sequence[str]): Message and hint of an error that ends the whole run: no other job would fare better.
    """

    result: Optional[Json]
    reason: str = ""
    stop: Sequence[str] = ()


def job_folder(work: Path, key: str) -> Path:
    """RETURNS (Path): Where a job's files lie once it is done."""
    return work / JOBS / key


def read_result(work: Path, key: str) -> Optional[Json]:
    """RETURNS (Optional[Json]): What a job measured, or None if it is not done; what cannot be read is not done, and
    done again.
    """
    try:
        return read_json(job_folder(work, key) / RESULT, Result)
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
    kinds = PARENTS[job.kind][: len(job.parents)]
    parents = {kind: jobs / key for kind, key in zip(kinds, job.parents, strict=True)}
    try:
        result = do(job, study, folder, parents)
        facts = {"kind": job.kind, "params": job.params, "parents": list(job.parents)}
        write_json(folder / "job.json", facts)
        write_json(folder / RESULT, result)
        return Outcome(_put_in_place(folder, study.work, job.key, result))
    except InputChanged as error:
        return Outcome(None, error.message, [error.message, error.hint])
    # spaCy's `train` ends the process for some faults of a config.
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a job fails of, the others go on)
        with (
            contextlib.suppress(XnerError),
            atomic_write(study.work / FAILURES / f"{job.key}.txt") as file,
        ):
            file.write(f"{job}\n\n{traceback.format_exc()}")
        return Outcome(None, _reason(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: Path, work: Path, key: str, result: Json) -> Json:
    final = job_folder(work, key)
    if final.exists():
        there = read_result(work, key)
        if there is not None:  # from a process of an earlier run, which ended a moment ago
            return there
        shutil.rmtree(final)  # what is left of a folder whose result cannot be read
    folder.rename(final)
    return result


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".splitlines()[0].split())
