"""A study from config to results: what `xner study` wraps."""

import logging
import os
import platform
import time
from collections import defaultdict
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, Callable, ContextManager, Dict, Iterable, List, Optional, Set

from typing_extensions import TypedDict

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
# What the config says to the reader of a page, and no job depends on.
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
    """Run a study, or what is missing of it, and write its results as they come.

    path (PathLike): The config. overrides (Optional[Dict[str, Any]]): Settings by dotted names. workers, engine,
        address: See `run_jobs`. blocks (Optional[List[str]]): Only these blocks; the results of others that are there
        are kept.
    progress (Callable): Given how many jobs are done, and how many there are: a context that gives what to call after
        each further one.
    RETURNS (List[Row]): What there is now. RAISES: InputError for a faulty config or a missing file.
    """
    study = read_study(path, overrides)
    work, report = study.settings.work, study.settings.report
    if engine == "ray":
        require_ray()
    whole = make_plan(study)
    with ExitStack() as stack:
        # First the locks, then a look at what is there, and only then the first file that is written.
        for folder in dict.fromkeys(Path(os.path.realpath(f)) for f in (work, report)):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
        known = read_known(study, whole)
        plan = restrict(whole, _wanted(study, whole, known, blocks))
        outcomes = finished_jobs(plan, work)
        last = time.monotonic()

        def write() -> List[Row]:
            rows = [*known.values(), *make_rows(plan, outcomes)]
            write_rows(report / RESULTS, rows)
            return rows

        # Before the first cell, so that a report can be made of what there is at any time.
        write_meta(report / META, make_meta(study, whole), goes_on=bool(known or outcomes))
        set_aside(report / RESULTS, known.values())
        with progress(len(outcomes), len(plan.jobs)) as step:

            def note(job: Job) -> None:
                nonlocal last
                step()
                if time.monotonic() - last > WRITE_SECONDS:
                    write()
                    last = time.monotonic()

            try:
                run_jobs(plan, study, outcomes, workers=workers, engine=engine, address=address, tick=note)
            except BaseException:
                # What is measured is in the folder of jobs in any case; the first error is the one to tell.
                with suppress(XnerError):
                    write()
                raise
        return write()


def read_known(study: Study, plan: Plan) -> Dict[Row, Row]:
    """What is in the table of results already, from this folder of jobs or another: a cell is known by the hash of its
    job.

    RETURNS (Dict[Row, Row]): The rows that are still what the config asks for, by their cells.
    """
    path = study.settings.report / RESULTS
    rows = {(row.job, row.arm): row for row in read_rows(path) if row.status == DONE} if path.exists() else {}
    cells = ((cell, rows.get((cell.job, cell.arm))) for cell in plan.cells)
    return {cell: replace(row, block=cell.block, design=cell.design) for cell, row in cells if row is not None}


def _wanted(study: Study, plan: Plan, known: Dict[Row, Row], blocks: Optional[List[str]]) -> List[Row]:
    unknown = [name for name in blocks or () if name not in study.blocks]
    if unknown:
        raise XnerError(f"No block {', '.join(unknown)} in {study.path}.", f"There are: {', '.join(study.blocks)}.")
    return [cell for cell in plan.cells if cell not in known and (not blocks or cell.block in blocks)]


