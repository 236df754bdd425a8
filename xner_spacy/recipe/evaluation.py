"""The step `evaluate`: teacher and student against the gold test set, if there is one."""

from pathlib import Path
from typing import Dict, List

from ..cli.evaluate import evaluate
from ..cli.output import say
from ..cli.report import report
from ..corpora.writing import write_json
from .layout import Project
from .teacher import label_text


def evaluate_project(project: Project) -> List[str]:
    """Label the gold test set with the student, and with the teacher if it has translations of it, and score both.

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
    for name in {"teacher", "student"} - set(systems):
        # Figures of an earlier test set would stand in the tables, the page and the model card.
        (project.metrics / f"{name}.json").unlink(missing_ok=True)
    if not systems:
        return []
    for name, pipeline in systems.items():
        output = project.labelled / f"gold-{name}"
        label_text(project, pipeline, gold, output)
        scores = evaluate(gold, output)
        write_json(project.metrics / f"{name}.json", scores)
    say(report({name: project.metrics / f"{name}.json" for name in systems}, title="Against the gold test set"))
    return list(systems)
