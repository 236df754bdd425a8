"""The step `evaluate`: teacher and student against the gold test set, if there is one."""

from itertools import chain
from pathlib import Path
from typing import Dict, List

from ..cli.evaluate import evaluate
from ..cli.output import say
from ..cli.report import report
from ..corpora.docs import read_docs
from ..corpora.made_at_once import write_docbins
from ..corpora.writing import write_json
from ..distillation.soft.name_types import NameTypes
from ..distillation.soft.soft_labels import get_soft
from ..distillation.teachers.mixtures import entities_of
from ..languages import blank_vocab
from .labels import type_names, type_readings
from .layout import Project
from .teacher import label_text

SYSTEMS = ("teacher", "typed-teacher", "student")


def evaluate_project(project: Project) -> List[str]:
    """Label the gold test set with the student, and with the teacher if it has translations of it, and score both. A
    third row, "typed-teacher", is the teacher after names were typed by the whole text, as in the step `labels`.

    RETURNS (List[str]): The names of what was scored: figures are in `metrics/QUALITY/NAME.json`.
    """
    gold = project.corpus / "gold.spacy"
    inputs = project.inputs()
    systems: Dict[str, Path] = {}
    if not gold.exists():
        say("No figures: gold/ holds no test set.")
    else:
        untranslated = inputs["gold"]["sentences"] - inputs["gold"]["translated"]
        if inputs["road"] == "translator" or not untranslated:
            systems["teacher"] = project.training / "teacher"
        else:
            say(f"The teacher has no translation for {untranslated:,} test sentences: it is not scored.")
        systems["student"] = project.student
    for name in SYSTEMS:
        # Figures of an earlier test set would stand in the tables, the page and the model card.
        (project.metrics / f"{name}.json").unlink(missing_ok=True)
    if not systems:
        return []
    outputs: Dict[str, Path] = {}
    for name, pipeline in systems.items():
        outputs[name] = project.labelled / f"gold-{name}"
        label_text(project, pipeline, gold, outputs[name])
        if name == "teacher" and project.best:
            outputs.update(_typed_teacher(project, outputs[name]))
    for name, output in outputs.items():
        write_json(project.metrics / f"{name}.json", evaluate(gold, output))
    say(report({name: project.metrics / f"{name}.json" for name in outputs}, title="Against the gold test set"))
    return list(outputs)


def _typed_teacher(project: Project, labelled: Path) -> Dict[str, Path]:
    """RETURNS (Dict[str, Path]): The folder of the test set with types from it and the text that the student learned
    from, by the name "typed-teacher". Empty if the teacher has no distributions. labelled (Path): What it labelled.
    """
    vocab = blank_vocab("xx")
    gold = list(read_docs(labelled, vocab))
    if not any(get_soft(doc) is not None for doc in gold):
        return {}
    text = project.labelled / "projected"
    retyper = NameTypes()
    docs = list(chain(read_docs(text, vocab), gold))
    docs = type_names(type_readings(project, docs, retyper), retyper)
    output = project.labelled / "gold-typed-teacher"
    typed = docs[-len(gold) :]
    for doc in typed:
        soft = get_soft(doc)
        if soft is not None:
            doc.ents = entities_of(soft, doc)  # the distributions are what the student learns from
    write_docbins([(output, typed)], made_by="xner recipe evaluate", inputs=[text, labelled])
    return {"typed-teacher": output}
