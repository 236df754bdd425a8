"""`xner annotate`: a pipeline over a corpus."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from ..corpora.annotate import annotate, plan
from ..garbage import collecting_seldom
from ..types import Cost, Json
from .options import command, option, size
from .output import bar, done, say, show_counts, warn

# The number of faulty sentences to print.
SHOWN_FAULTS = 5
# The engines of `annotate`.
EngineName = Enum("EngineName", {"local": "local", "ray": "ray"}, type=str)


@command(
    annotate,
    pipeline=option("PIPELINE", kind=str),
    input_path="IN",
    output="OUT",
    max_tokens=size(10_000_000),
    shard_size=size(),
    batch_size=size(),
    engine=option(kind=EngineName),
    workers=size(1000, "-w"),
    progress=None,
)
def annotate_cli(call: Any, output: Path, shard_size: int, workers: int, dry_run: bool = False) -> None:
    """Annotate, or print the plan.

    dry_run (bool): Only say what would be done and about how long it would take.
    """
    if dry_run:
        settings = {name: value for name, value in call.keywords.items() if name not in ("engine", "address")}
        _show_plan(plan(**settings), shard_size, workers)
        return
    with collecting_seldom():
        manifest = call(progress=bar)
    show_counts(manifest["totals"])
    faults = [fault for entry in manifest["shards"].values() for fault in entry.get("faults", ())]
    if faults:
        shown_faults = "\n".join(f"  {place}: {reason}" for place, reason in faults[:SHOWN_FAULTS])
        warn("Sentences with a fault have no entities; the manifest names more of them:", shown_faults)
    done(f"{manifest['totals']['sentences']} sentences", output)


def _show_plan(planned: Json, shard_size: int, workers: int) -> None:
    say(f"{planned['sentences']:,} sentences in {planned['shards']:,} shards of {shard_size:,}")
    ready, missing, todo = planned["ready"], planned["missing"], planned["todo"]
    say(f"{ready:,} shards are there, {missing:,} are to be made ({todo:,} sentences)")
    for name, cost in planned.get("costs", {}).items():
        _show_cost(name, Cost(**cost))
    if todo and planned["seconds"] is not None:
        time = timedelta(seconds=round(planned["seconds"]))
        say(
            f"about {time} with {workers} worker{'s' * (workers > 1)}: {planned['rate']:,} sentences/s each, "
            f"{planned['load_seconds']} s to load the pipeline"
        )


def _show_cost(name: str, cost: Cost) -> None:
    tokens = f"about {cost.input_tokens:,} tokens to it and {cost.output_tokens:,} from it"
    in_money = cost.money is not None
    price = f": about {cost.money:,.2f}" if in_money else " (no prices are set)"
    say(f"{name}: {cost.texts:,} texts without a stored answer, {tokens}{price}")
    unit, form = ("", ",.2f") if in_money else (" tokens", ",.0f")
    budget = f", of a budget of {cost.budget:{form}}{unit}" if cost.budget is not None else ""
    say(f"{name}: {cost.spent:{form}}{unit} spent before{budget}")
