"""Nothing in the package is without use: what no one calls is found by vulture. Tests do not count as users."""

import configparser
import re
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[1]
USERS = ("xner_spacy", "scripts", "benchmarks", "projects")
KINDS = ("class", "function", "import", "method", "property", "unreachable_code")

# Who finds each by its name.
FOUND_BY_NAME = {
    "cli/app.py, the command of each module": ["*_cli"],
    "spaCy, which calls trainable components by these": ["label_data", "get_loss", "rehearse"],
    "CTranslate2, whose converter is a class to be filled in": ["load_model"],
    "report/templates": ["numeric", "flowing_source", "source_direction", "losses", "mistakes", "layouts"],
    "http.server, which asks for each kind of request": ["do_GET", "log_message"],
    "Python, for what is loaded when it is asked for": ["__getattr__"],
    "xner_spacy.__getattr__": ["render"],
    "typer, which calls the group of commands by it": ["format_commands"],
    "urllib, which asks it whether to follow a redirection": ["redirect_request"],
    "parts of other packages, to say what they are": ["TrainableAligner"],
}
DECORATORS = ["@app.callback", "@field_validator", "@model_validator", "@runtime_checkable"]


def entry_points() -> Iterator[str]:
    """YIELDS (str): What setup.cfg names: parts that are found through the registries."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf8")
    for group in config["options.entry_points"].values():
        yield from re.findall(r":(\w+)\s*$", group, re.MULTILINE)


def test_all_is_used():
    vulture = pytest.importorskip("vulture")
    if not (ROOT / "setup.cfg").exists():
        pytest.skip("reads setup.cfg of the repository")
    names = [*entry_points(), *(name for found in FOUND_BY_NAME.values() for name in found)]
    reader = vulture.Vulture(ignore_names=names, ignore_decorators=DECORATORS)
    reader.scavenge([str(ROOT / folder) for folder in USERS if (ROOT / folder).is_dir()])
    unused = [
        f"{item.filename.relative_to(ROOT)}:{item.first_lineno}: {item.message}"
        for item in reader.get_unused_code(min_confidence=60)
        if item.typ in KINDS and ROOT / "xner_spacy" in item.filename.parents
    ]
    assert not unused, "\n".join(unused)
