"""Programs are found by known names, in places that no pipeline and no working folder decides."""

import os

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.programs import find_installed, find_program

NAME = "an-engine-of-ours"


def find(name=NAME):
    return find_program(name, "XNER_ENGINE", (NAME,), part="xner.Engine.v1", install="Do install it.")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / NAME
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    monkeypatch.delenv("XNER_ENGINE", raising=False)
    return file


def test_a_known_name_is_found(installed):
    assert find() == str(installed)


@pytest.mark.parametrize("name", ["sh", "./an-engine-of-ours", "/bin/sh", "", "a\0b", "bin/sh"])
def test_no_other_name_is_run(installed, name):
    with pytest.raises(XnerError, match=r"may name only an-engine-of-ours.*XNER_ENGINE"):
        find(name)


def test_the_working_folder_is_never_looked_into(installed, monkeypatch):
    monkeypatch.chdir(installed.parent)
    for path in ("", ".", os.pathsep, "bin", os.pathsep.join(["", ".", "/nowhere"])):
        monkeypatch.setenv("PATH", path)
        assert find_installed(NAME) is None
    with pytest.raises(XnerError, match=r"not installed\. Do install it\. Or set XNER_ENGINE"):
        find()


def test_the_user_may_name_another_place(installed, monkeypatch):
    other = installed.with_name("other")
    installed.rename(other)
    monkeypatch.setenv("XNER_ENGINE", str(other))
    assert find() == str(other)
    for wrong in ("other", "./other", str(other.with_name("none"))):
        monkeypatch.setenv("XNER_ENGINE", wrong)
        with pytest.raises(XnerError, match=r"XNER_ENGINE is .*absolute path of a program"):
            find()
