"""`xner init-config`: a config for one language."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import typer
from confection import Config
from jinja2 import Environment, PackageLoader, StrictUndefined
from spacy.language import DEFAULT_CONFIG

from ..corpora.reading import read_config
from ..corpora.writing import atomic_write
from ..errors import InputError, XnerError
from ..languages import SYLLABLES, choose_tokenizer
from ..types import PathLike
from .output import done, warn

# The package's own bases: their options, each with its choices, the default first.
TRAINING = {"labels": ("hard", "soft", "tsl", "prokd"), "encoder": ("tok2vec", "trf")}
BASES: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "student": TRAINING,
    "source": TRAINING,
    "teacher": {
        "translator": ("bitext", "apertium", "nllb"),
        "projector": ("exact", "heuristic", "ngrams", "ner", "backtranslation", "transfer"),
    },
}


class NewConfig(NamedTuple):
    """What `init_config` made.

    lang (str): spaCy's language code. notes (List[str]): What the user should know of the tokenizer.
    """

    lang: str
    notes: List[str]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("init-config")(init_config_cli)


def _choices(option: str) -> str:
    choices = next(options[option] for options in BASES.values() if option in options)
    return f"{', '.join(choices)}; the first is the default."


def init_config_cli(
    base: str = typer.Argument(..., metavar="BASE", help=f"{', '.join(BASES)}, or a config of your own (BASE.cfg)."),
    output: Path = typer.Argument(..., metavar="OUT.cfg", help="Where the config goes."),
    lang: str = typer.Option(
        ...,
        "--lang",
        "-l",
        help="Language code: ISO 639-1, ISO 639-3 or FLORES-200 (`xner info --languages` lists them).",
    ),
    labels: Optional[str] = typer.Option(
        None, help=f"What a student or source pipeline learns from, and how: {_choices('labels')}"
    ),
    encoder: Optional[str] = typer.Option(
        None, help=f"The encoder of a student or source pipeline: {_choices('encoder')}"
    ),
    translator: Optional[str] = typer.Option(
        None, help=f"Where a teacher's translations come from: {_choices('translator')}"
    ),
    projector: Optional[str] = typer.Option(None, help=f"How a teacher carries entities over: {_choices('projector')}"),
) -> None:
    """Write the whole config of a `teacher`, of a `student` that learns from what it labels, or of the `source` pipeline that it asks; or copy a config of your own. Sets the language, and with it the tokenizer: spaCy's own for the language; syllables or characters for a script without spaces that spaCy has none for. A language that spaCy has no class for becomes 'xx'."""
    given = {"labels": labels, "encoder": encoder, "translator": translator, "projector": projector}
    made = init_config(base, output, lang, **{name: value for name, value in given.items() if value is not None})
    done(f"Config with the language {made.lang!r}", output)
    for note in made.notes:
        warn("Mind the tokenizer:", note)


def init_config(base: PathLike, output: PathLike, lang: str, **options: str) -> NewConfig:
    """Write a config with `nlp.lang` and the tokenizer that belongs to it. A tokenizer of the user's own stays.

    base (PathLike): One of `BASES`, or the path of a config. options (str): Those of the base, see `BASES`.
    RETURNS (NewConfig): spaCy's language code, and notes.
    RAISES: InputError for a missing or broken base; XnerError for an unknown language or option.
    """
    config = base_config(base, **options)
    if not isinstance(config.get("nlp"), dict):
        raise InputError(
            "has no section [nlp], so it is no config of a pipeline.",
            str(base), None, f"Begin with one of: {', '.join(BASES)}.",
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


def base_config(base: PathLike, **options: str) -> Config:
    """The config of a base, for no language yet.

    base (PathLike): One of `BASES`, or the path of a config. options (str): Those of the base, see `BASES`.
    RETURNS (Config): The config, not interpolated.
    RAISES: InputError for a missing or broken file; XnerError for an option that the base has not.
    """
    known = BASES.get(str(base), {})
    for name, value in options.items():
        if name not in known:
            takers = [other for other, theirs in BASES.items() if name in theirs]
            raise XnerError(f"{str(base)!r} has no option --{name}.", f"It is one of: {', '.join(takers)}.")
        if value not in known[name]:
            raise XnerError(f"--{name} {value} is unknown.", f"Choose one of: {', '.join(known[name])}.")
    if not known:
        return read_config(base)
    environment = Environment(
        loader=PackageLoader("xner_spacy", "configs"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    template = environment.get_template("teacher.cfg.jinja" if base == "teacher" else "student.cfg.jinja")
    chosen: Dict[str, Any] = {name: choices[0] for name, choices in known.items()}
    special = Config().from_str(template.render(role=str(base), **{**chosen, **options}), interpolate=False)
    return Config(DEFAULT_CONFIG).merge(special)


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
