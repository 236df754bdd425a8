"""Docs from sentences and back, and DocBin files: one file, or a folder of numbered shards. A DocBin is validated
before its Docs are built.
"""

import zlib
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import srsly
from spacy.attrs import IDS  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.parts_of_speech import IDS as PARTS_OF_SPEECH  # type: ignore[import-not-found]
from spacy.strings import StringStore
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typing_extensions import NotRequired, TypedDict

from ..docdata import (
    FAULT_KEY,
    SPANS_KEY,
    TEXT_FAULTS,
    annotation_fault,
    is_untranslated,
    pinned_coders,
    unplaced_names,
    words_of,
)
from ..errors import InputError
from ..labels import LabelMap, map_label
from ..text import glued, is_unspaced
from ..types import Entity, PathLike, Reason
from .files import tell_once
from .reading import check_shape, read_bytes, reading
from .shard_folder import shards_in
from .writing import atomic_write

# All token annotations except NORM, which a vocabulary sets again.
ATTRIBUTES = [
    *("ORTH", "SPACY", "TAG", "POS", "LEMMA", "MORPH", "HEAD", "DEP"),
    *("ENT_IOB", "ENT_TYPE", "ENT_ID", "ENT_KB_ID", "SENT_START"),
]

# A DocBin is compressed. Real ones unpack to about thirty times their size, but a malicious file of a few bytes could
# unpack to gigabytes.
MOST_UNPACKED = 256 * 2**20
MOST_TIMES = 300

_NO_SPACE_BEFORE = set(".,;:!?)]}%»”’…") | {"'s", "n't", "'re", "'ve", "'ll", "'m", "'d"}
_NO_SPACE_AFTER = set("([{«„‘$£€")


def guess_spaces(words: Sequence[str]) -> List[bool]:
    """Guess where the text of some tokens had spaces: none before closing marks, none after opening ones, none between
    words of a script that is written without. Straight quotes open and close in turn.

    words (Sequence[str]): Tokens. RETURNS (List[bool]): Whether a space follows each.
    """
    spaces = glued(words) if is_unspaced(words) else [True] * len(words)
    in_quotes = has_low_quote = False
    for i, word in enumerate(words):
        closes, opens = word in _NO_SPACE_BEFORE, word in _NO_SPACE_AFTER
        has_low_quote = has_low_quote or word == "„"
        if word == '"':
            closes, opens, in_quotes = in_quotes, not in_quotes, not in_quotes
        elif word == "“":
            # A German-style quotation opens with „ and closes with “, an English one opens with “.
            closes, opens = has_low_quote, not has_low_quote
        if closes and i:
            spaces[i - 1] = False
        if opens:
            spaces[i] = False
    if spaces:
        spaces[-1] = False
    return spaces


def make_doc(
    vocab: Vocab, words: Sequence[str], entities: Iterable[Entity] = (), spaces: Optional[Sequence[bool]] = None
) -> Doc:
    """RETURNS (Doc): A Doc of the tokens with the entities as `doc.ents`, everything else outside."""
    doc = Doc(vocab, words=list(words), spaces=list(spaces or guess_spaces(words)))
    doc.set_ents([Span(doc, entity.start, entity.end, label=entity.label) for entity in entities], default="outside")
    return doc


def bare_copy(doc: Doc, vocab: Vocab) -> Doc:
    """RETURNS (Doc): A new Doc with the tokens of a Doc on another vocabulary, without any annotation."""
    return Doc(vocab, words=words_of(doc), spaces=doc.to_array("SPACY").astype(bool).tolist())


def doc_entities(doc: Doc, label_map: Optional[LabelMap] = None) -> List[Entity]:
    """RETURNS (List[Entity]): `doc.ents` with the project's labels, without those that the map drops."""
    labelled = [(ent, map_label(ent.label_, label_map)) for ent in doc.ents]
    return [Entity(ent.start, ent.end, label) for ent, label in labelled if label is not None]


def set_aside_if_long(nlp: Language, text: str, path: PathLike, line: Optional[int], counts: Counter) -> bool:
    """RETURNS (bool): Whether a text is too long for spaCy's tokenizers; such a text is counted and logged."""
    if len(text) <= nlp.max_length:
        return False
    reason = f"sentences left out: over {nlp.max_length:,} characters"
    counts[reason] += 1
    tell_once(f"{path}:{line}" if line else path, reason)
    return True


def docbin_paths(path: PathLike) -> List[Path]:
    """RETURNS (List[Path]): The DocBin files that a path stands for: itself, or those of a folder (see `shards_in`).
    RAISES: InputError if there is none, or if the folder's manifest names other files.
    """
    path = Path(path)
    if path.is_dir():
        return shards_in(path)
    if not path.exists():
        raise InputError("no such file or folder.", path)
    return [path]


def read_docs(path: PathLike, vocab: Vocab, *, lazy: bool = False) -> Iterator[Doc]:
    """Read a DocBin file or a folder of shards, one shard in memory at a time.

    lazy (bool): Source Docs and links stay packed until somebody asks for them.
    YIELDS (Doc): The Docs in order. RAISES: InputError for a file that is not a DocBin.
    """
    for file in docbin_paths(path):
        yield from docs_of(read_docbin(file), vocab, file, lazy=lazy)


