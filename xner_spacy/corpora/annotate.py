"""Annotate a corpus with a pipeline: numbered DocBin shards, each written completely or not at all.

A run continues an earlier one with the same input, pipeline and settings, and makes only the missing shards. The bytes
of the shards do not depend on the number of processes, nor on the engine.
"""

import platform
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Literal, Optional

from ..types import Json, PathLike
from .costs import estimate_costs
from .engines.local import run_workers
from .gpu import CPU, move_parts, use_gpu
from .inputs import MAX_TOKENS, CorpusInput
from .pipelines import load_pipeline, pipeline_folder
from .reading import read_config
from .runfolder import RunFolder, locked
from .shard_folder import refuse_overlap, sweep
from .shards import ShardMaker, Vocabularies
from .watching import WHERE_LOADED, WatchedFiles, base_versions, installed, joint_checksum, printable

Engine = Literal["local", "ray"]
# Takes the number of sentences that are done and the total; returns a context whose value is called with the number of
# newly done sentences.
Progress = Callable[[int, int], AbstractContextManager[Callable[[int], None]]]

SAMPLE = 128


def annotate(
    pipeline: PathLike,
    input_path: PathLike,
    output: PathLike,
    *,
    tokenized: bool = False,
    text_field: str = "text",
    max_tokens: int = MAX_TOKENS,
    keep_labels: bool = False,
    shard_size: int = 1000,
    batch_size: int = 256,
    overwrite: bool = False,
    engine: Engine = "local",
    workers: int = 1,
    address: Optional[str] = None,
    gpu_id: int = CPU,
    progress: Optional[Progress] = None,
) -> Json:
    """Annotate a corpus into DocBin shards. A run that was killed continues when it is started again.

    pipeline (PathLike): A teacher or any other spaCy pipeline: folder or installed package.
    input_path (PathLike): Text with one sentence a line, .jsonl, .parquet, .iob, .spacy, or a folder of shards.
    output (PathLike): Folder for the numbered shards and manifest.json.
    tokenized (bool): The text's tokens are separated by spaces.
    text_field (str): Field of JSONL or parquet with the text, or the list of its tokens.
    max_tokens (int): A longer sentence is kept and counted, but no pipeline sees it.
    keep_labels (bool): Keep the entities of IN (.spacy), for a pipeline that sets none: gold with its translations and
        links (see docs/study.md). Without it no label of IN is read.
    shard_size (int): Sentences a shard.
    batch_size (int): Sentences a batch.
    overwrite (bool): Start anew where OUT holds another run's shards.
    engine (str): local, or ray for a cluster. With one worker and the local engine all happens in this process.
    workers (int): Processes (or Ray actors); each loads the pipeline once.
    address (Optional[str]): Ray cluster to use; without it one is started on this machine.
    gpu_id (int): The GPU to run on, from 0 on; -1 for the CPU. It needs one worker. Parts whose `device` is set to
        another than "cpu" stay there.
    progress (Optional[Progress]): Makes a progress bar.
    RETURNS (Json): The manifest.
    RAISES: XnerError for shards of another run, or if another run holds the folder; InputError for what cannot be read.
    """
    started = time.perf_counter()
    corpus = CorpusInput(
        input_path, tokenized=tokenized, text_field=text_field, max_tokens=max_tokens, keep_labels=keep_labels
    )
    run = _Run(pipeline, corpus, Path(output), overwrite, shard_size, batch_size)
    device = use_gpu(gpu_id, workers, engine)
    # Check before locking, so that a refused folder gets no lock file.
    run.folder()
    run.output.mkdir(parents=True, exist_ok=True)
    with locked(run.output), ExitStack() as stack:
        folder = run.folder()
        folder.clean()
        # An interrupt may come just after a temporary file was made, before anything else removes it.
        stack.callback(sweep, run.output)
        todo = folder.missing(run.pieces)
        facts = run.facts()
        folder.write_manifest(facts, planned=len(run.pieces), done=False)
        n_done = corpus.total - sum(piece.size for piece in todo)
        bar = progress(n_done, corpus.total) if progress and todo else nullcontext(lambda n: None)
        with bar as tick:
            job = {**run.job(), "device": device}
            if engine == "ray" and todo:
                from .engines.ray_cluster import run_ray

                run_ray(job, todo, workers, folder.record, tick, address)
            elif workers > 1 and todo:
                run_workers(job, todo, workers, folder.record, tick)
            elif todo:
                maker = ShardMaker(job, corpus)
                stack.callback(maker.vocabularies.free)
                for piece in todo:
                    folder.record(piece, maker.make(piece, tick))
        # Read all files once more: a file can change while its size and times stay the same.
        run.watched.check(thoroughly=True)
        facts["seconds"] = round(time.perf_counter() - started, 3)
        facts["workers"] = workers
        facts["gpu_id"] = gpu_id
        return folder.write_manifest(facts, planned=len(run.pieces), done=True)


