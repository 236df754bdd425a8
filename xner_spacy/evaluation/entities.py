"""Entity precision, recall and F1 with bootstrap intervals, per type and by kind of error, and the paired test.

An entity is correct if its boundaries and label are (the CoNLL-2003 measure, micro-averaged over entities).
The interval is the percentile bootstrap over sentences; the paired test is approximate randomisation over sentences
(Yeh 2000), two-sided.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Annotated, Any, Container, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from ..about import __version__
from ..corpora.reading import read_json
from ..types import Entity, Json, PathLike
from .resampling import block_sizes, check_resampling, draw, interval, rounded

Sentence = Sequence[Entity]


class Counts(NamedTuple):
    """Per-sentence counts of one comparison: (n,) arrays of true positives, predicted and gold entities."""

    correct: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    gold: npt.NDArray[np.int64]


def prf(correct: float, predicted: float, gold: float) -> Tuple[float, float, float]:
    """RETURNS (Tuple[float, float, float]): Precision, recall and F1 in [0, 1]; 0 where undefined."""
    p = correct / predicted if predicted else 0.0
    r = correct / gold if gold else 0.0
    return p, r, 2 * p * r / (p + r) if p + r else 0.0


def count(gold: Sequence[Sentence], predicted: Sequence[Sentence], label: Optional[str] = None) -> Counts:
    """RETURNS (Counts): The counts for one label or all. RAISES: ValueError if the lengths differ."""
    _require_same_length(gold, predicted)
    rows = np.zeros((3, len(gold)), dtype=np.int64)
    for k, sides in enumerate(zip(gold, predicted, strict=True)):
        gold_set, predicted_set = ({e[:3] for e in side if label is None or e.label == label} for side in sides)
        rows[:, k] = len(gold_set & predicted_set), len(predicted_set), len(gold_set)
    return Counts(*rows)


def _require_same_length(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> None:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sentences but {len(predicted)} predicted ones")


def _f1(counts: Counts, weights: npt.NDArray) -> npt.NDArray[np.float64]:
    """F1 of each row of sentence weights, (b, n) -> (b,)."""
    totals = weights @ (counts.predicted + counts.gold)
    return np.divide(2.0 * (weights @ counts.correct), totals, out=np.zeros(len(totals)), where=totals > 0)


def bootstrap_f1(counts: Counts, samples: int = 1000, seed: int = 0) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): 95% percentile bootstrap interval of F1 over sentences, in [0, 1]. Without
    resamples both ends are F1. RAISES: XnerError for an invalid number of resamples, or a negative seed.
    """
    rows, numbers = np.unique(np.column_stack(counts), axis=0, return_counts=True)
    return _bootstrap(Counts(*rows.T), numbers, samples, seed)


def _bootstrap(counts: Counts, numbers: npt.NDArray[np.int64], samples: int, seed: int) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): See `bootstrap_f1`. counts (Counts): The different counts of a sentence, in order.
    numbers (NDArray[int]): How many sentences have each. They are drawn together, for it makes no difference which one
    of them is drawn; so time and memory do not depend on how many sentences there are.
    """
    check_resampling(samples, seed)
    if not len(numbers):
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    scores = [_f1(counts, draw(rng, numbers, size)) for size in block_sizes(len(numbers), samples)]
    return interval(np.concatenate(scores or [_f1(counts, numbers[None].astype(np.float64))]))


KINDS = ("correct", "boundary", "type", "boundary_and_type", "spurious", "missing")


class Pairing(NamedTuple):
    """A gold entity, a prediction, or both, and how they belong together: one of `KINDS`."""

    kind: str
    gold: Optional[Entity]
    predicted: Optional[Entity]


def error_kinds(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): How many predictions are `correct`, and how many are wrong in which way (see
    `paired_entities`).
    """
    counts = Counter(dict.fromkeys(KINDS, 0))
    for gold_entities, predicted_entities in zip(gold, predicted, strict=True):
        counts.update(pairing.kind for pairing in paired_entities(gold_entities, predicted_entities))
    return dict(counts)


def paired_entities(gold: Sentence, predicted: Sentence) -> List[Pairing]:
    """Tell the kinds of errors in a sentence, similarly to the MUC and SemEval-2013 schemes.

    `type`: has the boundaries of a gold entity with another label; `boundary`: overlaps a gold entity with its label;
    `boundary_and_type`: overlaps a gold entity with another label; `spurious`: none of these; `missing`: a gold entity
    without a prediction. A gold entity is paired with one prediction at most, by the first of these kinds that applies.

    RETURNS (List[Pairing]): Every gold entity and every prediction once, `correct` ones too.
    """
    exact = {e[:3] for e in gold} & {e[:3] for e in predicted}
    pairings = [Pairing("correct", Entity(*span), Entity(*span)) for span in sorted(exact)]
    unpaired_gold = sorted(e for e in gold if e[:3] not in exact)
    unpaired_predicted = sorted(e for e in predicted if e[:3] not in exact)
    for kind in ("type", "boundary", "boundary_and_type"):
        pairs, unpaired_gold, unpaired_predicted = _paired(kind, unpaired_gold, unpaired_predicted)
        pairings += pairs
    pairings += [Pairing("spurious", None, entity) for entity in unpaired_predicted]
    return pairings + [Pairing("missing", entity, None) for entity in unpaired_gold]


