"""What is fitted on projected development data when the training is over: how ready a student is to
call a token a name, and what its span scores mean. And how far off the scores are.
"""

import copy
from pathlib import Path
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from spacy.language import Language
from spacy.training import Example
from spacy.util import resolve_dot_names

from ...corpora.docs import read_docs
from ...docdata import SPANS_KEY, span_scores
from ...errors import XnerError
from ...evaluation.calibration import expected_calibration_error
from ..readers import make_corpus
from ..soft.soft_labels import get_soft, to_labels
from .pipes import find_student, run_upstream
from .tag_scheme import TagSet

Floats = npt.NDArray[np.float64]

LOW, HIGH = 0.25, 8.0
# Of scores of O, when decoding and in the spans' scores.
BIASES = tuple(k / 4 for k in range(13))
SCORE_BIASES = tuple(k / 4 for k in range(9))
# The share of a teacher's doubt about a span that a student finds which is unfounded: projection
# loses names, and a student that has seen others like them is right more often than the teacher's
# mass says. Set by the log loss on the gold of Nigerian Pidgin, Swahili and Yoruba (docs/benchmarks.md).
UNFOUNDED_DOUBT = 0.35
# How far a span that only the student has counts as right when the bias is fitted, beside the
# student's spans in general, for the same reason: F1 against projected data would make every student
# as shy as its teacher. Set by the F1 on the same gold.
MISSED_SHARE = 0.2


class ScoreMap(NamedTuple):
    """What makes a student's scores probabilities: what is taken off the scores of O, and then the
    temperature that divides them all.
    """

    temperature: float
    bias: float


def fit_scores(
    evidence: Sequence[Tuple[Floats, Floats]],
    correct: Sequence[float],
    biases: Sequence[float] = SCORE_BIASES,
    steps: int = 25,
) -> ScoreMap:
    """The map under which the spans' scores give the least log loss.

    evidence (Sequence[Tuple[Floats, Floats]]): For each predicted span the (tokens, tags) scores of
        its tokens and the (tokens,) scores of the tags chosen there.
    correct (Sequence[float]): How far each span is held for right, in [0, 1].
    biases (Sequence[float]): To try; the first of equals is taken. steps (int): Of the
        golden-section search for the temperature of each, between 0.25 and 8 on a logarithmic scale.
    RETURNS (ScoreMap): The map; temperature 1 and bias 0 for no spans.
    """
    if not evidence:
        return ScoreMap(1.0, 0.0)
    scores = np.concatenate([tokens for tokens, _ in evidence]).astype(np.float64)
    chosen = np.concatenate([tags for _, tags in evidence]).astype(np.float64)
    starts = np.cumsum([0, *(len(tags) for _, tags in evidence[:-1])])
    right = np.asarray(correct, dtype=np.float64)

    def loss(log_temperature: float, lowered: Floats) -> float:
        logs = chosen / np.exp(log_temperature)
        logs -= logsumexp(lowered / np.exp(log_temperature), axis=1)
        log_p = np.minimum(np.minimum.reduceat(logs, starts), -1e-9)
        wrong = np.log1p(-np.exp(log_p))
        return float(-(right * log_p + (1 - right) * wrong).mean())

    best, found = np.inf, ScoreMap(1.0, 0.0)
    for bias in biases:
        lowered = scores.copy()
        lowered[:, 0] -= bias
        a, b = np.log(LOW), np.log(HIGH)
        ratio = (np.sqrt(5) - 1) / 2
        for _ in range(steps):
            low, high = b - ratio * (b - a), a + ratio * (b - a)
            if loss(low, lowered) < loss(high, lowered):
                b = high
            else:
                a = low
        middle = (a + b) / 2
        least = loss(middle, lowered)
        if least < best - 1e-9:
            best, found = least, ScoreMap(float(np.exp(middle)), float(bias))
    return found


