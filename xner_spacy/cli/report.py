"""`xner report`: the figures of a run as one table, on the screen and in a page of the documentation."""

import re
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import srsly
import typer

from ..corpora.files import PathLike, read_lines
from ..corpora.writing import atomic_write
from ..errors import InputError, XnerError
from ..types import Json
from .output import percent, table


def register(app: typer.Typer) -> None:
    app.command("report")(report_cli)


def report_cli(
    scores: List[str] = typer.Argument(
        ...,
        metavar="NAME=FILE...",
        help="Figures that `xner evaluate --json` wrote, each with a name.",
    ),
    title: str = typer.Option("Results", "--title", "-t", help="Heading."),
    command: Optional[str] = typer.Option(
        None, "--command", help="The command that makes these figures again."
    ),
    packages: Optional[Path] = typer.Option(
        None, "--packages", help="Folder of the wheels, to say where they lie."
    ),
    update: Optional[Path] = typer.Option(
        None, "--update", help="Markdown page whose section is to be replaced (or added)."
    ),
    key: Optional[str] = typer.Option(None, "--key", help="Name of that section."),
) -> None:
    """Show F1 with 95% intervals of several systems side by side, and keep the table in a page."""
    named = {}
    for item in scores:
        name, equals, file = item.partition("=")
        if not equals:
            raise XnerError(f"{item!r} is not NAME=FILE.")
        named[name] = Path(file)
    text = report(named, title=title, command=command)
    typer.echo(text)
    if update is not None:
        if key is None:
            raise XnerError("--update needs --key, the name of the section.")
        update_section(update, key, text)
    places = [f"results: {file}" for file in named.values()]
    if packages is not None:
        places += [f"wheel:   {file}" for file in sorted(packages.rglob("*.whl"))]
    if update is not None:
        places.append(f"page:    {update}")
    typer.echo("\n" + "\n".join(places))


def report(named: Dict[str, Path], *, title: str, command: Optional[str] = None) -> str:
    """Lay out figures.

    named (Dict[str, Path]): Files of `xner evaluate --json`, by the name of the system.
    RETURNS (str): Markdown. RAISES: InputError for a missing file.
    """
    loaded: Dict[str, Json] = {}
    for name, file in named.items():
        if not file.exists():
            raise InputError("no such file.", file, hint="Run the evaluation first.")
        loaded[name] = srsly.read_json(file)
    labels = sorted({label for scores in loaded.values() for label in scores["per_type"]})
    rows = [_row(name, scores, labels) for name, scores in loaded.items()]
    header = ["", "P", "R", "F1", "95% interval", *[f"F1 {label}" for label in labels], "entities"]
    first = next(iter(loaded.values()))
    lines = [f"### {title}", "", table(header, rows), ""]
    note = f"{first['sentences']} test sentences; signature `{first['signature']}`."
    if command:
        note += f" Made by `{command}`."
    return "\n".join([*lines, note])


def _row(name: str, scores: Json, labels: Sequence[str]) -> List[str]:
    low, high = scores["f1_interval"]
    types = [
        percent(scores["per_type"][label]["f1"]) if label in scores["per_type"] else "-"
        for label in labels
    ]
    return [
        name,
        percent(scores["precision"]),
        percent(scores["recall"]),
        percent(scores["f1"]),
        f"{percent(low)}-{percent(high)}",
        *types,
        str(scores["gold"]),
    ]


def update_section(page: PathLike, key: str, text: str) -> None:
    """Replace the section between the marks of `key` in a Markdown page, or add it at the end.

    page (PathLike): The page; made if it is not there. key (str): The section's name. text (str): Its new content.
    """
    page = Path(page)
    start, end = f"<!-- xner: {key} -->", f"<!-- xner: end {key} -->"
    old = "\n".join(line for _, line in read_lines(page)) if page.exists() else ""
    section = f"{start}\n{text}\n{end}"
    pattern = re.compile(re.escape(start) + r".*?" + re.escape(end), re.DOTALL)
    if pattern.search(old):
        new = pattern.sub(lambda _: section, old)
    else:
        new = f"{old.rstrip()}\n\n{section}" if old.strip() else section
    with atomic_write(page) as file:
        file.write(new.rstrip() + "\n")
