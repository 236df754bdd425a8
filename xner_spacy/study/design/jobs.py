"""The jobs of a study. Each fills its own folder and returns what it measured."""

import platform
import shutil
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union, get_args

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ...corpora.docs import bare_copy, doc_entities, read_docs, write_docbin
from ...corpora.pipelines import load_pipeline
from ...corpora.reading import read_json
from ...corpora.writing import write_json
from ...distillation.soft.soft_labels import get_soft, set_soft
from ...distillation.soft.soft_projection import project_soft
from ...distillation.student.pipes import find_student, run_upstream
from ...distillation.student.score_fitting import fit_bias
from ...distillation.teachers.mixtures import mix_docs
from ...docdata import install_extensions, pinned_coders
from ...errors import XnerError
from ...evaluation.entities import Sentence, bootstrap_f1, compare, count, prf
from ...projection.projectors import checked
from ...registry import registry
from ...types import Entity, Json, SentencePair, TokenLabels
from .config import Study, TrainingKind
from .input_files import KEPT, InputChanged, Inputs, Parents
from .plan import Job, digest
from .rows import GOLD
from .student_text import student_text, target_text
from .student_training import STUDENT, files_in, recipe, steps_of_epochs, train_model

BOOTSTRAP = 1000
# Biases against O at which a student is measured beside the one that was fitted.
OTHER_BIASES = (0.0, 2.0)
BATCH = 256
HARD = {STUDENT + "hard_weight": 1.0, STUDENT + "soft_weight": 0.0}
SOFT = {STUDENT + "hard_weight": 0.0, STUDENT + "soft_weight": 1.0}
# Settings that an arm changes in the student's config.
RECIPES: Dict[str, Json] = {
    "hard": HARD,
    GOLD: HARD,
    "translate_train": HARD,
    "soft": SOFT,
    "surest": SOFT,
    "tsl": {**SOFT, STUDENT + "soft_loss": {"@losses": "xner.MeanSquaredError.v1"}},
    "prototypes": {**SOFT, STUDENT + "auxiliary": {"@misc": "xner.PrototypeStudent.v1"}},
}

# Start, end and label of the entities of each sentence, by the method that found them.
Found = Dict[str, List[List[List[Union[int, str]]]]]


def do(job: Job, study: Study, folder: Path, parents: Parents) -> Json:
    """Run a job.

    job (Job): The job. study (Study): Its study. folder (Path): The folder for its files. parents (Dict[str, Path]):
        The folders of the jobs that it depends on, by kind.
    RETURNS (Json): The result: `measurements` by name, `seconds` of processor time, `machine`.
    """
    install_extensions()
    if study.settings.gpu_id >= 0:
        spacy.require_gpu(study.settings.gpu_id)
    started = time.process_time()
    with pinned_coders():
        inputs = _inputs(job, study)
        measured = KINDS[job.kind](job.params, study, folder, parents, inputs)
    return {"measurements": measured, "seconds": round(time.process_time() - started, 2), "machine": machine()}


def _inputs(job: Job, study: Study) -> Inputs:
    """RETURNS (Inputs): The study's files. RAISES: InputChanged if a config has changed since the run began."""
    changed = "a file that it names has changed since the run began."
    if job.kind in get_args(TrainingKind):
        training = study.training(job.kind, job.params.get("training", {}))  # type: ignore[arg-type]
        if digest(recipe(training)) != job.reads[f"config of the {job.kind}"]:
            raise InputChanged(f"or {changed}", training.config, hint=KEPT)
    expected = job.reads.get("files of the projector")
    if expected is not None and digest(files_in(study.projector)) != expected:
        raise InputChanged(f"[projector]: {changed}", study.path, hint=KEPT)
    lang = job.params.get("lang")
    return Inputs(study.files([lang] if lang else []), job.reads)


