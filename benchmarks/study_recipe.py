"""Does the answer of the ratio study hold for the students of the recipe?

    cd projects/ratio-study   # after `spacy project run all`, or its steps `data`, `corpus` and `configs`
    export PYTHONPATH=../..
    python -m benchmarks study_recipe study_cpu_2.cfg --out ../../docs/study/masakhane-cpu-2/recipe.csv
    python -m benchmarks study_recipe study_cpu_2.cfg --out ../../docs/study/masakhane-cpu-2/recipe.csv --report

The four corners of the study's grid, with the study's own samples of a draw, by the best recipe of `xner new` without
other labelled languages: three English pipelines, each trained on seven eighths of the labelled English sentences (the
rest is their development data); the mean of them labels the translations; types from the whole text, which is the
sampled target text; a student of the recipe's size and steps. As in the study, the aligner learns from the whole bitext.

A row is written for each student as it comes; what is there already is not trained again. The page of the study shows
the rows (`also` in [study]). `--report` prints the gains beside those of the study's own students (arm `soft`, the same
cells, seeds and draws).
"""

import argparse
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import pandas as pd
from tqdm import tqdm

from benchmarks.alignment_cost import processor_seconds
from benchmarks.recipe_choices import found_entities, student_training
from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.docs import bare_copy, doc_entities, docbin_paths, read_docs, write_docbin
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.corpora.splitting import split_docs
from xner_spacy.docdata import install_extensions
from xner_spacy.languages import blank_vocab
from xner_spacy.recipe.english import english_training, make_english
from xner_spacy.recipe.inputs import gather_inputs
from xner_spacy.recipe.labels import DEV_SHARE, make_labels
from xner_spacy.recipe.layout import ENGLISH_MODELS, Project
from xner_spacy.recipe.teacher import label_by_projection
from xner_spacy.recipe.training import train_all
from xner_spacy.study.analysis.finding import cell_table, complete
from xner_spacy.study.analysis.intervals import CELL, REPLICATE, SIZES, crossed, frame_of, measured
from xner_spacy.study.analysis.variants import RECIPE
from xner_spacy.study.design.config import Study, read_study
from xner_spacy.study.design.input_files import Inputs, file_checksum
from xner_spacy.study.design.jobs import machine, measure
from xner_spacy.study.design.plan import digest
from xner_spacy.study.design.rows import DONE, Row, read_rows, write_rows

VARIANT = "students of the recipe"
FEW_SOURCE, MUCH_SOURCE = 300, 30_000
FEW_TARGET, MUCH_TARGET = 100, 3000
# What is compared: a name, the corner with more text, and the corner with less of one kind (source, target).
FROM_TARGET, FROM_SOURCE = "target text, much source text", "source text, much target text"
GAINS = {
    "target text, little source text": ((FEW_SOURCE, MUCH_TARGET), (FEW_SOURCE, FEW_TARGET)),
    FROM_TARGET: ((MUCH_SOURCE, MUCH_TARGET), (MUCH_SOURCE, FEW_TARGET)),
    "source text, little target text": ((MUCH_SOURCE, FEW_TARGET), (FEW_SOURCE, FEW_TARGET)),
    FROM_SOURCE: ((MUCH_SOURCE, MUCH_TARGET), (FEW_SOURCE, MUCH_TARGET)),
}
# What H13 asks for: the second of these gains minus the last.
DIFFERENCE = "target minus source text, where the other is much"


class Cell(NamedTuple):
    """One student: its language, the sizes of both samples, and the number of the draw, which is the seed, too."""

    lang: str
    n_source: int
    n_target: int
    seed: int


def sampled(study: Study, side: str, cell: Cell) -> List[Any]:
    """RETURNS (List[Doc]): The sentences that a cell of the study has, of the source or the target text."""
    name = "source" if side == "source" else f"target {cell.lang}"
    paths = study.files([cell.lang])
    inputs = Inputs(paths, {name: file_checksum(paths[name])})
    params = {**cell._asdict(), "draw": cell.seed, "sampling": study.settings.sampling}
    return inputs.docs(name, blank_vocab("xx"), inputs.sample(side, params, blank_vocab("xx")))


