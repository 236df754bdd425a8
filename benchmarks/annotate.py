"""Annotation at scale: flat memory and linear time, one worker with stored translations and where its time goes, what
the pipeline around costs, two workers against one, Ray's actors on one machine, Apertium end to end.

    python -m benchmarks annotate noop --sentences 1000000
    python -m benchmarks annotate stored TEACHER CORPUS --profile
    python -m benchmarks annotate workers TEACHER CORPUS
    python -m benchmarks annotate engines TEACHER CORPUS
    python -m benchmarks annotate stages TEACHER CORPUS --mode spa-eng

TEACHER and CORPUS are what the workflow `apertium` leaves (`training/es/teacher`,
`corpus/es/train.spacy`). Seconds on the wall depend on what else the machine does; CPU
seconds (this process and its children) hardly do, so both are given.
"""

import argparse
import cProfile
import hashlib
import itertools
import json
import os
import pstats
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import spacy

from xner_spacy.corpora import docs, shards
from xner_spacy.corpora.annotate import annotate
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.inputs import CorpusInput
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.corpora.shards import ShardMaker
from xner_spacy.garbage import collecting_seldom

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

JOB = {"batch_size": 256, "watched": {}, "of_parts": {}, "device": None}


def resident() -> float:
    """RETURNS (float): Memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu() -> float:
    """RETURNS (float): CPU seconds of this process and of its ended children."""
    return sum(
        use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
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
                file.write(f"{WORDS[k % 16]} {WORDS[k % 7]} {WORDS[k % 11]} word{k} {WORDS[k % 5]}\n")
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
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3),
        "memory by tenths, MB": [round(p[2]) for p in points],
        "CPU seconds by tenths": [round(s, 1) for s in steps],
    }


@contextmanager
def stored_text(teacher: Path, corpus: Path, n: int, *, again: bool = False) -> Iterator[Tuple[Path, int]]:
    """YIELDS (Tuple[Path, int]): A folder with the first sentences of a corpus as `text.spacy`, whose translations are
    all in the store now, and their number. again (bool): Repeat the corpus if it has fewer.
    """
    with tempfile.TemporaryDirectory() as folder:
        nlp = load_pipeline(teacher)
        docs = list(itertools.islice(read_docs(corpus, nlp.vocab), n))
        if again:
            docs = list(itertools.islice(itertools.cycle(docs), n))
        write_docbin(Path(folder) / "text.spacy", docs)
        list(nlp.get_pipe("xner_translator").pipe(docs))
        yield Path(folder), len(docs)


def stored(teacher: Path, corpus: Path, n: int, profile: bool) -> Dict[str, Any]:
    """One worker, all translations stored: CPU time without loading the pipeline, and a checksum of the shards, by
    which two versions of the code can be compared.

    profile (bool): Print the functions with the most time of their own; the figures are of no use then.
    """
    with stored_text(teacher, corpus, n) as (root, size):
        started = time.process_time()
        ShardMaker({**JOB, "pipeline": teacher, "output": str(root)}, CorpusInput(root / "text.spacy"))
        loading = time.process_time() - started
        profiler = cProfile.Profile()
        started = time.process_time()
        with collecting_seldom(), profiler if profile else nullcontext():  # as the command does
            manifest = annotate(teacher, root / "text.spacy", root / "out")
        seconds = time.process_time() - started - loading
        digest = hashlib.sha256()
        for shard in sorted((root / "out").glob("*.spacy")):
            digest.update(shard.read_bytes())
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(20)
    return {
        "sentences": size,
        "CPU ms a sentence": round(1e3 * seconds / size, 3),
        "loading, CPU seconds": round(loading, 2),
        "entities": manifest["totals"]["entities"],
        "SHA-256 of the shards": digest.hexdigest()[:16],
    }


def run_annotate(teacher: Path, corpus: Path, out: Path, workers: int, engine: str = "local") -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): Sentences a second between the first and the last shard, and
    CPU seconds.
    """
    before = cpu()
    command = [sys.executable, "-m", "xner_spacy", "annotate", str(teacher), str(corpus), str(out)]
    how = ["--workers", str(workers), "--engine", engine, "--shard-size", "50"]
    process = subprocess.Popen([*command, *how], stderr=subprocess.DEVNULL)
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
    return 50 * (b - a) / (last - first), cpu() - before


