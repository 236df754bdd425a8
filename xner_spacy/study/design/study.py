"""A study from config to results: the functions behind `xner study`."""

import logging
import os
import platform
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, Callable, ContextManager, Dict, Iterable, List, Optional, Set

from typing_extensions import NotRequired, TypedDict

from ...about import __version__
from ...corpora.engines.ray_cluster import require_ray
from ...corpora.reading import read_bytes, read_json
from ...corpora.runfolder import locked
from ...corpora.watching import changes, installed
from ...corpora.writing import atomic_write, write_json
from ...errors import InputError, MissingExtraError, XnerError
from ...types import Json, PathLike
from .config import Study, read_study
from .input_files import checksum
from .plan import Job, Plan, digest, make_plan, restrict
from .rows import DONE, FAILED, Row, read_rows, write_rows
from .runner import Outcome, read_result, run_jobs

_LOGGER = logging.getLogger("xner_spacy")

RESULTS = "results.csv"
META = "meta.json"
# How often the results are written while a study runs.
WRITE_SECONDS = 20.0
PACKAGES = ("spacy", "thinc", "numpy", "scipy")
# Settings that only the page shows; no job depends on them.
SAID = {"title", "languages", "limits"}


class Meta(TypedDict):
    """What `meta.json` must hold."""

    title: str
    languages: Dict[str, str]
    limits: List[str]
    config: str
    command: str
    report_command: str
    signature: Dict[str, Any]
    # The cells of the design by block. Tables of 0.1 don't say.
    cells: NotRequired[Dict[str, int]]


def run_study(
    path: PathLike,
    *,
    overrides: Optional[Dict[str, Any]] = None,
    workers: int = 1,
    engine: str = "local",
    address: Optional[str] = None,
    blocks: Optional[List[str]] = None,
    progress: Callable[[int, int], ContextManager[Callable[[], Any]]] = lambda done, total: nullcontext(lambda: None),
) -> List[Row]:
    """Run the missing jobs of a study, and write its results meanwhile.

    path (PathLike): The config. overrides (Optional[Dict[str, Any]]): Settings by dotted names. workers, engine,
        address: See `run_jobs`. blocks (Optional[List[str]]): Run only these blocks; existing results of other blocks
        are kept.
    progress (Callable): Takes the number of finished jobs and of all jobs, and returns a context manager that gives a
        function to call after each further job.
    RETURNS (List[Row]): All rows. RAISES: InputError for a faulty config or a missing file.
    """
    study = read_study(path, overrides)
    work, report = study.settings.work, study.settings.report
    if engine == "ray":
        require_ray()
    full_plan = make_plan(study)
    with ExitStack() as stack:
        # Lock first, then read the existing results, and only then write the first file.
        for folder in dict.fromkeys(Path(os.path.realpath(f)) for f in (work, report)):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
        known_rows = read_known(study, full_plan)
        plan = restrict(full_plan, _wanted(study, full_plan, known_rows, blocks))
        outcomes = finished_jobs(plan, work)
        last_write = time.monotonic()

        def write() -> List[Row]:
            rows = [*known_rows.values(), *make_rows(plan, outcomes)]
            write_rows(report / RESULTS, rows)
            return rows

        # Written before the first cell, so that a report can be made at any time.
        write_meta(report / META, make_meta(study, full_plan), goes_on=bool(known_rows or outcomes))
        set_aside(report / RESULTS, known_rows.values())
        with progress(len(outcomes), len(plan.jobs)) as step:

            def note(job: Job) -> None:
                nonlocal last_write
                step()
                if time.monotonic() - last_write > WRITE_SECONDS:
                    write()
                    last_write = time.monotonic()

            try:
                run_jobs(plan, study, outcomes, workers=workers, engine=engine, address=address, tick=note)
            except BaseException:
                # Results are in the folder of jobs in any case, and the first error is the one to report.
                with suppress(XnerError):
                    write()
                raise
        return write()