# What is counted for each label.
DROPPED_LABEL = "dropped by the label map"
UNKNOWN_LABEL = "dropped, not in the label map"
_OF_LABELS = {Reason.UNMAPPED_LABEL: DROPPED_LABEL, Reason.UNKNOWN_LABEL: UNKNOWN_LABEL}


def packed(docs: Iterable[Doc]) -> Tuple[bytes, Dict[str, int]]:
    """RETURNS (Tuple[bytes, Dict[str, int]]): The content of a DocBin file with everything that projected Docs carry,
    and the sums of the counts of its Docs (see `count_doc`): always sentences, tokens and entities.
    """
    docbin = _DocBin(attrs=ATTRIBUTES, store_user_data=True)
    counts: Counter = Counter()
    with pinned_coders():
        for doc in docs:
            docbin.add(doc)
            counts.update(count_doc(doc))
        docbin.add_strings()
        data = docbin.to_bytes()
    always = {name: counts[name] for name in ("sentences", "tokens", "entities")}
    return data, dict(sorted({**+counts, **always}.items()))


class _DocBin(DocBin):
    """spaCy's, but for the strings: these are collected once at the end, and not at nine attributes of each token. What
    is read back is the same.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._added: Dict[int, Tuple[StringStore, List[np.ndarray]]] = {}  # by vocabulary

    def add(self, doc: Doc) -> None:
        tokens = doc.to_array(list(self.attrs))
        self.tokens.append(tokens)
        self.spaces.append(doc.to_array("SPACY").astype(bool).reshape(-1, 1))
        self.flags.append({"has_unknown_spaces": doc.has_unknown_spaces})
        self.cats.append(doc.cats)
        self.user_data.append(srsly.msgpack_dumps(doc.user_data))
        self.span_groups.append(doc.spans.to_bytes())
        strings = doc.vocab.strings
        self._added.setdefault(id(strings), (strings, []))[1].append(tokens)
        for span in (span for group in doc.spans.values() for span in group):
            self.strings.update(strings[value] for value in (span.label, span.kb_id, span.id) if value in strings)

    def add_strings(self) -> None:
        """Collect the strings of all tokens."""
        columns = [column for column, attribute in enumerate(self.attrs) if attribute in _STRING_IDS]
        for strings, arrays in self._added.values():
            tokens = np.concatenate(arrays)
            values = {value for column in columns for value in _distinct(tokens[:, column])}
            self.strings.update(strings[value] for value in values if value)


def count_doc(doc: Doc) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): The counts of a Doc: tokens, entities, faults, and by reason what was not projected."""
    counts: Counter = Counter(sentences=1, tokens=len(doc), entities=len(doc.ents))
    counts["empty sentences"] = int(not len(doc))
    if SPANS_KEY in doc.spans:
        attrs = doc.spans[SPANS_KEY].attrs
        for entry in attrs.get("unprojected", ()):
            what = _OF_LABELS.get(entry["reason"])
            counts[f"{what}: {entry['label']}" if what else f"not projected: {entry['reason']}"] += 1
        counts["without translation"] = int(is_untranslated(doc))
    if FAULT_KEY in doc.user_data:
        fault = doc.user_data[FAULT_KEY]
        side = "text" if fault in TEXT_FAULTS else "translation"
        counts[f"faulty {side}: {fault}"] = 1
    fault = annotation_fault(doc)
    if fault is not None:
        counts[f"faulty annotation: {fault}"] = 1
    counts.update(f"not placed: {reason}" for _, reason in unplaced_names(doc))
    return counts


def write_docbin(path: PathLike, docs: Iterable[Doc]) -> int:
    """Write a DocBin with everything that projected Docs carry, atomically. RETURNS (int): The number of Docs."""
    data, counts = packed(docs)
    with atomic_write(path, "wb") as file:
        file.write(data)
    return counts["sentences"]


class _DocBinMessage(TypedDict):
    attrs: List[int]
    tokens: bytes
    spaces: bytes
    lengths: bytes
    strings: List[str]
    cats: List[Dict[str, Any]]
    span_groups: NotRequired[List[bytes]]
    flags: NotRequired[List[Dict[str, Any]]]
    user_data: NotRequired[List[Optional[bytes]]]


def read_docbin(path: PathLike) -> DocBin:
    """RETURNS (DocBin): A file, without building its Docs. RAISES: InputError for anything but a valid DocBin."""
    return parse_docbin(read_bytes(path), path)


def parse_docbin(data: bytes, path: PathLike) -> DocBin:
    """RETURNS (DocBin): The DocBin in the bytes of a `.spacy` file. RAISES: InputError unless it is valid: its parts
    have the same lengths, and every number in it refers to a known value.
    """
    hint = "It may be cut short; make it anew."
    if data and not data.startswith(b"\x78"):  # the first byte of zlib
        hint = "If it is a corpus of another form, convert it first: xner convert IN OUT.spacy"
    with reading(path, "a DocBin", hint), pinned_coders():
        message = srsly.msgpack_loads(_unpack(data, path))
        check_shape(message, _DocBinMessage, path, hint)
        fault = _docbin_fault(message)
        if fault:
            raise InputError(f"is not a DocBin that can be read ({fault}).", path, None, hint)
        return DocBin(store_user_data="user_data" in message).from_bytes(data)


