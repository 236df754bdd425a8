"""Recipes of the student: what each learns from, trained and compared on the gold test sets.

    python -m benchmarks student_teachers --langs lug,luo,tsn ...
    python -m benchmarks student_grid --langs lug,luo,tsn --recipes hard,soft --seeds 0,1,2

It reads `annotated/students/LANG/TEACHER/{train,dev,test}.spacy` and `corpus/LANG/test.spacy` under
--data. Every run is written when it is done, and a second call goes on from there; `--report`
compares what is there. Gold labels of a target language are read for the figures alone.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
import spacy
import srsly
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc

from benchmarks.bases import load_base
from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import doc_entities, read_docs, write_docbin
from xner_spacy.corpora.splitting import split_docs
from xner_spacy.distillation.readers import Corpus
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.distillation.student.pipes import find_student, run_upstream
from xner_spacy.distillation.student.score_fitting import (
    calibrate,
    fit_bias,
)
from xner_spacy.distillation.teachers.mixtures import entities_of, mix, mix_docs
from xner_spacy.distillation.teachers.selection import agree, select_least_specific, select_surest
from xner_spacy.errors import XnerError
from xner_spacy.evaluation.calibration import expected_calibration_error, scored_spans
from xner_spacy.evaluation.entities import compare, evaluate
from xner_spacy.report.charts import intervals, points, render, svg_of
from xner_spacy.types import Entity, Json

# The development data: an eighth of all that is projected, drawn at random (`xner split`), or the
# corpus's own part.
DEVS = ("random", "own")
DEV_SHARE = 0.125
STUDENT = "components.xner_student."
HARD = {STUDENT + "hard_weight": 1.0, STUDENT + "soft_weight": 0.0}
SOFT = {STUDENT + "hard_weight": 0.0, STUDENT + "soft_weight": 1.0}
BOTH = {STUDENT + "hard_weight": 1.0, STUDENT + "soft_weight": 1.0}
MSE = {STUDENT + "soft_loss": {"@losses": "xner.MeanSquaredError.v1", "scale": 10.0}}
Sentences = List[List[Entity]]


class Recipe(NamedTuple):
    """How one student is trained.

    teacher (str): Whose labels: a folder of `annotated/students/LANG`. settings (Dict): Of the
        config.
    corpus (str): How the training data is made from them, a name of `CORPORA`; "" for as it is.
    """

    teacher: str
    settings: Dict[str, Any]
    corpus: str = ""


RECIPES: Dict[str, Recipe] = {
    "hard": Recipe("en3", HARD),
    "soft": Recipe("en3", SOFT),
    "hard_smooth": Recipe("en3", {**HARD, STUDENT + "hard_loss": {"@losses": "xner.CrossEntropy.v1", "label_smoothing": 0.1}}),
    "hard_gce": Recipe("en3", {**HARD, STUDENT + "hard_loss": {"@losses": "xner.GeneralizedCrossEntropy.v1"}}),
    "hard_confidence": Recipe("en3", {**HARD, STUDENT + "confidence": 1.0}),
    "hard_agreement": Recipe("en3", HARD, "agreement"),
    "hard_surest": Recipe("en3", HARD, "surest"),
    "both": Recipe("en3", {**BOTH, STUDENT + "hard_weight": 0.5, STUDENT + "soft_weight": 0.5}),
    "soft_mse": Recipe("en3", {**SOFT, **MSE}),
    "soft_t2": Recipe("en3", {**SOFT, STUDENT + "soft_loss": {"@losses": "xner.KLDivergence.v1", "temperature": 2.0}}),
    "soft_confidence": Recipe("en3", {**SOFT, STUDENT + "confidence": 1.0}),
    "soft_prototypes": Recipe("en3", {**SOFT, STUDENT + "auxiliary": {"@misc": "xner.PrototypeStudent.v1"}}),
    "soft_surest": Recipe("en3", SOFT, "surest"),
    "soft_language": Recipe("en3", SOFT, "language"),
    "soft_round2": Recipe("en3", SOFT, "round2"),
    "hard_single": Recipe("en", HARD),
    "soft_single": Recipe("en", SOFT),
    "multi_hard": Recipe("enpcm3", HARD),
    "multi_soft": Recipe("enpcm3", SOFT),
    "multi_round2": Recipe("enpcm3", SOFT, "round2"),
    "multi_joint": Recipe("enpcm3", BOTH, "joint"),
    "multi_joint_round2": Recipe("enpcm3", SOFT, "round2"),
    "soft_joint": Recipe("en3", BOTH, "joint"),
    "tsl_en": Recipe("transfer_en", {**SOFT, **MSE}),
    "tsl_uniform": Recipe("transfer_uniform", {**SOFT, **MSE}),
    "tsl_similarity": Recipe("transfer_similarity", {**SOFT, **MSE}),
    "mixed_transfer": Recipe("mixed_transfer", SOFT),
    "mixed_multi": Recipe("mixed_multi", SOFT),
}  # fmt: skip
# What a second round learns from beside its teacher: the students of this recipe.
FIRST_ROUND = {"soft_round2": "soft", "multi_round2": "multi_soft", "multi_joint_round2": "multi_joint"}  # fmt: skip
# The temperature is fitted once, when the training is over.
SCHEDULE = {
    "training.eval_frequency": 125,
    "training.patience": 0,
    "training.before_to_disk": None,
}

# --- training data ----------------------------------------------------------------------------


class Place(NamedTuple):
    """Where things lie: the project, the runs, one language and seed, and the teacher's labels."""

    data: Path
    work: Path
    lang: str
    seed: int
    teacher: Path
    recipe: str
    dev: str

    @property
    def folder(self) -> Path:
        return self.work / self.lang / f"{self.recipe}-{self.seed}"

    @property
    def labelled(self) -> Path:
        return labelled(self.teacher, self.dev)


