"""Turn the embedded corpus into what the workflow reads.

OUT/{train,dev,test}.{LANG}.spacy hold the gold entities, OUT/{LANG}.txt all raw sentences, line-parallel.
"""

from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Tuple

import typer
from markup import SPLITS, MarkedText, read_markup
from spacy.tokens import Doc

from xner_spacy.corpora.docs import write_docbin
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.errors import XnerError
from xner_spacy.languages import blank


def main(assets: Path, out: Path, source: str = "en", target: str = "is") -> None:
    """Convert the articles under ASSETS."""
    docs: Dict[Tuple[str, str], List[Doc]] = defaultdict(list)
    texts: Dict[str, List[str]] = {source: [], target: []}
    pipelines = {lang: blank(lang) for lang in texts}
    for path in sorted(assets.glob("*.txt")):
        for pair in read_markup(path, (target, source)):
            for lang, side in zip((target, source), pair.sides):
                docs[pair.split, lang].append(make_doc(pipelines[lang], side, f"{path}:{pair.line}"))
                texts[lang].append(side.text)
    for split in SPLITS:
        for lang in texts:
            write_docbin(out / f"{split}.{lang}.spacy", docs[split, lang])
        typer.echo(f"{split}: {len(docs[split, source])} sentence pairs")
    for lang, lines in texts.items():
        with atomic_write(out / f"{lang}.txt") as file:
            file.write("\n".join(lines) + "\n")


def make_doc(nlp, side: MarkedText, place: str) -> Doc:
    """RETURNS (Doc): The tokenised text with its entities. RAISES: XnerError for a mark that is not on token borders."""
    doc = nlp.make_doc(side.text)
    spans = []
    for start, end, label in side.spans:
        span = doc.char_span(start, end, label=label)
        if span is None:
            raise XnerError(f"{place}: {side.text[start:end]!r} does not begin and end with a token.")
        spans.append(span)
    doc.set_ents(spans)
    return doc


if __name__ == "__main__":
    typer.run(main)
