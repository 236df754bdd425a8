"""What corrected sentences buy: F1 after so many of them, by what is corrected first.

    python -m benchmarks corrections projects/masakhane/pcm --lang pcm --pool POOL.spacy --out results/corrections/pcm

PROJECT is a folder of the recipe whose student is trained (`spacy project run all`). POOL has gold labels, which stand
for the person who corrects: the student labels its text, a queue chooses sentences (`xner export --by`), and their gold
labels are learned from beside the projected ones, as `corrected/` of a project is. "gold alone" learns from the
corrected sentences and nothing else, "projected alone" from a part of the projected sentences (`--parts`). Every student
is scored on the project's gold test set.

`rows.jsonl` gets a line for each student as it comes; what is there already is not trained again. The table of one or
more languages is made by `python -m benchmarks corrections_report`.
"""

import argparse
import json
from itertools import product
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import spacy
from spacy.tokens import Doc

from benchmarks.recipe_choices import scores, student_training
from xner_spacy.cli.exchange import export
from xner_spacy.corpora.docs import bare_copy, read_docs, write_docbin
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.corpora.splitting import split_docs
from xner_spacy.distillation.corrected import COPIES, with_corrected, without_corrected
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.docdata import correction_of
from xner_spacy.exchange.corrections import import_corrections
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.training import train_all

ALONE, PROJECTED = "gold alone", "projected alone"
VOCAB = spacy.blank("xx").vocab


class Cell(NamedTuple):
    """One student: what was corrected first, how many sentences, and the seed. Of "projected alone": how many projected
    sentences it learned from. copies (int): How often each corrected sentence comes.
    """

    queue: str
    size: int
    seed: int
    copies: int


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


def projected_part(labelled: Sequence[Doc], size: int, seed: int) -> List[Doc]:
    """RETURNS (List[Doc]): Training data with so many projected sentences, drawn at random. All that was not projected
    (gold sentences of relatives) stays.
    """
    projected = [k for k, doc in enumerate(labelled) if doc._.xner_source is not None]
    dropped = set(np.random.default_rng(seed).permutation(projected)[size:].tolist())
    return [doc for k, doc in enumerate(labelled) if k not in dropped]


def data_of(project: Project, cell: Cell, corrected: List[Doc]) -> Tuple[List[Doc], List[Doc]]:
    """RETURNS (Tuple[List[Doc], List[Doc]]): Training and development data of a student."""
    if cell.queue == ALONE:
        return split_docs(with_corrected([], corrected, 1), 0.2, cell.seed)
    train, dev = (list(read_docs(project.labelled / f"{part}.spacy", VOCAB)) for part in ("train", "dev"))
    if cell.queue == PROJECTED:
        return projected_part(train, cell.size, cell.seed), dev
    return with_corrected(train, corrected, cell.copies), without_corrected(dev, corrected)


def train(project: Project, cell: Cell, corrected: List[Doc], steps: int, folder: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The row of a cell: its student, trained and scored."""
    train_docs, dev_docs = data_of(project, cell, corrected)
    paths = {name: folder / f"{name}.spacy" for name in ("train", "dev")}
    for name, docs in (("train", train_docs), ("dev", dev_docs)):
        write_docbin(paths[name], docs)
    weights: Dict[str, Any] = {}
    if not any(get_soft(doc) is not None for doc in train_docs):
        weights = {"components.xner_student.soft_weight": 0.0, "components.xner_student.hard_weight": 1.0}
    training = student_training(project, folder, paths, cell.seed, steps, **weights)
    train_all(project, [training])
    gold = list(read_docs(project.corpus / "gold.spacy", VOCAB))
    projected = sum(doc._.xner_source is not None for doc in train_docs)
    return {
        "lang": project.lang,
        **cell._asdict(),
        "steps": steps,
        "projected": projected,
        **scores(training.best, gold),
    }


def cells_of(args: argparse.Namespace, project: Project) -> Iterator[Cell]:
    """YIELDS (Cell): The students that are asked for, those of one seed together."""
    sizes, seeds = ([int(number) for number in text.split(",")] for text in (args.sizes, args.seeds))
    shares = [float(share) for share in args.parts.split(",") if share]
    n_projected = 0
    if shares:
        labelled = read_docs(project.labelled / "train.spacy", VOCAB)
        n_projected = sum(doc._.xner_source is not None for doc in labelled)
    for seed in seeds:
        # Without corrected sentences there is nothing to choose.
        yield from (
            Cell(queue, size, seed, args.copies)
            for size, queue in product(sizes, args.queues.split(","))
            if size or queue == "random"
        )
        yield from (Cell(PROJECTED, round(share * n_projected), seed, args.copies) for share in shares)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="F1 after so many corrected sentences.")
    parser.add_argument("project", type=Path)
    parser.add_argument("--lang", required=True)
    parser.add_argument("--pool", type=Path, required=True, help="gold labels of the text that is corrected")
    parser.add_argument("--sizes", default="0,25,50,100,250,500,1000")
    parser.add_argument("--queues", default=f"random,doubt,expected-gain,{ALONE}")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--parts", default="", help="shares of the projected sentences to learn from alone: 0.25,0.5")
    parser.add_argument("--copies", type=int, default=COPIES, help="how often each corrected sentence comes")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    project = Project(root=args.project, lang=args.lang, workers=1)
    pool = list(read_docs(args.pool, VOCAB))
    args.out.mkdir(parents=True, exist_ok=True)
    labelled = label_pool(project, pool, args.out)
    file = args.out / "rows.jsonl"
    lines = file.read_text(encoding="utf8").splitlines() if file.exists() else []
    done = {Cell(*(row[name] for name in Cell._fields)) for row in map(json.loads, lines)}
    for cell in cells_of(args, project):
        if cell in done:
            continue
        chosen: List[Doc] = []
        if cell.size and cell.queue != PROJECTED:
            by = "random" if cell.queue == ALONE else cell.queue
            chosen = [pool[number] for number in order_of(labelled, by, cell.seed, cell.size, args.out)]
        folder = args.out / "-".join(map(str, cell)).replace(" ", "-")
        row = train(project, cell, chosen, args.steps, folder)
        with file.open("a", encoding="utf8") as stream:
            stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