def plan(
    pipeline: PathLike,
    input_path: PathLike,
    output: PathLike,
    *,
    tokenized: bool = False,
    text_field: str = "text",
    max_tokens: int = MAX_TOKENS,
    keep_labels: bool = False,
    shard_size: int = 1000,
    batch_size: int = 256,
    overwrite: bool = False,
    workers: int = 1,
    gpu_id: int = CPU,
) -> Json:
    """Estimate what `annotate` would do and how long it would take. A few sentences are annotated to measure the time;
    nothing is written. If a part asks a paid server, nothing is annotated: what it would cost is estimated instead.

    RETURNS (Json): `sentences`, `shards`, `ready` and `missing` (shards), `todo` (sentences), `load_seconds`, `rate`
        (sentences a second of one worker), `seconds` (the estimate); `costs` by component in place of a rate, if there
        are any. RAISES: As `annotate`.
    """
    corpus = CorpusInput(
        input_path, tokenized=tokenized, text_field=text_field, max_tokens=max_tokens, keep_labels=keep_labels
    )
    run = _Run(pipeline, corpus, Path(output), overwrite, shard_size, batch_size)
    todo = run.folder().missing(run.pieces)
    sentences = sum(piece.size for piece in todo)
    shards = {"shards": len(run.pieces), "ready": len(run.pieces) - len(todo), "missing": len(todo)}
    planned: Json = {"sentences": corpus.total, **shards, "todo": sentences}
    if not todo:
        return {**planned, "load_seconds": 0.0, "rate": None, "seconds": 0.0}
    device = use_gpu(gpu_id, workers)
    started = time.perf_counter()
    nlp = load_pipeline(pipeline)
    move_parts(nlp, device)
    costs = estimate_costs(nlp, (list(corpus.read(piece, nlp)) for piece in todo))
    loaded = time.perf_counter()
    if costs:
        # No sample is annotated, because that would cost something.
        planned["costs"] = {name: cost._asdict() for name, cost in costs.items()}
        return {**planned, "load_seconds": round(loaded - started, 2), "rate": None, "seconds": None}
    sample = todo[0]._replace(size=min(SAMPLE, todo[0].size))
    vocabularies = Vocabularies(nlp)
    with vocabularies.growing():
        n_annotated = sum(1 for _ in nlp.pipe(corpus.read(sample, nlp), batch_size=batch_size))
    vocabularies.free()
    rate = n_annotated / max(time.perf_counter() - loaded, 1e-9)
    return {
        **planned,
        "load_seconds": round(loaded - started, 2),
        "rate": round(rate, 1),
        "seconds": round(loaded - started + sentences / rate / max(1, workers), 1),
    }


@dataclass
class _Run:
    """The inputs of a run, what its shards depend on, and the output; for the settings see `annotate`.

    RAISES: XnerError if the output lies inside an input, or contains one; InputError for an unreadable input.
    """

    pipeline: PathLike
    corpus: CorpusInput
    output: Path
    overwrite: bool
    shard_size: int
    batch_size: int

    def __post_init__(self) -> None:
        self.pieces = self.corpus.slices(self.shard_size)
        self.pipeline_folder = pipeline_folder(self.pipeline)
        refuse_overlap([self.corpus.path, *self.corpus.files, self.pipeline_folder], self.output)
        refuse_overlap([self.output], self.pipeline_folder)
        self.watched = WatchedFiles()
        input_sums = self.watched.add(self.corpus.files, self.corpus.seen)
        [pipeline_sum] = self.watched.add([self.pipeline_folder])
        self.watched.check()
        self.of_parts = WatchedFiles()
        # What the shards depend on. A continued run must have exactly the same identity.
        self.identity = {
            "input": joint_checksum(input_sums),
            "pipeline": pipeline_sum,
            "versions": base_versions(),
            "shard_size": self.shard_size,
            "batch_size": self.batch_size,
            **self.corpus.settings,
        }

    def folder(self) -> RunFolder:
        """Read the current state of the folder."""
        return RunFolder(self.output, self.identity, self.overwrite, self.of_parts)

    def job(self) -> Json:
        """The arguments of a `ShardMaker`, in this process or in another."""
        return {
            "pipeline": str(self.pipeline),
            "input": {"path": str(self.corpus.path), **self.corpus.settings},
            "output": str(self.output),
            "batch_size": self.batch_size,
            "watched": self.watched.known,
            "of_parts": self.of_parts.known,
        }

    def facts(self) -> Json:
        """What the manifest holds in addition to the identity."""
        config = read_config(self.pipeline_folder / "config.cfg")
        versions = {"python": platform.python_version(), **installed(WHERE_LOADED)}
        return {
            "source": printable(self.corpus.path),
            "pipeline": printable(self.pipeline),
            "sentences": self.corpus.total,
            "versions": {**base_versions(), **versions},
            "config": config.to_str(interpolate=False),
        }
