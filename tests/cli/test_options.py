"""Every number on a command line has bounds, and what is none is refused by name."""

import inspect
from typing import Iterator, Optional, Tuple

import pytest

from tests.cli.helpers import xner
from xner_spacy.cli.app import COMMANDS, registered


def numbers() -> Iterator[Tuple[Tuple[str, ...], str]]:
    """YIELDS (Tuple[Tuple[str, ...], str]): Each command and its options with numbers."""
    apps = [registered(name) for name in COMMANDS]
    groups = [(app, ()) for app in apps]
    groups += [(group.typer_instance, (group.name,)) for app in apps for group in app.registered_groups]
    for group, words in groups:
        for command in group.registered_commands:
            for parameter in inspect.signature(command.callback).parameters.values():
                if parameter.annotation in (int, float, Optional[int], Optional[float]):
                    yield (*words, command.name), parameter.default.param_decls[0]


NUMBERS = list(dict.fromkeys(numbers()))


def test_there_are_numbers():
    assert len(NUMBERS) > 15


@pytest.mark.parametrize("words, option", NUMBERS, ids=str)
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e3", "99999999999999999999", "x", ""])
def test_odd_numbers_are_refused(words, option, value):
    if (option, value) == ("--gpu-id", "-1"):
        value = "-2"  # -1 is the CPU
    result = xner(*words, option, value)
    assert result.code in (1, 2)
    assert f"Invalid value for '{option}'" in result.err or f"✘ {option} " in result.err, result.err
