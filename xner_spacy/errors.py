"""Errors that a person can act on: what is wrong, where, and what to do."""

from pathlib import Path
from typing import Any, Optional, Union


class XnerError(ValueError):
    """An error that the user can fix.

    message (str): What is wrong, in one sentence. hint (str): What to do about it, or an empty string.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} {hint}".strip())

    def __reduce__(self) -> tuple:  # Exceptions cross process borders by pickling their args.
        return (type(self), (self.message, self.hint))


class InputError(XnerError):
    """A file with missing or wrong content.

    path (Union[str, Path]): The file. line (Optional[int]): 1-based number of the faulty line, if there is one.
    """

    def __init__(self, message: str, path: Union[str, Path], line: Optional[int] = None, hint: str = "") -> None:
        self.path = str(path)
        self.line = line
        self.fault = message
        location = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{location}: {message}", hint)

    def __reduce__(self) -> tuple:
        return (type(self), (self.fault, self.path, self.line, self.hint))


class XnerWarning(UserWarning):
    """Something that does not stop the work, but that a person should know. The message begins with a code in brackets:
    `warnings.filterwarnings("ignore", message=".XW01")` silences one kind.
    """


class Warnings:
    """The warnings, with what to do about each."""

    XW01 = (
        "[XW01] {name}: the label map {label_map} does not know {labels}; these entities are dropped. Say in "
        'the config what they become ([components.{name}] label_map = {{"{first}": "LOC", ...}}), or keep all labels '
        "with label_map = null."
    )
    XW02 = (
        "[XW02] {name} has no translation of {text!r}, so this text gets no entities. It only looks translations up: "
        "the teacher labels the sentences of its bitext. For other text train a student on those (xner annotate, spacy "
        "train), or give the teacher a translator (docs/translation.md). This is said once; all such texts are counted "
        "(`faults` of xner_translator)."
    )
    XW03 = (
        "[XW03] {name} is a student of distributions (hard_weight = 0), and some of the training data has labels alone. "
        "It learns from these labels with the weight 1."
    )


def in_one_line(error: BaseException, most: int = 300) -> str:
    """RETURNS (str): The message of any exception in one line, cut after `most` characters; may be empty."""
    return " ".join(str(error).split())[:most]


def require(condition: Any, message: str, hint: str = "") -> None:
    """RAISES: XnerError with this message and hint if a condition, such as one on a setting, does not hold."""
    if not condition:
        raise XnerError(message, hint)


class MissingExtraError(XnerError, ImportError):
    """An optional part that is not installed.

    part (str): What the user asked for. extra (str): The name of the extra that installs it.
    """

    def __init__(self, part: str, extra: str) -> None:
        self.part, self.extra = part, extra
        super().__init__(f"{part} needs the extra [{extra}].", f"pip install 'xner-spacy[{extra}]'")

    def __reduce__(self) -> tuple:
        return (type(self), (self.part, self.extra))
