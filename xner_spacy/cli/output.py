"""Print the output of commands: results to standard output, messages to standard error.

Everything passes through `for_terminal`: labels, tokens and file names are data, and may hold control characters.
"""

import logging
import os
import re
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

import typer
from tqdm import tqdm
from wasabi import Printer

from ..corpora import writing
from ..errors import XnerWarning
from ..escape import for_terminal
from ..types import Json

T = TypeVar("T")

# wasabi colours its marks even in a pipe or a log, where the codes would be visible.
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def say(text: str) -> None:
    """Print a result, which may have several lines, to standard output."""
    typer.echo(for_terminal(text, lines=True))


def _be_printable(record: logging.LogRecord) -> bool:
    record.msg, record.args = for_terminal(record.getMessage(), lines=True), ()
    return True


def make_log_printable() -> None:
    """Pass log messages through `for_terminal` too, because they name files and quote data."""
    logging.getLogger("xner_spacy").addFilter(_be_printable)


def message(kind: str, title: str, text: str = "") -> str:
    """RETURNS (str): A title after the mark of its kind ("good", "info", "warn" or "fail"), and text in further lines, in the
    format of spaCy's commands, but never wrapped: a path and its line number stay in one piece.
    """
    # wasabi wraps all text at 80 characters, so it only gets an empty text and adds the mark.
    mark = getattr(Printer(no_print=True), kind)("")
    if not _live() or os.environ.get("NO_COLOR"):
        mark = _COLOUR.sub("", mark)
    title, text = for_terminal(_short(title, 800)), for_terminal(_short(text, 4000), lines=True)
    return f"{mark} {title}\n{text}" if text else f"{mark} {title}"


def _short(text: str, most: int) -> str:
    """Shorten a text: a message may quote a file, and that quotation may have a million characters."""
    return text if len(text) <= most else f"{text[: most - 200]} [...] {text[-190:]}"


def _live() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def done(what: str, where: Union[str, Path, None] = None) -> None:
    """Print that something was made, and where."""
    location = f" in {where}" if where is not None else ""
    typer.echo(message("good", f"{what}{location}"), err=True)


def warn(title: str, text: str = "") -> None:
    """Print a warning."""
    typer.echo(message("warn", title, text), err=True)


def note(text: str) -> None:
    """Print something that is good to know."""
    typer.echo(message("info", text), err=True)


def show_warnings() -> None:
    """Print the warnings of this package as messages, without the place in the code that gives them."""
    show_others = warnings.showwarning

    def show(text: Any, category: Any, *place: Any, **more: Any) -> None:
        if issubclass(category, XnerWarning):
            warn(str(text))
        else:
            show_others(text, category, *place, **more)

    warnings.showwarning = show  # type: ignore[assignment]


def show_counts(counts: Mapping[str, int]) -> None:
    """Print counts, one on each line, without zeros."""
    for name, number in counts.items():
        if number and name != "sentences":
            typer.echo(f"  {for_terminal(name)}: {number:,}", err=True)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """RETURNS (str): A table in Markdown with aligned columns, all but the first to the right. A cell has one line."""
    cells = [[for_terminal(str(cell)) for cell in row] for row in (header, *rows)]
    first_width, *other_widths = (max(map(len, column)) for column in zip(*cells, strict=True))
    head, *body = ([row[0].ljust(first_width), *map(str.rjust, row[1:], other_widths)] for row in cells)
    marks = ["-" * first_width, *("-" * (width - 1) + ":" for width in other_widths)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *body))


def write_json(path: Optional[Path], data: Json) -> None:
    """Write JSON atomically, if a path is given."""
    if path is not None:
        writing.write_json(path, data)


def _bar(unit: str, **settings: Any) -> tqdm:
    """RETURNS (tqdm): A progress bar: live on a terminal, a line every 30 seconds in a file or pipe."""
    live = _live()
    settings |= {"unit": f" {unit}", "mininterval": 0.2 if live else 30, "dynamic_ncols": live}
    return tqdm(smoothing=0.1, file=sys.stderr, **settings)


def progress(items: Iterable[T], total: Optional[int], unit: str = "sent") -> Iterable[T]:
    """Show a bar with rate and estimate while iterating."""
    return _bar(unit, iterable=items, total=total)


@contextmanager
def bar(had: int, total: int, unit: str = "sent") -> Iterator[Callable[..., Any]]:
    """Show a bar that begins at `had`. YIELDS (Callable[..., Any]): Call it with the number of newly done items."""
    with _bar(unit, initial=had, total=total) as shown:
        yield shown.update


def percent(value: float) -> str:
    """RETURNS (str): 0.64518 as "64.5"."""
    return f"{100 * value:.1f}"


def percent_range(ends: Sequence[float]) -> str:
    """RETURNS (str): The two ends of an interval as "61.2-67.0"; empty if there are none."""
    return "-".join(map(percent, ends))
