"""What is fitted on projected development data after training: the bias of a student's scores against O, and the map
from span scores to probabilities.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import minibatch, resolve_dot_names

from ...errors import require
from ..readers import Corpus
from ..soft.soft_labels import get_soft, label_masses, to_labels
from .pipes import find_student, run_upstream
from .tag_scheme import TagSet

Floats = npt.NDArray[np.float64]
Name = Tuple[int, int, str]

TEMPERATURES = (0.25, 8.0)  # the limits of the search
# Biases of the scores of O to try, for decoding and for span scores.
BIASES = tuple(k / 4 for k in range(13))
SCORE_BIASES = tuple(k / 4 for k in range(9))
# Which share of a teacher's doubt about a student's span is unfounded: projection loses names, and a student that has
# seen similar ones is right more often than the teacher's mass suggests. Set by the log loss on the gold data of
# Nigerian Pidgin, Swahili and Yoruba (docs/benchmarks.md).
UNFOUNDED_DOUBT = 0.35
# How much a span that only the student has counts as right when the bias is fitted, relative to the student's spans in
# general. The reason is the same: F1 against projected data would make every student as cautious as its teacher. Set by
# the F1 on the same gold data.
MISSED_SHARE = 0.2


class ScoreMap(NamedTuple):
    """Maps scores to probabilities: subtracts a bias from the scores of O, then divides all by a temperature."""

    temperature: float
    bias: float


def fit_scores(
    evidence: Sequence[Tuple[Floats, Floats]], correct: Sequence[float], biases: Sequence[float] = SCORE_BIASES
) -> ScoreMap:
    """Find the map with the least log loss of the span scores.

    evidence (Sequence[Tuple[Floats, Floats]]): For each predicted span the (tokens, tags) scores of its tokens and the
        (tokens,) scores of the tags chosen there.
    correct (Sequence[float]): The probability that each span is right, in [0, 1].
    biases (Sequence[float]): Biases to try, each with its best temperature; the first one wins a tie.
    RETURNS (ScoreMap): The map; temperature 1 and bias 0 without spans.
    """
    least_loss, fitted = np.inf, ScoreMap(1.0, 0.0)
    if not evidence:
        return fitted
    scores = np.concatenate([tokens for tokens, _ in evidence]).astype(np.float64)
    chosen = np.concatenate([tags for _, tags in evidence]).astype(np.float64)
    starts = np.cumsum([0, *(len(tags) for _, tags in evidence[:-1])])
    right = np.asarray(correct, dtype=np.float64)

    def loss(log_temperature: float, biased_scores: Floats) -> float:
        logs = chosen / np.exp(log_temperature)
        logs -= logsumexp(biased_scores / np.exp(log_temperature), axis=1)
        log_p = np.minimum(np.minimum.reduceat(logs, starts), -1e-9)
        wrong = np.log1p(-np.exp(log_p))
        return float(-(right * log_p + (1 - right) * wrong).mean())

    for bias in biases:
        biased_scores = scores.copy()
        biased_scores[:, 0] -= bias
        search = minimize_scalar(loss, bounds=np.log(TEMPERATURES), args=(biased_scores,), method="bounded")
        if search.fun < least_loss - 1e-9:
            least_loss, fitted = search.fun, ScoreMap(float(np.exp(search.x)), float(bias))
    return fitted


class _Batch(NamedTuple):
    """Examples, the Docs that a student was applied to, its (tokens, tags) scores, and the names and missing values of
    each reference, both in characters.
    """

    examples: List[Example]
    docs: List[Doc]
    scores: List[Any]
    names: List[Set[Name]]
    gaps: List[List[int]]


def _batches(nlp: Language, examples: Sequence[Example], batch_size: int) -> Iterator[_Batch]:
    student = find_student(nlp)
    for batch in minibatch(examples, batch_size):
        docs = run_upstream(nlp, [example.predicted for example in batch], batch_size)
        names = [{(ent.start_char, ent.end_char, ent.label_) for ent in example.reference.ents} for example in batch]
        gaps = [[token.idx for token in example.reference if token.ent_iob == 0] for example in batch]
        yield _Batch(batch, docs, student.predict(docs), names, gaps)


def _known_names(doc: Doc, gaps: Sequence[int]) -> Dict[Name, Span]:
    """RETURNS (Dict[Name, Span]): The entities of a Doc that contain no missing value."""
    return {
        (ent.start_char, ent.end_char, ent.label_): ent
        for ent in doc.ents
        if not any(ent.start_char <= gap < ent.end_char for gap in gaps)
    }


def calibrate(
    nlp: Language,
    examples: Iterable[Example],
    batch_size: int = 256,
    *,
    unfounded_doubt: float = UNFOUNDED_DOUBT,
    biases: Sequence[float] = SCORE_BIASES,
    must_find: bool = False,
) -> ScoreMap:
    """Fit the map from a student's span scores to probabilities, and set it.

    With distributions, the probability that a span is right is the teacher's least label mass m over its tokens plus
    `unfounded_doubt * (1 - m)`. Without, it is 1 or 0: whether the teacher has the span.

    examples (Iterable[Example]): Projected development data. Never use gold data: scores would be too high elsewhere.
    unfounded_doubt (float): See above, in [0, 1]. biases (Sequence[float]): Biases to try.
    must_find (bool): Raise an error if the student finds no span, which is normal only early in training.
    RETURNS (ScoreMap): The map. RAISES: XnerError if there is no student, or nothing to fit to.
    """
    student = find_student(nlp)
    evidence: List[Tuple[Floats, Floats]] = []
    correct: List[float] = []
    examples = list(examples)
    for batch in _batches(nlp, examples, batch_size):
        student.set_annotations(batch.docs, batch.scores)
        for eg, doc, scores, names, gaps in zip(*batch, strict=True):
            rows = student.model.ops.to_numpy(scores)
            teacher_masses = _teacher_masses(eg, student.labels)
            for name, ent in _known_names(doc, gaps).items():
                tags = student.tagset.of_span(ent.end - ent.start, ent.label_)
                span_scores = rows[ent.start : ent.end]
                evidence.append((span_scores, span_scores[np.arange(len(tags)), tags]))
                if teacher_masses is None:
                    correct.append(float(name in names))
                else:
                    mass = float(teacher_masses[ent.start : ent.end, student.labels.index(ent.label_)].min())
                    correct.append(mass + unfounded_doubt * (1 - mass))
    require(
        not must_find or bool(evidence),
        f"Nothing to fit to: the student finds no span in the {len(examples)} sentences.",
        "Give projected development data of its language, or train it longer.",
    )
    fitted = fit_scores(evidence, correct, biases)
    student.cfg["temperature"] = round(fitted.temperature, 4)
    student.cfg["score_bias"] = fitted.bias
    return ScoreMap(student.cfg["temperature"], fitted.bias)


def fit_bias(
    nlp: Language,
    examples: Iterable[Example],
    biases: Sequence[float] = BIASES,
    batch_size: int = 256,
    *,
    missed_share: float = MISSED_SHARE,
) -> float:
    """Fit the bias that is subtracted from the scores of O when a student decodes, and set it.

    A student of distributions finds too few names: if it is uncertain which tag of a name is right, the mass of the
    name is split between several tags, so that O wins although a name is likelier.

    examples (Iterable[Example]): Projected development data, never gold data.
    biases (Sequence[float]): Biases to try, ascending.
    missed_share (float): How much a span that the examples lack counts as right, as a share of the student's precision
        without a bias; 0 if the examples are complete.
    RETURNS (float): The bias with the highest F1 against the examples' entities; the least one wins a tie. Spans with
        missing values are ignored.
    """
    student = find_student(nlp)
    n_right, n_predicted, n_expected = np.zeros(len(biases)), np.zeros(len(biases)), 0
    for batch in _batches(nlp, list(examples), batch_size):
        n_expected += sum(map(len, batch.names))
        for column, bias in enumerate(biases):
            student.cfg["bias"] = bias
            student.set_annotations(batch.docs, batch.scores)
            for doc, names, gaps in zip(batch.docs, batch.names, batch.gaps, strict=True):
                proposed = _known_names(doc, gaps)
                n_predicted[column] += len(proposed)
                n_right[column] += len(names.intersection(proposed))
    precision = n_right[0] / max(n_predicted[0], 1)
    n_missed = missed_share * precision * (n_predicted - n_right)
    f1 = 2 * (n_right + n_missed) / np.maximum(n_predicted + n_expected + n_missed[0], 1)
    student.cfg["bias"] = float(biases[int(f1.argmax())])
    return student.cfg["bias"]


def _teacher_masses(eg: Example, labels: Sequence[str]) -> Optional[Floats]:
    """RETURNS (Optional[Floats]): (tokens, labels) label masses of the reference, if it has them on these tokens."""
    soft = get_soft(eg.reference)
    if soft is None or [t.text for t in eg.reference] != [t.text for t in eg.predicted]:
        return None
    return label_masses(to_labels(soft, TagSet(labels, "iob2").tags)).astype(np.float64)


@dataclass(eq=False)
class FitTemperature:
    """Fits the span scores of each saved checkpoint, `xner.FitTemperature.v1`, for `[training.before_to_disk]`. The
    pipeline in training is not changed.

    path (Optional[Path]): Projected development data; None fits nothing.
    """

    path: Optional[Path] = None

    def __call__(self, nlp: Language) -> Language:
        if self.path is None:
            return nlp
        copied = with_settings_apart(nlp)
        self._fit(copied, list(Corpus(self.path)(copied)))
        return copied

    def _fit(self, nlp: Language, examples: List[Example]) -> None:
        calibrate(nlp, examples)


@dataclass(eq=False)
class FitDecoding(FitTemperature):
    """Fits the bias against O, then the span scores, of each saved checkpoint, `xner.FitDecoding.v1`, for
    `[training.before_to_disk]`.

    The pipeline in training is not changed, so that all checkpoints are evaluated without a bias. The scores in the
    saved `meta.json` are those of the saved pipeline.

    path (Optional[Path]): Projected development data; None fits nothing.
    missed_share (float): See `fit_bias`; 0 for a source model on gold development data.
    """

    missed_share: float = MISSED_SHARE

    def _fit(self, nlp: Language, examples: List[Example]) -> None:
        fit_bias(nlp, examples, missed_share=self.missed_share)
        calibrate(nlp, examples)
        rescore(nlp)


def with_settings_apart(nlp: Language) -> Language:
    """RETURNS (Language): A copy of the pipeline that shares models and vocabulary, but not the student's settings:
    what is fitted for a checkpoint is saved with it, and does not affect the training.
    """
    student = find_student(nlp)
    copied_nlp = copy.copy(nlp)
    copied_student = copy.copy(student)
    copied_student.cfg = copy.deepcopy(student.cfg)
    copied_nlp._meta = copy.deepcopy(nlp._meta)
    copied_nlp._components = [(name, copied_student if pipe is student else pipe) for name, pipe in nlp._components]
    return copied_nlp


def rescore(nlp: Language) -> None:
    """Update the scores in a pipeline's meta, if it has any, by evaluating on the development data of its training:
    they were computed before the student's settings were fitted.
    """
    performance = nlp.meta.get("performance") or {}
    config = nlp.config.interpolate()
    name = config.get("training", {}).get("dev_corpus")
    if not performance or not isinstance(name, str):
        return
    (corpus,) = resolve_dot_names(config, [name])
    examples = list(corpus(nlp)) if corpus is not None else []
    if examples:
        scores = nlp.evaluate(examples)
        performance.update({key: scores[key] for key in performance if key in scores})
