"""The steps of a project as commands."""

import sys
from pathlib import Path
from typing import Literal

import pytest

from tests.recipe.projects import make_project, tagged
from xner_spacy.errors import MissingExtraError
from xner_spacy.recipe.commands import read_inputs
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.transfer import transfer_sources


@pytest.mark.parametrize("quality", ["best", "fast"])
def test_what_transfer_needs_is_asked_for_at_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quality: Literal["best", "fast"]
) -> None:
    files = {
        "text/a.txt": ["Ada ali wano."],
        "sources/swa/train.txt": tagged("Ana/PER anaishi Nairobi/LOC", "Juma/PER anaishi Mombasa/LOC"),
        "sources/swa/bitext/x.en": ["Ana lives in Nairobi"],
        "sources/swa/bitext/x.sw": ["Ana anaishi Nairobi"],
    }
    project = Project(root=make_project(tmp_path, files), lang="lug", quality=quality)
    monkeypatch.setitem(sys.modules, "floret", None)  # as if it were not installed
    if quality == "fast":
        read_inputs(project)
        return
    with pytest.raises(MissingExtraError, match=r"relatives of the language .* needs the extra \[vectors\]"):
        read_inputs(project)
    # What was read is there, and the step is quick to repeat.
    assert transfer_sources("lug", project.inputs()) == ["swa"]
