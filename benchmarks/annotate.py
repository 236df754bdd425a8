"""Annotation at scale: flat memory and linear time, what the pipeline around costs, two workers
against one, Apertium end to end.

    python -m benchmarks.annotate noop --sentences 1000000
    python -m benchmarks.annotate workers TEACHER CORPUS
    python -m benchmarks.annotate stages TEACHER CORPUS --mode spa-eng

TEACHER and CORPUS are what the workflow `apertium` leaves (`training/apertium/es/teacher`,
`corpus/apertium/es/train.spacy`). Seconds on the wall depend on what else the machine does; CPU
seconds (this process and its children) hardly do, so both are given.
"""

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import spacy

from xner_spacy.corpora.annotate import annotate, load_pipeline
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.inputs import CorpusInput
from xner_spacy.corpora.shards import annotate_shard, memory_zones

WORDS = [
    "the",
    "a",
    "minister",
    "bank",
    "city",
    "met",
    "opened",
    "works",
    "lives",
    "near",
    "and",
    "in",
    "of",
    "yesterday",
    "Anna",
    "Berlin",
]


def resident() -> float:
    """RETURNS (float): Memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu() -> float:
    """RETURNS (float): CPU seconds of this process and of its ended children."""
    return sum(
        use.ru_utime + use.ru_stime
        for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def noop(n: int) -> Dict[str, Any]:
    """Many short sentences, each of words of its own, through a pipeline that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        nlp = spacy.blank("xx")
        nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
        nlp.to_disk(root / "nlp")
        with (root / "text.txt").open("w", encoding="utf8") as file:
            for k in range(n):
                # A new word a sentence: what a vocabulary that grows would choke on.
                file.write(
                    f"{WORDS[k % 16]} {WORDS[k % 7]} {WORDS[k % 11]} word{k} {WORDS[k % 5]}\n"
                )
        points: List[Tuple[int, float, float]] = []
        seen = 0

        class Bar:
            def __init__(self, had: int, total: int) -> None:
                pass

            def __enter__(self) -> Any:
                return self.tick

            def tick(self, done: int) -> None:
                nonlocal seen
                seen += done
                if seen % max(n // 10, 1) == 0:
                    points.append((seen, time.process_time(), resident()))

            def __exit__(self, *args: Any) -> None:
                pass

        started = time.perf_counter(), time.process_time()
        annotate(root / "nlp", root / "text.txt", root / "out", progress=Bar)  # type: ignore[arg-type]
        seconds, used = time.perf_counter() - started[0], time.process_time() - started[1]
    steps = [b[1] - a[1] for a, b in itertools.pairwise(points)]
    return {
        "sentences": n,
        "wall seconds": round(seconds, 1),
        "CPU seconds": round(used, 1),
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "memory by tenths, MB": [round(p[2]) for p in points],
        "CPU seconds by tenths": [round(s, 1) for s in steps],
    }


def run_annotate(teacher: Path, corpus: Path, out: Path, workers: int) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): Sentences a second between the first and the last shard, and
    CPU seconds.
    """
    before = cpu()
    command = [sys.executable, "-m", "xner_spacy", "annotate", str(teacher), str(corpus), str(out)]
    process = subprocess.Popen(
        [*command, "--workers", str(workers), "--shard-size", "100"], stderr=subprocess.DEVNULL
    )
    times: List[Tuple[float, int]] = []
    while process.poll() is None:
        made = len(list(out.glob("*.spacy")))
        if not times or made != times[-1][1]:
            times.append((time.perf_counter(), made))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"annotate failed ({process.returncode})")
    times = [t for t in times if t[1]]
    (first, a), (last, b) = times[0], times[-1]
    return 100 * (b - a) / (last - first), cpu() - before


def workers(teacher: Path, corpus: Path, n: int, repeats: int) -> Dict[str, Any]:
    """One and two worker processes in turn, translations stored; loading the pipeline left out."""
    rates: Dict[int, List[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        docs = read_docs(corpus, spacy.blank("xx").vocab)
        write_docbin(root / "text.spacy", (doc for doc, _ in zip(docs, range(n))))
        for k in range(repeats + 1):
            for number in (1, 2):
                rate, _ = run_annotate(teacher, root / "text.spacy", root / "out", number)
                shutil.rmtree(root / "out")
                # The first round fills the store.
                if k:
                    rates[number].append(rate)
    return {
        "sentences": n,
        "one worker, sentences/s": round(statistics.median(rates[1]), 1),
        "two workers, sentences/s": round(statistics.median(rates[2]), 1),
        "ratio": round(statistics.median(b / a for a, b in zip(rates[1], rates[2])), 2),
        "ratios": [round(b / a, 2) for a, b in zip(rates[1], rates[2])],
    }


def stages(teacher: Path, corpus: Path, n: int, mode: str) -> Dict[str, Any]:
    """Where the CPU seconds go: translating (nothing stored), labelling, aligning, projecting, and
    all the rest.
    """
    from xner_spacy.registry import get_part

    nlp = load_pipeline(teacher)
    apertium = get_part("xner_translators", "xner.Apertium.v1", mode=mode)
    nlp.get_pipe("xner_translator").part = apertium  # type: ignore[attr-defined]
    source = CorpusInput(corpus)
    warm, piece = source.slices(20)[0], source.slices(n)[1]
    seconds: Dict[str, List[float]] = {}

    def measure(name: str, started: Tuple[float, float]) -> None:
        seconds[name] = [time.perf_counter() - started[0], cpu() - started[1]]

    def now() -> Tuple[float, float]:
        return time.perf_counter(), cpu()

    with tempfile.TemporaryDirectory() as folder:
        annotate_shard(nlp, source, warm, Path(folder), 256)
        apertium.close()
        with memory_zones(nlp):
            began = now()
            docs = list(source.read(piece, nlp))
            measure("reading", began)
            for name, pipe in nlp.pipeline:
                began = now()
                docs = list(pipe.pipe(docs, batch_size=256))  # type: ignore[attr-defined]
                if name == "xner_translator":
                    apertium.close()  # so that its CPU seconds count
                measure(name.replace("xner_", ""), began)
            began = now()
            write_docbin(Path(folder) / "x.spacy", docs)
            measure("writing", began)
    total = sum(c for _, c in seconds.values())
    return {
        "sentences": piece.size,
        "CPU seconds": {name: round(c, 2) for name, (_, c) in seconds.items()},
        "share of CPU, %": {name: round(100 * c / total, 1) for name, (_, c) in seconds.items()},
        "sentences/s on two cores that are free (from CPU seconds)": round(
            2 * piece.size / total, 1
        ),
        "sentences/s on the wall, one process": round(
            piece.size / sum(w for w, _ in seconds.values()), 1
        ),
        "reading and writing, % of CPU": round(
            100 * sum(seconds[name][1] for name in ("reading", "writing")) / total, 1
        ),
    }


def main(argv: "List[str] | None" = None) -> None:
    """Run one of them and write JSON and a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["noop", "workers", "stages"])
    parser.add_argument("teacher", type=Path, nargs="?")
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--mode", default="spa-eng")
    parser.add_argument("--out", type=Path, default=Path("results/annotate"))
    options = parser.parse_args(argv)
    if options.what == "noop":
        found = noop(options.sentences or 1_000_000)
    elif options.teacher is None or options.corpus is None:
        parser.error("needs TEACHER and CORPUS")
    elif options.what == "workers":
        found = workers(options.teacher, options.corpus, options.sentences or 4000, options.repeats)
    else:
        found = stages(options.teacher, options.corpus, options.sentences or 1000, options.mode)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.what}.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in found.items())]
    (options.out / f"{options.what}.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
