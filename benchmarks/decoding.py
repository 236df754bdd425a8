"""How entities are read from distributions: the form of the tags, and the bias against O.

    python -m benchmarks decoding students STUDENT... --gold GOLD
    python -m benchmarks decoding teacher TEACHER LABELLED --gold GOLD...

`students`: F1 of the first student, and of the mean of all, for each bias. Its own BILUO probabilities are decoded; the
IOB2 distributions that it stores; and these turned back into BILUO, as `best_entities` does. `teacher`: the readings of a
labelled corpus are decoded in both forms with each bias, and projected again by the projector of the teacher that
labelled it. Sentences with the same words as a gold sentence are scored.
"""

import argparse
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import spacy
from scipy.special import log_softmax
from spacy.tokens import Doc

from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.docs import doc_entities, read_docs
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.distillation.soft.retyping import projector_of
from xner_spacy.distillation.soft.soft_labels import best_entities, get_soft, scheme_to_iob2
from xner_spacy.distillation.student.pipes import find_student, run_upstream
from xner_spacy.distillation.student.tag_scheme import TagSet, blank_tokens, decode_spans
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.types import Entity, FloatArray, TokenLabels

BIASES = (-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
Sentences = Sequence[Sequence[str]]


def row(name: str, gold: Sequence[List[Entity]], by_bias: Iterable[Sequence[List[Entity]]]) -> List[str]:
    """RETURNS (List[str]): The F1 for each bias."""
    return [name, *(percent(evaluate(gold, predicted, samples=1)["f1"]) for predicted in by_bias)]


def words_of(docs: Iterable[Doc]) -> List[List[str]]:
    """RETURNS (List[List[str]]): The words of each Doc."""
    return [[token.text for token in doc] for doc in docs]


def probabilities(student: Path, docs: Sequence[Doc]) -> Tuple[List[FloatArray], TagSet]:
    """RETURNS (Tuple[List[FloatArray], TagSet]): A student's probabilities of each Doc, by its own tags."""
    nlp = load_pipeline(student)
    pipe = find_student(nlp)
    rows: List[FloatArray] = []
    for start in range(0, len(docs), 256):
        scores = pipe.predict(run_upstream(nlp, docs[start : start + 256]))
        rows += [np.exp(log_softmax(np.asarray(row) / pipe.cfg["temperature"], axis=1)) for row in scores]
    return rows, pipe.tagset


def decode(probs: Sequence[FloatArray], tagset: TagSet, sentences: Sentences, bias: float) -> List[List[Entity]]:
    """RETURNS (List[List[Entity]]): The best entities by probabilities of a student's own tags."""
    decoded = []
    for rows, words in zip(probs, sentences, strict=True):
        logs = np.log(np.maximum(rows, 1e-6))
        logs[:, 0] -= bias
        _, starts, lasts, labels = decode_spans(tagset, logs, [len(words)], blank_tokens(words))
        spans = zip(starts.tolist(), lasts.tolist(), labels.tolist(), strict=True)
        decoded.append([Entity(start, last + 1, tagset.labels[k]) for start, last, k in spans])
    return decoded


def students(args: argparse.Namespace) -> List[List[str]]:
    """RETURNS (List[List[str]]): The rows of `students`."""
    docs = [doc for path in args.gold for doc in read_docs(path, spacy.blank("xx").vocab)]
    gold, sentences = [doc_entities(doc) for doc in docs], words_of(docs)
    of_students = [probabilities(student, docs) for student in args.students]
    tagset = of_students[0][1]
    means = [np.mean(rows, axis=0) for rows in zip(*(probs for probs, _ in of_students), strict=True)]
    lines: List[List[str]] = []
    for name, probs in {"first": of_students[0][0], f"mean of {len(of_students)}": means}.items():
        tags = TagSet(tagset.labels, "iob2").tags
        softs = [TokenLabels(tags, scheme_to_iob2(rows, tagset)) for rows in probs]
        stored = list(zip(softs, sentences, strict=True))
        lines.append(row(f"{name}, own {tagset.scheme}", gold, (decode(probs, tagset, sentences, b) for b in BIASES)))
        for scheme in ("iob2", "biluo"):
            decoded = ([best_entities(soft, words, bias, scheme) for soft, words in stored] for bias in BIASES)
            lines.append(row(f"{name}, stored, as {scheme}", gold, decoded))
    return lines


def teacher(args: argparse.Namespace) -> List[List[str]]:
    """RETURNS (List[List[str]]): The rows of `teacher`."""
    vocab = spacy.blank("xx").vocab
    gold: Dict[Tuple[str, ...], List[Entity]] = {
        tuple(words_of([doc])[0]): doc_entities(doc) for path in args.gold for doc in read_docs(path, vocab)
    }
    docs = [doc for doc in read_docs(args.labelled, vocab) if tuple(words_of([doc])[0]) in gold]
    docs = [doc for doc in docs if doc._.xner_source is not None]
    wanted = [gold[tuple(words)] for words in words_of(docs)]
    projector = projector_of(args.teacher)

    def projected(scheme: str, bias: float) -> List[List[Entity]]:
        for doc in docs:
            reading = doc._.xner_source
            soft = get_soft(reading)
            entities = [] if soft is None else best_entities(soft, words_of([reading])[0], bias, scheme)
            reading.ents = [spacy.tokens.Span(reading, e.start, e.end, e.label) for e in entities]
        return [doc_entities(doc) for doc in projector.pipe(docs)]

    return [row(f"as {scheme}", wanted, (projected(scheme, bias) for bias in BIASES)) for scheme in ("iob2", "biluo")]


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Entities from distributions: form of the tags, and bias.")
    parts = parser.add_subparsers(required=True)
    of_students = parts.add_parser("students")
    of_students.add_argument("students", nargs="+", type=Path)
    of_teacher = parts.add_parser("teacher")
    of_teacher.add_argument("teacher", type=Path)
    of_teacher.add_argument("labelled", type=Path)
    for part, function in ((of_students, students), (of_teacher, teacher)):
        part.add_argument("--gold", nargs="+", type=Path, required=True)
        part.set_defaults(run=function)
    args = parser.parse_args(argv)
    print(table(["F1 by bias", *(f"{bias:g}" for bias in BIASES)], args.run(args)))


if __name__ == "__main__":
    main()