def machine() -> str:
    """RETURNS (str): The kind of processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def _teacher(params: Json, study: Study, folder: Path, parents: Parents, inputs: Inputs) -> Json:
    vocab = spacy.blank("xx").vocab
    corpus = folder / "train.spacy"
    write_docbin(corpus, inputs.docs("source", vocab, inputs.sample("source", params, vocab)))
    seed, gpu_id = params["seed"], study.settings.gpu_id
    training = study.training("teacher", params.get("training", {}))
    train_model(training, HARD, corpus, folder / "model", seed=seed, steps=training.steps, gpu_id=gpu_id)
    corpus.unlink()
    return {}


def _labels(params: Json, study: Study, folder: Path, parents: Parents, inputs: Inputs) -> Json:
    """Label the translations, project the labels, and measure what needs no student."""
    lang = params["lang"]
    nlp = load_pipeline(parents["teacher"] / "model")
    projector = registry.resolve({"projector": params["projector"]})["projector"]
    text = target_text(params)
    pool = inputs.docs(text, nlp.vocab)
    gold = inputs.docs(f"test {lang}", nlp.vocab)
    if not all(doc._.xner_source is not None for doc in pool):
        path = inputs.paths[text]
        raise XnerError(f"{path}: sentences without a translation.", "Leave them out, or translate them.")
    pairs, soft = _read_source(nlp, pool)
    train = getattr(projector, "train", None)
    if train is not None:
        train(pairs, [(pair.source, pair.target) for pair in pairs])
    write_docbin(folder / "train.spacy", _project(projector, pool, pairs, soft))
    truth = _entities(gold)
    by_method = {"transfer": _entities(_predict(nlp, gold))}
    if all(doc._.xner_source is not None for doc in gold):
        test = list(_project(projector, gold, *_read_source(nlp, gold)))
        write_docbin(folder / "test.spacy", test)
        by_method["teacher"] = _entities(test)
    saved = {name: [[entity[:3] for entity in sentence] for sentence in spans] for name, spans in by_method.items()}
    write_json(folder / "found.json", saved)
    return {name: measure(truth, spans, by_method) for name, spans in by_method.items()}


def _transfer(params: Json, study: Study, folder: Path, parents: Parents, inputs: Inputs) -> Json:
    """Apply the source model to the target text directly."""
    nlp = load_pipeline(parents["teacher"] / "model")
    write_docbin(folder / "train.spacy", _predict(nlp, inputs.docs(target_text(params), nlp.vocab)))
    return {}


def _student(params: Json, study: Study, folder: Path, parents: Parents, inputs: Inputs) -> Json:
    lang, arm = params["lang"], params["arm"]
    vocab = spacy.blank("xx").vocab
    corpus = folder / "train.spacy"
    docs, held_out = student_text(params, parents, inputs, vocab)
    write_docbin(corpus, docs)
    counts = {"train_sentences": len(docs), "train_entities": sum(len(doc.ents) for doc in docs)}
    counts["words"] = sum(map(len, docs))
    training = study.training("student", params.get("training", {}))
    counts["steps"] = training.steps
    if params["design"] == "epochs":
        counts["steps"] = steps_of_epochs(training, counts["words"])
    model, gpu_id = folder / "model", study.settings.gpu_id
    train_model(training, RECIPES[arm], corpus, model, seed=params["seed"], steps=counts["steps"], gpu_id=gpu_id)
    nlp = load_pipeline(model)
    bias = 0.0
    decoding: Json = {}
    if held_out:
        bias = fit_bias(nlp, [Example(bare_copy(doc, nlp.vocab), doc) for doc in held_out])
        decoding["bias"] = bias
    gold = inputs.docs(f"test {lang}", nlp.vocab)
    truth = _entities(gold)
    # A student of gold labels has no teacher.
    labels = parents.get("labels")
    compared = _read_found(labels / "found.json") if labels else {}
    biases = dict.fromkeys([bias, *(OTHER_BIASES if held_out else ())])
    by_bias = _found_by_bias(nlp, arm, gold, labels, biases)
    measured = {}
    for name, found in by_bias[bias].items():
        others = {f"f1_bias_{b:.0f}": _f1(truth, by_bias[b][name]) for b in OTHER_BIASES if held_out}
        measured[name] = {**measure(truth, found, compared), **others, **decoding, **counts}
    shutil.rmtree(model)
    corpus.unlink()
    return measured


def _found_by_bias(
    nlp: Language, arm: str, gold: Sequence[Doc], labels: Optional[Path], biases: Iterable[float]
) -> Dict[float, Dict[str, List[Any]]]:
    """RETURNS (Dict[float, Dict[str, List[Any]]]): The entities that a student finds with each bias against O, by arm;
    those of the ensemble with the teacher too, where there is one. labels (Optional[Path]): The folder of what the
    teacher found.
    """
    student = find_student(nlp)
    docs = run_upstream(nlp, gold, BATCH)
    # The scores do not depend on the bias.
    scores = [rows for batch in minibatch(docs, BATCH) for rows in student.predict(batch)]
    teacher: List[Doc] = []
    if arm == "soft" and labels is not None and (labels / "test.spacy").exists():
        teacher = list(read_docs(labels / "test.spacy", nlp.vocab))
    by_bias = {}
    for bias in biases:
        student.cfg["bias"] = bias
        student.set_annotations(docs, scores)
        by_bias[bias] = {arm: _entities(docs)}
        if teacher:
            by_bias[bias]["ensemble"] = _entities(mix_docs([docs, teacher], [0.5, 0.5], bias=bias))
    return by_bias


KINDS: Dict[str, Callable[[Json, Study, Path, Parents, Inputs], Json]] = {
    "teacher": _teacher,
    "labels": _labels,
    "transfer": _transfer,
    "student": _student,
}


def _entities(docs: Iterable[Doc]) -> List[List[Entity]]:
    return [doc_entities(doc) for doc in docs]


def _predict(nlp: Language, docs: Iterable[Doc]) -> Iterable[Doc]:
    return nlp.pipe([bare_copy(doc, nlp.vocab) for doc in docs], batch_size=BATCH)


def _read_source(nlp: Language, docs: Sequence[Doc]) -> Tuple[List[SentencePair], List[Any]]:
    """RETURNS (Tuple): Sentence pairs with the source model's entities in the translations, and its distributions."""
    pairs, softs = [], []
    for doc, source in zip(docs, _predict(nlp, [doc._.xner_source for doc in docs]), strict=True):
        words, translation = ([t.text for t in side] for side in (source, doc))
        pairs.append(SentencePair(words, translation, doc_entities(source), doc._.xner_alignment))
        softs.append(get_soft(source))
    return pairs, softs


