"""A made-up run: sentences with readings, links, spans, scores and losses."""

from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span, SpanGroup

from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.docdata import SPANS_KEY, stamp_of
from xner_spacy.languages import blank_vocab
from xner_spacy.types import Alignment, Entity, Json

SCRIPT = "<script>document.title='taken'</script>"
# Text, reading, links, spans (start, end, label, score, source), losses (start, end, label, reason).
SENTENCES: List[Tuple[str, Optional[str], str, List[Tuple[Any, ...]], List[Tuple[Any, ...]]]] = [
    ("Anna býr í París .", "Anna lives in Paris .", "0-0 1-1 2-2 3-3 4-4",
     [(0, 1, "PER", 0.98, (0, 1)), (3, 4, "LOC", 0.91, (3, 4))], []),
    ("Jón vinnur hjá Marel .", "Jon works for Marel .", "0-0 1-1 2-2 4-4",
     [(0, 1, "PER", 0.42, (0, 1))], [(3, 4, "ORG", "no_links")]),
    (f"{SCRIPT} & \" Anna hitti <b>Jón</b> .", f"{SCRIPT} met Jon .", "0-0 1-4 2-5 3-6",
     [(5, 6, "PER", 0.77, (2, 3))], [(0, 1, "<i>&\"'", "no_candidate")]),
    ("Það rignir .", "It is raining .", "0-0 1-1 2-1 3-2", [], []),
    ("Í gær fór STRASSE heim .", None, "", [], []),
]  # fmt: skip


def toy_doc(
    words: Sequence[str],
    source: Optional[Sequence[str]] = None,
    links: Sequence[Tuple[int, int]] = (),
    spans: Sequence[Tuple[Any, ...]] = (),
    lost: Sequence[Tuple[Any, ...]] = (),
) -> Doc:
    """RETURNS (Doc): A projected Doc."""
    doc = make_doc(blank_vocab("is"), words, [Entity(*span[:3]) for span in spans])
    if source is not None:
        doc._.xner_source = make_doc(
            blank_vocab("en"), source, sorted(Entity(*loss[:3]) for loss in lost if loss[3] != "nested")
        )
        doc._.xner_alignment = Alignment(links, tokens=stamp_of(doc._.xner_source, doc))
    attrs: Json = {
        "scores": [span[3] for span in spans],
        "unprojected": [dict(zip(("start", "end", "label", "reason"), loss, strict=True)) for loss in lost],
    }
    if source is not None:
        attrs["sources"] = [list(span[4]) for span in spans]
    group = [Span(doc, span[0], span[1], label=span[2]) for span in spans]
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=group, attrs=attrs)
    return doc


def toy_docs(times: int = 1) -> List[Doc]:
    """RETURNS (List[Doc]): The sentences, some times over."""
    return [
        toy_doc(
            text.split(" "),
            None if source is None else source.split(" "),
            [tuple(map(int, link.split("-"))) for link in links.split()],  # type: ignore[misc]
            spans,
            lost,
        )
        for _ in range(times)
        for text, source, links, spans, lost in SENTENCES
    ]


def toy_run(path: Path, times: int = 1) -> Path:
    """RETURNS (Path): A .spacy file of the sentences."""
    write_docbin(path, toy_docs(times))
    return path


def other_run(path: Path, times: int = 1) -> Path:
    """RETURNS (Path): A run over the same sentences by a student, which sees Marel and takes Anna for a place."""
    docs = []
    for doc in toy_docs(times):
        words = [token.text for token in doc]
        spans: List[Tuple[Any, ...]] = [
            (k, k + 1, {"Anna": "LOC", "Marel": "ORG", "París": "LOC"}[word], 0.5)
            for k, word in enumerate(words) if word in ("Anna", "Marel", "París")
        ]  # fmt: skip
        docs.append(toy_doc(words, spans=spans))
    write_docbin(path, docs)
    return path


def gold_file(path: Path, times: int = 1) -> Path:
    """RETURNS (Path): Gold of the same sentences."""
    docs = []
    for doc in toy_docs(times):
        words = [token.text for token in doc]
        labels = {"Anna": "PER", "Jón": "PER", "Marel": "ORG", "París": "LOC"}
        docs.append(
            make_doc(doc.vocab, words, [Entity(k, k + 1, labels[w]) for k, w in enumerate(words) if w in labels])
        )
    write_docbin(path, docs)
    return path
