"""Prepare a language that Apertium translates into English, and the bitext that the aligner learns
from.

Writes to OUT:
    train.spacy, dev.spacy   sentences without their labels
    test.spacy               sentences with gold labels
    en.tok, target.tok       the training sentences and their translations, tokenised
The translations are kept in the store that the teacher reads too, so that nothing is translated
twice.
"""

from pathlib import Path
from typing import List

import typer

from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.errors import XnerError
from xner_spacy.labels import LABEL_MAPS, map_label
from xner_spacy.languages import blank
from xner_spacy.registry import get_part
from xner_spacy.translation.store import Stored

# Files of train, dev and test, their format and the map of their labels.
SETS = {
    "es": (("conll2002/esp.train", "conll2002/esp.testa", "conll2002/esp.testb"), "conll", "conll"),
    "hr": (
        tuple(f"uner/hr_set/hr_set-ud-{s}.iob2" for s in ("train", "dev", "test")),
        "uner",
        "uner",
    ),
    "sr": (
        tuple(f"uner/sr_set/sr_set-ud-{s}.iob2" for s in ("train", "dev", "test")),
        "uner",
        "uner",
    ),
}


def main(lang: str, data: Path, out: Path, mode: str, store: Path) -> None:
    """Prepare LANG from the folder DATA, with the translations of Apertium's direction MODE in
    STORE.
    """
    if lang not in SETS:
        raise XnerError(f"No data set for {lang!r}.", f"There are: {', '.join(SETS)}.")
    files, style, map_name = SETS[lang]
    nlp, english = blank(lang), blank("en")
    for split, name in zip(("train", "dev", "test"), files):
        docs = []
        for sentence in read_columns(data / name, style, repair=True):
            entities = []
            for entity in sentence.entities if split == "test" else ():
                label = map_label(entity.label, LABEL_MAPS[map_name])
                if label is not None:
                    entities.append(entity._replace(label=label))
            docs.append(make_doc(nlp.vocab, sentence.words, entities))
        write_docbin(out / f"{split}.spacy", docs)
        typer.echo(f"{split}: {len(docs)} sentences")
        if split == "train":
            texts = list(dict.fromkeys(doc.text for doc in docs))
            words = {doc.text: [t.text for t in doc] for doc in docs}
    apertium = get_part("xner_translators", "xner.Apertium.v1", mode=mode)
    translator = Stored(apertium, store)
    pairs = [(text, t.text) for text, t in zip(texts, translator(texts)) if t.text]
    _write(out / "target.tok", [" ".join(words[text]) for text, _ in pairs])
    _write(
        out / "en.tok",
        [" ".join(t.text for t in english.make_doc(s) if not t.is_space) for _, s in pairs],
    )
    typer.echo(f"{len(pairs)} sentence pairs")


def _write(path: Path, lines: List[str]) -> None:
    with atomic_write(path) as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