def english_folder(work: Path, cell: Cell) -> Path:
    """RETURNS (Path): The folder of the English pipelines of a cell, which all languages share."""
    return work / f"english-{cell.n_source}-{cell.seed}"


def train_english(study: Study, work: Path, cell: Cell, workers: int) -> None:
    """Train the English pipelines of a cell; what is trained already stays."""
    project = Project(root=english_folder(work, cell), seed=cell.seed, workers=workers)
    paths = project.corpus / "train.spacy", project.corpus / "dev.spacy"
    if not all(path.exists() for path in paths):
        docs = sampled(study, "source", cell)
        for path, part in zip(paths, split_docs(docs, DEV_SHARE, cell.seed), strict=True):
            write_docbin(path, part)
    train_all(project, [english_training(project, *paths, number) for number in range(ENGLISH_MODELS["best"])])


def fill_folders(study: Study, work: Path, mafand: Path, cell: Cell, root: Path) -> None:
    """Put the inputs of a cell into the folders of a project, as a user would."""
    write_docbin(root / "text" / "text.spacy", [bare_copy(doc, doc.vocab) for doc in sampled(study, "target", cell)])
    (root / "bitext").mkdir(exist_ok=True)
    for file in sorted((mafand / f"en-{cell.lang}").iterdir()):
        if file.suffix in (".en", f".{cell.lang}"):
            shutil.copyfile(file, root / "bitext" / file.name)
    (root / "gold").mkdir(exist_ok=True)
    test = docbin_paths(study.files([cell.lang])[f"test {cell.lang}"])
    for number, file in enumerate(test):
        shutil.copyfile(file, root / "gold" / f"test-{number}.spacy")
    for number in range(ENGLISH_MODELS["best"]):
        pipeline = english_folder(work, cell) / "training" / "best" / f"english-{number}" / "model-best"
        shutil.copytree(pipeline, root / "english" / f"english-{number}", dirs_exist_ok=True)


def train_student(config: Path, work: Path, mafand: Path, cell: Cell, steps: int) -> Row:
    """RETURNS (Row): The row of a cell: a student of the recipe, trained and scored."""
    install_extensions()
    started = processor_seconds()
    study = read_study(config)
    root = work / "-".join(map(str, cell))
    project = Project(root=root, lang=cell.lang, seed=cell.seed, workers=1)
    fill_folders(study, work, mafand, cell, root)
    gather_inputs(root, cell.lang, seed=cell.seed)
    make_english(project)
    label_by_projection(project)
    paths = dict(zip(("train", "dev"), make_labels(project), strict=True))
    training = student_training(project, project.training / "student", paths, cell.seed, steps)
    train_all(project, [training])
    nlp = load_pipeline(training.best)
    gold = list(read_docs(project.corpus / "gold.spacy", nlp.vocab))
    labelled = list(read_docs(paths["train"], nlp.vocab))
    files = {name: file_checksum(path) for name, path in study.files([cell.lang]).items()}
    return Row(
        RECIPE,
        cell.lang,
        "soft",
        "steps",
        cell.n_source,
        cell.n_target,
        cell.seed,
        cell.seed,
        DONE,
        **measure([doc_entities(doc) for doc in gold], found_entities(nlp, gold), {}),
        train_sentences=len(labelled),
        train_entities=sum(len(doc.ents) for doc in labelled),
        steps=steps,
        seconds=round(processor_seconds() - started, 2),
        machine=machine(),
        job=digest({**cell._asdict(), "files": files, "config": training.config.to_str()}),
        bias=round(float(nlp.get_pipe("xner_student").cfg["bias"]), 5),  # type: ignore[attr-defined]
        variant=VARIANT,
    )