def _unpack(data: bytes, path: PathLike) -> bytes:
    limit = max(MOST_UNPACKED, MOST_TIMES * len(data))
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, limit)
    if not unpacker.eof:
        if len(unpacked) >= limit:
            raise InputError(f"unpacks to more than {limit // 2**20} MiB, which no corpus of its size does.", path)
        raise ValueError("it ends before it is complete")
    return unpacked


# The attributes whose values are hashes of strings.
_STRING_ATTRIBUTES = (*("ORTH", "NORM", "TAG", "LEMMA", "DEP", "MORPH", "ENT_TYPE", "ENT_ID", "ENT_KB_ID"),)
_STRING_IDS = frozenset(IDS[name] for name in _STRING_ATTRIBUTES)


def _docbin_fault(message: Dict[str, Any]) -> str:
    """RETURNS (str): What is wrong with an unpacked DocBin, or an empty string."""
    attrs = message["attrs"]
    if len(set(attrs)) != len(attrs) or IDS["ORTH"] not in attrs:
        return "its attributes are not those of tokens"
    if not set(attrs) <= set(IDS.values()):
        return "it holds attributes that spaCy does not know"
    if len(message["tokens"]) % (8 * len(attrs)) or len(message["lengths"]) % 4:
        return "its tokens are cut short"
    tokens = np.frombuffer(message["tokens"], dtype="uint64").reshape(-1, len(attrs))
    lengths = np.frombuffer(message["lengths"], dtype="int32")
    if np.any(lengths < 0) or int(lengths.sum(dtype="int64")) != len(tokens):
        return "the lengths of its Docs don't fit its tokens"
    if len(message["spaces"]) != len(tokens):
        return "it has more or fewer spaces than tokens"
    for name in ("cats", "span_groups", "flags", "user_data"):
        if name in message and len(message[name]) != len(lengths):
            return f"it holds {len(lengths)} Docs and {name} of {len(message[name])}"
    strings = StringStore(message["strings"])
    allowed = {"ENT_IOB": {0, 1, 2, 3}, "SENT_START": {0, 1, 2**64 - 1}, "POS": set(PARTS_OF_SPEECH.values())}
    for column, attribute in enumerate(attrs):
        name = next(name for name, number in IDS.items() if number == attribute)
        if name not in allowed and name not in _STRING_ATTRIBUTES:
            continue
        for value in _distinct(tokens[:, column]):
            is_known = value in allowed[name] if name in allowed else not value or value in strings
            if not is_known:
                return f"a {name} that stands for nothing"
    return ""


def _distinct(values: np.ndarray) -> List[Any]:
    """RETURNS (List[int]): The values that occur. Most columns of most corpora have one."""
    is_constant = len(values) > 0 and bool((values == values[0]).all())
    return np.unique(values[:1] if is_constant else values).tolist()


def docs_of(docbin: DocBin, vocab: Vocab, path: PathLike, *, lazy: bool = False) -> Iterator[Doc]:
    """YIELDS (Doc): The Docs of a DocBin that came from a path; for `lazy` see `read_docs`. RAISES: InputError where one
    can't be built.
    """
    with pinned_coders(lazy):
        docs = docbin.get_docs(vocab)
        while True:
            with reading(path, "a DocBin"):
                doc = next(docs, None)
            if doc is None:
                return
            yield doc


def part_of(docbin: DocBin, which: Iterable[int]) -> DocBin:
    """RETURNS (DocBin): Some Docs of a DocBin by their numbers, in the order given, without building them."""
    part = DocBin(store_user_data=docbin.store_user_data)
    part.attrs, part.strings = docbin.attrs, docbin.strings
    chosen = list(which)
    for name in ("tokens", "spaces", "cats", "span_groups", "flags", "user_data"):
        values = getattr(docbin, name)
        setattr(part, name, [values[k] for k in chosen])
    return part


def joined(docbins: Iterable[DocBin]) -> DocBin:
    """RETURNS (DocBin): All Docs of several DocBins in order, without building them. The DocBins may have different
    attributes; a missing attribute stays unset.
    """
    bins = list(docbins)
    merged = DocBin(store_user_data=True)
    merged.attrs = list(dict.fromkeys(attribute for docbin in bins for attribute in docbin.attrs))
    for docbin in bins:
        merged.strings.update(docbin.strings)
        columns = [merged.attrs.index(attribute) for attribute in docbin.attrs]
        for tokens in docbin.tokens:
            all_columns = np.zeros((len(tokens), len(merged.attrs)), dtype="uint64")
            all_columns[:, columns] = tokens
            merged.tokens.append(all_columns)
        for name in ("spaces", "cats", "span_groups", "flags", "user_data"):
            getattr(merged, name).extend(getattr(docbin, name))
    return merged
