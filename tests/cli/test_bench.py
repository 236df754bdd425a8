"""`xner bench`, without running a benchmark."""

import subprocess
import sys
from pathlib import Path
from typing import List, Optional

import pytest

from tests.conftest import ROOT


def bench(where: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command: List[str] = [sys.executable, "-m", "xner_spacy", "bench", *arguments]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=120)


def test_help_is_help_and_a_benchmarks_own_is_its_own() -> None:
    assert "The benchmark; its own options follow" in bench(ROOT, "--help").stdout
    own = bench(ROOT, "student", "--help")
    assert own.returncode == 0 and "--repeats" in own.stdout and "benchmarks student" in own.stdout


@pytest.mark.parametrize("where", [ROOT, ROOT / "projects" / "apertium", None])
def test_an_unknown_benchmark_is_an_error_that_lists_what_there_is(where: Optional[Path], tmp_path: Path) -> None:
    found = bench(where or tmp_path, "nonesuch")
    assert found.returncode == 1 and "No benchmark 'nonesuch' here." in found.stderr
    expected = "a checkout of the repository" if where is None else "student_grid"
    assert expected in found.stderr
