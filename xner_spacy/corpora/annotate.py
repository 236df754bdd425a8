"""A pipeline over a corpus: numbered DocBin shards, written whole or not at all, continued where they were left.

The folder of a run holds `00000.spacy`, `00001.spacy`, ... and `manifest.json`: what was annotated by what (checksums,
versions, config) and what came out, shard by shard. A run that finds shards of the same input, pipeline and settings
makes what is missing, and nothing twice. The bytes of the shards do not depend on the number of processes, nor on the
engine.
"""

import platform
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Callable, Literal, Optional

from spacy.util import get_package_path

from ..errors import XnerError
from ..types import Json, PathLike
from .engines.local import run_workers
from .inputs import MAX_TOKENS, CorpusInput, Slice
from .pipelines import load_pipeline
from .reading import read_config
from .runfolder import RunFolder, locked, prepare
from .shard_folder import refuse_overlap, shard_name
from .shards import ShardMaker, memory_zones
from .watching import WHERE_LOADED, WatchedFiles, base_versions, installed, joint_checksum, printable

Engine = Literal["local", "ray"]
# Is given how many sentences were there before and how many there will be; gives what is called
# with numbers of sentences.
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
    shard_size: int = 1000,
    batch_size: int = 256,
    overwrite: bool = False,
    engine: Engine = "local",
    workers: int = 1,
    address: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> Json:
    """Annotate a corpus into DocBin shards. Killed, it goes on where it was when run again.

    pipeline (PathLike): A teacher or any other spaCy pipeline: folder or installed package.
    input_path (PathLike): Text with one sentence a line, .jsonl, .parquet, .iob, .spacy, or a folder of shards.
    output (PathLike): Folder for the numbered shards and manifest.json.
    tokenized (bool): The text's tokens are separated by spaces.
    text_field (str): Field of JSONL or parquet with the text, or the list of its tokens.
    max_tokens (int): A longer sentence is kept and counted, but no pipeline sees it.
    shard_size (int): Sentences a shard.
    batch_size (int): Sentences a batch.
    overwrite (bool): Start anew where OUT holds another run's shards.
    engine (str): local, or ray for a cluster. With one worker and the local engine all happens in this process.
    workers (int): Processes (or Ray actors); each loads the pipeline once.
    address (Optional[str]): Ray cluster to use; without it one is started on this machine.
    progress (Optional[Progress]): Makes a progress bar.
    RETURNS (Json): The manifest.
    RAISES: XnerError for shards of another run, or if another run holds the folder; InputError for what cannot be read.
    """
    started = time.perf_counter()
    output = Path(output)
    corpus = CorpusInput(input_path, tokenized=tokenized, text_field=text_field, max_tokens=max_tokens)
    folder_of_pipeline = _apart(pipeline, corpus, output)
    watched = _watched(folder_of_pipeline, corpus)
    identity = _identity(watched, folder_of_pipeline, corpus, shard_size, batch_size)
    of_parts = WatchedFiles()
    if output.is_dir():
        # A folder that is refused is left without a lock file, too.
        RunFolder(output, identity, overwrite, of_parts)
    prepare(output)
    with locked(output), ExitStack() as stack:
        folder = RunFolder(output, identity, overwrite, of_parts)
        folder.clean()
        # An interrupt may come just between the making of a temporary file and the care for it.
        stack.callback(folder.sweep)
        pieces = corpus.slices(shard_size)
        todo = folder.missing(pieces)
        facts = _facts(pipeline, corpus)
        folder.write_manifest(facts, planned=len(pieces), done=False)
        had = corpus.total - sum(piece.size for piece in todo)
        bar = progress(had, corpus.total) if progress and todo else nullcontext(lambda n: None)
        with bar as tick:
            job = {"pipeline": str(pipeline), "input": corpus.spec(), "output": str(output), "batch_size": batch_size}
            job |= {"watched": watched.known, "of_parts": of_parts.known}

            def record(piece: Slice, entry: Json) -> None:
                folder.record(shard_name(piece.number), entry)

            if engine == "ray" and todo:
                from .engines.ray_cluster import run_ray

                run_ray(job, todo, workers, record, tick, address)
            elif workers > 1 and todo:
                run_workers(job, todo, workers, record, tick)
            elif todo:
                maker = ShardMaker(load_pipeline(pipeline), corpus, job)
                for piece in todo:
                    record(piece, maker.make(piece, tick))
        # Read once more, to the last byte: a file may be written to without any trace in its times.
        watched.check(thoroughly=True)
        facts["seconds"] = round(time.perf_counter() - started, 3)
        facts["workers"] = workers
        return folder.write_manifest(facts, planned=len(pieces), done=True)


