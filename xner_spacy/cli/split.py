"""`xner split`: development data out of the projected text itself."""

import os
from pathlib import Path
from typing import List, Sequence, Tuple

import typer

from ..corpora.docs import docbin_paths, read_docs
from ..corpora.files import PathLike
from ..corpora.made_at_once import write_docbins
from ..corpora.split import split_docs
from ..errors import XnerError
from ..languages import blank
from .options import seed_option, share_option
from .output import done


def register(app: typer.Typer) -> None:
    app.command("split")(split_cli)


def split_cli(
    corpora: List[Path] = typer.Argument(..., metavar="SHARDS...", help="DocBin files or folders."),
    train: Path = typer.Option(..., "--train", "-t", help="Where the larger part goes: .spacy, or a folder of shards."),
    dev: Path = typer.Option(..., "--dev", "-d", help="Where the smaller part goes: .spacy, or a folder of shards."),
    share: float = share_option(0.1, "--share", "Of the sentences that go to --dev.", ends=False),
    seed: int = seed_option("draw"),
) -> None:
    """Split a corpus at random into training and development data; the same text is never in both."""
    sizes = split(corpora, train, dev, share=share, seed=seed)
    done(f"{sizes[0]} sentences", train)
    done(f"{sizes[1]} sentences", dev)


def split(
    corpora: Sequence[PathLike], train: PathLike, dev: PathLike, *, share: float = 0.1, seed: int = 0
) -> Tuple[int, int]:
    """Split a corpus. Arguments are those of the command.

    RETURNS (Tuple[int, int]): Sentences of both parts. RAISES: XnerError for a share outside (0, 1),
        or where a file would be written over.
    """
    files = [os.path.realpath(path) for corpus in corpora for path in docbin_paths(corpus)]
    outputs = [os.path.realpath(train), os.path.realpath(dev)]
    for path in outputs:
        if path in files or outputs[0] == outputs[1]:
            raise XnerError(f"{path} would be written over.", "Choose another name for it.")
    vocab = blank("xx").vocab
    settings = {"share": share, "seed": seed}
    docs = [doc for corpus in corpora for doc in read_docs(corpus, vocab)]
    rest, aside = split_docs(docs, share, seed)
    parts = [(train, rest), (dev, aside)]
    sizes = write_docbins(parts, made_by="xner split", inputs=corpora, settings=settings)
    return sizes[0], sizes[1]
