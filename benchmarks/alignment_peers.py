"""The embedded aligner and the fastest statistical aligners with wheels, trained on the same pairs in one run.

    python -m benchmarks alignment_peers --pairs 45000 --out results/

Processor time and peak memory of training and of aligning the pairs with gold links, each in a process of its own, and
the alignment error rate (AER) on these. All get words without case, as ours makes them itself: the text of some gold
links is lower-cased, and that of the bitext is not. The others are the extra [peers], for this comparison alone:
systran-align (fast_align in C++) and sil-thot (fast_align, HMM, IBM 1 to 4 and eflomal in C++, under the LGPL). What is
not installed or fails is left out, with the reason.
"""

import argparse
import importlib
import itertools
import json
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as OutOfTime
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.alignment.symmetrize import METHODS, symmetrize
from xner_spacy.evaluation.alignments import evaluate_links
from xner_spacy.text import comparable
from xner_spacy.types import Alignment

from .alignment import Pairs, gold_set
from .alignment_cost import memory_peak, processor_seconds

# Links by name of the symmetrisation; an aligner with only one names it "its own".
Links = Dict[str, List[Alignment]]
# Training rounds of each model of sil-thot, as its authors train them: a model starts from the one before it.
ROUNDS = 5
THOT_MODELS: Dict[str, Tuple[str, ...]] = {
    "fast_align": ("FastAlignModel",),
    "IBM 1": ("Ibm1AlignmentModel",),
    "IBM 2": ("Ibm1AlignmentModel", "Ibm2AlignmentModel"),
    "HMM": ("Ibm1AlignmentModel", "HmmAlignmentModel"),
    "IBM 3": ("Ibm1AlignmentModel", "HmmAlignmentModel", "Ibm3AlignmentModel"),
    "IBM 4": ("Ibm1AlignmentModel", "HmmAlignmentModel", "Ibm3AlignmentModel", "Ibm4AlignmentModel"),
    "eflomal": ("EflomalAlignmentModel",),
}


def ours(pairs: Pairs, more: Pairs) -> Links:
    """RETURNS (Links): Links of the pairs by `xner.Lexical.v1`, trained on all pairs."""
    aligner = LexicalAligner()
    aligner.train(itertools.chain(pairs, more))
    return {"its own": list(aligner(pairs))}


def systran_align(pairs: Pairs, more: Pairs) -> Links:
    """RETURNS (Links): Links of the pairs by systran-align, trained on all pairs with fast_align's usual settings."""
    package = importlib.import_module("systran_align")
    with tempfile.TemporaryDirectory() as folder:
        text, forward, backward = (Path(folder) / name for name in ("text", "forward", "backward"))
        with text.open("w", encoding="utf8") as file:
            file.writelines(f"{' '.join(s)} ||| {' '.join(t)}\n" for s, t in itertools.chain(pairs, more))
        package.generate_alignment_probabilities(
            str(text), str(forward), str(backward), favor_diagonal=True, optimize_tension=True, variational_bayes=True
        )
        aligner = package.Aligner(str(forward), str(backward))
        results = [aligner.align(source, target) for source, target in pairs]
    return {"its own": [_alignment(result["alignments"]) for result in results]}


def thot(model: str) -> Callable[[Pairs, Pairs], Links]:
    """RETURNS (Callable): Trains a model of sil-thot, by its name in `THOT_MODELS`, in both directions."""

    def run(pairs: Pairs, more: Pairs) -> Links:
        package = importlib.import_module("thot.alignment")
        directed = []
        for source, target in ((0, 1), (1, 0)):
            trained: Any = None
            for name in THOT_MODELS[model]:
                trained = getattr(package, name)(*([] if trained is None else [trained]))
                if name == THOT_MODELS[model][0]:
                    for pair in itertools.chain(pairs, more):
                        trained.add_sentence_pair(pair[source], pair[target], 1)
                trained.start_training()
                # Its eflomal samples, and knows how often by the size of the corpus.
                for _ in range(getattr(trained, "scheduled_iterations", ROUNDS)):
                    trained.train()
                trained.end_training()
            found = [trained.get_best_alignment(pair[source], pair[target])[1].to_numpy() for pair in pairs]
            directed.append([_alignment((table if source == 0 else table.T).nonzero()) for table in found])
        return {name: [symmetrize(a, b, name) for a, b in zip(*directed, strict=True)] for name in METHODS}

    return run


def _alignment(links: Any) -> Alignment:
    """RETURNS (Alignment): From a list of links, or from the two arrays of `nonzero`."""
    pairs = list(zip(*links, strict=True)) if isinstance(links, tuple) else links
    return Alignment([[int(i), int(j)] for i, j in pairs], [1.0] * len(pairs))


