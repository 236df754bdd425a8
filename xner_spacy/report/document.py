"""A page that needs no network, and the same page as Markdown, from one template of text with figures and tables.

A manifest lists the files that xner_spacy wrote to the folder of a report. Other files are never replaced or removed.
"""

import base64
import hashlib
import re
import textwrap
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import pandas as pd
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from typing_extensions import TypedDict

from ..corpora.reading import read_json
from ..corpora.writing import inside, to_json, write_together
from ..errors import InputError
from ..escape import fence_for, for_csv, for_markdown, for_terminal
from ..types import Json
from .charts import DARK, LIGHT, Chart, interval, render, show, svg_of, with_interval

LINE = 120
MANIFEST = "report.json"
FIGURES = "figures"


class Manifest(TypedDict):
    """The contents of the manifest: the names of the report's files, with `/` between folder and file. Beside them it
    may hold results.
    """

    files: List[str]


@dataclass
class Table:
    """A table.

    caption (str): Its caption. data (DataFrame): The values. digits (int): Number of decimals.
    """

    caption: str
    data: pd.DataFrame
    digits: int = 1

    @property
    def rows(self) -> List[List[str]]:
        """RETURNS (List[List[str]]): The values, formatted for readers."""
        return [[show(value, self.digits) for value in row] for row in self.data.astype(object).itertuples(index=False)]

    @property
    def numeric(self) -> List[bool]:
        """RETURNS (List[bool]): For each column, whether it contains numbers."""
        return [pd.api.types.is_numeric_dtype(kind) for kind in self.data.dtypes]

    def csv(self) -> str:
        """RETURNS (str): All values, with six significant digits."""
        return str(self.data.map(for_csv).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


@dataclass
class Figure:
    """A drawing and its data. The template sets the key (the name of its files), the title and the caption."""

    chart: Chart
    table: Table
    key: str = ""
    title: str = ""
    caption: str = ""

    @cached_property
    def _drawn(self) -> str:
        return render(self.chart)

    def inline(self) -> Markup:
        """RETURNS (Markup): The drawing in a page, once for wide and once for narrow windows."""
        wide = svg_of(self.chart, self._drawn, self.title, key=self.key)
        slim = svg_of(self.chart, render(self.chart, narrow=True), self.title, key=f"{self.key}-narrow")
        return Markup(f'<div class="for-wide">{wide}</div><div class="for-narrow">{slim}</div>')

    @property
    def svg(self) -> str:
        """RETURNS (str): The drawing as a file."""
        return svg_of(self.chart, self._drawn, self.title) + "\n"


@dataclass
class Widget:
    """Something to work with in the page, and the table that stands for it where it does not run.

    html (Markup): Its elements. script (str): Its script, which asks for nothing outside of the page. table (Table): The
        table.
    """

    html: Markup
    script: str
    table: Table


class TextTemplates:
    """Renders a template to Markdown, with comments in the places of figures and tables, which are filled in last."""

    def __init__(self, package: str, filters: Mapping[str, Callable]) -> None:
        loader = ChoiceLoader([PackageLoader(package), PackageLoader("xner_spacy.report")])
        options: Dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        self.markdown = Environment(loader=loader, finalize=_plain(for_markdown), **options)
        printable = _plain(lambda text: for_terminal(text, lines=True))
        self.html = Environment(loader=loader, finalize=printable, autoescape=True, **options)
        for environment in (self.markdown, self.html):
            environment.filters.update(
                filters, show=show, estimate=with_interval, interval=interval, inline=Figure.inline
            )
            environment.filters.update(md=lambda text: Markup(for_markdown(text)), fence=fence_for, data_uri=_data_uri)
        self.parts: List[Tuple[str, Dict[str, Any]]] = []

    def part(self, kind: str, **values: Any) -> Markup:
        """RETURNS (Markup): A placeholder for a part, which is rendered by a macro of `parts.md` or `parts.html`."""
        self.parts.append((kind, values))
        return Markup(f"\n<!--{len(self.parts) - 1}-->\n")

    def filled(self, text: str, environment: Environment, template: str) -> str:
        """RETURNS (str): The text with parts in place of their placeholders."""
        macros: Any = environment.get_template(template).module

        def replacement(match: "re.Match[str]") -> str:
            kind, values = self.parts[int(match.group(1))]
            return str(getattr(macros, kind)(**values)).strip("\n")

        return re.sub(r"<!--(\d+)-->", replacement, text)


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
    results: Optional[Json] = None,
) -> List[Path]:
    """Write `index.html`, `README.md`, and each figure as SVG and CSV under `figures/`.

    folder (Path): See `write_folder`. package, template (str): The package and name of the template: Markdown, with a
        second-level heading for each section. It inserts tables by `put(NAME, TITLE)`, figures by `put(NAME, TITLE,
        CAPTION)`, with `kind="choice"` to show only one of several at a time, and code by `listing(TITLE, TEXT)`.
    title, footer (str): Of the page. parts (Mapping[str, Any]): Figures and tables by name; None for missing ones.
    values (Mapping[str, Any]), filters (Mapping[str, Callable]): Variables, whose texts are no Markdown, and filters.
    results (Optional[Json]): What the manifest holds beside the names of the files, for programs.
    RETURNS (List[Path]): The written files. RAISES: See `write_folder`.
    """
    text = TextTemplates(package, filters)
    used_figures: Dict[str, Figure] = {}
    scripts: List[Markup] = []

    def put(name: str, title: str = "", caption: str = "", kind: str = "figure") -> Markup:
        part = parts.get(name)
        if part is None:
            return Markup("")
        if isinstance(part, Widget):
            scripts.append(Markup(part.script))
            shown = replace(part.table, caption=" ".join(caption.split()))
            return text.part("widget", part=replace(part, table=shown), key=name, title=title)
        if isinstance(part, Table):
            return text.part("table", part=replace(part, caption=" ".join(title.split())))
        table = replace(part.table, caption=f"{title}, in points")
        used_figures[name] = replace(part, key=name, title=title, caption=" ".join(caption.split()), table=table)
        return text.part(kind, part=used_figures[name])

    macros: Dict[str, Any] = {"put": put, "listing": lambda title, code: text.part("listing", title=title, code=code)}
    markdown = _reflow(text.markdown.get_template(template).render(**values, **macros))
    head, *sections = re.split(r"^## (.*)\n", markdown, flags=re.MULTILINE)
    # Leave out empty sections.
    nonempty = [(name, body) for name, body in zip(sections[::2], sections[1::2], strict=True) if body.strip()]
    reader = MarkdownIt("commonmark")
    html_sections = [(re.sub(r"\W+", "-", name.lower()), name, Markup(reader.render(body))) for name, body in nonempty]
    page = text.html.get_template("page.html").render(
        title=title,
        head=Markup(reader.render(head)),
        sections=html_sections,
        light=LIGHT,
        dark=DARK,
        footer=footer,
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )
    sources = [f"# {for_markdown(title)}", head, *(f"## {name}\n{body}" for name, body in nonempty)]
    markdown = "\n\n".join(part.strip() for part in (*sources, for_markdown(footer)))
    readme = text.filled(markdown, text.markdown, "parts.md")
    texts = {"index.html": text.filled(page, text.html, "parts.html") + "\n", "README.md": readme.rstrip() + "\n"}
    for key, figure in used_figures.items():
        texts[f"{FIGURES}/{key}.svg"] = figure.svg
        texts[f"{FIGURES}/{key}.csv"] = figure.table.csv()
    return write_folder(folder, texts, results)


