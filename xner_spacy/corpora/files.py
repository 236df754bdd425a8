"""Read text files: every reader of text gets its lines from here.

A file is UTF-8. It may have a byte order mark and Windows line ends; both are accepted and counted or logged. It may be
compressed with gzip, and it may be standard input (`-`) or a pipe.
"""

import gzip
import logging
import sys
import zlib
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from ..errors import InputError
from ..types import PathLike
from .reading import not_opened

STDIN = "-"
# What is counted or logged for a file that is not quite as expected, but was read.
MARK = "byte order mark left out"
WINDOWS = "Windows line ends (CRLF) read as line ends"
# A longer line (in bytes) is not a sentence; a few bytes of gzip can unpack to gigabytes.
LONGEST_LINE = 64 * 2**20
# Bytes that are read at a time.
_BLOCK = 2**20

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
# The first bytes of files that are not text, and what to do with them.
_OTHER_KINDS: Dict[bytes, str] = {
    **dict.fromkeys((b"\x78\x01", b"\x78\x9c", b"\x78\xda"), "It looks like a DocBin: give it the ending .spacy."),
    b"PK\x03\x04": "It looks like a zip archive (or .docx, .xlsx): unpack it, or save it as plain text.",
    b"%PDF": "It is a PDF: save its text as UTF-8.",
    b"PAR1": "It is a parquet file: give it the ending .parquet.",
    b"SQLite": "It is a database, not a text.",
    b"BZh": "It is compressed with bzip2: unpack it, or pack it with gzip.",
    b"\xfd7zXZ": "It is compressed with xz: unpack it, or pack it with gzip.",
    b"\x28\xb5\x2f\xfd": "It is compressed with zstd: unpack it, or pack it with gzip.",
    **dict.fromkeys((b"\xff\xfe", b"\xfe\xff"), "It is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW"),
}

_log = logging.getLogger("xner_spacy")
_logged: Set[Tuple[str, str]] = set()
_stdin_read: List[IO[bytes]] = []


def read_lines(path: PathLike, counts: Optional[Counter] = None) -> Iterator[Tuple[int, str]]:
    """Read a text line by line.

    path (PathLike): The file; `-` is standard input. A gzip file is unpacked.
    counts (Optional[Counter]): Counts lines with Windows line ends, and a byte order mark. Without it both are logged
        once for each file, through the logger "xner_spacy".
    YIELDS (Tuple[int, str]): 1-based line number and the line without its end.
    RAISES: InputError with the line of the first fault (not UTF-8, a zero byte, far too long), or if there is no such
        file.
    """
    file_counts: Counter = Counter()
    number = 0
    for block in _blocks(path):
        texts = _plain_texts(block)
        if texts is not None:
            yield from enumerate(texts, number + 1)
            number += len(texts)
            continue
        # Line by line, so that what comes before a fault is read.
        for number, text in enumerate(_checked_texts(block, path, number, file_counts), number + 1):  # noqa: B020
            yield number, text
    count_or_tell(path, file_counts, counts)


def _plain_texts(block: bytes) -> Optional[List[str]]:
    """RETURNS (Optional[List[str]]): The lines of a block, all at once; None if each has to be looked at."""
    if b"\r" in block or b"\0" in block or block.startswith(_BOM):
        return None
    try:
        texts = block.decode("utf8").split("\n")
    except UnicodeDecodeError:
        return None
    if not texts[-1]:
        texts.pop()
    return texts


def _checked_texts(block: bytes, path: PathLike, number: int, file_counts: Counter) -> Iterator[str]:
    """YIELDS (str): The lines of a block that are not all plain. number (int): How many came before them in the file."""
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, raw in enumerate(lines, number + 1):  # noqa: B020
        line = raw
        if number == 1 and line.startswith(_BOM):
            line = line[len(_BOM) :]
            file_counts[MARK] += 1
        if line.endswith(b"\r"):
            line = line[:-1]
            file_counts[WINDOWS] += 1
        if b"\0" in line:
            raise InputError("holds a zero byte: it is no text.", path, number, _hint(raw, number))
        try:
            yield line.decode("utf8")
        except UnicodeDecodeError as error:
            message = f"is not UTF-8 (byte 0x{line[error.start]:02x} at column {error.start + 1})."
            raise InputError(message, path, number, _hint(raw, number)) from None


