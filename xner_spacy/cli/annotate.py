"""`xner annotate`: a pipeline over a corpus."""

from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Callable, Iterator, Optional

import typer
from tqdm import tqdm

from ..corpora.annotate import annotate, plan
from ..corpora.inputs import MAX_TOKENS
from ..types import Json
from .options import size_option
from .output import bar_settings, done, say, show_counts, warn

# How many faulty sentences are named on the screen.
SHOWN_FAULTS = 5


class EngineName(str, Enum):
    """Where the work is done."""

    local = "local"
    ray = "ray"


def register(app: typer.Typer) -> None:
    app.command("annotate")(annotate_cli)


def annotate_cli(
    pipeline: str = typer.Argument(
        ..., metavar="PIPELINE", help="A teacher or any other spaCy pipeline: folder or installed package."
    ),
    input_path: Path = typer.Argument(
        ..., metavar="IN", help="Text with one sentence a line, .jsonl, .parquet, .iob, .spacy, or a folder of shards."
    ),
    output: Path = typer.Argument(..., metavar="OUT", help="Folder for the numbered shards and manifest.json."),
    tokenized: bool = typer.Option(False, "--tokenized", help="The text's tokens are separated by spaces."),
    text_field: str = typer.Option(
        "text", "--text-field", help="Field of JSONL or parquet with the text, or the list of its tokens."
    ),
    max_tokens: int = size_option(
        MAX_TOKENS, "--max-tokens", "A longer sentence is kept and counted, but no pipeline sees it.", 10_000_000
    ),
    shard_size: int = size_option(1000, "--shard-size", "Sentences a shard."),
    batch_size: int = size_option(256, "--batch-size", "Sentences a batch."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Start anew where OUT holds another run's shards."),
    engine: EngineName = typer.Option("local", "--engine", help="local, or ray for a cluster."),
    workers: int = typer.Option(
        1, "--workers", "-w", min=1, max=1000, help="Processes (or Ray actors); each loads the pipeline once."
    ),
    address: Optional[str] = typer.Option(
        None, "--address", help="Ray cluster to use; without it one is started on this machine."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Only say what would be done and about how long it would take."
    ),
) -> None:
    """Annotate a corpus into DocBin shards. Killed, it goes on where it was when run again."""
    if dry_run:
        found = plan(
            pipeline,
            input_path,
            output,
            tokenized=tokenized,
            text_field=text_field,
            max_tokens=max_tokens,
            shard_size=shard_size,
            batch_size=batch_size,
            overwrite=overwrite,
            workers=workers,
        )
        time = str(timedelta(seconds=round(found["seconds"])))
        say(f"{found['sentences']:,} sentences in {found['shards']:,} shards of {shard_size:,}")
        say(f"{found['ready']:,} shards are there, {found['missing']:,} are to be made ({found['todo']:,} sentences)")
        if found["todo"]:
            say(
                f"about {time} with {workers} worker{'s' * (workers > 1)}: {found['rate']:,} sentences/s each, "
                f"{found['load_seconds']} s to load the pipeline"
            )
        return
    manifest = annotate(
        pipeline,
        input_path,
        output,
        tokenized=tokenized,
        text_field=text_field,
        max_tokens=max_tokens,
        shard_size=shard_size,
        batch_size=batch_size,
        overwrite=overwrite,
        engine=engine.value,
        workers=workers,
        address=address,
        progress=_bar,
    )
    show_counts(manifest["totals"])
    _show_faults(manifest)
    done(f"{manifest['totals']['sentences']} sentences", output)


def _show_faults(manifest: Json) -> None:
    faults = [fault for entry in manifest["shards"].values() for fault in entry.get("faults", ())]
    if faults:
        told = "\n".join(f"  {place}: {reason}" for place, reason in faults[:SHOWN_FAULTS])
        warn("Sentences with a fault have no entities; the manifest names more of them:", told)


@contextmanager
def _bar(had: int, total: int) -> Iterator[Callable[[int], None]]:
    with tqdm(initial=had, total=total, **bar_settings("sent")) as bar:
        yield bar.update
