"""The source distribution, installed outside the checkout: it brings all that it needs, and its own tests pass there."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from typing import Tuple

import pytest

from tests.conftest import ROOT

# Tests that read nothing of the repository, and together take less than a minute.
TESTS = (
    "test_types.py", "test_text.py", "test_languages.py", "test_docdata.py", "cli/test_init_config.py", "evaluation",
    "pipeline/test_projector.py", "projection/test_heuristics.py", "projection/test_state.py",
)  # fmt: skip
IMPORTS = """
import importlib, pathlib, pkgutil, sys, xner_spacy
assert pathlib.Path(xner_spacy.__file__).is_relative_to(sys.prefix), xner_spacy.__file__
for module in pkgutil.walk_packages(xner_spacy.__path__, "xner_spacy."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Path]:
    """The Python of an environment with the sdist, and the folder that it was unpacked in."""
    folder = tmp_path_factory.mktemp("sdist")
    # Copied, since a build leaves its own files beside the source.
    for name in ("xner_spacy", "tests", "tiny"):
        shutil.copytree(ROOT / name, folder / "source" / name)
    for name in ("pyproject.toml", "setup.cfg", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=folder / "source", check=True, capture_output=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder / "unpacked")

    # What it depends on is that of this environment; the package itself is not.
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    paths = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    Path(paths.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, str(archive)], check=True, cwd=folder)
    return python, next((folder / "unpacked").iterdir())


def run(python: Path, folder: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_every_module_can_be_imported_without_a_warning(installed: Tuple[Path, Path], tmp_path: Path) -> None:
    run(installed[0], tmp_path, "-W", "error", "-c", IMPORTS)


@pytest.mark.slow
def test_its_tests_pass(installed: Tuple[Path, Path], tmp_path: Path) -> None:
    python, unpacked = installed
    for name in ("tests", "tiny"):
        shutil.copytree(unpacked / name, tmp_path / name)
    run(python, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in TESTS))
