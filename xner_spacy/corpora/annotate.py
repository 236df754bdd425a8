"""A pipeline over a corpus: numbered DocBin shards, written whole or not at all, continued where they were left.

The folder of a run holds `00000.spacy`, `00001.spacy`, ... and `manifest.json`: what was annotated by what (checksums and versions) and
what came out, shard by shard. A run that finds a manifest of the same input, pipeline and settings goes on after its last shard.
"""

import fcntl
import hashlib
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import minibatch

from ..about import __version__
from ..docdata import SPANS_KEY
from ..errors import InputError, XnerError
from ..types import Json
from .docs import ATTRIBUTES, docbin_paths, make_doc, read_docs
from .files import PathLike, atomic_write, read_lines
from .iob import is_iob, read_iob

MANIFEST = "manifest.json"
LOCK = ".lock"


class CorpusInput:
    """The sentences to annotate: a text file, a `.iob` file, a DocBin or a folder of them. Gold entities are not read.

    path (PathLike): The file or folder. tokenized (bool): A text file's tokens are separated by spaces; else the pipeline splits it.
    RAISES: InputError if it is missing or empty.
    """

    def __init__(self, path: PathLike, *, tokenized: bool = False) -> None:
        self.path = Path(path)
        self.tokenized = tokenized
        self.is_docbin = self.path.is_dir() or self.path.suffix == ".spacy"
        self.files = docbin_paths(self.path) if self.is_docbin else [self.path]
        self.total = self._count()
        if not self.total:
            raise InputError("is empty.", self.path)

    def _count(self) -> int:
        if self.is_docbin:
            return sum(len(_read_docbin(file)) for file in self.files)
        if is_iob(self.path):
            return sum(1 for _ in read_iob(self.path))
        return sum(1 for _ in read_lines(self.path))

    def checksum(self) -> str:
        """RETURNS (str): SHA-256 of the files' bytes."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def docs(self, nlp: Language) -> Iterator[Doc]:
        """YIELDS (Doc): The sentences in order, on the pipeline's vocabulary, without entities."""
        if self.is_docbin:
            for doc in read_docs(self.path, nlp.vocab):
                doc.set_ents([], default="missing")
                yield doc
        elif is_iob(self.path):
            for sentence in read_iob(self.path):
                doc = make_doc(nlp.vocab, sentence.words)
                doc.set_ents([], default="missing")
                yield doc
        else:
            for _, line in read_lines(self.path):
                text = line.strip()
                if self.tokenized:
                    doc = make_doc(nlp.vocab, text.split())
                    doc.set_ents([], default="missing")
                    yield doc
                else:
                    yield nlp.make_doc(text)


