"""Min-max projection with completeness filters (Ebing and Glavaš 2025, arXiv 2505.10507)."""

from dataclasses import dataclass
from typing import Dict, List

from ...types import ProjectedSpan, Projection, Reason, SentencePair
from ..linked_words import entity_links, mean_link
from ..matching.confidence import LINK_CONFIDENCE
from ..projectors import BaseProjector, with_reasons, without_overlaps


@dataclass(eq=False)
class MinMaxProjector(BaseProjector):
    """Projects to the range from the first to the last linked word (`xner.MinMax.v1`).

    Where ranges meet, the one with the denser links stays; the paper's code lets later ones overwrite. A span's
    confidence is calibrated from the mean link score over its words, 0 for unlinked ones.

    comp_src (bool): COMP-SRC: give an entity up if one of its words has no link.
    comp_tgt (bool): COMP-TGT: give an entity up if the linked words are not contiguous.
    comp_ins (bool): COMP-INS: give the sentence up unless every entity was projected.
    restrict (bool): RESTR: a one-word entity covers only its first linked word.
    whole_sentence (bool): A failure of COMP-SRC or COMP-TGT gives up the sentence (as in translate-train) instead of
        the entity (translate-test).
    """

    comp_src: bool = False
    comp_tgt: bool = False
    comp_ins: bool = False
    restrict: bool = False
    whole_sentence: bool = False

    def _project(self, pair: SentencePair) -> Projection:
        linked_source = set(pair.alignment.links[:, 0].tolist())
        spans: List[ProjectedSpan] = []
        reasons: Dict[int, str] = {}
        for s, (entity, words) in enumerate(zip(pair.entities, entity_links(pair), strict=True)):
            if not words:
                reasons[s] = Reason.NO_LINKS
                continue
            start, end = words[0][0], words[-1][0] + 1
            gap_in_source = any(i not in linked_source for i in range(entity[0], entity[1]))
            if (self.comp_src and gap_in_source) or (self.comp_tgt and end - start != len(words)):
                reasons[s] = Reason.INCOMPLETE
                continue
            if self.restrict and entity[1] - entity[0] == 1:
                end = start + 1
            spans.append(ProjectedSpan(start, end, entity[2], s, min(1.0, mean_link(words, start, end))))
        kept = without_overlaps(sorted(spans, key=lambda x: (-x.score, x.start, x.source)), len(pair.target))
        failed = Reason.INCOMPLETE in reasons.values()
        if (self.whole_sentence and failed) or (self.comp_ins and len(kept) < len(pair.entities)):
            reasons.update({span.source: Reason.INCOMPLETE for span in kept})
            kept = []
        kept = [span._replace(score=LINK_CONFIDENCE(span.score, 0.0)) for span in kept]
        return with_reasons(pair, sorted(kept), reasons, Reason.OVERLAP)