def calibrate(
    nlp: Language,
    examples: Iterable[Example],
    batch_size: int = 256,
    *,
    unfounded_doubt: float = UNFOUNDED_DOUBT,
    biases: Sequence[float] = SCORE_BIASES,
    must_find: bool = False,
) -> ScoreMap:
    """Fit what makes a student's span scores probabilities, and set it.

    Where there are distributions, a span is held for right by the teacher's least label mass over
    its tokens, and by a share of what that mass lacks of one; elsewhere by whether the teacher has
    the span.

    nlp (Language): A pipeline with an `xner_student`.
    examples (Iterable[Example]): Projected development data; never gold, or the scores promise too
        much elsewhere.
    batch_size (int): Examples a batch.
    unfounded_doubt (float): That share, in [0, 1]. biases (Sequence[float]): To try.
    must_find (bool): That the student finds no span is an error. (In a training that has just begun it is none.)
    RETURNS (ScoreMap): The map. RAISES: XnerError if there is no student, or nothing to fit to.
    """
    student = find_student(nlp)
    evidence: List[Tuple[Floats, Floats]] = []
    correct: List[float] = []
    examples = list(examples)
    for k in range(0, len(examples), batch_size):
        batch = examples[k : k + batch_size]
        docs = run_upstream(nlp, [eg.predicted for eg in batch], batch_size)
        scores = student.predict(docs)
        student.set_annotations(docs, scores)
        for eg, doc, rows in zip(batch, docs, scores, strict=True):
            rows = student.model.ops.to_numpy(rows)
            belief = _teacher_masses(eg, student.labels)
            known = {(e.start_char, e.end_char, e.label_) for e in eg.reference.ents}
            unknown = [t.idx for t in eg.reference if t.ent_iob == 0]
            for ent in doc.ents:
                if any(ent.start_char <= i < ent.end_char for i in unknown):
                    continue
                tags = student.tagset.of_span(ent.end - ent.start, ent.label_)
                here = rows[ent.start : ent.end]
                evidence.append((here, here[np.arange(len(tags)), tags]))
                if belief is None:
                    correct.append(float((ent.start_char, ent.end_char, ent.label_) in known))
                else:
                    column = student.labels.index(ent.label_)
                    mass = float(belief[ent.start : ent.end, column].min())
                    correct.append(mass + unfounded_doubt * (1 - mass))
    if must_find and not evidence:
        raise XnerError(
            f"Nothing to fit to: the student finds no span in the {len(examples)} sentences.",
            "Give projected development data of its language, or train it longer.",
        )
    found = fit_scores(evidence, correct, biases)
    student.cfg["temperature"] = round(found.temperature, 4)
    student.cfg["score_bias"] = found.bias
    return ScoreMap(student.cfg["temperature"], found.bias)


def fit_bias(
    nlp: Language,
    examples: Iterable[Example],
    biases: Sequence[float] = BIASES,
    batch_size: int = 256,
    *,
    missed_share: float = MISSED_SHARE,
) -> float:
    """Fit how much is taken off the scores of O when a student decodes, and set it.

    A student of distributions is shy: where it doubts which of the tags of a name is right, their
    masses are apart and O has its own together, so that O wins although a name is likelier.

    nlp (Language): A pipeline with an `xner_student`. examples (Iterable[Example]): Projected
        development data, never gold. biases (Sequence[float]): To try, from the least. batch_size
        (int): Examples a batch.
    missed_share (float): How far a span that the examples lack counts as right, as a share of the
        student's precision without a bias; 0 where the examples lack none.
    RETURNS (float): The one with the highest F1 against the examples' entities, the least of
        equals. Tokens of which nothing is known count for nothing.
    """
    student = find_student(nlp)
    right, predicted, wanted = np.zeros(len(biases)), np.zeros(len(biases)), 0
    examples = list(examples)
    for k in range(0, len(examples), batch_size):
        batch = examples[k : k + batch_size]
        docs = run_upstream(nlp, [eg.predicted for eg in batch], batch_size)
        scores = student.predict(docs)
        known = [{(e.start_char, e.end_char, e.label_) for e in eg.reference.ents} for eg in batch]
        unknown = [[t.idx for t in eg.reference if t.ent_iob == 0] for eg in batch]
        wanted += sum(map(len, known))
        for column, bias in enumerate(biases):
            student.cfg["bias"] = bias
            student.set_annotations(docs, scores)
            for doc, names, gaps in zip(docs, known, unknown, strict=True):
                found = [
                    (e.start_char, e.end_char, e.label_)
                    for e in doc.ents
                    if not any(e.start_char <= i < e.end_char for i in gaps)
                ]
                predicted[column] += len(found)
                right[column] += len(names.intersection(found))
    precision = right[0] / max(predicted[0], 1)
    missed = missed_share * precision * (predicted - right)
    f1 = 2 * (right + missed) / np.maximum(predicted + wanted + missed[0], 1)
    student.cfg["bias"] = float(biases[int(f1.argmax())])
    return student.cfg["bias"]