def labelled(teacher: Path, dev: str) -> Path:
    """RETURNS (Path): The folder with the training and development data that a teacher labelled, of
    DEVS; those drawn at random are written the first time.
    """
    if dev == "own":
        return teacher
    folder = teacher / dev
    vocab = spacy.blank("xx").vocab
    if not (folder / "dev.spacy").exists():
        docs = [doc for part in ("train", "dev") for doc in read_docs(teacher / f"{part}.spacy", vocab)]
        rest, aside = split_docs(docs, DEV_SHARE)
        folder.mkdir(exist_ok=True)
        write_docbin(folder / "train.spacy", rest)
        write_docbin(folder / "dev.spacy", aside)
    return folder


def corpus_surest(place: Place) -> Iterable[Doc]:
    return select_surest(_train(place), keep=0.8)


def corpus_language(place: Place) -> Iterable[Doc]:
    nlp = spacy.load(place.data / "training" / "en0" / "model-best")
    source = list(read_docs(place.data / "corpus" / "en-soft" / "dev.spacy", nlp.vocab))
    docs = list(read_docs(place.labelled / "train.spacy", nlp.vocab))
    return select_least_specific(docs, nlp, source, keep=0.8, seed=place.seed)


def corpus_agreement(place: Place) -> Iterable[Doc]:
    other = labelled(place.teacher.parent / "enpcm3", place.dev) / "train.spacy"
    return agree(_train(place), read_docs(other, spacy.blank("xx").vocab), drop_soft=True)


def corpus_round2(place: Place) -> Iterable[Doc]:
    first = place._replace(recipe=FIRST_ROUND[place.recipe]).folder / "model" / "model-best"
    nlp = spacy.load(first)
    docs = list(read_docs(place.labelled / "train.spacy", nlp.vocab))
    return mix_docs([docs, nlp.pipe([bare(nlp, d) for d in docs], batch_size=256)], [0.5, 0.5])


