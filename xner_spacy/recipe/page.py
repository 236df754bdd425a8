"""The step `page`: what was done and how good it is, on one page that needs no network."""

from pathlib import Path
from typing import Any, Dict, List

from jinja2 import Environment, PackageLoader, StrictUndefined
from spacy import displacy
from typing_extensions import TypedDict

from ..about import __version__
from ..cli.output import done, percent, percent_range
from ..cli.report import find_made_from
from ..corpora.docs import read_docs
from ..corpora.reading import read_json
from ..corpora.writing import atomic_write
from ..docdata import SPANS_KEY
from ..evaluation.entities import read_scores
from ..languages import blank_vocab
from ..types import Json
from .layout import Project

# How many sentences are shown.
EXAMPLES = 40


class _Manifest(TypedDict):
    totals: Dict[str, int]


def write_page(project: Project) -> Path:
    """Write `page.html` with the figures, what was lost on the way, and the sentences that the teacher doubts most.

    RETURNS (Path): The page.
    """
    inputs = project.inputs()
    files = {name: project.metrics / f"{name}.json" for name in ("teacher", "student")}
    scores = {name: read_scores(file) for name, file in files.items() if file.exists()}
    environment = Environment(
        loader=PackageLoader("xner_spacy.recipe", "templates"),
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = project.root / "page.html"
    text = environment.get_template("page.html.jinja").render(
        project=project,
        inputs=inputs,
        scores=[_figures(name, row) for name, row in scores.items()],
        origins={name: find_made_from(row) for name, row in scores.items()},
        labels=sorted({label for row in scores.values() for label in row["per_type"]}),
        english=project.english(),
        counts=read_json(project.labelled / "projected" / "manifest.json", _Manifest)["totals"],
        times=project.times(),
        examples=_doubtful(project),
        version=__version__,
    )
    with atomic_write(page) as file:
        file.write(text)
    done("Page", page)
    return page


def _figures(name: str, scores: Json) -> Dict[str, Any]:
    figures: Dict[str, Any] = {key: percent(scores[key]) for key in ("f1", "precision", "recall")}
    per_type = {label: percent(row["f1"]) for label, row in scores["per_type"].items()}
    return {"name": name, **figures, "interval": percent_range(scores["f1_interval"]), "per_type": per_type}


def _doubtful(project: Project) -> List[Json]:
    """RETURNS (List[Json]): The projected sentences whose surest entity is least sure: their drawing and lowest score."""
    scored = []
    for doc in read_docs(project.labelled / "projected", blank_vocab("xx")):
        group = doc.spans.get(SPANS_KEY)
        values = list(group.attrs.get("scores", ())) if group is not None else []
        if values and doc.ents:
            scored.append((min(values), doc))
    scored.sort(key=lambda pair: pair[0])
    return [
        {"score": f"{score:.2f}", "drawing": displacy.render(doc, style="ent", jupyter=False)}
        for score, doc in scored[:EXAMPLES]
    ]
