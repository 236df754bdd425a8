"""Read labelled files of a project: test sets, corrected text and other languages, with the labels PER, LOC and ORG.

Which label map fits is found out from the labels that a folder has. What it drops is counted.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..corpora.docs import make_doc, read_docs
from ..corpora.formats.columns import Broken
from ..corpora.formats.jsonl import read_jsonl
from ..errors import InputError
from ..labels import EVERY_LABEL, LABEL_MAPS, LABELS, LabelMap
from .columns_layout import guess_layout, read_project_columns
from .folders import Kind, sort_by_kind
from .summary import counted
from .text_files import PLACE_KEY

# Other names of the labels, in lower case.
_SPELLINGS = {
    **dict.fromkeys(("per", "person", "people"), "PER"),
    **dict.fromkeys(("loc", "location", "place"), "LOC"),
    **dict.fromkeys(("org", "organization", "organisation"), "ORG"),
}


class Labelled(NamedTuple):
    """The sentences of a folder, and what is to be told about them."""

    docs: List[Doc]
    summary: Dict[str, Any]


def read_labelled(paths: Sequence[Path], nlp: Language, root: Path, broken: Broken = "refuse") -> Labelled:
    """Read labelled files.

    paths (Sequence[Path]): Column files (their layout is found out), DocBins, or JSON lines of an annotation tool.
    nlp (Language): Of the language. root (Path): The project; places name files below it.
    broken (Broken): What becomes of sentences with a line that can't be read, see `read_columns`.
    RETURNS (Labelled): The sentences with the labels PER, LOC and ORG.
    RAISES: InputError for a file that is broken, empty or of another form, and for labels that are unknown.
    """
    files, others = sort_by_kind(list(paths))
    for path in [*others, *(path for path, kind in files if kind == "text")]:
        hint = "Give a token, a tab and its tag a line (.iob), or a .spacy; xner convert makes both of other forms."
        raise InputError("holds no labelled sentences that can be read.", path, None, hint)
    counts_of_reading: Counter = Counter()
    described: Dict[str, Any] = {}
    docs_by_file: Dict[Path, List[Doc]] = {}
    for path, kind in files:
        layout, docs = _read(path, kind, nlp, counts_of_reading, broken)
        docs_by_file[path] = docs
        name = path.relative_to(root).as_posix()
        if not docs:
            raise InputError("is empty: it holds no sentence.", path)
        for number, doc in enumerate(docs, 1):
            doc.user_data.setdefault(PLACE_KEY, {"file": name, "sentence": number})
        described[name] = {"layout": layout, "sentences": len(docs)}
    counts = Counter(ent.label_ for docs in docs_by_file.values() for doc in docs for ent in doc.ents)
    label_map = choose_map(counts, docs_by_file)
    dropped = {label: n for label, n in sorted(counts.items()) if label_map[label] is None}
    all_docs = [_mapped(doc, label_map) for docs in docs_by_file.values() for doc in docs]
    kept = Counter(ent.label_ for doc in all_docs for ent in doc.ents)
    summary = {
        "files": described,
        "sentences": len(all_docs),
        "tokens": sum(map(len, all_docs)),
        "entities": {label: kept[label] for label in LABELS},
        "labels": {label: mapped for label, mapped in sorted(label_map.items()) if mapped not in (None, label)},
        "dropped": dropped,
        **counted(counts_of_reading),
    }
    return Labelled(all_docs, summary)


def _read(path: Path, kind: Kind, nlp: Language, counts: Counter, broken: Broken) -> Tuple[str, List[Doc]]:
    if kind == "docbin":
        return "DocBin", list(read_docs(path, nlp.vocab))
    if kind == "jsonl":
        return "JSON lines of an annotation tool", list(read_jsonl(path, None, nlp, counts))
    guess = guess_layout(path)
    sentences = read_project_columns(path, guess.layout, counts, broken)
    return guess.words, [make_doc(nlp.vocab, s.words, s.entities) for s in sentences]


def choose_map(counts: Counter, docs_by_file: Dict[Path, List[Doc]]) -> LabelMap:
    """RETURNS (LabelMap): PER, LOC, ORG or None (dropped) for each label, by all known maps and other spellings.

    counts (Counter): The entities of each label. docs_by_file: Where they stand, for the message.
    RAISES: InputError that names the unknown labels, and the first file that has one.
    """
    known: Dict[str, Optional[str]] = {
        label: EVERY_LABEL[label] if label in EVERY_LABEL else _SPELLINGS[label.lower()]
        for label in counts
        if label in EVERY_LABEL or label.lower() in _SPELLINGS
    }
    unknown = sorted(set(counts) - set(known))
    if unknown:
        path = next(path for path, docs in docs_by_file.items() if any(_has_label(doc, unknown) for doc in docs))
        names = ", ".join(f"{label!r} ({counts[label]})" for label in unknown[:10])
        message = f"has unknown labels: {names}. Known are PER, LOC and ORG and those of: {', '.join(LABEL_MAPS)}."
        raise InputError(message, path, None, "Rename them to PER, LOC or ORG, or to MISC, which is dropped.")
    return known


def _has_label(doc: Doc, labels: Sequence[str]) -> bool:
    return any(ent.label_ in labels for ent in doc.ents)


def _mapped(doc: Doc, label_map: LabelMap) -> Doc:
    missing = [Span(doc, token.i, token.i + 1) for token in doc if not token.ent_iob]
    kept = [(ent, label_map[ent.label_]) for ent in doc.ents]
    spans = [Span(doc, ent.start, ent.end, label=label, kb_id=ent.kb_id) for ent, label in kept if label is not None]
    doc.set_ents(spans, missing=missing, default="outside")
    return doc
