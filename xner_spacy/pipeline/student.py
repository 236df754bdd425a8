"""`xner_student`: an entity recogniser that learns from labels and distributions, and can ignore missing values."""

import math
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
from confection import Config
from scipy.special import log_softmax
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d
from typing_extensions import TypedDict

from ..corpora.reading import check_shape, read_config, reading
from ..distillation.soft.soft_labels import entity_labels, get_soft, has_soft, scheme_to_iob2, set_soft
from ..distillation.student.losses import CrossEntropy, Loss, softmax
from ..distillation.student.matmul import pipeline_row_by_row, predict_row_by_row
from ..distillation.student.network import resize_output
from ..distillation.student.tag_scheme import TagSet, blank_tokens, decode_spans
from ..distillation.student.targets import TargetReader, Targets, one_hot
from ..distillation.teachers.prototypes import FeatureLoss
from ..docdata import SPANS_KEY
from ..errors import InputError, Warnings, XnerError, XnerWarning, require
from ..types import FloatArray, TokenLabels

DEFAULT_CONFIG = """
[student]
scorer = {"@scorers":"spacy.ner_scorer.v1"}

[student.hard_loss]
@losses = "xner.CrossEntropy.v1"

[student.soft_loss]
@losses = "xner.KLDivergence.v1"

[student.model]
@architectures = "xner.Student.v1"

[student.model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 96
depth = 4
embed_size = 2000
window_size = 1
maxout_pieces = 3
subword_features = true
"""
# Training fails after this many batches without labels and distributions, if no earlier batch had any.
MOST_EMPTY_BATCHES = 100


class _Settings(TypedDict, total=False):
    labels: List[str]
    temperature: float
    bias: float
    score_bias: float


