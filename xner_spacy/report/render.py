"""A report as one page without a network, and as Markdown."""

import base64
from pathlib import Path
from typing import Any, List, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..escape import fence_for, for_markdown, for_terminal
from .figure import Figure, Section
from .folder import FIGURES, write_folder
from .svg import Panel, chart_css, inline


def write_page(folder: Path, *, title: str, question: str, sections: Sequence[Section], footer: str) -> List[Path]:
    """Write `index.html`, `README.md`, and each figure as SVG and CSV under `figures/`.

    folder (Path): Made where it is missing; figures of an earlier report in it are removed.
    title, question, footer (str): Text. sections (Sequence[Section]): The report.
    RETURNS (List[Path]): The files written. RAISES: InputError where a file is in the way that no report made.
    """
    figures = [figure for section in sections for figure in section.figures()]
    said = {"title": title, "question": question, "sections": sections, "footer": footer}
    texts = {"index.html": render("page.html", **said), "README.md": render("page.md", **said)}
    for figure in figures:
        texts[f"{FIGURES}/{figure.key}.svg"] = figure.svg()
        texts[f"{FIGURES}/{figure.key}.csv"] = figure.table.csv()
    return write_folder(folder, texts)


def render(template: str, **values: Any) -> str:
    """RETURNS (str): A template filled in; HTML is escaped where it is not markup."""
    environment = Environment(
        loader=PackageLoader("xner_spacy.report"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    environment.filters.update(drawn=_drawn, data_uri=_data_uri, md=for_markdown, fence=fence_for)
    page_css = environment.get_template("page.css").render()
    style = Markup(f"{chart_css()}{page_css}")
    return environment.get_template(template).render(style=style, **values)


def _printable(value: Any) -> Any:
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return for_terminal(value, lines=True) if plain else value


def _drawn(panel: Panel, figure: Figure, index: int) -> Markup:
    title = f"{figure.title}: {panel.title}" if panel.title else figure.title
    return Markup(inline(panel, f"{figure.key}-{index}", title, panel.description))


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
