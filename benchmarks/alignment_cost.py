"""Seconds and memory of the aligners: against eflomal, and as a curve over the number of pairs.

Each measurement is a process of its own. Run from `benchmarks.alignment`.
"""

import gc
import itertools
import math
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

import numpy as np

from xner_spacy.alignment.external.eflomal import Eflomal
from xner_spacy.alignment.statistical.lexical import LexicalAligner

from .projection_plots import lines_svg

Pairs = List[Tuple[List[str], List[str]]]

# Sizes larger than the bitext have pairs that are made from it (`bitext`).
SIZES = (1_000, 3_000, 10_000, 45_000, 100_000, 300_000, 1_000_000)
BITEXT = 45_758
# What the aligner of the curve aligns once it is trained.
ALIGNED = 5_000


def bitext(folder: Path, count: int) -> Iterator[Tuple[List[str], List[str]]]:
    """YIELDS (Tuple): The first pairs of the German bitext, and behind its end pairs that are made from it, all
    different: the first half of one pair and the second half of another, which is cut at the same share of both sides.
    """
    with (
        (folder / "bitext.en").open(encoding="utf-8-sig", newline="\n") as english,
        (folder / "bitext.de").open(encoding="utf-8-sig", newline="\n") as german,
    ):
        lines = zip(english, german, strict=True)
        known = [(left, right) for left, right in itertools.islice(lines, count)]
    for left, right in known:
        yield left.split(), right.split()
    random = np.random.default_rng(0)
    made: Set[Tuple[int, int]] = set()
    while len(known) + len(made) < count:
        first, second = random.integers(0, len(known), 2).tolist()
        if first != second and (first, second) not in made:
            made.add((first, second))
            heads, tails = ([line.split() for line in known[number]] for number in (first, second))
            source, target = (
                head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :] for head, tail in zip(heads, tails, strict=True)
            )
            yield source, target


def processor_seconds() -> float:
    """Seconds of processor time of this process and its children so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _measure(task: Tuple[str, int, int, str]) -> Dict[str, Any]:
    """Train on a number of pairs, and align as many of them as asked."""
    name, size, aligned, folder = task
    gc.collect()
    start = time.perf_counter()
    trained, trained_cpu = 0.0, 0.0
    before = processor_seconds()
    if name == "ours":
        aligner = LexicalAligner()
        aligner.train(bitext(Path(folder), size))
        trained, trained_cpu = time.perf_counter() - start, processor_seconds() - before
        count = sum(1 for _ in aligner(bitext(Path(folder), aligned)))
    else:
        count = len(Eflomal().directed(list(bitext(Path(folder), size)))[0])
    seconds, processor = time.perf_counter() - start, processor_seconds() - before
    if name == "ours":
        kilobytes = memory_peak()
    else:
        # The program is a child of a child, and what the kernel says of children is their maximum.
        kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "aligner": name,
        "pairs": size,
        "aligned": count,
        "train_seconds": round(trained, 1),
        "seconds": round(seconds, 1),
        # Tells more than wall time on a machine that does other things as well.
        "train_cpu_seconds": round(trained_cpu, 1),
        "cpu_seconds": round(processor, 1),
        "pairs_per_second": round(count / seconds, 1),
        "peak_gib": round(kilobytes / 2**20, 2),
    }


def memory_peak() -> int:
    """The most memory that this process ever held, in KiB. `ru_maxrss` would include the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _alone(tasks: Sequence[Tuple[str, int, int, str]]) -> List[Dict[str, Any]]:
    rows = []
    for task in tasks:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            rows.append(pool.submit(_measure, task).result())
    return rows


def speed(data: Path, rounds: int = 2, size: int = 45_000) -> List[Dict[str, Any]]:
    """Seconds and memory of both, one after the other in turns.

    data (Path): The folder of the data sets.
    rounds (int): How often each runs.
    size (int): Pairs.
    RETURNS (List[Dict[str, Any]]): One per run.
    """
    folder = str(data / "bitext/en-de")
    return _alone([(name, size, size, folder) for name in ("ours", "eflomal")] * rounds)


