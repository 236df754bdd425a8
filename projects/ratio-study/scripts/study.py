"""Prepare the corpora of the ratio study on MasakhaNER 2.0 and MAFAND.

Writes to OUT:
    en.spacy            labelled English sentences: all of the DocBin files in SOURCE
    LANG/train.spacy    unlabelled target sentences with their human translations and word links
    LANG/test.spacy     MasakhaNER's test sentences with gold labels; with translations and links too
                        where MAFAND has them (lug, luo, tsn, pcm)
    LANG/gold.spacy     the sentences of train.spacy with gold labels, for the same languages
    LANG/ntrex.spacy    NTREX with its translation, where NTREX has the language: text of another domain
    LANG/more.spacy     sentences as in train.spacy, 12,000 of them, where there are so many (swa)
    LANG/own.spacy      the sentences of train.spacy that are in MasakhaNER, where only a part of it is (yor)

Where MAFAND holds MasakhaNER's own sentences, the unlabelled ones are those of its training split, with MasakhaNER's
tokens; elsewhere they are MAFAND's training and development sentences (all that it has, if none is for training), by our
tokenizer, without any that is in the test set. The word aligner learns from the whole bitext of the language.
"""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
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
# With fewer sentences of MasakhaNER's own, they are no corpus to sample from.
ENOUGH = 1000
# Sentences of more.spacy; with fewer there is none.
MORE = 12_000
NTREX, NTREX_ENGLISH = "newstest2019-ref.{}.txt", "newstest2019-src.eng.txt"
Pairs = List[Tuple[List[str], List[str]]]


def main(
    ner: Path = typer.Argument(..., help="Folder of MasakhaNER 2.0."),
    mafand: Path = typer.Argument(..., help="Folder of MAFAND."),
    source: Path = typer.Argument(..., help="Folder of labelled English DocBin files."),
    out: Path = typer.Argument(..., help="Where the corpora go."),
    ntrex: Optional[Path] = typer.Option(None, help="Folder of NTREX-128."),
    langs: str = typer.Option("lug,luo,tsn,pcm,hau,swa,yor,kin,nya,sna,xho", help="ISO 639-3 codes."),
    limit: int = typer.Option(4800, help="Unlabelled sentences of each language."),
) -> None:
    """Prepare the corpora of the ratio study."""
    install_extensions()
    english = blank("en")
    labelled = [d for d in read_docs(source, english.vocab) if 0 < len(d) <= MAX_TOKENS]
    write_docbin(out / "en.spacy", labelled)
    typer.echo(f"en: {len(labelled)} labelled sentences")
    for lang in tqdm(langs.split(","), unit=" language"):
        pairs = _language(lang, ner, mafand, out / lang, limit)
        if ntrex is not None and (ntrex / NTREX.format(lang)).exists():
            _ntrex(lang, ntrex, out / lang, pairs)