def corpus_joint(place: Place) -> Iterable[Doc]:
    """Distributions on the target's text, gold labels on text of source languages."""
    for doc in _train(place):
        doc.set_ents([], default="missing")
        yield doc
    for lang in ("swa", "hau", "pcm"):
        yield from read_docs(place.data / "corpus" / "gold-source" / f"{lang}.spacy", spacy.blank("xx").vocab)


CORPORA: Dict[str, Callable[[Place], Iterable[Doc]]] = {
    "surest": corpus_surest,
    "language": corpus_language,
    "agreement": corpus_agreement,
    "round2": corpus_round2,
    "joint": corpus_joint,
}


def _train(place: Place) -> List[Doc]:
    return list(read_docs(place.labelled / "train.spacy", spacy.blank("xx").vocab))


def bare(nlp: Language, doc: Doc) -> Doc:
    """RETURNS (Doc): The tokens alone."""
    return Doc(nlp.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc])


# --- one run ----------------------------------------------------------------------------------


def run(
    name: str,
    lang: str,
    seed: int,
    data: Path,
    work: Path,
    *,
    steps: int,
    words: int,
    gpu: int,
    dev: str = DEVS[0],
    rescore: bool = False,
) -> Json:
    """Train one student, label the test set with it, and keep both. A run that is there is read.

    RETURNS (Json): F1 on the gold test set, calibration error before and after the temperature,
        F1 on the projected development set.
    """
    recipe = RECIPES[name]
    teacher = data / "annotated" / "students" / lang / recipe.teacher
    place = Place(data, work, lang, seed, teacher, name, dev)
    file = place.folder / "result.json"
    if file.exists():
        result = srsly.read_json(file)
        if rescore:
            result = {**result, **score(place, steps=result["steps"], words=result["words"])}
            srsly.write_json(file, result)
        return result
    started = time.process_time()
    place.folder.mkdir(parents=True, exist_ok=True)
    path = place.labelled / "train.spacy"
    if recipe.corpus:
        path = place.folder / "train.spacy"
        write_docbin(path, CORPORA[recipe.corpus](place))
    config = _config(recipe, steps, words)
    config.to_disk(place.folder / "config.cfg")
    paths = {"paths.train": str(path), "paths.dev": str(place.labelled / "dev.spacy")}
    overrides = {**paths, "system.seed": seed}
    train(place.folder / "config.cfg", place.folder / "model", use_gpu=gpu, overrides=overrides)
    result = score(place, steps, words)
    result["seconds"] = round(time.process_time() - started, 1)
    srsly.write_json(file, result)
    return result


def _config(recipe: Recipe, steps: int, words: int) -> Any:
    config = load_base("student", labels="soft")
    settings = {
        **SCHEDULE,
        **recipe.settings,
        "training.max_steps": steps,
        "training.batcher.size": words,
        STUDENT + "store_soft": True,
    }
    for key, value in settings.items():
        set_value(config, key, value)
    return config


def set_value(config: Any, key: str, value: Any) -> None:
    """Set a value of a config by its dotted name."""
    *path, last = key.split(".")
    for part in path:
        config = config[part]
    config[last] = value


