"""`xner study`: the ratio study."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import List, Optional

import typer

from ..study.design.rows import FAILED
from ..study.design.study import price_study, report_study, run_study
from ..types import Json
from .annotate import EngineName
from .options import parse_overrides
from .output import bar, done, say, table, warn

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    study = typer.Typer(
        help="How F1 depends on the amounts of labelled source and unlabelled target text.", no_args_is_help=True
    )
    study.command("run", context_settings=CONTEXT)(run_cli)
    study.command("report", context_settings=CONTEXT)(report_cli)
    app.add_typer(study, name="study")


def run_cli(
    context: typer.Context,
    config: Path = typer.Argument(
        ..., metavar="CONFIG", help="Config of the study, such as projects/ratio-study/study_cpu.cfg."
    ),
    workers: int = typer.Option(1, "--workers", "-w", min=1, max=1000, help="Jobs at a time."),
    blocks: Optional[List[str]] = typer.Option(
        None, "--block", "-b", help="Only this block of the grid (can be given again)."
    ),
    engine: EngineName = typer.Option("local", "--engine", help="local, or ray for a cluster."),
    address: Optional[str] = typer.Option(
        None, "--address", help="Ray cluster to use; without it one is started on this machine."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Only say what would be done, and about how long it would take."
    ),
) -> None:
    """Run a study, or what is missing of it. Any setting can be overridden: --student.steps 200."""
    overrides = parse_overrides(context.args)
    if dry_run:
        say(show_price(price_study(config, overrides, blocks), workers))
        return
    rows = run_study(
        config,
        overrides=overrides,
        workers=workers,
        engine=engine.value,
        address=address,
        blocks=blocks,
        progress=partial(bar, unit="jobs"),
    )
    failed = [row for row in rows if row.status == FAILED]
    done(f"{len(rows) - len(failed)} cells")
    if failed:
        reasons = sorted({row.reason for row in failed})
        warn(f"{len(failed)} cells failed; run again to try them once more.", "\n".join(reasons))
        raise typer.Exit(1)


def report_cli(
    context: typer.Context, config: Path = typer.Argument(..., metavar="CONFIG", help="Config of the study.")
) -> None:
    """Make the page, its Markdown twin and the figures from the results that are there."""
    files = report_study(config, parse_overrides(context.args))
    done(f"{len(files)} files", files[0].parent)


def show_price(price: Json, workers: int) -> str:
    """RETURNS (str): A table of the jobs, and the remaining time."""
    rows = []
    for name, entry in price["kinds"].items():
        seconds_each = "?" if entry["seconds"] is None else f"{entry['seconds']:.1f}"
        rows.append([name, entry["jobs"], entry["done"], seconds_each])
    text = f"{price['known']:,} of {price['cells']:,} cells are measured\n\n"
    text += table(["jobs", "to do", "done", "seconds each"], rows)
    time = str(timedelta(seconds=round(price["seconds"] / workers)))
    text += f"\n\nabout {time} with {workers} worker{'s' * (workers > 1)}, if each has a processor"
    if price["unknown"]:
        text += f"; not known yet: {', '.join(price['unknown'])} (run a few cells first)"
    return text
