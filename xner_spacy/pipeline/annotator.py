"""`xner_annotator`: finds the entities in the translation with any spaCy pipeline, or with a
registered annotator.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Union

import srsly
from confection import Config
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import ensure_path, load_model_from_config

from .. import registry as _registry  # noqa: F401
from ..annotation.base import Annotator
from ..corpora.pipelines import load_pipeline
from ..distillation.soft import get_soft, set_soft
from ..distillation.softprojection import map_soft
from ..errors import XnerError
from ..labels import get_label_map, map_label
from .base import BatchPipe

DEFAULT_CONFIG = """
[annotator]
model = null
annotator = null
side = "source"
label_map = "conll"
"""
DEFAULTS = Config().from_str(DEFAULT_CONFIG)["annotator"]

DROPPED_KEY = "xner_dropped"


@Language.factory("xner_annotator", requires=["doc._.xner_source"], default_config=DEFAULTS)
def make_annotator_component(
    nlp: Language,
    name: str,
    model: Optional[str],
    annotator: Optional[Annotator],
    side: str,
    label_map: Optional[Union[str, Dict[str, Optional[str]]]],
) -> "AnnotatorComponent":
    """Make the component.

    model (Optional[str]): The source pipeline: an installed package or a folder. Saved inside the
        pipeline that holds this component. None leaves the entities that the source Doc already
        has, unless `annotator` is given.
    annotator (Optional[Annotator]): A part from the registry `xner_annotators`, instead of a
        pipeline. Its model is not saved in here.
    side (str): "source" labels `doc._.xner_source`, "target" the Doc itself: the model-transfer
        baseline, and the tagger that the `ner` scores of a projector behind it ask.
    label_map (Optional[Union[str, Dict[str, Optional[str]]]]): A name of
        `xner_spacy.labels.LABEL_MAPS`, a map of one's own, or None for the labels as they are.
    """
    return AnnotatorComponent(name, model, label_map, annotator, side)


class AnnotatorComponent(BatchPipe):
    """Sets the entities of `doc._.xner_source`, by the project's labels.

    What the label map drops is kept in the source Doc's `spans["xner_dropped"]` and counted in
    `dropped`.
    """

    def __init__(
        self,
        name: str,
        model: Optional[str],
        label_map: Optional[Union[str, Dict[str, Optional[str]]]] = "conll",
        annotator: Optional[Annotator] = None,
        side: str = "source",
    ) -> None:
        super().__init__(name, annotator)
        if side not in ("source", "target"):
            raise XnerError(f"{name}: side must be 'source' or 'target', not {side!r}.")
        if annotator is not None and model is not None:
            raise XnerError(f"{name}: give either a model or an annotator, not both.")
        self.side = side
        self.model = model
        self.label_map = get_label_map(label_map)
        self.dropped: Counter = Counter()
        self._nlp: Optional[Language] = None

    @property
    def source_nlp(self) -> Optional[Language]:
        """The source pipeline, loaded at first use. RAISES: XnerError if there is no such pipeline."""
        if self._nlp is None and self.model is not None:
            try:
                self._nlp = load_pipeline(self.model)
            except XnerError as error:
                raise XnerError(f"{self.name}: {error.message}", error.hint) from error
        return self._nlp

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
    ) -> None:
        """Load the source pipeline, so that what is saved holds it."""
        _ = self.source_nlp

    def process(self, docs: List[Doc]) -> None:
        sources = docs
        if self.side == "source":
            sources = [doc._.xner_source for doc in docs if doc._.xner_source is not None]
        source_nlp = self.source_nlp
        if self.part is not None:
            self._process_part(sources)
        elif source_nlp is not None:
            # A copy on the pipeline's own vocabulary: what its components set is meant for that
            # vocabulary.
            bare = [
                Doc(
                    source_nlp.vocab,
                    words=[t.text for t in source],
                    spaces=[bool(t.whitespace_) for t in source],
                )
                for source in sources
            ]
            for source, labelled in zip(sources, source_nlp.pipe(bare)):
                self._set_entities(source, labelled)
        else:
            for source in sources:
                self._set_entities(source, source)

    def _process_part(self, sources: List[Doc]) -> None:
        found = self.part([[t.text for t in source] for source in sources])
        for source, (entities, labels) in zip(sources, found):
            # Without the labels of an earlier annotator: those of this one come on top of nothing.
            labelled = Doc(source.vocab, words=[t.text for t in source])
            labelled.set_ents([Span(labelled, e.start, e.end, label=e.label) for e in entities])
            set_soft(labelled, labels)
            self._set_entities(source, labelled)

    def _set_entities(self, source: Doc, labelled: Doc) -> None:
        kept, dropped = [], []
        for ent in labelled.ents:
            label = map_label(ent.label_, self.label_map)
            if label is None:
                self.dropped[ent.label_] += 1
                dropped.append(Span(source, ent.start, ent.end, label=ent.label_))
            else:
                kept.append(Span(source, ent.start, ent.end, label=label))
        source.set_ents(kept, default="outside")
        source.spans[DROPPED_KEY] = dropped
        # A source model that says how sure it is of each token (an `xner_student` that stores it).
        soft = get_soft(labelled)
        set_soft(source, map_soft(soft, self.label_map) if soft is not None else None)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        nlp = self.source_nlp
        message: Dict[str, Any] = {}
        if nlp is not None:
            message = {"config": nlp.config.to_str(), "nlp": nlp.to_bytes()}
        return srsly.msgpack_dumps(message)

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "AnnotatorComponent":
        message = srsly.msgpack_loads(data)
        if message:
            config = Config().from_str(message["config"], interpolate=False)
            self._nlp = load_model_from_config(config, auto_fill=True).from_bytes(message["nlp"])
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        folder = ensure_path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if self.source_nlp is not None:
            self.source_nlp.to_disk(folder / "model")

    def from_disk(
        self, path: Union[str, Path], *, exclude: Iterable[str] = ()
    ) -> "AnnotatorComponent":
        folder = ensure_path(path) / "model"
        if folder.exists():
            self._nlp = load_pipeline(folder)
        return self