def _read_docbin(file: Path) -> DocBin:
    try:
        return DocBin().from_bytes(file.read_bytes())
    except Exception as error:
        raise InputError(
            f"is not a readable DocBin ({type(error).__name__}).", file, hint="Make it anew."
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one process. RAISES: XnerError if another holds it."""
    with (folder / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise XnerError(
                f"{folder}: another run is writing here.", "Wait for it, or choose another folder."
            ) from None
        yield


def load_pipeline(name: PathLike) -> Language:
    """Load a pipeline. RAISES: XnerError if there is none of this name."""
    try:
        return spacy.load(name)
    except OSError as error:
        raise XnerError(
            f"No pipeline {str(name)!r} (neither an installed package nor a folder).",
            "Train or assemble it first, or correct the path.",
        ) from error


def summarise(docs: Iterable[Doc]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): Sentences, tokens, entities, and per reason what was not projected."""
    counts: Counter = Counter(sentences=0, tokens=0, entities=0)
    for doc in docs:
        counts["sentences"] += 1
        counts["tokens"] += len(doc)
        counts["entities"] += len(doc.ents)
        counts["empty sentences"] += not len(doc)
        if SPANS_KEY in doc.spans:
            attrs = doc.spans[SPANS_KEY].attrs
            counts.update(f"not projected: {u['reason']}" for u in attrs.get("unprojected", ()))
            counts["without translation"] += doc._.xner_source is None
    return {name: n for name, n in counts.items() if n or name in ("sentences", "entities")}


def annotate(
    pipeline: PathLike,
    input_path: PathLike,
    output: PathLike,
    *,
    tokenized: bool = False,
    shard_size: int = 1000,
    batch_size: int = 256,
    overwrite: bool = False,
    progress: Optional[Callable[[Iterable[Doc], int, int], Iterator[Doc]]] = None,
) -> Json:
    """Annotate a corpus.

    pipeline (PathLike): A folder or an installed package.
    input_path (PathLike): Text (one sentence a line), `.iob`, `.spacy`, or a folder of shards.
    output (PathLike): The folder of the shards.
    tokenized (bool): A text file's tokens are separated by spaces.
    shard_size (int): Sentences a shard. batch_size (int): Sentences a batch.
    overwrite (bool): Start anew where the folder holds another run's shards.
    progress: Wraps the stream; is given the docs, how many were there before, and how many there will be.
    RETURNS (Json): The manifest.
    RAISES: XnerError for shards of another run; InputError for what cannot be read.
    """
    output = Path(output)
    corpus = CorpusInput(input_path, tokenized=tokenized)
    nlp = load_pipeline(pipeline)
    identity = {
        "input": corpus.checksum(),
        "pipeline": pipeline_hash(nlp, pipeline),
        "tokenized": tokenized,
        "shard_size": shard_size,
    }
    if output.exists() and not output.is_dir():
        raise InputError("is a file; the shards need a folder.", output)
    output.mkdir(parents=True, exist_ok=True)
    with locked(output):
        manifest = _resume(output, identity, overwrite)
        manifest.update(
            {
                "identity": identity,
                "source": str(input_path),
                "pipeline": str(pipeline),
                "versions": {"xner-spacy": __version__, "spacy": spacy.__version__},
                "sentences": corpus.total,
            }
        )
        _run(nlp, corpus, output, manifest, shard_size, batch_size, progress)
    return manifest


def pipeline_hash(nlp: Language, path: PathLike) -> str:
    """RETURNS (str): SHA-256 over a pipeline's files, or over its config and metadata where it is an installed package."""
    digest = hashlib.sha256(nlp.config.to_str().encode("utf8"))
    folder = Path(path)
    if folder.is_dir():
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(str(file.relative_to(folder)).encode("utf8"))
            digest.update(file.read_bytes())
    else:
        digest.update(srsly.json_dumps(nlp.meta, sort_keys=True).encode("utf8"))
    return digest.hexdigest()


def _resume(output: Path, identity: Json, overwrite: bool) -> Dict[str, Any]:
    shards = sorted(output.glob("*.spacy"))
    file = output / MANIFEST
    old: Json = {}
    if file.exists():
        try:
            old = srsly.read_json(file)
        except ValueError:
            old = {}
    if shards and old.get("identity") != identity:
        if not overwrite:
            raise XnerError(
                f"{output}: holds shards of another input, pipeline or setting.",
                "Choose another folder, or start anew with --overwrite.",
            )
        old = {}
    if overwrite:
        old = {}
        for shard in shards:
            shard.unlink()
    # What a killed run left half-written has another name, and is not needed.
    for part in output.glob(".*.part"):
        part.unlink()
    return {"shards": old.get("shards", {}) if old.get("identity") == identity else {}}


def _run(
    nlp: Language,
    corpus: CorpusInput,
    output: Path,
    manifest: Dict[str, Any],
    shard_size: int,
    batch_size: int,
    progress: Optional[Callable[[Iterable[Doc], int, int], Iterator[Doc]]],
) -> None:
    n_shards = -(-corpus.total // shard_size)
    names = [f"{k:05d}.spacy" for k in range(n_shards)]
    ready = [name for name in names if _intact(output / name)]
    entries = manifest["shards"]
    for name in ready:
        if name not in entries:
            docs = DocBin().from_bytes((output / name).read_bytes()).get_docs(nlp.vocab)
            entries[name] = {**summarise(docs), "seconds": None}
    for name in list(entries):
        if name not in ready:
            del entries[name]
    _write_manifest(output, manifest)
    had = sum(entries[name]["sentences"] for name in ready)

    def todo() -> Iterator[Doc]:
        for k, docs in enumerate(minibatch(corpus.docs(nlp), shard_size)):
            if names[k] not in entries:
                yield from docs

    missing = [name for name in names if name not in entries]
    stream: Iterable[Doc] = nlp.pipe(todo(), batch_size=batch_size) if missing else ()
    if progress is not None and missing:
        stream = progress(stream, had, corpus.total)
    started = time.perf_counter()
    for name, docs in zip(missing, _shards(stream, missing, names, corpus.total, shard_size)):
        docbin = DocBin(attrs=ATTRIBUTES, store_user_data=True)
        for doc in docs:
            docbin.add(doc)
        with atomic_write(output / name, "wb") as file:
            file.write(docbin.to_bytes())
        now = time.perf_counter()
        entries[name] = {**summarise(docs), "seconds": round(now - started, 3)}
        started = now
        manifest["shards"] = dict(sorted(entries.items()))
        entries = manifest["shards"]
        _write_manifest(output, manifest)
    totals: Counter = Counter()
    for entry in entries.values():
        totals.update({k: v for k, v in entry.items() if k != "seconds"})
    manifest["totals"] = dict(totals)
    _write_manifest(output, manifest)


def _shards(
    stream: Iterable[Doc], missing: List[str], names: List[str], total: int, size: int
) -> Iterator[List[Doc]]:
    iterator = iter(stream)
    for name in missing:
        k = names.index(name)
        wanted = min(size, total - k * size)
        docs = [doc for _, doc in zip(range(wanted), iterator)]
        if len(docs) != wanted:
            raise XnerError(f"The pipeline gave {len(docs)} of {wanted} sentences of shard {name}.")
        yield docs


def _intact(shard: Path) -> bool:
    """RETURNS (bool): Whether a shard is there and can be read; a broken one is made again."""
    if not shard.exists():
        return False
    try:
        DocBin().from_bytes(shard.read_bytes())
    except Exception:  # noqa: BLE001  (whatever is wrong with it, it is made again)
        return False
    return True


def _write_manifest(output: Path, manifest: Json) -> None:
    with atomic_write(output / MANIFEST) as file:
        file.write(srsly.json_dumps(manifest, indent=2) + "\n")
