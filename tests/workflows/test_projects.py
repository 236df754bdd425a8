"""The projects beside the root's: what they are made of is there, and their pages say what they do."""

import re
import shlex
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest
import srsly
from typer.main import get_command
from weasel.cli.document import project_document
from weasel.cli.run import project_run
from weasel.util import load_project_config

from tests.conftest import ROOT
from xner_spacy.cli.app import app

FOLDERS = [ROOT, *sorted(path.parent for path in ROOT.glob("projects/*/project.yml"))]


def lines(folder: Path) -> Iterator[Tuple[str, List[str]]]:
    """YIELDS (Tuple[str, List[str]]): Each command line of a project as it runs, after the name of its step."""
    for step in load_project_config(folder, interpolate=True)["commands"]:
        for line in step["script"]:
            yield step["name"], shlex.split(line)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_scripts_options_and_other_projects_exist(folder: Path) -> None:
    commands: Any = get_command(app)
    for step, line in lines(folder):
        options = {word for word in line if word.startswith("--")}
        if line[0] == "xner":
            command = commands.get_command(None, line[1])
            command = command.commands[line[2]] if hasattr(command, "commands") else command
            known = {option for param in command.params for option in param.opts}
            if command.context_settings.get("ignore_unknown_options"):  # settings of a config, by dotted name
                options = {option for option in options if "." not in option}
            assert options <= known, (step, options - known)
        elif line[1:5] == ["-m", "spacy", "project", "run"]:
            other = srsly.read_yaml(folder / line[6] / "project.yml")
            assert line[5] in other["workflows"] or line[5] in {c["name"] for c in other["commands"]}
            assert {option.split(".")[1] for option in options} <= set(other["vars"]), step
        elif line[1] not in ("-m", "-c"):
            assert (folder / line[1]).is_file(), (step, line)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_is_short_and_runs_dry(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = (folder / "project.yml").read_text(encoding="utf8")
    assert text.count("\n") < 150
    steps = {step["name"] for step in srsly.yaml_loads(text)["commands"]}
    for workflow, names in srsly.yaml_loads(text)["workflows"].items():
        assert set(names) <= steps
        project_run(folder, workflow, force=True, dry=True)
        assert capfd.readouterr().out.count("Running command") >= len(names)


@pytest.mark.parametrize("folder", FOLDERS[1:], ids=lambda path: path.name)
def test_the_page_of_a_project_is_that_of_its_project_yml(folder: Path, tmp_path: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf8")
    project_document(folder, tmp_path / "page.md")
    made = re.search(r"<!-- WEASEL.*-->", (tmp_path / "page.md").read_text(encoding="utf8"), re.DOTALL)
    assert made and made[0] in page, f"renew it: python -m spacy project document {folder} --output {folder}/README.md"
