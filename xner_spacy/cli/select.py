"""`xner select`: the sentences that a student should learn from."""

from typing import Callable, Optional, Tuple

from ..corpora.made_at_once import write_docbins
from ..corpora.pipelines import load_pipeline
from ..errors import XnerError, require
from ..languages import blank
from ..types import PathLike
from .options import command, share
from .output import done

METHODS = ("surest", "language", "agreement")


def select(
    corpus: PathLike,
    output: PathLike,
    *,
    by: str = "surest",
    keep: float = 0.8,
    other: Optional[PathLike] = None,
    model: Optional[PathLike] = None,
    seed: int = 0,
) -> Tuple[int, int]:
    """Filter a corpus: by the teacher's confidence, by how little a language discriminator sees in it, or to where two
    teachers agree.

    corpus (PathLike): A labelled corpus (xner annotate).
    output (PathLike): Where the selection goes: .spacy, or a folder of shards.
    by (str): surest, language, agreement.
    keep (float): Share of the sentences to keep (surest, language).
    other (Optional[PathLike]): agreement: the other teacher's shards; language: source-language sentences.
    model (Optional[PathLike]): language: a pipeline with an xner_student, whose encoder is used.
    seed (int): Seed of the discriminator (language).
    RETURNS (Tuple[int, int]): Sentences before, after. RAISES: XnerError for an unknown method or a missing file.
    """
    from ..distillation.soft.soft_labels import read_soft_docs
    from ..distillation.teachers.selection import agree, select_least_specific, select_surest

    require(by in METHODS, f"--by {by!r} is no method.", f"Known: {', '.join(METHODS)}.")
    if (by != "surest" and other is None) or (by == "language" and model is None):
        raise XnerError(f"--by {by} needs {'--other and --model' if by == 'language' else '--other'}.")
    vocab = blank("xx").vocab
    docs = list(read_soft_docs(corpus, vocab))
    if by == "surest":
        kept = select_surest(docs, keep)
    elif by == "language":
        assert model is not None and other is not None
        nlp = load_pipeline(model)
        kept = select_least_specific(docs, nlp, read_soft_docs(other, nlp.vocab), keep, seed)
    else:
        assert other is not None
        other_docs = list(read_soft_docs(other, vocab))
        if len(other_docs) != len(docs):
            raise XnerError(f"{len(docs)} and {len(other_docs)} sentences.", "Label one file with both teachers.")
        kept = list(agree(docs, other_docs))
    inputs = [path for path in (corpus, other) if path is not None]
    settings = {"by": by, "keep": keep, "seed": seed}
    [count] = write_docbins([(output, kept)], made_by="xner select", inputs=inputs, settings=settings)
    return len(docs), count


@command(select, corpus="SHARDS", output="OUT", keep=share("--keep"))
def select_cli(call: Callable[[], Tuple[int, int]], output: PathLike) -> None:
    """Print the number of selected sentences."""
    total, kept = call()
    done(f"{kept} of {total} sentences", output)
