"""`xner_annotator`: finds the entities in the translation with any spaCy pipeline, or with a registered annotator."""

import warnings
from collections import Counter
from typing import Callable, Dict, Iterable, List, Optional, Set, Union

import srsly
from confection import Config
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import ensure_path, filter_spans, load_model_from_config
from typing_extensions import TypedDict

from ..annotation.annotators import Annotation, Annotator
from ..corpora.docs import bare_copy, doc_entities
from ..corpora.pipelines import check_weights, load_pipeline
from ..corpora.reading import parse_msgpack, reading
from ..corpora.watching import existing
from ..distillation.soft.soft_labels import get_soft, set_soft
from ..distillation.soft.soft_projection import map_soft
from ..errors import XnerError, require
from ..labels import get_label_map, map_label
from ..streams import paired
from ..text import trim_span
from ..types import Entity, PathLike
from .batch_pipe import BatchPipe

DROPPED_KEY = "xner_dropped"


class _State(TypedDict, total=False):
    config: str
    nlp: bytes


# Sentences without any entity, after which something is thought to be wrong.
MANY = 1000


def sets_entities(nlp: Language, spans_key: Optional[str] = None) -> Optional[bool]:
    """RETURNS (Optional[bool]): Whether a pipeline has a component that sets `doc.ents`, or `doc.spans[spans_key]`;
    None where one does not say what it sets.
    """
    wanted = "doc.ents" if spans_key is None else "doc.spans"
    says = []
    for name, pipe in nlp.pipeline:
        assigned = nlp.get_pipe_meta(name).assigns
        # A span ruler sets doc.ents on request only.
        if wanted in assigned or (spans_key is None and getattr(pipe, "annotate_ents", False)):
            return True
        says.append(bool(assigned))
    return False if all(says) else None