def _teacher_masses(eg: Example, labels: Sequence[str]) -> Optional[Floats]:
    """RETURNS (Optional[Floats]): (tokens, labels) label masses of the reference, None where it has
    none on these tokens.
    """
    soft = get_soft(eg.reference)
    same = [t.text for t in eg.reference] == [t.text for t in eg.predicted]
    if soft is None or not same:
        return None
    tags = TagSet(labels, "iob2").tags
    probs = to_labels(soft, tags)
    masses: Floats = (probs[:, 1::2] + probs[:, 2::2]).astype(np.float64)
    return masses


def make_fit_temperature(path: Optional[Path] = None) -> Callable[[Language], Language]:
    """Fit the span scores whenever the training saves, `xner.FitTemperature.v1`, for
    `[training.before_to_disk]`. The pipeline that trains stays as it is.

    path (Optional[Path]): Projected development data; None leaves them as they are.
    """

    def fit(nlp: Language) -> Language:
        if path is None:
            return nlp
        saved = with_settings_apart(nlp)
        calibrate(saved, make_corpus(path)(saved))
        return saved

    return fit


def make_fit_decoding(
    path: Optional[Path] = None, missed_share: float = MISSED_SHARE
) -> Callable[[Language], Language]:
    """Fit the bias against O, and then the span scores, whenever the training saves,
    `xner.FitDecoding.v1`, for `[training.before_to_disk]`.

    The pipeline that trains stays as it is, so that all its checkpoints are scored alike: without a bias. The scores in
    the saved `meta.json` are those of the saved pipeline.

    path (Optional[Path]): Projected development data; None leaves both as they are.
    missed_share (float): As of `fit_bias`; 0 for a source model on gold development data.
    """

    def fit(nlp: Language) -> Language:
        if path is None:
            return nlp
        saved = with_settings_apart(nlp)
        examples = list(make_corpus(path)(saved))
        fit_bias(saved, examples, missed_share=missed_share)
        calibrate(saved, examples)
        rescore(saved)
        return saved

    return fit


def with_settings_apart(nlp: Language) -> Language:
    """The same pipeline, but that its student has settings of its own: what is fitted for a checkpoint goes to the disk
    with it, and the training that goes on scores the next one without it.

    nlp (Language): A pipeline with an `xner_student`. RETURNS (Language): One that shares its models and vocabulary.
    """
    student = find_student(nlp)
    apart = copy.copy(nlp)
    own = copy.copy(student)
    own.cfg = copy.deepcopy(student.cfg)
    apart._meta = copy.deepcopy(nlp._meta)
    apart._components = [(name, own if pipe is student else pipe) for name, pipe in nlp._components]
    return apart


def rescore(nlp: Language) -> None:
    """Write to a pipeline's meta what it scores on the development data that its training names, where meta has the
    scores of a training: they were made before the student's settings were fitted.

    nlp (Language): The pipeline.
    """
    scored = nlp.meta.get("performance") or {}
    config = nlp.config.interpolate()
    name = config.get("training", {}).get("dev_corpus")
    if not scored or not isinstance(name, str):
        return
    (corpus,) = resolve_dot_names(config, [name])
    examples = list(corpus(nlp)) if corpus is not None else []
    if examples:
        found = nlp.evaluate(examples)
        scored.update({key: found[key] for key in scored if key in found})


def scored_spans(predicted: Iterable[Any], gold: Iterable[Any]) -> Tuple[List[float], List[bool]]:
    """RETURNS (Tuple[List[float], List[bool]]): The scores of all predicted spans of Docs, and
    whether each is a gold entity.
    """
    scores: List[float] = []
    correct: List[bool] = []
    for doc, reference in zip(predicted, gold, strict=True):
        known = {(e.start, e.end, e.label_) for e in reference.ents}
        for span, score in zip(doc.spans[SPANS_KEY], span_scores(doc), strict=True):
            scores.append(score)
            correct.append((span.start, span.end, span.label_) in known)
    return scores, correct


def calibration_error(predicted: Path, gold: Path, vocab: Any, bins: int = 10) -> float:
    """RETURNS (float): `expected_calibration_error` of predicted shards against gold ones."""
    scores, correct = scored_spans(read_docs(predicted, vocab), read_docs(gold, vocab))
    return expected_calibration_error(scores, correct, bins)
