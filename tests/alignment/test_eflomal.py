"""The external aligner: what is handed to the program, what is read back, and what goes wrong."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xner_spacy.alignment.external.eflomal import PROGRAM, VARIABLE, Eflomal
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part

# Links word k to word k, and backwards only the first; keeps its input for the test to look at.
FAKE = """#!{python}
import shutil, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "--overwrite"
pairs = [(open(given["-s"]).readlines(), open(given["-t"]).readlines())]
with open(given["-f"], "w") as forward, open(given["-r"], "w") as reverse:
    for source, target in zip(*pairs[0], strict=True):
        count = min(len(source.split()), len(target.split()))
        forward.write(" ".join(f"{{k}}-{{k}}" for k in range(count)) + "\\n")
        reverse.write("0-0\\n")
shutil.copy(given["-s"], "{folder}/seen")
"""
PAIRS = [(["a", "b c", ""], ["x", "y", "z"]), ([], ["x"]), (["d"], ["w", "v"])]


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put another program in its place."""

    def put(text: str) -> None:
        path = tmp_path / "fake"
        path.write_text(text.format(python=sys.executable, folder=tmp_path))
        path.chmod(0o755)
        monkeypatch.setenv(VARIABLE, str(path))

    return put


def test_pairs_go_out_and_links_come_back(tmp_path, program):
    program(FAKE)
    part = Eflomal("union")
    part.train([(["more"], ["text"]), (["left"], [])])
    found = [alignment.to_pharaoh() for alignment in part(PAIRS)]
    # The pair with an empty side stays here, and so do the links of the bitext.
    assert found == ["0-0 1-1 2-2", "", "0-0"]
    # A token with a space in it is still one, and so is an empty one.
    assert (tmp_path / "seen").read_text().splitlines() == ["a bc _", "d", "more"]
    both = Eflomal("intersection")
    assert [alignment.to_pharaoh() for alignment in both(PAIRS)] == ["0-0", "", "0-0"]
    assert next(iter(part([([], [])]))).to_pharaoh() == ""


def test_what_goes_wrong_is_said(tmp_path, program, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(XnerError, match=r"XNER_EFLOMAL is .* not the absolute path of a program"):
        list(Eflomal()(PAIRS))
    program("#!{python}\nimport sys\nsys.exit('no memory left')\n")
    with pytest.raises(XnerError, match="exit code 1: no memory left"):
        list(Eflomal()(PAIRS))
    with pytest.raises(XnerError):
        Eflomal("best")


def test_too_few_lines_are_noticed(program):
    program(FAKE.replace('reverse.write("0-0\\n")', "pass"))
    with pytest.raises(XnerError, match="links for 0 sentence pairs, but 2 were sent"):
        list(Eflomal()(PAIRS))


@pytest.mark.parametrize("name", ["model/run", "./eflomal-align", "/bin/sh", "sh"])
def test_a_pipeline_can_not_name_a_program(name):
    with pytest.raises(XnerError, match="may name only eflomal-align"):
        get_part("xner_aligners", "xner.Eflomal.v1", program=name)


def test_the_core_never_imports_it():
    code = (
        "import sys; sys.modules['eflomal'] = None;from xner_spacy.alignment.external.eflomal import Eflomal; Eflomal()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_program_itself():
    beside = Path(sys.executable).with_name(PROGRAM)
    if not beside.is_file() and not shutil.which(PROGRAM):
        pytest.skip("eflomal is not installed")
    words = ["red", "green", "blue", "white"]
    pairs = [([a, b], [b.upper(), a.upper()]) for a in words for b in words if a != b] * 20
    part = get_part("xner_aligners", "xner.Eflomal.v1", symmetrize="intersection")
    found = list(part(pairs))
    assert len(found) == len(pairs)
    right = sum(alignment.to_pharaoh() == "0-1 1-0" for alignment in found)
    assert right > 0.9 * len(pairs)
