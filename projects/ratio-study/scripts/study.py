"""Prepare the corpora of the ratio study on MasakhaNER 2.0 and MAFAND.

Writes to OUT:
    en.spacy            labelled English sentences: all of the DocBin files in SOURCE
    LANG/train.spacy    unlabelled target sentences with their human translations and word links
    LANG/test.spacy     MasakhaNER's test sentences with gold labels; with translations and links too
                        where MAFAND has them (lug, luo, tsn, pcm)
    LANG/gold.spacy     the sentences of train.spacy with gold labels, for the same languages

Where MAFAND holds MasakhaNER's own sentences, the unlabelled ones are those of its training split,
with MasakhaNER's tokens; elsewhere they are MAFAND's training and development sentences, by our
tokenizer, without any that is in the test set. The word aligner learns from the whole bitext of the language.
"""

from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

import typer
from spacy.tokens import Doc
from tqdm import tqdm

from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.corpora.bitext import read_bitext
from xner_spacy.corpora.docs import make_doc, read_docs, write_docbin
from xner_spacy.corpora.formats.columns import TaggedSentence, read_columns
from xner_spacy.docdata import install_extensions
from xner_spacy.errors import XnerError
from xner_spacy.labels import LABEL_MAPS, map_label
from xner_spacy.languages import blank
from xner_spacy.translation.given_bitext import letters_key

SPLITS = ("train", "dev", "test")
# Longer sentences are rare, and mostly not sentences.
MAX_TOKENS = 100


def main(
    ner: Path = typer.Argument(..., help="Folder of MasakhaNER 2.0."),
    mafand: Path = typer.Argument(..., help="Folder of MAFAND."),
    source: Path = typer.Argument(..., help="Folder of labelled English DocBin files."),
    out: Path = typer.Argument(..., help="Where the corpora go."),
    langs: str = typer.Option("lug,luo,tsn,pcm,hau,swa,yor", help="ISO 639-3 codes."),
    limit: int = typer.Option(4800, help="Unlabelled sentences of each language."),
) -> None:
    """Prepare the corpora of the ratio study."""
    install_extensions()
    english = blank("en")
    labelled = [d for d in read_docs(source, english.vocab) if 0 < len(d) <= MAX_TOKENS]
    write_docbin(out / "en.spacy", labelled)
    typer.echo(f"en: {len(labelled)} labelled sentences")
    for lang in tqdm(langs.split(","), unit=" language"):
        _language(lang, ner, mafand, out / lang, limit)


def _language(lang: str, ner: Path, mafand: Path, out: Path, limit: int) -> None:
    nlp, english = blank(lang), blank("en")
    folder = mafand / f"en-{lang}"
    if not folder.is_dir() or not (ner / lang).is_dir():
        raise XnerError(f"No data for {lang!r} in {folder} and {ner / lang}.", "Fetch them first.")
    bitext: Dict[str, List[Tuple[str, str]]] = {
        split: list(read_bitext(folder / f"{split}.en", folder / f"{split}.{lang}"))
        for split in SPLITS
        if (folder / f"{split}.en").exists()
    }
    translation: Dict[str, str] = {}
    for english_text, text in (pair for pairs in bitext.values() for pair in pairs):
        translation.setdefault(letters_key(text), english_text)
    tagged = {split: list(read_columns(ner / lang / f"{split}.txt", repair=True)) for split in SPLITS}
    tokens = {_key(s): s.words for sentences in tagged.values() for s in sentences}

    def split_target(text: str) -> List[str]:
        return tokens.get(letters_key(text)) or _words(nlp, text)

    pairs = [(_words(english, a), split_target(b)) for found in bitext.values() for a, b in found]
    aligner = LexicalAligner()
    aligner.train(pairs)

    def with_source(docs: Iterable[Doc], texts: List[str]) -> List[Doc]:
        docs = list(docs)
        sources = [_words(english, text) for text in texts]
        links = aligner((source, [t.text for t in doc]) for source, doc in zip(sources, docs))
        for doc, source, alignment in zip(docs, sources, links, strict=True):
            doc._.xner_source = make_doc(nlp.vocab, source)
            doc._.xner_alignment = alignment
        return docs

    test = tagged["test"]
    known = [translation.get(_key(s)) for s in test]
    # Where nearly all are translated, the rest is left out, as in the other experiments.
    translated = sum(t is not None for t in known) > 0.9 * len(test)
    if translated:
        test = [s for s, text in zip(test, known) if text is not None]
    gold = [make_doc(nlp.vocab, s.words, _gold(s)) for s in test]
    if translated:
        gold = with_source(gold, [translation[_key(s)] for s in test])
        own = [s for s in tagged["train"] if _key(s) in translation]
        chosen = [(s.words, translation[_key(s)]) for s in own]
    else:
        held_out = {_key(s) for s in tagged["test"]}
        chosen = [
            (split_target(text), english_text)
            for split in ("train", "dev")
            for english_text, text in bitext.get(split, ())
            if letters_key(text) not in held_out
        ]
    seen: Dict[str, Optional[bool]] = {}
    fresh = []
    for words, text in chosen:
        key = " ".join(words)
        if words and text.strip() and len(words) <= MAX_TOKENS and key not in seen:
            seen[key] = True
            fresh.append((words, text))
    fresh = fresh[:limit]
    pool = with_source([make_doc(nlp.vocab, words) for words, _ in fresh], [text for _, text in fresh])
    for doc in pool:
        doc.set_ents([], default="missing")
    write_docbin(out / "train.spacy", pool)
    if translated:
        by_words = {" ".join(s.words): s for s in reversed(own)}  # of equal sentences the first
        labelled = [by_words[" ".join(words)] for words, _ in fresh]
        write_docbin(out / "gold.spacy", (make_doc(nlp.vocab, s.words, _gold(s)) for s in labelled))
    write_docbin(out / "test.spacy", gold)
    typer.echo(
        f"{lang}: {len(pool)} unlabelled sentences, {len(gold)} test sentences"
        + (" with translations" if translated else "")
        + f", aligner trained on {len(pairs)} pairs"
    )


def _key(sentence: TaggedSentence) -> str:
    return letters_key("".join(sentence.words))


def _gold(sentence: TaggedSentence):
    for entity in sentence.entities:
        label = map_label(entity.label, LABEL_MAPS["masakhaner"])
        if label is not None:
            yield entity._replace(label=label)


def _words(nlp, text: str) -> List[str]:
    return [t.text for t in nlp.make_doc(text) if not t.is_space]


if __name__ == "__main__":
    typer.run(main)
