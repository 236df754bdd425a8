"""The kinds of charts: heat map, lines with bands, values with intervals, stacked shares."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Dict, List, Optional, Sequence, Tuple

from .colours import DIVERGING, SEQUENTIAL, readable_on, shade
from .scales import Scale, log_ticks, span, ticks
from .svg import Svg

Place = Tuple[float, float]

WIDTH = 360.0
CHARACTER = 6.6  # about the width of one, in units
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "plus")
DASHES = ("", "dash1", "dash2", "dash3")
CELL_HEIGHT = 50.0


@dataclass(frozen=True)
class Cell:
    """A field of a heat map.

    value (Optional[float]): What the colour shows; None for a field without a value. text (str):
        Written in it. note (str): Written below in small. tip (str): Shown under the pointer.
    """

    value: Optional[float]
    text: str
    note: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Series:
    """A line.

    label (str): Written at its end. points (Sequence[Tuple]): x, y, low, high; low and high may be
        None. rank (int): Which colour, marker and dash. ordered (bool): Colours of an order, not of
        names. smooth (bool): No markers.
    """

    label: str
    points: Sequence[Tuple[float, float, Optional[float], Optional[float]]]
    rank: int
    ordered: bool = True
    smooth: bool = False

    @property
    def colour(self) -> str:
        """RETURNS (str): Its class."""
        return f"o{self.rank % 6}" if self.ordered else f"s{self.rank % 8}"


@dataclass(frozen=True)
class Interval:
    """A value with its interval; without a value, a heading over those that follow."""

    label: str
    value: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    strong: bool = False
    text: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar of parts that add up to one."""

    label: str
    parts: Dict[str, float] = field(default_factory=dict)
    reason: str = ""


def heat_map(
    cells: Dict[Tuple[str, str], Cell],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    row_title: str,
    column_title: str,
    limits: Tuple[float, float],
    diverging: bool = False,
) -> Svg:
    """Draw fields whose colour shows a value, with the value written in each.

    cells (Dict[Tuple[str, str], Cell]): By row and column. rows, columns (Sequence[str]): Their
        names in order; the first row is the lowest. limits (Tuple[float, float]): Values at the
        ends of the colour scale.
    """
    left = 28 + CHARACTER * max(len(name) for name in rows)
    wide = (WIDTH - left - 4) / max(len(columns), 2)
    bottom = 4 + CELL_HEIGHT * len(rows)
    svg = Svg(WIDTH, bottom + 40)
    for i, row in enumerate(rows):
        y = bottom - CELL_HEIGHT * (i + 1)
        svg.text(left - 8, y + CELL_HEIGHT / 2 + 4, row, anchor="end")
        for j, column in enumerate(columns):
            x = left + wide * j
            cell = cells.get((row, column), Cell(None, "–"))
            middle, line = x + wide / 2, y + CELL_HEIGHT / 2
            colour = shade(DIVERGING if diverging else SEQUENTIAL, _share(cell.value, limits))
            box = svg.add(
                "rect",
                "empty" if cell.value is None else "",
                tip=cell.tip or None,
                x=x + 1,
                y=y + 1,
                width=wide - 2,
                height=CELL_HEIGHT - 2,
                rx=3,
            )
            if cell.value is None:
                svg.text(middle, line + 4, cell.text, anchor="middle")
                continue
            box.set("fill", colour)
            ink = "on-dark" if readable_on(colour) == "#ffffff" else "on-light"
            svg.text(middle, line + (0 if cell.note else 5), cell.text, f"cell {ink}", "middle")
            if cell.note:
                svg.text(middle, line + 14, cell.note, f"note {ink}", "middle")
    for j, column in enumerate(columns):
        svg.text(left + wide * (j + 0.5), bottom + 16, column, anchor="middle")
    svg.text(left + wide * len(columns) / 2, bottom + 34, column_title, "axis-title", "middle")
    _side_title(svg, row_title, bottom / 2)
    return svg


