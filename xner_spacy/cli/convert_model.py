"""`xner convert-model`: a translation model made ready for CTranslate2."""

from enum import Enum
from pathlib import Path
from typing import Optional, get_args

import typer

from ..translation.convert_model import Quantization, convert_model
from .output import done

Precision = Enum("Precision", {name: name for name in get_args(Quantization)}, type=str)  # type: ignore[misc]


def register(app: typer.Typer) -> None:
    app.command("convert-model")(convert_model_cli)


def convert_model_cli(
    model: str = typer.Argument(..., metavar="MODEL", help="Folder with a Hugging Face model, or its name on the Hub."),
    output: Path = typer.Argument(..., metavar="OUT", help="Folder to make."),
    quantization: Precision = typer.Option("int8", "--quantization", "-q", help="int8 for a CPU, float16 for a GPU."),
    revision: Optional[str] = typer.Option(None, "--revision", help="Branch, tag or commit on the Hub."),
    legacy_weights: bool = typer.Option(
        False, "--legacy-weights", help="Accept weights in the old .bin format (read without running their code)."
    ),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace OUT."),
) -> None:
    """Convert NLLB-200, M2M-100 or Marian (OPUS-MT) for xner.CTranslate2.v1."""
    info = convert_model(
        model,
        output,
        quantization=quantization.value,
        revision=revision,
        legacy_weights=legacy_weights,
        overwrite=overwrite,
    )
    languages = f"{len(info['languages'])} languages" if info["languages"] else "one pair of languages"
    done(f"{info['family']} model, {languages}, {quantization.value}, revision {info['revision']}", output)
