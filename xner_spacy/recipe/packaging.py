"""The step `package`: the student as a wheel, with its model card."""

import subprocess
import sys
from pathlib import Path

from ..cli.model_card import model_card
from ..cli.output import done
from ..errors import XnerError
from ..types import PathLike
from .layout import Project


def package_student(project: Project, card: PathLike, *, name: str, version: str) -> Path:
    """Fill the model card with the figures, and package the student as a wheel.

    card (PathLike): YAML, see `xner model-card`. name (str): Name of the package. version (str): Its version.
    RETURNS (Path): The wheel. RAISES: XnerError with what `spacy package` said if it failed.
    """
    meta = project.training / "meta.json"
    scores, teacher = (project.metrics / f"{system}.json" for system in ("student", "teacher"))
    model_card(
        project.student,
        meta,
        sources=card,
        scores=scores if scores.exists() else None,
        teacher=teacher if scores.exists() and teacher.exists() else None,
        teacher_model=project.training / "teacher",
        name=name,
        version=version,
    )
    packages = project.root / "packages"
    packages.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "spacy", "package", project.student, packages, "--meta-path", meta]
    result = subprocess.run(
        [*map(str, command), "--build", "wheel", "--force"], capture_output=True, encoding="utf8", errors="replace"
    )
    wheels = sorted(packages.glob(f"*_{name}-{version}/dist/*.whl"))
    if result.returncode or not wheels:
        raise XnerError("`spacy package` failed; the end of what it said:", (result.stdout + result.stderr)[-1500:])
    done("Wheel", wheels[-1])
    return wheels[-1]
