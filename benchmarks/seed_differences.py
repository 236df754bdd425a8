"""Differences between recipes with seeds as units, from the figures that `student_grid` wrote.

    python -m benchmarks seed_differences docs/students/grid.json --pairs soft-hard,multi_soft-soft

Each seed gives one difference of F1; the interval is that of Student's t over the seeds that both recipes have. Sentences
as units (the intervals of the grid) say whether these trained models differ on text like this; seeds as units say whether
training again would show it. All students of a recipe have one teacher, so neither says what another teacher would do.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from benchmarks.mean_interval import estimate
from xner_spacy.cli.output import table
from xner_spacy.corpora.reading import read_json


def difference(one: Dict[str, Any], other: Dict[str, Any]) -> List[str]:
    """RETURNS (List[str]): Seeds, mean difference and 95% interval, in points of F1."""
    both = sorted(set(one["seeds"]) & set(other["seeds"]))
    f1 = [{seed: 100 * value for seed, value in zip(row["seeds"], row["f1"], strict=True)} for row in (one, other)]
    difference = estimate([f1[0][seed] - f1[1][seed] for seed in both])
    return [str(len(both)), f"{difference.mean:+.1f}", difference.interval]


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Differences between recipes, with seeds as units.")
    parser.add_argument("grid", type=Path)
    parser.add_argument("--pairs", default="soft-hard,multi_soft-soft", help="ONE-OTHER, with commas")
    args = parser.parse_args(argv)
    grid = read_json(args.grid, Dict[str, Any])
    rows = []
    for pair in args.pairs.split(","):
        one, other = pair.split("-")
        for lang, figures in grid.items():
            rows.append([f"{one} minus {other}", lang, *difference(figures["recipes"][one], figures["recipes"][other])])
    print(table(["difference", "language", "seeds", "F1", "95% interval"], rows))


if __name__ == "__main__":
    main()
