"""The step `page`: what was done and how good it is, on one page that needs no network."""

from pathlib import Path
from typing import Any, Dict, List, Tuple

import srsly
from markupsafe import Markup
from typing_extensions import TypedDict

from .. import report
from ..about import __version__
from ..cli.output import done, percent, percent_range
from ..cli.report import find_made_from
from ..corpora.reading import read_json
from ..corpora.writing import atomic_write
from ..evaluation.entities import read_scores
from ..report.plain_charts import draw_curves, draw_funnel, draw_reliability
from ..report.templating import environment
from ..report.view.comparing import Row, Rows
from ..report.view.drawing import ERRORS, Drawn, Palette, draw, draw_flowing, style
from ..types import Json
from .evaluation import SYSTEMS
from .layout import Project
from .run_figures import (
    examples_of_errors,
    funnel_of,
    judged_folders,
    most_doubtful,
    reliability_bins,
    training_curves,
)


class _Manifest(TypedDict):
    totals: Dict[str, int]


def write_page(project: Project) -> Path:
    """Write `page.html` with the figures, what was lost on the way, and the sentences that the teacher doubts most.

    RETURNS (Path): The page.
    """
    templates = environment("xner_spacy.recipe")
    sections: Any = templates.get_template("page.html.jinja").module
    inputs = project.inputs()
    files = {name.replace("-", " "): project.metrics / f"{name}.json" for name in SYSTEMS}
    scores = {name: read_scores(file) for name, file in files.items() if file.exists()}
    made = [
        ("quality", "How good is it?", _quality(sections, scores)),
        ("reliability", "What do the scores mean?", sections.reliability(_reliability(project))),
        ("errors", "Errors by kind", _errors(sections, project, scores)),
        ("losses", "Where entities were lost", _losses(sections, project)),
        ("learning", "How the pipelines learned", sections.learning(_curves(project))),
        ("inputs", "What was read", sections.inputs(inputs)),
        ("times", "How long it took", sections.times(project.times())),
        ("doubt", "What the teacher doubts most", _doubt(sections, project)),
    ]
    colours = srsly.read_json(Path(report.__file__).parent / "templates" / "charts.json")
    plain = templates.get_template("plain_charts.css").render()
    text = templates.get_template("page.html").render(
        title=f"Named entities in {inputs['language']['name']}",
        head=Markup(sections.head(project, inputs, project.english(), __version__)),
        sections=[(key, name, Markup(body)) for key, name, body in made],
        light=colours["light"],
        dark=colours["dark"],
        style=Markup(plain) + style(),
        footer=f"Made by xner-spacy {__version__}. Look at every sentence: xner view {project.labelled / 'projected'}",
    )
    page = project.root / "page.html"
    with atomic_write(page) as file:
        file.write(text)
    done("Page", page)
    return page


def _quality(sections: Any, scores: Dict[str, Json]) -> Markup:
    rows = [_figures(name, row) for name, row in scores.items()]
    labels = sorted({label for row in scores.values() for label in row["per_type"]})
    origins = {name: find_made_from(row) for name, row in scores.items()}
    return Markup(sections.quality(rows, labels, origins))


def _figures(name: str, scores: Json) -> Dict[str, Any]:
    figures: Dict[str, Any] = {key: percent(scores[key]) for key in ("f1", "precision", "recall")}
    per_type = {label: percent(row["f1"]) for label, row in scores["per_type"].items()}
    return {"name": name, **figures, "interval": percent_range(scores["f1_interval"]), "per_type": per_type}


def _reliability(project: Project) -> Markup:
    bins = reliability_bins(project)
    return draw_reliability(bins) if bins else Markup("")


def _curves(project: Project) -> Markup:
    curves = training_curves(project)
    return draw_curves(curves, "step", "F1 on the development data") if curves else Markup("")


def _losses(sections: Any, project: Project) -> Markup:
    totals = read_json(project.labelled / "projected" / "manifest.json", _Manifest)["totals"]
    sentences, entities = funnel_of(totals)
    return Markup(sections.losses(draw_funnel(sentences), draw_funnel(entities), totals))


def _errors(sections: Any, project: Project, scores: Dict[str, Json]) -> Markup:
    counts = {name: row.get("errors", {}) for name, row in scores.items()}
    # The student is what is used; the teacher stands in for it.
    judged = judged_folders(project)
    examples: List[Tuple[str, List[Markup]]] = []
    if judged:
        rows = Rows(judged.get("student") or judged["teacher"], gold=project.corpus / "gold.spacy")
        examples = [(ERRORS[kind], [_drawn(row) for row in found]) for kind, found in examples_of_errors(rows).items()]
    return Markup(sections.errors(counts, ERRORS, examples))


def _doubt(sections: Any, project: Project) -> Markup:
    rows = most_doubtful(Rows(project.labelled / "projected"))
    return Markup(sections.doubt([(row.number + 1, row.lowest_score, _drawn(row)) for row in rows]))


def _drawn(row: Row) -> Markup:
    """RETURNS (Markup): A sentence, with gold beneath it where that is known."""
    panel, palette = row.panels[0], Palette()
    drawing = draw(Drawn(panel, palette))
    if row.gold is None:
        return drawing
    gold = draw_flowing(panel.words, panel.spaces, row.gold, palette)
    return drawing + Markup('<p class="gold">Gold: {}</p>').format(gold)
