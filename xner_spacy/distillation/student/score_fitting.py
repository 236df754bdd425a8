"""What is fitted on projected development data when the training is over: how ready a student is to call a token a
name, and what its span scores mean.
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

TEMPERATURES = (0.25, 8.0)  # within which one is sought
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
    """What makes scores probabilities: a bias, taken off those of O, and then a temperature that divides them all."""

    temperature: float
    bias: float


def fit_scores(
    evidence: Sequence[Tuple[Floats, Floats]], correct: Sequence[float], biases: Sequence[float] = SCORE_BIASES
) -> ScoreMap:
    """The map under which the spans' scores give the least log loss.

    evidence (Sequence[Tuple[Floats, Floats]]): For each predicted span the (tokens, tags) scores of its tokens and the
        (tokens,) scores of the tags chosen there.
    correct (Sequence[float]): How far each span is held for right, in [0, 1].
    biases (Sequence[float]): To try, each with the best of the `TEMPERATURES`; the first of equals is taken.
    RETURNS (ScoreMap): The map; temperature 1 and bias 0 for no spans.
    """
    best, fitted = np.inf, ScoreMap(1.0, 0.0)
    if not evidence:
        return fitted
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

    for bias in biases:
        lowered = scores.copy()
        lowered[:, 0] -= bias
        search = minimize_scalar(loss, bounds=np.log(TEMPERATURES), args=(lowered,), method="bounded")
        if search.fun < best - 1e-9:
            best, fitted = search.fun, ScoreMap(float(np.exp(search.x)), float(bias))
    return fitted


class _Batch(NamedTuple):
    """Examples, the Docs that a student has seen, its (tokens, tags) scores, and for each what the reference has as
    names and where it has missing values, both in characters.
    """

    examples: List[Example]
    docs: List[Doc]
    scores: List[Any]
    names: List[Set[Name]]
    gaps: List[List[int]]


def _batches(nlp: Language, examples: Sequence[Example], batch_size: int) -> Iterator[_Batch]:
    student = find_student(nlp)
    for batch in minibatch(examples, batch_size):
        docs = run_upstream(nlp, [eg.predicted for eg in batch], batch_size)
        names = [{(e.start_char, e.end_char, e.label_) for e in eg.reference.ents} for eg in batch]
        gaps = [[t.idx for t in eg.reference if t.ent_iob == 0] for eg in batch]
        yield _Batch(batch, docs, student.predict(docs), names, gaps)


def _known_names(doc: Doc, gaps: Sequence[int]) -> Dict[Name, Span]:
    """RETURNS (Dict[Name, Span]): The entities of a Doc that touch no missing value."""
    return {
        (e.start_char, e.end_char, e.label_): e
        for e in doc.ents
        if not any(e.start_char <= i < e.end_char for i in gaps)
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
    """Fit what makes a student's span scores probabilities, and set it.

    Where there are distributions, a span is held for right by the teacher's least label mass over its tokens, and by a
    share of what that mass lacks of one; elsewhere by whether the teacher has the span.

    examples (Iterable[Example]): Projected development data; never gold, or the scores promise too much elsewhere.
    unfounded_doubt (float): That share, in [0, 1]. biases (Sequence[float]): To try.
    must_find (bool): That the student finds no span is an error. (In a training that has just begun it is none.)
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
            belief = _teacher_masses(eg, student.labels)
            for name, ent in _known_names(doc, gaps).items():
                tags = student.tagset.of_span(ent.end - ent.start, ent.label_)
                here = rows[ent.start : ent.end]
                evidence.append((here, here[np.arange(len(tags)), tags]))
                if belief is None:
                    correct.append(float(name in names))
                else:
                    mass = float(belief[ent.start : ent.end, student.labels.index(ent.label_)].min())
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
    """Fit how much is taken off the scores of O when a student decodes, and set it.

    A student of distributions is shy: where it doubts which of the tags of a name is right, their masses are apart and
    O has its own together, so that O wins although a name is likelier.

    examples (Iterable[Example]): Projected development data, never gold.
    biases (Sequence[float]): To try, from the least.
    missed_share (float): How far a span that the examples lack counts as right, as a share of the student's precision
        without a bias; 0 where the examples lack none.
    RETURNS (float): The one with the highest F1 against the examples' entities, the least of equals. Tokens of which
        nothing is known count for nothing.
    """
    student = find_student(nlp)
    right, predicted, wanted = np.zeros(len(biases)), np.zeros(len(biases)), 0
    for batch in _batches(nlp, list(examples), batch_size):
        wanted += sum(map(len, batch.names))
        for column, bias in enumerate(biases):
            student.cfg["bias"] = bias
            student.set_annotations(batch.docs, batch.scores)
            for doc, names, gaps in zip(batch.docs, batch.names, batch.gaps, strict=True):
                proposed = _known_names(doc, gaps)
                predicted[column] += len(proposed)
                right[column] += len(names.intersection(proposed))
    precision = right[0] / max(predicted[0], 1)
    missed = missed_share * precision * (predicted - right)
    f1 = 2 * (right + missed) / np.maximum(predicted + wanted + missed[0], 1)
    student.cfg["bias"] = float(biases[int(f1.argmax())])
    return student.cfg["bias"]


