"""How much F1 varies from run to run and from language to language."""

from collections import defaultdict
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from scipy import stats

from ..errors import MissingExtraError
from ..types import Json
from .rows import ARMS, Row
from .statistics import Replicates, pooled, primary

Cells = Dict[Tuple[str, Tuple[int, int]], Replicates]


def cells_of(rows: Sequence[Row], arm: str, design: str) -> Cells:
    """RETURNS (Cells): The replicates of every language and size."""
    cells: Cells = defaultdict(Replicates)
    for row in rows:
        if row.arm == arm and row.design == design and row.f1 is not None:
            cell = cells[row.lang, (row.n_source, row.n_target)]
            cell.values[row.seed, row.draw] = row.f1
    return dict(cells)


def robustness(rows: Sequence[Row]) -> List[Json]:
    """Standard deviation over replicates, pooled over languages and sizes, and the worst language.

    RETURNS (List[Json]): See `analyse`; the slopes are added from the surface.
    """
    kept = primary(rows)
    result = []
    for arm in ARMS:
        for design in sorted({row.design for row in kept if row.arm == arm}):
            cells = cells_of(kept, arm, design)
            variance, _ = pooled(cells.values())
            low, high = _widest(cells)
            centre = _by_language(cells)
            worst = min(centre, key=lambda lang: (centre[lang], lang))
            result.append(
                {
                    "arm": arm,
                    "design": design,
                    "languages": sorted(centre),
                    "sd": None if variance is None else float(np.sqrt(variance)),
                    "sd_low": low,
                    "sd_high": high,
                    "worst_language": worst,
                    "worst_f1": centre[worst],
                    "worst_gap": float(np.mean(list(centre.values()))) - centre[worst],
                }
            )
    return result


