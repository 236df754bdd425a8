"""Make one shard: read, annotate, count and write it, in the same way in every process."""

import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from spacy.language import Language
from spacy.tokens import Doc

from ..docdata import FAULT_KEY, annotation_fault
from ..errors import XnerError
from ..types import Json
from .costs import usage_of
from .docs import packed
from .gpu import move_parts
from .inputs import CorpusInput, Slice
from .parts_inside import parts_inside
from .pipelines import load_pipeline
from .runfolder import ASIDE, FILES, LIBRARIES, MODELS
from .shard_folder import describe, shard_name
from .watching import WatchedFiles, loaded_versions
from .writing import write_aside

# How many faulty sentences of a shard the manifest names; all are counted.
NAMED_FAULTS = 20
# How many words vocabularies may add before they are freed: about 50 MB.
MOST_WORDS = 100_000


class ShardMaker:
    """Makes shards with a pipeline that is loaded once.

    job (Json): `pipeline`, its path or name; `input`, the arguments of `CorpusInput`; `output`, the folder;
        `batch_size`, sentences a batch; `watched`, the checksums of the input and the pipeline's folder at the start of
        the run; `of_parts`, the known checksums of files that the parts read; `device`, a GPU for the parts, or None.
    corpus (Optional[CorpusInput]): The corpus, if this process has opened it already.
    """

    def __init__(self, job: Json, corpus: Optional[CorpusInput] = None) -> None:
        self.nlp = load_pipeline(job["pipeline"])
        self.vocabularies = Vocabularies(self.nlp)
        move_parts(self.nlp, job["device"])
        self.corpus = corpus or CorpusInput(**job["input"])
        if self.corpus.keep_labels:
            _require_no_entities(self.nlp)
        self.folder = Path(job["output"])
        self.batch_size = job["batch_size"]
        self.begun_with = WatchedFiles(job["watched"])
        # The loaded files must be those of the start of the run. The files of parts are watched from now on.
        self.begun_with.check()
        self.read_by_parts = WatchedFiles(job["of_parts"])
        self.read_by_parts.add(part_files(self.nlp))

    def make(self, piece: Slice, tick: Callable[[int], None] = lambda n: None) -> Json:
        """Annotate a slice of the corpus and write it to a temporary file next to its place.

        Each shard has batches of its own, so that the result does not depend on the number of processes, nor on where
        an earlier run was killed.

        piece (Slice): The slice. tick: Called with the number of sentences that were just done.
        RETURNS (Json): The shard's entry in the manifest, with the values that must be the same for all shards, and the
            path of the temporary file (see `RunFolder.record`).
        RAISES: XnerError if the pipeline loses sentences, or the disk is full; InputError if a file that it reads has
            changed meanwhile.
        """
        started = time.perf_counter()
        faults: List[Any] = []
        used_before = usage_of(self.nlp)

        def annotated() -> Iterator[Doc]:
            for number, doc in enumerate(self._annotated(piece), piece.start):
                fault = doc.user_data.get(FAULT_KEY) or annotation_fault(doc)
                if fault and len(faults) < NAMED_FAULTS:
                    faults.append([self.corpus.place(number), str(fault)])
                yield doc
                tick(1)

        try:
            with self.vocabularies.growing():
                data, counts = packed(annotated())
        finally:
            # If a file has changed meanwhile, report that instead of any error that it caused.
            self.begun_with.check()
            self.read_by_parts.check()
        used = {name: number - used_before.get(name, 0) for name, number in usage_of(self.nlp).items()}
        aside = write_aside(self.folder / shard_name(piece.number), data)
        return {
            **describe({**counts, **used}, data),
            "seconds": round(time.perf_counter() - started, 3),
            **({"faults": faults} if faults else {}),
            MODELS: model_identities(self.nlp),
            FILES: self.read_by_parts.checksums(),
            LIBRARIES: loaded_versions(),
            ASIDE: str(aside),
        }

    def _annotated(self, piece: Slice) -> Iterator[Doc]:
        docs = list(self.corpus.read(piece, self.nlp))
        # Faulty Docs skip the pipeline, but keep their position. They are listed before it runs, because it notes other
        # faults on the Docs of a batch, some of which are yielded later.
        faulty = [FAULT_KEY in doc.user_data for doc in docs]
        good = [doc for doc, fault in zip(docs, faulty, strict=True) if not fault]
        results = self.nlp.pipe(good, batch_size=self.batch_size)
        n_results = 0
        for doc, fault in zip(docs, faulty, strict=True):
            result = doc if fault else next(results, None)
            if result is None:
                break
            n_results += not fault
            yield result
        n_results += sum(1 for _ in results)
        if n_results != len(good):
            name = shard_name(piece.number)
            raise XnerError(f"The pipeline gave {n_results} of {len(good)} sentences of shard {name}.")


