"""`xner select`: the sentences that a student should learn from."""

from pathlib import Path
from typing import Optional

import typer

from ..corpora.docs import read_docs
from ..corpora.files import PathLike
from ..corpora.made_at_once import write_shards
from ..corpora.pipelines import load_pipeline
from ..errors import XnerError
from ..languages import blank
from .options import seed_option, share_option
from .output import done

METHODS = ("surest", "language", "agreement")


def register(app: typer.Typer) -> None:
    app.command("select")(select_cli)


def select_cli(
    corpus: Path = typer.Argument(..., metavar="SHARDS", help="A labelled corpus (xner annotate)."),
    output: Path = typer.Argument(..., metavar="OUT", help="Where the selection goes: .spacy, or a folder of shards."),
    by: str = typer.Option("surest", "--by", help=f"{', '.join(METHODS)}."),
    keep: float = share_option(0.8, "--keep", "Share of the sentences to keep (surest, language)."),
    other: Optional[Path] = typer.Option(
        None, "--other", help="agreement: the other teacher's shards; language: source-language sentences."
    ),
    model: Optional[Path] = typer.Option(
        None, "--model", help="language: a pipeline with an xner_student, whose encoder is used."
    ),
    seed: int = seed_option("discriminator (language)"),
) -> None:
    """Filter a corpus: by the teacher's confidence, by how little a language discriminator sees in
    it, or to where two teachers agree.
    """
    had, kept = select(corpus, output, by=by, keep=keep, other=other, model=model, seed=seed)
    done(f"{kept} of {had} sentences", output)


def select(
    corpus: PathLike,
    output: PathLike,
    *,
    by: str = "surest",
    keep: float = 0.8,
    other: Optional[PathLike] = None,
    model: Optional[PathLike] = None,
    seed: int = 0,
) -> tuple:
    """Filter a corpus. Arguments are those of the command.

    RETURNS (Tuple[int, int]): Sentences before and after. RAISES: XnerError for a method that is
        none or lacks its file.
    """
    from ..distillation.teachers.selection import agree, select_least_specific, select_surest

    if by not in METHODS:
        raise XnerError(f"--by {by!r} is no method.", f"Known: {', '.join(METHODS)}.")
    if (by != "surest" and other is None) or (by == "language" and model is None):
        raise XnerError(f"--by {by} needs {'--other and --model' if by == 'language' else '--other'}.")
    vocab = blank("xx").vocab
    docs = list(read_docs(corpus, vocab))
    if by == "surest":
        kept = select_surest(docs, keep)
    elif by == "language":
        assert model is not None and other is not None
        nlp = load_pipeline(model)
        kept = select_least_specific(docs, nlp, read_docs(other, nlp.vocab), keep, seed)
    else:
        assert other is not None
        others = list(read_docs(other, vocab))
        if len(others) != len(docs):
            raise XnerError(f"{len(docs)} and {len(others)} sentences.", "Label one file with both teachers.")
        kept = list(agree(docs, others))
    inputs = [path for path in (corpus, other) if path is not None]
    settings = {"by": by, "keep": keep, "seed": seed}
    count = write_shards(output, kept, made_by="xner select", inputs=inputs, settings=settings)
    return len(docs), count
