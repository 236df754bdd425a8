"""How often the 95% intervals of the ratio study hold the truth, on rows drawn from a known surface.

python -m benchmarks study_intervals --out intervals.json
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from tiny.study_rows import CEILING, LANGUAGES, SOURCES, TARGETS, factors, make_rows, surface
from xner_spacy.study.analysis.comparisons import contrasts, tenfolds
from xner_spacy.study.analysis.divisions import POINTS, sizes_of
from xner_spacy.study.analysis.intervals import frame_of, means
from xner_spacy.study.analysis.ratios import best_ratios
from xner_spacy.study.analysis.spread import by_size, robustness, trend, variance_components
from xner_spacy.study.analysis.surface import Surface
from xner_spacy.types import Json

# Name, number of languages, standard deviation of how much of the loss a language has.
SETTINGS = (
    ("6 languages alike", 6, 0.0),
    ("6 languages that differ", 6, 0.15),
    ("3 languages that differ", 3, 0.15),
)
# As in the first edition of the study: 3.5 points from run to run, 1.5 of the mean over six languages, and 1.0 for the
# test sentences.
NOISE = {"sd_seed": 0.025, "sd_draw": 0.02, "sd_rest": 0.01}
TEACHER, TEST, GAIN = 0.01, 0.01, 0.01
SIZES = ((320, 100), (1000, 1000), (10000, 3200))
Check = Tuple[str, float, float, float]


def checks(languages: Sequence[str], differ: float, seed: int, samples: int) -> List[Check]:
    """RETURNS (List[Check]): Name, limits and truth of every interval of one drawn study."""
    shared = {"sd_teacher": TEACHER, "sd_language": differ, "sd_test": TEST, "seed": seed, **NOISE}
    rows = make_rows(languages, ("hard", "soft"), gains={"soft": GAIN}, **shared)
    rows = frame_of(rows)
    soft = rows[rows["arm"] == "soft"]
    factor = factors(languages, differ, seed)

    def truth(n_source: int, n_target: int, lang: str) -> float:
        codes = languages if lang == "all" else [lang]
        values = [CEILING[c] + GAIN - factor[c] * surface(n_source, n_target) for c in codes]
        return float(np.mean(values))

    found: List[Check] = []
    for entry in means(soft).query("quantity == 'f1'").to_dict("records"):
        name = f"mean of {'all languages' if entry['lang'] == 'all' else 'one language'}"
        value = truth(entry["n_source"], entry["n_target"], entry["lang"])
        found.append((name, entry["low"], entry["high"], value))
    for entry in contrasts(rows).query("a == 'soft' and b == 'hard' and lang == 'all'").to_dict("records"):
        name = "soft - hard, " + ("one size" if entry["n_source"] else "all sizes")
        found.append((name, entry["low"], entry["high"], GAIN))
    plane = frame_of(make_rows(LANGUAGES[:1], ("soft",), replicates=1, **dict.fromkeys(NOISE, 0.0)))
    exact = {e["coefficient"]: e["value"] for e in tenfolds(plane).query("lang == 'all'").to_dict("records")}
    for entry in tenfolds(soft).query("lang == 'all'").to_dict("records"):
        name = f"tenfold, {entry['coefficient'].replace('_', ' ')}"
        found.append((name, entry["low"], entry["high"], exact[entry["coefficient"]]))
    found += _of_surface(Surface(soft, samples, seed), truth)
    spread = float(np.sqrt(sum(sd**2 for sd in (*NOISE.values(), TEACHER))))
    entry = robustness(soft).to_dict("records")[0]
    found.append(("standard deviation", entry["low"], entry["high"], spread))
    for name, part in trend(by_size(soft))[0].items():
        found.append((f"its factor for a tenfold {name}", part["low"], part["high"], 1.0))
    crossed = make_rows(
        languages, ("soft",), block="variance", crossed=True, sources=(1000,), targets=(320, 3200),
        **{**shared, "sd_teacher": 0.0},
    )  # fmt: skip
    parts = variance_components(frame_of(crossed))[0].set_index("component")
    for name in ("seed", "draw"):
        found.append((f"component {name}", *parts.loc[name, ["low", "high"]], NOISE[f"sd_{name}"]))
    return found


def _of_surface(found: Surface, truth) -> List[Check]:  # type: ignore[no-untyped-def]
    result: List[Check] = []
    for n_source, n_target in SIZES:
        level = found.level(found.f1(n_source, n_target))
        result.append(("fitted F1", level["low"], level["high"], truth(n_source, n_target, "all")))
        for name, more in (("source", (1000, 0)), ("target", (0, 1000))):
            other = (n_source + more[0], n_target + more[1])
            if other[0] > SOURCES[-1] or other[1] > TARGETS[-1]:
                continue
            rate = found.estimate(found.shape.height(*other) - found.shape.height(n_source, n_target))
            gain = surface(n_source, n_target) - surface(*other)
            result.append((f"1,000 more {name} sentences", rate["low"], rate["high"], gain))
    for best in best_ratios(found):
        ratios = np.geomspace(best["least"], best["most"], POINTS)
        losses = np.array([surface(*sizes_of(best["total"], ratio)) for ratio in ratios])
        # Ratios are searched in steps, and one of them is not counted as a miss.
        step = float(np.log10(ratios[1] / ratios[0]))
        low, high = np.log10(best["low"]) - step, np.log10(best["high"]) + step
        result.append(("best ratio (log10)", low, high, float(np.log10(ratios[losses.argmin()]))))
        gain = best["gain"]
        result.append(("gain over the worst ratio", gain["low"], gain["high"], float(np.ptp(losses))))
    return result


def measure(runs: int, samples: int) -> List[Json]:
    """RETURNS (List[Json]): For each kind of interval and setting, `coverage`, `width` and `n`."""
    table: Dict[str, Json] = {}
    for setting, count, differ in SETTINGS:
        hits: Dict[str, List[Tuple[bool, float]]] = defaultdict(list)
        for seed in tqdm(range(runs), desc=setting):
            for name, low, high, value in checks(LANGUAGES[:count], differ, seed, samples):
                if low == low and high == high:
                    hits[name].append((low <= value <= high, high - low))
        for name, pairs in hits.items():
            row = table.setdefault(name, {"interval": name})
            row[setting] = {
                "coverage": float(np.mean([hit for hit, _ in pairs])),
                "width": float(np.mean([width for _, width in pairs])),
                "n": len(pairs),
            }
    return list(table.values())


def markdown(table: Sequence[Json]) -> str:
    """RETURNS (str): Coverage in percent, and mean width in brackets."""
    names = [name for name, _, _ in SETTINGS]
    lines = [f"| interval | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row in table:
        cells = []
        for name in names:
            cell = row.get(name)
            cells.append(f"{cell['coverage']:.0%} ({cell['width']:.3f})" if cell else "")
        lines.append(f"| {row['interval']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="drawn studies of each setting")
    parser.add_argument("--samples", type=int, default=300, help="bootstrap samples of each fit")
    parser.add_argument("--out", type=Path, help="write JSON here")
    args = parser.parse_args(argv)
    table = measure(args.runs, args.samples)
    if args.out:
        args.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf8")
    print(markdown(table))