def score(place: Place, steps: int, words: int) -> Json:
    """RETURNS (Json): The figures of a trained student; its scores and entities are kept beside."""
    nlp = spacy.load(place.folder / "model" / "model-best")
    student: Any = nlp.get_pipe("xner_student")
    gold = list(read_docs(place.data / "corpus" / place.lang / "test.spacy", nlp.vocab))
    dev = list(read_docs(place.labelled / "dev.spacy", nlp.vocab))
    examples = list(Corpus(place.labelled / "dev.spacy")(nlp))

    def predict() -> List[Doc]:
        return list(nlp.pipe([bare(nlp, doc) for doc in gold], batch_size=256))

    student.cfg.update(bias=0.0, temperature=1.0, score_bias=0.0)
    plain = predict()
    bias = fit_bias(nlp, examples)
    raw = predict()
    fitted = calibrate(nlp, examples)
    predicted = predict()
    errors = [expected_calibration_error(*scored_spans(docs, gold)) for docs in (raw, predicted)]
    on_dev = list(nlp.pipe([bare(nlp, doc) for doc in dev], batch_size=256))
    teacher = list(read_docs(place.teacher / "test.spacy", nlp.vocab))
    mixed = ensemble(predicted, teacher, bias)
    kept = {"plain": entities(plain), "predicted": entities(predicted), "mixed": mixed}
    for key, found in kept.items():
        srsly.write_json(place.folder / f"{key}.json", [[list(e[:3]) for e in s] for s in found])
    np.savez_compressed(
        place.folder / "scores.npz",
        **{key: raw_scores(nlp, docs).astype(np.float16) for key, docs in (("test", gold), ("dev", dev))},
    )
    return {
        "f1": evaluate(entities(gold), entities(predicted), samples=10)["f1"],
        "f1_plain": evaluate(entities(gold), entities(plain), samples=10)["f1"],
        "f1_with_teacher": evaluate(entities(gold), mixed, samples=10)["f1"],
        "f1_projected_dev": evaluate(entities(dev), entities(on_dev), samples=10)["f1"],
        "ece_raw": round(errors[0], 4),
        "ece": round(errors[1], 4),
        "temperature": fitted.temperature,
        "score_bias": fitted.bias,
        "bias": bias,
        "labels": list(student.labels),
        "steps": steps,
        "words": words,
    }


def raw_scores(nlp: Language, docs: Sequence[Doc], batch_size: int = 256) -> Any:
    """RETURNS (Floats2d): The student's (tokens, tags) scores, Docs laid end to end."""
    student = find_student(nlp)
    found: List[Any] = []
    for k in range(0, len(docs), batch_size):
        found += student.predict(run_upstream(nlp, docs[k : k + batch_size], batch_size))
    return np.concatenate([student.model.ops.to_numpy(rows) for rows in found])


def entities(docs: Iterable[Doc]) -> Sentences:
    """RETURNS (List[List[Entity]]): The entities of each Doc."""
    return [doc_entities(doc) for doc in docs]


def ensemble(students: Sequence[Doc], teachers: Sequence[Doc], bias: float) -> Sentences:
    """Translate-train with translate-test: the student's distributions and the teacher's on the
    test text, weighted alike, decoded with the student's bias.
    """
    found = []
    for doc, teacher in zip(students, teachers, strict=True):
        soft = mix([get_soft(doc), get_soft(teacher)], [0.5, 0.5])
        spans = entities_of(soft, doc, bias) if soft is not None else []
        found.append([Entity(s.start, s.end, s.label_) for s in spans])
    return found


# --- comparisons ------------------------------------------------------------------------------


def summarise(lang: str, recipes: Sequence[str], data: Path, work: Path) -> Json:
    """Compare the runs that are there.

    The unit of the bootstrap and of the test is a sentence with what all seeds make of it, since
    the seeds share the sentences.

    RETURNS (Json): The teachers' F1, and per recipe its runs and its paired tests against its
        teacher and against hard and soft labels on the seeds that both have.
    """
    vocab = spacy.blank("xx").vocab
    gold = entities(read_docs(data / "corpus" / lang / "test.spacy", vocab))
    result: Json = {"teachers": {}, "recipes": {}}
    first = data / "annotated" / "students" / lang / RECIPES[recipes[0]].teacher
    result["names_seen"] = {dev: names_seen(first, dev) for dev in DEVS}
    teachers: Dict[str, Sentences] = {}
    for name in recipes:
        seeds = _seeds(work / lang, name)
        if not seeds:
            continue
        teacher = RECIPES[name].teacher
        if teacher not in teachers:
            file = data / "annotated" / "students" / lang / teacher / "test.spacy"
            teachers[teacher] = entities(read_docs(file, vocab))
            full = evaluate(gold, teachers[teacher])
            result["teachers"][teacher] = {k: full[k] for k in ("precision", "recall", "f1", "f1_interval")}  # fmt: skip
        runs = [srsly.read_json(work / lang / f"{name}-{s}" / "result.json") for s in seeds]
        keys = (
            "f1",
            "f1_plain",
            "f1_with_teacher",
            "f1_projected_dev",
            "ece_raw",
            "ece",
            "temperature",
            "score_bias",
            "bias",
        )
        row: Json = {key: [r[key] for r in runs] for key in keys}
        row.update(teacher=teacher, seeds=seeds)
        many = len(seeds)
        mine = _read(work / lang, name, seeds, "predicted")
        for key, file in (("minus_teacher", "predicted"), ("with_teacher_minus_teacher", "mixed")):
            found = mine if file == "predicted" else _read(work / lang, name, seeds, file)
            row[key] = _test([gold] * many, found, [teachers[teacher]] * many)
        row["minus_plain"] = _test([gold] * many, mine, _read(work / lang, name, seeds, "plain"))
        for other in ("hard", "soft", "multi_soft"):
            shared = [s for s in seeds if s in _seeds(work / lang, other)]
            if other != name and shared:
                row[f"minus_{other}"] = _test(
                    [gold] * len(shared),
                    _read(work / lang, name, shared, "predicted"),
                    _read(work / lang, other, shared, "predicted"),
                )
        result["recipes"][name] = row
    return result


