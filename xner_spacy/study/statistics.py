"""Means of a study's rows over replicates and languages, with 95% intervals.

F1 stays in [0, 1]. A replicate is a pair of seed and draw. What cannot be estimated is None.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import sqrt
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from scipy import special

from ..types import Json
from .rows import ARMS, DONE, Row

Floats = npt.NDArray[np.float64]
ALL = "all"
VARIANCE = "variance"
Z = 1.959964


def estimate(
    values: npt.ArrayLike,
    *,
    widen: float = 1.0,
    least: Optional[float] = None,
    most: Optional[float] = None,
) -> Json:
    """The estimate and the percentile interval of its bootstrap samples.

    values (npt.ArrayLike): The estimate, then the samples. widen (float): Factor on the distance of
        the limits from the estimate, for few clusters. least, most (Optional[float]): Bounds.
    RETURNS (Json): `value`, `low` and `high`; the last two are None without samples.
    """
    array = np.asarray(values, dtype=np.float64)
    value = float(array[0])
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None}
    samples = array[1:][np.isfinite(array[1:])]
    if len(samples) < 20 or (least is None and not np.ptp(samples) > 0):
        same = len(samples) >= 20
        return {"value": value, "low": value if same else None, "high": value if same else None}
    low, high = (float(x) for x in np.percentile(samples, (2.5, 97.5)))
    low, high = value - widen * (value - low), value + widen * (high - value)
    low, high = min(low, value), max(high, value)
    if least is not None:
        low = max(low, least)
    if most is not None:
        high = min(high, most)
    return {"value": value, "low": low, "high": high}


def sampling_variance(
    intervals: Iterable[Tuple[Optional[float], Optional[float]]],
) -> Optional[float]:
    """RETURNS (Optional[float]): Mean variance that 95% intervals stand for, or None without any."""
    widths = [high - low for low, high in intervals if low is not None and high is not None]
    return sum((w / (2 * Z)) ** 2 for w in widths) / len(widths) if widths else None


def done(rows: Iterable[Row]) -> List[Row]:
    """RETURNS (List[Row]): Rows that were measured."""
    return [row for row in rows if row.status == DONE and row.f1 is not None]


def primary(rows: Iterable[Row]) -> List[Row]:
    """Measured rows, each cell once; those of the block "variance" only for arms that have no other,
    as its seeds and draws are crossed and so not independent replicates.

    RETURNS (List[Row]): The rows.
    """
    measured = done(rows)
    others = {(row.arm, row.design) for row in measured if row.block != VARIANCE}
    seen = set()
    kept = []
    for row in sorted(measured, key=lambda row: row.order):
        key = (*row.order[1:],)
        if key in seen or (row.block == VARIANCE and (row.arm, row.design) in others):
            continue
        seen.add(key)
        kept.append(row)
    return kept


def variance_of(values: Sequence[float]) -> float:
    """RETURNS (float): The variance of a sample of two or more."""
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


@dataclass
class Replicates:
    """Values of one cell: a value for each pair of seed and draw."""

    values: Dict[Tuple[int, int], float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """RETURNS (float): The mean."""
        return sum(self.values.values()) / len(self.values)

    @property
    def sd(self) -> Optional[float]:
        """RETURNS (Optional[float]): Standard deviation, or None for fewer than two."""
        if len(self.values) < 2:
            return None
        return sqrt(variance_of(list(self.values.values())))

    @property
    def crossed(self) -> bool:
        """RETURNS (bool): Whether a seed or a draw comes more than once."""
        seeds, draws = zip(*self.values, strict=True) if self.values else ((), ())
        return len(set(seeds)) < len(seeds) or len(set(draws)) < len(draws)

    def spread(self) -> Tuple[float, int]:
        """Variance of the mean times the number of values, and its degrees of freedom. Crossed
        seeds and draws: the sum of the variances over seeds and over draws, which is not too small.

        RETURNS (Tuple[float, int]): (0, 0) where there is nothing to tell it from.
        """
        n = len(self.values)
        if n < 2:
            return 0.0, 0
        if not self.crossed:
            return variance_of(list(self.values.values())), n - 1
        total, degrees = 0.0, n
        for at in (0, 1):
            groups = defaultdict(list)
            for key, value in self.values.items():
                groups[key[at]].append(value)
            if len(groups) > 1:
                centres = [sum(group) / len(group) for group in groups.values()]
                total += n * variance_of(centres) / len(groups)
                degrees = min(degrees, len(groups) - 1)
        return total, degrees if total else 0


def pooled(cells: Iterable[Replicates]) -> Tuple[Optional[float], int]:
    """RETURNS (Tuple[Optional[float], int]): Variance of replicates, pooled over cells by their
    degrees of freedom, and their sum; None and 0 without any."""
    pairs = [cell.spread() for cell in cells]
    degrees = sum(df for _, df in pairs)
    if not degrees:
        return None, 0
    return sum(variance * df for variance, df in pairs) / degrees, degrees


def limits(
    mean: float, parts: Sequence[Tuple[Optional[float], Optional[int]]]
) -> Tuple[Optional[float], Optional[float]]:
    """A 95% interval from independent variances of the mean, with Student's t and the degrees of
    freedom of Welch and Satterthwaite.

    parts (Sequence[Tuple[Optional[float], Optional[int]]]): Variance and degrees of freedom; None
        for a variance that is known well, a variance of None is left out.
    RETURNS (Tuple[Optional[float], Optional[float]]): The limits; None without any variance.
    """
    known = [(variance, df) for variance, df in parts if variance is not None]
    if not known:
        return None, None
    total = sum(variance for variance, _ in known)
    spread = sum(variance**2 / df for variance, df in known if df)
    quantile = Z
    if spread > 0:
        quantile = float(special.stdtrit(max(total**2 / spread, 1.0), 0.975))
    half = quantile * sqrt(total)
    return mean - half, mean + half


def centred_mean(cells: Sequence[Replicates]) -> Replicates:
    """What a replicate adds to the mean over cells: a teacher is shared by all languages, so that
    their errors are not independent.

    RETURNS (Replicates): The mean over cells of the differences from the cell's mean.
    """
    sums: Dict[Tuple[int, int], List[float]] = defaultdict(list)
    for cell in cells:
        mean = cell.mean
        for key, value in cell.values.items():
            sums[key].append(value - mean)
    return Replicates({key: sum(values) / len(values) for key, values in sums.items()})


FIELDS = ("f1", "minus_teacher", "minus_transfer")


def means(rows: Sequence[Row]) -> List[Json]:
    """Mean over replicates of every cell, and over languages.

    The variance of a mean is that of the replicates, pooled over the languages of the same sizes,
    over their number, plus the mean variance over test sentences, which replicates share. For the
    mean over languages the replicates' means over languages are used, pooled over the cells of the
    same number of target sentences.
    RETURNS (List[Json]): See `analyse`.
    """
    groups: Dict[Tuple, Dict[str, List[Row]]] = defaultdict(lambda: defaultdict(list))
    languages = defaultdict(set)
    for row in done(rows):
        key = (row.block, row.arm, row.design, row.n_source, row.n_target)
        groups[key][row.lang].append(row)
        languages[key[:3]].add(row.lang)
    cells = {(key, name): _cells(groups[key], name) for key in groups for name in FIELDS}
    shared: Dict[Tuple, List[Replicates]] = defaultdict(list)
    for (key, name), own in cells.items():
        shared[(*key[:3], key[4], name)].append(centred_mean(list(own.values())))
    spreads = {key: pooled(value) for key, value in shared.items()}
    result: List[Json] = []
    for key in sorted(groups, key=lambda k: (k[0], k[2], ARMS.index(k[1]), k[3], k[4])):
        by_lang = groups[key]
        entries: Dict[str, Json] = {}
        for lang in [*sorted(by_lang), ALL]:
            entry: Json = dict(zip(("block", "arm", "design", "n_source", "n_target"), key, strict=True))
            entry["lang"] = lang
            entry["languages"] = sorted(by_lang) if lang == ALL else [lang]
            # Whether the mean is over every language that the arm was run on.
            entry["complete"] = lang != ALL or set(by_lang) == languages[key[:3]]
            entries[lang] = entry
        for name in FIELDS:
            tests = {lang: _test_variance(by_lang[lang], name) for lang in by_lang}
            spread = spreads[(*key[:3], key[4], name)]
            for lang, entry in entries.items():
                entry.update(_mean(cells[key, name], tests, name, lang, spread))
        result.extend(entries.values())
    return result


def _cells(by_lang: Dict[str, List[Row]], name: str) -> Dict[str, Replicates]:
    cells = {}
    for lang, rows in by_lang.items():
        values = {(r.seed, r.draw): getattr(r, name) for r in rows if getattr(r, name) is not None}
        if values:
            cells[lang] = Replicates(values)
    return cells


def _test_variance(rows: Sequence[Row], name: str) -> Optional[float]:
    return sampling_variance((getattr(r, f"{name}_low"), getattr(r, f"{name}_high")) for r in rows)


def _mean(
    cells: Dict[str, Replicates],
    tests: Dict[str, Optional[float]],
    name: str,
    lang: str,
    spread: Tuple[Optional[float], int],
) -> Json:
    """One field of one entry of `means`.

    tests (Dict[str, Optional[float]]): Variance over test sentences by language.
    spread (Tuple[Optional[float], int]): Variance of replicates of the mean over languages, and its
        degrees of freedom.
    """
    chosen = sorted(cells) if lang == ALL else [lang] if lang in cells else []
    low, high = ("low", "high") if name == "f1" else (f"{name}_low", f"{name}_high")
    if not chosen:
        return {name: None, low: None, high: None}
    mean = sum(cells[code].mean for code in chosen) / len(chosen)
    known = [variance for variance in (tests[code] for code in chosen) if variance is not None]
    test = sum(known) / len(chosen) ** 2 if len(known) == len(chosen) else None
    variance, degrees = pooled(cells.values())
    if lang == ALL:
        sd = None if variance is None else sqrt(variance)
        variance, degrees = spread
        n = min(len(cells[code].values) for code in chosen)
    else:
        sd = cells[lang].sd
        n = len(cells[lang].values)
    replicate = None if variance is None else variance / n
    lower, upper = limits(mean, [(replicate, degrees), (test, None)])
    if name != "f1":
        return {name: mean, low: lower, high: upper}
    if lower is not None and upper is not None:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    covers = [
        *(["test sentences"] if test is not None else []),
        *(["replicates"] if replicate is not None else []),
    ]
    total = sum(len(cells[code].values) for code in chosen)
    return {"n": total, name: mean, "sd": sd, low: lower, high: upper, "covers": covers}