def _teacher_masses(eg: Example, labels: Sequence[str]) -> Optional[Floats]:
    """RETURNS (Optional[Floats]): (tokens, labels) label masses of the reference, None where it has none on these
    tokens.
    """
    soft = get_soft(eg.reference)
    if soft is None or [t.text for t in eg.reference] != [t.text for t in eg.predicted]:
        return None
    return label_masses(to_labels(soft, TagSet(labels, "iob2").tags)).astype(np.float64)


@dataclass(eq=False)
class FitTemperature:
    """Fits the span scores whenever the training saves, `xner.FitTemperature.v1`, for `[training.before_to_disk]`. The
    pipeline that trains stays as it is.

    path (Optional[Path]): Projected development data; None leaves them as they are.
    """

    path: Optional[Path] = None

    def __call__(self, nlp: Language) -> Language:
        if self.path is None:
            return nlp
        saved = with_settings_apart(nlp)
        self._fit(saved, list(Corpus(self.path)(saved)))
        return saved

    def _fit(self, saved: Language, examples: List[Example]) -> None:
        calibrate(saved, examples)


@dataclass(eq=False)
class FitDecoding(FitTemperature):
    """Fits the bias against O, then the span scores, whenever the training saves, `xner.FitDecoding.v1`, for
    `[training.before_to_disk]`.

    The pipeline that trains stays as it is, so that all its checkpoints are scored alike: without a bias. The scores in
    the saved `meta.json` are those of the saved pipeline.

    path (Optional[Path]): Projected development data; None leaves both as they are.
    missed_share (float): As of `fit_bias`; 0 for a source model on gold development data.
    """

    missed_share: float = MISSED_SHARE

    def _fit(self, saved: Language, examples: List[Example]) -> None:
        fit_bias(saved, examples, missed_share=self.missed_share)
        calibrate(saved, examples)
        rescore(saved)


def with_settings_apart(nlp: Language) -> Language:
    """RETURNS (Language): The same pipeline, with models and vocabulary shared, but that its student has settings of
    its own: what is fitted for a checkpoint goes to the disk with it, and the training that goes on scores the next one
    without it.
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
    """
    scored = nlp.meta.get("performance") or {}
    config = nlp.config.interpolate()
    name = config.get("training", {}).get("dev_corpus")
    if not scored or not isinstance(name, str):
        return
    (corpus,) = resolve_dot_names(config, [name])
    examples = list(corpus(nlp)) if corpus is not None else []
    if examples:
        scores = nlp.evaluate(examples)
        scored.update({key: scores[key] for key in scored if key in scores})
