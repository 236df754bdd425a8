"""Every number on a command line has bounds, and what is none is refused by name."""

import inspect
from typing import Iterator, Optional, Tuple

import pytest

from tests.cli.helpers import xner
from xner_spacy.cli.app import COMMANDS, registered

ODD = ("-1", "nan", "inf", "-inf", "1e3", "99999999999999999999", "x", "")


def cases() -> Iterator[Tuple[Tuple[str, ...], str, str]]:
    """YIELDS (Tuple[Tuple[str, ...], str, str]): Each command, its options with numbers, and what none of them takes."""
    apps = [registered(name) for name in COMMANDS]
    groups = [(app, ()) for app in apps]
    groups += [(group.typer_instance, (group.name,)) for app in apps for group in app.registered_groups]
    for group, words in groups:
        for command in group.registered_commands:
            for parameter in inspect.signature(command.callback).parameters.values():
                is_option = parameter.annotation in (int, float, Optional[int], Optional[float])
                if not is_option or not parameter.default.param_decls:  # an argument has no name
                    continue
                is_large = parameter.annotation in (float, Optional[float]) and (parameter.default.max or 0) > 1000
                for value in (value for value in ODD if value != "1e3" or not is_large):
                    yield (*words, command.name), parameter.default.param_decls[0], value


CASES = list(dict.fromkeys(cases()))


def test_there_are_numbers():
    assert len({(words, option) for words, option, _ in CASES}) > 15


@pytest.mark.parametrize("words, option, value", CASES, ids=str)
def test_odd_numbers_are_refused(words, option, value):
    if (option, value) == ("--gpu-id", "-1"):
        value = "-2"  # -1 is the CPU
    result = xner(*words, option, value)
    assert result.code in (1, 2)
    assert f"Invalid value for '{option}'" in result.err or f"✘ {option} " in result.err, result.err
