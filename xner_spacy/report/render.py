"""A report as one page without a network, and as Markdown."""

import base64
import shutil
from pathlib import Path
from typing import Any, List, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..corpora.writing import atomic_write
from .figure import Figure, Section
from .svg import Panel, chart_css, inline


def write_page(
    folder: Path, *, title: str, question: str, sections: Sequence[Section], footer: str
) -> List[Path]:
    """Write `index.html`, `README.md`, and each figure as SVG and CSV under `figures/`.

    folder (Path): Made where it is missing; figures of an earlier report in it are removed.
    title, question, footer (str): Text. sections (Sequence[Section]): The report.
    RETURNS (List[Path]): The files written.
    """
    figures = [figure for section in sections for figure in section.figures()]
    said = {"title": title, "question": question, "sections": sections, "footer": footer}
    texts = {
        folder / "index.html": render("page.html", **said),
        folder / "README.md": render("page.md", **said),
    }
    for figure in figures:
        texts[folder / "figures" / f"{figure.key}.svg"] = figure.svg()
        texts[folder / "figures" / f"{figure.key}.csv"] = figure.table.csv()
    shutil.rmtree(folder / "figures", ignore_errors=True)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(text)
    return list(texts)


def render(template: str, **values: Any) -> str:
    """RETURNS (str): A template filled in; HTML is escaped where it is not markup."""
    environment = Environment(
        loader=PackageLoader("xner_spacy.report"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(drawn=_drawn, data_uri=_data_uri)
    page_css = environment.get_template("page.css").render()
    style = Markup(f"{chart_css()}{page_css}")
    return environment.get_template(template).render(style=style, **values)


def _drawn(panel: Panel, figure: Figure, index: int) -> Markup:
    title = f"{figure.title}: {panel.title}" if panel.title else figure.title
    return Markup(inline(panel, f"{figure.key}-{index}", title, panel.description))


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
