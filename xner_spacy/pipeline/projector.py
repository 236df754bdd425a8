"""`xner_projector`: carries the source entities over to the Doc along the word links."""

from collections import Counter
from itertools import islice
from typing import Callable, Iterable, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.pipeline.ner import make_ner_scorer
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

from ..corpora.bitext import TokenizedBitext
from ..corpora.docs import doc_entities
from ..distillation.soft.soft_labels import get_soft, set_soft
from ..distillation.soft.soft_projection import project_soft
from ..docdata import (
    SPANS_KEY,
    alignment_of,
    annotation_fault,
    source_of,
    unplaced_names,
    why_not_linked,
    words_of,
)
from ..errors import XnerError
from ..progress import step, tracked
from ..projection.projectors import checked
from ..types import Alignment, Entity, Projection, Projector, Reason, SentencePair, TokenPair, Unprojected
from .annotator import dropped_spans
from .batch_pipe import BatchPipe


@Language.factory(
    "xner_projector",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    requires=["doc._.xner_source", "doc._.xner_alignment"],
    default_config={
        "projector": {"@xner_projectors": "xner.Matching.v1"},
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
class ProjectorComponent(BatchPipe):
    """Sets `doc.ents` and `doc.spans["xner"]` (its `attrs`: see `xner_spacy.docdata`).

    A Doc without source or links gets no spans, and missing entity values because its entities are unknown. The
    entities of a source without links are unprojected with the reason `no_links`. Links for other tokens than the Doc's
    are an error. `reasons` counts the source entities that were not projected.

    projector (Projector): The part, from the registry `xner_projectors`.
    min_score (float): Spans with a lower score do not become entities. Their tokens become missing values, which
        spaCy's `ner` ignores in training.
    unlabelled (str): What the other tokens become: "outside", or "missing" if nothing should be learned from them.
    scorer (Optional[Callable]): See spaCy's `ner`.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        projector: Projector,
        min_score: float = 0.0,
        unlabelled: str = "outside",
        scorer: Optional[Callable] = None,
    ) -> None:
        super().__init__(name, projector)
        if unlabelled not in ("outside", "missing"):
            raise ValueError(f"{name}: unlabelled must be 'outside' or 'missing', not {unlabelled!r}")
        self.min_score = min_score
        self.unlabelled = unlabelled
        self.scorer = scorer if scorer is not None else make_ner_scorer()
        self.reasons: Counter = Counter()

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        source: Optional[str] = None,
        target: Optional[str] = None,
        source_lang: str = "en",
        tokenized: bool = False,
        limit: int = 20_000,
    ) -> None:
        """Train the projector on a bitext, if it can learn how entities are translated. No target labels are needed.

        source, target (Optional[str]): A line-parallel bitext, two files. The components before this one label and
            align it. Without a bitext the projector is not trained.
        source_lang (str): Language code of the source, for its tokenizer.
        tokenized (bool): Whether its tokens are separated by spaces. limit (int): Sentence pairs to learn from.
        """
        if not hasattr(self.part, "train") or nlp is None or source is None or target is None:
            return
        bitext = TokenizedBitext.of(source, target, nlp, source_lang, tokenized)
        docs: Iterable[Doc] = (_bitext_doc(nlp, *pair) for pair in islice(bitext, limit))
        for _, pipe in nlp.pipeline:
            if pipe is self:
                break
            docs = pipe.pipe(docs) if hasattr(pipe, "pipe") else map(pipe, docs)
        docs = tracked(docs, "Projector: labelling and aligning the bitext", unit="sentence pairs")
        pairs = [_known_pair(doc) for doc in docs if alignment_of(doc) is not None]
        if not pairs:
            raise XnerError(
                f"{self.name}: nothing to learn from: no sentence of {source} has a source Doc and links.",
                "Components before this one must label and align it; see their warnings.",
            )
        with step(f"Projector: learning from {len(pairs):,} sentence pairs"):
            self.part.train(pairs, bitext)

    def process(self, docs: List[Doc]) -> None:
        ready: List[Tuple[Doc, Doc]] = []
        pairs: List[SentencePair] = []
        for doc in docs:
            source, alignment = source_of(doc), alignment_of(doc)
            if source is not None and alignment is not None:
                words = words_of(source), words_of(doc)
                reason = why_not_linked(doc, words)
                if reason is not None:
                    raise XnerError(
                        f"{self.name}: a sentence can't be projected onto, because {reason}: {doc.text[:60]!r}.",
                        "Align it again after the last change to its tokens, with xner_aligner before this component.",
                    )
                ready.append((doc, source))
                pairs.append(_pair(doc, source, words, alignment))
                continue
            entities = [] if source is None else doc_entities(source)
            empty = Projection([], [Unprojected(k, Reason.NO_LINKS) for k in range(len(entities))])
            self._annotate(doc, entities, empty, "missing")
        for (doc, _), pair, projection in zip(ready, pairs, checked(self.part, pairs), strict=True):
            # Where nothing is known of the source, nothing is known of the target.
            is_known = annotation_fault(doc) is None
            self._annotate(doc, pair.entities, projection, self.unlabelled if is_known else "missing")
        # The source model's distributions are projected too, if the source Docs have any.
        with_soft = []
        for (doc, source), pair in zip(ready, pairs, strict=True):
            set_soft(doc, None)
            soft = get_soft(source)
            if soft is not None:
                with_soft.append((doc, pair, soft))
        projected = project_soft(self.part, [pair for _, pair, _ in with_soft], [soft for _, _, soft in with_soft])
        for (doc, _, _), soft in zip(with_soft, projected, strict=True):
            set_soft(doc, soft)

    def _annotate(self, doc: Doc, entities: Sequence[Entity], projection: Projection, unlabelled: str) -> None:
        """Store the projected spans, and the unprojected entities with reasons, including dropped ones."""
        kept = [span for span in projection.spans if span.score >= self.min_score]
        low = [span for span in projection.spans if not span.score >= self.min_score]
        lost = [(entities[u.source], u.reason) for u in projection.unprojected]
        lost += [(entities[span.source], Reason.LOW_SCORE) for span in low]
        source = source_of(doc)
        if source is not None:
            outside_map_or_tokens = [*dropped_spans(source), *unplaced_names(source)]
            lost += [(Entity(span.start, span.end, span.label_), why) for span, why in outside_map_or_tokens]
        self.reasons.update(reason for _, reason in lost)
        ents = [Span(doc, span.start, span.end, label=span.label) for span in kept]
        doc.set_ents(ents, missing=[Span(doc, span.start, span.end) for span in low], default=unlabelled)
        attrs = {
            "scores": [float(span.score) for span in kept],
            "sources": [list(entities[span.source][:2]) for span in kept],
            "method": getattr(self.part, "method", type(self.part).__name__),
            "unprojected": [{"start": e.start, "end": e.end, "label": e.label, "reason": why} for e, why in lost],
        }
        doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=ents, attrs=attrs)


def _bitext_doc(nlp: Language, source: List[str], target: List[str]) -> Doc:
    doc = Doc(nlp.vocab, words=target)
    doc._.xner_source = Doc(nlp.vocab, words=source)
    return doc


def _known_pair(doc: Doc) -> SentencePair:
    """RETURNS (SentencePair): What the components have found of a Doc that has links."""
    source, alignment = source_of(doc), alignment_of(doc)
    assert source is not None and alignment is not None
    return _pair(doc, source, (words_of(source), words_of(doc)), alignment)


def _pair(doc: Doc, source: Doc, words: TokenPair, alignment: Alignment) -> SentencePair:
    # An annotator with side = "target" has stored its distributions with the Doc.
    return SentencePair(*words, doc_entities(source), alignment, target_labels=get_soft(doc))
