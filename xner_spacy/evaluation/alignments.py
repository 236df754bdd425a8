"""Alignment error rate, precision and recall of word links against manual ones, with confidence intervals.

Sure links S and possible links P (S is a subset of P) are those of Och and Ney (2003, section 5.1): precision is |A &
P| / |A|, recall |A & S| / |S|, and AER = 1 - (|A & S| + |A & P|) / (|A| + |S|). If every gold link is sure, 1 - AER is
the F1.
"""

from typing import Iterable, List, NamedTuple, Sequence, Set, Tuple

import numpy as np
import numpy.typing as npt

from ..corpora.files import read_lines
from ..corpora.formats.pharaoh import parse_line
from ..errors import XnerError
from ..types import Alignment, Json, PathLike
from .resampling import check_resampling, interval, rounded

Link = Tuple[int, int]


class GoldLinks(NamedTuple):
    """The manual links of one sentence pair, 0-based, source first."""

    sure: Set[Link]  # links that must be predicted
    possible: Set[Link]  # links that may be predicted, including the sure ones


def read_gold_links(path: PathLike, *, one_indexed: bool = False, reverse: bool = False) -> List[GoldLinks]:
    """Read gold links, one sentence pair per line: `i-j` is a sure link and `ipj` a possible one.

    one_indexed (bool): Whether positions count from 1. reverse (bool): Whether the target comes first.
    RETURNS (List[GoldLinks]): The links of each line. RAISES: InputError with file and line for anything else.
    """
    gold: List[GoldLinks] = []
    for number, line in read_lines(path):
        sure, possible = parse_line(line, path, number, one_indexed=one_indexed, reverse=reverse)
        gold.append(GoldLinks(set(sure), {*sure, *possible}))
    return gold


def _scores(sums: npt.NDArray[np.int64]) -> Tuple[float, float, float, float]:
    """Precision, recall, F1 and AER of (links, sure, links & possible, links & sure)."""
    links, sure, in_possible, in_sure = (int(x) for x in sums)
    precision = in_possible / links if links else 0.0
    recall = in_sure / sure if sure else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    error = 1.0 - (in_sure + in_possible) / (links + sure) if links + sure else 0.0
    return precision, recall, f1, error


def evaluate_links(
    gold: Sequence[GoldLinks],
    predicted: Iterable[Alignment],
    *,
    samples: int = 1000,
    seed: int = 0,
    names: Tuple[str, str] = ("gold", "prediction"),
) -> Json:
    """Compare predicted links with gold links of the same sentence pairs, in the same order.

    samples (int): Resamples of the percentile bootstrap over sentence pairs. seed (int): Seed of the bootstrap.
    names (Tuple[str, str]): Names of gold and prediction in messages.
    RETURNS (Json): `aer`, `precision`, `recall`, `f1` (of precision and recall), each from 0 to 1, `aer_interval` and
        `f1_interval` (95%), and the numbers of `pairs` and `links`.
    RAISES: XnerError if the numbers of sentence pairs differ.
    """
    check_resampling(samples, seed)
    alignments = list(predicted)
    if len(alignments) != len(gold):
        raise XnerError(
            f"{names[0]} has {len(gold)} sentence pairs and {names[1]} has {len(alignments)}.",
            "Line n of both must belong to the same sentence pair.",
        )
    rows = []
    for (sure, possible), alignment in zip(gold, alignments, strict=True):
        links = {(i, j) for i, j in alignment.links.tolist()}
        rows.append((len(links), len(sure), len(links & possible), len(links & sure)))
    counts = np.array(rows, dtype=np.int64).reshape(-1, 4)
    precision, recall, f1, error = _scores(counts.sum(axis=0))
    resampled = [(f1, error)]
    if len(rows) > 1:
        random = np.random.default_rng(seed)
        for _ in range(samples):
            resampled.append(_scores(counts[random.integers(0, len(rows), len(rows))].sum(axis=0))[2:])
    f1s, errors = zip(*resampled, strict=True)
    return {
        "aer": round(error, 5),
        "aer_interval": rounded(interval(errors)),
        "precision": round(precision, 5),
        "recall": round(recall, 5),
        "f1": round(f1, 5),
        "f1_interval": rounded(interval(f1s)),
        "pairs": len(rows),
        "links": int(counts[:, 0].sum()),
    }
