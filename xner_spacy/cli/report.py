"""`xner report`: the figures of a run as one table, on the screen and in a page of the documentation."""

import re
import textwrap
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import typer

from ..corpora.files import read_lines
from ..corpora.writing import atomic_write
from ..errors import InputError, XnerError
from ..escape import for_code, for_markdown
from ..evaluation.entities import read_scores
from ..types import Json, PathLike
from .output import note, percent, say, table
from .overrides import Origin

# The key is inside an HTML comment, so it must not contain the end of a comment.
KEY = re.compile(r"[\w. +]+(-[\w. +]+)*")


def report_cli(
    scores: List[str] = typer.Argument(
        ..., metavar="NAME=FILE...", help="Figures that `xner evaluate --json` wrote, each with a name."
    ),
    title: str = typer.Option("Results", "--title", "-t", help="Heading."),
    command: Optional[str] = typer.Option(None, "--command", help="The command that makes these figures again."),
    skip_missing: bool = typer.Option(
        False,
        "--skip-missing",
        help="Leave out systems whose file is not there, such as a teacher without translations.",
    ),
    packages: Optional[Path] = typer.Option(None, "--packages", help="Folder of the wheels, to say where they lie."),
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
        if name in named:
            raise XnerError(f"The name {name!r} is given twice.", "Give each file its own name.")
        named[name] = Path(file)
    if skip_missing:
        for name in [name for name, file in named.items() if not file.exists()]:
            note(f"No figures of {name}: {named.pop(name)} is not there.")
        if not named:
            raise XnerError("None of the figures is there.", "Make them with `xner evaluate GOLD PRED --json FILE`.")
    if update is not None and key is None:
        raise XnerError("--update needs --key, the name of the section.")
    if key is not None and update is None:
        raise XnerError("--key needs --update, the page that the section is in.")
    if packages is not None and not packages.is_dir():
        raise InputError("no such folder.", packages)
    text = report(named, title=title, command=command)
    if update is not None and key is not None:
        update_section(update, key, text)
    say(text)
    places = [f"results: {file}" for file in named.values()]
    if packages is not None:
        places += [f"wheel:   {file}" for file in sorted(packages.rglob("*.whl"))]
    if update is not None:
        places.append(f"page:    {update}")
    say("\n" + "\n".join(places))


# The longest line of a page, tables aside.
WIDTH = 120


def report(named: Dict[str, Path], *, title: str, command: Optional[str] = None) -> str:
    """Lay out figures.

    named (Dict[str, Path]): Files of `xner evaluate --json`, by the name of the system.
    RETURNS (str): Markdown. RAISES: InputError for a file that is missing or holds something else.
    """
    scores_by_name = {name: read_scores(file) for name, file in named.items()}
    labels = sorted({label for scores in scores_by_name.values() for label in scores["per_type"]})
    rows = [_row(name, scores, labels) for name, scores in scores_by_name.items()]
    types = [f"F1 {for_markdown(label)}" for label in labels]
    header = ["", "P", "R", "F1", "95% interval", *types, "entities"]
    first = next(iter(scores_by_name.values()))
    lines = [f"### {for_markdown(title)}", "", table(header, rows), ""]
    note = f"{first['sentences']} test sentences; signature {for_code(first['signature'])}."
    note += "".join(f"\n{line}" for name, scores in scores_by_name.items() for line in _made_from(name, scores))
    if command:
        note += f"\nMade by {for_code(command)}."
    return "\n".join([*lines, note])


def _made_from(name: str, scores: Json) -> List[str]:
    """RETURNS (List[str]): Lines that say which config of `xner init-config` a system was made from, and the settings
    that are others there; none if that is not known.
    """
    origin = find_made_from(scores)
    if origin is None:
        return []
    settings = [for_code(f"{setting}={value}") for setting, value in origin.changed.items()]
    changed = f" with {', '.join(settings)}" if settings else ""
    text = f"Config of {for_markdown(name)}: {for_code(f'xner init-config {origin.base}')}{changed}."
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def find_made_from(scores: Json) -> Optional[Origin]:
    """RETURNS (Optional[Origin]): The base of the config that made predictions, and the settings that are others there,
    by their figures; None if that is not known.
    """
    made_from = scores.get("made_from")
    return Origin(**made_from) if made_from else None


def _row(name: str, scores: Json, labels: Sequence[str]) -> List[str]:
    low, high = scores["f1_interval"]
    types = [percent(scores["per_type"][label]["f1"]) if label in scores["per_type"] else "-" for label in labels]
    return [
        for_markdown(name),
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
    RAISES: InputError where the marks in the page don't belong together: nothing is replaced then.
    """
    page = Path(page)
    if not KEY.fullmatch(key):
        raise XnerError(f"{key!r} can't be the name of a section.", "Use letters, digits, spaces, . _ + and single -.")
    start, end = f"<!-- xner: {key} -->", f"<!-- xner: end {key} -->"
    if start in text or end in text:
        raise XnerError(f"The new section holds a mark of its own ({start} or {end}).", "Name the section anew.")
    old_page = "\n".join(line for _, line in read_lines(page)) if page.exists() else ""
    section = f"{start}\n{text}\n{end}"
    if _has_section(page, old_page, start, end):
        new_page = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: section, old_page, flags=re.DOTALL)
    else:
        new_page = f"{old_page.rstrip()}\n\n{section}" if old_page.strip() else section
    with atomic_write(page) as file:
        file.write(new_page.rstrip() + "\n")


def _has_section(page: Path, text: str, start: str, end: str) -> bool:
    """RETURNS (bool): Whether the page has the marks. RAISES: InputError unless every section begins and ends."""
    mark = opened = None
    for mark in re.finditer(f"{re.escape(start)}|{re.escape(end)}", text):
        if (mark.group() == start) != (opened is None):
            problem = "begins again before it has ended" if opened else "ends before it has begun"
            raise _broken(page, text, mark, f"the section {problem} ({mark.group()}).")
        opened = mark if opened is None else None
    if opened is not None:
        raise _broken(page, text, opened, f"the section has no end ({end}).")
    return mark is not None


def _broken(page: Path, text: str, mark: "re.Match[str]", fault: str) -> InputError:
    line = text.count("\n", 0, mark.start()) + 1
    return InputError(fault, page, line, "Mend the marks; a section has one of either kind.")