def lines(
    series: Sequence[Series],
    *,
    x_title: str,
    y_title: str,
    y_limits: Optional[Tuple[float, float]] = None,
    x_log: bool = True,
    y_log: bool = False,
    label_title: str = "",
    zero: bool = False,
    x_format: str = "{:,.0f}",
    height: float = 270.0,
) -> Svg:
    """Draw lines with bands, each labelled at its end.

    y_limits (Optional[Tuple[float, float]]): Ends of the vertical axis, so that panels compare; from
        the data by default. y_log (bool): Equal factors are equal steps. label_title (str): What the labels are. zero (bool): Whether zero is
        marked. x_format (str): How the ticks of x are written.
    """
    shown = [one for one in series if one.points]
    xs = [point[0] for one in shown for point in one.points] or [1.0]
    ys = [value for one in shown for point in one.points for value in point[1:]]
    y_low, y_high = y_limits or span(ys, include=[0.0] if zero else [])
    labels = [one.label for one in shown] + [label_title]
    right = 14 + CHARACTER * max(len(label) for label in labels)
    left, top, bottom = 52.0, 22.0, height - 44
    y_scale = Scale(y_low, y_high, bottom, top, y_log)
    x_scale = Scale(min(xs), max(xs), left + 8, WIDTH - right - 6, x_log)
    svg = Svg(WIDTH, height)
    for tick in log_ticks(y_low, y_high) if y_log else ticks(y_low, y_high):
        y = y_scale(tick)
        svg.add("line", "rule", x1=left, x2=WIDTH - right, y1=y, y2=y)
        svg.text(left - 7, y + 4, f"{tick:g}", anchor="end")
    if zero and y_low < 0 < y_high:
        svg.add("line", "zero", x1=left, x2=WIDTH - right, y1=y_scale(0), y2=y_scale(0))
    svg.add("line", "axis", x1=left, x2=WIDTH - right, y1=bottom, y2=bottom)
    places = sorted(set(xs)) if len(set(xs)) <= 5 else _x_ticks(min(xs), max(xs), x_log)
    for tick in places:
        x = x_scale(tick)
        svg.add("line", "axis", x1=x, x2=x, y1=bottom, y2=bottom + 4)
        svg.text(x, bottom + 17, x_format.format(tick), anchor="middle")
    svg.text((left + WIDTH - right) / 2, bottom + 36, x_title, "axis-title", "middle")
    _side_title(svg, y_title, (top + bottom) / 2)
    if label_title:
        svg.text(WIDTH - right + 2, 12, label_title, "axis-title")
    for one in shown:
        _band(svg, one, x_scale, y_scale)
    for one in shown:
        _line(svg, one, x_scale, y_scale)
    _end_labels(svg, shown, x_scale, y_scale)
    return svg


def intervals(
    rows: Sequence[Interval],
    *,
    x_title: str,
    limits: Optional[Tuple[float, float]] = None,
    zero: bool = True,
) -> Svg:
    """Draw a value and its interval on each line, and say both in figures."""
    values = [value for row in rows for value in (row.value, row.low, row.high)]
    low, high = limits or span(values, include=[0.0] if zero else [])
    left = 10 + CHARACTER * max((len(r.label) for r in rows if r.value is not None), default=4)
    left = min(max(left, 60.0), 180.0)
    right = 14 + CHARACTER * max((len(row.text) for row in rows), default=0)
    top, step = 6.0, 24.0
    bottom = top + step * len(rows)
    svg = Svg(WIDTH, bottom + 40)
    scale = Scale(low, high, left + 6, WIDTH - right - 6)
    for tick in ticks(low, high, max(2, int((scale.end - scale.start) / 40))):
        x = scale(tick)
        svg.add("line", "rule", x1=x, x2=x, y1=top, y2=bottom)
        svg.text(x, bottom + 16, f"{tick:g}", anchor="middle")
    if zero:
        svg.add("line", "zero", x1=scale(0), x2=scale(0), y1=top, y2=bottom)
    svg.text((left + WIDTH - right) / 2, bottom + 34, x_title, "axis-title", "middle")
    for i, row in enumerate(rows):
        y = top + step * (i + 0.5)
        if row.value is None:
            svg.text(0, y + 4, row.label, "strong")
            continue
        svg.text(left - 4, y + 4, row.label, "strong" if row.strong else "tick", "end")
        css = "s1" if row.strong else "s0"
        if row.low is not None and row.high is not None:
            svg.add("line", f"bar {css}", x1=scale(row.low), x2=scale(row.high), y1=y, y2=y)
        shape = "square" if row.strong else "circle"
        _marker(svg, shape, scale(row.value), y, f"dot {css}", 5.0 if row.strong else 4.0)
        svg.text(WIDTH, y + 4, row.text, "strong" if row.strong else "tick", "end")
    return svg


