"""What corrected sentences buy: tables, a picture and a sentence from the rows of `python -m benchmarks corrections`.

    python -m benchmarks corrections_report docs/corrections/rows.jsonl docs/corrections/sizes.jsonl \
        --out results/corrections

Each file is of one project a language, whose students are compared among themselves alone: a replicate is a file and a
seed. Languages are the units: of each language the mean over its replicates counts once, and intervals are those of Student's t
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
from xner_spacy.errors import XnerError
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

    rows (Iterable[Dict[str, Any]]): The students; `file` is the number of the file that they are from, 0 if it is not
        there. copies (Optional[int]): Only those with so many copies of a corrected
        sentence.
    RAISES: XnerError if a student is there twice.
    """

    def __init__(self, rows: Iterable[Row], copies: Optional[int] = None) -> None:
        self.replicates: Dict[Tuple[str, str, int], Dict[Tuple[int, int], float]] = defaultdict(dict)
        self._projected: Dict[str, int] = {}  # sentences of each language
        for row in rows:
            if copies is None or row["copies"] == copies or not row["size"] or row["queue"] in (ALONE, PROJECTED):
                by_replicate = self.replicates[row["lang"], row["queue"], row["size"]]
                replicate = (row.get("file", 0), row["seed"])
                if replicate in by_replicate:
                    student = f"{row['lang']}, {row['queue']}, {row['size']} sentences, seed {row['seed']}"
                    raise XnerError(f"A student is there twice: {student}.", "Take one of them out, or give --copies.")
                by_replicate[replicate] = 100 * row["f1"]
                if not row["size"]:
                    self._projected[row["lang"]] = row["projected"]
        self.f1 = {key: float(np.mean(list(f1.values()))) for key, f1 in self.replicates.items()}
        self.languages = sorted({lang for lang, *_ in self.f1})
        self.queues = sorted({queue for _, queue, _ in self.f1} - {ALONE, PROJECTED})
        self.sizes = sorted({size for _, queue, size in self.f1 if queue != PROJECTED})

    def gains(self, one: Tuple[str, int], other: Tuple[str, int]) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By language, F1 of one queue and size minus F1 of another: the mean over the
        replicates that have both.
        """
        gains = {}
        for lang in self.languages:
            f1, other_f1 = (self.replicates.get((lang, *key), {}) for key in (one, other))
            both = [f1[replicate] - other_f1[replicate] for replicate in f1 if replicate in other_f1]
            if both:
                gains[lang] = float(np.mean(both))
        return gains

    def slopes(self) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): By language, what twice the projected text brings, from the replicates that have all
        parts of it.
        """
        slopes = {}
        for lang in self.languages:
            parts = {
                size: f1 for (its, queue, size), f1 in self.replicates.items() if its == lang and queue == PROJECTED
            }
            parts[self._projected.get(lang, 0)] = self.replicates.get((lang, RANDOM, 0), {})
            common = set.intersection(*(set(f1) for f1 in parts.values()))
            if len(parts) > 1 and common:
                means = [np.mean([f1[replicate] for replicate in common]) for f1 in parts.values()]
                slopes[lang] = float(np.polyfit(np.log2(list(parts)), means, 1)[0])
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
                rows.append([lang, queue, *("" if cell is None else f"{cell:.1f}" for cell in cells)])
    return table(["language", "corrected first", *map(str, curves.sizes)], rows)


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
    rows = [
        {**json.loads(line), "file": number}
        for number, path in enumerate(args.rows)
        for line in path.read_text(encoding="utf8").splitlines()
    ]
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