def finished_jobs(plan: Plan, work: Path) -> Dict[str, Outcome]:
    """RETURNS (Dict[str, Outcome]): What earlier runs have measured of a plan, by key. A result that lacks what the
    plan wants of it is none.
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
    """RETURNS (List[Row]): The rows of all cells whose jobs were run."""
    rows = []
    for cell in plan.cells:
        outcome = outcomes.get(cell.job)
        if outcome is None:
            continue
        if outcome.result is None:
            rows.append(replace(cell, status=FAILED, reason=outcome.reason))
            continue
        measured = outcome.result["measurements"][cell.arm]
        known = {name: value for name, value in measured.items() if name in Row.__dataclass_fields__}
        job = {"seconds": outcome.result["seconds"], "machine": outcome.result.get("machine", "")}
        rows.append(replace(cell, status=DONE, **job, **known))
    return rows


def price_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None, blocks: Optional[List[str]] = None) -> Json:
    """What a run would do, and how long it would take, from the jobs that have been measured.

    path, overrides, blocks: As for `run_study`.
    RETURNS (Json): `cells` and how many are `known`. By kind of job (students by arm): `jobs`, `done`, `seconds` each
        (None if none has been measured). `seconds` left in all, and the kinds that it is not known of.
    """
    study = read_study(path, overrides)
    whole = make_plan(study)
    known = read_known(study, whole)
    plan = restrict(whole, _wanted(study, whole, known, blocks))
    jobs: Dict[str, List[Optional[float]]] = defaultdict(list)
    for job in plan.jobs.values():
        result = read_result(study.settings.work, job.key)
        name = f"student {job.params['arm']}" if job.kind == "student" else job.kind
        jobs[name].append(None if result is None else result["seconds"])
    measured = {name: [each for each in seconds if each is not None] for name, seconds in jobs.items()}
    of_students = [each for name, seconds in measured.items() if name.startswith("student") for each in seconds]
    kinds: Dict[str, Json] = {}
    left = 0.0
    for name, seconds in measured.items():
        like = seconds or (of_students if name.startswith("student") else [])
        kinds[name] = {"jobs": len(jobs[name]), "done": len(seconds), "seconds": fmean(like) if like else None}
        left += (kinds[name]["seconds"] or 0.0) * (len(jobs[name]) - len(seconds))
    unknown = [name for name, kind in kinds.items() if kind["seconds"] is None]
    return {"kinds": kinds, "seconds": left, "unknown": unknown, "known": len(known), "cells": len(whole.cells)}


def make_meta(study: Study, plan: Plan) -> Json:
    """RETURNS (Json): What a page has to say of how its numbers were made."""
    # A path of one machine means nothing on another.
    shown = study.path.name if study.path.is_absolute() else study.path
    depends = study.model_dump(include={"teacher", "student", "projector", "blocks"})
    return {
        **study.settings.model_dump(include=SAID),
        "config": study.path.name,
        "command": f"xner study run {shown}",
        "report_command": f"xner study report {shown}",
        "signature": {
            "versions": {"xner-spacy": __version__, "python": platform.python_version(), **installed(PACKAGES)},
            "config": digest({**depends, "sampling": study.settings.sampling}),
            "data": plan.checksums,
        },
    }


def read_meta(path: Path) -> Json:
    """RETURNS (Json): What `make_meta` made. RAISES: InputError if there is no such file, or it holds something else."""
    return read_json(path, Meta, hint="Run the study: xner study run CONFIG.")


def write_meta(path: Path, meta: Json, *, goes_on: bool) -> None:
    """Write what a page has to say.

    goes_on (bool): Whether there are cells that were measured before: if that was done with other versions, the file
        says so, and the log.
    RAISES: InputError where a file of this name is not of a study.
    """
    if path.exists():
        try:
            before = read_meta(path)["signature"]
        except InputError as error:
            hint = "Move it away, or name another folder with --study.report."
            raise InputError(f"is there, and not of a study: it {error.fault}", path, hint=hint) from None
        now = meta["signature"]["versions"]
        earlier = [*before.get("earlier_versions", []), before.get("versions", now)]
        others = [v for k, v in enumerate(earlier) if v != now and v not in earlier[:k]]
        if goes_on and others:
            meta["signature"]["earlier_versions"] = others
            said = "; ".join(changes(others[-1], now))
            _LOGGER.warning("%s: cells were measured before with other versions (%s)", path, said)
    write_json(path, meta)


def set_aside(table: Path, kept: Iterable[Row]) -> None:
    """Keep a copy of a table of results that is about to lose rows: they are of another config or of other data, and
    may have taken hours.
    """
    known = {(row.job, row.arm) for row in kept}
    rows = read_rows(table) if table.exists() else []
    lost = sum(row.status == DONE and (row.job, row.arm) not in known for row in rows)
    if lost:
        data = read_bytes(table)
        copy = table.with_name(f"{table.stem}-{checksum([data])}{table.suffix}")
        with atomic_write(copy, "wb") as file:
            file.write(data)
        said = "%s: %d rows are of another config or of other data; the table as it was is kept as %s"
        _LOGGER.warning(said, table, lost, copy.name)


def report_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None) -> List[Path]:
    """Make the page, its Markdown twin and the figures from the results that are there.

    RETURNS (List[Path]): The files. RAISES: InputError if there are no results; MissingExtraError without the extra
        [study].
    """
    try:  # here and not above: running a study needs neither
        from ..analysis.analyse import analyse
        from ..page.study_page import write_report
    except ImportError as error:
        raise MissingExtraError("xner study report", "study") from error
    study = read_study(path, overrides)
    report = study.settings.report
    rows = read_rows(report / RESULTS)
    # What the config says to the reader may have changed since; what was run has not.
    meta = {**read_meta(report / META), **study.settings.model_dump(include=SAID)}
    return write_report(analyse(rows), meta, report)
