"""What corrected sentences buy: tables, a picture and a sentence from the rows of `python -m benchmarks corrections`.

    python -m benchmarks corrections_report docs/corrections/rows.jsonl --out results/corrections

Languages are the units: of each language the mean over its seeds counts once, and intervals are those of Student's t
over the languages, for languages like these. How much projected text a gain is worth comes from the students of a part of it
(`--parts`): F1 against the logarithm of the number of sentences, a line for each language; its interval is a bootstrap
over languages.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.corrections import ALONE, PROJECTED
from benchmarks.mean_interval import estimate
from xner_spacy.cli.output import table
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.report.charts import lines, points, render, svg_of

RANDOM = "random"
AT = 100  # corrected sentences at which gains are stated
SAMPLES = 10_000
# What is written for a factor that no finite amount of projected text reaches.
MOST = 1000.0

Row = Dict[str, Any]
Values = npt.NDArray[np.float64]


class Worth(NamedTuple):
    """What a gain is worth: so many times the projected text, with its 95% interval; the mean number of sentences of
    all of it.
    """

    factor: float
    low: float
    high: float
    sentences: float


class Curves:
    """F1 (0 to 100) by what was learned from.

    rows (Iterable[Dict[str, Any]]): The students. copies (Optional[int]): Only those with so many copies of a corrected
        sentence.
    """

    def __init__(self, rows: Iterable[Row], copies: Optional[int] = None) -> None:
        f1: Dict[Tuple[str, str, int], Dict[int, float]] = defaultdict(dict)
        self._projected: Dict[str, int] = {}  # sentences of each language
        for row in rows:
            if copies is None or row["copies"] == copies or not row["size"] or row["queue"] in (ALONE, PROJECTED):
                f1[row["lang"], row["queue"], row["size"]][row["seed"]] = 100 * row["f1"]
                if not row["size"]:
                    self._projected[row["lang"]] = row["projected"]
        self.seeds = {key: len(by_seed) for key, by_seed in f1.items()}
        self.f1 = {key: float(np.mean(list(by_seed.values()))) for key, by_seed in f1.items()}
        self.languages = sorted({lang for lang, *_ in self.f1})
        self.queues = sorted({queue for _, queue, _ in self.f1} - {ALONE, PROJECTED})
        self.sizes = sorted({size for _, queue, size in self.f1 if queue != PROJECTED})

    def gains(self, one: Tuple[str, int], other: Tuple[str, int]) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By language, F1 of one queue and size minus F1 of another, if both are there."""
        pairs = {lang: (self.f1.get((lang, *one)), self.f1.get((lang, *other))) for lang in self.languages}
        return {lang: f1[0] - f1[1] for lang, f1 in pairs.items() if f1[0] is not None and f1[1] is not None}

    def slopes(self) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By language, what twice the projected text brings."""
        slopes = {}
        for lang in self.languages:
            parts = {size: f1 for (its, queue, size), f1 in self.f1.items() if its == lang and queue == PROJECTED}
            if parts and (lang, RANDOM, 0) in self.f1:
                parts[self._projected[lang]] = self.f1[lang, RANDOM, 0]
                slopes[lang] = float(np.polyfit(np.log2(list(parts)), list(parts.values()), 1)[0])
        return slopes

    def worth(self, queue: str, seed: int = 0) -> Optional[Worth]:
        """RETURNS (Optional[Worth]): How much projected text brings as much as `AT` corrected sentences do; None without
        the students that it takes.
        """
        gains, slopes = self.gains((queue, AT), (RANDOM, 0)), self.slopes()
        languages = sorted(set(gains) & set(slopes))
        if len(languages) < 2:
            return None
        both = np.array([[gains[lang], slopes[lang]] for lang in languages])
        drawn = np.random.default_rng(seed).integers(0, len(both), (SAMPLES, len(both)))
        low, high = np.percentile(_factor(both[drawn].mean(axis=1)), [2.5, 97.5])
        sentences = float(np.mean([self._projected[lang] for lang in languages]))
        return Worth(float(_factor(both.mean(axis=0)[None])[0]), float(low), float(high), sentences)


def _factor(gain_and_slope: Values) -> Values:
    """RETURNS (Values): By how much the projected text must grow for a gain, with a slope for each doubling: (n, 2) to
    (n,).
    """
    gain, slope = gain_and_slope.T
    doublings = np.where(slope > 0, gain / np.where(slope > 0, slope, 1.0), np.where(gain > 0, np.inf, 0.0))
    return np.minimum(2.0 ** np.minimum(doublings, 60.0), MOST)


def curve_table(curves: Curves) -> str:
    """RETURNS (str): F1 after so many corrected sentences: a row for each language and queue."""
    rows = []
    for lang in curves.languages:
        for queue in [*curves.queues, ALONE]:
            cells = [curves.f1.get((lang, queue, size)) for size in curves.sizes]
            if queue != RANDOM and 0 in curves.sizes:
                cells[curves.sizes.index(0)] = None
            if any(cell is not None for cell in cells):
                seeds = max(n for (its, name, _), n in curves.seeds.items() if (its, name) == (lang, queue))
                rows.append([lang, queue, seeds, *("" if cell is None else f"{cell:.1f}" for cell in cells)])
    return table(["language", "corrected first", "seeds", *map(str, curves.sizes)], rows)


def gain_table(curves: Curves) -> str:
    """RETURNS (str): What corrected sentences bring, mean over languages: a row a comparison, a column a size."""
    sizes = [size for size in curves.sizes if size]
    # What is subtracted: another queue at the same size, or where nothing was corrected.
    comparisons: List[Tuple[str, str, str, Optional[int]]] = [
        *((f"{queue} − projection alone", queue, RANDOM, 0) for queue in curves.queues),
        *((f"{queue} − gold alone", queue, ALONE, None) for queue in curves.queues),
        *((f"{queue} − random", queue, RANDOM, None) for queue in curves.queues if queue != RANDOM),
    ]
    rows = []
    for name, queue, other, other_size in comparisons:
        gains = [curves.gains((queue, size), (other, size if other_size is None else other_size)) for size in sizes]
        if any(gains):
            rows.append([name, *(str(estimate(list(gain.values()))) if gain else "" for gain in gains)])
    return table(["difference of F1", *map(str, sizes)], rows)


def sentence(curves: Curves, queue: str) -> str:
    """RETURNS (str): What a hundred corrected sentences are worth in projected ones."""
    worth = curves.worth(queue)
    if worth is None:
        return ""

    def more(factor: float) -> str:
        return f"{(factor - 1) * worth.sentences:,.0f}" if factor < MOST else "more than can be said"

    return (
        f"A hundred corrected sentences ({queue}) bring as much as {more(worth.factor)} more projected ones "
        f"({more(worth.low)} to {more(worth.high)}, for languages like these), beside {worth.sentences:,.0f} that are "
        f"there: {worth.factor:.1f} times the text."
    )


def draw(curves: Curves) -> str:
    """RETURNS (str): The curves as SVG: a panel for each language. Projection alone stands at the smallest size."""
    sizes = [size for size in curves.sizes if size]
    data = []
    for lang in curves.languages:
        for queue in [*curves.queues, ALONE]:
            data += [
                {"panel": lang, "label": queue, "size": size, "value": curves.f1[lang, queue, size] / 100}
                for size in sizes
                if (lang, queue, size) in curves.f1
            ]
        if (lang, RANDOM, 0) in curves.f1:
            value = curves.f1[lang, RANDOM, 0] / 100
            data += [{"panel": lang, "label": "projection alone", "size": size, "value": value} for size in sizes]
    frame = pd.DataFrame(data)
    frame = points(frame.assign(low=frame["value"], high=frame["value"]))
    chart = lines(frame, "size", ("corrected sentences", "F1"), colours="s")
    return svg_of(chart, render(chart), "What corrected sentences buy") + "\n"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Tables, a picture and a sentence of what corrected sentences buy.")
    parser.add_argument("rows", type=Path, nargs="+")
    parser.add_argument("--copies", type=int, help="only students with so many copies of a corrected sentence")
    parser.add_argument("--out", type=Path, required=True, help="folder for corrections.md and corrections.svg")
    args = parser.parse_args(argv)
    rows = [json.loads(line) for path in args.rows for line in path.read_text(encoding="utf8").splitlines()]
    curves = Curves(rows, args.copies)
    parts: List[str] = [curve_table(curves), gain_table(curves), *(sentence(curves, queue) for queue in curves.queues)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    for name, content in (("corrections.md", text), ("corrections.svg", draw(curves))):
        with atomic_write(args.out / name) as file:
            file.write(content)
    print(text)


if __name__ == "__main__":
    main()
