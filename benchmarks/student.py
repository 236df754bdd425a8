"""Figures of the student: speed beside spaCy's `ner`, hard against soft labels, recipes against the
teacher, calibration.

    python -m benchmarks.student speed --out metrics/student
    python -m benchmarks.student grid --work training/grid --out metrics/student --langs lug,luo,tsn
    --seeds 0,1,2

`grid` reads `corpus/LANG/test.spacy` and `annotated/LANG/{train,dev,test}` under --data, as the
workflow `masakhane` leaves them when its source model is an `xner_student` with `store_soft =
true`. Every run is written when it is done, and a second call goes on from there.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import spacy
import srsly
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config

from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import doc_entities, read_docs
from xner_spacy.distillation.calibration import (
    calibrate,
    expected_calibration_error,
    scored_spans,
)
from xner_spacy.distillation.corpus import make_corpus
from xner_spacy.distillation.soft import get_soft
from xner_spacy.distillation.teachers import entities_of, mix
from xner_spacy.evaluation.entities import compare, evaluate
from xner_spacy.types import Entity, Json

CONFIGS = Path(__file__).parents[1] / "configs"
WORDS = [
    "Anna",
    "Jónsdóttir",
    "lives",
    "in",
    "Reykjavík",
    "and",
    "works",
    "for",
    "the",
    "bank",
    ",",
    "said",
    "the",
    "minister",
    ".",
]

# --- speed ------------------------------------------------------------------------------------


def build(kind: str) -> Language:
    """RETURNS (Language): An initialised pipeline on one tok2vec: "tok2vec" alone, with spaCy's
    "ner", or with "student".
    """
    name = {"student": "student_soft_cpu.cfg"}.get(kind, "student_cpu.cfg")
    config = load_config(CONFIGS / name, overrides={"nlp.lang": "en"})
    if kind == "tok2vec":
        config["nlp"]["pipeline"] = ["tok2vec"]
        del config["components"]["ner"]
    if kind == "student":
        config["components"]["xner_student"]["hard_weight"] = 1.0
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    examples = make_examples(nlp, 20)
    nlp.initialize(lambda: examples)
    return nlp


def make_examples(nlp: Language, n: int, docs: Optional[Sequence[Doc]] = None) -> List[Example]:
    """RETURNS (List[Example]): Labelled sentences, or examples of the given Docs on the pipeline's
    vocabulary.
    """
    if docs is None:
        entities = {"entities": [(0, 15, "PER"), (25, 34, "LOC"), (53, 57, "ORG")]}
        text = " ".join(WORDS)
        return [Example.from_dict(nlp.make_doc(text), entities) for _ in range(n)]
    found = []
    for doc in docs[:n]:
        words = [t.text for t in doc]
        reference = Doc(nlp.vocab, words=words)
        reference.set_ents(
            [spacy.tokens.Span(reference, e.start, e.end, label=e.label_) for e in doc.ents],
            default="outside",
        )
        found.append(Example(Doc(nlp.vocab, words=words), reference))
    return found


def speed(docs: Sequence[Doc], repeats: int = 9, batch_size: int = 256, steps: int = 10) -> Json:
    """Time inference and training of the student and of `ner`, taking turns, and take medians of
    the ratios of each round.

    docs (Sequence[Doc]): Labelled sentences: pipelines learn them a little first, so that there are
        entities to set.
    RETURNS (Json): Words per second, seconds per step, and the ratios.
    """
    pipelines = {kind: build(kind) for kind in ("tok2vec", "ner", "student")}
    examples = {kind: make_examples(nlp, 4000, docs) for kind, nlp in pipelines.items()}
    for kind in ("ner", "student"):
        nlp = pipelines[kind]
        optimizer = nlp.initialize(lambda k=kind: examples[k][:500])
        for start in range(0, 2000, 50):
            nlp.update(examples[kind][start : start + 50] or examples[kind][:50], sgd=optimizer)
    words = sum(len(eg.predicted) for eg in examples["ner"])
    rates: Dict[str, List[float]] = {kind: [] for kind in pipelines}
    for _ in range(repeats):
        for kind, nlp in pipelines.items():
            fresh = [Doc(nlp.vocab, words=[t.text for t in eg.predicted]) for eg in examples[kind]]
            started = time.process_time()
            for _doc in nlp.pipe(fresh, batch_size=batch_size):
                pass
            rates[kind].append(words / (time.process_time() - started))
    seconds: Dict[str, List[float]] = {"ner": [], "student": []}
    optimizers = {kind: pipelines[kind].resume_training() for kind in seconds}
    for k in range(repeats):
        for kind in seconds:
            batches = [examples[kind][(k * steps + i) % 80 * 40 :][:40] for i in range(steps)]
            started = time.process_time()
            for batch in batches:
                pipelines[kind].update(batch, sgd=optimizers[kind], drop=0.1)
            seconds[kind].append((time.process_time() - started) / steps)
    return {
        "words": words,
        "words_per_second": {k: round(statistics.median(v)) for k, v in rates.items()},
        "student_over_ner": _ratio(rates["student"], rates["ner"]),
        "seconds_per_step": {k: round(statistics.median(v), 4) for k, v in seconds.items()},
        "training_student_over_ner": _ratio(seconds["student"], seconds["ner"]),
    }


def _ratio(a: Sequence[float], b: Sequence[float]) -> Json:
    ratios = sorted(x / y for x, y in zip(a, b))
    return {
        "median": round(statistics.median(ratios), 3),
        "least": round(ratios[0], 3),
        "most": round(ratios[-1], 3),
    }


# --- recipes ----------------------------------------------------------------------------------

STUDENT = "components.xner_student."
HARD = {STUDENT + "hard_weight": 1.0, STUDENT + "soft_weight": 0.0}
SOFT = {STUDENT + "hard_weight": 0.0, STUDENT + "soft_weight": 1.0}
RECIPES: Dict[str, Dict[str, Any]] = {
    "hard": HARD,
    "soft": SOFT,
    "hard_gce": {**HARD, STUDENT + "hard_loss": {"@losses": "xner.GeneralizedCrossEntropy.v1"}},
    "soft_mse": {**SOFT, STUDENT + "soft_loss": {"@losses": "xner.MeanSquaredError.v1"}},
    "soft_t2": {
        **SOFT,
        STUDENT + "soft_loss": {"@losses": "xner.KLDivergence.v1", "temperature": 2.0},
    },
    "soft_confidence": {**SOFT, STUDENT + "confidence": 1.0},
    "soft_prototypes": {
        **SOFT,
        STUDENT + "auxiliary": {"@misc": "xner.PrototypeStudent.v1"},
    },
}
SCHEDULE = {
    "training.eval_frequency": 200,
    "training.patience": 0,
    "training.batcher.size": 500,
}


def run(recipe: str, lang: str, seed: int, data: Path, work: Path, steps: int) -> Json:
    """Train one student, label the test set with it, and keep both. A run that is there is read.

    RETURNS (Json): F1 on the gold test set, calibration error before and after the temperature, and
        seconds.
    """
    folder = work / lang / f"{recipe}-{seed}"
    file = folder / "result.json"
    if file.exists():
        return srsly.read_json(file)
    started = time.process_time()
    corpus = {"train": "train", "dev": "dev"}
    base = recipe
    for prefix in ("multi_", "mixed_"):
        if recipe.startswith(prefix):
            corpus, base = {"train": f"{prefix}train", "dev": "dev"}, recipe[len(prefix) :]
    config = load_config(CONFIGS / "student_soft_cpu.cfg", interpolate=False)
    for key, value in {**SCHEDULE, **RECIPES[base], "training.max_steps": steps}.items():
        *path, last = key.split(".")
        section = config
        for name in path:
            section = section[name]
        section[last] = value
    config["nlp"]["lang"] = "xx"
    config[STUDENT.split(".")[0]]["xner_student"]["store_soft"] = True
    folder.mkdir(parents=True, exist_ok=True)
    config.to_disk(folder / "config.cfg")
    paths = {f"paths.{k}": str(data / "annotated" / lang / v) for k, v in corpus.items()}
    train(folder / "config.cfg", folder / "model", overrides={**paths, "system.seed": seed})
    seconds = time.process_time() - started
    nlp = spacy.load(folder / "model" / "model-best")
    gold = list(read_docs(data / "corpus" / lang / "test.spacy", nlp.vocab))
    errors = []
    # The training has fitted the temperature; the first figure is without it.
    nlp.get_pipe("xner_student").cfg["temperature"] = 1.0
    for step in range(2):
        if step:
            temperature = calibrate(nlp, make_corpus(Path(paths["paths.dev"]))(nlp))
        predicted = list(nlp.pipe([_bare(nlp, doc) for doc in gold], batch_size=256))
        errors.append(expected_calibration_error(*scored_spans(predicted, gold)))
    teacher = list(read_docs(data / "annotated" / lang / "test", nlp.vocab))
    mixed = _ensemble(predicted, teacher)
    result = {
        "f1": evaluate(_entities(gold), _entities(predicted), samples=100)["f1"],
        "f1_with_teacher": evaluate(_entities(gold), mixed, samples=100)["f1"],
        "ece_raw": round(errors[0], 4),
        "ece": round(errors[1], 4),
        "temperature": temperature,
        "seconds": round(seconds, 1),
    }
    srsly.write_json(
        folder / "predicted.json", [[list(e[:3]) for e in s] for s in _entities(predicted)]
    )
    srsly.write_json(folder / "mixed.json", [[list(e[:3]) for e in s] for s in mixed])
    srsly.write_json(file, result)
    return result


def _bare(nlp: Language, doc: Doc) -> Doc:
    return Doc(nlp.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc])


def _entities(docs: Sequence[Doc]) -> List[List[Entity]]:
    return [doc_entities(doc) for doc in docs]


def _ensemble(students: Sequence[Doc], teachers: Sequence[Doc]) -> List[List[Entity]]:
    """Translate-train with translate-test: the student's distributions and the teacher's on the
    test text, weighted alike.
    """
    found = []
    for doc, teacher in zip(students, teachers, strict=True):
        soft = mix([get_soft(doc), get_soft(teacher)], [0.5, 0.5])
        spans = entities_of(soft, doc) if soft is not None else []
        found.append([Entity(s.start, s.end, s.label_) for s in spans])
    return found


def grid(
    langs: Sequence[str],
    recipes: Sequence[str],
    seeds: Sequence[int],
    data: Path,
    work: Path,
    steps: int = 800,
) -> Json:
    """Run what is missing, seed by seed so that an early stop leaves whole comparisons, and
    compare.

    RETURNS (Json): Per language the teacher's F1, the runs, and the paired tests (predictions of
        all seeds laid end to end).
    """
    for seed in seeds:
        for lang in langs:
            for recipe in recipes:
                run(recipe, lang, seed, data, work, steps)
    return {lang: summarise(lang, recipes, data, work) for lang in langs}


def summarise(lang: str, recipes: Sequence[str], data: Path, work: Path) -> Json:
    """RETURNS (Json): One language's table from the runs that are there."""
    vocab = spacy.blank("xx").vocab
    gold = _entities(list(read_docs(data / "corpus" / lang / "test.spacy", vocab)))
    teacher = _entities(list(read_docs(data / "annotated" / lang / "test", vocab)))
    result: Json = {"teacher": evaluate(gold, teacher, samples=1000)["f1"], "recipes": {}}
    for recipe in recipes:
        folders = sorted((work / lang).glob(f"{recipe}-[0-9]*"))
        folders = [f for f in folders if (f / "result.json").exists()]
        if not folders:
            continue
        runs = [srsly.read_json(f / "result.json") for f in folders]
        row: Json = {
            key: [r[key] for r in runs] for key in ("f1", "f1_with_teacher", "ece", "ece_raw")
        }
        row["seeds"] = len(runs)
        for key, name in (("predicted", "minus_teacher"), ("mixed", "with_teacher_minus_teacher")):
            row[name] = compare(
                gold * len(runs), _read(folders, key), teacher * len(runs), samples=2000
            )
        other = [work / lang / f"hard-{f.name.rsplit('-', 1)[1]}" for f in folders]
        if recipe != "hard" and all((f / "result.json").exists() for f in other):
            row["minus_hard"] = compare(
                gold * len(runs),
                _read(folders, "predicted"),
                _read(other, "predicted"),
                samples=2000,
            )
        result["recipes"][recipe] = row
    return result


