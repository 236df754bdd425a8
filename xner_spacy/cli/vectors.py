"""`xner vectors`: cross-lingual static vectors from a bitext."""

from pathlib import Path
from typing import Callable, Optional

from ..types import PathLike
from .align import load_aligner, read_parallel
from .options import command, option, size
from .options import share as share_of
from .output import done


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
    """Train vectors in which translations lie near each other, for a model that is applied to another language.

    source (PathLike): One whitespace-tokenised sentence a line.
    target (PathLike): Its translations, line by line.
    output (PathLike): The table, for `spacy init vectors LANG OUT.floret DIR --mode floret`.
    links (Optional[PathLike]): Word links of the lines (Pharaoh); without them an aligner makes some.
    aligner (str): lexical, simalign, awesome, encoder, eflomal, links, or a registered name.
    share (float): Probability that a linked word is replaced by its partner.
    copies (int): Mixed copies of each sentence.
    dim (int): Width of the vectors.
    bucket (int): Rows of the table.
    epochs (int): Passes over the text.
    threads (int): With one, a run can be repeated exactly.
    seed (int): Seed of the mixing.
    RETURNS (Path): The table. RAISES: InputError for files that do not run parallel; MissingExtraError without floret.
    """
    from ..distillation.bitext_baselines import code_switch, train_floret

    pairs = read_parallel(source, target)
    part = load_aligner(pairs, aligner=aligner, links=links)
    linked = zip(pairs, part(pairs), strict=True)
    # An empty line teaches nothing; a side whose partner is empty still does.
    mixed = filter(None, code_switch(linked, share=share, copies=copies, seed=seed))
    return train_floret(mixed, Path(output), dim=dim, bucket=bucket, epochs=epochs, threads=threads)


@command(
    vectors,
    source="SOURCE.txt",
    target="TARGET.txt",
    output=option("-o", metavar="OUT.floret"),
    share=share_of("--share"),
    copies=size(1000),
    dim=size(10_000),
    bucket=size(10_000_000),
    epochs=size(1000),
    threads=size(256),
)
def vectors_cli(call: Callable[[], Path], output: PathLike) -> None:
    """Print where they were written."""
    call()
    done("Vectors", output)