@Language.factory(
    "xner_student",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["student"],
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
class Student(TrainablePipe):
    """A token classifier with constrained decoding.

    It sets `doc.ents` and `doc.spans["xner"]`, whose `attrs["scores"]` are the probabilities of the spans. The
    probability of a span is the lowest of its tags (the tokens of an entity share their uncertainty, so a product would
    count it several times), after `cfg["score_bias"]` is subtracted from the scores of O and all are divided by
    `cfg["temperature"]`. `cfg["bias"]` is subtracted from the scores of O for decoding only. All three are fitted by
    `xner_spacy.distillation.student.score_fitting`.

    model (Model): Maps Docs to (tokens, tags) scores, such as `xner.Student.v1`.
    hard_loss, soft_loss (Loss): From the registry `losses`.
    scheme (str): "biluo" or "iob2".
    hard_weight (float): Weight of the loss on tokens with gold or pseudo-labels; 0 to ignore the labels of Docs that
        have distributions (labels of other Docs then have the weight 1). A token that also has a distribution counts
        for both losses.
    soft_weight (float): Weight of the loss on tokens with distributions; 0 to ignore them.
    confidence (float): Each token is weighted by the teacher's confidence to this power; 0 for no weights.
    store_soft (bool): Also store the distributions with each Doc, so that it can be a teacher.
    auxiliary (Optional[FeatureLoss]): A further loss on the token vectors, such as `xner.PrototypeStudent.v1`.
    scorer (Optional[Callable]): See spaCy's `ner`.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model,
        hard_loss: Loss,
        soft_loss: Loss,
        scheme: str = "biluo",
        hard_weight: float = 1.0,
        soft_weight: float = 1.0,
        confidence: float = 0.0,
        store_soft: bool = False,
        auxiliary: Optional[FeatureLoss] = None,
        scorer: Optional[Callable] = None,
    ) -> None:
        numbers = {"hard_weight": hard_weight, "soft_weight": soft_weight, "confidence": confidence}
        for setting, value in numbers.items():
            require(0 <= value < math.inf, f"{name}: {setting} is {value}.", "Give a number from 0 on.")
        # A shared tok2vec comes before the student that listens to it. Its output must not depend on the rest of a
        # batch either.
        pipeline_row_by_row(nlp)
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.scheme = scheme
        self.hard_loss = hard_loss
        self.soft_loss = soft_loss
        self.hard_weight = hard_weight
        self.soft_weight = soft_weight
        self.confidence = confidence
        self.store_soft = store_soft
        self.auxiliary = auxiliary
        self.scorer = scorer
        self.cfg: Dict[str, Any] = {"labels": [], "temperature": 1.0, "bias": 0.0, "score_bias": 0.0}
        self._tagset = TagSet((), scheme)
        self._reader: Optional[TargetReader] = None
        self._empty_batches = 0  # batches before the first with something to learn; -1 after it
        self._is_checked = False
        self._rehearsal_model: Optional[Model] = None  # set by `nlp.resume_training`

    @property
    def labels(self) -> Tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The entity labels."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> List[str]:
        """RETURNS (List[str]): The labels in the form of the argument `labels` of `initialize`."""
        return list(self.cfg["labels"])

    @property
    def tagset(self) -> TagSet:
        """RETURNS (TagSet): The tags, in the order of the model's outputs."""
        # The labels in `cfg` change when it is loaded from disk or bytes.
        if self._tagset.labels != self.labels:
            self._tagset = TagSet(self.labels, self.scheme)
            self._reader = None
        return self._tagset

    def add_label(self, label: str) -> int:
        """Add a label. An initialised model gets outputs for it.

        RETURNS (int): 1 if the label is new, else 0. RAISES: ValueError if it is not a string.
        """
        if not isinstance(label, str):
            raise ValueError(Errors.E187)
        if label in self.labels:
            return 0
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        output = self.model.get_ref("output_layer").layers[0]
        if output.has_param("W"):
            resize_output(self.model, len(self.tagset))
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Sequence[str]] = None,
    ) -> None:
        """Collect the labels of entities and distributions, and initialise the model.

        labels (Optional[Sequence[str]]): The labels, if they should not be collected from the examples.
        RAISES: ValueError (E143) if there are no labels; XnerError if the examples have nothing that the student can
            learn from.
        """
        validate_get_examples(get_examples, "Student.initialize")
        sample: List[Doc] = []
        can_learn = False
        for eg in get_examples():
            if len(sample) < 10 and len(eg.predicted):
                sample.append(eg.predicted)
            can_learn = can_learn or self._can_learn_from(eg.reference)
            if labels is None:
                for label in _labels_of(eg.reference):
                    self.add_label(label)
            elif len(sample) >= 10 and can_learn:
                break
        for label in labels or ():
            self.add_label(label)
        # nlp.initialize() uses this example if there are no others; the labels are then set in another way.
        is_placeholder = len(sample) == 1 and sample[0].text.split() == ["x", "y", "z"]
        if sample and not can_learn and not is_placeholder:
            raise self._nothing_to_learn()
        self._require_labels()
        width = len(self.tagset)
        output = self.model.get_ref("output_layer")
        for node in (output, output.layers[0]):
            node.set_dim("nO", width, force=True)
        if sample:
            ops = self.model.ops
            self.model.initialize(X=sample, Y=[ops.alloc2f(len(doc), width) for doc in sample])
        else:
            self.model.initialize()

    def _can_learn_from(self, doc: Doc) -> bool:
        return (self.soft_weight > 0 and has_soft(doc)) or (
            self.hard_weight > 0 and any(token.ent_iob for token in doc)
        )

    def _nothing_to_learn(self) -> XnerError:
        weights = {"distributions": self.soft_weight, "labels": self.hard_weight}
        kinds = [kind for kind, weight in weights.items() if weight > 0]
        if not kinds:
            return XnerError(
                f"{self.name} learns from nothing: hard_weight and soft_weight are both 0.", "Set one of them to 1."
            )
        hint = (
            "Make the data with a source model that stores them (store_soft = true, see docs/students.md), with "
            "xner annotate or xner distill; or learn from labels: hard_weight = 1."
            if kinds[0] == "distributions"
            else "Label it first (xner annotate); missing values teach nothing."
        )
        return XnerError(f"{self.name}: no {' and no '.join(kinds)} in the training data.", hint)

    def predict(self, docs: Iterable[Doc]) -> List[Floats2d]:
        """RETURNS (List[Floats2d]): (tokens, tags) scores per Doc. RAISES: ValueError (E109) before `initialize`."""
        docs = list(docs)
        if not self.labels or not self.model.get_ref("output_layer").layers[0].has_param("W"):
            raise ValueError(Errors.E109.format(name=self.name))
        predict_row_by_row(self.model)  # for layers that were added after `__init__`
        if not any(len(doc) for doc in docs):
            width = len(self.tagset)
            return [self.model.ops.alloc2f(0, width) for _ in docs]
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: List[Floats2d]) -> None:
        """Decode the scores from `predict`, and set the entities."""
        docs = list(docs)
        if not docs:
            return
        flat: FloatArray = self.model.ops.to_numpy(self.model.ops.xp.concatenate(scores))
        tagset = self.tagset
        blank = blank_tokens(token.text for doc in docs for token in doc)
        lengths = [len(doc) for doc in docs]
        tags, starts, ends, labels = decode_spans(tagset, self._biased(flat, "bias"), lengths, blank)
        offsets = np.cumsum([0, *lengths])
        probabilities = self._span_scores(flat, tags, starts)
        first = np.searchsorted(starts, offsets)  # the index of the first entity of each Doc
        keys = [self.vocab.strings.add(label) for label in tagset.labels]
        for k, doc in enumerate(docs):
            in_doc, offset = slice(first[k], first[k + 1]), offsets[k]
            doc_starts, doc_ends = (starts[in_doc] - offset).tolist(), (ends[in_doc] - offset).tolist()
            edges = zip(doc_starts, doc_ends, labels[in_doc], strict=True)
            spans = [Span(doc, start, end + 1, label=keys[label]) for start, end, label in edges]
            attrs = {"scores": probabilities[in_doc], "method": "student"}
            doc.set_ents(spans, default="outside")
            doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=spans, attrs=attrs)
            set_soft(doc, None)  # distributions of a former teacher would look like the student's
        if self.store_soft:
            probs = np.exp(log_softmax(flat / self.cfg["temperature"], axis=1))
            iob2 = TagSet(self.labels, "iob2").tags
            for doc, rows in zip(docs, np.split(probs, offsets[1:-1]), strict=True):
                set_soft(doc, TokenLabels(iob2, scheme_to_iob2(rows, tagset)) if len(doc) else None)

    def _biased(self, flat: FloatArray, name: str) -> FloatArray:
        """RETURNS (FloatArray): The scores, with a bias from `cfg` subtracted from those of O."""
        bias = self.cfg.get(name, 0.0)  # models of older versions have none
        if not bias:
            return flat
        biased = flat.copy()
        biased[:, 0] -= bias
        return biased

    def _span_scores(self, flat: FloatArray, tags: np.ndarray, starts: np.ndarray) -> List[float]:
        """RETURNS (List[float]): The lowest tag probability in each span."""
        if not len(starts):
            return []
        in_entity = np.flatnonzero(tags > 0)
        scores = self._biased(flat[in_entity], "score_bias")
        logs = log_softmax(scores / self.cfg["temperature"], axis=1)[np.arange(len(in_entity)), tags[in_entity]]
        # All tokens with a tag other than O are in entities, which are in order and do not overlap.
        lowest = np.minimum.reduceat(logs, np.searchsorted(in_entity, starts))
        return [round(float(p), 6) for p in np.exp(lowest)]

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from a batch. The arguments and the result are those of spaCy's `TrainablePipe.update`.

        RAISES: XnerError for a label that the student does not have.
        """
        if not self._is_checked:
            self._is_checked = True
            if self._rehearsal_model is not None:
                _refuse_lost_settings(self.name, sys.argv)
        return self._train("update", self._learn, examples, drop, sgd, losses)

    def _train(
        self,
        name: str,
        step: Callable[[List[Example]], float],
        examples: Iterable[Example],
        drop: float,
        sgd: Optional[Optimizer],
        losses: Optional[Dict[str, float]],
    ) -> Dict[str, float]:
        """Make a training step. `step` gets the batch, returns its loss, and stores the gradients in the model."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"Student.{name}")
        if any(len(eg.predicted) for eg in examples):
            set_dropout_rate(self.model, drop)
            losses[self.name] += step(examples)
            if sgd is not None:
                self.finish_update(sgd)
        return losses

    def _learn(self, examples: List[Example]) -> float:
        docs = [eg.predicted for eg in examples]
        vectors, backprop_tok2vec = self.model.get_ref("tok2vec").begin_update(docs)
        scores, backprop_head = self.model.get_ref("head").begin_update(vectors)
        targets = self.get_targets(examples)
        self._check_targets(targets)
        loss, d_scores = self._loss(targets, scores)
        if self.auxiliary is None:
            backprop_tok2vec(backprop_head(d_scores))
            return loss
        auxiliary_loss, d_vectors, d_auxiliary = self.auxiliary(self.model.ops, vectors, scores, targets, self.tagset)
        d_head_inputs = backprop_head([a + b for a, b in zip(d_scores, d_auxiliary, strict=True)])
        backprop_tok2vec([a + b for a, b in zip(d_head_inputs, d_vectors, strict=True)])
        return loss + auxiliary_loss

    def _check_targets(self, targets: Targets) -> None:
        """Some batches may have no targets. If none has any, training must not seem to succeed."""
        if targets.hard_weights.any() or targets.soft_weights.any():
            self._empty_batches = -1
        elif self._empty_batches >= 0:
            self._empty_batches += 1
            if self._empty_batches >= MOST_EMPTY_BATCHES:
                raise self._nothing_to_learn()

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn to predict the same as before `nlp.resume_training`, so that the student does not forget it while
        training on new data. The loss is the cross-entropy to its earlier distributions, without labels added later.

        The arguments and the result are those of `update`; the labels of the batch are ignored.
        RAISES: XnerError before `nlp.resume_training`, or for a student that listens to another component.
        """
        if self._rehearsal_model is None:
            raise XnerError(f"{self.name} has nothing to rehearse.", "Call nlp.resume_training() first.")
        if any(hasattr(node, "upstream_name") for node in self.model.walk()):
            raise XnerError(
                f"{self.name} can't rehearse: it listens to another component, of which no copy was kept.",
                f"Call nlp.replace_listeners for it first, or leave it out: exclude=[{self.name!r}].",
            )
        return self._train("rehearse", self._learn_earlier_predictions, examples, drop, sgd, losses)

    def _learn_earlier_predictions(self, examples: List[Example]) -> float:
        assert self._rehearsal_model is not None
        docs = [eg.predicted for eg in examples]
        scores, backprop = self.model.begin_update(docs)
        xp = self.model.ops.xp
        flat = xp.concatenate(scores)
        earlier = xp.concatenate(self._rehearsal_model.predict(docs))
        n_tags = earlier.shape[1]
        weights = xp.ones(len(flat), dtype=flat.dtype)
        gradient = xp.zeros_like(flat)
        loss, gradient[:, :n_tags] = CrossEntropy()(flat[:, :n_tags], softmax(xp, earlier), weights)
        backprop(self._split(gradient, scores))
        return loss

    def get_targets(self, examples: Sequence[Example]) -> Targets:
        """RETURNS (Targets): The training targets of the batch."""
        tagset = self.tagset
        if self._reader is None:
            self._reader = TargetReader(tagset, self.hard_weight > 0, self.soft_weight > 0, self.confidence)
        has_warned, met_labels = self._reader.trimmed > 0, self._reader.labels_alone > 0
        targets = self._reader(examples)
        if self._reader.labels_alone and not met_labels:
            warnings.warn(Warnings.XW03.format(name=self.name), XnerWarning, stacklevel=2)
        if self._reader.trimmed and not has_warned:
            warnings.warn(
                f"{self.name}: entities of the training data begin or end with whitespace. They are trimmed, and "
                f"counted in its `trimmed`.",
                stacklevel=2,
            )
        return targets

    @property
    def trimmed(self) -> int:
        """RETURNS (int): How often entities of the training data were trimmed (each time that they are read)."""
        return self._reader.trimmed if self._reader is not None else 0

    def get_loss(self, examples: Iterable[Example], scores: List[Floats2d]) -> Tuple[float, List[Floats2d]]:
        """RETURNS (Tuple[float, List[Floats2d]]): The loss, summed over tokens, and its gradient on the scores."""
        examples = list(examples)
        validate_examples(examples, "Student.get_loss")
        return self._loss(self.get_targets(examples), scores)

    def _loss(self, targets: Targets, scores: List[Floats2d]) -> Tuple[float, List[Floats2d]]:
        ops: Any = self.model.ops
        flat = ops.xp.concatenate(scores)
        loss, gradient = 0.0, ops.xp.zeros_like(flat)
        if targets.hard_weights.any():
            # Without a weight, labels are only read where there are no distributions.
            hard_weight = self.hard_weight or 1.0
            one_hot_targets = ops.asarray2f(one_hot(targets.hard, flat.shape[1]))
            weights = ops.asarray1f(targets.hard_weights * hard_weight)
            hard_loss, d_flat = self.hard_loss(flat, one_hot_targets, weights)
            loss += hard_loss
            gradient += d_flat
        if self.soft_weight and targets.soft is not None:
            weights = ops.asarray1f(targets.soft_weights * self.soft_weight)
            soft_loss, d_flat = self.soft_loss(flat, ops.asarray2f(targets.soft), weights)
            loss += soft_loss
            gradient += d_flat
        if not np.isfinite(loss):
            raise XnerError(f"{self.name}: the loss is {loss}.", "Lower the learning rate or correct the targets.")
        return loss, self._split(gradient, scores)

    def _split(self, gradient: Any, scores: List[Floats2d]) -> List[Floats2d]:
        return self.model.ops.xp.split(gradient, np.cumsum([len(rows) for rows in scores])[:-1].tolist())

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "Student":
        """Load the student. RETURNS (Student): The student. RAISES: InputError if the bytes hold no student."""
        with reading(self.name, "a saved student"):
            super().from_bytes(bytes_data, exclude=exclude)
        self._check_settings(self.name)
        return self

    def from_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> "Student":
        """Load the student. RETURNS (Student): The student. RAISES: InputError if the folder holds no student."""
        with reading(path, "a saved student", "Train it again, or copy its folder again."):
            super().from_disk(path, exclude=exclude)
        self._check_settings(path)
        return self

    def _check_settings(self, path: Any) -> None:
        check_shape(self.cfg, _Settings, path)
        numbers = (self.cfg[name] for name in ("temperature", "bias", "score_bias") if name in self.cfg)
        if not all(math.isfinite(number) for number in numbers) or self.cfg["temperature"] <= 0:
            raise InputError("has an invalid temperature or bias.", path, None, "Train or calibrate it again.")
        output = self.model.get_ref("output_layer")
        width = output.get_dim("nO") if output.has_dim("nO") else None
        if width is not None and width != len(self.tagset) and output.layers[0].has_param("W"):
            raise InputError(
                f"has {len(self.labels)} labels, and a model with {width} tags instead of {len(self.tagset)}.",
                path,
                None,
                "Its files are from different trainings, or `scheme` differs from that of the training.",
            )


def _refuse_lost_settings(name: str, command_line: Sequence[str]) -> None:
    """RAISES: XnerError if the command line of `spacy train`, or the config that it names, has settings for a component
    that is sourced from a trained pipeline: spaCy ignores them in silence.
    """
    prefix = f"components.{name}."
    given = [word.partition("=")[0][2:] for word in command_line if word.startswith(f"--{prefix}")]
    for file in command_line:
        if file.endswith(".cfg") and Path(file).is_file():
            section = read_config(file).get("components", {}).get(name, {})
            given += [prefix + setting for setting in section if "source" in section]
    for setting in given:
        own_name = setting.removeprefix(prefix)
        if own_name not in ("source", "component", "replace_listeners"):
            raise XnerError(
                f"{setting} would have no effect: {name} comes from a trained pipeline and keeps its settings.",
                f"Leave it out, or change {own_name} in the config.cfg of that pipeline. (Labels without distributions are "
                "learned also where hard_weight is 0.)",
            )


def _labels_of(doc: Doc) -> List[str]:
    labels = sorted({ent.label_ for ent in doc.ents if ent.label_})
    soft = get_soft(doc)
    return labels + (entity_labels(soft.labels) if soft is not None else [])