def _reflow(text: str) -> str:
    """RETURNS (str): Markdown with paragraphs and items wrapped at 120 characters, and blank lines between them."""
    blocks = []
    for block in re.split(r"\n\s*\n|\n(?=- )", text):
        words = " ".join(block.split())
        indent = "  " if words.startswith("- ") else ""
        blocks.append(
            textwrap.fill(words, LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        )
    return re.sub(r"(^- .*(?:\n  .*)*)\n\n(?=- )", r"\1\n", "\n\n".join(filter(None, blocks)), flags=re.M) + "\n"


def _plain(escape: Callable[[str], str]) -> Callable[[Any], Any]:
    """RETURNS (Callable): A function that escapes text, but not markup and other values."""
    return lambda value: escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(script: str) -> str:
    """RETURNS (str): The name of a script in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def write_folder(folder: Path, texts: Dict[str, str], results: Optional[Json] = None) -> List[Path]:
    """Write the files of a report, all or none. Files of an earlier report that are not in this one are removed.

    folder (Path): Created if missing. texts (Dict[str, str]): The files by name; those in `figures/` are named
        `figures/NAME`. results (Optional[Json]): See `write_page`.
    RETURNS (List[Path]): The files. RAISES: InputError for an existing file that no report of xner_spacy wrote.
    """
    figures, manifest = folder / FIGURES, folder / MANIFEST
    if figures.is_symlink():
        raise InputError("is a link, and figures would land elsewhere.", figures, hint="Remove the link.")
    paths = {name: _path_of(folder, name) for name in texts}
    earlier_names: List[str] = []
    if manifest.exists():
        earlier_names = read_json(manifest, Manifest, hint="Move the report away, and make it anew.")["files"]
    earlier_paths = {name: _path_of(folder, name) for name in earlier_names}
    for name, path in paths.items():
        if name not in earlier_paths and (path.exists() or path.is_symlink()):
            raise InputError(
                "is there, and was not written by a report of xner.",
                path,
                hint="Move it away, or name another folder with --study.report. (A report that was made before there "
                f"was a {MANIFEST}: delete its README.md, index.html and figures.)",
            )
    obsolete = [name for name in earlier_paths if name not in texts]
    # Files that are removed below stay in the manifest until they are gone: if the run is killed in between, the next
    # one still knows them.
    named = {"files": sorted([*texts, *obsolete]), **(results or {})}
    _write({**paths, MANIFEST: manifest}, {**texts, MANIFEST: to_json(named)})
    for name in obsolete:
        earlier_paths[name].unlink(missing_ok=True)
    if obsolete:
        _write({MANIFEST: manifest}, {MANIFEST: to_json({**named, "files": sorted(texts)})})
    return [*paths.values(), manifest]


def _path_of(folder: Path, name: str) -> Path:
    """RETURNS (Path): The path of a file of a report. RAISES: XnerError if it would be outside the folder."""
    in_figures = name.startswith(f"{FIGURES}/")
    return inside(folder / FIGURES, name.removeprefix(f"{FIGURES}/")) if in_figures else inside(folder, name)


def _write(paths: Dict[str, Path], texts: Dict[str, str]) -> None:
    with write_together(list(paths.values())) as files:
        for file, text in zip(files, texts.values(), strict=True):
            file.write(text)
