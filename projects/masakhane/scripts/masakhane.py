"""Prepare one language of MasakhaNER 2.0 and its MAFAND bitext.

Writes to OUT:
    train.spacy, dev.spacy   MasakhaNER sentences that have a human translation, without their labels
    test.spacy               the same of the test split, with gold labels
    en.txt, target.txt       the translations and the sentences, raw, line-parallel (for the translator)
    en.tok, target.tok       the whole bitext, tokenised (for the aligner)
"""

from collections import Counter
from pathlib import Path
from typing import Dict, List

import typer

from xner_spacy.corpora.bitext import read_bitext
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.corpora.formats.columns import TaggedSentence, read_columns
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.errors import XnerError
from xner_spacy.labels import LABEL_MAPS, map_label
from xner_spacy.languages import blank
from xner_spacy.translation.given_bitext import letters_key

SPLITS = ("train", "dev", "test")


def main(lang: str, ner: Path, mafand: Path, out: Path) -> None:
    """Prepare LANG (ISO 639-3) from the folders NER (MasakhaNER 2.0) and MAFAND."""
    bitext = mafand / f"en-{lang}"
    for folder in (ner / lang, bitext):
        if not folder.is_dir():
            raise XnerError(f"No data for the language {lang!r} in {folder}.", "Choose it with --vars.lang lug.")
    nlp, english = blank(lang), blank("en")
    pairs = []
    for split in SPLITS:
        pairs += list(read_bitext(bitext / f"{split}.en", bitext / f"{split}.{lang}"))
    translations: Dict[str, str] = {}
    for source, target in pairs:
        translations.setdefault(letters_key(target), source)
    tokens: Dict[str, List[str]] = {}
    for split in SPLITS:
        counts: Counter = Counter()
        sentences = list(read_columns(ner / lang / f"{split}.txt", repair=True, counts=counts))
        kept = [s for s in sentences if letters_key("".join(s.words)) in translations]
        for sentence in kept:
            tokens.setdefault(letters_key("".join(sentence.words)), sentence.words)
        docs = [make_doc(nlp.vocab, s.words, _gold(s) if split == "test" else ()) for s in kept]
        write_docbin(out / f"{split}.spacy", docs)
        mended = ", ".join(f"{n} x {kind}" for kind, n in counts.items() if n)
        typer.echo(
            f"{split}: {len(kept)} of {len(sentences)} sentences have a translation"
            + (f" (mended: {mended})" if mended else "")
        )
    _write(out / "en.txt", [source for source, _ in pairs])
    _write(out / "target.txt", [target for _, target in pairs])
    _write(out / "en.tok", [" ".join(_split(english, source)) for source, _ in pairs])
    # The aligner meets the target as MasakhaNER tokenises it, so it learns from the same tokens where they are known.
    _write(
        out / "target.tok",
        [" ".join(tokens.get(letters_key(target)) or _split(nlp, target)) for _, target in pairs],
    )


def _gold(sentence: TaggedSentence):
    mapping = LABEL_MAPS["masakhaner"]
    for entity in sentence.entities:
        label = map_label(entity.label, mapping)
        if label is not None:
            yield entity._replace(label=label)


def _split(nlp, text: str) -> List[str]:
    return [t.text for t in nlp.make_doc(text) if not t.is_space]


def _write(path: Path, lines: List[str]) -> None:
    with atomic_write(path) as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
