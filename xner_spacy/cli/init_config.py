"""`xner init-config`: a config for one language."""

from functools import cache
from typing import Callable, Dict, List, Optional, Tuple

from confection import Config
from jinja2 import Environment, PackageLoader, StrictUndefined
from spacy.language import DEFAULT_CONFIG

from ..corpora.pipelines import pipeline_folder
from ..corpora.reading import read_config
from ..corpora.writing import atomic_write
from ..errors import InputError, XnerError
from ..evaluation.calibration import NO_SCORES
from ..languages import SYLLABLES, choose_tokenizer, describe_language
from ..types import PathLike
from .options import command, option
from .output import done, note, warn

# The bases in the package, their options, and the choices of each option, the default first.
TRAINING = {"labels": ("hard", "soft", "tsl", "prokd"), "encoder": ("tok2vec", "trf", "curated")}
BASES: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "student": TRAINING,
    "source": TRAINING,
    "teacher": {
        "translator": ("bitext", "apertium", "nllb", "chat", "libretranslate"),
        "projector": ("exact", "heuristic", "ngrams", "ner", "backtranslation", "transfer"),
    },
}
# How long a trained pipeline goes on with a little data.
TUNING_STEPS = 200


def init_config(
    base: PathLike,
    output: PathLike,
    lang: str,
    *,
    labels: Optional[str] = None,
    encoder: Optional[str] = None,
    translator: Optional[str] = None,
    projector: Optional[str] = None,
    start: Optional[PathLike] = None,
) -> Tuple[str, List[str]]:
    """Write the whole config of a `teacher`, of a `student` that learns from what it labels, or of the `source`
    pipeline that it asks; or copy a config of your own. Sets the language, and with it the tokenizer: spaCy's own for
    the language; syllables or characters for a script without spaces that spaCy has none for. A language that spaCy has
    no class for becomes 'xx'.

    base (PathLike): student, source, teacher, or a config of your own (BASE.cfg).
    output (PathLike): Where the config goes.
    lang (str): Language code: ISO 639-1, ISO 639-3 or FLORES-200 (`xner info --languages` lists them).
    labels (Optional[str]): What a student or source pipeline learns from, and how: hard, soft, tsl, prokd; the first is
        the default.
    encoder (Optional[str]): The encoder of a student or source pipeline: tok2vec, trf, curated; the first is the
        default.
    translator (Optional[str]): Where a teacher's translations come from: bitext, apertium, nllb, chat, libretranslate;
        the first is the default.
    projector (Optional[str]): How a teacher carries entities over: exact, heuristic, ngrams, ner, backtranslation,
        transfer; the first is the default.
    start (Optional[PathLike]): A trained pipeline whose training goes on, for instance on a little gold: the config has
        its settings, and takes its components over.
    RETURNS (Tuple[str, List[str]]): spaCy's language code, and what the user should know of the tokenizer.
    RAISES: InputError for a missing or broken base; XnerError for an unknown language or option.
    """
    options = {"labels": labels, "encoder": encoder, "translator": translator, "projector": projector}
    given = {name: value for name, value in options.items() if value is not None}
    if start is not None:
        return _continue(base, output, lang, start, given)
    config = base_config(base, **given)
    if not isinstance(config.get("nlp"), dict):
        hint = f"Begin with one of: {', '.join(BASES)}."
        raise InputError("has no section [nlp], so it is no config of a pipeline.", base, hint=hint)
    choice = choose_tokenizer(lang)
    config["nlp"]["lang"] = choice.lang
    notes = [choice.note] if choice.note else []
    old_tokenizer = config["nlp"].get("tokenizer")
    name = old_tokenizer.get("@tokenizers", "") if isinstance(old_tokenizer, dict) else ""
    if name and not name.startswith("spacy.") and name != SYLLABLES:
        notes = [f"{name!r} of {base} was kept; see that it splits this language."]
    else:
        config["nlp"]["tokenizer"] = choice.tokenizer
        # The base may have settings for the tokenizer of another language: replace them.
        if choice.initialize or "tokenizer" in config.get("initialize", {}):
            config.setdefault("initialize", {})["tokenizer"] = choice.initialize
    if str(base) in BASES and "target" in config.get("vars", {}):
        # A translator has other codes than spaCy, and more languages.
        config["vars"]["target"] = lang
    with atomic_write(output) as file:
        file.write(config.to_str(interpolate=False))
    return choice.lang, notes


def _continue(
    base: PathLike, output: PathLike, lang: str, start: PathLike, given: Dict[str, str]
) -> Tuple[str, List[str]]:
    """Write the config that goes on training a pipeline."""
    if str(base) not in ("student", "source") or given:
        wrong = f"--{next(iter(given))}" if given else str(base)
        raise XnerError(
            f"--from and {wrong} don't go together.", "Write: xner init-config student OUT.cfg --from PIPELINE"
        )
    config = read_config(pipeline_folder(start) / "config.cfg")
    spacy_lang = choose_tokenizer(lang).lang
    if config["nlp"]["lang"] != spacy_lang:
        raise XnerError(
            f"{start} has the language {config['nlp']['lang']!r}; {lang} would be {spacy_lang!r}.",
            "Give the language that it was trained for.",
        )
    config["components"] = {name: {"source": str(start)} for name in config["nlp"]["pipeline"]}
    config["paths"].update(train=None, dev=None)
    config["initialize"]["components"] = {}
    # A little data is read often, so look often whether it has helped.
    config["training"].update(max_steps=TUNING_STEPS, eval_frequency=TUNING_STEPS // 10, patience=0)
    with atomic_write(output) as file:
        file.write(config.to_str(interpolate=False))
    return spacy_lang, []


@command(
    init_config,
    base=option("BASE", kind=str),
    output="OUT.cfg",
    labels=option(),
    start=option("--from", metavar="PIPELINE"),
)
def init_config_cli(
    call: Callable[[], Tuple[str, List[str]]],
    base: PathLike,
    output: PathLike,
    lang: str,
    labels: Optional[str],
    start: Optional[PathLike],
) -> None:
    """Print the language of the config."""
    spacy_lang, on_tokenizer = call()
    done(f"Config with the language {spacy_lang!r}", output)
    note(describe_language(lang))
    if str(base) == "student" and labels in (None, "hard") and start is None:
        note(NO_SCORES)
    for text in on_tokenizer:
        warn("Mind the tokenizer:", text)


def base_config(base: PathLike, **options: str) -> Config:
    """RETURNS (Config): The config of one of `BASES` with the options, or of a file. It has no language yet, and is not
    interpolated. RAISES: InputError for a missing or broken file; XnerError for an option that the base does not have.
    """
    known = BASES.get(str(base), {})
    for name, value in options.items():
        if name not in known:
            possible_bases = [known_base for known_base, its_options in BASES.items() if name in its_options]
            raise XnerError(f"{str(base)!r} has no option --{name}.", f"It is one of: {', '.join(possible_bases)}.")
        if value not in known[name]:
            raise XnerError(f"--{name} {value} is unknown.", f"Choose one of: {', '.join(known[name])}.")
    if not known:
        return read_config(base)
    template = _templates().get_template("teacher.cfg.jinja" if base == "teacher" else "student.cfg.jinja")
    variables = {**{name: choices[0] for name, choices in known.items()}, **options}
    overrides = Config().from_str(template.render(role=str(base), **variables), interpolate=False)
    return Config(DEFAULT_CONFIG).merge(overrides)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("xner_spacy", "configs"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