def _by_language(cells: Cells) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The mean over the sizes that every language has, or over all sizes
    where there are none."""
    languages = {lang for lang, _ in cells}
    sizes = {size for _, size in cells}
    common = {size for size in sizes if all((lang, size) in cells for lang in languages)} or sizes
    return {
        lang: float(np.mean([cells[lang, s].mean for s in sorted(common) if (lang, s) in cells]))
        for lang in sorted(languages)
    }


def _widest(cells: Cells) -> Tuple[Optional[float], Optional[float]]:
    """The widest of three 95% intervals of the pooled standard deviation: chi-square, which takes
    cells as independent, and the jackknife over languages and over numbers of source sentences,
    whose cells share draws and teachers.

    RETURNS (Tuple[Optional[float], Optional[float]]): The limits; None without replicates.
    """
    variance, degrees = pooled(cells.values())
    found = [_limits(variance, degrees)]
    if variance is None or variance <= 0:
        return found[0]
    for at in (0, 1):
        groups = sorted({lang if at == 0 else size[0] for lang, size in cells}, key=str)
        left_out = []
        for group in groups:
            rest = [cell for (lang, size), cell in cells.items() if (lang if at == 0 else size[0]) != group]
            left_out.append(pooled(rest)[0])
        logs = np.log([v for v in left_out if v is not None and v > 0])
        n = len(logs)
        if n == len(groups) and n > 2:
            error = float(np.sqrt((n - 1) / n * ((logs - logs.mean()) ** 2).sum()))
            half = float(stats.t.ppf(0.975, n - 1)) * error / 2
            sd = float(np.sqrt(variance))
            found.append((sd * float(np.exp(-half)), sd * float(np.exp(half))))
    return max(found, key=lambda limits: (limits[1] or 0.0) - (limits[0] or 0.0))


def _limits(variance: Optional[float], degrees: int) -> Tuple[Optional[float], Optional[float]]:
    if variance is None:
        return None, None
    low, high = (float(np.sqrt(variance * degrees / stats.chi2.ppf(q, degrees))) for q in (0.975, 0.025))
    return low, high


def sd_by(rows: Sequence[Row], design: str = "steps") -> List[Json]:
    """RETURNS (List[Json]): Standard deviation over replicates at each size, pooled over languages."""
    kept = primary(rows)
    result = []
    for arm in ARMS:
        by_size = defaultdict(list)
        for (_, size), cell in cells_of(kept, arm, design).items():
            by_size[size].append(cell)
        for (n_source, n_target), cells in sorted(by_size.items()):
            variance, degrees = pooled(cells)
            low, high = _limits(variance, degrees)
            result.append(
                {
                    "arm": arm,
                    "n_source": n_source,
                    "n_target": n_target,
                    "sd": None if variance is None else float(np.sqrt(variance)),
                    "low": low,
                    "high": high,
                    "n": sum(len(cell.values) for cell in cells),
                }
            )
    return result


# Of all variances together, for a regression of them.
LEAST_DEGREES = 8
# Size, variance pooled over languages, degrees of freedom.
Spread = List[Tuple[Tuple[int, int], float, int]]


def sd_trend(rows: Sequence[Row], arm: str, design: str = "steps") -> Json:
    """How the standard deviation over replicates changes with the sizes: a gamma regression with log
    link of the variances, pooled over languages, on the logarithms of the sizes. All cells of the
    same source text share their teachers, so that the limits of `source` are at least those of a
    straight line through one variance for each number of source sentences.

    RETURNS (Json): `source`, `target` and `ratio` (at a fixed product of the two): the factor on
        the standard deviation for a tenfold, with `low` and `high`; `reason` where there is none.
        RAISES: MissingExtraError without statsmodels.
    """
    empty: Json = dict.fromkeys(("source", "target", "ratio"))
    by_size: Dict[Tuple[int, int], List[Replicates]] = defaultdict(list)
    for (_, size), cell in cells_of(primary(rows), arm, design).items():
        by_size[size].append(cell)
    spread: Spread = []
    for size, cells in sorted(by_size.items()):
        variance, degrees = pooled(cells)
        if variance is not None:
            spread.append((size, variance, degrees))
    axes = [sorted({size[at] for size, _, _ in spread}) for at in (0, 1)]
    used = [at for at in (0, 1) if len(axes[at]) > 1]
    if not used or len(spread) < len(used) + 2 or sum(df for *_, df in spread) < LEAST_DEGREES:
        return {**empty, "reason": "too few sizes with replicates"}
    if max(variance for _, variance, _ in spread) < 1e-8:
        return {**empty, "reason": "no spread over replicates"}
    if np.ptp([variance for _, variance, _ in spread]) < 1e-9:
        return {**empty, "reason": "the same spread at every size"}
    fit = _regress(spread, used)
    result = dict(empty)
    slopes, halves = {}, {}
    for number, at in enumerate(used, start=1):
        test = fit.t_test(np.eye(len(used) + 1)[number])
        name = ("source", "target")[at]
        slopes[name] = float(test.effect[0])
        halves[name] = float(np.diff(test.conf_int()[0])[0]) / 2
    if 0 in used:
        halves["source"] = max(halves["source"], _between_sources(spread))
    if len(used) == 2:
        slopes["ratio"] = (slopes["source"] - slopes["target"]) / 2
        halves["ratio"] = float(np.hypot(halves["source"], halves["target"])) / 2
    for name, slope in slopes.items():
        # Half: from variance to standard deviation.
        ends = (slope, slope - halves[name], slope + halves[name])
        result[name] = dict(zip(("value", "low", "high"), (float(np.exp(x / 2)) for x in ends), strict=True))
    return {**result, "reason": ""}


def _between_sources(spread: Spread) -> float:
    """RETURNS (float): Half of the interval of the slope of one log variance for each number of source
    sentences; 0 for fewer than three."""
    sums: Dict[int, List[float]] = defaultdict(lambda: [0.0, 0.0])
    for size, variance, degrees in spread:
        sums[size[0]][0] += variance * degrees
        sums[size[0]][1] += degrees
    if len(sums) < 3:
        return 0.0
    sources = sorted(sums)
    logs = [float(np.log(max(sums[n][0] / sums[n][1], 1e-8))) for n in sources]
    line = stats.linregress(np.log10(sources), logs)
    return float(stats.t.ppf(0.975, len(sources) - 2) * line.stderr)


def _regress(spread: Spread, used: Sequence[int]) -> Any:
    try:
        import statsmodels.api as sm
    except ImportError:
        raise MissingExtraError("the study's regression of variances", "report") from None
    columns = [np.ones(len(spread))]
    columns += [np.log10([float(size[at]) for size, _, _ in spread]) for at in used]
    model = sm.GLM(
        np.maximum([variance for _, variance, _ in spread], 1e-8),
        np.column_stack(columns),
        family=sm.families.Gamma(sm.families.links.Log()),
        var_weights=np.array([df for _, _, df in spread], dtype=np.float64),
    )
    return model.fit(scale="X2", use_t=True)