def curve(data: Path, sizes: Sequence[int] = SIZES) -> Dict[str, Any]:
    """Cost of the training by number of pairs.

    data (Path): The folder of the data sets.
    sizes (Sequence[int]): Numbers of pairs.
    RETURNS (Dict[str, Any]): `rows`, one per size; the slopes of the straight lines through the
        logarithms of size and CPU seconds (1 is linear), `exponent_new` of sizes within the bitext and
        `exponent_made` of those above; and `exponent_memory` of the peak memory over all sizes.
    """
    folder = str(data / "bitext/en-de")
    return summary(_alone([("ours", size, ALIGNED, folder) for size in sizes]))


def summary(rows: List[Dict[str, Any]]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The rows of a curve with its exponents."""
    parts = {"new": (0, BITEXT), "made": (BITEXT + 1, math.inf)}
    exponents = {}
    for name, (low, high) in parts.items():
        used = [row for row in rows if low <= row["pairs"] <= high]
        exponents[f"exponent_{name}"] = slope(
            [row["pairs"] for row in used], [row["train_cpu_seconds"] for row in used]
        )
    memory = slope([row["pairs"] for row in rows], [row["peak_gib"] for row in rows])
    return {"rows": rows, **exponents, "exponent_memory": memory}


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """RETURNS (float): The exponent k of costs = c * sizes^k, by least squares; nan for one size."""
    if len(sizes) < 2:
        return math.nan
    x, y = ([math.log(value) for value in values] for values in (sizes, costs))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    both = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return both / sum((a - mean_x) ** 2 for a in x)


def curve_svg(result: Dict[str, Any]) -> str:
    """RETURNS (str): Processor time and memory over the number of pairs."""
    rows = result["rows"]
    x = [row["pairs"] / 1000 for row in rows]
    return lines_svg(
        [
            (
                "training",
                "thousand pairs",
                "CPU seconds",
                x,
                [r["train_cpu_seconds"] for r in rows],
            ),
            ("peak memory", "thousand pairs", "GiB", x, [r["peak_gib"] for r in rows]),
        ]
    )


def to_markdown(results: Dict[str, Any]) -> List[str]:
    """RETURNS (List[str]): The tables of `speed` and `curve`, where they are there."""
    lines: List[str] = []
    if results.get("speed"):
        lines += [
            "| aligner | pairs | training s | all s | CPU s | pairs/s | peak GiB |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r['aligner']} | {r['pairs']:,} | {r['train_seconds'] or ''} | {r['seconds']} "
            f"| {r['cpu_seconds']} | {r['pairs_per_second']:,} | {r['peak_gib']} |"
            for r in results["speed"]
        ]
        lines.append("")
    if results.get("curve"):
        lines += [
            "| pairs | training, CPU s | CPU ms a pair | aligning, CPU ms a pair | peak GiB |",
            "|---|---|---|---|---|",
        ]
        for r in results["curve"]["rows"]:
            aligning = (r["cpu_seconds"] - r["train_cpu_seconds"]) / r["aligned"]
            lines.append(
                f"| {r['pairs']:,} | {r['train_cpu_seconds']} "
                f"| {1000 * r['train_cpu_seconds'] / r['pairs']:.2f} | {1000 * aligning:.2f} "
                f"| {r['peak_gib']} |"
            )
        lines += [
            "",
            f"Exponent of the CPU time over the pairs: {results['curve']['exponent_new']:.2f} up to "
            f"{BITEXT:,} pairs, {results['curve']['exponent_made']:.2f} above, where they are made of those "
            f"(1 is linear); of the peak memory {results['curve']['exponent_memory']:.2f}.",
            "",
        ]
    return lines
