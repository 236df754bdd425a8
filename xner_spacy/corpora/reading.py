"""Read files that may be broken: one guarded reader for each format.

If anything is wrong with a file, its reader raises an `InputError` that names the file (and the line), and what to do.
Files that xner_spacy wrote are not trusted either: they may have been cut short, edited or replaced.
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
    """RETURNS (str): The message for a path that can't be opened."""
    if isinstance(error, FileNotFoundError):
        return "no such file."
    return "may not be read." if isinstance(error, PermissionError) else "is a folder, not a file."


@contextmanager
def reading(path: PathLike, what: str, hint: str = "Make it anew.") -> Iterator[None]:
    """Turn any error in a block that reads a file into a message about that file.

    path (PathLike): The file. what (str): The expected content, with its article: "a trained aligner".
    RAISES: InputError instead of any error that is not an XnerError.
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
    """RETURNS (Any): The exact content of JSON: numbers are not rounded (srsly's reader changes the last digits of
    decimals). RAISES: InputError that names the path and line, also for half of a surrogate pair and for NaN.
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
    """RETURNS (Any): The content of a JSON file. shape (Any): The type that it must have: `Dict[str, int]`, a
    TypedDict. RAISES: InputError if it is not JSON, or has another type.
    """
    data = parse_json(read_bytes(path), path)
    return data if shape is None else check_shape(data, shape, path, hint)


def parse_msgpack(data: bytes, path: PathLike, what: str, shape: Any = None) -> Any:
    """RETURNS (Any): The content of msgpack data, the format of saved parts. shape (Any): The type that it must have.
    what (str): The expected content, with its article. RAISES: InputError that names the path.
    """
    with reading(path, what):
        content = srsly.msgpack_loads(data)
    return content if shape is None else check_shape(content, shape, path)


def check_shape(data: Any, shape: Any, path: PathLike, hint: str = "Make it anew.") -> Any:
    """RETURNS (Any): The data, unchanged. RAISES: InputError that names the first value that does not fit the type."""
    try:
        _adapter(shape).validate_python(data, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        problem = f"{location}: {first['msg']}" if location else str(first["msg"])
        raise InputError(f"does not hold what it should ({problem}).", path, None, hint) from None
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
    """RETURNS (Any): The content of a YAML file. shape (Any): The type that it must have. References (`*name`) are
    refused, because a few of them can expand to gigabytes. RAISES: InputError.
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
