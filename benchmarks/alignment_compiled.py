"""The embedded aligner with its compiled part and without it: seconds, and whether links and scores are the same.

Each measurement is a process of its own, in turns. Run from `benchmarks.alignment`.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from xner_spacy import native
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.types import Alignment

from .alignment_cost import bitext, memory_peak, processor_seconds

PATHS = ("compiled", "NumPy")
# Pairs of about 14 words a side that are aligned one by one.
ALONE, WORDS = 300, range(12, 17)


def _measure(task: Tuple[str, int, str]) -> Tuple[Dict[str, Any], List[Alignment]]:
    """RETURNS (Tuple): A row of the table, and the links of all pairs."""
    path, size, folder = task
    if path == "NumPy":
        native.LIBRARY = None
    elif native.LIBRARY is None:
        raise SystemExit("This installation has no compiled part: `xner info` says so. Install with a C compiler.")
    aligner = LexicalAligner()
    before = processor_seconds()
    aligner.train(bitext(Path(folder), size))
    trained = processor_seconds() - before
    peak = memory_peak() / 2**20
    pairs = list(bitext(Path(folder), size))
    alone = [pair for pair in pairs if all(len(side) in WORDS for side in pair)][:ALONE]
    before = processor_seconds()
    for pair in alone:
        next(aligner([pair]))
    one = (processor_seconds() - before) / max(len(alone), 1)
    row = {"path": path, "pairs": size, "train_cpu_seconds": round(trained, 2), "one_pair_ms": round(1000 * one, 2)}
    return {**row, "peak_gib": round(peak, 2)}, list(aligner(pairs))


def run(data: Path, size: int = 45_000, rounds: int = 2) -> Dict[str, Any]:
    """Train and align with both, in turns.

    data (Path): The folder of the data sets. size (int): Pairs. rounds (int): How often each runs.
    RETURNS (Dict[str, Any]): `rows`, one per run; how many `links` both give; the pairs with `other_links`; and the
        largest difference of a score in the others.
    """
    rows: List[Dict[str, Any]] = []
    alignments: Dict[str, List[Alignment]] = {}
    for path in PATHS * rounds:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            row, alignments[path] = pool.submit(_measure, (path, size, str(data / "bitext/en-de"))).result()
        rows.append(row)
    others, largest = 0, 0.0
    for one, other in zip(*alignments.values(), strict=True):
        if np.array_equal(one.links, other.links):
            largest = max([largest, *np.abs(one.scores - other.scores).tolist()])
        else:
            others += 1
    links = sum(len(alignment.links) for alignment in alignments["compiled"])
    return {"rows": rows, "links": links, "other_links": others, "largest_difference": largest}


def to_markdown(result: Dict[str, Any]) -> str:
    """RETURNS (str): The table, and what the links say."""
    lines = ["| path | pairs | training, CPU s | one pair, CPU ms | peak GiB |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['path']} | {r['pairs']:,} | {r['train_cpu_seconds']} | {r['one_pair_ms']} | {r['peak_gib']} |"
        for r in result["rows"]
    ]
    lines += [
        "",
        f"{result['links']:,} links; pairs with other links: {result['other_links']:,}; largest difference of a score "
        f"in the others: {result['largest_difference']:.1g}.",
    ]
    return "\n".join(lines)
