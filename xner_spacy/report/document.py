"""A page without a network, and its Markdown twin, from one template of text with figures and tables in it."""

import base64
import re
import textwrap
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

import pandas as pd
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from ..escape import fence_for, for_csv, for_markdown, for_terminal
from .charts import DARK, LIGHT, Chart, interval, render, show, svg_of, with_interval
from .report_folder import FIGURES, write_folder

LINE = 120


@dataclass
class Table:
    """Values in lines.

    caption (str): What they are. data (DataFrame): The values. digits (int): Decimals shown.
    """

    caption: str
    data: pd.DataFrame
    digits: int = 1

    @property
    def columns(self) -> List[str]:
        """RETURNS (List[str]): Their names."""
        return list(self.data.columns)

    @property
    def rows(self) -> List[List[str]]:
        """RETURNS (List[List[str]]): The values as read by people."""
        return [[show(value, self.digits) for value in row] for row in self.data.astype(object).itertuples(index=False)]

    @property
    def numeric(self) -> List[bool]:
        """RETURNS (List[bool]): For each column, whether it holds numbers."""
        return [pd.api.types.is_numeric_dtype(kind) for kind in self.data.dtypes]

    def csv(self) -> str:
        """RETURNS (str): All values, with six significant digits."""
        return str(self.data.map(for_csv).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


@dataclass
class Figure:
    """A figure: its name in files, its drawing and its data; the text says its title, and how to read it."""

    key: str
    chart: Chart
    table: Table
    title: str = ""
    caption: str = ""

    @cached_property
    def _drawn(self) -> str:
        return render(self.chart)

    def inline(self) -> Markup:
        """RETURNS (Markup): The drawing in a page."""
        return Markup(svg_of(self.chart, self._drawn, self.title, key=self.key))

    @property
    def svg(self) -> str:
        """RETURNS (str): The drawing as a file."""
        return svg_of(self.chart, self._drawn, self.title) + "\n"


class TextTemplates:
    """Renders a template to Markdown. Figures and tables stand in it as comments, until all else is done."""

    def __init__(self, package: str, filters: Mapping[str, Callable]) -> None:
        loader = ChoiceLoader([PackageLoader(package), PackageLoader("xner_spacy.report")])
        options: Dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        self.markdown = Environment(loader=loader, finalize=_markdown, **options)
        self.html = Environment(loader=loader, finalize=_printable, autoescape=True, **options)
        for environment in (self.markdown, self.html):
            environment.filters.update(filters, show=show, estimate=with_interval, interval=interval)
            environment.filters.update(
                inline=Figure.inline, md=lambda text: Markup(for_markdown(text)), fence=fence_for, data_uri=_data_uri
            )
        self.parts: List[Tuple[str, Dict[str, Any]]] = []

    def part(self, kind: str, **values: Any) -> Markup:
        """RETURNS (Markup): What stands for a part, of the templates `parts.md` and `parts.html`."""
        self.parts.append((kind, values))
        return Markup(f"\n<!--{len(self.parts) - 1}-->\n")

    def filled(self, text: str, environment: Environment, template: str) -> str:
        """RETURNS (str): The text with its parts."""
        macros: Any = environment.get_template(template).module

        def made(match: "re.Match[str]") -> str:
            kind, values = self.parts[int(match.group(1))]
            return str(getattr(macros, kind)(**values)).strip("\n")

        return re.sub(r"<!--(\d+)-->", made, text)


def write_page(
    folder: Path,
    package: str,
    template: str,
    *,
    title: str,
    parts: Mapping[str, Any],
    values: Mapping[str, Any],
    filters: Mapping[str, Callable],
    footer: str,
) -> List[Path]:
    """Write `index.html`, `README.md`, and each figure as SVG and CSV under `figures/`.

    folder (Path): Made where it is missing; figures of an earlier report in it are removed. package, template (str): Where
        the text lies: Markdown, with a heading of the second level for each section. It says `put(NAME)` where a table
        is to stand, `put(NAME, TITLE, CAPTION)` for a figure, with `kind="choice"` where one of several is looked at at a
        time, and `listing(TITLE, TEXT)`.
    title, footer (str): Of the page. parts (Mapping[str, Any]): Figures and tables by name; None for what there is not.
    values (Mapping[str, Any]), filters (Mapping[str, Callable]): What the text reads; text among them is no Markdown.
    RETURNS (List[Path]): The files written. RAISES: InputError where a file is in the way that no report made.
    """
    text = TextTemplates(package, filters)
    used: Dict[str, Figure] = {}

    def put(name: str, title: str = "", caption: str = "", kind: str = "figure") -> Markup:
        part = parts.get(name)
        if part is None:
            return Markup("")
        if isinstance(part, Table):
            return text.part("table", part=part)
        table = replace(part.table, caption=f"{title}, in points")
        used[name] = replace(part, title=title, caption=" ".join(caption.split()), table=table)
        return text.part(kind, part=used[name])

    said: Dict[str, Any] = {"put": put, "listing": lambda title, code: text.part("listing", title=title, code=code)}
    written = _reflow(text.markdown.get_template(template).render(**values, **said))
    head, *sections = re.split(r"^## (.*)\n", written, flags=re.MULTILINE)
    # A heading that nothing follows goes.
    known = [(name, body) for name, body in zip(sections[::2], sections[1::2], strict=True) if body.strip()]
    reader = MarkdownIt("commonmark")
    told = [(re.sub(r"\W+", "-", name.lower()), name, Markup(reader.render(body))) for name, body in known]
    body: Dict[str, Any] = {"title": title, "head": Markup(reader.render(head)), "sections": told}
    body.update(light=LIGHT, dark=DARK, footer=footer)
    page = text.filled(text.html.get_template("page.html").render(body), text.html, "parts.html")
    told_plainly = [
        f"# {for_markdown(title)}",
        head,
        *(f"## {name}\n{body}" for name, body in known),
        for_markdown(footer),
    ]
    twin = "\n\n".join(part.strip() for part in told_plainly)
    texts = {"index.html": page + "\n", "README.md": text.filled(twin, text.markdown, "parts.md").rstrip() + "\n"}
    for key, figure in used.items():
        texts[f"{FIGURES}/{key}.svg"] = figure.svg
        texts[f"{FIGURES}/{key}.csv"] = figure.table.csv()
    return write_folder(folder, texts)


def _reflow(text: str) -> str:
    """RETURNS (str): Markdown with paragraphs and items of lists in lines of 120 characters, a blank line between them."""
    found = []
    for block in re.split(r"\n\s*\n|\n(?=- )", text):
        words = " ".join(block.split())
        indent = "  " if words.startswith("- ") else ""
        found.append(
            textwrap.fill(words, LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        )
    return re.sub(r"(^- .*(?:\n  .*)*)\n\n(?=- )", r"\1\n", "\n\n".join(filter(None, found)), flags=re.M) + "\n"


def _printable(value: Any) -> Any:
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return for_terminal(value, lines=True) if plain else value


def _markdown(value: Any) -> Any:
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return for_markdown(value) if plain else value


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"