def _read(folders: Sequence[Path], name: str) -> List[List[Entity]]:
    return [[Entity(*e) for e in s] for f in folders for s in srsly.read_json(f / f"{name}.json")]


def render(result: Json) -> str:
    """RETURNS (str): The grid as Markdown."""

    def test(row: Json, key: str) -> str:
        if key not in row:
            return ""
        low, high = row[key]["difference_interval"]
        d, p = row[key]["difference"], row[key]["p_value"]
        return f"{100 * d:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] p={p:.3f}"

    header = [
        "",
        "seeds",
        "F1",
        "- hard",
        "- teacher",
        "with teacher",
        "- teacher",
        "ECE raw",
        "ECE",
    ]
    parts = []
    for lang, found in result.items():
        rows = [["teacher", "", f"{100 * found['teacher']:.1f}", *[""] * 6]]
        for name, row in found["recipes"].items():
            mean: Callable[[str], float] = lambda key, row=row: statistics.mean(row[key])  # noqa: E731
            rows.append(
                [
                    name,
                    row["seeds"],
                    f"{100 * mean('f1'):.1f}",
                    test(row, "minus_hard"),
                    test(row, "minus_teacher"),
                    f"{100 * mean('f1_with_teacher'):.1f}",
                    test(row, "with_teacher_minus_teacher"),
                    f"{mean('ece_raw'):.3f}",
                    f"{mean('ece'):.3f}",
                ]
            )
        parts.append(f"{lang}\n\n{table(header, rows)}\n")
    return "\n".join(parts)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line of the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Figures of the student.")
    parser.add_argument("part", choices=["speed", "grid", "report"])
    parser.add_argument("--out", type=Path, default=Path("metrics/student"))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--work", type=Path, default=Path("training/grid"))
    parser.add_argument("--corpus", type=Path, help="speed: labelled DocBin of real text")
    parser.add_argument("--langs", default="lug,luo,tsn")
    parser.add_argument("--recipes", default="hard,soft")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=800)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.part == "speed":
        docs = list(read_docs(args.corpus, spacy.blank("xx").vocab)) if args.corpus else None
        result = speed(
            docs if docs else [eg.reference for eg in make_examples(spacy.blank("en"), 2000)]
        )
        text = srsly.json_dumps(result, indent=2)
    else:
        langs, recipes = args.langs.split(","), args.recipes.split(",")
        if args.part == "grid":
            seeds = [int(s) for s in args.seeds.split(",")]
            result = grid(langs, recipes, seeds, args.data, args.work, args.steps)
        else:
            result = {lang: summarise(lang, recipes, args.data, args.work) for lang in langs}
        text = render(result)
    srsly.write_json(args.out / f"{args.part}.json", result)
    (args.out / f"{args.part}.md").write_text(text + "\n", encoding="utf8")
    print(text)


if __name__ == "__main__":
    main()