def read_known(study: Study, plan: Plan) -> Dict[Row, Row]:
    """Read the existing rows of results, from this folder of jobs or another. Cells are identified by the hash of their
    job.

    RETURNS (Dict[Row, Row]): The rows that are still valid for the config, by their cells.
    """
    path = study.settings.report / RESULTS
    rows = {(row.job, row.arm): row for row in read_rows(path) if row.status == DONE} if path.exists() else {}
    cells = ((cell, rows.get((cell.job, cell.arm))) for cell in plan.cells)
    return {
        cell: replace(row, block=cell.block, design=cell.design, variant=cell.variant)
        for cell, row in cells
        if row is not None
    }


def _wanted(study: Study, plan: Plan, known: Dict[Row, Row], blocks: Optional[List[str]]) -> List[Row]:
    unknown = [name for name in blocks or () if name not in study.blocks]
    if unknown:
        raise XnerError(f"No block {', '.join(unknown)} in {study.path}.", f"There are: {', '.join(study.blocks)}.")
    return [cell for cell in plan.cells if cell not in known and (not blocks or cell.block in blocks)]


def finished_jobs(plan: Plan, work: Path) -> Dict[str, Outcome]:
    """RETURNS (Dict[str, Outcome]): The outcomes that earlier runs have measured for a plan, by key. Results without
    all measurements of the plan are ignored.
    """
    wanted: Dict[str, Set[str]] = defaultdict(set)
    for cell in plan.cells:
        wanted[cell.job].add(cell.arm)
    results = {key: read_result(work, key) for key in plan.jobs}
    return {
        key: Outcome(result)
        for key, result in results.items()
        if result is not None and wanted[key] <= set(result["measurements"])
    }


def make_rows(plan: Plan, outcomes: Dict[str, Outcome]) -> List[Row]:
    """RETURNS (List[Row]): The rows of all cells whose jobs have an outcome."""
    rows = []
    for cell in plan.cells:
        outcome = outcomes.get(cell.job)
        if outcome is None:
            continue
        if outcome.result is None:
            rows.append(replace(cell, status=FAILED, reason=outcome.reason))
            continue
        measured = outcome.result["measurements"][cell.arm]
        values = {name: value for name, value in measured.items() if name in Row.__dataclass_fields__}
        job = {"seconds": outcome.result["seconds"], "machine": outcome.result.get("machine", "")}
        rows.append(replace(cell, status=DONE, **job, **values))
    return rows


def price_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None, blocks: Optional[List[str]] = None) -> Json:
    """Estimate what a run would do, and how long it would take, from the jobs that have been measured.

    path, overrides, blocks: See `run_study`.
    RETURNS (Json): The number of `cells` and of `known` ones. `kinds`: for each kind of job (students by arm) `jobs`,
        `done`, and `seconds` for each (None if unmeasured). The `seconds` left in all, and the `unknown` kinds.
    """
    study = read_study(path, overrides)
    full_plan = make_plan(study)
    known_rows = read_known(study, full_plan)
    plan = restrict(full_plan, _wanted(study, full_plan, known_rows, blocks))
    jobs: Dict[str, List[Optional[float]]] = defaultdict(list)
    for job in plan.jobs.values():
        result = read_result(study.settings.work, job.key)
        name = f"student {job.params['arm']}" if job.kind == "student" else job.kind
        jobs[name].append(None if result is None else result["seconds"])
    measured = {name: [value for value in seconds if value is not None] for name, seconds in jobs.items()}
    of_students = [value for name, seconds in measured.items() if name.startswith("student") for value in seconds]
    kinds: Dict[str, Json] = {}
    seconds_left = 0.0
    for name, seconds in measured.items():
        similar = seconds or (of_students if name.startswith("student") else [])
        kinds[name] = {"jobs": len(jobs[name]), "done": len(seconds), "seconds": fmean(similar) if similar else None}
        seconds_left += (kinds[name]["seconds"] or 0.0) * (len(jobs[name]) - len(seconds))
    unknown = [name for name, kind in kinds.items() if kind["seconds"] is None]
    n_cells = {"known": len(known_rows), "cells": len(full_plan.cells)}
    return {"kinds": kinds, "seconds": seconds_left, "unknown": unknown, **n_cells}


