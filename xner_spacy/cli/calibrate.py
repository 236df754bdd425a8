"""`xner calibrate`: make a student's span scores mean what they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from ..corpora.gpu import CPU, move_parts, use_gpu
from ..corpora.pipelines import load_pipeline
from ..corpora.writing import folder_written_aside
from ..types import PathLike
from .options import command, option
from .output import done

if TYPE_CHECKING:
    from ..distillation.student.score_fitting import ScoreMap


def calibrate(model: PathLike, dev: PathLike, output: Optional[PathLike] = None, gpu_id: int = CPU) -> "ScoreMap":
    """Fit a student's span scores on projected development data: their temperature, and what is taken off the scores of
    O. The entities stay as they are.

    model (PathLike): A pipeline with an xner_student.
    dev (PathLike): Projected development data: a .spacy file or a folder of shards.
    output (Optional[PathLike]): Where the pipeline goes; without it, where it was.
    gpu_id (int): The GPU to run on, from 0 on; -1 for the CPU.
    RETURNS (ScoreMap): The fitted temperature and bias. RAISES: XnerError without a student.
    """
    from ..distillation.readers import Corpus
    from ..distillation.student.score_fitting import calibrate as fit

    device = use_gpu(gpu_id)
    nlp = load_pipeline(model)
    move_parts(nlp, device)
    fitted = fit(nlp, Corpus(Path(dev))(nlp), must_find=True)
    with folder_written_aside(model if output is None else output) as folder:
        nlp.to_disk(folder)
    return fitted


@command(calibrate, model="MODEL", dev="DEV", output=option("-o"))
def calibrate_cli(call: "Callable[[], ScoreMap]", model: Path, output: Optional[Path]) -> None:
    """Print the fitted values."""
    fitted = call()
    done(f"Temperature {fitted.temperature:.3f}, {fitted.bias:.2f} off the scores of O", output or model)
