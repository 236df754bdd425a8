"""The sentences of a corpus in numbered slices, which any process can read independently and in any order.

A corpus is text with a sentence a line, JSONL, `.iob`, parquet, a DocBin, or a folder of DocBins. Slices that are read
in order take one pass over the file, which is never held in memory, so the size of the corpus does not matter.
"""

import re
from itertools import chain, islice
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..docdata import FAULT_KEY, TOO_LONG
from ..errors import InputError, MissingExtraError
from ..text import split_tokens
from ..types import Json, PathLike
from .docs import docbin_paths, docs_of, make_doc, part_of, read_docbin
from .files import read_lines, refuse_packed, require_file
from .formats.columns import is_iob, read_columns
from .reading import parse_json, reading
from .watching import printable, signature

META_KEY = "meta"
# A sentence of more tokens is kept, but not passed to a pipeline: tables of all pairs of words would not fit into
# memory. Real sentences are shorter; such a line is usually a file without line ends.
MAX_TOKENS = 5000
# How deep the `meta` of a record may be nested; msgpack, which stores it, has a limit too.
MAX_DEPTH = 100


class Slice(NamedTuple):
    """Consecutive sentences: the number of the slice, the 0-based first sentence, and the number of sentences."""

    number: int
    start: int
    size: int


class CorpusInput:
    """The sentences to annotate. Their entities are not read, unless they are to be kept.

    path (PathLike): The file or folder.
    tokenized (bool): The tokens of a text file, or of a JSON text, are separated by spaces; else the pipeline
        tokenises the text.
    text_field (str): The field of JSONL or parquet that holds the text: a string, or a list of tokens.
    max_tokens (int): A longer sentence is kept, but marked as faulty and not passed to a pipeline.
    keep_labels (bool): Keep the entities of a DocBin, for a pipeline that sets none.
    RAISES: InputError with the line if something is missing, empty or broken; MissingExtraError for parquet without
        pyarrow.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        tokenized: bool = False,
        text_field: str = "text",
        max_tokens: int = MAX_TOKENS,
        keep_labels: bool = False,
    ) -> None:
        self.path = Path(path)
        # The arguments that make the same input in another process.
        self.settings: Json = {"tokenized": tokenized, "text_field": text_field, "max_tokens": max_tokens}
        if keep_labels:  # runs of older versions have no such setting, and can be continued
            self.settings["keep_labels"] = True
        self.keep_labels = keep_labels
        self.tokenized = tokenized
        self.text_field = text_field
        self.max_tokens = max_tokens
        require_file(self.path, "a corpus is read several times")
        self.kind = self._kind()
        if keep_labels and self.kind != "docbin":
            raise InputError(
                "labels are kept of .spacy files alone.", self.path, None, "Convert it first: xner convert."
            )
        self.files = docbin_paths(self.path) if self.kind == "docbin" else [self.path]
        # The signatures of the files before they are first read.
        self.seen = {str(file): signature(file) for file in self.files}
        self._items: Iterator[Any] = iter(())
        self._position = 0
        self._opened: Optional[Tuple[Path, DocBin]] = None
        if self.kind == "docbin":
            self._counts = [len(read_docbin(file)) for file in self.files]
            self.total = sum(self._counts)
        elif self.kind == "parquet":
            self.total = int(self._parquet().metadata.num_rows)
        else:
            self.total = sum(1 for item in self._read_items() if self.kind != "jsonl" or self._parse(*item))
        if not self.total:
            raise InputError("is empty.", self.path)

    def place(self, number: int) -> str:
        """RETURNS (str): The location of a sentence, for a message. number (int): Counted from 0."""
        if self.kind in ("text", "jsonl"):
            return f"{printable(self.path)}:{number + 1}"
        return f"{printable(self.path)}, sentence {number + 1}"

    def _kind(self) -> str:
        if self.path.is_dir() or self.path.suffix == ".spacy":
            return "docbin"
        if self.path.suffix == ".parquet":
            return "parquet"
        if self.path.suffix == ".jsonl":
            refuse_packed(self.path)
            return "jsonl"
        if is_iob(self.path):
            return "iob"
        _require_text(self.path)
        return "text"

    def slices(self, size: int) -> List[Slice]:
        """RETURNS (List[Slice]): The corpus in slices of `size` sentences, the last one shorter."""
        starts = range(0, self.total, size)
        return [Slice(k, start, min(size, self.total - start)) for k, start in enumerate(starts)]

    def read(self, piece: Slice, nlp: Language) -> Iterator[Doc]:
        """YIELDS (Doc): The sentences of a slice on the pipeline's vocabulary, without entities unless they are kept."""
        if self.kind == "docbin":
            yield from self._read_docbins(piece, nlp.vocab)
            return
        # A file of this kind can only be read from its beginning.
        if self._position > piece.start or not self._position:
            self._items, self._position = self._read_items(), 0
        n_skipped = piece.start - self._position
        items = list(islice(self._items, n_skipped, n_skipped + piece.size))
        self._position = piece.start + len(items)
        for item in items:
            if self.kind == "jsonl":
                yield self._make(nlp, *self._parse(*item))
            else:
                yield self._make(nlp, item)

    def _read_items(self) -> Iterator[Any]:
        """YIELDS (Any): An item for each sentence: its text, its tokens, or for JSONL the line and its number."""
        if self.kind == "iob":
            yield from (sentence.words for sentence in read_columns(self.path))
        elif self.kind == "jsonl":
            yield from ((line, number) for number, line in read_lines(self.path))
        elif self.kind == "text":
            yield from (line for _, line in read_lines(self.path))
        else:
            with reading(self.path, "a parquet file"):
                batches = self._parquet().iter_batches(columns=[self.text_field])
                values = chain.from_iterable(batch.column(0).to_pylist() for batch in batches)
                for row, value in enumerate(values, 1):
                    if not _is_text(value):
                        message = f"row {row}: {self.text_field!r} is neither a text nor a list of tokens."
                        raise InputError(message, self.path)
                    yield value

    def _read_docbins(self, piece: Slice, vocab: Vocab) -> Iterator[Doc]:
        file_start = 0
        for file, count in zip(self.files, self._counts, strict=True):
            start, end = max(piece.start - file_start, 0), min(piece.start + piece.size - file_start, count)
            if start < end:
                if self._opened is None or self._opened[0] != file:
                    self._opened = (file, read_docbin(file))
                for doc in docs_of(part_of(self._opened[1], range(start, end)), vocab, file):
                    yield self._checked(doc)
            file_start += count

    def _make(self, nlp: Language, text: Any, meta: Any = None) -> Doc:
        # spaCy's tokenizers refuse a longer text (E088).
        too_long = isinstance(text, str) and len(text) > nlp.max_length
        if isinstance(text, str) and not self.tokenized and not too_long:
            doc = nlp.make_doc(text.strip())
        else:
            doc = make_doc(nlp.vocab, split_tokens(text) if isinstance(text, str) else text)
        if too_long:
            doc.user_data[FAULT_KEY] = TOO_LONG
        if meta is not None:
            doc.user_data[META_KEY] = meta
        return self._checked(doc)

    def _checked(self, doc: Doc) -> Doc:
        if not self.keep_labels:
            doc.set_ents([], default="missing")
        if len(doc) > self.max_tokens:
            doc.user_data[FAULT_KEY] = TOO_LONG
        return doc

    def _parse(self, line: str, number: int) -> Tuple[Any, Any]:
        """RETURNS (Tuple[Any, Any]): The text and the metadata of a line of JSONL."""
        record = parse_json(line, self.path, number)
        if not isinstance(record, dict) or not _is_text(record.get(self.text_field)):
            message = f"has no {self.text_field!r} that is a text or a list of tokens."
            raise InputError(message, self.path, number, "Name the field with --text-field.")
        fault = _not_storable(record.get("meta"))
        if fault:
            raise InputError(f"has a 'meta' that {fault}.", self.path, number)
        return record[self.text_field], record.get("meta")

    def _parquet(self) -> Any:
        try:
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingExtraError("Reading parquet", "parquet") from error
        with reading(self.path, "a parquet file"):
            file = pq.ParquetFile(self.path)
        if self.text_field not in file.schema_arrow.names:
            names = ", ".join(file.schema_arrow.names)
            message = f"has no column {self.text_field!r}; it has: {names}."
            raise InputError(message, self.path, hint="Name the column with --text-field.")
        return file


