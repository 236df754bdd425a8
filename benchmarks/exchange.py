"""Export and import of annotation tools: processor time and peak memory of each command, for a corpus of any size.

    xner bench exchange --sentences 100000 --tools prodigy,label-studio,doccano,argilla,inception,iob2

The corpus is made up: sentences of 4 to 30 words with distributions, scores, links and a reading of as many words. All
of it is exported, each sentence is accepted as it is, and imported again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import numpy as np
import spacy
from spacy.tokens import Doc, Span, SpanGroup

from xner_spacy.corpora.docs import read_docs
from xner_spacy.corpora.made_at_once import write_docbins
from xner_spacy.distillation.soft.soft_labels import set_soft
from xner_spacy.docdata import SPANS_KEY
from xner_spacy.exchange.all_tools import TOOLS
from xner_spacy.exchange.records import read_json_array, read_json_lines
from xner_spacy.types import Alignment, TokenLabels

LABELS = ("PER", "LOC", "ORG")
TAGS = ("O", *(f"{mark}-{label}" for label in LABELS for mark in "BI"))
FILES = dict(
    zip(
        TOOLS,
        ("tasks.jsonl", "tasks.json", "tasks.jsonl", "records.json", "sentences.tsv", "sentences.iob"),
        strict=True,
    )
)


def corpus(number: int, seed: int = 0) -> Iterator[Doc]:
    """YIELDS (Doc): Sentences as a student or a teacher leaves them."""
    rng = np.random.default_rng(seed)
    vocab, english = spacy.blank("xx").vocab, spacy.blank("en").vocab
    words = [f"w{k:x}" for k in range(20_000)]
    for _ in range(number):
        size = int(rng.integers(4, 31))
        doc = Doc(vocab, words=[words[k] for k in rng.integers(0, len(words), size)])
        spans = [Span(doc, 0, 2, label=LABELS[rng.integers(3)]), Span(doc, 3, 4, label=LABELS[rng.integers(3)])]
        doc.set_ents(spans, default="outside")
        doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=spans, attrs={"scores": rng.random(2).tolist()})
        doc._.xner_source = Doc(english, words=[words[k] for k in rng.integers(0, len(words), size)])
        doc._.xner_alignment = Alignment(np.stack([np.arange(size)] * 2, axis=1))
        probs = rng.dirichlet(np.full(len(TAGS), 0.1), size).astype(np.float32)
        set_soft(doc, TokenLabels(TAGS, probs))
        yield doc


def measured(*arguments: Any) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Processor seconds and peak GiB of a command. RAISES: SystemExit if it fails."""
    command = [sys.executable, "-m", "xner_spacy", *map(str, arguments)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_gib": usage.ru_maxrss / 2**20}


def accept(tool: str, path: Path) -> None:
    """Accept all sentences of an export as they are, as the tool would write it."""
    if tool in ("prodigy", "doccano"):
        records: Any = (record for _, record in read_json_lines(path))
    elif tool in ("label-studio", "argilla"):
        records = (record for _, record in read_json_array(path))
    else:
        return
    is_array = tool in ("label-studio", "argilla")
    with (path.parent / "accepted").open("w", encoding="utf8") as file:
        for number, record in enumerate(records):
            if tool == "prodigy":
                record["answer"] = "accept"
            elif tool == "label-studio":
                record["annotations"] = [{"completed_by": 1, "result": record["predictions"][0]["result"]}]
            elif tool == "argilla":
                value = record["suggestions"]["entities"]["value"]
                record.update(status="completed", responses={"entities": [{"value": value, "user_id": "a"}]})
            file.write(("[" if not number else ",") * is_array + json.dumps(record) + "\n")
        file.write("]" * is_array)
    (path.parent / "accepted").replace(path)


def known(corpus: Path) -> List[Any]:
    """RETURNS (List[Any]): What must come back: the sentences with their entities, sorted."""
    docs = read_docs(corpus, spacy.blank("xx").vocab, lazy=True)
    return sorted((doc.text, *((e.start, e.end, e.label_) for e in doc.ents)) for doc in docs)


def row(tool: str, run: Path, expected: List[Any], by: str, with_run: bool, limit: int = 0) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The figures of one tool. RAISES: AssertionError unless all that was exported comes back as
    it was. limit (int): How many sentences are exported; 0 for all.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = measured("export", run, folder / "out", "--to", tool, "--by", by, "--limit", limit)
        path = folder / "out" / FILES[tool]
        size = path.stat().st_size / 2**20
        accept(tool, path)
        options = ["--run", run] if with_run else []
        back = measured("import", path, folder / "back", "--from", tool, *options)
        came_back = known(folder / "back")
        assert len(came_back) == min(limit or len(expected), len(expected)), tool
        assert not Counter(came_back) - Counter(expected), tool
    return {"tool": tool, "by": by, "file_mib": size, "export": out, "import": back, "with_run": with_run}


def table(rows: List[Dict[str, Any]]) -> List[str]:
    """RETURNS (List[str]): The rows in Markdown."""
    lines = [
        "| tool | file MiB | export, CPU s | peak GiB | import, CPU s | peak GiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for one in rows:
        cells = [
            one["file_mib"],
            *(one[way][what] for way in ("export", "import") for what in ("cpu_seconds", "peak_gib")),
        ]
        lines.append(
            f"| {one['tool']} | "
            + " | ".join(f"{cell:.2f}" if k in (2, 4) else f"{cell:.0f}" for k, cell in enumerate(cells))
            + " |"
        )
    return lines


def main(arguments: Optional[List[str]] = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--by", default="doubt", help="what to correct first")
    parser.add_argument("--limit", type=int, default=0, help="how many sentences are exported; 0 for all")
    parser.add_argument("--with-run", action="store_true", help="import with --run")
    parser.add_argument("--out", type=Path, help="a folder for exchange.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        write_docbins([(run, corpus(options.sentences))], made_by="xner bench exchange", inputs=[])
        expected = known(run)
        rows = []
        for tool in options.tools.split(","):
            rows.append(row(tool, run, expected, options.by, options.with_run, options.limit))
            print("\n".join(table(rows)), flush=True)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "exchange.json").write_text(
            json.dumps({**vars(options), "out": "", "rows": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
