"""One shard: read, annotated, counted and written, alike in every process."""

import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Callable, Dict, Iterator

from spacy.language import Language
from spacy.tokens import DocBin

from ..docdata import pinned_coders
from ..errors import XnerError
from ..types import Json
from .counts import count_doc, shown
from .docs import ATTRIBUTES
from .inputs import CorpusInput, Slice
from .runfolder import MODELS, describe, shard_name
from .writing import atomic_write


def annotate_shard(
    nlp: Language,
    corpus: CorpusInput,
    piece: Slice,
    folder: Path,
    batch_size: int,
    tick: Callable[[int], None] = lambda n: None,
) -> Json:
    """Annotate a slice of the corpus and write it as a shard.

    A shard goes through the pipeline on its own: what is in a batch depends on the shard alone, so
    the result does not depend on how many processes there are, nor on where an earlier run was
    killed.

    nlp (Language): The pipeline. corpus (CorpusInput): The corpus. piece (Slice): Which of it.
        folder (Path): Where the shard goes.
    batch_size (int): Sentences a batch. tick: Called with a number of sentences when they are done.
    RETURNS (Json): The shard's entry in the manifest, and under "models" the identities of the
        pipeline's models. RAISES: XnerError if the pipeline loses sentences, or the disk is full.
    """
    started = time.perf_counter()
    counts: Counter = Counter(sentences=0, tokens=0, entities=0)
    with pinned_coders(), memory_zones(nlp):
        docbin = DocBin(attrs=ATTRIBUTES, store_user_data=True)
        for doc in nlp.pipe(corpus.read(piece, nlp), batch_size=batch_size):
            docbin.add(doc)
            counts.update(count_doc(doc))
            tick(1)
        if len(docbin) != piece.size:
            raise XnerError(
                f"The pipeline gave {len(docbin)} of {piece.size} sentences of shard "
                f"{shard_name(piece.number)}."
            )
        data = docbin.to_bytes()
    with atomic_write(folder / shard_name(piece.number), "wb") as file:
        file.write(data)
    seconds = round(time.perf_counter() - started, 3)
    return {**describe(shown(counts), data, seconds), MODELS: model_identities(nlp)}


def model_identities(nlp: Language) -> Dict[str, Json]:
    """What the pipeline's files do not tell: the revisions of the models that it names.

    nlp (Language): The pipeline. RETURNS (Dict[str, Json]): By component, what its part says of
        itself: engine, revision (a commit on the Hub, or a checksum), languages, options.
    """
    found: Dict[str, Json] = {}
    for name, pipe in nlp.pipeline:
        # An engine that is not there, and was not needed, has nothing to say.
        with suppress(XnerError):
            identity = getattr(getattr(pipe, "part", None), "identity", None)
            if identity is not None:
                found[name] = identity
    return found


@contextmanager
def memory_zones(nlp: Language) -> Iterator[None]:
    """What the vocabularies of a pipeline and of the pipelines in it learn is forgotten at the end,
    so that memory stays flat.
    """
    inner = [getattr(pipe, "source_nlp", None) for _, pipe in nlp.pipeline]
    seen = set()
    with ExitStack() as stack:
        for pipeline in [nlp, *inner]:
            if pipeline is not None and id(pipeline.vocab) not in seen:
                seen.add(id(pipeline.vocab))
                stack.enter_context(pipeline.memory_zone())
        yield