# The endings of files that are not text with a sentence a line, and what to do with them.
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
_N_CHECKED_LINES = 200


def _require_text(path: Path) -> None:
    """RAISES: InputError for a file that is not text with a sentence a line, judged by its ending, or because every
    line is a token with its tag.
    """
    if hint := _NO_TEXT.get(path.suffix.lower()):
        raise InputError(f"is no text with a sentence a line ({path.suffix}).", path, None, hint)
    refuse_packed(path)
    lines = list(islice((line for _, line in read_lines(path) if line.strip()), _N_CHECKED_LINES))
    tagged = any(not line.rstrip().endswith("O") for line in lines)
    if (tagged or len(lines) > 1) and all(_TOKEN_LINE.fullmatch(line) for line in lines):
        hint = "Convert it first: xner convert IN OUT.spacy --from iob2 (or its layout); then annotate OUT.spacy."
        raise InputError("holds a token and its tag a line, not a sentence a line.", path, None, hint)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(word, str) and word for word in value))


def _not_storable(meta: Any) -> str:
    """RETURNS (str): Why a record's metadata can't be stored with a Doc, or an empty string."""
    layer = [meta]
    for _ in range(MAX_DEPTH):
        next_layer: List[Any] = []
        for value in layer:
            if isinstance(value, dict):
                next_layer += value.values()
            elif isinstance(value, list):
                next_layer += value
            elif isinstance(value, int) and not -(2**63) <= value < 2**64:
                return f"holds a number of more than 64 bits ({str(value)[:20]}...)"
        if not next_layer:
            return ""
        layer = next_layer
    return f"is nested more than {MAX_DEPTH} deep"