def make_meta(study: Study, plan: Plan) -> Json:
    """RETURNS (Json): What the page says about how its numbers were made."""
    # An absolute path means nothing on another machine.
    path = study.path.name if study.path.is_absolute() else study.path
    dependencies = study.model_dump(include={"teacher", "student", "projector", "blocks"})
    return {
        **study.settings.model_dump(include=SAID),
        "config": study.path.name,
        "command": f"xner study run {path}",
        "report_command": f"xner study report {path}",
        "cells": dict(Counter(cell.block for cell in plan.cells)),
        "signature": {
            "versions": {"xner-spacy": __version__, "python": platform.python_version(), **installed(PACKAGES)},
            "config": digest({**dependencies, "sampling": study.settings.sampling}),
            "data": plan.checksums,
        },
    }


def read_meta(path: Path) -> Json:
    """RETURNS (Json): The result of `make_meta`. RAISES: InputError if the file is missing or has other contents."""
    return read_json(path, Meta, hint="Run the study: xner study run CONFIG.")


def write_meta(path: Path, meta: Json, *, goes_on: bool) -> None:
    """Write the meta data of a study.

    goes_on (bool): Whether some cells were measured before. If this was with other versions, the file and the log say
        so.
    RAISES: InputError if there is a file with this name that does not belong to a study.
    """
    if path.exists():
        try:
            previous = read_meta(path)["signature"]
        except InputError as error:
            hint = "Move it away, or name another folder with --study.report."
            raise InputError(f"is there, and not of a study: it {error.fault}", path, hint=hint) from None
        versions = meta["signature"]["versions"]
        earlier = [*previous.get("earlier_versions", []), previous.get("versions", versions)]
        other_versions = [v for k, v in enumerate(earlier) if v != versions and v not in earlier[:k]]
        if goes_on and other_versions:
            meta["signature"]["earlier_versions"] = other_versions
            differences = "; ".join(changes(other_versions[-1], versions))
            _LOGGER.warning("%s: cells were measured before with other versions (%s)", path, differences)
    write_json(path, meta)


def set_aside(table: Path, kept: Iterable[Row]) -> None:
    """Save a copy of a table of results that is about to lose rows, because the config or the data have changed: the
    rows may have taken hours.
    """
    kept_keys = {(row.job, row.arm) for row in kept}
    rows = read_rows(table) if table.exists() else []
    n_lost = sum(row.status == DONE and (row.job, row.arm) not in kept_keys for row in rows)
    if n_lost:
        data = read_bytes(table)
        saved = table.with_name(f"{table.stem}-{checksum([data])}{table.suffix}")
        with atomic_write(saved, "wb") as file:
            file.write(data)
        message = "%s: %d rows are of another config or of other data; the table as it was is kept as %s"
        _LOGGER.warning(message, table, n_lost, saved.name)


def report_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None) -> List[Path]:
    """Make the page as HTML and Markdown, and its figures, from the existing results.

    RETURNS (List[Path]): The files. RAISES: InputError if there are no results; MissingExtraError without the extra
        [study].
    """
    try:  # imported here, as running a study needs neither
        from ..analysis.analyse import analyse
        from ..page.study_page import write_report
    except ImportError as error:
        raise MissingExtraError("xner study report", "study") from error
    study = read_study(path, overrides)
    report = study.settings.report
    others = [row for table in study.settings.also for row in read_other_rows(table)]
    # The settings for the page may have changed since the run.
    meta = {**read_meta(report / META), **study.settings.model_dump(include=SAID)}
    meta["cells"] = {**meta.get("cells", {}), **Counter(row.block for row in others)}
    return write_report(analyse([*read_rows(report / RESULTS), *others]), meta, report)


def read_other_rows(table: Path) -> List[Row]:
    """RETURNS (List[Row]): The rows of students that something else trained (`also` in [study]). RAISES: InputError for
    a missing file, or a row that does not say what is different.
    """
    if not table.exists():
        raise InputError("no such file.", table, hint="It is named by also in [study]: make it, or leave it out there.")
    rows = read_rows(table)
    for number, row in enumerate(rows, 2):
        if not row.variant:
            raise InputError("says in no variant what is different.", table, number, "Fill the column variant.")
    return rows
