"""`xner export` and `xner import`: sentences to an annotation tool, and their corrections back."""

from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import typer

from ..errors import require
from ..exchange.all_tools import TOOLS, get_tool
from ..exchange.corrections import import_corrections
from ..exchange.export import export_run
from ..types import PathLike
from .options import LARGEST_SIZE, choices, command, option
from .output import done, note, show_counts
from .parts import SHORT_NAMES, make_part


def export(
    run: PathLike,
    output: PathLike,
    *,
    tool: str,
    by: str = "doubt",
    limit: int = 100,
    other: Optional[PathLike] = None,
    without: Optional[Sequence[PathLike]] = None,
    labels: Optional[List[str]] = None,
    seed: int = 0,
    config: Optional[PathLike] = None,
) -> Dict[str, int]:
    """Sentences of a labelled corpus for an annotation tool, the most useful ones first, with the entities that the
    pipeline proposes, their scores, and the reading in the source language. See docs/correct.md.

    run (PathLike): A labelled corpus (xner annotate): a folder of shards, or .spacy.
    output (PathLike): A folder for what the tool needs.
    tool (str): The annotation tool.
    by (str): What to correct first: doubt (where the pipeline is least sure), disagreement (where two pipelines differ,
        see --other), expected-gain (what teaches most for the time it takes) or random.
    limit (int): How many sentences (0 = all).
    other (Optional[PathLike]): The same sentences, labelled by another pipeline: the teacher beside the student.
    without (Optional[Sequence[PathLike]]): Corrected sentences (xner import) to leave out; can be given again.
    labels (Optional[List[str]]): The labels to choose from, comma-separated; those of the corpus if it is left out.
    seed (int): Decides between sentences that are equally useful, and the order of random.
    config (Optional[PathLike]): A config whose section [queue] describes what to correct first, in place of --by.
    RETURNS (Dict[str, int]): The counts: sentences and entities that were written, and what was left out.
    RAISES: InputError for a corpus that can't be read, and where --other has other sentences.
    """
    require(limit >= 0, f"--limit {limit} is no number of sentences.", "Give 0 for all, or how many.")
    require(
        by != "disagreement" or other is not None or config is not None,
        "--by disagreement needs another pipeline.",
        "Label the same sentences with it (xner annotate), and name them with --other.",
    )
    queue = make_part("queue", by, config) if config is not None else make_part("queue", by, seed=seed)
    return export_run(run, output, queue, tool=tool, limit=limit, other=other, without=without, labels=labels)


_TOOLS = choices(TOOLS)


@command(
    export,
    run="RUN",
    output="OUT",
    tool=option("--to", kind=_TOOLS),
    by=option(kind=choices(SHORT_NAMES["queue"])),
    limit=option(min=0, max=LARGEST_SIZE),
)
def export_cli(call: Callable[[], Dict[str, int]], output: PathLike, tool: str, labels: Optional[List[str]]) -> None:
    """Print the counts, and what to do next."""
    counts = call()
    show_counts(counts)
    done(f"{counts['sentences']:,} sentences", output)
    shown = get_tool(tool)
    note(f"{shown.title}: {shown.next_step.format(labels=','.join(labels or ['PER', 'LOC', 'ORG']))}")


@command(import_corrections, corrected="CORRECTED", output="OUT", tool=option("--from", kind=_TOOLS))
def import_cli(call: Callable[[], Dict[str, int]], output: Path) -> None:
    """Print the counts."""
    counts = call()
    show_counts(counts)
    done(f"{counts['sentences']:,} corrected sentences", output)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(export_cli)
    app.command("import")(import_cli)