def run(args: argparse.Namespace) -> None:
    """Measure the cells that are not in the file of rows yet."""
    study = read_study(args.config)
    rows = read_rows(args.out) if args.out.exists() else []
    done = {Cell(row.lang, row.n_source, row.n_target, row.seed) for row in rows}
    cells = [cell for cell in cells_of(args) if cell not in done]
    for cell in {english_folder(args.work, cell): cell for cell in cells}.values():
        train_english(study, args.work, cell, args.workers)
    with ProcessPoolExecutor(args.workers) as pool, tqdm(total=len(cells), unit=" students") as progress:
        jobs = [pool.submit(train_student, args.config, args.work, args.mafand, cell, args.steps) for cell in cells]
        for job in as_completed(jobs):
            rows.append(job.result())
            write_rows(args.out, rows)
            progress.update()


def cells_of(args: argparse.Namespace) -> Iterator[Cell]:
    """YIELDS (Cell): The corners of all languages, draw by draw."""
    seeds, languages = map(int, args.seeds.split(",")), args.langs.split(",")
    corners = product((MUCH_SOURCE, FEW_SOURCE), (MUCH_TARGET, FEW_TARGET))
    for seed, (n_source, n_target), lang in product(seeds, list(corners), languages):
        yield Cell(lang, n_source, n_target, seed)


def gains(rows: pd.DataFrame) -> Dict[str, Dict[str, float]]:
    """RETURNS (Dict[str, Dict[str, float]]): The gains from one corner to another, with their intervals for languages
    like these; those whose corners were measured. rows (DataFrame): One row of each cell.
    """
    corners = {size: cell_table(of_size) for size, of_size in rows.groupby(["n_source", "n_target"])}
    tables = {
        name: corners[more] - corners[less] for name, (more, less) in GAINS.items() if {more, less} <= set(corners)
    }
    if {FROM_TARGET, FROM_SOURCE} <= set(tables):
        tables[DIFFERENCE] = tables[FROM_TARGET] - tables[FROM_SOURCE]
    kept = {name: complete(table_of_gain) for name, table_of_gain in tables.items()}
    return {name: crossed(table_of_gain) for name, table_of_gain in kept.items() if table_of_gain is not None}


def report(study: Study, file: Path) -> str:
    """RETURNS (str): Tables in Markdown: F1 of each corner and language, and the gains beside those of the study."""
    recipe, small = (measured(frame_of(read_rows(path))) for path in (file, study.settings.report / "results.csv"))
    keys = [*CELL, *REPLICATE]
    small = small[(small["block"] == "main") & (small["arm"] == "soft")].merge(recipe[keys], on=keys)
    corners = recipe.groupby(CELL)["f1"].mean().unstack(SIZES)
    heads = [f"{source:,} / {target:,}" for source, target in corners.columns]
    by_language = [[lang, *map(percent, line)] for lang, line in zip(corners.index, corners.to_numpy(), strict=True)]
    own, others = gains(recipe), gains(small)
    lines = [[name, _interval(own[name]), _interval(others.get(name))] for name in own]
    return "\n\n".join(
        [
            table(["source / target sentences", *heads], by_language),
            table(["F1 gained by more", "students of the recipe", "students of the study"], lines),
        ]
    )


def _interval(found: Optional[Dict[str, float]]) -> str:
    if found is None:
        return "-"
    return f"{100 * found['value']:+.1f} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="The corners of the ratio study by the recipe.")
    parser.add_argument("config", type=Path, help="the config of the study")
    parser.add_argument("--mafand", type=Path, default=Path("../masakhane/assets/downloads/mafand"))
    parser.add_argument("--langs", default="lug,luo,tsn,pcm")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--steps", type=int, default=1500, help="of the student")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("training/recipe"))
    parser.add_argument("--out", type=Path, required=True, help="the file of rows")
    parser.add_argument("--report", action="store_true", help="only print the tables of the rows")
    args = parser.parse_args(argv)
    if args.report:
        print(report(read_study(args.config), args.out))
        return
    run(args)


if __name__ == "__main__":
    main()
