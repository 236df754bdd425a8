"""A command is made of a plain function: its signature says which options there are, its docstring what they mean. What
else the command line needs to know of an option stands here, where several commands have it.
"""

import inspect
import re
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import typer

from ..errors import XnerError, require
from ..evaluation.resampling import MOST_SAMPLES
from ..types import PathLike

# NumPy takes seeds of 32 bits.
LARGEST_SEED = 2**32 - 1
LARGEST_SIZE = 10**9

# What the command line gives for a type.
_TYPES = {
    PathLike: Path,
    Optional[PathLike]: Optional[Path],
    Sequence[PathLike]: List[Path],
    Optional[Sequence[PathLike]]: Optional[List[Path]],
    Optional[Tuple[PathLike, PathLike]]: Optional[Tuple[Path, Path]],
}
# `name (Type): What it is.`, in further lines too.
_DESCRIBED = re.compile(r"^(\w+) \(.*?\): (.*?)(?=^\w+ \(|^[A-Z]{6}|\Z)", re.MULTILINE | re.DOTALL)


Option = Tuple[Tuple[str, ...], Any, Dict[str, Any]]


def option(*flags: str, kind: Any = None, **settings: Any) -> Option:
    """RETURNS (Option): What the command line adds to a parameter: flags beside `--name`, or instead of it where one is
    long (a name without dashes makes it an argument); another type than the function's; settings of `typer.Option`.
    """
    return flags, kind, settings


def command(function: Callable, **own: Union[Option, str, None]) -> Callable[[Callable], Callable]:
    """Make a command of a plain function and of one that shows what it gives.

    The decorated function is given `call`, which runs `function` as the command line says, and those options that it
    names; those that only it has are the command line's own. The help is in the docstrings of both.

    own: What there is to say of a parameter beside `SHARED`; a text makes it an argument, None leaves it out.
    """
    said = {**SHARED, **own}

    def decorate(show: Callable) -> Callable:
        plain = {n: p for n, p in inspect.signature(function).parameters.items() if said.get(n, "") is not None}
        shown = dict(islice(inspect.signature(show).parameters.items(), 1, None))
        both = {**plain, **{name: parameter for name, parameter in shown.items() if name not in plain}}
        texts = {**_described(function), **_described(show)}

        def run(**given: Any) -> None:
            values = {name: value.value if isinstance(value, Enum) else value for name, value in given.items()}
            call = partial(function, **{name: values[name] for name in plain})
            show(call, **{name: values[name] for name in shown})

        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [_parameter(p, said.get(name), texts.get(name)) for name, p in both.items()]
        )
        run.__doc__ = re.split(r"\n\n(?=\w+ \(|[A-Z]{6})", inspect.getdoc(function) or "")[0]
        run.__name__, run.__module__ = show.__name__, show.__module__
        return run

    return decorate


def _described(function: Callable) -> Dict[str, str]:
    return {name: " ".join(text.split()) for name, text in _DESCRIBED.findall(inspect.getdoc(function) or "")}


def _parameter(parameter: inspect.Parameter, said: Union[Option, str, None], text: Optional[str]) -> inspect.Parameter:
    """RETURNS (inspect.Parameter): The parameter as typer reads it."""
    kind = _TYPES.get(parameter.annotation, parameter.annotation)
    default: Any = ... if parameter.default is parameter.empty else parameter.default
    flags, other_kind, settings = option(said) if isinstance(said, str) else said or option()
    kind = other_kind or kind
    if flags and not flags[0].startswith("-"):
        info = typer.Argument(default, metavar=flags[0], help=text)
    else:
        # Without flags typer adds --no-... to a yes or no that may also be open.
        if kind != Optional[bool] and not any(flag.startswith("--") for flag in flags):
            flags = (f"--{parameter.name.replace('_', '-')}", *flags)
        info = typer.Option(default, *flags, **{"help": text, **settings})
    return parameter.replace(annotation=kind, default=info, kind=parameter.KEYWORD_ONLY)


def choices(values: Iterable[str]) -> Any:
    """RETURNS (Any): The type of an option that is one of some words; the plain function is given the word."""
    return Enum("Choice", {value: value for value in values}, type=str)


def size(most: int = LARGEST_SIZE, *flags: str) -> Option:
    """RETURNS (Option): A whole number from 1."""
    return option(*flags, min=1, max=most)


def share(flag: str, *, ends: bool = True) -> Option:
    """RETURNS (Option): A number from 0 to 1. ends (bool): Whether 0 and 1 are shares too."""

    def check(value: Optional[float]) -> Optional[float]:
        # Comparisons with NaN are false, so that a range alone lets it through.
        if value is not None and not (0 <= value <= 1 and (ends or value not in (0, 1))):
            between = "from 0 to 1" if ends else "between 0 and 1"
            raise XnerError(f"{flag} {value:g} is not a share: give a number {between}.")
        return value

    return option(flag, callback=check)


def label_list(text: Optional[str]) -> Optional[List[str]]:
    """RETURNS (Optional[List[str]]): Labels with commas between them as a list. RAISES: XnerError if one is empty."""
    if text is None:
        return None
    labels = [label.strip() for label in text.split(",")]
    require(all(labels), f"--labels {text!r} has an empty label.", "For instance: --labels PER,LOC,ORG")
    return labels


# What is said of these parameters is the same in each command that has them.
SHARED: Dict[str, Option] = {
    "aligner": option("-a"),
    "bitext": option(metavar="SRC TGT"),
    "config": option("-c"),
    "json_path": option("--json"),
    "labels": option(callback=label_list, kind=Optional[str]),
    "lang": option("-l"),
    "samples": size(MOST_SAMPLES),
    "seed": option(min=0, max=LARGEST_SEED),
}