def plan(
    pipeline: PathLike,
    input_path: PathLike,
    output: PathLike,
    *,
    tokenized: bool = False,
    text_field: str = "text",
    max_tokens: int = MAX_TOKENS,
    shard_size: int = 1000,
    batch_size: int = 256,
    overwrite: bool = False,
    workers: int = 1,
) -> Json:
    """Say what `annotate` would do and about how long it would take; a few sentences are annotated to see, and nothing
    is written.

    RETURNS (Json): `sentences`, `shards`, `ready` and `missing` (shards), `todo` (sentences), `load_seconds`, `rate`
        (sentences a second of one worker), `seconds` (the estimate). RAISES: As `annotate`.
    """
    corpus = CorpusInput(input_path, tokenized=tokenized, text_field=text_field, max_tokens=max_tokens)
    pieces = corpus.slices(shard_size)
    todo = pieces
    folder_of_pipeline = _apart(pipeline, corpus, Path(output))
    if Path(output).is_dir():
        watched = _watched(folder_of_pipeline, corpus)
        identity = _identity(watched, folder_of_pipeline, corpus, shard_size, batch_size)
        todo = RunFolder(Path(output), identity, overwrite).missing(pieces)
    sentences = sum(piece.size for piece in todo)
    planned: Json = {"sentences": corpus.total, "shards": len(pieces), "ready": len(pieces) - len(todo)}
    planned |= {"missing": len(todo), "todo": sentences}
    if not todo:
        return {**planned, "load_seconds": 0.0, "rate": None, "seconds": 0.0}
    started = time.perf_counter()
    nlp = load_pipeline(pipeline)
    loaded = time.perf_counter()
    sample = todo[0]._replace(size=min(SAMPLE, todo[0].size))
    with memory_zones(nlp):
        done = sum(1 for _ in nlp.pipe(corpus.read(sample, nlp), batch_size=batch_size))
    rate = done / max(time.perf_counter() - loaded, 1e-9)
    return {
        **planned,
        "load_seconds": round(loaded - started, 2),
        "rate": round(rate, 1),
        "seconds": round(loaded - started + sentences / rate / max(1, workers), 1),
    }


def _apart(pipeline: PathLike, corpus: CorpusInput, output: Path) -> Path:
    """RETURNS (Path): The folder of the pipeline. RAISES: XnerError if the output lies in what is read, or holds it."""
    folder = pipeline_folder(pipeline)
    refuse_overlap([*corpus.read_paths(), folder], output)
    refuse_overlap([output], folder)
    return folder


def pipeline_folder(pipeline: PathLike) -> Path:
    """RETURNS (Path): The folder of a pipeline. RAISES: XnerError if there is none of this name."""
    folder = Path(pipeline)
    if (folder / "config.cfg").exists():
        return folder
    try:
        package = get_package_path(str(pipeline))
        configs = sorted(package.glob("*/config.cfg")) or sorted(package.glob("config.cfg"))
    except (ImportError, ValueError, TypeError, AttributeError):
        configs = []
    if not configs:
        raise XnerError(
            f"No pipeline {str(pipeline)!r} (neither an installed package nor a folder).",
            "Train or assemble it first, or correct the path.",
        )
    return configs[0].parent


def _watched(folder_of_pipeline: Path, corpus: CorpusInput) -> WatchedFiles:
    watched = WatchedFiles()
    watched.add(corpus.files, corpus.seen)
    watched.add([folder_of_pipeline])
    watched.check()
    return watched


def _identity(
    watched: WatchedFiles, folder_of_pipeline: Path, corpus: CorpusInput, shard_size: int, batch_size: int
) -> Json:
    """What the shards depend on. A resumed run must agree with it to the last word."""
    settings = {"shard_size": shard_size, "batch_size": batch_size, **corpus.spec()}
    del settings["path"]
    sums = watched.checksums()
    return {
        "input": joint_checksum(sums[str(file)] for file in corpus.files),
        "pipeline": sums[str(folder_of_pipeline)],
        "versions": base_versions(),
        **settings,
    }


def _facts(pipeline: PathLike, corpus: CorpusInput) -> Json:
    config = read_config(pipeline_folder(pipeline) / "config.cfg")
    return {
        "source": printable(corpus.path),
        "pipeline": printable(pipeline),
        "sentences": corpus.total,
        "versions": {**base_versions(), "python": platform.python_version(), **installed(WHERE_LOADED.values())},
        "config": config.to_str(interpolate=False),
    }
