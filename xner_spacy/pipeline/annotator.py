"""`xner_annotator`: finds the entities in the translation with any spaCy pipeline, or with a registered annotator."""

import warnings
from collections import Counter
from typing import Callable, Dict, Iterable, List, Optional, Set, Tuple, Union

import srsly
from confection import Config
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import ensure_path, filter_spans, load_model_from_config
from typing_extensions import TypedDict

from ..annotation.annotators import Annotation, Annotator, TextAnnotator
from ..corpora.docs import bare_copy, doc_entities
from ..corpora.pipelines import check_weights, load_pipeline
from ..corpora.reading import parse_msgpack, reading
from ..corpora.watching import existing
from ..distillation.soft.soft_labels import get_soft, set_soft
from ..distillation.soft.soft_projection import map_soft
from ..distillation.student.matmul import pipeline_row_by_row
from ..docdata import ANNOTATION_KEY, FAULT_KEY, UNPLACED_KEY, source_of, words_of
from ..errors import Warnings, XnerError, XnerWarning, require
from ..labels import AUTO, describe_label_map, get_label_map, map_label, require_a_known_label
from ..progress import step, tell
from ..streams import paired
from ..text import trim_span
from ..types import Cost, Entity, PathLike, Reason
from .batch_pipe import BatchPipe
from .translator import text_of

DROPPED_KEY = "xner_dropped"
# The attribute of that group that holds the labels which the map does not know.
UNKNOWN_KEY = "unknown_labels"


class _State(TypedDict, total=False):
    config: str
    nlp: bytes


# After this many sentences without any entity, something is probably wrong.
MANY = 1000


def sets_entities(nlp: Language, spans_key: Optional[str] = None) -> Optional[bool]:
    """RETURNS (Optional[bool]): Whether a pipeline has a component that sets `doc.ents`, or `doc.spans[spans_key]`.
    None if a component does not declare what it sets.
    """
    attribute = "doc.ents" if spans_key is None else "doc.spans"
    declared = []
    for name, pipe in nlp.pipeline:
        assigned = nlp.get_pipe_meta(name).assigns
        # A span ruler only sets doc.ents with this setting.
        if attribute in assigned or (spans_key is None and getattr(pipe, "annotate_ents", False)):
            return True
        declared.append(bool(assigned))
    return False if all(declared) else None


def source_labels(nlp: Language, spans_key: Optional[str] = None) -> List[str]:
    """RETURNS (List[str]): The labels of the components that set `doc.ents`, or `doc.spans[spans_key]`; empty if none of
    them says which it has.
    """
    attribute = "doc.ents" if spans_key is None else "doc.spans"
    labels: Set[str] = set()
    for name, pipe in nlp.pipeline:
        if attribute in nlp.get_pipe_meta(name).assigns or (
            spans_key is None and getattr(pipe, "annotate_ents", False)
        ):
            labels.update(getattr(pipe, "labels", ()))
    return sorted(labels)


def dropped_spans(source: Doc) -> List[Tuple[Span, str]]:
    """RETURNS (List[Tuple[Span, str]]): The entities of a source Doc that the label map dropped, each with its reason."""
    if DROPPED_KEY not in source.spans:
        return []
    group = source.spans[DROPPED_KEY]
    unknown = group.attrs.get(UNKNOWN_KEY, ())
    return [(s, Reason.UNKNOWN_LABEL if s.label_ in unknown else Reason.UNMAPPED_LABEL) for s in group]


