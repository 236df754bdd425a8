"""The sentences of a corpus in numbered slices that any process can read by itself, in any order.

Text with a sentence a line, JSONL, `.iob`, parquet, a DocBin, or a folder of DocBins. Nothing is
held in memory but where the slices begin, so the size of the corpus does not matter.
"""

import re
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..docdata import FAULT_KEY, TOO_LONG
from ..errors import InputError, MissingExtraError
from ..text import split_tokens
from ..types import Json, PathLike
from .docs import docbin_paths, make_doc
from .files import BOM, is_packed, read_lines, require_file
from .formats.iob import is_iob, read_iob
from .reading import docs_of, parse_json, part_of, read_docbin, reading
from .watching import printable, signature

META_KEY = "meta"
# A sentence of more tokens is kept as it is, but no pipeline sees it: tables of all pairs of words would not fit into
# memory. No sentence has as many; a line that does is a file without line ends.
MAX_TOKENS = 5000
# How deep the `meta` of a record may be nested; what stores it has a limit too.
MAX_DEPTH = 100
_SEVERAL_TIMES = "a corpus is read several times"


class Slice(NamedTuple):
    """Some sentences in a row.

    number (int): The slice's number. start (int): Its first sentence. size (int): Its sentences.
    offset (int): Where it begins in the file, in bytes, for files of lines; else 0.
    """

    number: int
    start: int
    size: int
    offset: int = 0


