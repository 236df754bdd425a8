"""The step `evaluate`: teacher and student against the gold test set, if there is one."""

from typing import List

from ..cli.evaluate import evaluate
from ..cli.output import percent, percent_range, say
from ..corpora.writing import write_json
from .layout import Project
from .teacher import label_text


def evaluate_project(project: Project) -> List[str]:
    """Label the gold test set with the student, and with the teacher if it has translations of it, and score both.

    RETURNS (List[str]): The names of what was scored: figures are in `metrics/QUALITY/NAME.json`.
    """
    gold = project.corpus / "gold.spacy"
    if not gold.exists():
        say("No figures: gold/ holds no test set.")
        return []
    systems = {"student": project.student}
    inputs = project.inputs()
    if inputs["road"] == "translator" or inputs["gold"]["translated"] == inputs["gold"]["sentences"]:
        systems = {"teacher": project.training / "teacher", **systems}
    else:
        say(
            f"The teacher has no translation for {inputs['gold']['sentences'] - inputs['gold']['translated']:,} test sentences: it is not scored."
        )
    for name, pipeline in systems.items():
        output = project.labelled / f"gold-{name}"
        label_text(project, pipeline, gold, output)
        scores = evaluate(gold, output)
        write_json(project.metrics / f"{name}.json", scores)
        interval = percent_range(scores["f1_interval"])
        say(
            f"{name}: F1 {percent(scores['f1'])} ({interval}), P {percent(scores['precision'])}, R {percent(scores['recall'])}"
        )
    return list(systems)
