"""What the bias and the scores of students are fitted to: the constants of
`distillation.calibration`, chosen on languages other than those of the students' test sets.

    python -m benchmarks student_calibration prepare --langs swa,yor --study corpus/study --data DATA
    python -m benchmarks student_teachers --langs swa,yor --teachers "DATA/teacher/{lang}" --data DATA --sources en3=...
    python -m benchmarks student_grid --langs swa,yor --recipes hard,soft --seeds 0,1 --dev own --data DATA --work DATA/students
    python -m benchmarks student_calibration compare .=training/students-own DATA=DATA/students

`prepare` makes of the ratio study's corpora what the other two read: MAFAND's sentences with their
translations, without labels, for training and development, MasakhaNER's test set with gold, and a
teacher. `compare` fits the students that are there (those of `pcm` are `student_grid`'s too) on
the corpus's own projected development data in several ways, and compares them on the gold test sets.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import spacy
from spacy.tokens import Doc
from tqdm import tqdm

from benchmarks.bases import load_base
from benchmarks.student_grid import RECIPES, bare, entities
from benchmarks.student_teachers import write_lines
from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.readers import Corpus
from xner_spacy.distillation.student.pipes import find_student, run_upstream
from xner_spacy.distillation.student.score_fitting import (
    BIASES,
    SCORE_BIASES,
    calibrate,
    fit_bias,
)
from xner_spacy.docdata import install_extensions
from xner_spacy.evaluation.calibration import expected_calibration_error, scored_spans
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.languages import blank

DEV_SENTENCES = 600
MISSED_SHARES = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3)
SHARES = (0.0, 0.25, 0.3, 0.35, 0.4, 0.45)
# What is taken off the scores of O before the temperature: nothing, as much as when decoding, or
# what fits best.
WAYS = ("nothing", "decoding's", "fitted")


def prepare(lang: str, study: Path, source_model: Path, data: Path) -> None:
    """Write `corpus/LANG/{train,dev,test}.spacy` of a language of the study, and its teacher."""
    install_extensions()
    nlp = blank(lang)
    docs = list(read_docs(study / lang / "train.spacy", nlp.vocab))
    out = data / "corpus" / lang
    write_docbin(out / "train.spacy", [bare(nlp, doc) for doc in docs[:-DEV_SENTENCES]])
    write_docbin(out / "dev.spacy", [bare(nlp, doc) for doc in docs[-DEV_SENTENCES:]])
    write_docbin(out / "test.spacy", read_docs(study / lang / "test.spacy", nlp.vocab))
    write_lines(out / "en.txt", (_words(doc._.xner_source) for doc in docs))
    write_lines(out / "target.txt", (_words(doc) for doc in docs))
    overrides = {
        "nlp.lang": nlp.lang,
        "paths.source_model": str(source_model),
        "paths.source_text": str(out / "en.txt"),
        "paths.target_text": str(out / "target.txt"),
    }
    config = load_base("teacher", overrides)
    teacher = spacy.util.load_model_from_config(config, auto_fill=True)
    teacher.initialize()
    (data / "teacher").mkdir(parents=True, exist_ok=True)
    teacher.to_disk(data / "teacher" / lang)


def _words(doc: Doc) -> str:
    return " ".join(token.text for token in doc)


def compare(runs: Sequence[Path], gold: Dict[str, Path], teachers: Dict[str, Path]) -> List[List[List[Any]]]:
    """Fit and score every student in all ways.

    RETURNS (List[List[List[Any]]]): Two tables with their headers, means over the seeds: F1 by how
        the bias of decoding is chosen, and the calibration error and log loss by how the scores are
        fitted. "gold" is the best that there is, and not to be had.
    """
    by_bias: Dict[str, Dict[str, List[float]]] = {}
    by_scores: Dict[Tuple[str, float], Dict[str, List[Tuple[float, float]]]] = {}
    for run in tqdm(runs, unit=" student"):
        lang, recipe = run.parent.name, run.name.rsplit("-", 1)[0]
        group = f"{lang} {recipe}"
        nlp = spacy.load(run / "model" / "model-best")
        references = list(read_docs(gold[lang], nlp.vocab))
        dev = teachers[lang] / RECIPES[recipe].teacher / "dev.spacy"
        examples = list(Corpus(dev)(nlp))
        student: Any = find_student(nlp)
        docs = run_upstream(nlp, [bare(nlp, doc) for doc in references], 256)
        scores = student.predict(docs)

        def f1(bias: float) -> float:
            student.cfg["bias"] = bias  # noqa: B023
            student.set_annotations(docs, scores)  # noqa: B023
            return evaluate(entities(references), entities(docs), samples=10)["f1"]  # noqa: B023

        by_bias.setdefault("none", {}).setdefault(group, []).append(f1(0.0))
        for share in MISSED_SHARES:
            found = f1(fit_bias(nlp, examples, missed_share=share))
            by_bias.setdefault(f"{share}", {}).setdefault(group, []).append(found)
        best = max(f1(bias) for bias in BIASES)
        by_bias.setdefault("gold", {}).setdefault(group, []).append(best)
        bias = fit_bias(nlp, examples)
        for way in WAYS:
            biases = {"nothing": (0.0,), "fitted": SCORE_BIASES}.get(way, (bias,))
            for share in SHARES:
                calibrate(nlp, examples, unfounded_doubt=share, biases=biases)
                student.set_annotations(docs, scores)
                errors = by_scores.setdefault((way, share), {})
                errors.setdefault(group, []).append(_errors(docs, references))
    groups = sorted(by_bias["none"])
    first: List[List[Any]] = [["missed share", "F1", *groups]]
    for name, values in by_bias.items():
        means = [100 * np.mean(values[group]) for group in groups]
        first.append([name, f"{np.mean(means):.2f}", *(f"{mean:.1f}" for mean in means)])
    second: List[List[Any]] = [["O lowered by", "share", "ECE", "log loss", *groups]]
    for (way, share), errors in by_scores.items():
        pairs = [np.mean(errors[group], axis=0) for group in groups]
        ece, loss = np.mean(pairs, axis=0)
        cells = [f"{pair[0]:.3f}" for pair in pairs]
        second.append([way, share, f"{ece:.4f}", f"{loss:.4f}", *cells])
    return [first, second]


def _errors(predicted: Sequence[Doc], gold: Sequence[Doc]) -> Tuple[float, float]:
    scores, correct = scored_spans(predicted, gold)
    p = np.clip(scores, 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(correct, p, 1 - p)).mean()
    return expected_calibration_error(scores, correct), float(loss)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="How the scores of students are fitted.")
    commands = parser.add_subparsers(dest="command", required=True)
    first = commands.add_parser("prepare")
    first.add_argument("--langs", default="swa,yor")
    first.add_argument("--study", type=Path, default=Path("corpus/study"))
    first.add_argument("--source", type=Path, default=Path("training/en0/model-best"))
    first.add_argument("--data", type=Path, required=True)
    second = commands.add_parser("compare")
    second.add_argument("places", nargs="+", help="DATA=WORK, as --data and --work of student_grid")
    second.add_argument("--langs", default="pcm,swa,yor")
    second.add_argument("--recipes", default="hard,soft")
    args = parser.parse_args(argv)
    langs = args.langs.split(",")
    if args.command == "prepare":
        for lang in langs:
            prepare(lang, args.study, args.source, args.data)
        return
    runs: List[Path] = []
    gold, teachers = {}, {}
    for data, work in (map(Path, place.split("=")) for place in args.places):
        for lang in langs:
            names = args.recipes.split(",")
            here = sorted(run for name in names for run in work.glob(f"{lang}/{name}-[0-9]"))
            if here:
                runs += [run for run in here if (run / "result.json").exists()]
                gold[lang] = data / "corpus" / lang / "test.spacy"
                teachers[lang] = data / "annotated" / "students" / lang
    for header, *rows in compare(runs, gold, teachers):
        print(table(header, rows))
        print()


if __name__ == "__main__":
    main()
