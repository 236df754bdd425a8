"""Means, paired contrasts and robustness of a study's rows, with 95% intervals.

F1 stays in [0, 1]. A replicate is a pair of seed and draw. What cannot be estimated is None.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..types import Json
from .rows import ARMS, DONE, SOURCE_ARMS, Row

Floats = npt.NDArray[np.float64]
ALL = "all"
VARIANCE = "variance"
Z = 1.959964

# What is compared with what, within the same language, sizes, seed and draw.
CONTRASTS = (
    ("soft", "hard"),
    ("prototypes", "soft"),
    ("surest", "soft"),
    ("tsl", "transfer"),
    ("translate_train", "hard"),
    ("ensemble", "soft"),
    ("ensemble", "teacher"),
    ("soft", "teacher"),
    ("hard", "teacher"),
    ("soft", "transfer"),
    ("hard", "transfer"),
    ("teacher", "transfer"),
)


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
    return float(np.mean([(w / (2 * Z)) ** 2 for w in widths])) if widths else None


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


@dataclass
class Replicates:
    """Values of one cell: a value for each pair of seed and draw."""

    values: Dict[Tuple[int, int], float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """RETURNS (float): The mean."""
        return float(np.mean(list(self.values.values())))

    @property
    def sd(self) -> Optional[float]:
        """RETURNS (Optional[float]): Standard deviation, or None for fewer than two."""
        if len(self.values) < 2:
            return None
        return float(np.std(list(self.values.values()), ddof=1))

    @property
    def crossed(self) -> bool:
        """RETURNS (bool): Whether a seed or a draw comes more than once."""
        seeds, draws = zip(*self.values) if self.values else ((), ())
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
            return float(np.var(list(self.values.values()), ddof=1)), n - 1
        total, degrees = 0.0, n
        for at in (0, 1):
            groups = defaultdict(list)
            for key, value in self.values.items():
                groups[key[at]].append(value)
            if len(groups) > 1:
                means = [float(np.mean(group)) for group in groups.values()]
                total += n * float(np.var(means, ddof=1)) / len(groups)
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
        quantile = float(stats.t.ppf(0.975, max(total**2 / spread, 1.0)))
    half = quantile * float(np.sqrt(total))
    return mean - half, mean + half


def centred_mean(cells: Sequence[Replicates]) -> Replicates:
    """What a replicate adds to the mean over cells: a teacher is shared by all languages, so that
    their errors are not independent.

    RETURNS (Replicates): The mean over cells of the differences from the cell's mean.
    """
    sums: Dict[Tuple[int, int], List[float]] = defaultdict(list)
    for cell in cells:
        for key, value in cell.values.items():
            sums[key].append(value - cell.mean)
    return Replicates({key: float(np.mean(values)) for key, values in sums.items()})


# --- means -------------------------------------------------------------------------------------

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
    for row in done(rows):
        key = (row.block, row.arm, row.design, row.n_source, row.n_target)
        groups[key][row.lang].append(row)
    shared: Dict[Tuple, List[Replicates]] = defaultdict(list)
    for key, by_lang in groups.items():
        for name in FIELDS:
            cells = _cells(by_lang, name)
            shared[(*key[:3], key[4], name)].append(centred_mean(list(cells.values())))
    result = []
    order = sorted(groups, key=lambda k: (k[0], k[2], ARMS.index(k[1]), k[3], k[4]))
    for key in order:
        by_lang = groups[key]
        for lang in [*sorted(by_lang), ALL]:
            entry: Json = dict(zip(("block", "arm", "design", "n_source", "n_target"), key))
            entry["lang"] = lang
            entry["languages"] = sorted(by_lang) if lang == ALL else [lang]
            for name in FIELDS:
                both = _mean(by_lang, name, lang, shared[(*key[:3], key[4], name)])
                if name == "f1":
                    entry.update(both)
                else:
                    entry[name], entry[f"{name}_low"], entry[f"{name}_high"] = (
                        both["f1"],
                        both["low"],
                        both["high"],
                    )
            result.append(entry)
    return result


def _cells(by_lang: Dict[str, List[Row]], name: str) -> Dict[str, Replicates]:
    cells = {}
    for lang, rows in by_lang.items():
        values = {(r.seed, r.draw): getattr(r, name) for r in rows if getattr(r, name) is not None}
        if values:
            cells[lang] = Replicates(values)
    return cells


def _mean(
    by_lang: Dict[str, List[Row]], name: str, lang: str, shared: Sequence[Replicates]
) -> Json:
    cells = _cells(by_lang, name)
    chosen = sorted(cells) if lang == ALL else [lang] if lang in cells else []
    empty: Json = {"n": 0, "f1": None, "sd": None, "low": None, "high": None, "covers": []}
    if not chosen:
        return empty
    mean = float(np.mean([cells[code].mean for code in chosen]))
    low, high = f"{name}_low", f"{name}_high"
    tests = [
        sampling_variance((getattr(r, low), getattr(r, high)) for r in by_lang[code])
        for code in chosen
    ]
    test = None
    if all(variance is not None for variance in tests):
        test = sum(v for v in tests if v is not None) / len(chosen) ** 2
    variance, degrees = pooled(cells.values())
    if lang == ALL:
        sd = None if variance is None else float(np.sqrt(variance))
        variance, degrees = pooled(shared)
        n = min(len(cells[code].values) for code in chosen)
    else:
        sd = cells[lang].sd
        n = len(cells[lang].values)
    replicate = None if variance is None else variance / n
    covers = [
        *(["test sentences"] if test is not None else []),
        *(["replicates"] if replicate is not None else []),
    ]
    lower, upper = limits(mean, [(replicate, degrees), (test, None)])
    if name == "f1" and lower is not None and upper is not None:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    total = sum(len(cells[code].values) for code in chosen)
    return {"n": total, "f1": mean, "sd": sd, "low": lower, "high": upper, "covers": covers}


# --- differences -------------------------------------------------------------------------------

Size = Tuple[int, int]
# Language, sizes, replicate: difference.
Differences = Dict[Tuple[str, Size], Replicates]


def summarise(differences: Differences) -> List[Json]:
    """Mean differences with intervals, by language and size, and over all of each.

    One language: over replicates, their variance pooled over languages. All languages: Student's t
    over the means of languages, so that it speaks of languages like these. Over all sizes a
    replicate (a language) counts with its mean over sizes.
    RETURNS (List[Json]): `lang`, `n_source`, `n_target` (None for all), `difference`, `low`, `high`
        and `n`, the number of pairs.
    """
    sizes = sorted({size for _, size in differences})
    languages = sorted({lang for lang, _ in differences})
    result = []
    for size in [*sizes, None]:
        cells: Dict[str, Replicates] = {}
        counts: Dict[str, int] = {}
        for lang in languages:
            own = {s: differences[lang, s] for s in sizes if (lang, s) in differences}
            if size is not None:
                own = {s: cell for s, cell in own.items() if s == size}
            if not own:
                continue
            counts[lang] = sum(len(cell.values) for cell in own.values())
            if size is not None or len(own) == 1:
                cells[lang] = next(iter(own.values()))
            else:
                mean = float(np.mean([cell.mean for cell in own.values()]))
                off = centred_mean(list(own.values()))
                cells[lang] = Replicates({k: v + mean for k, v in off.values.items()})
        variance, degrees = pooled(cells.values())
        place = {
            "n_source": None if size is None else size[0],
            "n_target": None if size is None else size[1],
        }
        for lang, cell in cells.items():
            own_variance = None if variance is None else variance / len(cell.values)
            low, high = limits(cell.mean, [(own_variance, degrees)])
            result.append(
                {"lang": lang, **place, "difference": cell.mean, "low": low, "high": high}
            )
            result[-1]["n"] = counts[lang]
        if cells:
            result.append(
                {"lang": ALL, **place, **_over_languages(cells), "n": sum(counts.values())}
            )
    return result


def _over_languages(cells: Dict[str, Replicates]) -> Json:
    centres = [cell.mean for cell in cells.values()]
    mean = float(np.mean(centres))
    if len(centres) > 1:
        low, high = limits(
            mean, [(float(np.var(centres, ddof=1)) / len(centres), len(centres) - 1)]
        )
    else:
        variance, degrees = pooled(cells.values())
        n = len(next(iter(cells.values())).values)
        low, high = limits(mean, [(None if variance is None else variance / n, degrees)])
    return {"difference": mean, "low": low, "high": high, "languages": sorted(cells)}


def pair(
    left: Sequence[Row], right: Sequence[Row], key: Callable[[Row], Tuple]
) -> List[Tuple[Row, Row]]:
    """RETURNS (List[Tuple[Row, Row]]): Rows of both that have the same key."""
    index = {key(row): row for row in right}
    return [(row, index[key(row)]) for row in left if key(row) in index]


def differences(pairs: Iterable[Tuple[Row, Row]]) -> Differences:
    """RETURNS (Differences): F1 of the first of each pair minus that of the second, at the sizes of
    the first."""
    result: Differences = defaultdict(Replicates)
    for first, second in pairs:
        if first.f1 is not None and second.f1 is not None:
            cell = result[first.lang, (first.n_source, first.n_target)]
            cell.values[first.seed, first.draw] = first.f1 - second.f1
    return dict(result)


def contrasts(rows: Sequence[Row]) -> List[Json]:
    """Arms compared, paired within language, sizes, seed and draw. See `summarise`."""
    kept = primary(rows)
    result = []
    for a, b in CONTRASTS:
        for design in sorted({row.design for row in kept if row.arm == a}):
            left = [row for row in kept if row.arm == a and row.design == design]
            if b in SOURCE_ARMS:
                right = [row for row in kept if row.arm == b]
                pairs = pair(left, right, lambda r: (r.lang, r.n_source, r.seed, r.draw))
            else:
                right = [row for row in kept if row.arm == b and row.design == design]
                pairs = pair(left, right, lambda r: r.order[2:3] + r.order[4:])
            for entry in summarise(differences(pairs)):
                result.append({"a": a, "b": b, "design": design, **entry})
    return result


def designs(rows: Sequence[Row]) -> List[Json]:
    """Passes over the text fixed minus optimiser steps fixed, paired. See `summarise`."""
    kept = primary(rows)
    result = []
    for arm in ARMS:
        left = [row for row in kept if row.arm == arm and row.design == "epochs"]
        right = [row for row in kept if row.arm == arm and row.design == "steps"]
        pairs = pair(left, right, lambda r: r.order[2:3] + r.order[4:])
        for entry in summarise(differences(pairs)):
            result.append({"arm": arm, **entry})
    return result


def mirrored(rows: Sequence[Row]) -> List[Json]:
    """Measured pairs of the same total: more source than target sentences minus the reverse.

    RETURNS (List[Json]): As `summarise`, with `arm`, `design` and `total`; n_source is the larger.
    """
    kept = [row for row in primary(rows) if row.arm not in SOURCE_ARMS]
    result = []
    for arm in ARMS:
        for design in sorted({row.design for row in kept if row.arm == arm}):
            own = [row for row in kept if row.arm == arm and row.design == design]
            left = [row for row in own if row.n_source > row.n_target]
            flipped = {(r.lang, r.n_target, r.n_source, r.seed, r.draw): r for r in own}
            pairs = [
                (row, flipped[key])
                for row in left
                for key in [(row.lang, row.n_source, row.n_target, row.seed, row.draw)]
                if key in flipped
            ]
            for entry in summarise(differences(pairs)):
                total = None if entry["n_source"] is None else entry["n_source"] + entry["n_target"]
                result.append({"arm": arm, "design": design, "total": total, **entry})
    return result