def _paired(kind: str, gold: List[Entity], predicted: List[Entity]) -> Tuple[List[Pairing], List[Entity], List[Entity]]:
    """Pair sorted entities by a kind of error, and return the pairs and the unpaired ones of both sides. Only gold
    entities near a prediction are compared, so that the time is linear in the length of a sentence.
    """
    starts = [entity.start for entity in gold]
    longest = max((entity.end - entity.start for entity in gold), default=1)
    pairs: Dict[int, Pairing] = {}  # by the position of the gold entity
    unpaired = []
    for entity in predicted:
        near = range(bisect_right(starts, entity.start - longest), bisect_left(starts, entity.end))
        match = next((k for k in near if k not in pairs and _is_kind(kind, gold[k], entity)), None)
        if match is None:
            unpaired.append(entity)
        else:
            pairs[match] = Pairing(kind, gold[match], entity)
    return list(pairs.values()), [entity for k, entity in enumerate(gold) if k not in pairs], unpaired


def _is_kind(kind: str, gold: Entity, predicted: Entity) -> bool:
    if kind == "type":
        return (gold.start, gold.end) == (predicted.start, predicted.end)
    overlap = gold.start < predicted.end and predicted.start < gold.end
    return overlap and (kind == "boundary_and_type" or gold.label == predicted.label)


def _row(counts: Counts) -> Json:
    correct, predicted, gold = (int(x.sum()) for x in counts)
    p, r, f = rounded(prf(correct, predicted, gold))
    return {"precision": p, "recall": r, "f1": f, "gold": gold, "predicted": predicted, "correct": correct}


_LENGTHS = ("1", "2", "3", "4+")


class Tally:
    """The counts of an evaluation, to which sentences are added one by one. Its size does not depend on how many there
    are: it keeps how often each combination of counts by label occurs.
    """

    def __init__(self) -> None:
        self.sentences = 0
        # What a sentence has for each of its labels: (label, correct, predicted, gold).
        self._rows: Counter[Tuple[Tuple[str, int, int, int], ...]] = Counter()
        # Correct, predicted and gold ones of each length.
        self._lengths = [[0] * len(_LENGTHS) for _ in range(3)]
        self._errors = Counter(dict.fromkeys(KINDS, 0))

    def add(self, gold: Sentence, predicted: Sentence) -> None:
        """Count the entities of one sentence."""
        self.sentences += 1
        if not gold and not predicted:
            self._rows[()] += 1
            return
        gold_set, predicted_set = {e[:3] for e in gold}, {e[:3] for e in predicted}
        by_label: Dict[str, List[int]] = {}
        for column, entities in enumerate((gold_set & predicted_set, predicted_set, gold_set)):
            for start, end, label in entities:
                by_label.setdefault(label, [0, 0, 0])[column] += 1
                self._lengths[column][min(end - start, len(_LENGTHS)) - 1] += 1
        self._rows[tuple((label, c[0], c[1], c[2]) for label, c in sorted(by_label.items()))] += 1
        if gold_set == predicted_set:
            self._errors["correct"] += len(gold_set)
        else:
            self._errors.update(error_kinds([gold], [predicted]))

    def labels(self) -> Tuple[List[str], List[str]]:
        """RETURNS (Tuple[List[str], List[str]]): The labels that were predicted, and those in gold."""
        columns = ({row[0] for rows in self._rows for row in rows if row[column]} for column in (2, 3))
        predicted, gold = map(sorted, columns)
        return predicted, gold

    def counts(self, labels: Optional[Container[str]] = None) -> Tuple[Counts, npt.NDArray[np.int64]]:
        """RETURNS (Tuple[Counts, NDArray[int]]): The different counts of a sentence, in order, and how many sentences
        have each. labels (Optional[Container[str]]): Those of these labels alone.
        """
        groups: Counter[Tuple[int, ...]] = Counter()
        for rows, number in self._rows.items():
            chosen = [row[1:] for row in rows if labels is None or row[0] in labels]
            groups[tuple(map(sum, zip(*chosen, strict=True))) or (0, 0, 0)] += number
        ordered = sorted(groups)
        columns = np.array(ordered, dtype=np.int64).reshape(-1, 3).T
        return Counts(*columns), np.array([groups[group] for group in ordered], dtype=np.int64)

    def rates(self, labels: Optional[Container[str]] = None, *, samples: int = 1000, seed: int = 0) -> Json:
        """RETURNS (Json): `precision`, `recall`, `f1` in [0, 1], `f1_interval` (95%), and counts. labels
        (Optional[Container[str]]): Those of these labels alone.
        """
        counts, numbers = self.counts(labels)
        interval_ends = rounded(_bootstrap(counts, numbers, samples, seed))
        return {**_row(Counts(*(column * numbers for column in counts))), "f1_interval": interval_ends}

    def scores(self, *, samples: int = 1000, seed: int = 0) -> Json:
        """RETURNS (Json): See `evaluate`."""
        lengths = {name: np.array([[row[k]] for row in self._lengths]) for k, name in enumerate(_LENGTHS)}
        labels = sorted(set().union(*self.labels()))
        return {
            **self.rates(samples=samples, seed=seed),
            "sentences": self.sentences,
            "per_type": {label: self.rates([label], samples=samples, seed=seed) for label in labels},
            "per_length": {name: _row(Counts(*columns)) for name, columns in lengths.items()},
            "errors": dict(self._errors),
            "signature": f"entity-f1|micro|exact|bs:{samples}|seed:{seed}|v:{__version__}",
        }


