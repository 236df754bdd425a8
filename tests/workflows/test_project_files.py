"""The project files: what a command needs and makes is named as it is meant."""

import pytest
from weasel.util.config import load_project_config

from tests.conftest import ROOT

PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("projects/*/project.yml"))]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_each_file_is_one_name(project):
    """Where an item ends with a variable and the next begins with one, weasel makes one name of both."""
    for command in load_project_config(project)["commands"]:
        for key in ("deps", "outputs", "outputs_no_cache"):
            assert not [name for name in command.get(key, []) if "," in name], command["name"]
