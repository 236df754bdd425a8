"""`xner convert-model`: a translation model made ready for CTranslate2."""

from typing import Any, Callable, Dict, get_args

from ..translation.convert_model import Quantization, convert_model
from ..types import PathLike
from .options import choices, command, option
from .output import done


@command(convert_model, model="MODEL", output="OUT", quantization=option("-q", kind=choices(get_args(Quantization))))
def convert_model_cli(call: Callable[[], Dict[str, Any]], output: PathLike, quantization: str) -> None:
    """Say what was converted."""
    info = call()
    languages = f"{len(info['languages'])} languages" if info["languages"] else "one pair of languages"
    done(f"{info['family']} model, {languages}, {quantization}, revision {info['revision']}", output)
