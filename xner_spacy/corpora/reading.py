"""The one way in which a file is read that may not be what it should: one guarded reader a format.

Whatever is wrong with a file, its reader says so in an `InputError` that names the file (and the line), and what to do.
Nothing here trusts what we wrote ourselves: files are cut short, edited and replaced.
"""

import json
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Iterator, Optional, Union

import srsly
from confection import Config
from pydantic import TypeAdapter, ValidationError

from ..errors import InputError, XnerError, in_one_line
from ..types import PathLike

HALF_PAIR = "holds half of a surrogate pair, which is no text."


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
        reason = f"{type(error).__name__}: {in_one_line(error, 160)}".removesuffix(": ")
        raise InputError(f"is not {what} that can be read ({reason}).", path, None, hint) from error


def read_bytes(path: PathLike) -> bytes:
    """RETURNS (bytes): A file. RAISES: InputError if there is none or it may not be read."""
    with reading(path, "a file"):
        return Path(path).read_bytes()


def parse_json(text: Union[str, bytes], path: PathLike, line: Optional[int] = None) -> Any:
    """RETURNS (Any): What JSON holds, exactly: numbers as they stand there (srsly's reader changes the last digits of
    decimals), no half of a surrogate pair, no NaN. RAISES: InputError that names the path and line.
    """
    try:
        data = json.loads(text, parse_constant=_no_constant)
        if (b"\\u" if isinstance(text, bytes) else "\\u") in text:  # type: ignore[operator]
            _check_text(data)
    except RecursionError:
        raise InputError("is not JSON that can be read (nested too deep).", path, line) from None
    except UnicodeEncodeError:
        raise InputError(HALF_PAIR, path, line) from None
    except ValueError as error:
        raise InputError(f"is not JSON ({error}).", path, line) from None
    return data


def _check_text(data: Any) -> None:
    """RAISES: UnicodeEncodeError for a lone surrogate. An escape can make one in JSON, but UTF-8 can't hold it."""
    json.dumps(data, ensure_ascii=False, default=str).encode("utf8")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def read_json(path: PathLike, shape: Any = None, hint: str = "Make it anew.") -> Any:
    """RETURNS (Any): What a JSON file holds. shape (Any): What that must be, as a type: `Dict[str, int]`, a TypedDict.
    RAISES: InputError if it is not JSON, or has another shape.
    """
    data = parse_json(read_bytes(path), path)
    return data if shape is None else check_shape(data, shape, path, hint)


def parse_msgpack(data: bytes, path: PathLike, what: str, shape: Any = None) -> Any:
    """RETURNS (Any): What msgpack, the form of saved parts, holds, of a `shape`. what (str): What it should be, with
    its article. RAISES: InputError that names the path.
    """
    with reading(path, what):
        found = srsly.msgpack_loads(data)
    return found if shape is None else check_shape(found, shape, path)


def check_shape(data: Any, shape: Any, path: PathLike, hint: str = "Make it anew.") -> Any:
    """RETURNS (Any): The data, unchanged. RAISES: InputError that names the first place that does not fit the type."""
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
        config = Config().from_disk(path, interpolate=interpolate, overrides=overrides or {})
        try:
            _check_text(config)
        except UnicodeEncodeError:
            raise InputError(HALF_PAIR, path, hint="Mend the setting that has it.") from None
        return config


def read_yaml(path: PathLike, shape: Any = None) -> Any:
    """RETURNS (Any): What a YAML file holds, of a `shape`. References (`*name`) are refused: a few of them can stand
    for gigabytes. RAISES: InputError.
    """
    with reading(path, "YAML", "Mend the place that is named."):
        text = Path(path).read_text(encoding="utf8")
        from srsly.ruamel_yaml import SafeLoader, scan
        from srsly.ruamel_yaml.tokens import AliasToken

        for token in scan(text, Loader=SafeLoader):
            if isinstance(token, AliasToken):
                message = f"refers to another place of the file (*{token.value})."
                raise InputError(message, path, token.start_mark.line + 1, "Write out what is meant.")
        data = srsly.yaml_loads(text)
    return data if shape is None else check_shape(data, shape, path, "See its example in docs.")
