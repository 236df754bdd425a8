"""`xner calibrate`: make a student's span scores mean what they say."""

from pathlib import Path
from typing import Optional, Tuple

import typer

from ..corpora.annotate import load_pipeline
from ..corpora.files import PathLike
from .output import done


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
    """Fit the temperature of a student's scores on projected development data, and save it."""
    temperature, place = calibrate(model, dev, output)
    done(f"Temperature {temperature:.3f}", place)


def calibrate(
    model: PathLike, dev: PathLike, output: Optional[PathLike] = None
) -> Tuple[float, Path]:
    """Fit and save. Arguments are those of the command.

    RETURNS (Tuple[float, Path]): The temperature and where the pipeline lies. RAISES: XnerError
        without a student.
    """
    from ..distillation.calibration import calibrate as fit
    from ..distillation.corpus import make_corpus

    nlp = load_pipeline(model)
    temperature = fit(nlp, make_corpus(Path(dev))(nlp))
    place = Path(output if output is not None else model)
    nlp.to_disk(place)
    return temperature, place
