"""`xner retype`: the types of names, from the evidence of the whole corpus."""

from collections import Counter
from typing import Callable, Optional

from ..corpora.docs import read_docs
from ..corpora.made_at_once import write_docbins
from ..errors import InputError
from ..languages import blank
from ..types import PathLike
from .options import command, option
from .output import done
from .parts import make_part


def retype(labelled: PathLike, output: PathLike, *, config: Optional[PathLike] = None) -> Counter:
    """Give the names of a labelled corpus the types that the whole corpus supports. Their borders stay. No gold label is
    read.

    labelled (PathLike): A labelled corpus with distributions over tags (xner annotate, xner distill).
    output (PathLike): Where it goes: .spacy, or a folder of shards.
    config (Optional[PathLike]): A config whose section [retyper] describes the part; xner.NameTypes.v1 if it is left
        out.
    RETURNS (Counter): "sentences", "names", and "changed": the names with another likeliest type than before.
    RAISES: InputError for a corpus without distributions.
    """
    from ..distillation.soft.name_types import retype_docs, words_and_labels
    from ..distillation.soft.soft_labels import read_soft_docs

    retyper = make_part("retyper", "types", config)
    vocab = blank("xx").vocab
    # The corpus is read twice, so that only its names are kept in memory.
    typed = retyper(words_and_labels(read_soft_docs(labelled, vocab)))
    if not any(typed):
        raise InputError(
            "has no names with distributions over tags.",
            labelled,
            hint="Label the text with a teacher whose English pipeline stores them (docs/students.md).",
        )
    counts: Counter = Counter()
    docs = retype_docs(read_docs(labelled, vocab), typed, counts)
    settings = {"retyper": repr(retyper)}
    [counts["sentences"]] = write_docbins([(output, docs)], made_by="xner retype", inputs=[labelled], settings=settings)
    return counts


@command(retype, labelled="SHARDS", output=option("-o", metavar="OUT"))
def retype_cli(call: Callable[[], Counter], output: PathLike) -> None:
    """Print how many names have another type now."""
    counts = call()
    names = f"{counts['changed']:,} of {counts['names']:,} names with another type"
    done(f"{counts['sentences']:,} sentences, {names}", output)
