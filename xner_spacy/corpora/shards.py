"""One shard: read, annotated, counted and written, alike in every process."""

import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from spacy.language import Language
from spacy.tokens import Doc

from ..docdata import FAULT_KEY
from ..errors import XnerError
from ..types import Json
from .docs import packed
from .inputs import CorpusInput, Slice
from .pipelines import load_pipeline
from .runfolder import ASIDE, FILES, LIBRARIES, MODELS
from .shard_folder import describe, shard_name
from .watching import WatchedFiles, loaded_versions
from .writing import write_aside

# How many faulty sentences of a shard the manifest names; all are counted.
NAMED_FAULTS = 20
# A list of more things than this is data, and not of parts.
_MOST_PARTS = 100


class ShardMaker:
    """Makes shards with a pipeline that is loaded once.

    job (Json): `pipeline`, what is loaded; `input`, the arguments of `CorpusInput`; `output`, the folder; `batch_size`,
        sentences a batch; `watched`, the checksums of the input and the pipeline's folder, with which the run began;
        `of_parts`, those of files that the parts read, as far as known.
    corpus (Optional[CorpusInput]): The corpus, where this process has it already.
    """

    def __init__(self, job: Json, corpus: Optional[CorpusInput] = None) -> None:
        self.nlp = load_pipeline(job["pipeline"])
        self.corpus = corpus or CorpusInput(**job["input"])
        self.folder = Path(job["output"])
        self.batch_size = job["batch_size"]
        self.begun_with = WatchedFiles(job["watched"])
        # What was loaded is what the run began with; what the parts read later is known from now on.
        self.begun_with.check()
        self.read_by_parts = WatchedFiles(job["of_parts"])
        self.read_by_parts.add(part_files(self.nlp))

    def make(self, piece: Slice, tick: Callable[[int], None] = lambda n: None) -> Json:
        """Annotate a slice of the corpus and write it beside its place.

        A shard goes through the pipeline on its own: what is in a batch depends on the shard alone, so the result does
        not depend on how many processes there are, nor on where an earlier run was killed.

        piece (Slice): Which of the corpus. tick: Called with a number of sentences when they are done.
        RETURNS (Json): The shard's entry in the manifest; with it what must be the same for all shards, and where the
            file lies (see `RunFolder.record`).
        RAISES: XnerError if the pipeline loses sentences, or the disk is full; InputError if a file that is read was
            replaced meanwhile.
        """
        started = time.perf_counter()
        faults: List[Any] = []

        def annotated() -> Iterator[Doc]:
            for number, doc in enumerate(self._annotated(piece), piece.start):
                if FAULT_KEY in doc.user_data and len(faults) < NAMED_FAULTS:
                    faults.append([self.corpus.place(number), str(doc.user_data[FAULT_KEY])])
                yield doc
                tick(1)

        try:
            with memory_zones(self.nlp):
                data, counts = packed(annotated())
        finally:
            # A file that was replaced meanwhile is the cause, whatever it led to.
            self.begun_with.check()
            self.read_by_parts.check()
        aside = write_aside(self.folder / shard_name(piece.number), data)
        return {
            **describe(counts, data),
            "seconds": round(time.perf_counter() - started, 3),
            **({"faults": faults} if faults else {}),
            MODELS: model_identities(self.nlp),
            FILES: self.read_by_parts.checksums(),
            LIBRARIES: loaded_versions(),
            ASIDE: str(aside),
        }

    def _annotated(self, piece: Slice) -> Iterator[Doc]:
        docs = list(self.corpus.read(piece, self.nlp))
        # What no pipeline can take has its fault already, and keeps its place.
        # Asked before the pipeline runs: it works on batches, and notes faults of its own on Docs that come later.
        faulty = [FAULT_KEY in doc.user_data for doc in docs]
        good = [doc for doc, fault in zip(docs, faulty, strict=True) if not fault]
        results = self.nlp.pipe(good, batch_size=self.batch_size)
        given = 0
        for doc, fault in zip(docs, faulty, strict=True):
            result = doc if fault else next(results, None)
            if result is None:
                break
            given += not fault
            yield result
        given += sum(1 for _ in results)
        if given != len(good):
            name = shard_name(piece.number)
            raise XnerError(f"The pipeline gave {given} of {len(good)} sentences of shard {name}.")


def model_identities(nlp: Language) -> Dict[str, Json]:
    """RETURNS (Dict[str, Json]): What the pipeline's files do not tell, by component: what its part says of its model
    (engine, revision on the Hub or checksum, languages, options).
    """
    identities: Dict[str, Json] = {}
    for name, pipe in nlp.pipeline:
        # An engine that is not there, and was not needed, has nothing to say.
        with suppress(XnerError):
            identity = getattr(getattr(pipe, "part", None), "identity", None)
            if identity is not None:
                identities[name] = identity
    return identities


def part_files(nlp: Language) -> List[str]:
    """RETURNS (List[str]): The files and folders that the parts of a pipeline read, beside what is in the pipeline's
    own folder, each once. A part says so by an attribute `files`; parts inside parts are asked too.
    """
    paths: Dict[str, None] = {}
    seen = set()

    def visit(thing: Any, *, ask: bool = False) -> None:
        if id(thing) in seen:
            return
        seen.add(id(thing))
        ours = type(thing).__module__.startswith("xner_spacy.") or ask
        inner: List[Any] = []
        if isinstance(thing, Language):
            for _, pipe in thing.pipeline:
                visit(pipe, ask=True)
        elif isinstance(thing, (list, tuple, dict)):
            inner = list(thing.values() if isinstance(thing, dict) else thing)[:_MOST_PARTS]
        elif ours or callable(thing):
            files = None if isinstance(thing, type) else getattr(thing, "files", None)
            if isinstance(files, (list, tuple)):
                paths.update(dict.fromkeys(map(str, files)))
            if ours:
                visit(getattr(thing, "part", None), ask=True)
                inner = list(getattr(thing, "__dict__", {}).values())
        for value in inner:
            visit(value)

    visit(nlp)
    return list(paths)


@contextmanager
def memory_zones(nlp: Language) -> Iterator[None]:
    """What the vocabularies of a pipeline and of the pipelines in it learn is forgotten at the end, so that memory
    stays flat.
    """
    pipelines = [nlp, *(getattr(pipe, "source_nlp", None) for _, pipe in nlp.pipeline)]
    by_vocab = {id(pipeline.vocab): pipeline for pipeline in reversed(pipelines) if pipeline is not None}
    with ExitStack() as stack:
        for pipeline in by_vocab.values():
            stack.enter_context(pipeline.memory_zone())
        yield