def _language(lang: str, ner: Path, mafand: Path, out: Path, limit: int) -> Pairs:
    """Write the corpora of a language. RETURNS (Pairs): The words of its bitext."""
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
    tagged = {split: list(read_columns(ner / lang / f"{split}.txt", repair=True, broken="skip")) for split in SPLITS}
    tokens = {_key(s): s.words for sentences in tagged.values() for s in sentences}

    def split_target(text: str) -> List[str]:
        return tokens.get(letters_key(text)) or _words(nlp, text)

    pairs = [(_words(english, a), split_target(b)) for found in bitext.values() for a, b in found]
    aligner = LexicalAligner()
    aligner.train(pairs)

    test = tagged["test"]
    known = [translation.get(_key(s)) for s in test]
    # Where nearly all are translated, the rest is left out, as in the other experiments.
    translated = sum(t is not None for t in known) > 0.9 * len(test)
    if translated:
        test = [s for s, text in zip(test, known) if text is not None]
    gold = [make_doc(nlp.vocab, s.words, _gold(s)) for s in test]
    if translated:
        gold = with_source(gold, [_words(english, translation[_key(s)]) for s in test], aligner)
        own = [s for s in tagged["train"] if _key(s) in translation]
        chosen = [(s.words, translation[_key(s)]) for s in own]
    else:
        held_out = {_key(s) for s in tagged["test"]}
        chosen = [
            (split_target(text), english_text)
            for split in (("train", "dev") if "train" in bitext else SPLITS)
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
    if len(fresh) >= MORE:
        write_docbin(out / "more.spacy", _unlabelled(fresh[:MORE], nlp.vocab, english, aligner))
        typer.echo(f"{lang}: {MORE:,} sentences in more.spacy")
    fresh = fresh[:limit]
    pool = _unlabelled(fresh, nlp.vocab, english, aligner)
    write_docbin(out / "train.spacy", pool)
    if translated:
        by_words = {" ".join(s.words): s for s in reversed(own)}  # of equal sentences the first
        labelled = [by_words[" ".join(words)] for words, _ in fresh]
        write_docbin(out / "gold.spacy", (make_doc(nlp.vocab, s.words, _gold(s)) for s in labelled))
    else:
        own_keys = {_key(s) for split in ("train", "dev") for s in tagged[split]}
        own_docs = [doc for doc in pool if letters_key("".join(t.text for t in doc)) in own_keys]
        if len(own_docs) >= ENOUGH:
            write_docbin(out / "own.spacy", own_docs)
            typer.echo(f"{lang}: {len(own_docs)} of the sentences are MasakhaNER's own")
    write_docbin(out / "test.spacy", gold)
    typer.echo(
        f"{lang}: {len(pool)} unlabelled sentences, {len(gold)} test sentences"
        + (" with translations" if translated else "")
        + f", aligner trained on {len(pairs)} pairs"
    )
    return pairs


def _ntrex(lang: str, ntrex: Path, out: Path, pairs: Pairs) -> None:
    """Write NTREX's sentences. Their aligner learns from them and from the bitext."""
    nlp, english = blank(lang), blank("en")
    test = {letters_key("".join(t.text for t in doc)) for doc in read_docs(out / "test.spacy", nlp.vocab)}
    chosen: Dict[str, Tuple[List[str], str]] = {}
    for text, target in read_bitext(ntrex / NTREX_ENGLISH, ntrex / NTREX.format(lang)):
        words = _words(nlp, target)
        if words and text.strip() and len(words) <= MAX_TOKENS and letters_key(target) not in test:
            chosen.setdefault(" ".join(words), (words, text))
    fresh = list(chosen.values())
    aligner = LexicalAligner()
    aligner.train([*pairs, *((_words(english, text), words) for words, text in fresh)])
    write_docbin(out / "ntrex.spacy", _unlabelled(fresh, nlp.vocab, english, aligner))
    typer.echo(f"{lang}: {len(fresh)} sentences of NTREX")


def _unlabelled(
    sentences: List[Tuple[List[str], str]], vocab: Vocab, english: Language, aligner: LexicalAligner
) -> List[Doc]:
    """RETURNS (List[Doc]): Sentences with their translations and word links, and no labels."""
    docs = [make_doc(vocab, words) for words, _ in sentences]
    for doc in docs:
        doc.set_ents([], default="missing")
    return with_source(docs, [_words(english, text) for _, text in sentences], aligner)


def with_source(docs: List[Doc], sources: List[List[str]], aligner: LexicalAligner) -> List[Doc]:
    """RETURNS (List[Doc]): The Docs with their translations and word links."""
    links = aligner((source, [t.text for t in doc]) for source, doc in zip(sources, docs, strict=True))
    for doc, source, alignment in zip(docs, sources, links, strict=True):
        doc._.xner_source = make_doc(doc.vocab, source)
        doc._.xner_alignment = alignment
    return docs


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