def workers(teacher: Path, corpus: Path, n: int, repeats: int) -> Dict[str, Any]:
    """One and two worker processes in turn, translations stored; loading the pipeline left out."""
    rates: Dict[int, List[float]] = {1: [], 2: []}
    seconds: Dict[int, List[float]] = {1: [], 2: []}
    with stored_text(teacher, corpus, n) as (root, size):
        for _ in range(repeats):
            for number in (1, 2):
                rate, used = run_annotate(teacher, root / "text.spacy", root / "out", number)
                shutil.rmtree(root / "out")
                rates[number].append(rate)
                seconds[number].append(used)
    return {
        "sentences": size,
        "one worker, sentences/s": round(statistics.median(rates[1]), 1),
        "two workers, sentences/s": round(statistics.median(rates[2]), 1),
        "ratio": round(statistics.median(b / a for a, b in zip(rates[1], rates[2])), 2),
        "ratios": [round(b / a, 2) for a, b in zip(rates[1], rates[2])],
        "CPU seconds, one worker and two": [[round(s, 1) for s in seconds[number]] for number in (1, 2)],
        "load": [round(x, 1) for x in os.getloadavg()],
    }


def engines(teacher: Path, corpus: Path, n: int, repeats: int) -> Dict[str, Any]:
    """Local workers and Ray's actors on this machine, translations stored: sentences a second between the first and the
    last shard (medians), and the seconds of the whole command, in which Ray starts and stops.
    """
    rates: Dict[str, List[float]] = {}
    whole: Dict[str, List[float]] = {}
    with stored_text(teacher, corpus, n, again=True) as (root, size):
        for _ in range(repeats):
            for engine, number in (("local", 1), ("local", 2), ("ray", 1), ("ray", 2), ("ray", 4)):
                began = time.perf_counter()
                rate, _ = run_annotate(teacher, root / "text.spacy", root / "out", number, engine)
                shutil.rmtree(root / "out")
                rates.setdefault(f"{engine} {number}", []).append(rate)
                whole.setdefault(f"{engine} {number}", []).append(time.perf_counter() - began)
    return {
        "sentences": size,
        "sentences/s": {name: round(statistics.median(found), 1) for name, found in rates.items()},
        "seconds in all": {name: round(statistics.median(found), 1) for name, found in whole.items()},
        "load": [round(x, 1) for x in os.getloadavg()],
    }


class Timed:
    """A part or an inner pipeline whose CPU seconds are added up; else it is what it wraps.

    inner (Any): What is wrapped. method (str): What is timed: "__call__" or "pipe".
    """

    def __init__(self, inner: Any, method: str = "__call__") -> None:
        self.inner = inner
        self.method = method
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self._run if name == self.method else found

    def __call__(self, items: Any) -> Any:
        return self._run(items)

    def _run(self, items: Any, **settings: Any) -> Any:
        items = list(items)
        began = time.process_time() + programs(self.inner)
        found = list(getattr(self.inner, self.method)(items, **settings))
        self.seconds += time.process_time() + programs(self.inner) - began
        return iter(found)


