"""`xner study`: the ratio study."""

from datetime import timedelta
from functools import partial
from math import isnan
from pathlib import Path
from typing import List, Optional

import typer

from ..errors import XnerError
from ..study.design.rows import FAILED, MOST
from ..study.design.study import price_study, report_study, run_study
from ..study.next_step import name_of, plan_study
from ..types import Json
from .annotate import EngineName
from .options import parse_overrides
from .output import bar, done, say, table, warn

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    study = typer.Typer(
        help="How F1 depends on the amounts of labelled source and of target text.", no_args_is_help=True
    )
    study.command("run", context_settings=CONTEXT)(run_cli)
    study.command("report", context_settings=CONTEXT)(report_cli)
    study.command("plan")(plan_cli)
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


def _number(value: float) -> float:
    """RETURNS (float): The value. RAISES: BadParameter if it is no number, which no bound refuses."""
    if isnan(value):
        raise typer.BadParameter("is not a number.")
    return value


def plan_cli(
    n_source: int = typer.Argument(
        ..., metavar="SOURCE", min=0, max=MOST, help="Labelled source sentences that you have."
    ),
    n_target: int = typer.Argument(..., metavar="TARGET", min=0, max=MOST, help="Target sentences with a translation."),
    budget: float = typer.Option(
        1000.0, "--budget", min=0, max=MOST, callback=_number, help="What you can spend on one kind of sentence next."
    ),
    price_source: float = typer.Option(
        1.0, "--price-source", min=0, max=MOST, callback=_number, help="Price of a labelled source sentence."
    ),
    price_target: float = typer.Option(
        1.0, "--price-target", min=0, max=MOST, callback=_number, help="Price of a target sentence."
    ),
    report: Optional[Path] = typer.Option(
        None, "--report", help="report.json of a study; without it, the study that comes with the package."
    ),
    arm: Optional[str] = typer.Option(None, "--arm", help="Kind of student: hard, soft or tsl (of plain text)."),
) -> None:
    """Say which kind of sentence to collect next, and what F1 to expect, within what was measured."""
    if not (budget > 0 and price_source > 0 and price_target > 0):
        raise XnerError("Budget and prices must be above zero.", "Give them in one currency, or leave them out.")
    prices = {"price_source": price_source, "price_target": price_target}
    say(show_plan(plan_study(n_source, n_target, report=report, arm=arm, budget=budget, **prices)))


def show_plan(plan: Json) -> str:
    """RETURNS (str): What to expect now and from more of either kind, and what to collect next."""
    lines = [f"F1 now: {_points(plan['f1'])}"]
    for kind, option in plan["options"].items():
        name = f"{option['more']:,.0f} more {name_of(kind, plan['arm'])}"
        gain = option["gain"]
        lines.append(f"{name}: {_points(gain, signs=True) if gain else 'outside of what was measured'}")
    count = len(plan["languages"])
    if plan["difference"] is None:
        lines.append("Next: not known, since one of the two is outside of what was measured. Try a smaller --budget.")
    else:
        sure = "" if plan["decided"] else ", probably: the interval of the difference holds zero"
        in_favour = plan["better"] if plan["next"] == "target" else count - plan["better"]
        lines.append(
            f"Next: {name_of(plan['next'], plan['arm'])}{sure} (source minus target: {_points(plan['difference'], signs=True)}). "
            f"They gain more in {in_favour} of {count} languages."
        )
    lines.append(f"In points of F1, with 95% intervals for one language like the {count} of the study {plan['study']}.")
    return "\n".join(lines)


def _points(estimate: Json, *, signs: bool = False) -> str:
    sign = "+" if signs else ""
    if estimate["low"] is None:
        return f"{100 * estimate['value']:{sign}.1f} (no interval: fewer than three languages)"
    value, low, high = (100 * estimate[name] for name in ("value", "low", "high"))
    return f"{value:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


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
