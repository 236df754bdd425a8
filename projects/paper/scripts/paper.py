"""The seed paper's evaluation (arXiv 2501.18750): its data as it reads them, a teacher for each of its systems, and its
published figures beside those of a run.
"""

import csv
from pathlib import Path
from typing import Dict, List

import srsly
import typer
from spacy.util import load_config, load_model_from_config

from xner_spacy.cli.evaluate import evaluate
from xner_spacy.cli.init_config import init_config
from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.annotate import annotate as annotate_corpus
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.errors import InputError, MissingExtraError
from xner_spacy.labels import LABEL_MAPS, map_label
from xner_spacy.languages import blank, find_code

PUBLISHED = Path(__file__).parent / "published.tsv"
ALIGNERS = {"simalign": "xner.SimAlign.v1", "awesome": "xner.Awesome.v1"}
PROJECTORS = ("heuristic", "ngrams", "ner", "backtranslation")
app = typer.Typer(add_completion=False)


@app.command()
def corpus(data: str, lang: str, folder: Path, out: Path) -> None:
    """Make OUT from the test split of LANG: `FOLDER/LANG/test.txt` (MasakhaNER 2.0) or
    `FOLDER/LANG/test` (PAN-X as XTREME has it).

    DATE and MISC are no entities. Spaces are where NLTK's Treebank detokeniser puts them; scripts
    without spaces have none.
    """
    path = folder / lang / "test.txt"
    path = path if path.exists() else folder / lang / "test"
    if not path.exists():
        raise InputError("no such file.", path)
    nlp = blank(lang if data == "masakhaner" else "xx")
    entry = find_code(lang)
    spaceless = entry is not None and entry.script in ("Jpan", "Hans", "Thai")
    docs = []
    # XTREME writes the language before each token.
    for sentence in read_columns(path, "panx" if data == "xtreme" else "iob2", repair=True):
        words = sentence.words
        entities = [
            entity._replace(label=label)
            for entity in sentence.entities
            if (label := map_label(entity.label, LABEL_MAPS["masakhaner"])) is not None
        ]
        spaces = [False] * len(words) if spaceless else treebank_spaces(words)
        docs.append(make_doc(nlp.vocab, words, entities, spaces))
    write_docbin(out, docs)
    typer.echo(f"{len(docs)} sentences")


def treebank_spaces(words: List[str]) -> List[bool]:
    """RETURNS (List[bool]): Whether NLTK's Treebank detokeniser leaves a space behind each word."""
    try:
        from nltk.tokenize.treebank import TreebankWordDetokenizer
    except ImportError as error:
        raise MissingExtraError("The paper's detokenising", "paper") from error
    text = TreebankWordDetokenizer().detokenize(words)
    spaces, position = [], 0
    for word in words:
        start = text.find(word, position, position + len(word) + 3)
        # The detokeniser changes quotation marks; such a word ends where its length says.
        position = (start if start >= 0 else position) + len(word)
        spaces.append(text[position : position + 1] == " ")
        position += spaces[-1]
    return [*spaces[:-1], False] if spaces else []


@app.command()
def teachers(
    lang: str,
    out: Path,
    ner: str = typer.Option(..., help="The token classifier: a name on the hub, or a folder."),
    encoder: str = typer.Option(..., help="The aligners' encoder."),
    device: str = typer.Option(...),
    quantization: str = typer.Option(...),
    dtype: str = typer.Option(...),
) -> None:
    """Assemble in OUT a teacher for each projector and aligner of the paper's tables, and model transfer. All of them
    share one store of translations.
    """
    systems = {f"{projector}-{aligner}": (projector, aligner) for projector in PROJECTORS for aligner in ALIGNERS}
    for name, (projector, aligner) in {"transfer": ("transfer", "simalign"), **systems}.items():
        init_config("teacher", out / f"{name}.cfg", lang, translator="nllb", projector=projector)
        settings = {
            "paths.ner": ner,
            "paths.encoder": encoder,
            "paths.store": "corpus/translations.sqlite",
            "vars.target": lang,
            "vars.aligner": ALIGNERS[aligner],
            "vars.device": device,
            "vars.compute_type": quantization,
            "vars.dtype": dtype,
        }
        nlp = load_model_from_config(load_config(out / f"{name}.cfg", overrides=settings), auto_fill=True)
        nlp.initialize()
        nlp.to_disk(out / name)
        typer.echo(f"Assembled {out / name}")


@app.command()
def annotate(teachers: Path, test: Path, out: Path, metrics: Path) -> None:
    """Label TEST by each teacher in the folder TEACHERS, and compare what comes out with its gold."""
    for teacher in sorted(path for path in teachers.iterdir() if path.is_dir()):
        annotate_corpus(teacher, test, out / teacher.name, overwrite=True)
        scores = evaluate(test, out / teacher.name)
        metrics.mkdir(parents=True, exist_ok=True)
        srsly.write_json(metrics / f"{teacher.name}.json", scores)
        typer.echo(f"{teacher.name}: F1 {percent(scores['f1'])}")


@app.command()
def report(data: str, lang: str, metrics: Path, out: Path) -> None:
    """Put the published F1 of DATA and LANG beside those of `xner evaluate --json` in the folder
    METRICS.
    """
    published = read_published().get((data, lang), {})
    rows = []
    for file in sorted(metrics.glob("*.json")):
        scores = srsly.read_json(file)
        low, high = scores["f1_interval"]
        rows.append(
            [
                file.stem,
                percent(scores["f1"]),
                f"{percent(low)}-{percent(high)}",
                published.get(file.stem, "-"),
            ]
        )
    text = table(["", "F1", "95% interval", "published"], rows)
    with atomic_write(out) as page:
        page.write(f"### {data} {lang}\n\n{text}\n")
    typer.echo(text)


def read_published() -> Dict["tuple[str, str]", Dict[str, str]]:
    """RETURNS (Dict[Tuple[str, str], Dict[str, str]]): F1 by system, by data set and language."""
    with PUBLISHED.open(encoding="utf8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return {(row["data"], row["lang"]): row for row in csv.DictReader(lines, delimiter="\t")}


if __name__ == "__main__":
    app()
