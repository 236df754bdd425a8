"""What the recipe of `xner new` was chosen by: its parts switched on and off, on languages whose gold decides nothing else.

    python -m benchmarks recipe_choices --lang yor --sources pcm --weights 0 --types on,off
    python -m benchmarks recipe_choices --lang swa --sources kin,nya,pcm,sna,yor --weights 0 --filled 0,30000
    python -m benchmarks recipe_choices --lang yor --sources hau,pcm,swa --transfer hau,pcm,swa --weights 0,0.25,0.5
    python -m benchmarks recipe_choices --lang swa --sources hau,kin,nya,pcm,sna,yor --transfer kin,nya,sna --weights 0,0.25,0.5

It makes a project of MasakhaNER 2.0 and MAFAND under --work, runs the steps of the recipe, and prints F1 on the gold test
set for each weight of the transfer. `--sources` are the languages whose gold is carried to English; without any the
English pipelines learn from public data alone. The teacher is scored on the labelled training sentences that have a
translation, since the test sentences of these languages have none. What is trained already stays.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.bitext import read_bitext
from xner_spacy.corpora.docs import bare_copy, doc_entities, read_docs
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.recipe.data import find_data
from xner_spacy.recipe.english import PUBLIC, make_english
from xner_spacy.recipe.inputs import gather_inputs
from xner_spacy.recipe.labels import FILLED_SIZE, make_labels
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.teacher import label_by_projection
from xner_spacy.recipe.training import Training, set_values, train_all
from xner_spacy.recipe.transfer import label_by_transfer
from xner_spacy.translation.given_bitext import letters_key
from xner_spacy.types import Entity, Json, Retyper

# The second leaves the types of the teacher as they are.
RETYPERS: Dict[str, Optional[Retyper]] = {"on": None, "off": lambda corpus: [[] for _ in corpus]}
SCRIPT = Path(__file__).resolve().parent.parent / "projects" / "masakhane" / "scripts" / "inputs.py"


def make_project(lang: str, sources: str, data: Path, folder: Path, seed: int) -> Project:
    """RETURNS (Project): A project of the language, with its inputs read."""
    spec: Any = importlib.util.spec_from_file_location("masakhane_inputs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (folder / "text").exists():
        module.main(lang, data / "masakhaner2", data / "mafand", folder, sources)
    find_data(folder, [data_set.name for data_set in PUBLIC], data)
    gather_inputs(folder, lang, seed=seed)
    return Project(root=folder, lang=lang, seed=seed)


def scores(pipeline: Path, gold: Sequence[Doc], **settings: Any) -> Json:
    """RETURNS (Json): The scores of a pipeline on Docs with gold entities. settings: Of its config, by dotted name."""
    return evaluate([doc_entities(doc) for doc in gold], found_entities(spacy.load(pipeline, config=settings), gold))


def found_entities(nlp: Language, docs: Sequence[Doc]) -> List[List[Entity]]:
    """RETURNS (List[List[Entity]]): What a pipeline finds in the text of Docs."""
    return [doc_entities(doc) for doc in nlp.pipe([bare_copy(doc, nlp.vocab) for doc in docs], batch_size=256)]


def translated_training_text(lang: str, data: Path, folder: Path) -> List[Doc]:
    """RETURNS (List[Doc]): MasakhaNER's training sentences that MAFAND has a translation of, with gold entities."""
    bitext = data / "mafand" / f"en-{lang}"
    keys = {
        letters_key(target)
        for file in bitext.glob("*.en")
        for _, target in read_bitext(file, file.with_suffix(f".{lang}"))
    }
    gold = folder / "training-gold.spacy"
    command = [sys.executable, "-m", "xner_spacy", "convert", data / "masakhaner2" / lang / "train.txt", gold]
    subprocess.run([*map(str, command), "--label-map", "masakhaner", "--repair"], check=True)
    return [doc for doc in read_docs(gold, spacy.blank("xx").vocab) if letters_key(doc.text) in keys]


def student_training(
    project: Project, folder: Path, paths: Mapping[str, Path], seed: int, steps: int, **settings: Any
) -> Training:
    """RETURNS (Training): That of a student of a project. paths (Mapping[str, Path]): Its data, by "train" and "dev".
    settings: Of its config, by dotted name.
    """
    values: Dict[str, Any] = {f"paths.{name}": str(path) for name, path in paths.items()}
    values |= {"system.seed": seed, "training.max_steps": steps, "training.patience": 0, **settings}
    config = set_values(spacy.util.load_config(project.training / "student.cfg"), values)
    return Training(folder, config, list(paths.values()))


def train_student(project: Project, name: str, steps: int) -> Path:
    """RETURNS (Path): A student of the project's labels, beside its data; what is trained already stays."""
    folder = project.root / "students" / name
    folder.mkdir(parents=True, exist_ok=True)
    paths = {split: folder / f"{split}.spacy" for split in ("train", "dev")}
    for split, path in paths.items():
        shutil.copy(project.labelled / f"{split}.spacy", path)
    training = student_training(project, folder, paths, project.seed, steps)
    train_all(project, [training])
    return training.best


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="What the recipe was chosen by.")
    parser.add_argument("--lang", default="yor")
    parser.add_argument("--sources", default="", help="whose gold is carried to English, with commas")
    parser.add_argument("--transfer", default="", help="languages to transfer from, of --sources")
    parser.add_argument("--weights", default="0", help="weights of the transfer, with commas")
    parser.add_argument("--types", default="on", help="with xner.NameTypes.v1 or without: on, off, or on,off")
    parser.add_argument("--filled", default=str(FILLED_SIZE), help="sizes to fill up to with relatives' gold")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("results/recipe"))
    args = parser.parse_args(argv)
    if args.lang in ("lug", "luo", "tsn"):
        parser.error("the gold of lug, luo and tsn decides nothing")
    folder = args.work / f"{args.lang}-{args.sources.replace(',', '_') or 'public'}"
    project = make_project(args.lang, args.sources, args.data, folder, args.seed)
    make_english(project)
    label_by_projection(project)
    rows: List[List[str]] = []

    def add(name: str, result: Json) -> None:
        rows.append([name, *(percent(result[key]) for key in ("precision", "recall", "f1"))])

    known = translated_training_text(args.lang, args.data, folder)
    if known:
        add(f"teacher ({len(known)} training sentences)", scores(project.training / "teacher", known))
    gold = list(read_docs(project.corpus / "gold.spacy", spacy.blank("xx").vocab))
    if args.transfer:
        label_by_transfer(project, args.transfer.split(","))
        add(f"transfer from {args.transfer}", scores(project.training / "transfer", gold))
    weights, sizes = map(float, args.weights.split(",")), map(int, args.filled.split(","))
    for weight, types, filled in product(weights, args.types.split(","), sizes):
        make_labels(project, weight, RETYPERS[types], filled)
        settings = f"{weight:g}-types-{types}-filled-{filled}-{args.steps}-{args.seed}"
        student = train_student(project, f"{args.transfer.replace(',', '_') or 'none'}-{settings}", args.steps)
        add(f"student, transfer {weight:g}, types {types}, filled to {filled}", scores(student, gold))
        add("without xner.ComposedLetters.v1", scores(student, gold, **{"nlp.after_creation": None}))
    print(table([f"{args.lang}, English and {args.sources or 'no source'}", "P", "R", "F1"], rows))


if __name__ == "__main__":
    main()