@Language.factory("xner_annotator", requires=["doc._.xner_source"])
class AnnotatorComponent(BatchPipe):
    """Sets the entities of `doc._.xner_source`, by the project's labels.

    What the label map drops is kept in the source Doc's `spans["xner_dropped"]` and counted in `dropped`. `left_out`
    counts what is no entity, by the reason: whitespace alone, or a span of `spans_key` that overlaps a longer one.

    model (Optional[str]): The source pipeline: an installed package or a folder. Saved inside the pipeline that holds
        this component. None leaves the entities that the source Doc already has, unless `annotator` is given.
    annotator (Optional[Annotator]): A part from the registry `xner_annotators`, instead of a pipeline. Its model is not
        saved in here.
    side (str): "source" labels `doc._.xner_source`, "target" the Doc itself: the model-transfer baseline, and the
        tagger that the `ner` scores of a projector behind it ask.
    spans_key (Optional[str]): Where the source pipeline leaves its entities: `doc.spans[spans_key]`, as a span ruler or
        a span categoriser does ("sc"); of those that overlap the longest is taken. None: `doc.ents`.
    label_map (Optional[Union[str, Dict[str, Optional[str]]]]): A name of `xner_spacy.labels.LABEL_MAPS`, a map of one's
        own, or None for the labels as they are.
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
            "Take one of the two out of the config.",
        )
        self.side = side
        self.model = model
        self.spans_key = spans_key
        self.label_map = get_label_map(label_map)
        self.dropped: Counter = Counter()
        self.left_out: Counter = Counter()
        self._nlp: Optional[Language] = None
        self._host: Optional[Language] = None
        self._groups: Set[str] = set()  # keys of doc.spans that the source pipeline set
        self._asked = 0  # sentences until the first entity; -1 from then on

    @property
    def source_nlp(self) -> Optional[Language]:
        """The source pipeline, loaded at first use. RAISES: XnerError if there is no such pipeline."""
        if self._nlp is None and self.model is not None:
            try:
                self._take(load_pipeline(self.model))
            except XnerError as error:
                raise XnerError(f"{self.name}: {error.message}", error.hint) from error
        return self._nlp

    def _take(self, nlp: Language) -> None:
        self._nlp = nlp
        if sets_entities(nlp, self.spans_key) is False:
            warnings.warn(self._no_entities(nlp), stacklevel=3)

    def _no_entities(self, nlp: Language) -> str:
        place = "doc.ents" if self.spans_key is None else f"doc.spans[{self.spans_key!r}]"
        names = ", ".join(nlp.pipe_names) or "none"
        return f"{self.name}: no component of the source pipeline sets {place} (it has {names})."

    @property
    def files(self) -> List[str]:
        """The folder of the source pipeline, where it is not saved in the pipeline that holds this component."""
        return existing([self.model]) if self._nlp is None else []

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None) -> None:
        """Load the source pipeline, so that what is saved holds it."""
        self._host = nlp
        _ = self.source_nlp

    def process(self, docs: List[Doc]) -> None:
        sources = docs
        if self.side == "source":
            sources = [doc._.xner_source for doc in docs if doc._.xner_source is not None]
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
            self._check_that_it_finds([a for source, a in zip(sources, annotations, strict=True) if len(source)])

    def _by_pipeline(self, nlp: Language, sources: List[Doc]) -> List[Annotation]:
        # On the pipeline's own vocabulary: what its components set is meant for that.
        bare = [bare_copy(source, nlp.vocab) for source in sources]
        who = f"{self.name}: the source pipeline {self.model or ''}".rstrip()
        docs = [doc for _, doc in paired(bare, nlp.pipe(bare), who)]
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
                    "Take out the component that merges or splits tokens (merge_entities, retokenizers).",
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
        sentences = [[t.text for t in source] for source in sources]
        annotations = []
        for words, (entities, soft) in paired(sentences, self.part(sentences), who):
            at = 0
            for entity in sorted(entities):
                if not at <= entity.start < entity.end <= len(words):
                    raise XnerError(
                        f"{who} gave an entity from {entity.start} to {entity.end} in {len(words)} tokens, or two "
                        f"that overlap: {' '.join(words)[:60]!r}.",
                        "The fault is in that part.",
                    )
                at = entity.end
            annotations.append(Annotation(entities, soft))
        return annotations

    def _set_entities(self, source: Doc, annotation: Annotation) -> None:
        kept, dropped = [], []
        words = [t.text for t in source]
        for ent in annotation.entities:
            edges = trim_span(words, ent.start, ent.end)
            if edges is None:
                self.left_out["whitespace"] += 1
                continue
            label = map_label(ent.label, self.label_map)
            if label is None:
                self.dropped[ent.label] += 1
                dropped.append(Span(source, *edges, label=ent.label))
            else:
                kept.append(Span(source, *edges, label=label))
        source.set_ents(kept, default="outside")
        source.spans[DROPPED_KEY] = dropped
        # A source model that says how sure it is of each token (an `xner_student` that stores it).
        soft = annotation.labels
        set_soft(source, map_soft(soft, self.label_map) if soft is not None else None)

    def _check_that_it_finds(self, annotations: List[Annotation]) -> None:
        """That no sentence of many holds a name says that something is wrong, and a student of it would learn that
        nothing is a name.
        """
        # While its pipeline is being initialised (spaCy sets the optimiser when all components are), a projector behind
        # it that learns from the corpus runs it. The warning is enough then; nothing is labelled yet.
        being_assembled = self._host is not None and self._host._optimizer is None
        if self._asked < 0 or not annotations or being_assembled:
            return
        if any(annotation.entities for annotation in annotations):
            self._asked = -1
            return
        self._asked += len(annotations)
        sets = self._nlp is None or sets_entities(self._nlp, self.spans_key)
        if self._nlp is not None and (sets is False or (sets is None and self._asked >= MANY)):
            hint = "Name a source pipeline that finds entities, or give the spans_key that it sets."
            if self._groups and self.spans_key is None:
                groups = ", ".join(map(repr, sorted(self._groups)))
                hint = f"It does set doc.spans of {groups}: give one as spans_key."
            raise XnerError(self._no_entities(self._nlp), hint)
        if self._asked - len(annotations) < MANY <= self._asked:
            warnings.warn(
                f"{self.name}: not one entity in the first {self._asked} sentences. Is the source model one for "
                "their language?",
                stacklevel=2,
            )

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """RETURNS (bytes): The source pipeline with its config, or nothing where there is none."""
        nlp = self.source_nlp
        return srsly.msgpack_dumps({"config": nlp.config.to_str(), "nlp": nlp.to_bytes()} if nlp is not None else {})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "AnnotatorComponent":
        """Take over what `to_bytes` gave. RAISES: InputError where it is no saved annotator."""
        what = "a saved annotator"
        message = parse_msgpack(data, self.name, what, _State)
        if message:
            with reading(self.name, what):
                config = Config().from_str(message["config"], interpolate=False)
                nlp = load_model_from_config(config, auto_fill=True).from_bytes(message["nlp"])
                check_weights(nlp)
                self._take(nlp)
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
            self._take(load_pipeline(folder))
        return self
