"""Reading lines that may be broken."""

from pathlib import Path
from typing import Iterator, List, Tuple, Union

from ..errors import InputError
from ..text import is_blank_token, split_tokens

PathLike = Union[str, Path]


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
    """Read a tokenised `.txt` file, one sentence a line.

    RETURNS (List[List[str]]): The tokens of each line.
    RAISES: InputError for an empty file, an empty line, or a token that cannot be seen.
    """
    sentences = []
    for number, line in read_lines(path, repair=repair):
        tokens = split_tokens(line)
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