def shares(bars: Sequence[Bar], parts: Sequence[str]) -> Svg:
    """Draw bars of parts that add up to one, the larger parts labelled, with a key."""
    x, top = 0.0, 4.0
    places: List[Place] = []
    for part in parts:
        wide = 16 + CHARACTER * len(part) + 14
        if x + wide > WIDTH + 14:
            x, top = 0.0, top + 20
        places.append((x, top))
        x += wide
    top, step = top + 28, 54.0
    svg = Svg(WIDTH, top + step * len(bars) + 4)
    for rank, (part, (x, y)) in enumerate(zip(parts, places, strict=True)):
        svg.add("rect", f"block s{rank}", x=x, y=y, width=12, height=12)
        svg.text(x + 16, y + 10, part)
    for i, bar in enumerate(bars):
        y = top + step * i
        svg.text(0, y + 12, bar.label, "strong")
        if not bar.parts:
            svg.text(0, y + 32, bar.reason or "not estimated")
            continue
        x = 0.0
        for rank, part in enumerate(parts):
            share = bar.parts.get(part, 0.0)
            wide = share * WIDTH
            if wide <= 0:
                continue
            svg.add("rect", f"block s{rank}", x=x, y=y + 18, width=wide, height=24, tip=part)
            text = f"{100 * share:.0f}%"
            if wide > CHARACTER * len(text) + 4:
                svg.text(x + wide / 2, y + 35, text, "on-block", "middle")
            x += wide
    return svg


def _end_labels(svg: Svg, shown: Sequence[Series], x_scale: Scale, y_scale: Scale) -> None:
    """Write each label beside the end of its line, or along it where lines end anywhere."""
    traces = [[(x_scale(x), y_scale(y)) for x, y, *_ in one.points] for one in shown]
    if any(one.smooth for one in shown):
        places = _along([one.label for one in shown], traces)
        for one, (x, y) in zip(shown, places, strict=True):
            svg.add("text", f"label {one.colour}", text=one.label, x=x, y=y)
        return
    ends = {i: trace[-1][1] for i, trace in enumerate(traces)}
    for i, y in _apart(ends, 14.0, y_scale.end, y_scale.start).items():
        x, end = traces[i][-1]
        if abs(y - end) > 5:
            svg.add("line", f"lead {shown[i].colour}", x1=x + 4, x2=x + 9, y1=end, y2=y)
        svg.add("text", f"label {shown[i].colour}", text=shown[i].label, x=x + 10, y=y + 4)


def _along(labels: Sequence[str], traces: Sequence[Sequence[Place]]) -> List[Place]:
    """RETURNS (List[Place]): Where each label starts: of the places along its line the first, from the
    end on, with the fewest points of lines and other labels under it."""
    dots = [dot for trace in traces for dot in _dense(trace)]
    taken: List[Tuple[Place, float]] = []
    for label, trace in zip(labels, traces, strict=True):
        wide = CHARACTER * len(label)
        end = trace[-1]
        tries = [(end[0] + 6, end[1] + 4)]
        tries += [(x - wide / 2, y + off) for x, y in reversed(trace) for off in (-7, 16)]
        tries = [(x, y) for x, y in tries if x + wide <= WIDTH and y > 12]
        best = min(tries or [end], key=lambda at: _hidden(at, wide, dots, taken))
        taken.append((best, wide))
    return [at for at, _ in taken]