def names_seen(teacher: Path, dev: str) -> Json:
    """RETURNS (Json): The share of the names in a teacher's development and test data that its
    training data have too. All are projected.
    """
    folder = labelled(teacher, dev)
    files = {"train": folder, "dev": folder, "test": teacher}
    names = {part: _names(place / f"{part}.spacy") for part, place in files.items()}
    known = set(names["train"])
    parts = {part: names[part] for part in ("dev", "test")}
    return {part: round(sum(n in known for n in g) / max(len(g), 1), 3) for part, g in parts.items()}


def _names(path: Path) -> List[str]:
    return [ent.text for doc in read_docs(path, spacy.blank("xx").vocab) for ent in doc.ents]


def _seeds(folder: Path, name: str) -> List[int]:
    return sorted(int(f.parent.name.rsplit("-", 1)[1]) for f in folder.glob(f"{name}-[0-9]/result.json"))  # fmt: skip


def _read(folder: Path, name: str, seeds: Sequence[int], file: str) -> List[Sentences]:
    paths = [folder / f"{name}-{seed}" / f"{file}.json" for seed in seeds]
    return [[[Entity(*e) for e in s] for s in srsly.read_json(path)] for path in paths]


def _test(gold: List[Sentences], a: List[Sentences], b: List[Sentences]) -> Json:
    found = compare(_joined(gold), _joined(a), _joined(b), samples=1000)
    return {k: found[k] for k in ("difference", "difference_interval", "p_value")}


def _joined(seeds: List[Sentences]) -> Sentences:
    """What all seeds say of a sentence, as one sentence."""
    apart = 10_000
    return [
        [Entity(e.start + k * apart, e.end + k * apart, e.label) for k, found in enumerate(sentence) for e in found]
        for sentence in zip(*seeds, strict=True)
    ]


def as_table(result: Json) -> str:
    """RETURNS (str): The comparisons as one Markdown table, F1 in percent."""
    header = ["", "", "seeds", "F1", "without the bias", "minus teacher", "minus hard", "minus soft", "with teacher: F1", "minus teacher", "ECE raw", "ECE"]  # fmt: skip
    rows: List[List[Any]] = []
    for lang, found in result.items():
        rows += [
            [lang, f"teacher `{name}`", "", f"{100 * t['f1']:.1f}", *[""] * 8] for name, t in found["teachers"].items()
        ]
        for name, row in found["recipes"].items():
            alone = [_mean(row["f1"], 100), _mean(row["f1_plain"], 100)]
            tests = [_cell(row, f"minus_{other}") for other in ("teacher", "hard", "soft")]
            mixed = [_mean(row["f1_with_teacher"], 100), _cell(row, "with_teacher_minus_teacher")]
            errors = [_mean(row["ece_raw"], 1, 3), _mean(row["ece"], 1, 3)]
            first = [lang, f"`{name}` of `{row['teacher']}`", len(row["seeds"])]
            rows.append([*first, *alone, *tests, *mixed, *errors])
    seen = [
        [lang, dev, f"{100 * shares['dev']:.0f}%", f"{100 * shares['test']:.0f}%"]
        for lang, found in result.items()
        for dev, shares in found["names_seen"].items()
    ]
    note = "Names that the training data have too, of those projected:"
    names = table(["", "development data", "of the development data", "of the test data"], seen)
    return f"{table(header, rows)}\n\n{note}\n\n{names}"


