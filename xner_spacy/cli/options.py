"""Make a command from a plain function: its signature defines the options, its docstring describes them. Additional
settings of options that several commands share are here.
"""

import inspect
import re
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import typer

from ..corpora.reading import parse_json
from ..errors import InputError, XnerError, require
from ..evaluation.resampling import MOST_SAMPLES
from ..types import PathLike

# NumPy takes seeds of 32 bits.
LARGEST_SEED = 2**32 - 1
LARGEST_SIZE = 10**9

# The type on the command line for a type in a signature.
_TYPES = {
    PathLike: Path,
    Optional[PathLike]: Optional[Path],
    Sequence[PathLike]: List[Path],
    Optional[Sequence[PathLike]]: Optional[List[Path]],
    Optional[Tuple[PathLike, PathLike]]: Optional[Tuple[Path, Path]],
}
# `name (Type): Description.`, which may have several lines.
_DESCRIBED = re.compile(r"^(\w+) \(.*?\): (.*?)(?=^\w+ \(|^[A-Z]{6}|\Z)", re.MULTILINE | re.DOTALL)


Option = Tuple[Tuple[str, ...], Any, Dict[str, Any]]


def option(*flags: str, kind: Any = None, **settings: Any) -> Option:
    """RETURNS (Option): Additional settings of a parameter: flags in addition to `--name`, or instead of it if one is
    long (a name without dashes makes it an argument); another type than the function's; settings of `typer.Option`.
    """
    return flags, kind, settings


def command(function: Callable, **own: Union[Option, str, None]) -> Callable[[Callable], Callable]:
    """Make a command from a plain function and a decorated function that prints its result.

    The decorated function gets `call`, which runs `function` with the options of the command line, and the options that
    are among its own parameters. It may have options that `function` lacks. The help is in the docstrings of both.

    own: Settings of parameters in addition to `SHARED`; a text makes a parameter an argument, None leaves it out.
    """
    settings = {**SHARED, **own}

    def decorate(show: Callable) -> Callable:
        parameters = dict(inspect.signature(function).parameters)
        called = {name: parameters[name] for name in parameters if settings.get(name, "") is not None}
        shown = dict(islice(inspect.signature(show).parameters.items(), 1, None))
        every = {**called, **shown, **called}  # in the order of `called`
        texts = {**_described(function), **_described(show)}

        def run(**arguments: Any) -> None:
            values = {name: value.value if isinstance(value, Enum) else value for name, value in arguments.items()}
            call = partial(function, **{name: values[name] for name in called})
            show(call, **{name: values[name] for name in shown})

        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [_parameter(value, settings.get(name), texts.get(name)) for name, value in every.items()]
        )
        run.__doc__ = re.split(r"\n\n(?=\w+ \(|[A-Z]{6})", inspect.getdoc(function) or "")[0]
        run.__name__, run.__module__ = show.__name__, show.__module__
        return run

    return decorate


def _described(function: Callable) -> Dict[str, str]:
    return {name: " ".join(text.split()) for name, text in _DESCRIBED.findall(inspect.getdoc(function) or "")}


def _parameter(parameter: inspect.Parameter, added: Union[Option, str, None], text: Optional[str]) -> inspect.Parameter:
    """RETURNS (inspect.Parameter): The parameter in the form that typer reads."""
    kind = _TYPES.get(parameter.annotation, parameter.annotation)
    default: Any = ... if parameter.default is parameter.empty else parameter.default
    flags, other_kind, settings = option(added) if isinstance(added, str) else added or option()
    kind = other_kind or kind
    if flags and not flags[0].startswith("-"):
        info = typer.Argument(default, metavar=flags[0], help=text)
    else:
        # Typer adds --no-... to an optional bool only if it has no flags.
        if kind != Optional[bool] and not any(flag.startswith("--") for flag in flags):
            flags = (f"--{parameter.name.replace('_', '-')}", *flags)
        info = typer.Option(default, *flags, **{"help": text, **settings})
    return parameter.replace(annotation=kind, default=info, kind=parameter.KEYWORD_ONLY)


def choices(values: Iterable[str]) -> Any:
    """RETURNS (Any): The type of an option that takes one of some words; the plain function gets the word."""
    return Enum("Choice", {value: value for value in values}, type=str)


def size(most: int = LARGEST_SIZE, *flags: str) -> Option:
    """RETURNS (Option): A whole number from 1."""
    return option(*flags, min=1, max=most)


def share(flag: str, *, ends: bool = True) -> Option:
    """RETURNS (Option): A number from 0 to 1. ends (bool): Whether 0 and 1 are allowed."""

    def check(value: Optional[float]) -> Optional[float]:
        # typer's min and max would accept NaN, because all comparisons with it are false.
        if value is not None and not (0 <= value <= 1 and (ends or value not in (0, 1))):
            between = "from 0 to 1" if ends else "between 0 and 1"
            raise XnerError(f"{flag} {value:g} is not a share: give a number {between}.")
        return value

    return option(flag, callback=check)


def label_list(flag: str) -> Option:
    """RETURNS (Option): Labels with commas between them; the plain function gets a list."""

    def split(text: Optional[str]) -> Optional[List[str]]:
        if text is None:
            return None
        labels = [label.strip() for label in text.split(",")]
        require(all(labels), f"{flag} {text!r} has an empty label.", f"For instance: {flag} PER,LOC,ORG")
        return labels

    return option(flag, callback=split, kind=Optional[str])


def parse_overrides(arguments: List[str]) -> Dict[str, Any]:
    """Read `--section.name value` or `--section.name=value`; a value is parsed as JSON, if possible.

    RETURNS (Dict[str, Any]): By dotted name. RAISES: XnerError for anything else, and for a repeated
    setting.
    """
    overrides: Dict[str, Any] = {}
    remaining = list(arguments)
    while remaining:
        name, equals, value = remaining.pop(0).partition("=")
        if not name.startswith("--") or "." not in name:
            raise XnerError(f"Unknown option: {name}.", "Settings are given as --section.name VALUE.")
        if not equals:
            if not remaining:
                raise XnerError(f"{name} has no value.")
            value = remaining.pop(0)
        if name[2:] in overrides:
            raise XnerError(f"{name} is given twice.", "Give each setting once.")
        try:
            overrides[name[2:]] = parse_json(value, name)
        except InputError:
            overrides[name[2:]] = value
    return overrides


# The settings of parameters that are the same in every command.
SHARED: Dict[str, Option] = {
    "aligner": option("-a"),
    "bitext": option(metavar="SRC TGT"),
    "config": option("-c"),
    "gpu_id": option("-g", min=-1, max=1000),
    "json_path": option("--json"),
    "labels": label_list("--labels"),
    "lang": option("-l"),
    "samples": size(MOST_SAMPLES),
    "only": label_list("--only"),
    "seed": option(min=0, max=LARGEST_SEED),
}
