"""`xner init-config`: a config for one language."""

from pathlib import Path
from typing import Any, List, NamedTuple

import typer
from confection import Config

from ..corpora.files import PathLike
from ..corpora.reading import read_config
from ..corpora.writing import atomic_write
from ..errors import InputError
from ..languages import SYLLABLES, choose_tokenizer
from .output import done, warn


class NewConfig(NamedTuple):
    """What `init_config` made.

    lang (str): spaCy's language code. notes (List[str]): What the user should know of the tokenizer.
    """

    lang: str
    notes: List[str]


def register(app: typer.Typer) -> None:
    app.command("init-config")(init_config_cli)


def init_config_cli(
    base: Path = typer.Argument(..., metavar="BASE.cfg", help="One of configs/, or a config of your own."),
    output: Path = typer.Argument(..., metavar="OUT.cfg", help="Where the config goes."),
    lang: str = typer.Option(
        ...,
        "--lang",
        "-l",
        help="Language code: ISO 639-1, ISO 639-3 or FLORES-200 (`xner info --languages` lists them).",
    ),
) -> None:
    """Copy a config and set its language, and with it the tokenizer: spaCy's own for the language; syllables or characters for a script without spaces that spaCy has none for. A language that spaCy has no class for becomes 'xx'."""
    made = init_config(base, output, lang)
    done(f"Config with the language {made.lang!r}", output)
    for note in made.notes:
        warn("Mind the tokenizer:", note)


def init_config(base: PathLike, output: PathLike, lang: str) -> NewConfig:
    """Copy a config and set `nlp.lang` and the tokenizer that belongs to it. A tokenizer of the user's own stays.

    RETURNS (NewConfig): spaCy's language code, and notes.
    RAISES: InputError for a missing or broken base; XnerError for an unknown language.
    """
    config = read_config(base)
    if not isinstance(config.get("nlp"), dict):
        raise InputError(
            "has no section [nlp], so it is no config of a pipeline.",
            str(base), None, "Begin with one of configs/.",
        )  # fmt: skip
    choice = choose_tokenizer(lang)
    config["nlp"]["lang"] = choice.lang
    notes = [choice.note] if choice.note else []
    present = config["nlp"].get("tokenizer") or {}
    if _is_own(present):
        notes = [f"{present['@tokenizers']!r} of {base} was kept; see that it splits this language."]
    else:
        config["nlp"]["tokenizer"] = choice.tokenizer
        _set_initialize(config, choice.initialize)
    with atomic_write(output) as file:
        file.write(config.to_str(interpolate=False))
    return NewConfig(choice.lang, notes)


def _is_own(tokenizer: Any) -> bool:
    """RETURNS (bool): Whether a tokenizer is neither spaCy's nor ours, so that the user chose it."""
    name = tokenizer.get("@tokenizers", "") if isinstance(tokenizer, dict) else ""
    return bool(name) and not name.startswith("spacy.") and name != SYLLABLES


def _set_initialize(config: Config, settings: Any) -> None:
    # What an earlier language's tokenizer was told is not for this one.
    initialize = config.get("initialize")
    if isinstance(initialize, dict) and ("tokenizer" in initialize or settings):
        initialize["tokenizer"] = settings
    elif settings:
        config["initialize"] = {"tokenizer": settings}
