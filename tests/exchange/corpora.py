"""Corpora for the tests of annotation tools: made up, with readings, scores, and odd tokens; and what a person does."""

import json
from pathlib import Path
from typing import Any, Callable, List, Sequence, Tuple

import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc, Span, SpanGroup

from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.docdata import SPANS_KEY
from xner_spacy.exchange.all_tools import TOOLS
from xner_spacy.exchange.corrections import import_corrections
from xner_spacy.exchange.export import export_run
from xner_spacy.exchange.queues import RandomQueue

VOCAB = spacy.blank("xx").vocab
ENGLISH = spacy.blank("en").vocab
LABELS = ("PER", "LOC", "WORK OF ART")
# The file of an export that comes back, corrected.
MAIN = {
    "prodigy": "tasks.jsonl",
    "label-studio": "tasks.json",
    "doccano": "tasks.jsonl",
    "argilla": "records.json",
    "inception": "sentences.tsv",
    "iob2": "sentences.iob",
}
assert tuple(MAIN) == tuple(TOOLS)
# Tokens that forms trip over: their own signs, characters beyond 16 bits, white space, bare marks.
ODD = (*("a", "Ólöf", "x_y", "[1]", "*", "_", "->", "|", "\\", "#", "# a = b", '"', "<b>", "&amp;", "O", "B-PER"), *("😊", "𒀀𒀁"),
       *(";", "a\\tb", "null", "NaN", "0", "​", "ab", "é", "\n", "  ", "\t", " x", "مرحبا", "中文"))  # fmt: skip

Sentence = Tuple[List[str], List[bool], List[Tuple[int, int, str]]]


@st.composite
def sentences(draw: Any) -> Sentence:
    """A sentence: tokens, spaces, and entities that begin and end with tokens that can be seen."""
    words = draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=8))
    if not "".join(words).strip():
        words.append("a")
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    return words, spaces, draw(spans_of(words))


@st.composite
def spans_of(draw: Any, words: Sequence[str]) -> List[Tuple[int, int, str]]:
    """Spans of a sentence that do not overlap."""
    spans, position = [], 0
    while position < len(words):
        if draw(st.booleans()):
            end = draw(st.integers(position + 1, len(words)))
            if all(is_seen(words[edge]) for edge in (position, end - 1)):
                spans.append((position, end, draw(st.sampled_from(LABELS))))
                position = end
        position += 1
    return spans


def is_seen(word: str) -> bool:
    return bool(word.strip()) and word != "​" and word == word.strip()


def make_doc(sentence: Sentence, reading: str = "") -> Doc:
    """RETURNS (Doc): A Doc with scores and a reading, as a projector leaves it."""
    words, spaces, spans = sentence
    doc = Doc(VOCAB, words=words, spaces=spaces)
    entities = [Span(doc, start, end, label=label) for start, end, label in spans]
    doc.set_ents(entities, default="outside")
    attrs = {"scores": [0.9 - 0.1 * (k % 9) for k in range(len(entities))], "unprojected": []}
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=entities, attrs=attrs)
    if reading:
        doc._.xner_source = Doc(ENGLISH, words=reading.split())
    return doc


def known(docs: Sequence[Doc]) -> List[Any]:
    """RETURNS (List[Any]): What must come back of Docs: text, tokens, entities."""
    return [
        (doc.text, [token.text for token in doc], [(ent.start, ent.end, ent.label_) for ent in doc.ents])
        for doc in docs
    ]


def write_run(folder: Path, docs: Sequence[Doc]) -> Path:
    write_docbin(folder / "run.spacy", docs)
    return folder / "run.spacy"


def exported(run: Path, folder: Path, tool: str, limit: int = 0) -> Path:
    """RETURNS (Path): The file of an export that comes back."""
    export_run(run, folder, RandomQueue(), tool=tool, limit=limit, labels=list(LABELS))
    return folder / MAIN[tool]


def answer_all(tool: str, path: Path, change: Callable[[Any], None] = lambda record: None) -> None:
    """Do what the tool does when a person accepts each sentence as it is. change: Gets each record of JSON before."""
    if tool in ("inception", "iob2"):
        return
    if tool in ("prodigy", "doccano"):
        records = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    else:
        records = json.loads(path.read_text(encoding="utf8"))
    for record in records:
        if tool == "prodigy":
            record.update(answer="accept", _input_hash=1, _task_hash=2, _annotator_id="corrected-ada")
        elif tool == "label-studio":
            result = record["predictions"][0]["result"]
            record["annotations"] = [{"id": 1, "completed_by": 1, "was_cancelled": False, "result": result}]
        elif tool == "argilla":
            value = record["suggestions"]["entities"]["value"]
            record["responses"] = {"entities": [{"value": value, "user_id": "ada"}]}
            record.update(status="completed", _server_id="x")
        change(record)
    write_records(tool, path, records)


def write_records(tool: str, path: Path, records: Sequence[Any]) -> None:
    if tool in ("prodigy", "doccano"):
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    else:
        text = json.dumps(records, ensure_ascii=False)
    path.write_text(text, encoding="utf8", newline="\n")


def came_back(path: Path, folder: Path, tool: str, **options: Any) -> Tuple[List[Doc], Any]:
    """RETURNS (Tuple[List[Doc], Any]): The corrected Docs, and the counts."""
    counts = import_corrections(path, folder / "back.spacy", tool=tool, **options)
    return list(read_docs(folder / "back.spacy", VOCAB)), counts
