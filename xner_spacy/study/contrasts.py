"""What is compared within the same language, seed and draw: arms, designs, mirrored sizes, tenfolds."""

from collections import defaultdict
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ..types import Json
from .rows import ARMS, SOURCE_ARMS, Row
from .statistics import ALL, Replicates, centred_mean, limits, pooled, primary, variance_of

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

Size = Tuple[int, int]
# Language, sizes, replicate: difference.
Differences = Dict[Tuple[str, Size], Replicates]


def summarise(differences: Differences) -> List[Json]:
    """Mean differences with intervals, by language and size, and over all of each.

    One language: over replicates, their variance pooled over languages. All languages: languages and
    replicates are crossed random effects, so that the interval speaks of languages like these and
    of other seeds and draws (see `_over_languages`). Over all sizes a replicate counts with its mean
    over sizes.
    RETURNS (List[Json]): `lang`, `n_source`, `n_target` (None for all), `difference`, `low`, `high`
        and `n`, the number of pairs.
    """
    sizes = sorted({size for _, size in differences})
    languages = sorted({lang for lang, _ in differences})
    by_size: Dict[Optional[Size], Dict[str, Replicates]] = {}
    counts: Dict[Tuple[Optional[Size], str], int] = {}
    for size in [*sizes, None]:
        by_size[size] = {}
        for lang in languages:
            own = [differences[lang, s] for s in sizes if (lang, s) in differences and size in (s, None)]
            if own:
                counts[size, lang] = sum(len(cell.values) for cell in own)
                by_size[size][lang] = _mean_cell(own)
    # Replicates of all languages together, pooled over sizes: those of the same source text share
    # the teacher and count once.
    joint, _ = pooled(centred_mean(list(by_size[size].values())) for size in sizes)
    degrees = (len({key for cell in differences.values() for key in cell.values}) - 1) * len(
        {n_source for n_source, _ in sizes}
    )
    result = []
    for size, cells in by_size.items():
        if not cells:
            continue
        place = dict(zip(("n_source", "n_target"), size or (None, None), strict=True))
        variance, own_degrees = pooled(cells.values())
        for lang, cell in cells.items():
            own_variance = None if variance is None else variance / len(cell.values)
            low, high = limits(cell.mean, [(own_variance, own_degrees)])
            entry = {"lang": lang, **place, "difference": cell.mean, "low": low, "high": high}
            result.append({**entry, "n": counts[size, lang]})
        shared = (joint, degrees) if size else pooled([centred_mean(list(cells.values()))])
        total = sum(counts[size, lang] for lang in cells)
        result.append({"lang": ALL, **place, **_over_languages(cells, *shared), "n": total})
    return result


def _mean_cell(cells: Sequence[Replicates]) -> Replicates:
    """RETURNS (Replicates): The mean over sizes of each replicate, though some cells lack it."""
    if len(cells) == 1:
        return cells[0]
    mean = sum(cell.mean for cell in cells) / len(cells)
    return Replicates({key: off + mean for key, off in centred_mean(cells).values.items()})


def _over_languages(cells: Dict[str, Replicates], joint: Optional[float], joint_degrees: int) -> Json:
    """The mean over languages. Its variance is that between languages plus that of the replicates of
    all languages together, less what both hold (the two-way analysis of variance of crossed random
    effects), and at least the larger of them.

    joint (Optional[float]): Variance of a replicate's mean over languages.
    """
    centres = [cell.mean for cell in cells.values()]
    mean = sum(centres) / len(centres)
    n = min(len(cell.values) for cell in cells.values())
    result = {"difference": mean, "languages": sorted(cells)}
    if len(centres) == 1:
        variance, degrees = pooled(cells.values())
        parts = [(None if variance is None else variance / n, degrees)]
        return {**result, **dict(zip(("low", "high"), limits(mean, parts), strict=True))}
    between = variance_of(centres) / len(centres)
    if joint is None:
        low, high = limits(mean, [(between, len(centres) - 1)])
        return {**result, "low": low, "high": high}
    shared = joint / n
    off = centred_mean(list(cells.values())).values
    rests = [
        Replicates({key: value - cell.mean - off[key] for key, value in cell.values.items()}) for cell in cells.values()
    ]
    rest, _ = pooled(rests)
    # One language's share of the degrees of freedom went into the replicates' means.
    both = (rest or 0.0) / (len(cells) - 1) / n
    total = max(between, shared, between + shared - both)
    scale = total / (between + shared) if between + shared > 0 else 1.0
    low, high = limits(mean, [(between * scale, len(centres) - 1), (shared * scale, joint_degrees)])
    return {**result, "low": low, "high": high}


def pair(left: Sequence[Row], right: Sequence[Row], key: Callable[[Row], Tuple]) -> List[Tuple[Row, Row]]:
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


COEFFICIENTS = ("source", "target", "source_minus_target", "interaction")


def tenfolds(rows: Sequence[Row]) -> List[Json]:
    """Mean gain for a tenfold, without the surface: least squares of F1 on the logarithms of both
    sizes and on their product, for each language and replicate alone.

    RETURNS (List[Json]): `arm`, `design`, `coefficient` ("source", "target": F1 for a tenfold of
        either at the middle of the grid; "source_minus_target": their difference; "interaction": how much more a tenfold of one gains when
        the other is tenfold), `lang`, `difference`, `low`, `high`, `n`.
    """
    kept = primary(rows)
    result = []
    for arm in ARMS:
        for design in sorted({row.design for row in kept if row.arm == arm}):
            own = [row for row in kept if row.arm == arm and row.design == design]
            for name, found in _coefficients(own).items():
                for entry in summarise(found):
                    if entry["n_source"] is not None:
                        del entry["n_source"], entry["n_target"]
                        result.append({"arm": arm, "design": design, "coefficient": name, **entry})
    return result


def _coefficients(rows: Sequence[Row]) -> Dict[str, Differences]:
    sizes = {(row.n_source, row.n_target) for row in rows}
    # In the middle of the whole grid, so that a missing cell does not move it.
    logs = np.log10(np.maximum(np.array(sorted(sizes), dtype=np.float64), 1.0))
    middle = (logs.min(axis=0) + logs.max(axis=0)) / 2
    used = [at for at in (0, 1) if len(set(logs[:, at])) > 1]
    names = list(COEFFICIENTS) if len(used) == 2 else [COEFFICIENTS[at] for at in used]
    curves: Dict[Tuple[str, int, int], List[Row]] = defaultdict(list)
    for row in rows:
        curves[row.lang, row.seed, row.draw].append(row)
    result: Dict[str, Differences] = {name: defaultdict(Replicates) for name in names}
    for (lang, seed, draw), own in curves.items():
        features = np.array([(row.n_source, row.n_target) for row in own], dtype=np.float64)
        features = (np.log10(np.maximum(features, 1.0)) - middle)[:, used]
        columns = [np.ones((len(own), 1)), features]
        if len(used) == 2:
            columns.append(features.prod(axis=1, keepdims=True))
        design = np.hstack(columns)
        if len(own) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        solved = np.linalg.lstsq(design, np.array([row.f1 for row in own]), rcond=None)[0]
        values = solved[1:].tolist()
        if len(used) == 2:
            values.insert(2, values[0] - values[1])
        for name, value in zip(names, values, strict=True):
            result[name][lang, (0, 0)].values[seed, draw] = float(value)
    return {name: dict(found) for name, found in result.items()}
