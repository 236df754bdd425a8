"""`xner convert`: any corpus format to DocBin and back."""

from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import typer
from spacy.tokens import Doc, Span
from spacy.util import minibatch

from ..corpora.bitext import read_bitext
from ..corpora.docs import doc_to_sentence, make_doc, read_docs, write_docbin
from ..corpora.files import PathLike
from ..corpora.iob import FORMATS, Repairs, is_iob, read_iob, write_iob
from ..corpora.writing import atomic_write
from ..errors import XnerError
from ..labels import LabelMap, get_label_map, map_label
from ..languages import blank, blank_vocab
from ..types import Entity
from .output import done, show_counts

Format = Enum("Format", {name: name for name in [*FORMATS, "bitext", "docbin"]}, type=str)  # type: ignore[misc]


def register(app: typer.Typer) -> None:
    app.command("convert")(convert_cli)


def convert_cli(
    input_path: Path = typer.Argument(
        ..., metavar="IN", help="File to read (for DocBin also a folder of shards)."
    ),
    output_path: Path = typer.Argument(
        ..., metavar="OUT", help=".iob, .txt, .spacy, or a folder for numbered shards."
    ),
    from_: Format = typer.Option(
        None,
        "--from",
        help="Format of IN. By default .spacy files and folders are DocBin, all else iob2.",
    ),
    target: Optional[Path] = typer.Option(
        None, "--target", help="For bitext: the target-language file; IN is the source."
    ),
    lang: str = typer.Option("xx", "--lang", "-l", help="Language code of the (target) text."),
    source_lang: str = typer.Option(
        "en", "--source-lang", help="For bitext: language code of the source text."
    ),
    label_map: Optional[str] = typer.Option(
        None,
        "--label-map",
        "-m",
        help="conll, ontonotes, masakhaner, uner or wnut17: to PER, LOC, ORG.",
    ),
    labels: Optional[str] = typer.Option(
        None, "--labels", help="Labels that may occur, comma-separated; any other is an error."
    ),
    limit: int = typer.Option(0, "--limit", help="Stop after so many sentences (0 = all)."),
    shard_size: int = typer.Option(
        1000, "--shard-size", min=1, help="Sentences a shard, where OUT is a folder."
    ),
    repair: bool = typer.Option(
        False,
        "--repair",
        help="Mend what can be mended, and count it, instead of refusing the file.",
    ),
) -> None:
    """Convert a corpus: IOB2, IOB1, CoNLL columns, UNER, PAN-X or a bitext to DocBin, and DocBin back to .iob or .txt."""
    counts = convert(
        input_path,
        output_path,
        style=from_.value if from_ else None,
        target=target,
        lang=lang,
        source_lang=source_lang,
        label_map=label_map,
        labels=labels.split(",") if labels else None,
        limit=limit,
        shard_size=shard_size,
        repair=repair,
    )
    show_counts(counts)
    done(f"{counts['sentences']} sentences", output_path)


def convert(
    input_path: PathLike,
    output_path: PathLike,
    *,
    style: Optional[str] = None,
    target: Optional[PathLike] = None,
    lang: str = "xx",
    source_lang: str = "en",
    label_map: Optional[str] = None,
    labels: Optional[List[str]] = None,
    limit: int = 0,
    shard_size: int = 1000,
    repair: bool = False,
) -> Dict[str, int]:
    """Convert a corpus file. Arguments are those of the command.

    RETURNS (Dict[str, int]): What was counted: `sentences`, `entities`, `dropped LABEL`, `repaired KIND`.
    RAISES: InputError with file and line for what cannot be read; nothing is written then.
    """
    input_path, output_path = Path(input_path), Path(output_path)
    if style is None:
        style = "docbin" if input_path.is_dir() or input_path.suffix == ".spacy" else "iob2"
    repairs = Repairs()
    counts: Counter = Counter(sentences=0, entities=0)
    docs = _docs(input_path, style, target, lang, source_lang, labels, repair, repairs)
    kept = _mapped(docs, label_map, limit, counts)
    if is_iob(output_path):
        write_iob(output_path, (doc_to_sentence(doc) for doc in kept))
    elif output_path.suffix == ".txt":
        with atomic_write(output_path) as file:
            for doc in kept:
                file.write(" ".join(doc_to_sentence(doc).words) + "\n")
    elif output_path.suffix == ".spacy":
        write_docbin(output_path, kept)
    elif output_path.suffix:
        raise XnerError(
            f"{output_path}: no format for the ending {output_path.suffix!r}.",
            "Use .iob, .txt or .spacy, or a name without ending for a folder of shards.",
        )
    else:
        for number, shard in enumerate(minibatch(kept, shard_size)):
            write_docbin(output_path / f"{number:05d}.spacy", shard)
    counts.update({f"repaired {kind}": n for kind, n in repairs.counts.items() if n})
    return dict(counts)


def _docs(
    path: Path,
    style: str,
    target: Optional[PathLike],
    lang: str,
    source_lang: str,
    labels: Optional[List[str]],
    repair: bool,
    repairs: Repairs,
) -> Iterator[Doc]:
    # Tokens that are there already need no tokenizer, nor the package that spaCy's may ask for.
    vocab = blank_vocab(lang)
    if style == "docbin":
        yield from read_docs(path, vocab)
    elif style == "bitext":
        if target is None:
            raise XnerError(
                "A bitext is two files.", "IN is the source file; name the other with --target."
            )
        nlp, source_nlp = blank(lang), blank(source_lang)
        for left, right in read_bitext(path, Path(target), repair=repair):
            doc = nlp.make_doc(right)
            doc._.xner_source = source_nlp.make_doc(left)
            yield doc
    else:
        for sentence in read_iob(path, style, repair=repair, repairs=repairs, labels=labels):
            yield make_doc(vocab, sentence.words, sentence.entities)


def _mapped(
    docs: Iterator[Doc], label_map: Optional[str], limit: int, counts: Counter
) -> Iterator[Doc]:
    mapping = get_label_map(label_map)
    for doc in docs:
        if limit and counts["sentences"] >= limit:
            return
        counts["sentences"] += 1
        if mapping is not None:
            doc, dropped = _apply(doc, mapping)
            counts.update(f"dropped {label}" for label in dropped)
        counts["entities"] += len(doc.ents)
        yield doc


def _apply(doc: Doc, mapping: LabelMap) -> Tuple[Doc, List[str]]:
    kept, dropped = [], []
    for ent in doc.ents:
        label = map_label(ent.label_, mapping)
        if label is None:
            dropped.append(ent.label_)
        else:
            kept.append(Entity(ent.start, ent.end, label))
    missing = [Span(doc, t.i, t.i + 1) for t in doc if not t.ent_iob]
    doc.set_ents([Span(doc, e.start, e.end, label=e.label) for e in kept], missing=missing)
    return doc, dropped
