"""What the commands print: to standard error what tells how it went, to standard output what was asked for.

Everything goes through `for_terminal`: labels, tokens and file names are data, and may hold what a terminal obeys.
"""

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, TypeVar, Union

import typer
from tqdm import tqdm
from wasabi import Printer

from ..corpora import writing
from ..escape import for_terminal
from ..types import Json

T = TypeVar("T")


# wasabi colours its marks wherever the system can; a pipe or a log keeps the codes as they are.
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def say(text: str) -> None:
    """Print what was asked for, which may have several lines."""
    typer.echo(for_terminal(text, lines=True))


class _Printable(logging.Filter):
    """Lets a log say what it says, and command nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = for_terminal(record.getMessage(), lines=True), ()
        return True


_PRINTABLE = _Printable()


def make_log_printable() -> None:
    """Have what is logged pass `for_terminal` too: it names files and quotes data."""
    logging.getLogger("xner_spacy").addFilter(_PRINTABLE)


def message(kind: str, title: str, text: str = "") -> str:
    """Lay out a message as spaCy's commands do, but never wrapped, so that a path and its line
    number stay in one piece.

    kind (str): "good", "warn" or "fail". title (str): One line. text (str): More, in lines.
    RETURNS (str): The title behind its mark, and the text.
    """
    # wasabi wraps whatever it is given, at 80 characters; of its own marks there is nothing to wrap.
    mark = getattr(Printer(no_print=True), kind)("")
    if not _live() or os.environ.get("NO_COLOR"):
        mark = _COLOUR.sub("", mark)
    title, text = for_terminal(_short(title, 800)), for_terminal(_short(text, 4000), lines=True)
    return f"{mark} {title}\n{text}" if text else f"{mark} {title}"


def _short(text: str, most: int) -> str:
    """A message may quote what stands in a file, and that may be a million characters long."""
    return text if len(text) <= most else f"{text[: most - 200]} [...] {text[-190:]}"


def _live() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def done(what: str, where: Union[str, Path, None] = None) -> None:
    """Say that something was made, and where it lies."""
    place = f" in {where}" if where is not None else ""
    _say(message("good", f"{what}{place}"))


def warn(title: str, text: str = "") -> None:
    """Say that something needs attention."""
    _say(message("warn", title, text))


def show_counts(counts: Mapping[str, int]) -> None:
    """Say what was counted, one a line, zeros left out."""
    for name, number in counts.items():
        if number and name != "sentences":
            _say(f"  {for_terminal(name)}: {number:,}")


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """RETURNS (str): A table in Markdown whose columns line up, numbers to the right. A cell is one line of text."""
    cells: List[List[str]] = [[for_terminal(str(c)) for c in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for n, row in enumerate(cells):
        padded = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("| " + " | ".join(padded) + " |")
        if n == 0:
            marks = ["-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
            lines.append("| " + " | ".join(marks) + " |")
    return "\n".join(lines)


def write_json(path: Optional[Path], data: Json) -> None:
    """Write JSON atomically, if a path is given."""
    if path is not None:
        writing.write_json(path, data)


def bar_settings(unit: str) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): How a progress bar looks: live on a terminal, a line every 30 seconds in a file or pipe."""
    live = _live()
    return {
        "unit": f" {unit}",
        "smoothing": 0.1,
        "mininterval": 0.2 if live else 30,
        "dynamic_ncols": live,
        "file": sys.stderr,
    }


def progress(items: Iterable[T], total: Optional[int], unit: str = "sent") -> Iterator[T]:
    """Show a bar with rate and estimate while iterating."""
    yield from tqdm(items, total=total, **bar_settings(unit))


def percent(value: float) -> str:
    """RETURNS (str): 0.64518 as "64.5"."""
    return f"{100 * value:.1f}"
