"""How much F1 varies from run to run and from language to language."""

from collections import defaultdict
from typing import Dict, List, Optional, Sequence, Tuple

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
            rest = [
                cell
                for (lang, size), cell in cells.items()
                if (lang if at == 0 else size[0]) != group
            ]
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
    low, high = (
        float(np.sqrt(variance * degrees / stats.chi2.ppf(q, degrees))) for q in (0.975, 0.025)
    )
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


def sd_trend(rows: Sequence[Row], arm: str, design: str = "steps") -> Json:
    """How the standard deviation over replicates changes with the sizes: a gamma regression with log
    link of the cells' variances on the logarithms of the sizes.

    RETURNS (Json): `source`, `target` and `ratio` (at a fixed product of the two): the factor on
        the standard deviation for a tenfold, with `low` and `high`; `reason` where there is none.
        RAISES: MissingExtraError without statsmodels.
    """
    empty: Json = dict.fromkeys(("source", "target", "ratio"))
    cells = cells_of(primary(rows), arm, design)
    spread = [(size, *cell.spread()) for (_, size), cell in cells.items()]
    spread = [(size, variance, df) for size, variance, df in spread if df]
    sources = {size[0] for size, _, _ in spread}
    targets = {size[1] for size, _, _ in spread}
    if len(spread) < 8 or len(sources) < 2:
        return {**empty, "reason": "too few cells with replicates"}
    if max(variance for _, variance, _ in spread) < 1e-8:
        return {**empty, "reason": "no spread over replicates"}
    try:
        import statsmodels.api as sm
    except ImportError:
        raise MissingExtraError("the study's regression of variances", "report") from None
    columns = [np.ones(len(spread)), np.log10([size[0] for size, _, _ in spread])]
    if len(targets) > 1:
        columns.append(np.log10([size[1] for size, _, _ in spread]))
    model = sm.GLM(
        np.maximum([variance for _, variance, _ in spread], 1e-8),
        np.column_stack(columns),
        family=sm.families.Gamma(sm.families.links.Log()),
        var_weights=np.array([df for _, _, df in spread], dtype=np.float64),
    )
    fit = model.fit(scale="X2")
    contrasts = {"source": [0.0, 1.0, 0.0], "target": [0.0, 0.0, 1.0], "ratio": [0.0, 0.5, -0.5]}
    result = dict(empty)
    for name, weights in contrasts.items():
        if len(targets) < 2 and name != "source":
            continue
        test = fit.t_test(np.array(weights[: len(columns)]))
        low, high = test.conf_int()[0]
        # Half: from variance to standard deviation.
        result[name] = {
            "value": float(np.exp(test.effect[0] / 2)),
            "low": float(np.exp(low / 2)),
            "high": float(np.exp(high / 2)),
        }
    return {**result, "reason": ""}
