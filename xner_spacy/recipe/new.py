"""`xner new`: a project for a language of one's own."""

from pathlib import Path
from typing import Any, Dict

import typer
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..about import __version__
from ..cli.output import done, say
from ..cli.plan import plan
from ..corpora.writing import atomic_write, written_together
from ..errors import XnerError, require
from ..languages import choose_tokenizer, codes_of, find_code, unknown_language
from ..types import Json, PathLike

# The folders of the inputs, and what goes into each: the text of its README.md.
FOLDERS = {
    "text": "Raw text in {name}: .txt files in UTF-8, one sentence a line or whole documents; or tokenised .iob, .spacy.",
    "bitext": "Translations, if you have any: pairs of files of which line n of one translates line n of the other, such "
    "as en.txt and {lang}.txt, or news.en and news.{lang}.",
    "gold": "A labelled test set in {name} (.iob, .conll, .spacy), if you have one. It is used for the figures alone.",
    "corrected": "Labelled or corrected sentences to learn from, if you have any (.iob, .conll, .spacy).",
    "sources": "Other labelled languages, each in a folder of its own: sources/swa/train.iob, and a bitext with English "
    "beside it (news.en, news.swa).",
    "english": "Your English models, if you have any: folders of spaCy pipelines or of Hugging Face models that classify "
    "tokens, or their names in english.txt, one a line. "
    "If it is empty, three are trained on public data.",
    "models": "CTranslate2 translation models, if you have any: folders that `xner convert-model` made.",
}
TEMPLATES = {"project.yml.jinja": "project.yml", "README.md.jinja": "README.md", "card.yml.jinja": "card.yml"}
GITIGNORE = "assets/downloads/\ncorpus/\nlabelled/\nmetrics/\npackages/\ntraining/\nproject.lock\npage.html\n"


def new(lang: str, directory: PathLike, *, name: str = "ner") -> Path:
    """Make a project for a language: a folder with project.yml, a README, and folders that say what goes where.
    `spacy project run all` in it does the rest.

    lang (str): ISO 639-1, ISO 639-3 or FLORES-200 code of the language.
    directory (PathLike): The folder to make. It may be there, but none of the project's files may be.
    name (str): Name of the package, after the language's code.
    RETURNS (Path): The folder.
    RAISES: XnerError for an unknown language, for English, and if a file of the project is there already.
    """
    entry = find_code(lang)
    if entry is None:
        raise unknown_language(lang)
    require(
        lang.lower() not in codes_of("en"),
        f"{lang!r} is English, which needs no projection.",
        "Use one of spaCy's English pipelines.",
    )
    folder = Path(directory)
    require(name.isidentifier(), f"{name!r} can't be the name of a package.", "Use letters, digits and _.")
    texts = _texts(lang, name, plan(lang))
    there = [path for path in texts if (folder / path).exists()]
    if there:
        raise XnerError(f"{folder / there[0]} is there already.", "Name another folder, or remove the file.")
    with written_together():
        for path, text in texts.items():
            with atomic_write(folder / path) as file:
                file.write(text)
    return folder


def _texts(lang: str, package: str, facts: Json) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The files of the project, by their path in it."""
    environment = Environment(
        loader=PackageLoader("xner_spacy.recipe", "templates"),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    entry = find_code(lang)
    name = entry.name if entry else lang
    values: Dict[str, Any] = {
        "lang": lang, "name": name, "package": package, "spacy_lang": choose_tokenizer(lang).lang,
        "version": __version__, "facts": facts,
    }  # fmt: skip
    texts = {output: environment.get_template(template).render(**values) for template, output in TEMPLATES.items()}
    for folder, text in FOLDERS.items():
        texts[f"{folder}/README.md"] = f"# {folder}/\n\n{text.format(name=name, lang=lang)}\n"
    return {**texts, ".gitignore": GITIGNORE}


def new_cli(
    lang: str = typer.Argument(..., metavar="LANG", help="Code of the language: ISO 639-1, ISO 639-3 or FLORES-200."),
    directory: Path = typer.Argument(..., metavar="DIR", help="The folder to make."),
    name: str = typer.Option("ner", "--name", "-n", help="Name of the package, after the language's code."),
) -> None:
    """Make a project for a language of your own: `spacy project run all` in it makes the pipeline."""
    folder = new(lang, directory, name=name)
    done("Project", folder)
    say(
        f"Put text into {folder / 'text'} and a bitext into {folder / 'bitext'}, if you have one (each folder says what it"
    )
    say("takes), then run:")
    say(f"\n    cd {folder}\n    python -m spacy project run all")
