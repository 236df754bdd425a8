"""Put one language of MasakhaNER 2.0 and MAFAND into the folders of a project, as a user would.

    python scripts/inputs.py LANG MASAKHANER2 MAFAND OUT --sources swa,hau

OUT gets text/ (train and dev, without their labels), bitext/ (all of MAFAND with English), gold/ (test) and, for each source
language, sources/ (train and dev with their labels, and its bitext). If half of the test sentences or more have a
translation, gold/ holds those alone, so that the teacher can be scored too.
"""

import shutil
from pathlib import Path
from typing import Iterator, Set

import typer

from xner_spacy.corpora.bitext import read_bitext
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.corpora.formats.columns import TaggedSentence, read_columns
from xner_spacy.corpora.writing import folder_written_aside
from xner_spacy.errors import InputError, XnerError, require
from xner_spacy.labels import LABEL_MAPS, map_label
from xner_spacy.languages import blank_vocab
from xner_spacy.translation.given_bitext import letters_key

ALL_SOURCES = ("hau", "kin", "nya", "pcm", "sna", "swa", "yor")


def main(
    lang: str,
    ner: Path,
    mafand: Path,
    out: Path,
    sources: str = typer.Option(",".join(ALL_SOURCES), help="Source languages, with commas; LANG itself is left out."),
    broken: str = typer.Option("refuse", help="Sentences with a line that can't be read: refuse the file, or skip."),
) -> None:
    """Write the folders of LANG (ISO 639-3) from NER (MasakhaNER 2.0) and MAFAND to OUT."""
    others = [source for source in filter(None, sources.split(",")) if source != lang]
    for code in (lang, *others):
        for folder in (ner / code, mafand / f"en-{code}"):
            if not folder.is_dir():
                raise XnerError(f"No data for the language {code!r} in {folder}.", "Choose it with --vars.lang lug.")
    with folder_written_aside(out) as folder:
        for name in ("corrected", "english", "models"):
            (folder / name).mkdir()
        for split in ("train", "dev"):
            _write_labelled(
                ner / lang / f"{split}.txt", folder / "text" / f"{split}.spacy", labels=False, broken=broken
            )
        _copy_bitext(mafand, lang, folder / "bitext")
        _write_test(ner / lang / "test.txt", folder / "gold" / "test.spacy", _translated(mafand, lang), broken)
        for source in others:
            for split in ("train", "dev"):
                _write_labelled(
                    ner / source / f"{split}.txt", folder / "sources" / source / f"{split}.spacy", broken=broken
                )
            _copy_bitext(mafand, source, folder / "sources" / source)


def _copy_bitext(mafand: Path, lang: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted((mafand / f"en-{lang}").glob("*.*")):
        if file.suffix in (".en", f".{lang}"):
            shutil.copyfile(file, folder / file.name)


def _translated(mafand: Path, lang: str) -> Set[str]:
    files = sorted((mafand / f"en-{lang}").glob("*.en"))
    return {letters_key(target) for file in files for _, target in read_bitext(file, file.with_suffix(f".{lang}"))}


def _write_labelled(path: Path, output: Path, *, labels: bool = True, broken: str) -> None:
    write_docbin(output, _docs(path, labels, broken))


def _write_test(path: Path, output: Path, translated: Set[str], broken: str) -> None:
    docs = _docs(path, True, broken)
    kept = [doc for doc in docs if letters_key(doc.text) in translated]
    if 2 * len(kept) < len(docs):
        kept = docs
    write_docbin(output, kept)
    typer.echo(f"gold: {len(kept)} of {len(docs)} sentences of {path}")


def _read(path: Path, broken: str) -> Iterator[TaggedSentence]:
    require(broken in ("refuse", "skip"), f"--broken {broken} is unknown.", "Give refuse or skip.")
    try:
        yield from read_columns(path, repair=True, broken=broken)  # type: ignore[arg-type]
    except InputError as error:
        hint = "Mend the line. Or leave such sentences out: --vars.broken skip"
        raise InputError(error.fault, path, error.line, hint if broken == "refuse" else error.hint) from None


def _docs(path: Path, labels: bool, broken: str) -> list:
    docs = []
    for sentence in _read(path, broken):
        mapped = [(entity, map_label(entity.label, LABEL_MAPS["masakhaner"])) for entity in sentence.entities]
        entities = [entity._replace(label=label) for entity, label in mapped if labels and label is not None]
        docs.append(make_doc(blank_vocab("xx"), sentence.words, entities))
    return docs


if __name__ == "__main__":
    typer.run(main)