def draw(result: Json, reference: str = "soft", far: float = 0.15) -> str:
    """RETURNS (str): An SVG of each recipe's F1 minus that of the reference, by language, without
    the recipes that are further than `far` from it anywhere: on their scale no other could be seen.
    """
    rows = {
        lang: {name: row[f"minus_{reference}"] for name, row in found["recipes"].items() if name != reference}
        for lang, found in result.items()
    }  # fmt: skip
    distant = {name for found in rows.values() for name, test in found.items() if abs(test["difference"]) > far}  # fmt: skip
    rows = {lang: {k: v for k, v in found.items() if k not in distant} for lang, found in rows.items()}  # fmt: skip
    marks = [
        {"panel": lang, "label": name, "value": test["difference"], "low": low, "high": high}
        for lang, found in rows.items()
        for name, test in sorted(found.items(), key=lambda item: -item[1]["difference"])
        for low, high in [test["difference_interval"]]
    ]
    chart = intervals(points(pd.DataFrame(marks)), f"F1 minus {reference}")
    return svg_of(chart, render(chart), f"What each recipe brings beside {reference}") + "\n"


def _mean(values: Sequence[float], factor: float, digits: int = 1) -> str:
    return f"{factor * statistics.mean(values):.{digits}f}"


def _cell(row: Json, key: str) -> str:
    if key not in row:
        return ""
    low, high = row[key]["difference_interval"]
    return f"{100 * row[key]['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Recipes of the student.")
    parser.add_argument("--out", type=Path, default=Path("metrics/student"))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--work", type=Path, default=Path("training/students"))
    parser.add_argument("--langs", default="lug,luo,tsn")
    parser.add_argument("--recipes", default="hard,soft")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--words", type=int, default=600, help="words of a batch")
    parser.add_argument("--dev", choices=DEVS, default=DEVS[0], help="the development data")
    parser.add_argument("--gpu-id", type=int, default=-1)
    parser.add_argument("--rescore", action="store_true", help="score what is there anew")
    parser.add_argument("--report", action="store_true", help="compare what is there, train nothing")
    args = parser.parse_args(argv)
    langs, recipes = args.langs.split(","), args.recipes.split(",")
    unknown = [name for name in recipes if name not in RECIPES]
    if unknown:
        raise XnerError(f"Unknown recipes: {', '.join(unknown)}.", f"Known: {', '.join(RECIPES)}.")
    if not args.report:
        # Seed by seed, so that an early stop leaves whole comparisons.
        for seed in (int(s) for s in args.seeds.split(",")):
            for name in recipes:
                for lang in langs:
                    run(name, lang, seed, args.data, args.work, steps=args.steps, words=args.words, gpu=args.gpu_id, dev=args.dev, rescore=args.rescore)  # fmt: skip
        return
    result = {lang: summarise(lang, recipes, args.data, args.work) for lang in langs}
    text = as_table(result)
    args.out.mkdir(parents=True, exist_ok=True)
    srsly.write_json(args.out / "grid.json", result)
    (args.out / "grid.md").write_text(text + "\n", encoding="utf8")
    if "soft" in recipes and len(recipes) > 1:
        (args.out / "grid.svg").write_text(draw(result), encoding="utf8")
    print(text)


if __name__ == "__main__":
    main()
