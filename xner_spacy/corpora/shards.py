"""One shard: read, annotated, counted and written, alike in every process."""

import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from ..docdata import FAULT_KEY, pinned_coders
from ..errors import XnerError
from ..types import Json
from .counts import count_doc, shown
from .docs import ATTRIBUTES
from .inputs import CorpusInput, Slice
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

    nlp (Language): The pipeline. corpus (CorpusInput): The corpus.
    job (Json): `output`, the folder; `batch_size`, sentences a batch; `watched`, the checksums of the input and the
        pipeline's folder, with which the run began; `of_parts`, those of files that the parts read, as far as known.
    """

    def __init__(self, nlp: Language, corpus: CorpusInput, job: Json) -> None:
        self.nlp = nlp
        self.corpus = corpus
        self.folder = Path(job["output"])
        self.batch_size = job["batch_size"]
        self.begun_with = WatchedFiles(job["watched"])
        # What was loaded is what the run began with; what the parts read later is known from now on.
        self.begun_with.check()
        self.read_by_parts = WatchedFiles(job["of_parts"])
        self.read_by_parts.add(part_files(nlp))

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
        counts: Counter = Counter(sentences=0, tokens=0, entities=0)
        faults: List[Any] = []
        try:
            with pinned_coders(), memory_zones(self.nlp):
                docbin = DocBin(attrs=ATTRIBUTES, store_user_data=True)
                for number, doc in enumerate(self._annotated(piece), piece.start):
                    docbin.add(doc)
                    counts.update(count_doc(doc))
                    if FAULT_KEY in doc.user_data and len(faults) < NAMED_FAULTS:
                        faults.append([self.corpus.place(number), str(doc.user_data[FAULT_KEY])])
                    tick(1)
                data = docbin.to_bytes()
        except Exception:
            # A file that was replaced meanwhile is the cause, whatever it led to.
            self._check_files()
            raise
        self._check_files()
        aside = write_aside(self.folder / shard_name(piece.number), data)
        entry = describe(shown(counts), data, round(time.perf_counter() - started, 3))
        return {
            **entry,
            **({"faults": faults} if faults else {}),
            MODELS: model_identities(self.nlp),
            FILES: self.read_by_parts.checksums(),
            LIBRARIES: loaded_versions(),
            ASIDE: str(aside),
        }

    def _check_files(self) -> None:
        for watched in (self.begun_with, self.read_by_parts):
            watched.check()

    def _annotated(self, piece: Slice) -> Iterator[Doc]:
        docs = list(self.corpus.read(piece, self.nlp))
        # What no pipeline can take has its fault already, and keeps its place.
        # Asked before the pipeline runs: it works on batches, and notes faults of its own on Docs that come later.
        faulty = [FAULT_KEY in doc.user_data for doc in docs]
        good = [doc for doc, fault in zip(docs, faulty, strict=True) if not fault]
        results = self.nlp.pipe(good, batch_size=self.batch_size)
        given = 0
        for doc, fault in zip(docs, faulty, strict=True):
            if fault:
                yield doc
                continue
            result = next(results, None)
            if result is None:
                raise self._miscount(given, len(good), piece)
            given += 1
            yield result
        extra = sum(1 for _ in results)
        if extra:
            raise self._miscount(given + extra, len(good), piece)

    @staticmethod
    def _miscount(given: int, expected: int, piece: Slice) -> XnerError:
        return XnerError(f"The pipeline gave {given} of {expected} sentences of shard {shard_name(piece.number)}.")


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


def part_files(nlp: Language) -> List[str]:
    """The files and folders that the parts of a pipeline read, beside what is in the pipeline's own folder. A part
    says so by an attribute `files`; parts inside parts are asked too.

    nlp (Language): The pipeline. RETURNS (List[str]): Paths, each once.
    """
    found: Dict[str, None] = {}
    seen = set()

    def visit(thing: Any, *, ask: bool = False) -> None:
        if id(thing) in seen:
            return
        seen.add(id(thing))
        ours = type(thing).__module__.startswith("xner_spacy.") or ask
        if isinstance(thing, Language):
            for _, pipe in thing.pipeline:
                visit(pipe, ask=True)
        elif isinstance(thing, (list, tuple)):
            for one in thing[:_MOST_PARTS]:
                visit(one)
        elif isinstance(thing, dict):
            for one in list(thing.values())[:_MOST_PARTS]:
                visit(one)
        elif ours or callable(thing):
            files = None if isinstance(thing, type) else getattr(thing, "files", None)
            if isinstance(files, (list, tuple)):
                found.update(dict.fromkeys(map(str, files)))
            if ours:
                part = getattr(thing, "part", None)
                visit(part, ask=True)
                for one in list(getattr(thing, "__dict__", {}).values()):
                    visit(one)

    visit(nlp)
    return list(found)


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
