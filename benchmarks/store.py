"""How many translations a second the store of translations takes and gives, with one or more processes on one machine.

    python -m benchmarks store --texts 100000 --processes 1,2,4 --out results/store

A translator that costs nothing stands for the real one, so all time is that of the store. Each process writes other
texts; then each reads its own again, from a connection that has not seen them. Wall seconds say how long the processes
wait for each other; CPU seconds of all of them say what a text costs.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar, Dict, Iterable, Iterator, List, Optional, Sequence

from xner_spacy.cli.output import table
from xner_spacy.corpora.writing import write_json
from xner_spacy.translation.store import Stored
from xner_spacy.types import Translation

# A sentence of a usual length.
FRAME = "The minister met {} people of the village number {} at the river yesterday, and they talked about the road."


class Free:
    """A translator that costs nothing."""

    identity: ClassVar[Dict[str, str]] = {"engine": "free"}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        """YIELDS (Translation): The text itself."""
        for text in texts:
            yield Translation(text)


def use_store(path: Path, process: int, texts: int, start: Any, results: Any) -> None:
    """Write texts to a store and read them again; send the seconds of both."""
    sentences = [FRAME.format(process, number) for number in range(texts)]
    seconds: Dict[str, List[float]] = {}
    for step in ("write", "read"):
        stored = Stored(Free(), path)
        start.wait()
        wall, cpu = time.perf_counter(), time.process_time()
        assert sum(1 for _ in stored(sentences)) == texts
        seconds[step] = [time.perf_counter() - wall, time.process_time() - cpu]
        assert (stored.hits, stored.misses) == ((0, texts) if step == "write" else (texts, 0))
        stored.close()
    results.put(seconds)


def measure(processes: int, texts: int, folder: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Translations a second of all processes together, and CPU milliseconds of each."""
    path = folder / f"store-{processes}.sqlite"
    Stored(Free(), path).initialize()
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(processes), context.Queue()
    share = texts // processes
    workers = [
        context.Process(target=use_store, args=(path, number, share, start, results)) for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    seconds = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    row: Dict[str, Any] = {"processes": processes, "texts": share * processes}
    for step in ("write", "read"):
        row[f"{step}s_a_second"] = share * processes / max(one[step][0] for one in seconds)
        row[f"{step}_cpu_ms"] = 1000 * sum(one[step][1] for one in seconds) / (share * processes)
    row["bytes_a_text"] = path.stat().st_size / (share * processes)
    return row


def report(rows: Sequence[Dict[str, Any]]) -> str:
    """RETURNS (str): The table in Markdown."""
    header = ["processes", "written a second", "CPU ms", "read a second", "CPU ms", "bytes"]
    lines = [
        [
            str(row["processes"]),
            f"{row['writes_a_second']:,.0f}",
            f"{row['write_cpu_ms']:.3f}",
            f"{row['reads_a_second']:,.0f}",
            f"{row['read_cpu_ms']:.3f}",
            f"{row['bytes_a_text']:,.0f}",
        ]
        for row in rows
    ]
    return table(header, lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000, help="of all processes together")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--out", type=Path, help="a folder for store.json")
    options = parser.parse_args(arguments)
    rows = []
    for processes in map(int, options.processes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            rows.append(measure(processes, options.texts, Path(name)))
    print(report(rows))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_json(options.out / "store.json", {"cores": os.cpu_count(), "load": os.getloadavg(), "rows": rows})


if __name__ == "__main__":
    main()
