"""`xner align`: word links for two parallel files."""

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import srsly
import typer

from ..corpora.bitext import TokenizedBitext
from ..corpora.files import PathLike, read_sentences, require_same_length
from ..corpora.writing import atomic_write
from ..errors import InputError, XnerError
from ..types import Aligner
from .output import done, progress
from .parts import ALIGNERS, ENCODER_ALIGNERS, make_part


def register(app: typer.Typer) -> None:
    app.command("align")(align_cli)


def align_cli(
    source: Path = typer.Argument(
        ..., metavar="SOURCE.txt", help="One whitespace-tokenised sentence a line."
    ),
    target: Path = typer.Argument(
        ..., metavar="TARGET.txt", help="Its translations, line by line."
    ),
    output: Path = typer.Option(
        ..., "--output", "-o", metavar="LINKS", help="Where the links go (Pharaoh i-j)."
    ),
    aligner: str = typer.Option(
        "lexical", "--aligner", "-a", help=f"{', '.join(ALIGNERS)}, or a registered name."
    ),
    bitext: Optional[Tuple[Path, Path]] = typer.Option(
        None,
        "--bitext",
        metavar="SRC TGT",
        help="More parallel lines to learn from, tokenised alike.",
    ),
    model: Optional[Path] = typer.Option(
        None,
        "--model",
        help="A trained aligner: read if the folder is there, else written. For simalign, awesome and encoder the model to use.",
    ),
    symmetrize: Optional[str] = typer.Option(
        None, "--symmetrize", help="How two directions become one, where the aligner has them."
    ),
    config: Optional[Path] = typer.Option(
        None, "--config", "-c", help="A config with a section [aligner]."
    ),
) -> None:
    """Align the words of parallel sentences."""
    n = align(source, target, output, aligner=aligner, bitext=bitext, model=model, symmetrize=symmetrize, config=config)  # fmt: skip
    done(f"{n} sentence pairs aligned", output)


def align(
    source: PathLike,
    target: PathLike,
    output: PathLike,
    *,
    aligner: str = "lexical",
    bitext: Optional[Tuple[PathLike, PathLike]] = None,
    model: Optional[PathLike] = None,
    symmetrize: Optional[str] = None,
    config: Optional[PathLike] = None,
) -> int:
    """Align two files. An aligner that learns is trained on the pairs themselves and on `bitext`, unless `model` holds a trained one.

    RETURNS (int): Sentence pairs. RAISES: InputError for files that do not run parallel; nothing is written then.
    """
    pairs = read_parallel(source, target)
    part = load_aligner(
        pairs, aligner=aligner, bitext=bitext, model=model, symmetrize=symmetrize, config=config
    )
    with atomic_write(output) as file:
        for alignment in progress(part(pairs), len(pairs), "pair"):
            file.write(alignment.to_pharaoh() + "\n")
    return len(pairs)


def read_parallel(source: PathLike, target: PathLike) -> List[Tuple[List[str], List[str]]]:
    """RETURNS (List[Tuple[List[str], List[str]]]): Token pairs. RAISES: InputError if the files differ in length."""
    s, t = read_sentences(source), read_sentences(target)
    require_same_length(source, len(s), target, len(t))
    return list(zip(s, t))


def load_aligner(
    pairs: Sequence[Tuple[Sequence[str], Sequence[str]]],
    *,
    aligner: str,
    bitext: Optional[Tuple[PathLike, PathLike]] = None,
    model: Optional[PathLike] = None,
    symmetrize: Optional[str] = None,
    config: Optional[PathLike] = None,
    links: Optional[PathLike] = None,
) -> Aligner:
    """Build the aligner, and load or train it. Arguments are those of the commands.

    pairs: What will be aligned; an aligner that learns learns from it too.
    RETURNS (Aligner): The aligner, ready.
    """
    settings = {"symmetrize": symmetrize} if symmetrize else {}
    if links is not None:
        aligner, settings = "links", {"path": str(links)}
    if aligner in ENCODER_ALIGNERS and model is not None:
        settings["model"], model = str(model), None
    part = make_part(
        "xner_aligners",
        ALIGNERS,
        aligner,
        Path(config) if config else None,
        "aligner",
        **settings,
    )
    if not hasattr(part, "train"):
        if model is not None or bitext is not None:
            raise XnerError(
                f"The aligner {aligner!r} does not learn: --model and --bitext are not for it."
            )
        return part
    state = Path(model) / "aligner" if model is not None else None
    if state is not None and state.exists():
        return part.from_bytes(state.read_bytes()) or part
    if state is not None and Path(model or "").exists() and not Path(model or "").is_dir():
        raise InputError("is not a folder.", str(model))
    more = TokenizedBitext(Path(bitext[0]), Path(bitext[1])) if bitext else ()
    part.train([*pairs, *more])
    if state is not None:
        with atomic_write(state, "wb") as file:
            file.write(part.to_bytes())
        with atomic_write(state.with_name("aligner.json")) as file:
            file.write(srsly.json_dumps({"aligner": aligner, **settings}) + "\n")
    return part
