"""What corrected sentences buy: F1 after so many of them, by what is corrected first.

    python -m benchmarks corrections projects/masakhane/pcm --lang pcm --pool POOL.spacy --out results/corrections/pcm

PROJECT is a folder of the recipe whose student is trained (`spacy project run all`). POOL has gold labels, which stand for
the person who corrects: the student labels its text, a queue chooses sentences (`xner export --by`), and their gold labels
are learned from beside the projected ones, as `corrected/` of a project is. "gold alone" learns from the corrected
sentences and nothing else. Every student is scored on the project's gold test set.

`rows.jsonl` gets a line for each student as it comes; what is there already is not trained again. `corrections.md` has the
table: means over seeds, and the difference to random with the interval of Student's t over seeds.
"""

import argparse
import json
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import spacy
from scipy.stats import t as student_t
from spacy.tokens import Doc

from benchmarks.recipe_choices import scores
from xner_spacy.cli.exchange import export
from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.docs import bare_copy, read_docs, write_docbin
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.corpora.splitting import split_docs
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.distillation.corrected import COPIES, with_corrected, without_corrected
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.docdata import correction_of
from xner_spacy.exchange.corrections import import_corrections
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.training import Training, set_values, train_all

ALONE = "gold alone"
VOCAB = spacy.blank("xx").vocab


class Cell(NamedTuple):
    """One student: what was corrected first, how many sentences, and the seed."""

    queue: str
    size: int
    seed: int


def label_pool(project: Project, pool: Sequence[Doc], folder: Path) -> Path:
    """RETURNS (Path): The pool, labelled by the project's student with its probabilities."""
    labelled = folder / "pool.spacy"
    if not labelled.exists():
        nlp = load_pipeline(project.student)
        nlp.get_pipe("xner_student").store_soft = True  # type: ignore[attr-defined]
        write_docbin(labelled, nlp.pipe([bare_copy(doc, nlp.vocab) for doc in pool], batch_size=256))
    return labelled


def order_of(labelled: Path, queue: str, seed: int, limit: int, folder: Path) -> List[int]:
    """RETURNS (List[int]): The numbers of the sentences that a queue puts first, by the commands that a user has."""
    tasks, back = folder / f"{queue}-{seed}", folder / f"{queue}-{seed}.spacy"
    export(labelled, tasks, tool="iob2", by=queue, limit=limit, seed=seed)
    import_corrections(tasks / "sentences.iob", back, tool="iob2")
    return [correction_of(doc).number - 1 for doc in read_docs(back, VOCAB)]  # type: ignore[union-attr, operator]


def train(project: Project, cell: Cell, corrected: List[Doc], steps: int, folder: Path) -> Path:
    """RETURNS (Path): The student of a cell."""
    if cell.queue == ALONE:
        train_docs, dev_docs = split_docs(with_corrected([], corrected, 1), 0.2, cell.seed)
    else:
        train_docs, dev_docs = (list(read_docs(project.labelled / f"{part}.spacy", VOCAB)) for part in ("train", "dev"))
        train_docs, dev_docs = with_corrected(train_docs, corrected, COPIES), without_corrected(dev_docs, corrected)
    paths = {name: folder / f"{name}.spacy" for name in ("train", "dev")}
    for name, docs in (("train", train_docs), ("dev", dev_docs)):
        write_docbin(paths[name], docs)
    config = spacy.util.load_config(project.training / "student.cfg")
    values: Dict[str, Any] = {f"paths.{name}": str(path) for name, path in paths.items()}
    values |= {"system.seed": cell.seed, "training.max_steps": steps, "training.patience": 0}
    if not any(get_soft(doc) is not None for doc in train_docs):
        values |= {"components.xner_student.soft_weight": 0.0, "components.xner_student.hard_weight": 1.0}
    training = Training(folder, set_values(config, values), list(paths.values()))
    train_all(project, [training])
    return training.best


def report(rows: Sequence[Dict[str, Any]]) -> str:
    """RETURNS (str): The table in Markdown."""
    by_cell = {Cell(row["queue"], row["size"], row["seed"]): row["f1"] for row in rows}
    sizes = sorted({cell.size for cell in by_cell})
    queues = sorted({cell.queue for cell in by_cell})
    seeds = sorted({cell.seed for cell in by_cell})
    lines: List[List[str]] = []
    for queue, size in product(queues, sizes):
        known = [seed for seed in seeds if (queue, size, seed) in by_cell]
        if not known:
            continue
        f1 = [by_cell[Cell(queue, size, seed)] for seed in known]
        pairs = [(seed, ("random", size, seed)) for seed in known if ("random", size, seed) in by_cell]
        gains = np.array([100 * (by_cell[Cell(queue, size, seed)] - by_cell[Cell(*other)]) for seed, other in pairs])
        gain = ""
        if queue not in ("random", ALONE) and len(gains) > 1:
            half = student_t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
            gain = f"{gains.mean():+.1f} ({gains.mean() - half:+.1f} to {gains.mean() + half:+.1f})"
        lines.append([queue, str(size), str(len(f1)), percent(mean(f1)), gain])
    return table(["corrected first", "sentences", "seeds", "F1", "minus random"], lines) + "\n"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="F1 after so many corrected sentences.")
    parser.add_argument("project", type=Path)
    parser.add_argument("--lang", required=True)
    parser.add_argument("--pool", type=Path, required=True, help="gold labels of the text that is corrected")
    parser.add_argument("--sizes", default="0,25,50,100,250,500,1000")
    parser.add_argument("--queues", default=f"random,doubt,expected-gain,{ALONE}")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    project = Project(root=args.project, lang=args.lang, workers=1)
    pool = list(read_docs(args.pool, VOCAB))
    gold = list(read_docs(project.corpus / "gold.spacy", VOCAB))
    args.out.mkdir(parents=True, exist_ok=True)
    labelled = label_pool(project, pool, args.out)
    file = args.out / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()] if file.exists() else []
    done = {(row["queue"], row["size"], row["seed"]) for row in rows}
    sizes, seeds = ([int(number) for number in text.split(",")] for text in (args.sizes, args.seeds))
    for seed, size, queue in product(seeds, sizes, args.queues.split(",")):
        # Without corrected sentences there is nothing to choose.
        if (queue, size, seed) in done or (not size and queue != "random"):
            continue
        chosen: List[Doc] = []
        if size:
            by = "random" if queue == ALONE else queue
            chosen = [pool[number] for number in order_of(labelled, by, seed, size, args.out)]
        folder = args.out / f"{queue.replace(' ', '-')}-{size}-{seed}"
        student = train(project, Cell(queue, size, seed), chosen, args.steps, folder)
        rows.append({"queue": queue, "size": size, "seed": seed, "steps": args.steps, **scores(student, gold)})
        with file.open("a", encoding="utf8") as stream:
            stream.write(json.dumps(rows[-1]) + "\n")
        with atomic_write(args.out / "corrections.md") as page:
            page.write(report(rows))
    print(report(rows))


if __name__ == "__main__":
    main()
