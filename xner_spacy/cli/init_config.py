"""`xner init-config`: a config for one language."""

from pathlib import Path

import typer
from confection import Config

from ..corpora.files import PathLike
from ..corpora.writing import atomic_write
from ..errors import InputError
from ..languages import blank
from .output import done


def register(app: typer.Typer) -> None:
    app.command("init-config")(init_config_cli)


def init_config_cli(
    base: Path = typer.Argument(
        ..., metavar="BASE.cfg", help="One of configs/, or a config of your own."
    ),
    output: Path = typer.Argument(..., metavar="OUT.cfg", help="Where the config goes."),
    lang: str = typer.Option(..., "--lang", "-l", help="Language code (ISO 639-1 or 639-3)."),
) -> None:
    """Copy a config and set its language: spaCy's code, or 'xx' where spaCy has no class for the language."""
    code = init_config(base, output, lang)
    done(f"Config with the language {code!r}", output)


def init_config(base: PathLike, output: PathLike, lang: str) -> str:
    """Copy a config and set `nlp.lang`.

    RETURNS (str): spaCy's language code. RAISES: InputError for a missing base; XnerError for an unknown language.
    """
    base = Path(base)
    if not base.exists():
        raise InputError("no such file.", base)
    code = blank(lang).lang or "xx"
    config = Config().from_disk(base, interpolate=False)
    config["nlp"]["lang"] = code
    with atomic_write(output) as file:
        file.write(config.to_str(interpolate=False))
    return code