def _project(
    projector: Any, docs: Sequence[Doc], pairs: Sequence[SentencePair], softs: Sequence[TokenLabels]
) -> Iterable[Doc]:
    projected = checked(projector, pairs)
    soft = project_soft(projector, pairs, softs)
    for doc, projection, distribution in zip(docs, projected, soft, strict=True):
        projected_doc = bare_copy(doc, doc.vocab)
        spans = [spacy.tokens.Span(projected_doc, s.start, s.end, label=s.label) for s in projection.spans]
        projected_doc.set_ents(spans, default="outside")
        set_soft(projected_doc, distribution)
        yield projected_doc


def _read_found(path: Path) -> Dict[str, List[Sentence]]:
    by_method = read_json(path, Found, hint="Delete the folder that it is in, and run again.")
    return {name: [[Entity(*entity) for entity in sentence] for sentence in spans] for name, spans in by_method.items()}


def _f1(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> float:
    counts = count(gold, predicted)
    return round(prf(*(float(column.sum()) for column in (counts.correct, counts.predicted, counts.gold)))[2], 5)


def measure(gold: Sequence[Sentence], predicted: Sequence[Sentence], compared: Dict[str, Any]) -> Json:
    """Score predictions, and compare them with the predictions of the teacher and of model transfer.

    RETURNS (Json): The fields of a `Row`.
    """
    counts = count(gold, predicted)
    precision, recall, f1 = prf(float(counts.correct.sum()), float(counts.predicted.sum()), float(counts.gold.sum()))
    low, high = bootstrap_f1(counts, BOOTSTRAP)
    row: Json = {"precision": precision, "recall": recall, "f1": f1, "f1_low": low, "f1_high": high}
    for name in ("teacher", "transfer"):
        if name in compared:
            test = compare(gold, predicted, compared[name], samples=BOOTSTRAP)
            row[f"minus_{name}"] = test["difference"]
            row[f"minus_{name}_low"], row[f"minus_{name}_high"] = test["difference_interval"]
    row = {key: round(value, 5) for key, value in row.items()}
    return {**row, "test_sentences": len(gold), "test_entities": int(counts.gold.sum())}
