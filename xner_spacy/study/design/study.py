"""A study from config to results: what `xner study` wraps."""

import logging
import os
import platform
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, Iterable, Iterator, List, Optional

from typing_extensions import TypedDict

from ...about import __version__
from ...corpora.reading import read_bytes, read_json
from ...corpora.runfolder import locked
from ...corpora.watching import changes, installed
from ...corpora.writing import atomic_write, write_json
from ...errors import InputError, MissingExtraError, XnerError
from ...types import Json, PathLike
from .config import Study, read_study
from .input_files import checksum
from .job_pools import require_ray
from .plan import Cell, Job, Plan, digest, make_plan, restrict
from .rows import DONE, FAILED, Row, read_rows, write_rows
from .runner import finished_jobs, make_rows, price, run_jobs

_LOGGER = logging.getLogger("xner_spacy")

RESULTS = "results.csv"
META = "meta.json"
# How often the results are written while a study runs.
WRITE_SECONDS = 20.0
PACKAGES = ("spacy", "thinc", "numpy", "scipy")


class Meta(TypedDict):
    """What `meta.json` must hold."""

    title: str
    languages: Dict[str, str]
    limits: List[str]
    config: str
    command: str
    report_command: str
    signature: Dict[str, Any]


# Given the jobs that are done and all jobs: a context that gives what to call after each further one.
Bar = Callable[[int, int], ContextManager[Callable[[], Any]]]


@contextmanager
def no_bar(done: int, total: int) -> Iterator[Callable[[], None]]:
    """Shows nothing."""
    yield lambda: None


def run_study(
    path: PathLike,
    *,
    overrides: Optional[Dict[str, Any]] = None,
    workers: int = 1,
    engine: str = "local",
    address: Optional[str] = None,
    blocks: Optional[List[str]] = None,
    progress: Bar = no_bar,
) -> List[Row]:
    """Run a study, or what is missing of it, and write its results as they come.

    path (PathLike): The config. overrides (Optional[Dict[str, Any]]): Settings by dotted names. workers, engine,
        address: See `run_jobs`. blocks (Optional[List[str]]): Only these blocks; the results of others that are there
        are kept.
    progress (Bar): Shows how far it is.
    RETURNS (List[Row]): What there is now. RAISES: InputError for a faulty config or a missing file.
    """
    study = read_study(path, overrides)
    if engine == "ray":
        require_ray()
    whole = make_plan(study)
    with ExitStack() as stack:
        # First the locks, then a look at what is there, and only then the first file that is written.
        for folder in dict.fromkeys(Path(os.path.realpath(f)) for f in (study.work, study.report)):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
        known = read_known(study, whole)
        plan = restrict(whole, _wanted(study, whole, known, blocks))
        outcomes = finished_jobs(plan, study.work)
        last = time.monotonic()

        def write() -> List[Row]:
            rows = [*known.values(), *make_rows(plan, outcomes)]
            write_rows(study.report / RESULTS, rows)
            return rows

        # Before the first cell, so that a report can be made of what there is at any time.
        write_meta(study.report / META, make_meta(study, whole), goes_on=bool(known or outcomes))
        set_aside(study.report / RESULTS, known.values())
        with progress(sum(k in outcomes for k in plan.jobs), len(plan.jobs)) as step:

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


def read_known(study: Study, plan: Plan) -> Dict[Cell, Row]:
    """What is in the table of results already, from this folder of jobs or another: a cell is known by the hash of its
    job.

    RETURNS (Dict[Cell, Row]): The rows that are still what the config asks for, by their cells.
    """
    path = study.report / RESULTS
    if not path.exists():
        return {}
    rows = {(row.job, row.arm): row for row in read_rows(path) if row.status == DONE}
    cells = ((cell, rows.get((cell.job, cell.name))) for cell in plan.cells)
    return {cell: replace(row, block=cell.row.block, design=cell.row.design) for cell, row in cells if row is not None}


def _wanted(study: Study, plan: Plan, known: Dict[Cell, Row], blocks: Optional[List[str]]) -> List[Cell]:
    unknown = [name for name in blocks or () if name not in study.blocks]
    if unknown:
        raise XnerError(
            f"No block {', '.join(unknown)} in {study.path}.",
            f"There are: {', '.join(study.blocks)}.",
        )
    cells = [cell for cell in plan.cells if cell not in known]
    return [cell for cell in cells if not blocks or cell.row.block in blocks]


def price_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None, blocks: Optional[List[str]] = None) -> Json:
    """RETURNS (Json): What a run would do and how long it would take; see `price`."""
    study = read_study(path, overrides)
    plan = make_plan(study)
    known = read_known(study, plan)
    found = price(restrict(plan, _wanted(study, plan, known, blocks)), study)
    return {**found, "known": len(known), "cells": len(plan.cells)}


def make_meta(study: Study, plan: Plan) -> Json:
    """RETURNS (Json): What a page has to say of how its numbers were made."""
    return {
        **_said(study),
        "config": study.path.name,
        "command": f"xner study run {_shown(study.path)}",
        "report_command": f"xner study report {_shown(study.path)}",
        "signature": {
            "versions": {"xner-spacy": __version__, "python": platform.python_version(), **installed(PACKAGES)},
            "config": digest(
                {
                    "teacher": study.teacher.model_dump(),
                    "student": study.student.model_dump(),
                    "projector": study.projector,
                    "blocks": {k: v.model_dump() for k, v in study.blocks.items()},
                    "sampling": study.settings.sampling,
                }
            ),
            "data": plan.checksums,
        },
    }


def _said(study: Study) -> Json:
    settings = study.settings
    return {"title": settings.title, "languages": settings.languages, "limits": settings.limits}


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
            raise InputError(
                f"is there, and not of a study: it {error.fault}",
                path,
                hint="Move it away, or name another folder with --study.report.",
            ) from None
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
    if not table.exists():
        return
    known = {(row.job, row.arm) for row in kept}
    lost = [r for r in read_rows(table) if r.status == DONE and (r.job, r.arm) not in known]
    if not lost:
        return
    data = read_bytes(table)
    copy = table.with_name(f"{table.stem}-{checksum([data])}{table.suffix}")
    with atomic_write(copy, "wb") as file:
        file.write(data)
    _LOGGER.warning(
        "%s: %d rows are of another config or of other data; the table as it was is kept as %s",
        *(table, len(lost), copy.name),
    )


def _shown(path: Path) -> str:
    # A path of one machine means nothing on another.
    return str(path) if not path.is_absolute() else path.name


def failures(rows: List[Row]) -> List[Row]:
    """RETURNS (List[Row]): The rows that failed."""
    return [row for row in rows if row.status == FAILED]


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
    rows = read_rows(study.report / RESULTS)
    # What the config says to the reader may have changed since; what was run has not.
    meta = {**read_meta(study.report / META), **_said(study)}
    return write_report(analyse(rows), meta, study.report)
