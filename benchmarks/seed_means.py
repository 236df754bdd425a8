"""Several seeds of the recipe: the mean F1 of each system over the runs of a language, and each run's own.

    M=projects/masakhane
    python -m benchmarks seed_means lug=$M/lug,$M/lug-seed1,$M/lug-seed2 --out docs/recipe

Each run is a folder of `projects/masakhane` (`--vars.run lug-seed1 --vars.seed 1`) or of `xner new`. Every run has English
pipelines, a teacher and a student of its own, so that the spread is that of the whole recipe on one text. `seeds.json`
keeps what the table was made from.
"""

import argparse
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, List, Optional, Sequence

from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.reading import read_json
from xner_spacy.corpora.writing import write_json
from xner_spacy.recipe.evaluation import SYSTEMS
from xner_spacy.types import Json


def read_runs(runs: Sequence[Path]) -> Dict[str, List[Json]]:
    """RETURNS (Dict[str, List[Json]]): By system, the scores of each run that has it. RAISES: SystemExit without any."""
    scores: Dict[str, List[Json]] = {}
    for run in runs:
        for system in SYSTEMS:
            path = run / "metrics" / "best" / f"{system}.json"
            if path.exists():
                scores.setdefault(system, []).append({"run": run.name, **read_json(path, Dict[str, Any])})
    if not scores:
        raise SystemExit(f"No scores in {', '.join(map(str, runs))}: run `spacy project run all` there.")
    return scores


def report(scores: Dict[str, Dict[str, List[Json]]]) -> str:
    """RETURNS (str): A row for each language and system, in Markdown."""
    rows = []
    for lang, by_system in scores.items():
        for system, runs in by_system.items():
            f1 = [100 * run["f1"] for run in runs]
            spread = f"{stdev(f1):.1f}" if len(f1) > 1 else ""
            row = [lang, system.replace("-", " "), f"{mean(f1):.1f}", spread, ", ".join(f"{one:.1f}" for one in f1)]
            rows.append([*row, *(percent(mean(run[name] for run in runs)) for name in ("precision", "recall"))])
    return table(["language", "", "mean F1", "deviation", "each seed", "mean P", "mean R"], rows)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Means of the recipe over seeds.")
    parser.add_argument("runs", nargs="+", metavar="LANG=FOLDER,FOLDER", help="the runs of a language")
    parser.add_argument("--out", type=Path, help="a folder for seeds.json")
    args = parser.parse_args(argv)
    scores = {}
    for argument in args.runs:
        lang, _, folders = argument.partition("=")
        scores[lang] = read_runs([Path(folder) for folder in folders.split(",")])
    print(report(scores))
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_json(args.out / "seeds.json", scores)


if __name__ == "__main__":
    main()