def _hidden(at: Place, wide: float, dots: Sequence[Place], taken: Sequence[Tuple[Place, float]]) -> int:
    left, right, top, bottom = at[0] - 2, at[0] + wide + 2, at[1] - 11, at[1] + 3
    count = sum(left < x < right and top < y < bottom for x, y in dots)
    for (x, y), other in taken:
        count += 100 * (left < x + other and x < right and abs(y - at[1]) < 14)
    return count


def _dense(trace: Sequence[Place]) -> List[Place]:
    """RETURNS (List[Place]): Points along a line, about four units apart."""
    found = list(trace[:1])
    for (a, b), (c, d) in pairwise(trace):
        steps = max(1, round(max(abs(c - a), abs(d - b)) / 4))
        found += [(a + (c - a) * i / steps, b + (d - b) * i / steps) for i in range(1, steps + 1)]
    return found


def _share(value: Optional[float], limits: Tuple[float, float]) -> float:
    low, high = limits
    return (value - low) / (high - low) if value is not None and high > low else 0.5


def _x_ticks(low: float, high: float, log: bool) -> List[float]:
    return log_ticks(low, high) if log else ticks(low, high)


def _side_title(svg: Svg, text: str, y: float) -> None:
    svg.add(
        "text",
        "axis-title",
        text=text,
        text_anchor="middle",
        transform=f"translate(12 {y:.1f}) rotate(-90)",
    )


def _band(svg: Svg, one: Series, x_scale: Scale, y_scale: Scale) -> None:
    known = [(x, low, high) for x, _, low, high in one.points if low is not None and high is not None]
    if len(known) > 1:
        upper = [(x_scale(x), y_scale(high)) for x, _, high in known]
        lower = [(x_scale(x), y_scale(low)) for x, low, _ in reversed(known)]
        svg.path(upper + lower, f"band {one.colour}", close=True)


def _line(svg: Svg, one: Series, x_scale: Scale, y_scale: Scale) -> None:
    places = [(x_scale(x), y_scale(y)) for x, y, _, _ in one.points]
    if len(places) > 1:
        svg.path(places, f"line {one.colour} {DASHES[one.rank % len(DASHES)]}".strip())
    if not one.smooth:
        for x, y in places:
            _marker(svg, MARKERS[one.rank % len(MARKERS)], x, y, f"dot {one.colour}", 4.5)


def _marker(svg: Svg, shape: str, x: float, y: float, css: str, size: float) -> None:
    if shape == "circle":
        svg.add("circle", css, cx=x, cy=y, r=size)
    elif shape == "square":
        svg.add("rect", css, x=x - size, y=y - size, width=2 * size, height=2 * size)
    elif shape == "triangle":
        svg.path(
            [(x, y - size * 1.2), (x + size * 1.2, y + size), (x - size * 1.2, y + size)],
            css,
            close=True,
        )
    elif shape == "diamond":
        far = size * 1.3
        svg.path([(x, y - far), (x + far, y), (x, y + far), (x - far, y)], css, close=True)
    else:
        turn = 45 if shape == "cross" else 0
        arm, far = size * 0.45, size * 1.3
        corner = [(-arm, -far), (arm, -far), (arm, -arm), (far, -arm), (far, arm), (arm, arm)]
        corner += [(arm, far), (-arm, far), (-arm, arm), (-far, arm), (-far, -arm), (-arm, -arm)]
        steps = " L".join(f"{a:.2f} {b:.2f}" for a, b in corner)
        svg.add("path", css, d=f"M{steps}Z", transform=f"translate({x:.2f} {y:.2f}) rotate({turn})")


def _apart(places: Dict[int, float], least: float, low: float, high: float) -> Dict[int, float]:
    """RETURNS (Dict[int, float]): The places moved as little as needed to lie `least` apart."""
    order = sorted(places, key=lambda key: (places[key], key))
    moved: List[float] = []
    for key in order:
        moved.append(max(places[key], moved[-1] + least if moved else low))
    limit = high
    for i in range(len(moved) - 1, -1, -1):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - least
    return dict(zip(order, moved, strict=True))
