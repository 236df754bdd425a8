"""How far long work has come. Parts say what they do; whoever runs them decides how it is shown.

    with step("The aligner learns", total=8, unit="rounds") as advance:
        ...
        advance(1)

A command shows the steps with `shown_by(show_step)`. In `spacy assemble` they are shown as well; in other programs
nothing is printed.
"""

import sys
import time
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterable, Iterator, Optional, TypeVar

from .escape import for_terminal

T = TypeVar("T")

Advance = Callable[[int], Any]
# Gets a title, the total if it is known, and what is counted.
Display = Callable[[str, Optional[int], str], ContextManager[Advance]]

_display: ContextVar[Optional[Display]] = ContextVar("display", default=None)
# Seconds between two lines of a step where lines are not redrawn (a pipe, a log).
PAUSE = 30.0


@contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Show the steps of the block with a display."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def step(title: str, total: Optional[int] = None, unit: str = "") -> ContextManager[Advance]:
    """Announce a step that may take long.

    title (str): What is done. total (Optional[int]): How much there is to do, if that is known. unit (str): What is
        counted, in the plural.
    RETURNS (ContextManager[Advance]): Gives a function; call it with the number of things that are newly done.
    """
    display = _display.get()
    if display is None and _is_spacy_assemble():
        display = show_step
    return nullcontext(_ignore) if display is None else display(title, total, unit)


def tell(text: str) -> None:
    """Print a line about what was found, where steps are shown."""
    if _display.get() is not None or _is_spacy_assemble():
        print(f"  {for_terminal(text)}", file=sys.stderr, flush=True)


def tracked(items: Iterable[T], title: str, total: Optional[int] = None, unit: str = "") -> Iterator[T]:
    """Announce a loop as a step. YIELDS (T): The items."""
    with step(title, total, unit) as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def show_step(title: str, total: Optional[int], unit: str) -> Iterator[Advance]:
    """Show one step on standard error: a bar on a terminal; one line when it is done in a pipe or a log, where a step
    that takes longer than half a minute also says how far it is.
    """
    stream = sys.stderr
    if stream is None:
        yield _ignore
    elif stream.isatty():
        from tqdm import tqdm

        with tqdm(desc=title, total=total, unit=f" {unit}", file=stream, dynamic_ncols=True, mininterval=0.2) as bar:
            yield bar.update
    else:
        lines = _Lines(title, total, unit)
        yield lines.advance
        lines.write("done")


class _Lines:
    """The lines of a step where lines are not redrawn."""

    def __init__(self, title: str, total: Optional[int], unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.count = 0
        self.start = self.last_line = time.monotonic()

    def advance(self, number: int) -> None:
        self.count += number
        if time.monotonic() - self.last_line >= PAUSE:
            self.write("so far")

    def write(self, state: str) -> None:
        self.last_line = time.monotonic()
        of_total = f" of {self.total:,}" if self.total and state != "done" else ""
        counted = f"{self.count:,}{of_total} {self.unit}, " if self.count else ""
        seconds = timedelta(seconds=round(self.last_line - self.start))
        print(f"  {for_terminal(self.title)}: {counted}{seconds} {state}", file=sys.stderr, flush=True)


def _ignore(number: int) -> None:
    pass


def _is_spacy_assemble() -> bool:
    """RETURNS (bool): Whether this process is spaCy's own command, which shows nothing until the pipeline is whole."""
    program = Path(sys.argv[0]) if sys.argv else Path()
    return sys.argv[1:2] == ["assemble"] and "spacy" in (program.stem, program.parent.name)