def evaluate(gold: Sequence[Sentence], predicted: Sequence[Sentence], *, samples: int = 1000, seed: int = 0) -> Json:
    """Score predicted entities against gold ones.

    gold, predicted (Sequence[Sequence[Entity]]): Entities of each sentence, in the same order.
    samples (int): Bootstrap resamples. seed (int): Seed of the resampling.
    RETURNS (Json): `precision`, `recall`, `f1` in [0, 1], `f1_interval` (95%), counts, `per_type`, `per_length` (gold
        and predicted span length in tokens: 1, 2, 3, 4+), `errors` and `signature`.
    RAISES: ValueError if the lengths differ.
    """
    _require_same_length(gold, predicted)
    tally = Tally()
    for gold_entities, predicted_entities in zip(gold, predicted, strict=True):
        tally.add(gold_entities, predicted_entities)
    return tally.scores(samples=samples, seed=seed)


def compare(
    gold: Sequence[Sentence], a: Sequence[Sentence], b: Sequence[Sentence], *, samples: int = 10000, seed: int = 0
) -> Json:
    """Test whether two systems differ in F1 on the same sentences.

    RETURNS (Json): `f1_a`, `f1_b`, `difference` (a - b) with its 95% bootstrap interval, and `p_value` of the two-sided
        approximate randomisation test.
    """
    check_resampling(samples, seed)
    counts_a, counts_b = count(gold, a), count(gold, b)
    # The sentences of A followed by those of B: a random swap gives each a weight of 0 or 1.
    joined = Counts(*map(np.concatenate, zip(counts_a, counts_b, strict=True)))
    n = len(gold)
    f_a, f_b = (float(_f1(counts, np.ones((1, n)))[0]) for counts in (counts_a, counts_b))
    rng = np.random.default_rng(seed)
    extreme = 0
    differences: List[float] = []
    for size in block_sizes(n, samples):
        swap = rng.integers(0, 2, size=(size, n)).astype(np.float64)
        mixed_a, mixed_b = (_f1(joined, np.hstack(weights)) for weights in ((1 - swap, swap), (swap, 1 - swap)))
        extreme += int(np.sum(np.abs(mixed_a - mixed_b) >= abs(f_a - f_b) - 1e-12))
        if n:
            weights = draw(rng, np.ones(n), size)
            differences += (_f1(counts_a, weights) - _f1(counts_b, weights)).tolist()
    return {
        "f1_a": round(f_a, 5),
        "f1_b": round(f_b, 5),
        "difference": round(f_a - f_b, 5),
        "difference_interval": rounded(interval(differences or [0.0])),
        "p_value": round((extreme + 1) / (samples + 1), 5),
        "sentences": n,
        "signature": f"paired-f1|approximate-randomisation|samples:{samples}|seed:{seed}|v:{__version__}",
    }


_Share = Annotated[float, Field(ge=0, le=1)]
_Interval = Annotated[List[float], Field(min_length=2, max_length=2)]


class _Rates(TypedDict):
    precision: _Share
    recall: _Share
    f1: _Share


class _MadeFrom(TypedDict):
    base: str
    changed: Dict[str, Any]


class _Scores(_Rates):
    f1_interval: _Interval
    gold: int
    sentences: int
    per_type: Dict[str, _Rates]
    signature: str
    made_from: NotRequired[_MadeFrom]


def read_scores(path: PathLike) -> Json:
    """RETURNS (Json): The output of `xner evaluate --json`. RAISES: InputError for a missing or different file."""
    return read_json(path, _Scores, hint="Make it with `xner evaluate GOLD PRED --json FILE`.")