@Language.factory("xner_annotator", requires=["doc._.xner_source"])
class AnnotatorComponent(BatchPipe):
    """Sets the entities of `doc._.xner_source`, with the project's labels.

    Entities that the label map drops are kept in the source Doc's `spans["xner_dropped"]` and counted in `dropped`;
    those whose label the map does not know are also counted in `unknown`, and cause a warning.
    `left_out` counts spans that are no entities, by reason: only whitespace, overlap with a longer span, or why an
    annotator could not place a name on tokens (kept in `spans["xner_unplaced"]`). A Doc that an annotator could not
    label has missing entity values, and the reason in `user_data["xner_annotation_fault"]`; `faults` counts these.

    model (Optional[str]): The source pipeline: an installed package or a folder. It is saved inside the pipeline that
        contains this component. None keeps the entities that the source Doc already has, unless there is an
        `annotator`.
    annotator (Optional[Annotator]): A part from the registry `xner_annotators`, instead of a pipeline. Its model is not
        saved in the pipeline.
    side (str): "source" labels `doc._.xner_source`, "target" the Doc itself: for the model-transfer baseline, and as
        the tagger for the `ner` scores of a projector after it.
    spans_key (Optional[str]): Read the entities of the source pipeline from `doc.spans[spans_key]`, which span rulers
        or span categorisers set ("sc"). The longest of overlapping spans is used. None reads `doc.ents`.
    label_map (Optional[Union[str, Dict[str, Optional[str]]]]): "auto" finds out from the labels of the source pipeline
        what they become; or a name of `xner_spacy.labels.LABEL_MAPS`, a custom map, or None to keep the labels.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Optional[str] = None,
        annotator: Optional[Annotator] = None,
        side: str = "source",
        spans_key: Optional[str] = None,
        label_map: Optional[Union[str, Dict[str, Optional[str]]]] = "conll",
    ) -> None:
        super().__init__(name, annotator)
        require(side in ("source", "target"), f"{name}: side must be 'source' or 'target', not {side!r}.")
        require(annotator is None or model is None, f"{name}: give either a model or an annotator, not both.")
        require(
            annotator is None or spans_key is None,
            f"{name}: spans_key is for a source pipeline; an annotator gives entities.",
            "Remove one of the two from the config.",
        )
        self.side = side
        self.model = model
        self.spans_key = spans_key
        self.label_map = get_label_map(label_map)
        self.label_map_name = label_map if isinstance(label_map, str) else "of the config"
        self.dropped: Counter = Counter()
        self.unknown: Counter = Counter()
        self.left_out: Counter = Counter()
        self.faults: Counter = Counter()
        self._nlp: Optional[Language] = None
        self._host: Optional[Language] = None
        self._groups: Set[str] = set()  # keys of doc.spans that the source pipeline set
        self._warned: Set[str] = set()  # labels of which a warning was given
        self._without_entities = 0  # sentences before the first entity; -1 after it

    @property
    def source_nlp(self) -> Optional[Language]:
        """The source pipeline, loaded at first use. RAISES: XnerError if there is no such pipeline."""
        if self._nlp is None and self.model is not None:
            try:
                self._set_source_nlp(load_pipeline(self.model))
            except XnerError as error:
                raise XnerError(f"{self.name}: {error.message}", error.hint) from error
        return self._nlp

    def _set_source_nlp(self, nlp: Language) -> None:
        self._nlp = nlp
        # On a CPU most of its time goes into matrix products, and into words that have occurred before.
        pipeline_row_by_row(nlp)
        if sets_entities(nlp, self.spans_key) is False:
            warnings.warn(self._no_entities_message(nlp), stacklevel=3)

    def _no_entities_message(self, nlp: Language) -> str:
        attribute = "doc.ents" if self.spans_key is None else f"doc.spans[{self.spans_key!r}]"
        names = ", ".join(nlp.pipe_names) or "none"
        return f"{self.name}: no component of the source pipeline sets {attribute} (it has {names})."

    @property
    def files(self) -> List[str]:
        """The folder of the source pipeline, if it is not saved in the pipeline that contains this component."""
        return existing([self.model]) if self._nlp is None else []

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None) -> None:
        """Load the source pipeline, so that it is saved with this component; and make the annotator's store."""
        self._host = nlp
        if hasattr(self.part, "initialize"):
            self.part.initialize()
        if self.model is not None:
            with step(f"Annotator: loading the source pipeline {self.model}"):
                source_nlp = self.source_nlp
            labels = source_labels(source_nlp, self.spans_key) if source_nlp is not None else []
            if labels:
                if self.label_map_name == AUTO:
                    require_a_known_label(labels, f"the source pipeline {self.model}")
                tell(f"Annotator: labels {describe_label_map(labels, self.label_map)}")
                self._warn_of_unknown(label for label in labels if not self._knows(label))

    def process(self, docs: List[Doc]) -> None:
        sources = docs
        if self.side == "source":
            sources = [source for source in map(source_of, docs) if source is not None]
        source_nlp = self.source_nlp
        if self.part is not None:
            annotations = self._by_part(sources)
        elif source_nlp is not None:
            annotations = self._by_pipeline(source_nlp, sources)
        else:
            annotations = [Annotation(doc_entities(source), get_soft(source)) for source in sources]
        for source, annotation in zip(sources, annotations, strict=True):
            self._set_entities(source, annotation)
        if self.part is not None or source_nlp is not None:
            self._check_for_entities([a for source, a in zip(sources, annotations, strict=True) if len(source)])

    def estimate(self, docs: List[Doc]) -> Optional[Cost]:
        """RETURNS (Optional[Cost]): About what labelling Docs would cost, without doing it; None if it costs nothing.
        If a source is not known yet, it is taken to be as long as its Doc.
        """
        if not hasattr(self.part, "estimate_texts"):
            return None
        sources = docs
        if self.side == "source":
            translated = [doc for doc in docs if FAULT_KEY not in doc.user_data]
            sources = [doc if doc._.xner_source is None else doc._.xner_source for doc in translated]
        return self.part.estimate_texts([text_of(source[:]) for source in sources])

    def _by_pipeline(self, nlp: Language, sources: List[Doc]) -> List[Annotation]:
        # The copies have the source pipeline's own vocabulary, which its components need.
        copies = [bare_copy(source, nlp.vocab) for source in sources]
        who = f"{self.name}: the source pipeline {self.model or ''}".rstrip()
        docs = [doc for _, doc in paired(copies, nlp.pipe(copies), who)]
        key, groups = self.spans_key, sorted({key for doc in docs for key in doc.spans})
        self._groups.update(groups)
        if key is not None and docs and key not in groups:
            hint = f"It sets {', '.join(map(repr, groups))}: give one as spans_key."
            raise XnerError(
                f"{who} sets no doc.spans[{key!r}].", hint if groups else "Leave spans_key out if it sets doc.ents."
            )
        annotations = []
        for source, doc in zip(sources, docs, strict=True):
            if len(doc) != len(source):
                raise XnerError(
                    f"{who} made {len(doc)} tokens of {len(source)}: {source.text[:60]!r}.",
                    "Remove the component that merges or splits tokens (merge_entities, retokenizers).",
                )
            entities = doc_entities(doc)
            if key is not None:
                spans = list(doc.spans.get(key, ()))
                entities = [Entity(s.start, s.end, s.label_) for s in filter_spans(spans)]
                self.left_out["overlap"] += len(spans) - len(entities)
            annotations.append(Annotation(entities, get_soft(doc)))
        return annotations

    def _by_part(self, sources: List[Doc]) -> List[Annotation]:
        who = f"{self.name}: {type(self.part).__name__}"
        sentences = [words_of(source) for source in sources]
        annotations = []
        texts = [text_of(source[:]) for source in sources]
        by_text = isinstance(self.part, TextAnnotator)
        results = self.part.annotate_texts(sentences, texts) if by_text else self.part(sentences)
        for words, annotation in paired(sentences, results, who):
            last_end = 0
            for entity in sorted(annotation.entities):
                if not last_end <= entity.start < entity.end <= len(words):
                    raise XnerError(
                        f"{who} gave an entity from {entity.start} to {entity.end} in {len(words)} tokens, or two "
                        f"that overlap: {' '.join(words)[:60]!r}.",
                        "The fault is in that part.",
                    )
                last_end = entity.end
            annotations.append(annotation)
        return annotations

    def _set_entities(self, source: Doc, annotation: Annotation) -> None:
        kept, dropped, unknown = [], [], set()
        words = words_of(source) if annotation.entities else []
        for ent in annotation.entities:
            edges = trim_span(words, ent.start, ent.end)
            if edges is None:
                self.left_out["whitespace"] += 1
                continue
            label = map_label(ent.label, self.label_map)
            if label is None:
                self.dropped[ent.label] += 1
                if not self._knows(ent.label):
                    self.unknown[ent.label] += 1
                    unknown.add(ent.label)
                dropped.append(Span(source, *edges, label=ent.label))
            else:
                kept.append(Span(source, *edges, label=label))
        self._set_unplaced(source, annotation)
        # Whether a token inside a name that could not be placed belongs to an entity is not known.
        taken = {k for span in kept for k in range(span.start, span.end)}
        unsure = [e for e, reason in annotation.unplaced if reason == Reason.TOKEN_EDGES]
        missing = [source[k : k + 1] for k in sorted({k for e in unsure for k in range(e.start, e.end)} - taken)]
        source.set_ents(kept, missing=missing, default="missing" if annotation.fault else "outside")
        attrs = {UNKNOWN_KEY: sorted(unknown)} if unknown else {}
        source.spans[DROPPED_KEY] = SpanGroup(source, name=DROPPED_KEY, spans=dropped, attrs=attrs)
        self._warn_of_unknown(unknown)
        # Source models can give distributions for each token (such as an `xner_student` that stores them).
        soft = annotation.labels
        set_soft(source, map_soft(soft, self.label_map) if soft is not None else None)

    def _knows(self, label: str) -> bool:
        return self.label_map is None or label in self.label_map

    def _warn_of_unknown(self, labels: Iterable[str]) -> None:
        """Warn once of each label that the map does not know."""
        new = sorted(set(labels) - self._warned)
        if new:
            self._warned.update(new)
            names = ", ".join(new)
            text = Warnings.XW01.format(name=self.name, labels=names, label_map=self.label_map_name, first=new[0])
            warnings.warn(text, XnerWarning, stacklevel=2)

    def _set_unplaced(self, source: Doc, annotation: Annotation) -> None:
        """Keep with a Doc what an annotator found and could not place, and why, or why it could not label the Doc."""
        source.spans.pop(UNPLACED_KEY, None)
        source.user_data.pop(ANNOTATION_KEY, None)
        if annotation.unplaced:
            spans = [Span(source, e.start, e.end, label=e.label) for e, _ in annotation.unplaced]
            attrs = {"reasons": [reason for _, reason in annotation.unplaced]}
            source.spans[UNPLACED_KEY] = SpanGroup(source, name=UNPLACED_KEY, spans=spans, attrs=attrs)
            self.left_out.update(attrs["reasons"])
        if annotation.fault:
            source.user_data[ANNOTATION_KEY] = annotation.fault
            self.faults[annotation.fault] += 1

    def _check_for_entities(self, annotations: List[Annotation]) -> None:
        """Raise an error or warn if no entity is found in many sentences. Something is probably wrong then, and a
        student would learn that nothing is an entity.
        """
        # During initialisation a projector after this component may run it to learn from the bitext. (spaCy sets the
        # optimiser when all components are initialised.) No data is labelled then, so the earlier warning is enough.
        is_initializing = self._host is not None and self._host._optimizer is None
        if self._without_entities < 0 or not annotations or is_initializing:
            return
        if any(annotation.entities for annotation in annotations):
            self._without_entities = -1
            return
        count_before = self._without_entities
        self._without_entities += len(annotations)
        sets = self._nlp is None or sets_entities(self._nlp, self.spans_key)
        if self._nlp is not None and (sets is False or (sets is None and self._without_entities >= MANY)):
            hint = "Use a source pipeline that sets entities, or give the spans_key that it sets."
            if self._groups and self.spans_key is None:
                groups = ", ".join(map(repr, sorted(self._groups)))
                hint = f"It does set doc.spans of {groups}: give one as spans_key."
            raise XnerError(self._no_entities_message(self._nlp), hint)
        if count_before < MANY <= self._without_entities:
            warnings.warn(
                f"{self.name}: not one entity in the first {self._without_entities} sentences. Is the source model for "
                "their language?",
                stacklevel=2,
            )

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """RETURNS (bytes): The source pipeline with its config, if there is one."""
        nlp = self.source_nlp
        return srsly.msgpack_dumps({"config": nlp.config.to_str(), "nlp": nlp.to_bytes()} if nlp is not None else {})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "AnnotatorComponent":
        """Load the output of `to_bytes`. RAISES: InputError if the data is no saved annotator."""
        description = "a saved annotator"
        message = parse_msgpack(data, self.name, description, _State)
        if message:
            with reading(self.name, description):
                config = Config().from_str(message["config"], interpolate=False)
                nlp = load_model_from_config(config, auto_fill=True).from_bytes(message["nlp"])
                check_weights(nlp)
                self._set_source_nlp(nlp)
        return self

    def to_disk(self, path: PathLike, *, exclude: Iterable[str] = ()) -> None:
        """Save the source pipeline in the folder `model`."""
        folder = ensure_path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if self.source_nlp is not None:
            self.source_nlp.to_disk(folder / "model")

    def from_disk(self, path: PathLike, *, exclude: Iterable[str] = ()) -> "AnnotatorComponent":
        """Load the source pipeline that `to_disk` saved."""
        folder = ensure_path(path) / "model"
        if folder.exists():
            self._set_source_nlp(load_pipeline(folder))
        return self
