"""Min-max projection with completeness filters (Ebing and Glavaš 2025, arXiv 2505.10507)."""

from typing import Iterable, Iterator, List

from ...types import ProjectedSpan, Projection, Projector, Reason, SentencePair, Unprojected
from ..linked_words import entity_links
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector


def make_minmax(
    comp_src: bool = False,
    comp_tgt: bool = False,
    comp_ins: bool = False,
    restrict: bool = False,
    whole_sentence: bool = False,
) -> Projector:
    """Create min-max projection (`xner.MinMax.v1`): a span reaches from the first to the last
    linked word.

    comp_src (bool): COMP-SRC: give an entity up if one of its words has no link.
    comp_tgt (bool): COMP-TGT: give an entity up if the linked words are not contiguous.
    comp_ins (bool): COMP-INS: give the sentence up unless every entity was projected.
    restrict (bool): RESTR: a one-word entity covers only its first linked word.
    whole_sentence (bool): A failure of COMP-SRC or COMP-TGT gives up the sentence (as in
        translate-train) instead of the entity (translate-test).
    RETURNS (Projector): The projector.
    """
    return MinMaxProjector(comp_src, comp_tgt, comp_ins, restrict, whole_sentence)


class MinMaxProjector(BaseProjector):
    """Projects to the range of linked words. See `make_minmax` for the settings.

    Where ranges meet, the one with the denser links stays; the paper's code lets later ones
    overwrite.
    """

    def __init__(
        self,
        comp_src: bool,
        comp_tgt: bool,
        comp_ins: bool,
        restrict: bool,
        whole_sentence: bool,
    ) -> None:
        self.comp_src = comp_src
        self.comp_tgt = comp_tgt
        self.comp_ins = comp_ins
        self.restrict = restrict
        self.whole_sentence = whole_sentence

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. A span's confidence is calibrated from the mean link score over its
        words, 0 for unlinked ones.

        pairs (Iterable[SentencePair]): Sentence pairs.
        YIELDS (Projection): One per pair, in order.
        """
        for pair in pairs:
            yield self._project(pair) if pair.entities else Projection()

    def _project(self, pair: SentencePair) -> Projection:
        linked_source = set(pair.alignment.links[:, 0].tolist())
        found: List[ProjectedSpan] = []
        lost: List[Unprojected] = []
        for s, (entity, words) in enumerate(zip(pair.entities, entity_links(pair), strict=True)):
            if not words:
                lost.append(Unprojected(s, Reason.NO_LINKS))
                continue
            start, end = words[0][0], words[-1][0] + 1
            complete = not (self.comp_src and any(i not in linked_source for i in range(entity[0], entity[1])))
            if self.comp_tgt and end - start != len(words):
                complete = False
            if not complete:
                lost.append(Unprojected(s, Reason.INCOMPLETE))
                continue
            if self.restrict and entity[1] - entity[0] == 1:
                end = start + 1
            score = sum(total / n for j, n, total in words if j < end) / (end - start)
            found.append(ProjectedSpan(start, end, entity[2], s, min(1.0, score)))
        kept: List[ProjectedSpan] = []
        taken = bytearray(len(pair.target))
        for span in sorted(found, key=lambda x: (-x.score, x.start, x.source)):
            if taken.find(1, span.start, span.end) < 0:
                kept.append(span)
                taken[span.start : span.end] = b"\1" * (span.end - span.start)
            else:
                lost.append(Unprojected(span.source, Reason.OVERLAP))
        failed = any(u.reason == Reason.INCOMPLETE for u in lost)
        if (self.whole_sentence and failed) or (self.comp_ins and lost):
            lost += [Unprojected(k.source, Reason.INCOMPLETE) for k in kept]
            kept = []
        kept = [k._replace(score=LINK_CONFIDENCE(k.score, 0.0)) for k in kept]
        return Projection(sorted(kept), sorted(lost))