def _require_no_entities(nlp: Language) -> None:
    """RAISES: XnerError if a component sets entities, and so would replace, or be led by, the labels that are kept."""
    for name in nlp.pipe_names:
        if "doc.ents" in nlp.get_pipe_meta(name).assigns:
            raise XnerError(
                f"The labels can't be kept: the component {name!r} sets entities.",
                "Leave out --keep-labels, or assemble a pipeline without it: "
                """--nlp.pipeline '["xner_translator","xner_aligner"]'""",
            )


def model_identities(nlp: Language) -> Dict[str, Json]:
    """RETURNS (Dict[str, Json]): By component, the identity of its part's model (engine, revision on the Hub or
    checksum, languages, options), which the pipeline's files do not contain.
    """
    identities: Dict[str, Json] = {}
    for name, pipe in nlp.pipeline:
        # An engine that is not installed, and was not needed, has no identity.
        with suppress(XnerError):
            identity = getattr(getattr(pipe, "part", None), "identity", None)
            if identity is not None:
                identities[name] = identity
    return identities


def part_files(nlp: Language) -> List[str]:
    """RETURNS (List[str]): The files and folders outside the pipeline's folder that its parts read, each once. A part
    names them in an attribute `files`.
    """
    paths: Dict[str, None] = {}
    for part in parts_inside(nlp):
        files = getattr(part, "files", None)
        if isinstance(files, (list, tuple)):
            paths.update(dict.fromkeys(map(str, files)))
    return list(paths)


class Vocabularies:
    """Frees what a pipeline's vocabularies, and those of the pipelines inside it, have added, so that memory does not
    grow. This is done after a block in which they have become too large, and not after each: to look up all that spaCy
    knows of a word takes longer than to label it.

    A component that can free its own words has a method `free_words`. Others' are freed by spaCy's `memory_zone`, in
    which a tokenizer remembers nothing and takes four times as long.

    nlp (Language): The pipeline. most_words (int): The words that may be added before they are freed.
    """

    def __init__(self, nlp: Language, most_words: int = MOST_WORDS) -> None:
        self._nlp = nlp
        self._most_words = most_words
        self._zones: Optional[ExitStack] = None
        self._known = 0

    @contextmanager
    def growing(self) -> Iterator[None]:
        """A block in which they grow. Nothing that was made in it may be used after it."""
        if self._zones is None:
            self._zones = ExitStack()
            self._known = self._size()
            for pipeline in self._pipelines():
                self._zones.enter_context(pipeline.memory_zone())
        try:
            yield
        except BaseException:
            self.free()
            raise
        if self._size() - self._known > self._most_words:
            self.free()

    def free(self) -> None:
        """Free what has been added."""
        zones, self._zones = self._zones, None
        if zones is not None:
            zones.close()
            for pipe in self._freeing():
                pipe.free_words()

    def _freeing(self) -> List[Any]:
        """RETURNS (List[Any]): The components that free their own words."""
        return [pipe for _, pipe in self._nlp.pipeline if hasattr(pipe, "free_words")]

    def _pipelines(self) -> List[Language]:
        """RETURNS (List[Language]): The pipelines with a vocabulary that spaCy can free, one for each vocabulary."""
        others = [pipe for _, pipe in self._nlp.pipeline if not hasattr(pipe, "free_words")]
        pipelines = [self._nlp, *(getattr(pipe, "source_nlp", None) for pipe in others)]
        return list({id(nlp.vocab): nlp for nlp in reversed(pipelines) if nlp is not None}.values())

    def _size(self) -> int:
        # A vocabulary counts the words that it has added, and those that were freed as well.
        vocabs = [nlp.vocab for nlp in self._pipelines()] + [pipe.source_nlp.vocab for pipe in self._freeing()]
        return sum(map(len, vocabs))
