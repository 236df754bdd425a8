"""How long `xner view` takes with a large run: a folder of `xner annotate` many times over.

    python -m benchmarks view annotated/is/train --sentences 1000,10000,100000,1000000 --out docs/growth/view.json

The folder of shards is made in a temporary place. Seconds on the wall depend on what else the machine does; CPU seconds
(this process) hardly do, so both are given, and the memory at the end of each step.
"""

import argparse
import tempfile
import threading
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Callable, List, Tuple
from urllib.parse import quote
from urllib.request import urlopen

from benchmarks.annotate import resident
from xner_spacy.corpora.docs import packed, read_docs
from xner_spacy.corpora.shard_folder import MANIFEST, describe, make_manifest, shard_name
from xner_spacy.corpora.writing import write_json
from xner_spacy.languages import blank_vocab
from xner_spacy.report.view.comparing import Rows
from xner_spacy.report.view.pages import Pages, write_page
from xner_spacy.report.view.server import Server
from xner_spacy.types import Json

SHARD = 1000


def make_run(run: Path, folder: Path, sentences: int) -> None:
    """Write a folder of shards as `xner annotate` leaves it: the sentences of a run, as often as it takes."""
    docs = cycle(list(read_docs(run, blank_vocab("xx"))))
    entries = {}
    for number, start in enumerate(range(0, sentences, SHARD)):
        data, counts = packed(islice(docs, min(SHARD, sentences - start)))
        (folder / shard_name(number)).write_bytes(data)
        entries[shard_name(number)] = describe(counts, data)
    write_json(folder / MANIFEST, make_manifest("xner annotate", {}, {}, entries))


def measure(folder: Path, page_size: int) -> List[Json]:
    """Print the table of a folder. RETURNS (List[Json]): The steps: seconds, CPU seconds, and MB of memory at the end."""
    print("| step | seconds | CPU seconds | memory, MB |\n|---|---:|---:|---:|")
    steps: List[Json] = []

    def measured(what: str, run: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = run()
        wall, cpu = round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2)
        steps.append({"step": what, "seconds": wall, "cpu_seconds": cpu, "memory_mb": round(resident())})
        print(f"| {what} | {wall:.2f} | {cpu:.2f} | {resident():,.0f} |", flush=True)
        return result

    begun: List[Server] = []

    def open_page() -> bytes:
        server = Server(Pages(Rows(folder)))
        begun.append(server)
        threading.Thread(target=server.serve, daemon=True).start()
        return bytes(urlopen(server.address).read())

    page = measured("open: from the command to the first page", open_page)
    server = begun[0]
    total = len(server.pages.rows)

    def wait() -> None:
        while server.index.done < total:
            time.sleep(0.05)

    measured("index complete, in the background", wait)
    asked: List[Tuple[str, str]] = [
        ("a page in the middle", f"page={total // 40}"),
        ("sorted by doubt", "order=doubt"),
        ("a label with scores up to 0.5, sorted", "label=LOC&high=0.5&order=doubt"),
        ("a text", f"text={quote('Reykjav')}"),
        ("a text that nothing has", "text=nothing-has-this"),
    ]
    for what, query in asked:
        measured(what, lambda query=query: urlopen(f"{server.address}rows?{query}").read())
    server.stop()
    server.close()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "page.html"
        measured(f"`-o`, the first {page_size}", lambda: write_page(Rows(folder), file, limit=page_size))
        print(
            f"\n{total:,} sentences; the first page {len(page) / 1e6:.2f} MB, the file {file.stat().st_size / 1e6:.1f} MB"
        )
    return steps


def main(arguments: List[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks view", description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="a folder of xner annotate, or a .spacy file")
    parser.add_argument("--sentences", default="100000", help="sizes, comma-separated")
    parser.add_argument("--limit", type=int, default=500, help="sentences of the page in one file")
    parser.add_argument("--out", type=Path, help="a file for the figures (JSON)")
    options = parser.parse_args(arguments)
    rows: List[Json] = []
    for sentences in map(int, options.sentences.split(",")):
        with tempfile.TemporaryDirectory() as name:
            make_run(options.run, Path(name), sentences)
            rows.append({"sentences": sentences, "steps": measure(Path(name), options.limit)})
    if options.out is not None:
        write_json(options.out, rows)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