def programs(part: Any) -> float:
    """RETURNS (float): CPU seconds of the programs that Apertium keeps open."""
    engine = getattr(part, "_engine", None)
    found = 0.0
    for process in getattr(engine, "_processes", ()):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def stages(teacher: Path, corpus: Path, n: int, mode: str, translation: Path) -> Dict[str, Any]:
    """Where the CPU seconds of a run go, nothing stored: translator, annotator, aligner and
    projector, and all that is around them. What is around is set in relation to Apertium, and to CTranslate2 as `translation` has it.
    """
    from xner_spacy.registry import get_part

    nlp = load_pipeline(teacher)
    apertium = get_part("xner_translators", "xner.Apertium.v1", mode=mode)
    pipes = {name.replace("xner_", ""): nlp.get_pipe(name) for name in nlp.pipe_names}
    pipes["translator"].part = apertium
    source = CorpusInput(corpus)
    with tempfile.TemporaryDirectory() as folder:
        shards.load_pipeline = lambda name: nlp
        job = {**JOB, "pipeline": teacher, "output": folder}
        ShardMaker(job, source).make(source.slices(20)[0])
        timed = {name: Timed(pipe.part) for name, pipe in pipes.items() if name != "annotator"}
        for name, wrapped in timed.items():
            pipes[name].part = wrapped
        inner = timed["annotator"] = Timed(pipes["annotator"].source_nlp, "pipe")
        pipes["annotator"]._nlp = inner
        maker = ShardMaker(job, source)
        pieces = [piece for piece in source.slices(1000) if piece.start + piece.size <= n]
        clock = _time_files(source)
        wall, began = time.perf_counter(), time.process_time() + programs(apertium)
        for piece in pieces:
            maker.make(piece)
        seconds = time.perf_counter() - wall
        total = time.process_time() + programs(apertium) - began
        apertium.close()
    size = sum(piece.size for piece in pieces)
    models = {name: timed[name].seconds for name in pipes}
    around = {"reading": clock["reading"], "writing": clock["writing"]}
    around["making Docs, counting"] = total - sum(models.values()) - sum(around.values())
    rows = {**models, **around}
    found: Dict[str, Any] = {
        "sentences": size,
        "CPU ms a sentence": {name: round(1e3 * s / size, 3) for name, s in rows.items()},
        "share of CPU, %": {name: round(100 * s / total, 1) for name, s in rows.items()},
        "sentences/s of two cores (from CPU seconds)": round(2 * size / total, 1),
        "sentences/s on the wall, one process": round(size / seconds, 1),
        "around, % of CPU with Apertium": round(100 * sum(around.values()) / total, 1),
    }
    if translation.exists():
        neural = json.loads(translation.read_text())["ours"]["CPU seconds a sentence"] * size
        whole = total - models["translator"] + neural
        found["around, % of CPU with CTranslate2 (NLLB-600M)"] = round(100 * sum(around.values()) / whole, 2)
    return found


def _time_files(source: CorpusInput) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Where the CPU seconds of reading and of writing will be added up."""
    clock = {"reading": 0.0, "writing": 0.0}
    read = source.read

    def timed_read(*arguments: Any) -> Any:
        began = time.process_time()
        sentences = list(read(*arguments))
        clock["reading"] += time.process_time() - began
        return iter(sentences)

    class TimedDocBin(docs._DocBin):
        def add(self, doc: Any) -> None:
            began = time.process_time()
            super().add(doc)
            clock["writing"] += time.process_time() - began

        def to_bytes(self) -> bytes:
            began = time.process_time()
            data = super().to_bytes()
            clock["writing"] += time.process_time() - began
            return data

    source.read = timed_read  # type: ignore[method-assign]
    docs._DocBin = TimedDocBin  # type: ignore[misc]
    return clock


def main(argv: "List[str] | None" = None) -> None:
    """Run one of them and write JSON and a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["noop", "stored", "workers", "engines", "stages"])
    parser.add_argument("teacher", type=Path, nargs="?")
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--mode", default="spa-eng")
    parser.add_argument("--profile", action="store_true", help="for `stored`: where the time goes")
    parser.add_argument(
        "--translation",
        type=Path,
        default=Path("results/translation/translation.json"),
        help="what `python -m benchmarks translation` wrote, for `stages`",
    )
    parser.add_argument("--out", type=Path, default=Path("results/annotate"))
    options = parser.parse_args(argv)
    if options.what == "noop":
        found = noop(options.sentences or 1_000_000)
    elif options.teacher is None or options.corpus is None:
        parser.error("needs TEACHER and CORPUS")
    elif options.what == "stored":
        found = stored(options.teacher, options.corpus, options.sentences or 3000, options.profile)
    elif options.what == "workers":
        found = workers(options.teacher, options.corpus, options.sentences or 2000, options.repeats)
    elif options.what == "engines":
        found = engines(options.teacher, options.corpus, options.sentences or 2000, options.repeats)
    else:
        settings = (options.sentences or 4000, options.mode, options.translation)
        found = stages(options.teacher, options.corpus, *settings)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.what}.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in found.items())]
    (options.out / f"{options.what}.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
