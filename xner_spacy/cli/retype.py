"""`xner retype`: the types of names, from the evidence of the whole corpus."""

from collections import Counter
from typing import Callable, Iterator, Optional

from spacy.tokens import Doc

from ..corpora.made_at_once import write_docbins
from ..errors import InputError
from ..languages import blank
from ..types import PathLike
from .options import command, option
from .output import done
from .parts import make_part


def retype(
    labelled: PathLike, output: PathLike, *, teacher: Optional[PathLike] = None, config: Optional[PathLike] = None
) -> Counter:
    """Give the names of a labelled corpus the types that the whole corpus supports. Their borders stay. No gold label is
    read.

    labelled (PathLike): A labelled corpus with distributions over tags (xner annotate, xner distill).
    output (PathLike): Where it goes: .spacy, or a folder of shards.
    teacher (Optional[PathLike]): The teacher that labelled the corpus. Names in the readings are typed first, by all
        readings, and its xner_projector projects them again.
    config (Optional[PathLike]): A config whose section [retyper] describes the part; xner.NameTypes.v1 if it is left
        out.
    RETURNS (Counter): "sentences", "names", and "changed": the names with another likeliest type than before.
    RAISES: InputError for a corpus without distributions.
    """
    from ..distillation.soft.retyping import (
        projector_of,
        readings_and_labels,
        retype_docs,
        retype_readings,
        words_and_labels,
    )
    from ..distillation.soft.soft_labels import read_soft_docs

    retyper = make_part("retyper", "types", config)
    vocab = blank("xx").vocab
    projector = None if teacher is None else projector_of(teacher)
    typed_readings = [] if projector is None else retyper(readings_and_labels(read_soft_docs(labelled, vocab)))

    def corpus() -> Iterator[Doc]:
        docs = read_soft_docs(labelled, vocab)
        return docs if projector is None else retype_readings(docs, typed_readings, projector.pipe, Counter())

    # The corpus is read several times, so that only its names are kept in memory.
    typed = retyper(words_and_labels(corpus()))
    if not any(typed):
        raise InputError(
            "has no names with distributions over tags.",
            labelled,
            hint="Label the text with a teacher whose English pipeline stores them (docs/students.md).",
        )
    counts: Counter = Counter()
    docs = retype_docs(corpus(), typed, counts)
    settings = {"retyper": repr(retyper), "teacher": None if teacher is None else str(teacher)}
    [counts["sentences"]] = write_docbins([(output, docs)], made_by="xner retype", inputs=[labelled], settings=settings)
    return counts


@command(retype, labelled="SHARDS", output=option("-o", metavar="OUT"))
def retype_cli(call: Callable[[], Counter], output: PathLike) -> None:
    """Print how many names have another type now."""
    counts = call()
    names = f"{counts['changed']:,} of {counts['names']:,} names with another type"
    done(f"{counts['sentences']:,} sentences, {names}", output)
