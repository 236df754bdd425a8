"""The one way in which a file is read that may not be what it should: one guarded reader a format.

Whatever is wrong with a file, its reader says so in an `InputError` that names the file (and the line), and what to do.
Nothing here trusts what we wrote ourselves: files are cut short, edited and replaced.
"""

import json
import zlib
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

import numpy as np
import srsly
from confection import Config
from pydantic import TypeAdapter, ValidationError
from spacy.attrs import IDS  # type: ignore[import-not-found]
from spacy.parts_of_speech import IDS as PARTS_OF_SPEECH  # type: ignore[import-not-found]
from spacy.strings import StringStore
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from typing_extensions import TypedDict

from ..docdata import pinned_coders
from ..errors import InputError, XnerError, in_one_line
from ..types import PathLike

# A DocBin is compressed. Real ones unpack to some thirty times their size; a few bytes can be made to unpack to
# gigabytes.
MOST_UNPACKED = 256 * 2**20
MOST_TIMES = 300


def not_opened(error: OSError) -> str:
    """RETURNS (str): What is said of a path that can't be opened."""
    if isinstance(error, FileNotFoundError):
        return "no such file."
    return "may not be read." if isinstance(error, PermissionError) else "is a folder, not a file."


@contextmanager
def reading(path: PathLike, what: str, hint: str = "Make it anew.") -> Iterator[None]:
    """Turn whatever goes wrong in a block that reads a file into a message about that file.

    path (PathLike): The file. what (str): What it should be, with its article: "a trained aligner".
    RAISES: InputError in place of any error that does not have a message of ours.
    """
    try:
        yield
    except XnerError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(not_opened(error), path) from None
    except (RecursionError, MemoryError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else "asks for too much memory"
        raise InputError(f"is not {what} that can be read ({why}).", path, None, hint) from None
    except Exception as error:
        said = in_one_line(error, 160)
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise InputError(f"is not {what} that can be read ({reason}).", path, None, hint) from error


def read_bytes(path: PathLike) -> bytes:
    """RETURNS (bytes): A file. RAISES: InputError if there is none or it may not be read."""
    with reading(path, "a file"):
        return Path(path).read_bytes()


def parse_json(text: Union[str, bytes], path: PathLike, line: Optional[int] = None) -> Any:
    """Parse JSON exactly: numbers as they stand there (srsly's reader changes the last digits of decimals), no half
    of a surrogate pair, no NaN.

    text (Union[str, bytes]): The JSON. path (PathLike), line (Optional[int]): Where it stands, for the message.
    RETURNS (Any): The data. RAISES: InputError.
    """
    try:
        data = json.loads(text, parse_constant=_no_constant)
        # A lone surrogate is legal in JSON but is no text: it can't be written as UTF-8. It comes from an escape.
        if (b"\\u" if isinstance(text, bytes) else "\\u") in text:  # type: ignore[operator]
            json.dumps(data, ensure_ascii=False).encode("utf8")
    except RecursionError:
        raise InputError("is not JSON that can be read (nested too deep).", path, line) from None
    except UnicodeEncodeError:
        raise InputError("holds half of a surrogate pair, which is no text.", path, line) from None
    except ValueError as error:
        raise InputError(f"is not JSON ({error}).", path, line) from None
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def read_json(path: PathLike, shape: Any = None, hint: str = "Make it anew.") -> Any:
    """Read a JSON file.

    path (PathLike): The file. shape (Any): What it must hold, as a type: `Dict[str, int]`, a TypedDict.
    RETURNS (Any): The data. RAISES: InputError if it is not JSON, or has another shape.
    """
    data = parse_json(read_bytes(path), path)
    return data if shape is None else check_shape(data, shape, path, hint)


def parse_msgpack(data: bytes, path: PathLike, what: str, shape: Any = None) -> Any:
    """Parse msgpack, the form of saved parts.

    data (bytes): The data. path (PathLike): Where it came from. what (str): What it should be, with its article.
    shape (Any): What it must hold, as a type. RETURNS (Any): The data. RAISES: InputError.
    """
    with reading(path, what):
        found = srsly.msgpack_loads(data)
    return found if shape is None else check_shape(found, shape, path)


def check_shape(data: Any, shape: Any, path: PathLike, hint: str = "Make it anew.") -> Any:
    """Check data against a type, without changing it.

    RETURNS (Any): The data. RAISES: InputError that names the first place that does not fit.
    """
    try:
        _adapter(shape).validate_python(data, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise InputError(f"does not hold what it should ({said}).", path, None, hint) from None
    return data


@cache
def _adapter(shape: Any) -> TypeAdapter:
    return TypeAdapter(shape)


def read_config(path: PathLike, *, interpolate: bool = False, overrides: Any = None) -> Config:
    """Read a config file. RETURNS (Config): The config. RAISES: InputError."""
    with reading(path, "a config", "Mend the line that is named."):
        return Config().from_disk(path, interpolate=interpolate, overrides=overrides or {})


def read_yaml(path: PathLike, shape: Any = None) -> Any:
    """Read a YAML file. References (`*name`) are refused: a few of them can stand for gigabytes.

    path (PathLike): The file. shape (Any): What it must hold, as a type. RETURNS (Any): The data. RAISES: InputError.
    """
    with reading(path, "YAML", "Mend the place that is named."):
        text = Path(path).read_text(encoding="utf8")
        reference = _yaml_reference(text)
        if reference:
            said = f"refers to another place of the file ({reference[1]})."
            raise InputError(said, path, reference[0], "Write out what is meant.")
        data = srsly.yaml_loads(text)
    return data if shape is None else check_shape(data, shape, path, "See its example in docs.")


def _yaml_reference(text: str) -> Optional[Tuple[int, str]]:
    from srsly.ruamel_yaml import SafeLoader, scan
    from srsly.ruamel_yaml.tokens import AliasToken

    for token in scan(text, Loader=SafeLoader):
        if isinstance(token, AliasToken):
            return token.start_mark.line + 1, f"*{token.value}"
    return None


class _DocBinMessage(TypedDict):
    attrs: List[int]
    tokens: bytes
    spaces: bytes
    lengths: bytes
    strings: List[str]
    cats: List[Dict[str, Any]]


class _DocBinExtras(TypedDict, total=False):
    span_groups: List[bytes]
    flags: List[Dict[str, Any]]
    user_data: List[Optional[bytes]]


def read_docbin(path: PathLike) -> DocBin:
    """Read a DocBin file without building its Docs (see `docs_of`).

    path (PathLike): The file. RETURNS (DocBin): What it holds. RAISES: InputError for anything but a sound DocBin.
    """
    return parse_docbin(read_bytes(path), path)


def parse_docbin(data: bytes, path: PathLike) -> DocBin:
    """Make a DocBin of bytes and check that it is sound: its parts have the same lengths, and every number in it
    stands for something.

    data (bytes): As in a `.spacy` file. path (PathLike): Where they came from, for the message.
    RETURNS (DocBin): What it holds. RAISES: InputError.
    """
    hint = "It may be cut short; make it anew."
    if data and not data.startswith(b"\x78"):  # how zlib begins
        hint = "If it is a corpus of another form, convert it first: xner convert IN OUT.spacy"
    with reading(path, "a DocBin", hint), pinned_coders():
        message = srsly.msgpack_loads(_unpack(data, path))
        check_shape(message, _DocBinMessage, path, hint)
        check_shape(message, _DocBinExtras, path, hint)
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


# The attributes whose value is the number of a string.
_STRING_ATTRIBUTES = (*("ORTH", "NORM", "TAG", "LEMMA", "DEP", "MORPH", "ENT_TYPE", "ENT_ID", "ENT_KB_ID"),)


def _docbin_fault(message: Dict[str, Any]) -> str:
    """What is wrong with an unpacked DocBin, or nothing."""
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
        for value in np.unique(tokens[:, column]).tolist():
            known = value in allowed[name] if name in allowed else not value or value in strings
            if not known:
                return f"a {name} that stands for nothing"
    return ""


def docs_of(docbin: DocBin, vocab: Vocab, path: PathLike) -> Iterator[Doc]:
    """Build the Docs of a DocBin one by one.

    docbin (DocBin): See `read_docbin`. vocab (Vocab): For the Docs. path (PathLike): Where it came from.
    YIELDS (Doc): The Docs in order. RAISES: InputError where one can't be built.
    """
    with pinned_coders():
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
    """RETURNS (DocBin): All Docs of several DocBins in order, without building them. They may hold different
    attributes; what one of them lacks is unset there.
    """
    bins = list(docbins)
    whole = DocBin(store_user_data=True)
    whole.attrs = list(dict.fromkeys(attribute for one in bins for attribute in one.attrs))
    for one in bins:
        whole.strings.update(one.strings)
        columns = [whole.attrs.index(attribute) for attribute in one.attrs]
        for tokens in one.tokens:
            wide = np.zeros((len(tokens), len(whole.attrs)), dtype="uint64")
            wide[:, columns] = tokens
            whole.tokens.append(wide)
        for name in ("spaces", "cats", "span_groups", "flags", "user_data"):
            getattr(whole, name).extend(getattr(one, name))
    return whole
