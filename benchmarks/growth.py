"""What the projector, `xner project`, `xner evaluate` and `xner annotate` cost by the number of sentences, and what
starting costs.

    python -m benchmarks growth --out results/ --parts project,projector,evaluate,annotate,start --sizes 1000,10000

Each figure is of a process of its own: seconds of processor time (of the work alone, and with the start of the process
and its imports) and peak memory. The sentences are those of the embedded Icelandic-English corpus in any order, with
names that were made up for each sentence, the same in both languages: so all of them differ, and the vocabulary grows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import numpy as np

from xner_spacy.types import Alignment, SentencePair

from .alignment_cost import memory_peak, processor_seconds, slope

PARTS = ("project", "projector", "evaluate", "annotate", "start")
SIZES = (1_000, 10_000, 100_000)
SYLLABLES = ["ka", "mo", "ri", "ta", "shu", "len", "dor", "vik", "jan", "pel", "sto", "bra"]
# Sentences that are read before the projector gets them.
BLOCK = 10_000
ASSETS = Path(__file__).resolve().parent.parent / "assets"


def sentences(n: int, base: Sequence[SentencePair], seed: int = 0) -> Iterator[SentencePair]:
    """YIELDS (SentencePair): Pairs of a corpus in any order, with new names: each word of an entity that is linked to
    one word which begins with a capital, too, becomes a made-up one on both sides.
    """
    rng = np.random.default_rng(seed)
    for number in rng.integers(0, len(base), n).tolist():
        pair = base[number]
        source, target = list(pair.source), list(pair.target)
        linked: Dict[int, List[int]] = {}
        for i, j in pair.alignment.links.tolist():
            linked.setdefault(i, []).append(j)
        for entity in pair.entities:
            for i in range(entity.start, entity.end):
                places = linked.get(i, [])
                if len(places) == 1 and source[i][:1].isupper() and target[places[0]][:1].isupper():
                    source[i] = target[places[0]] = "".join(rng.choice(SYLLABLES, 4)).capitalize()
        yield SentencePair(source, target, pair.entities, pair.alignment)


def base_pairs(assets: Path = ASSETS) -> List[SentencePair]:
    """RETURNS (List[SentencePair]): The embedded corpus with the links of the embedded aligner."""
    from .projection_corpora import icelandic, lexical_links

    corpus = icelandic(assets)
    return corpus.pairs(lexical_links(corpus))


def write_files(folder: Path, n: int, base: Sequence[SentencePair]) -> None:
    """Write what the commands read: both sides, links, and predictions of which some are wrong."""
    from xner_spacy.corpora.formats.columns import TaggedSentence
    from xner_spacy.corpora.write import as_iob

    rng = np.random.default_rng(1)
    names = ("source.iob", "predicted.iob", "source.txt", "target.txt", "links.txt")
    files = {name: (folder / name).open("w", encoding="utf8") for name in names}
    for pair in sentences(n, base):
        entities = list(pair.entities)
        predicted = [entity for entity in entities if rng.random() < 0.9]
        predicted = [e._replace(label="LOC") if rng.random() < 0.1 else e for e in predicted]
        files["source.iob"].write(as_iob(TaggedSentence(list(pair.source), entities)))
        files["predicted.iob"].write(as_iob(TaggedSentence(list(pair.source), predicted)))
        files["source.txt"].write(" ".join(pair.source) + "\n")
        files["target.txt"].write(" ".join(pair.target) + "\n")
        files["links.txt"].write(pair.alignment.to_pharaoh() + "\n")
    for file in files.values():
        file.close()


# What is measured. Each function prepares in the folder, and returns the work itself. If that returns a number, it is the
# processor seconds of what counts.


def of_project(folder: Path) -> Callable[[], Any]:
    """RETURNS (Callable): `xner project --links`, with reading, learning and writing."""
    from xner_spacy.cli.project import project
    from xner_spacy.garbage import collecting_seldom

    def work() -> None:
        with collecting_seldom():  # as the command does
            files = (folder / name for name in ("source.iob", "target.txt", "out.iob"))
            project(*files, links=folder / "links.txt", details=False)  # as without --json

    return work


def of_projector(folder: Path) -> Callable[[], float]:
    """RETURNS (Callable): The default projector alone, which has learned from the first sentences. It returns the
    processor seconds without those of reading, which is done in blocks.
    """
    from xner_spacy.corpora.formats.lines import read_text
    from xner_spacy.corpora.formats.pharaoh import parse_line
    from xner_spacy.corpora.labelled import iter_tagged
    from xner_spacy.projection.matching.candidate_matching import TRAIN_LIMIT, MatchingProjector

    def read() -> Iterator[SentencePair]:
        sides = iter_tagged(folder / "source.iob"), read_text(folder / "target.txt")
        with (folder / "links.txt").open(encoding="utf8") as links:
            for tagged, target, line in zip(*sides, links, strict=True):
                yield SentencePair(tagged.words, target, tagged.entities, Alignment(parse_line(line)[0]))

    projector = MatchingProjector()
    projector.train(islice(read(), TRAIN_LIMIT))

    def work() -> float:
        seconds, pairs = 0.0, read()
        while block := list(islice(pairs, BLOCK)):
            before = processor_seconds()
            for _ in projector(block):
                pass
            seconds += processor_seconds() - before
        return seconds

    return work


def of_evaluate(folder: Path) -> Callable[[], Any]:
    """RETURNS (Callable): `xner evaluate` with its intervals."""
    from xner_spacy.cli.evaluate import evaluate

    return lambda: evaluate(folder / "source.iob", folder / "predicted.iob")


def of_annotate(folder: Path) -> Callable[[], Any]:
    """RETURNS (Callable): `xner annotate` with stored translations, rules in place of an English model, the embedded
    aligner, which learned from 1,000 of the sentences, and the default projector: nearly all of it is our own work.
    """
    import spacy

    from xner_spacy.corpora.annotate import annotate
    from xner_spacy.corpora.formats.lines import read_sentences
    from xner_spacy.garbage import collecting_seldom

    english = spacy.blank("en")
    ruler: Any = english.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PER", "pattern": [{"TEXT": {"REGEX": f"^{SYLLABLES[0].capitalize()}"}}]}])
    english.to_disk(folder / "english")
    nlp = spacy.blank("xx")
    bitext = {"source": str(folder / "source.txt"), "target": str(folder / "target.txt")}
    # The spaces between the tokens of a text are guessed, so it is looked up by its letters.
    translator = {"@xner_translators": "xner.Bitext.v1", "match": "letters", **bitext}
    nlp.add_pipe("xner_translator", config={"source_lang": "en", "translator": translator})
    nlp.add_pipe("xner_annotator", config={"model": str(folder / "english")})
    aligner: Any = nlp.add_pipe("xner_aligner", config={"aligner": {"@xner_aligners": "xner.Lexical.v1"}})
    sides = (read_sentences(folder / name) for name in ("source.txt", "target.txt"))
    aligner.part.train(list(islice(zip(*sides, strict=True), 1000)))
    nlp.add_pipe("xner_projector")
    nlp.to_disk(folder / "teacher")

    def work() -> None:
        with collecting_seldom():  # as the command does
            annotate(folder / "teacher", folder / "target.txt", folder / "annotated", tokenized=True)

    return work


WORK = {"project": of_project, "projector": of_projector, "evaluate": of_evaluate, "annotate": of_annotate}


def measure(part: str, folder: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Processor seconds of the work, and of this process until now, and its peak memory."""
    work = WORK[part](folder)
    before = processor_seconds()
    seconds = work()
    used = processor_seconds()
    seconds = seconds if isinstance(seconds, float) else used - before
    return {"cpu_seconds": seconds, "process_cpu_seconds": used, "peak_mib": memory_peak() / 2**10}


