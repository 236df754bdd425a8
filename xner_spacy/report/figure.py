"""A figure: its drawings, its data, what is said about it."""

import csv
import io
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple, Union

from ..escape import for_csv
from .svg import Panel, standalone

Value = Union[str, int, float, None]


@dataclass(frozen=True)
class Table:
    """Figures in lines.

    caption (str): What they are. columns (Sequence[str]): Their names. rows (Sequence[Sequence]):
        The values; None where there is none.
    digits (int): Decimals shown.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    digits: int = 1

    def shown(self) -> List[List[str]]:
        """RETURNS (List[List[str]]): The values as read by people."""
        return [[show(value, self.digits) for value in row] for row in self.rows]

    def numeric(self) -> List[bool]:
        """RETURNS (List[bool]): For each column, whether it holds numbers."""
        return [any(isinstance(row[i], (int, float)) for row in self.rows) for i in range(len(self.columns))]

    def csv(self) -> str:
        """RETURNS (str): All values, with six significant digits."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([for_csv(name) for name in self.columns])
        for row in self.rows:
            writer.writerow([for_csv(_plain(value)) for value in row])
        return out.getvalue()


@dataclass(frozen=True)
class Figure:
    """A figure.

    key (str): Its file name. title (str): What it shows. caption (str): How to read it.
    panels (Sequence[Panel]): The drawings. table (Table): Its data.
    """

    key: str
    title: str
    caption: str
    panels: Sequence[Panel]
    table: Table

    @property
    def description(self) -> str:
        """RETURNS (str): What can be seen in its panels."""
        return " ".join(
            f"{panel.title}: {panel.description}" if panel.title else panel.description for panel in self.panels
        )

    def svg(self) -> str:
        """RETURNS (str): The whole figure as a file."""
        return standalone(self.panels, self.title, self.description)


@dataclass
class Section:
    """A part of a report: text, figures to choose among, figures and tables, listings.

    key (str): Its anchor. title (str): Its heading. paragraphs, bullets (List[str]): Text.
    items (List[Union[Figure, Table]]): What follows the text. groups (List[Section]): Parts of
        which one is looked at at a time. listings (List[Tuple[str, str]]): Names and verbatim text.
    """

    key: str
    title: str
    paragraphs: List[str] = field(default_factory=list)
    bullets_title: str = ""
    bullets: List[str] = field(default_factory=list)
    items: List[Union[Figure, Table]] = field(default_factory=list)
    groups: List["Section"] = field(default_factory=list)
    group_title: str = ""
    listings: List[Tuple[str, str]] = field(default_factory=list)

    def figures(self) -> List[Figure]:
        """RETURNS (List[Figure]): Its figures and those of its groups."""
        own = [item for item in self.items if isinstance(item, Figure)]
        return own + [figure for group in self.groups for figure in group.figures()]


def show(value: Optional[Value], digits: int = 1) -> str:
    """RETURNS (str): A value as read by people: thousands apart, a true minus, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    if text.strip("-0.,") == "":
        text = text.lstrip("-")
    return text.replace("-", "−")


def _plain(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
