"""A page without a network, and its Markdown twin, from one template of text with figures and tables in it.

What is ours in the folder of a report stands in a manifest, and nothing else is replaced or removed.
"""

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
from typing_extensions import TypedDict

from ..corpora.reading import read_json
from ..corpora.writing import inside, to_json, write_together
from ..errors import InputError
from ..escape import fence_for, for_csv, for_markdown, for_terminal
from .charts import DARK, LIGHT, Chart, interval, render, show, svg_of, with_interval

LINE = 120
MANIFEST = "report.json"
FIGURES = "figures"


class Manifest(TypedDict):
    """What the manifest holds: the names of the report's files, with `/` between folder and file."""

    files: List[str]


@dataclass
class Table:
    """Values in lines.

    caption (str): What they are. data (DataFrame): The values. digits (int): Decimals shown.
    """

    caption: str
    data: pd.DataFrame
    digits: int = 1

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
    """A drawing and its data; the text says the name in files, the title, and how to read it."""

    chart: Chart
    table: Table
    key: str = ""
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

    folder (Path): See `write_folder`. package, template (str): Where the text lies: Markdown, with a heading of the second
        level for each section. It says `put(NAME, TITLE)` where a table is to stand, `put(NAME, TITLE, CAPTION)` for a
        figure, with `kind="choice"` where one of several is looked at at a time, and `listing(TITLE, TEXT)`.
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
            return text.part("table", part=replace(part, caption=" ".join(title.split())))
        table = replace(part.table, caption=f"{title}, in points")
        used[name] = replace(part, key=name, title=title, caption=" ".join(caption.split()), table=table)
        return text.part(kind, part=used[name])

    said: Dict[str, Any] = {"put": put, "listing": lambda title, code: text.part("listing", title=title, code=code)}
    written = _reflow(text.markdown.get_template(template).render(**values, **said))
    head, *sections = re.split(r"^## (.*)\n", written, flags=re.MULTILINE)
    # A heading that nothing follows goes.
    known = [(name, body) for name, body in zip(sections[::2], sections[1::2], strict=True) if body.strip()]
    reader = MarkdownIt("commonmark")
    told = [(re.sub(r"\W+", "-", name.lower()), name, Markup(reader.render(body))) for name, body in known]
    page = text.html.get_template("page.html").render(
        title=title, head=Markup(reader.render(head)), sections=told, light=LIGHT, dark=DARK, footer=footer
    )
    plain = [f"# {for_markdown(title)}", head, *(f"## {name}\n{body}" for name, body in known), for_markdown(footer)]
    twin = text.filled("\n\n".join(part.strip() for part in plain), text.markdown, "parts.md")
    texts = {"index.html": text.filled(page, text.html, "parts.html") + "\n", "README.md": twin.rstrip() + "\n"}
    for key, figure in used.items():
        texts[f"{FIGURES}/{key}.svg"] = figure.svg
        texts[f"{FIGURES}/{key}.csv"] = figure.table.csv()
    return write_folder(folder, texts)


def _reflow(text: str) -> str:
    """RETURNS (str): Markdown with paragraphs and items of lists in lines of 120 characters, a blank line between them."""
    blocks = []
    for block in re.split(r"\n\s*\n|\n(?=- )", text):
        words = " ".join(block.split())
        indent = "  " if words.startswith("- ") else ""
        blocks.append(
            textwrap.fill(words, LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        )
    return re.sub(r"(^- .*(?:\n  .*)*)\n\n(?=- )", r"\1\n", "\n\n".join(filter(None, blocks)), flags=re.M) + "\n"


def _plain(escape: Callable[[str], str]) -> Callable[[Any], Any]:
    """RETURNS (Callable): Escapes text that is no markup, and nothing else."""
    return lambda value: escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data_uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def write_folder(folder: Path, texts: Dict[str, str]) -> List[Path]:
    """Write the files of a report, all or none. Those of an earlier report that this one has no more are removed.

    folder (Path): Made where it is missing. texts (Dict[str, str]): The files by name; those in `figures/` are named
        `figures/NAME`.
    RETURNS (List[Path]): The files. RAISES: InputError where a file is in the way that no report of ours made.
    """
    figures, manifest = folder / FIGURES, folder / MANIFEST
    if figures.is_symlink():
        raise InputError("is a link, and figures would land elsewhere.", figures, hint="Remove the link.")
    places = {name: _place(folder, name) for name in texts}
    earlier: List[str] = []
    if manifest.exists():
        earlier = read_json(manifest, Manifest, hint="Move the report away, and make it anew.")["files"]
    known = {name: _place(folder, name) for name in earlier}
    for name, place in places.items():
        if name not in known and (place.exists() or place.is_symlink()):
            raise InputError(
                "is there, and no report of ours made it.",
                place,
                hint="Move it away, or name another folder with --study.report. (A report that was made before there "
                f"was a {MANIFEST}: delete its README.md, index.html and figures.)",
            )
    old = [name for name in known if name not in texts]
    # What is removed below still stands in the manifest until it is gone: a run that is killed between leaves nothing
    # that the next one does not know.
    _write({**places, MANIFEST: manifest}, {**texts, MANIFEST: to_json({"files": sorted([*texts, *old])})})
    for name in old:
        known[name].unlink(missing_ok=True)
    if old:
        _write({MANIFEST: manifest}, {MANIFEST: to_json({"files": sorted(texts)})})
    return [*places.values(), manifest]


def _place(folder: Path, name: str) -> Path:
    """RETURNS (Path): Where a file of a report lies. RAISES: XnerError if its name would lead elsewhere."""
    in_figures = name.startswith(f"{FIGURES}/")
    return inside(folder / FIGURES, name.removeprefix(f"{FIGURES}/")) if in_figures else inside(folder, name)


def _write(places: Dict[str, Path], texts: Dict[str, str]) -> None:
    with write_together(list(places.values())) as files:
        for file, text in zip(files, texts.values(), strict=True):
            file.write(text)