def curves(parts: Sequence[str], sizes: Sequence[int], base: Sequence[SentencePair]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): One row for each part and size."""
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            write_files(Path(name), size, base)
            for part in parts:
                command = [sys.executable, "-m", "benchmarks.growth", "--measure", part, name]
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=_one_thread())
                rows.append({"part": part, "sentences": size, **json.loads(done.stdout.splitlines()[-1])})
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _one_thread() -> Dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def start(rounds: int = 3) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Processor seconds of processes that only start, the best of a few rounds each."""
    commands = {
        "python": ["-c", "pass"],
        "import spacy": ["-c", "import spacy"],
        "import xner_spacy": ["-c", "import xner_spacy"],
        "xner --help": ["-m", "xner_spacy", "--help"],
        "xner evaluate --help": ["-m", "xner_spacy", "evaluate", "--help"],
    }
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for name, arguments in commands.items():
            before = processor_seconds()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True, env=_one_thread())
            best[name] = min(best[name], processor_seconds() - before)
    return {name: round(seconds, 3) for name, seconds in best.items()}


def table(result: Dict[str, Any]) -> str:
    """RETURNS (str): The figures in Markdown."""
    lines: List[str] = []
    if result.get("rows"):
        lines += [
            "| work | sentences | CPU s | with start | sentences/s | peak MiB |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for row in result["rows"]:
            rate = row["sentences"] / max(row["cpu_seconds"], 1e-9)
            cells = (
                f"{row['cpu_seconds']:.2f} | {row['process_cpu_seconds']:.2f} | {rate:,.0f} | {row['peak_mib']:,.0f}"
            )
            lines.append(f"| {row['part']} | {row['sentences']:,} | {cells} |")
    if result.get("exponents"):
        exponents = ", ".join(f"{part} {value:.2f}" for part, value in result["exponents"].items())
        lines += ["", f"Exponents of the processor time (1 is linear): {exponents}."]
    if result.get("start"):
        lines += ["", "| process | CPU s |", "|---|---:|"]
        lines += [f"| `{name}` | {seconds:.2f} |" for name, seconds in result["start"].items()]
    return "\n".join(lines).strip() + "\n"


def main(arguments: Optional[List[str]] = None) -> None:
    """Measure, and write growth.json and growth.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=3, help="how often processes that only start are measured")
    parser.add_argument("--out", type=Path, help="a folder for growth.json and growth.md")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(json.dumps(measure(options.measure[0], Path(options.measure[1]))))
        return
    parts, sizes = options.parts.split(","), [int(size) for size in options.sizes.split(",")]
    result: Dict[str, Any] = {}
    if measured := [part for part in parts if part != "start"]:
        rows = curves(measured, sizes, base_pairs())
        costs = {part: [row["cpu_seconds"] for row in rows if row["part"] == part] for part in measured}
        result = {"rows": rows}
        if len(sizes) > 1:
            result["exponents"] = {part: slope(sizes, seconds) for part, seconds in costs.items()}
    if "start" in parts:
        result["start"] = start(options.rounds)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "growth.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
        (options.out / "growth.md").write_text(table(result), encoding="utf8")
    print(table(result))


if __name__ == "__main__":
    main()
