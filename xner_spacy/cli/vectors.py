"""`xner vectors`: cross-lingual static vectors from a bitext."""

from pathlib import Path
from typing import Optional

import typer

from ..corpora.files import PathLike
from .align import load_aligner, read_parallel
from .options import seed_option, share_option, size_option
from .output import done
from .parts import ALIGNERS


def register(app: typer.Typer) -> None:
    app.command("vectors")(vectors_cli)


def vectors_cli(
    source: Path = typer.Argument(..., metavar="SOURCE.txt", help="One whitespace-tokenised sentence a line."),
    target: Path = typer.Argument(..., metavar="TARGET.txt", help="Its translations, line by line."),
    output: Path = typer.Option(
        ...,
        "--output",
        "-o",
        metavar="OUT.floret",
        help="The table, for `spacy init vectors LANG OUT.floret DIR --mode floret`.",
    ),
    links: Optional[Path] = typer.Option(
        None, "--links", help="Word links of the lines (Pharaoh); without them an aligner makes some."
    ),
    aligner: str = typer.Option("lexical", "--aligner", "-a", help=f"{', '.join(ALIGNERS)}, or a registered name."),
    share: float = share_option(0.5, "--share", "Probability that a linked word is replaced by its partner."),
    copies: int = size_option(2, "--copies", "Mixed copies of each sentence.", 1000),
    dim: int = size_option(100, "--dim", "Width of the vectors.", 10_000),
    bucket: int = size_option(20000, "--bucket", "Rows of the table.", 10_000_000),
    epochs: int = size_option(5, "--epochs", "Passes over the text.", 1000),
    threads: int = size_option(1, "--threads", "With one, a run can be repeated exactly.", 256),
    seed: int = seed_option("mixing"),
) -> None:
    """Train vectors in which translations lie near each other, for a model that is applied to
    another language directly.
    """
    vectors(source, target, output, links=links, aligner=aligner, share=share, copies=copies, dim=dim, bucket=bucket, epochs=epochs, threads=threads, seed=seed)  # fmt: skip
    done("Vectors", output)


def vectors(
    source: PathLike,
    target: PathLike,
    output: PathLike,
    *,
    links: Optional[PathLike] = None,
    aligner: str = "lexical",
    share: float = 0.5,
    copies: int = 2,
    dim: int = 100,
    bucket: int = 20000,
    epochs: int = 5,
    threads: int = 1,
    seed: int = 0,
) -> Path:
    """Train vectors. Arguments are those of the command.

    RETURNS (Path): The table. RAISES: InputError for files that do not run parallel;
        MissingExtraError without floret.
    """
    from ..distillation.vectors import code_switch, train_floret

    pairs = read_parallel(source, target)
    part = load_aligner(pairs, aligner=aligner, links=links)
    linked = zip(pairs, part(pairs), strict=True)
    # An empty line teaches nothing; a side whose partner is empty still does.
    mixed = filter(None, code_switch(linked, share=share, copies=copies, seed=seed))
    return train_floret(mixed, Path(output), dim=dim, bucket=bucket, epochs=epochs, threads=threads)