class CorpusInput:
    """The sentences to annotate. Gold entities are not read.

    path (PathLike): The file or folder.
    tokenized (bool): The tokens of a text file, or of a JSON text, are separated by spaces; else
        the pipeline splits it.
    text_field (str): Where JSONL and parquet hold the text: a string, or a list of tokens.
    max_tokens (int): A longer sentence is kept, but marked as a fault, so that no pipeline sees it.
    RAISES: InputError with the line if something is missing, empty or broken; MissingExtraError for
        parquet without pyarrow.
    """

    def __init__(
        self, path: PathLike, *, tokenized: bool = False, text_field: str = "text", max_tokens: int = MAX_TOKENS
    ) -> None:
        self.path = Path(path)
        self.tokenized = tokenized
        self.text_field = text_field
        self.max_tokens = max_tokens
        require_file(self.path, _SEVERAL_TIMES)
        self.kind = self._kind()
        self.files = docbin_paths(self.path) if self.kind == "docbin" else [self.path]
        # What the files look like before the first look into them.
        self.seen = {str(file): signature(file) for file in self.files}
        self._counts: List[int] = []
        self._cursor: Optional[Iterator[Any]] = None
        self._position = 0
        self._opened: Optional[Tuple[Path, DocBin]] = None
        self.total = self._count()
        if not self.total:
            raise InputError("is empty.", self.path)

    def spec(self) -> Json:
        """RETURNS (Json): The arguments that make the same input in another process."""
        names = ("tokenized", "text_field", "max_tokens")
        return {"path": str(self.path), **{name: getattr(self, name) for name in names}}

    def read_paths(self) -> List[Path]:
        """RETURNS (List[Path]): What is read: the path that was given, and the files that it stands for."""
        return [self.path, *self.files]

    def place(self, number: int) -> str:
        """RETURNS (str): Where a sentence stands, for a message. number (int): Counted from 0."""
        if self.kind in ("text", "jsonl"):
            return f"{printable(self.path)}:{number + 1}"
        return f"{printable(self.path)}, sentence {number + 1}"

    def _kind(self) -> str:
        if self.path.is_dir() or self.path.suffix == ".spacy":
            return "docbin"
        if self.path.suffix == ".jsonl":
            refuse_packed(self.path)
        if self.path.suffix in (".jsonl", ".parquet"):
            return self.path.suffix[1:]
        if is_iob(self.path):
            return "iob"
        require_text(self.path)
        return "text"

    def _count(self) -> int:
        if self.kind == "docbin":
            self._counts = [len(read_docbin(file)) for file in self.files]
            return sum(self._counts)
        if self.kind == "iob":
            return sum(1 for _ in read_iob(self.path))
        if self.kind == "parquet":
            return int(self._parquet().metadata.num_rows)
        if self.kind == "jsonl":
            return sum(1 for number, line in read_lines(self.path) if self._parse(line, number))
        return sum(1 for _ in read_lines(self.path))

    def slices(self, size: int) -> List[Slice]:
        """RETURNS (List[Slice]): The corpus in slices of `size` sentences, the last one shorter."""
        starts = range(0, self.total, size)
        offsets = [0] * len(starts)
        if self.kind in ("text", "jsonl"):
            with self.path.open("rb") as file:
                for number, _ in enumerate(iter(file.readline, b"")):
                    # `tell` is of the next line.
                    if (number + 1) % size == 0 and number + 1 < self.total:
                        offsets[(number + 1) // size] = file.tell()
        return [Slice(k, start, min(size, self.total - start), offsets[k]) for k, start in enumerate(starts)]

    def read(self, piece: Slice, nlp: Language) -> Iterator[Doc]:
        """YIELDS (Doc): The sentences of a slice on the pipeline's vocabulary, without entities."""
        if self.kind in ("text", "jsonl"):
            with self.path.open("rb") as file:
                file.seek(piece.offset)
                for k in range(piece.size):
                    raw = file.readline()
                    if k == 0 and piece.start == 0 and raw.startswith(BOM):
                        raw = raw[len(BOM) :]
                    line = raw.decode("utf8").rstrip("\r\n")
                    if self.kind == "text":
                        yield self._make(nlp, line)
                    else:
                        yield self._make(nlp, **self._parse(line, piece.start + k + 1))
        elif self.kind == "docbin":
            yield from self._read_docbins(piece, nlp.vocab)
        else:
            # Such a file can only be read from its beginning; slices that are asked for in order cost one pass.
            if self._cursor is None or self._position > piece.start:
                self._cursor, self._position = self._items(), 0
            items = list(islice(self._cursor, piece.start - self._position, piece.start - self._position + piece.size))
            self._position = piece.start + len(items)
            for item in items:
                yield self._make(nlp, item)

    def _items(self) -> Iterator[Any]:
        if self.kind == "iob":
            yield from (sentence.words for sentence in read_iob(self.path))
            return
        with reading(self.path, "a parquet file"):
            rows = (
                v
                for batch in self._parquet().iter_batches(columns=[self.text_field])
                for v in batch.column(0).to_pylist()
            )
            for row, value in enumerate(rows, 1):
                if not _is_text(value):
                    raise InputError(
                        f"row {row}: {self.text_field!r} is neither a text nor a list of tokens.", self.path
                    )
                yield value

    def _read_docbins(self, piece: Slice, vocab: Vocab) -> Iterator[Doc]:
        first = 0
        for file, count in zip(self.files, self._counts, strict=True):
            start, end = max(piece.start - first, 0), min(piece.start + piece.size - first, count)
            if start < end:
                if self._opened is None or self._opened[0] != file:
                    self._opened = (file, read_docbin(file))
                for doc in docs_of(part_of(self._opened[1], range(start, end)), vocab, file):
                    doc.set_ents([], default="missing")
                    yield self._checked(doc)
            first += count

    def _make(self, nlp: Language, text: Any, meta: Any = None) -> Doc:
        if isinstance(text, str):
            # spaCy's tokenizers refuse a longer text (E088).
            whole = not self.tokenized and len(text) <= nlp.max_length
            doc = nlp.make_doc(text.strip()) if whole else self._of_words(nlp, split_tokens(text))
            if len(text) > nlp.max_length:
                doc.user_data[FAULT_KEY] = TOO_LONG
        else:
            doc = self._of_words(nlp, text)
        if meta is not None:
            doc.user_data[META_KEY] = meta
        return self._checked(doc)

    @staticmethod
    def _of_words(nlp: Language, words: List[str]) -> Doc:
        doc = make_doc(nlp.vocab, words)
        doc.set_ents([], default="missing")
        return doc

    def _checked(self, doc: Doc) -> Doc:
        if len(doc) > self.max_tokens:
            doc.user_data[FAULT_KEY] = TOO_LONG
        return doc

    def _parse(self, line: str, number: int) -> Dict[str, Any]:
        record = parse_json(line, self.path, number)
        if not isinstance(record, dict) or not _is_text(record.get(self.text_field)):
            said = f"has no {self.text_field!r} that is a text or a list of tokens."
            raise InputError(said, self.path, number, "Name the field with --text-field.")
        meta = record.get("meta")
        fault = _not_storable(meta)
        if fault:
            raise InputError(f"has a 'meta' that {fault}.", self.path, number)
        return {"text": record[self.text_field], "meta": meta}

    def _parquet(self) -> Any:
        try:
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingExtraError("Reading parquet", "parquet") from error
        with reading(self.path, "a parquet file"):
            file = pq.ParquetFile(self.path)
        if self.text_field not in file.schema_arrow.names:
            names = ", ".join(file.schema_arrow.names)
            said = f"has no column {self.text_field!r}; it has: {names}."
            raise InputError(said, self.path, hint="Name the column with --text-field.")
        return file


# What is plainly no text with a sentence a line, and what to do with it.
_NO_TEXT = {
    ".json": "Convert it (xner convert IN OUT.spacy --from labelstudio), or write JSON lines to a .jsonl.",
    ".csv": "Save its texts as a .txt with one a line, or as a .jsonl.",
    ".tsv": "If it holds a token and a tag a line: xner convert IN OUT.spacy --from ...",
    ".conllu": "Convert it: xner convert IN OUT.spacy --from conllu",
    ".conllup": "Convert it: xner convert IN OUT.spacy --from conllup",
    ".xml": "Save its texts as a .txt with one a line.",
    ".html": "Save its texts as a .txt with one a line.",
}
# A word, maybe more columns, and a tag.
_TOKEN_LINE = re.compile(r"[^ \t]+[ \t](?:[^ \t]+[ \t])*(?:O|[BIESLU]-[A-Za-z_]+)[ \t]*")
_LOOK_AT = 200


def refuse_packed(path: Path) -> None:
    """RAISES: InputError for a file that is packed with gzip: no piece of it can be read alone."""
    if path.is_file() and is_packed(path):
        raise InputError("is packed with gzip, and a corpus is read piece by piece.", path, None, "Unpack it first.")


def require_text(path: Path) -> None:
    """Refuse a file that is no text with a sentence a line: by its ending, or since every line of it is a token with
    its tag.

    path (Path): The file. RAISES: InputError with what to do.
    """
    if hint := _NO_TEXT.get(path.suffix.lower()):
        raise InputError(f"is no text with a sentence a line ({path.suffix}).", path, None, hint)
    require_file(path, _SEVERAL_TIMES)
    refuse_packed(path)
    tagged = False
    lines = 0
    for _, line in read_lines(path):
        if not line.strip():
            continue
        if not _TOKEN_LINE.fullmatch(line):
            return
        lines += 1
        tagged = tagged or not line.rstrip().endswith("O")
        if lines == _LOOK_AT:
            break
    if tagged or lines > 1:
        raise InputError(
            "holds a token and its tag a line, not a sentence a line.",
            path,
            None,
            "Convert it first: xner convert IN OUT.spacy --from iob2 (or its layout); then annotate OUT.spacy.",
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(word, str) and word for word in value))


def _not_storable(meta: Any) -> str:
    """What about a record's metadata can't be stored with a Doc, or nothing."""
    layer = [meta]
    for _ in range(MAX_DEPTH):
        inner: List[Any] = []
        for value in layer:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, int) and not -(2**63) <= value < 2**64:
                return f"holds a number of more than 64 bits ({str(value)[:20]}...)"
        if not inner:
            return ""
        layer = inner
    return f"is nested more than {MAX_DEPTH} deep"
