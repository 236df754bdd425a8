"""Calibration: how much confidences differ from accuracy."""

from typing import Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..docdata import SPANS_KEY, span_scores


class Bin(NamedTuple):
    """One column of a reliability diagram."""

    low: float
    high: float
    number: int  # number of spans in the bin
    confidence: float  # mean confidence of the spans
    accuracy: float  # share of correct spans


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> List[Bin]:
    """RETURNS (List[Bin]): Bins of equal width over [0, 1]; a bin without spans has confidence and accuracy 0."""
    values, hits = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    bin_index = np.minimum((values * bins).astype(int), bins - 1)
    size = np.bincount(bin_index, minlength=bins)
    confidence, accuracy = (np.bincount(bin_index, x, minlength=bins) / np.maximum(size, 1) for x in (values, hits))
    return [Bin(k / bins, (k + 1) / bins, int(size[k]), float(confidence[k]), float(accuracy[k])) for k in range(bins)]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017, equation 3). RETURNS (float): The mean
    distance between confidence and accuracy, weighted by the size of the bins; 0 if there are no spans.
    """
    distances = [b.number * abs(b.confidence - b.accuracy) for b in reliability(confidences, right, bins)]
    return sum(distances) / max(1, len(confidences))


def scored_spans(predicted: Iterable[Doc], gold: Iterable[Doc]) -> Tuple[List[float], List[bool]]:
    """RETURNS (Tuple[List[float], List[bool]]): The scores of all predicted spans of Docs, and whether each is a gold
    entity.
    """
    scores: List[float] = []
    correct: List[bool] = []
    for doc, reference in zip(predicted, gold, strict=True):
        gold_spans = {(e.start, e.end, e.label_) for e in reference.ents}
        scores += span_scores(doc)
        correct += [(span.start, span.end, span.label_) in gold_spans for span in doc.spans.get(SPANS_KEY, ())]
    return scores, correct