def count_or_tell(path: PathLike, file_counts: Mapping[str, int], counts: Optional[Counter]) -> None:
    """Add the counts of a file to `counts`; if that is None, log them once (see `tell_once`)."""
    if counts is not None:
        counts.update(file_counts)
        return
    for what, n in file_counts.items():
        tell_once(path, f"{n} {what}")


def tell_once(path: PathLike, what: str) -> None:
    """Log a message about a file through the logger "xner_spacy": once, however often the file is read."""
    if (str(path), what) not in _logged:
        _logged.add((str(path), what))
        _log.warning("%s: %s", path, what)


def _blocks(path: PathLike) -> Iterator[bytes]:
    """YIELDS (bytes): The file, in pieces of whole lines."""
    if str(path) != STDIN and Path(path).is_dir():
        raise InputError("is a folder, not a file.", path)
    number = 0
    try:
        with _open(path) as file:
            rest: List[bytes] = []  # of a line that has not ended yet
            length = 0
            while data := file.read1(_BLOCK):  # type: ignore[attr-defined]
                end = data.rfind(b"\n") + 1
                if end:
                    block = b"".join([*rest, data[:end]])
                    rest, length = [], 0
                    _refuse_long_lines(block, path, number)
                    yield block
                    number += block.count(b"\n")
                rest.append(data[end:])
                length += len(data) - end
                if length > LONGEST_LINE:
                    _refuse_long_lines(b"".join(rest), path, number)
            if length:
                yield b"".join(rest)
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(not_opened(error), path) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError("is a gzip file that is cut short or broken.", path, number + 1, "Copy it anew.") from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error}).", path) from None


def _refuse_long_lines(block: bytes, path: PathLike, number: int) -> None:
    """RAISES: InputError for a line that is too long. number (int): How many lines came before the block."""
    if len(block) > LONGEST_LINE:
        for number, line in enumerate(block.split(b"\n"), number + 1):  # noqa: B020
            if len(line) > LONGEST_LINE:
                message = f"is longer than {LONGEST_LINE // 2**20} MiB."
                raise InputError(message, path, number, "Is it a text with a sentence or a token a line?")


@contextmanager
def _open(path: PathLike) -> Iterator[IO[bytes]]:
    file: Any
    with ExitStack() as stack:
        if str(path) == STDIN:
            file = sys.stdin.buffer
            if _stdin_read == [file]:
                raise InputError("standard input can be read only once.", path)
            _stdin_read[:] = [file]
        else:
            file = stack.enter_context(Path(path).open("rb"))
        # No UTF-8 text begins with these bytes, so this is certain.
        if file.peek(2)[:2] == _GZIP:
            file = stack.enter_context(gzip.GzipFile(fileobj=file))
        yield file


def _hint(raw: bytes, number: int) -> str:
    if number == 1:
        for start, hint in _OTHER_KINDS.items():
            if raw.startswith(start):
                return hint
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in raw):
        return "It is no text file, or one of UTF-16; give a text in UTF-8."
    return "If it is a text in an older encoding: iconv -f ISO-8859-1 -t UTF-8 OLD > NEW"


def is_stream(path: PathLike) -> bool:
    """RETURNS (bool): Whether a path is standard input or output, a pipe or a device, whose name has no file ending."""
    path = Path(path)
    return str(path) == STDIN or (path.exists() and not path.is_file() and not path.is_dir())


def require_file(path: PathLike, why: str) -> None:
    """RAISES: InputError for standard input and pipes, for callers that read a file more than once. why (str): The
    reason for the message: "training reads it several times".
    """
    if is_stream(path):
        raise InputError(f"is a pipe, and {why}.", path, hint="Write it to a file first, and give that.")


def refuse_packed(path: Path) -> None:
    """RAISES: InputError for a gzip file, of which no piece can be read alone."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(2) == _GZIP:
                message = "is packed with gzip, and a corpus is read piece by piece."
                raise InputError(message, path, None, "Unpack it first.")


def require_same_length(a: PathLike, n_a: int, b: PathLike, n_b: int, unit: str = "lines") -> None:
    """RAISES: InputError if two parallel files differ in length; the line named is the first without a partner."""
    if n_a != n_b:
        longer = a if n_a > n_b else b
        message = f"{a} has {n_a} {unit} and {b} has {n_b}; line n must belong to line n."
        raise InputError(message, longer, min(n_a, n_b) + 1, "Mend the files so that they run parallel.")
