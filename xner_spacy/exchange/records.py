"""Read the records of annotation tools: lines of JSON, or an array of JSON that is never held in memory as a whole."""

import codecs
import json
from pathlib import Path
from typing import Any, Iterator, Tuple

from ..corpora.files import read_lines
from ..corpora.reading import HALF_PAIR, not_opened, parse_json
from ..errors import InputError
from ..types import Json, PathLike

CUT_SHORT = "It may be cut short: export it again."
_PIECE = 2**20
# A longer record is no sentence.
_LONGEST = 64 * 2**20
_GAP = " \t\r\n"


def read_json_lines(path: PathLike) -> Iterator[Tuple[int, Json]]:
    """YIELDS (Tuple[int, Json]): The records of a file with one a line, and the lines' numbers. RAISES: InputError for
    anything else.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            record = parse_json(line, path, number)
        except InputError as error:
            raise InputError(error.fault, path, number, error.hint or CUT_SHORT) from None
        if not isinstance(record, dict):
            hint = "It is an array: was it exported as JSON, not as JSON lines (JSONL)?" if line.startswith("[") else ""
            raise InputError("is no JSON object.", path, number, hint)
        yield number, record


def read_json_array(path: PathLike) -> Iterator[Tuple[str, Json]]:
    """YIELDS (Tuple[str, Json]): The records of an array, each with its place for messages. RAISES: InputError for
    anything else.
    """
    text = _Text(path)
    if text.next_sign() != "[":
        raise InputError("is no array of JSON.", path, 1, "Export it as JSON.")
    text.take(1)
    number = 0
    if text.next_sign() != "]":
        while True:
            number += 1
            where = f"{path} (task {number})"
            record = text.next_value(where)
            if not isinstance(record, dict):
                raise InputError("is no JSON object.", where)
            yield where, record
            sign = text.next_sign()
            if sign not in (",", "]"):
                raise InputError(f"is not followed by another one, or by the end: {sign!a}.", where, None, CUT_SHORT)
            text.take(1)
            if sign == "]":
                break
    else:
        text.take(1)
    if text.next_sign():
        raise InputError("goes on after the end of its array.", path)


class _Text:
    """The text of a file that is read piece by piece."""

    def __init__(self, path: PathLike) -> None:
        self.path = path
        self.pieces = _pieces(path)
        self.text = ""
        self.position = 0
        self.decoder = json.JSONDecoder(parse_constant=_no_constant)

    def next_sign(self) -> str:
        """RETURNS (str): The next character that is no white space, which stays; empty at the end."""
        while True:
            while self.position < len(self.text) and self.text[self.position] in _GAP:
                self.position += 1
            if self.position < len(self.text):
                return self.text[self.position]
            if not self._read_on():
                return ""

    def take(self, number: int) -> None:
        self.position += number

    def next_value(self, where: str) -> Any:
        self.next_sign()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.position)
                if "\\u" in self.text[self.position : end]:
                    json.dumps(value, ensure_ascii=False).encode("utf8")
            except RecursionError:
                raise InputError("is nested too deep.", where) from None
            except UnicodeEncodeError:
                raise InputError(HALF_PAIR, where) from None
            except ValueError as error:
                # It may only go on in the next piece.
                if self._read_on():
                    continue
                raise InputError(f"is not JSON ({getattr(error, 'msg', error)}).", where, None, CUT_SHORT) from None
            # A number could go on in the next piece; a record is never one.
            self.position = end
            return value

    def _read_on(self) -> bool:
        """RETURNS (bool): Whether there is more text; a broken record is not followed to the end of a large file."""
        if len(self.text) - self.position > _LONGEST:
            return False
        piece = next(self.pieces, "")
        self.text = self.text[self.position :] + piece
        self.position = 0
        return bool(piece)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _pieces(path: PathLike) -> Iterator[str]:
    """YIELDS (str): The text of a file in pieces. RAISES: InputError if it is no UTF-8."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    try:
        with Path(path).open("rb") as file:
            while data := file.read(_PIECE):
                if piece := decode(data):
                    yield piece
            decode(b"", True)
    except UnicodeDecodeError:
        raise InputError("is not UTF-8.", path, None, "Export it as JSON in UTF-8.") from None
    except OSError as error:
        raise InputError(not_opened(error), path) from None


def first_record(path: PathLike) -> Any:
    """RETURNS (Any): What a file begins with: its first record of JSON, or else its first line of text; None if it is
    empty or its JSON is broken. RAISES: InputError if it is no text.
    """
    text = _Text(path)
    sign = text.next_sign()
    try:
        if sign == "[":
            text.take(1)
            sign = text.next_sign()
        if sign == "{":
            return text.next_value(str(path))
    except InputError:
        return None
    return text.text[text.position :].partition("\n")[0] if sign else None
