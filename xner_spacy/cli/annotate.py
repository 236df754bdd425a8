"""`xner annotate`: a pipeline over a corpus."""

from pathlib import Path
from typing import Iterable, Iterator

import typer
from spacy.tokens import Doc
from tqdm import tqdm

from ..corpora.annotate import annotate
from .output import bar_settings, done, show_counts


def register(app: typer.Typer) -> None:
    app.command("annotate")(annotate_cli)


def annotate_cli(
    pipeline: str = typer.Argument(
        ...,
        metavar="PIPELINE",
        help="A teacher or any other spaCy pipeline: folder or installed package.",
    ),
    input_path: Path = typer.Argument(
        ...,
        metavar="IN",
        help="Text with one sentence a line, .iob, .spacy, or a folder of shards.",
    ),
    output: Path = typer.Argument(
        ..., metavar="OUT", help="Folder for the numbered shards and manifest.json."
    ),
    tokenized: bool = typer.Option(
        False, "--tokenized", help="The text's tokens are separated by spaces."
    ),
    shard_size: int = typer.Option(1000, "--shard-size", min=1, help="Sentences a shard."),
    batch_size: int = typer.Option(256, "--batch-size", min=1, help="Sentences a batch."),
    overwrite: bool = typer.Option(
        False, "--overwrite", help="Start anew where OUT holds another run's shards."
    ),
) -> None:
    """Annotate a corpus into DocBin shards. Killed, it goes on where it was when run again."""
    manifest = annotate(
        pipeline,
        input_path,
        output,
        tokenized=tokenized,
        shard_size=shard_size,
        batch_size=batch_size,
        overwrite=overwrite,
        progress=_bar,
    )
    show_counts(manifest["totals"])
    done(f"{manifest['totals']['sentences']} sentences", output)


def _bar(docs: Iterable[Doc], had: int, total: int) -> Iterator[Doc]:
    yield from tqdm(docs, initial=had, total=total, **bar_settings("sent"))
