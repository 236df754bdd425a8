"""`xner new` and `xner recipe STEP`."""

from pathlib import Path
from typing import Any, Callable, Dict, Optional

import typer

from ..cli.options import command, option
from ..cli.output import done, say, warn
from ..distillation.bitext_baselines import require_floret
from .data import data_cli
from .english import make_english
from .evaluation import evaluate_project
from .inputs import gather_inputs
from .labels import make_labels
from .layout import Project
from .new import new_cli
from .packaging import package_student
from .page import write_page
from .steps import timed
from .teacher import label_by_projection
from .transfer import label_by_transfer, transfer_sources

OPTIONS = {
    "root": option("--project"),
    "workers": option("-w", min=0, max=1000),
    "quality": option(kind=str),
    "broken": option(kind=str),
}


def read_inputs(project: Project) -> None:
    """Read and check the inputs of the project's folders, and choose the road."""
    summary = gather_inputs(project.root, project.lang, seed=project.seed, broken=project.broken)
    for warning in summary["warnings"]:
        warn("Mind the inputs:", warning)
    text, road = summary["text"], summary["road"]
    say(f"Text: {text['sentences']:,} sentences, {text['tokens']:,} tokens, from {text['from']}/")
    say(f"Road: {road}; the teacher labels {summary['labelled_text']}")
    if project.best and transfer_sources(project.lang, summary):
        # Said now, and not by the step `transfer`, which comes when English pipelines have been trained for minutes.
        require_floret("Learning from relatives of the language (sources/)")
    done("Inputs", project.corpus)


RUN: Dict[str, Callable[[Project], Any]] = {
    "inputs": read_inputs,
    "english": make_english,
    "teacher": label_by_projection,
    "transfer": label_by_transfer,
    "labels": make_labels,
    "evaluate": evaluate_project,
    "page": write_page,
}


def register(app: typer.Typer) -> None:
    """Add `xner new` and the group of the steps."""
    app.command("new")(new_cli)
    recipe = typer.Typer(
        help="The steps of a project that `xner new` made, as its project.yml calls them.", no_args_is_help=True
    )
    recipe.command("data")(data_cli)
    recipe.command("package", help=package_student.__doc__)(command(Project, **OPTIONS)(package_cli))
    for name, run in RUN.items():
        recipe.command(name)(_step_command(name, run))
    app.add_typer(recipe, name="recipe")


def package_cli(
    call: Callable[[], Project], name: str = "ner", version: str = "0.1.0", card: Optional[Path] = None
) -> None:
    """Package the student.

    name (str): Name of the package, after the language's code.
    version (str): Its version.
    card (Optional[Path]): The model card in YAML; the project's card.yml if it is left out.
    """
    project = call()
    with timed(project, "package"):
        package_student(project, card or project.root / "card.yml", name=name, version=version)


def _step_command(name: str, run: Callable[[Project], Any]) -> Callable[..., None]:
    def step_cli(call: Callable[[], Project]) -> None:
        project = call()
        with timed(project, name):
            run(project)

    made = command(Project, **OPTIONS)(step_cli)
    made.__doc__ = (run.__doc__ or "").split("\n\n")[0]
    made.__name__ = f"{name}_cli"
    return made
