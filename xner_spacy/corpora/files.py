"""Reading lines that may be broken, and writing files that are whole or not there."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Iterator, List, Tuple, Union

from ..errors import InputError, XnerError

PathLike = Union[str, Path]

# Invisible characters that a tokenizer must not be left alone with: zero-width space, non-joiner, joiner, word joiner, BOM.
# The joiners are letters' business inside a word (Persian, Indic scripts) and faulty only where nothing else is in the token.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def is_blank_token(token: str) -> bool:
    """RETURNS (bool): Whether nothing of the token can be seen: whitespace or zero-width characters alone."""
    return not token.strip().strip(INVISIBLE).strip()


def read_lines(path: PathLike, *, repair: bool = False) -> Iterator[Tuple[int, str]]:
    """Read a UTF-8 file line by line.

    path (PathLike): The file.
    repair (bool): Accept a byte order mark and CRLF line ends.
    YIELDS (Tuple[int, str]): 1-based line number and the line without its end.
    RAISES: InputError with the line of the first fault (not UTF-8; a byte order mark; CRLF), or if there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError("is a folder, not a file.", path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError("no such file.", path) from None
    except PermissionError:
        raise InputError("may not be read.", path) from None
    fix = "Save the file as UTF-8 with LF line ends, or run `xner convert --repair` on it."
    with file:
        for number, raw in enumerate(file, 1):
            if number == 1 and raw.startswith(b"\xef\xbb\xbf"):
                if not repair:
                    raise InputError("starts with a byte order mark.", path, 1, fix)
                raw = raw[3:]
            if raw.endswith(b"\n"):
                raw = raw[:-1]
            if raw.endswith(b"\r"):
                if not repair:
                    raise InputError("has a Windows line end (CRLF).", path, number, fix)
                raw = raw[:-1]
            try:
                yield number, raw.decode("utf8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"is not UTF-8 (byte 0x{raw[error.start]:02x} at column {error.start + 1}).",
                    path,
                    number,
                    "Convert it to UTF-8 first, for instance with iconv.",
                ) from None


def read_sentences(path: PathLike, *, repair: bool = False) -> List[List[str]]:
    """Read a whitespace-tokenised `.txt` file, one sentence a line.

    RETURNS (List[List[str]]): The tokens of each line.
    RAISES: InputError for an empty file, an empty line, or a token that cannot be seen.
    """
    sentences = []
    for number, line in read_lines(path, repair=repair):
        tokens = line.split()
        if not tokens:
            raise InputError(
                "is an empty sentence.", path, number, "Every line must hold a sentence."
            )
        for token in tokens:
            if is_blank_token(token):
                raise InputError(
                    f"token {token!a} holds nothing but zero-width characters.",
                    path,
                    number,
                    "Remove it.",
                )
        sentences.append(tokens)
    if not sentences:
        raise InputError("is empty.", path)
    return sentences


def require_same_length(a: PathLike, n_a: int, b: PathLike, n_b: int, unit: str = "lines") -> None:
    """RAISES: InputError if two parallel files differ in length; the line named is the first without a partner."""
    if n_a != n_b:
        longer = a if n_a > n_b else b
        raise InputError(
            f"{a} has {n_a} {unit} and {b} has {n_b}; line n must belong to line n.",
            longer,
            min(n_a, n_b) + 1,
            "Mend the files so that they run parallel.",
        )


@contextmanager
def atomic_write(path: PathLike, mode: str = "w") -> Iterator[IO[Any]]:
    """Write a file beside its place and move it there when it is whole; on any error nothing is left behind.

    path (PathLike): Where the file goes. Its folder is made. A device such as /dev/stdout is written to directly.
    mode (str): "w" for UTF-8 text, "wb" for bytes.
    RAISES: XnerError where the disk is full or the place may not be written.
    """
    path = Path(path)
    encoding = None if "b" in mode else "utf8"
    newline = None if "b" in mode else "\n"
    temporary = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open(mode, encoding=encoding, newline=newline) as file:
                yield file
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for the owner alone; give the file the permissions that open() would have given it.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise XnerError(
            f"{path}: could not be written ({error.strerror or error}).",
            "Nothing was left half-written; free some space or choose another place, and run again.",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