ALIGNERS: Dict[str, Callable[[Pairs, Pairs], Links]] = {
    "xner.Lexical.v1": ours,
    "systran-align": systran_align,
    **{f"sil-thot, {model}": thot(model) for model in THOT_MODELS},
}


def measure(name: str, gold_name: str, size: int) -> Dict[str, Any]:
    """Train an aligner and align the pairs with gold links, in this process.

    name (str): A key of `ALIGNERS`. gold_name (str): A key of `alignment.GOLD_SETS`. size (int): Pairs to train on.
    RETURNS (Dict[str, Any]): The AER of its best symmetrisation, processor seconds and memory; or why there is none.
    """
    pairs, gold, more = gold_set(gold_name)
    pairs, more = ([(_folded(s), _folded(t)) for s, t in part] for part in (pairs, more[: max(0, size - len(pairs))]))
    before, memory, start = processor_seconds(), memory_peak(), time.perf_counter()
    row: Dict[str, Any] = {"aligner": name, "gold": gold_name, "pairs": len(pairs) + len(more)}
    try:
        links = ALIGNERS[name](pairs, more)
    except ImportError as error:
        return {**row, "left_out": f"{error.name or error} is not installed"}
    row.update(
        cpu_seconds=round(processor_seconds() - before, 1),
        seconds=round(time.perf_counter() - start, 1),
        peak_gib=round(memory_peak() / 2**20, 2),
        before_gib=round(memory / 2**20, 2),
    )
    scores = {method: evaluate_links(gold, found) for method, found in links.items()}
    best = min(scores, key=lambda method: scores[method]["aer"])
    return {**row, "symmetrisation": best, **{key: scores[best][key] for key in ("aer", "aer_interval")}}


def _folded(words: List[str]) -> List[str]:
    return list(map(comparable, words))


def run(names: Sequence[str], gold_name: str, size: int, limit: Optional[float] = None) -> List[Dict[str, Any]]:
    """Measure aligners one after the other, each in a process of its own.

    limit (Optional[float]): Seconds after which an aligner is stopped and left out.
    RETURNS (List[Dict[str, Any]]): A row each.
    """
    rows = []
    for name in names:
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            rows.append(pool.submit(measure, name, gold_name, size).result(limit))
        except OutOfTime:
            rows.append({"aligner": name, "pairs": size, "left_out": f"not done after {limit:,.0f} s"})
        # A crash in a package's compiled code ends its process.
        except BrokenProcessPool:
            rows.append({"aligner": name, "pairs": size, "left_out": "its process ended"})
        finally:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(cancel_futures=True)
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def to_markdown(rows: Sequence[Dict[str, Any]]) -> str:
    """RETURNS (str): A table."""
    lines = [
        "| aligner | pairs | CPU s | times ours | peak GiB | AER | symmetrisation |",
        "|---|---|---|---|---|---|---|",
    ]
    own = next((row.get("cpu_seconds") for row in rows if row["aligner"] == "xner.Lexical.v1"), None)
    for row in rows:
        if "left_out" in row:
            lines.append(f"| {row['aligner']} | {row['pairs']:,} | left out: {row['left_out']} | | | | |")
            continue
        low, high = (f"{100 * bound:.1f}" for bound in row["aer_interval"])
        times = f"{row['cpu_seconds'] / own:.1f}" if own else ""
        lines.append(
            f"| {row['aligner']} | {row['pairs']:,} | {row['cpu_seconds']} | {times} | {row['peak_gib']} "
            f"| {100 * row['aer']:.1f} ({low}-{high}) | {row['symmetrisation']} |"
        )
    return "\n".join(lines)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Command line. RETURNS (int): 0."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gold", default="de-en", choices=["de-en", "en-fr", "ro-en"], help="the set with gold links")
    parser.add_argument("--pairs", type=int, default=45_000, help="pairs to train on, those with gold links included")
    parser.add_argument("--aligners", nargs="+", default=list(ALIGNERS), choices=list(ALIGNERS), metavar="NAME")
    parser.add_argument("--limit", type=float, default=None, help="seconds after which an aligner is left out")
    parser.add_argument("--out", type=Path, default=None, help="folder for the JSON and the table")
    options = parser.parse_args(argv)
    rows = run(options.aligners, options.gold, options.pairs, options.limit)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(rows, indent=2, ensure_ascii=False)
        (options.out / "alignment-peers.json").write_text(text + "\n", encoding="utf-8")
        (options.out / "alignment-peers.md").write_text(to_markdown(rows) + "\n", encoding="utf-8")
    print(to_markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
