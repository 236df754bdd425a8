"""Small charts for pages of projects: lines, a reliability diagram, a funnel. SVG in the colours of the page, without a
plotting library.
"""

from typing import Any, List, Mapping, NamedTuple, Sequence, Tuple

from markupsafe import Markup

from ..evaluation.calibration import Bin
from .templating import environment

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 12, 36
# Colours of lines by name, see charts.json.
COLOURS = 6


class Stage(NamedTuple):
    """A stage of a funnel: its name, how many are left, and what was lost before it."""

    name: str
    number: int
    note: str = ""


class Curve(NamedTuple):
    """A line: its name, its points in the drawing, and the values of its last and its best point."""

    name: str
    points: List[Tuple[float, float]]
    last: float
    best: float


def _macros() -> Any:
    return environment().get_template("plain_charts.html").module


def _place(x: float, y: float) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): The place in the drawing of a point whose coordinates are from 0 to 1."""
    return round(LEFT + x * (WIDTH - LEFT - RIGHT), 1), round(HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM), 1)


def draw_curves(curves: Mapping[str, Sequence[Tuple[float, float]]], x: str, y: str) -> Markup:
    """RETURNS (Markup): Lines over a common axis, and a table of their ends.

    curves (Mapping[str, Sequence[Tuple[float, float]]]): By name, the points: a number from 0 on, and a share (0 to 1).
    x, y (str): Titles of the axes.
    """
    most = max((point[0] for points in curves.values() for point in points), default=0) or 1
    drawn = [
        Curve(name, [_place(step / most, share) for step, share in points], points[-1][1], max(s for _, s in points))
        for name, points in curves.items()
        if points
    ]
    ticks = [(f"{most * k / 4:,.0f}", _place(k / 4, 0)[0]) for k in range(5)]
    return Markup(_macros().curves(drawn, ticks, _levels(), x, y, (WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM), COLOURS))


def draw_reliability(bins: Mapping[str, Sequence[Bin]]) -> Markup:
    """RETURNS (Markup): For each system, how often spans of a score are right, and a table of the same.

    bins (Mapping[str, Sequence[Bin]]): By name, the bins of `xner_spacy.evaluation.calibration.reliability`.
    """
    filled = {name: [column for column in columns if column.number] for name, columns in bins.items()}
    lines = {
        name: [(*_place(column.confidence, column.accuracy), column.number) for column in columns]
        for name, columns in filled.items()
    }
    largest = max((column.number for columns in filled.values() for column in columns), default=1)
    ticks = [(f"{k / 4:.2f}", _place(k / 4, 0)[0]) for k in range(5)]
    size = (WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM)
    diagonal = (*_place(0, 0), *_place(1, 1))
    return Markup(_macros().reliability(lines, filled, largest, diagonal, ticks, _levels(), size, COLOURS))


def draw_funnel(stages: Sequence[Stage]) -> Markup:
    """RETURNS (Markup): A bar for each stage, in proportion to the first."""
    most = max((stage.number for stage in stages), default=0) or 1
    return Markup(_macros().funnel([(stage, round(100 * stage.number / most, 1)) for stage in stages]))


def _levels() -> List[Tuple[str, float]]:
    return [(str(25 * k), _place(0, k / 4)[1]) for k in range(5)]
