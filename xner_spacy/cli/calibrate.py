"""`xner calibrate`: make a student's span scores mean what they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Optional, Tuple

import typer

from ..corpora.files import PathLike
from ..corpora.pipelines import load_pipeline
from ..corpora.writing import folder_written_aside
from .output import done

if TYPE_CHECKING:
    from ..distillation.student.calibration import ScoreMap


def register(app: typer.Typer) -> None:
    app.command("calibrate")(calibrate_cli)


def calibrate_cli(
    model: Path = typer.Argument(..., metavar="MODEL", help="A pipeline with an xner_student."),
    dev: Path = typer.Argument(
        ..., metavar="DEV", help="Projected development data: a .spacy file or a folder of shards."
    ),
    output: Optional[Path] = typer.Option(
        None, "--output", "-o", help="Where the pipeline goes; without it, where it was."
    ),
) -> None:
    """Fit a student's span scores on projected development data: their temperature, and what is
    taken off the scores of O. The entities stay as they are.
    """
    found, place = calibrate(model, dev, output)
    done(f"Temperature {found.temperature:.3f}, {found.bias:.2f} off the scores of O", place)


def calibrate(model: PathLike, dev: PathLike, output: Optional[PathLike] = None) -> "Tuple[ScoreMap, Path]":
    """Fit and save. Arguments are those of the command.

    RETURNS (Tuple[ScoreMap, Path]): What was fitted, and where the pipeline lies. RAISES: XnerError
        without a student.
    """
    from ..distillation.readers import make_corpus
    from ..distillation.student.calibration import calibrate as fit

    nlp = load_pipeline(model)
    found = fit(nlp, make_corpus(Path(dev))(nlp), must_find=True)
    place = Path(output if output is not None else model)
    with folder_written_aside(place) as folder:
        nlp.to_disk(folder)
    return found, place
