"""The kinds of charts, drawn by Altair: heat map, lines with bands, values with intervals, stacked shares.

A chart takes a DataFrame with estimates in the columns `value`, `low` and `high` (NaN for missing ones), and draws a
panel for each `panel`.
"""

import re
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import altair as alt
import pandas as pd
import srsly
import vl_convert
from markupsafe import escape

from ..escape import for_terminal

Chart = Any

_STYLE: Dict[str, Any] = srsly.read_json(Path(__file__).parent / "templates" / "charts.json")
# Colours of names (s) and of an order (o), for all common kinds of colour-blindness and readable on either background.
LIGHT: Dict[str, str] = _STYLE["light"]
DARK: Dict[str, str] = _STYLE["dark"]
# The config of Vega-Lite, with the colours of `LIGHT`. Without "aria", since only the whole drawing has a description.
CONFIG: Dict[str, Any] = _STYLE["config"]
# Light enough for black text on every shade.
SEQUENTIAL = ["#f7fbff", "#6baed6"]
DIVERGING = ["#f1a340", "#f7f7f7", "#67a9cf"]
WIDTH = 280
COLUMNS = 3
_PLAIN: Dict[str, Any] = {"domain": False, "ticks": False, "grid": False}
# Decimals of positions that are too small to be seen.
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def points(data: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The data with `value`, `low` and `high` in points (0 to 100)."""
    return data.assign(**{name: 100 * data[name].astype(float) for name in ("value", "low", "high")})


def heat_map(data: pd.DataFrame, x: str, y: str, titles: Tuple[str, str], *, signs: bool = False) -> Chart:
    """Draw fields whose colour shows `value`, with the value and its interval as text.

    x, y (str): Columns of sizes. titles (Tuple[str, str]): Titles of the axes. signs (bool): Whether values are
        differences, with a colour for each sign.
    """
    text = [show(value, signs=signs) for value in data["value"]]
    intervals_text = [interval(*ends).replace(" to", ",") for ends in zip(data["low"], data["high"], strict=True)]
    largest = float(data["value"].abs().max())
    scale = alt.Scale(domain=[-largest, 0, largest], range=DIVERGING) if signs else alt.Scale(range=SEQUENTIAL)
    axes = (
        alt.X(x, type="ordinal", title=titles[0], axis=alt.Axis(labelAngle=0, format=",", **_PLAIN)),
        alt.Y(y, type="ordinal", title=titles[1], axis=alt.Axis(format=",", **_PLAIN), sort="descending"),
    )
    rect = alt.Chart().mark_rect(cornerRadius=3, stroke="white", strokeWidth=2).encode(*axes)
    layers = [
        rect.encode(alt.Color("value:Q", scale=scale, legend=None)),
        # Text is black on every shade, in the light and the dark scheme.
        alt.Chart().mark_text(dy=-6, fontSize=14, fontWeight=600, color="black").encode(*axes, text="text:N"),
        alt.Chart().mark_text(dy=11, fontSize=10.5, color="black").encode(*axes, text="note:N"),
    ]
    return _panels(data.assign(text=text, note=intervals_text), layers, width=WIDTH + 40 * signs, height=alt.Step(50))


def lines(
    data: pd.DataFrame,
    x: str,
    titles: Tuple[str, str],
    *,
    legend: Optional[str] = None,
    colours: str = "o",
    log: bool = False,
    markers: bool = True,
    marks: bool = False,
) -> Chart:
    """Draw lines with bands, one for each `label`, over a logarithmic axis.

    titles (Tuple[str, str]): Titles of the axes. legend (Optional[str]): Title of the legend. colours (str): "o" for
        ordered labels, "s" for names. log (bool): Whether the vertical axis is logarithmic too. marks (bool): Whether
        one place of each line is marked: `best` on the horizontal axis, with the interval from `best_low` to
        `best_high`, at the height `best_value` (NaN in all other rows).
    """
    labels = list(dict.fromkeys(data["label"]))
    labels_encoding: Dict[str, Any] = {"field": "label", "type": "nominal", "sort": labels, "title": legend}
    hues = [LIGHT[f"{colours}{i % 6}"] for i in range(len(labels))]
    colour = alt.Color(**labels_encoding, scale=alt.Scale(domain=labels, range=hues))
    dashes, shape = (kind(**labels_encoding, scale=alt.Scale(domain=labels)) for kind in (alt.StrokeDash, alt.Shape))
    x_values = sorted(float(value) for value in set(data[x]))
    axis = alt.Axis(grid=False, format=",", **({"values": x_values} if len(x_values) < 6 else {"tickCount": 4}))
    x_scale = alt.Scale(type="log", nice=False, padding=8)
    x_axis = alt.X(x, type="quantitative", title=titles[0], scale=x_scale, axis=axis)
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    value, low = (
        alt.Y(f"{name}:Q", title=titles[1], scale=scale, axis=alt.Axis(tickCount=5)) for name in ("value", "low")
    )
    layers = [
        alt.Chart().mark_area(opacity=0.15).encode(x_axis, low, alt.Y2("high:Q"), colour),
        alt.Chart().mark_line(strokeWidth=2).encode(x_axis, value, colour, dashes),
    ]
    if markers:
        layers.append(alt.Chart().mark_point(size=55, filled=True, opacity=1).encode(x_axis, value, colour, shape))
    if marks:
        marked = alt.Chart().transform_filter("isValid(datum.best_value)")
        height = alt.Y("best_value:Q", title=titles[1], scale=scale)
        place, low_end = (
            alt.X(f"{name}:Q", title=titles[0], scale=x_scale, axis=axis) for name in ("best", "best_low")
        )
        ink = LIGHT["ink"]
        layers.append(marked.mark_rule(strokeWidth=3, color=ink).encode(low_end, alt.X2("best_high:Q"), height))
        layers.append(
            marked.mark_point(size=90, shape="diamond", filled=True, opacity=1, color=ink).encode(place, height)
        )
    return _panels(data, layers, width=WIDTH, height=190)


def intervals(data: pd.DataFrame, title: str, *, strong: str = "", shared: bool = True) -> Chart:
    """Draw a value and its interval on each line, named by `label`, and write both as numbers.

    title (str): Title of the axis. strong (str): The label of emphasised lines. shared (bool): Whether all panels have
        the same scale.
    """
    texts = [with_interval(record, signs=True) for record in data.to_dict("records")]
    order = list(dict.fromkeys(data["label"]))
    label_axis = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(**_PLAIN))
    colour = alt.condition(alt.datum.label == strong, alt.value(LIGHT["s1"]), alt.value(LIGHT["s0"]))
    low, value = (
        alt.X(f"{name}:Q", title=title, axis=alt.Axis(tickCount=4), scale=alt.Scale(padding=8))
        for name in ("low", "value")
    )
    layers = [
        alt.Chart().mark_rule(color=LIGHT["ink"]).encode(x=alt.datum(0)),
        alt.Chart().mark_rule(strokeWidth=2).encode(low, alt.X2("high:Q"), label_axis, color=colour),
        alt.Chart().mark_point(size=60, filled=True, opacity=1).encode(value, label_axis, color=colour),
        alt.Chart().mark_text(align="left").encode(label_axis, x=alt.value(WIDTH // 2 + 6), text="text:N"),
    ]
    chart = _panels(data.assign(text=texts), layers, width=WIDTH // 2, height=alt.Step(24))
    return chart.resolve_scale(y="independent", x="shared" if shared else "independent")


def shares(data: pd.DataFrame, parts: Sequence[str]) -> Chart:
    """Draw a bar for each `label`, of fields for each `part` whose sum is 1; the larger fields have labels."""
    ends = data.groupby("label", sort=False)["value"].cumsum()
    text = [f"{100 * value:.0f}%" if value >= 0.08 else "" for value in data["value"]]
    data = data.assign(end=ends, start=ends - data["value"], middle=ends - data["value"] / 2, text=text)
    scale = alt.Scale(domain=list(parts), range=[LIGHT[f"s{i}"] for i in range(len(parts))])
    y_axis = alt.Y(
        "label:N", sort=list(dict.fromkeys(data["label"])), title=None, axis=alt.Axis(**_PLAIN, labelLimit=260)
    )
    start = alt.X("start:Q", axis=alt.Axis(format="%", grid=False, tickCount=4), title=None)
    layers = [
        alt.Chart().mark_bar().encode(start, alt.X2("end:Q"), y_axis, alt.Color("part:N", scale=scale, title=None)),
        alt.Chart().mark_text(fontWeight=600, color=LIGHT["paper"]).encode(alt.X("middle:Q"), y_axis, text="text:N"),
    ]
    return _panels(data, layers, width=2 * WIDTH, height=alt.Step(34))


def _panels(data: pd.DataFrame, layers: Sequence[Chart], **size: Any) -> Chart:
    """RETURNS (Chart): A panel for each `panel`, with a description for readers who can't see it; the values themselves
    are in a table.
    """
    names = list(dict.fromkeys(data["panel"]))
    facet = alt.Facet("panel:N", sort=names, title=None, header=alt.Header(labels=names != [""]))
    chart = alt.layer(*layers, data=data).properties(**size).facet(facet, columns=COLUMNS if len(names) != 4 else 2)
    ends = data.groupby("panel", sort=False)["value"].agg(["min", "max"])
    summaries = [f"{name or 'All'}: from {show(low)} to {show(high)}." for name, (low, high) in ends.T.items()]
    return chart.properties(description=" ".join(summaries))


def render(chart: Chart, *, narrow: bool = False) -> str:
    """RETURNS (str): A chart as SVG, always the same for the same chart. narrow (bool): For narrow windows."""
    specification = {**chart.to_dict(validate=False), "config": CONFIG}
    svg = vl_convert.vegalite_to_svg(_plain(_narrowed(specification) if narrow else specification))
    svg = svg.replace(f' font-family="{CONFIG["font"]}"', "")
    return re.sub(r" (?:d|transform)=\"[^\"]*\"", lambda path: _DECIMALS.sub(r"\1", path.group()), svg)


def _narrowed(specification: Dict[str, Any]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): One panel below the other, with titles and legends on several lines. The widest panels
    lose their texts, which would not fit; their values are in a table.
    """
    panel, facet = dict(specification["spec"]), dict(specification["facet"])
    width = panel.get("width", WIDTH)
    if width > 1.5 * WIDTH:
        panel["width"] = WIDTH // 2
        panel["layer"] = [layer for layer in panel["layer"] if layer["mark"].get("type") != "text"]
    else:
        panel["width"] = min(width, WIDTH + 20)
    lines_of_title = "split(replace(datum.label, ' minus ', ': minus '), ': ')"
    facet["header"] = {**facet.get("header", {}), "labelExpr": lines_of_title, "labelFontSize": 12}
    config = {**CONFIG, "legend": {**CONFIG["legend"], "columns": 2}}
    return {**specification, "spec": panel, "facet": facet, "columns": 1, "config": config}


def _plain(value: Any) -> Any:
    """RETURNS (Any): A specification without control characters, which SVG does not allow."""
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return for_terminal(value) if isinstance(value, str) else value


def svg_of(chart: Chart, drawn: str, title: str, *, key: str = "") -> str:
    """Add a title and the chart's description to the result of `render`, for assistive technology.

    drawn (str): The result of `render`. key (str): A key that is unique in the page, whose colours the drawing then
        uses; if empty, the drawing is for a file, on white.
    RETURNS (str): An SVG element.
    """
    header = re.match(r"<svg[^>]* width=\"([\d.]+)\" height=\"([\d.]+)\"[^>]*>", drawn)
    assert header is not None
    width, height = header.groups()
    body = drawn[header.end() :]
    if key:
        for name, colour in LIGHT.items():
            body = body.replace(f'"{colour}"', f'"var(--{name})"')
    else:
        body = f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>{body}'
    title_id, description_id = (f"{key or 'chart'}-{part}" for part in ("title", "description"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="{escape(CONFIG["font"])}" role="img" aria-labelledby="{title_id}" '
        f'aria-describedby="{description_id}"><title id="{title_id}">{escape(for_terminal(title))}</title>'
        f'<desc id="{description_id}">{escape(for_terminal(str(chart.description)))}</desc>{body}'
    )


def show(value: Any, digits: int = 1, *, signs: bool = False) -> str:
    """RETURNS (str): A value for readers: with a separator of thousands, a true minus, and a dash for None or NaN."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return ("+" if signs and value > 0 else "") + text.replace("-", "−")


def interval(low: Optional[float], high: Optional[float], digits: int = 1) -> str:
    """RETURNS (str): An interval, or an empty text if it is unknown."""
    if low is None or high is None or low != low or high != high:
        return ""
    ends = [show(end, digits) for end in (low, high)]
    return (" to " if "−" in "".join(ends) else "–").join(ends)


def with_interval(estimate: Dict[str, Any], digits: int = 1, *, signs: bool = False, scale: float = 1.0) -> str:
    """RETURNS (str): `value`, with the interval from `low` to `high`, if it is known, in brackets."""
    value, low, high = (estimate.get(name) for name in ("value", "low", "high"))
    if value is None or value != value:
        return "–"
    low, high = (None if end is None else end * scale for end in (low, high))
    ends = interval(low, high, digits)
    return show(value * scale, digits, signs=signs) + (f" ({ends})" if ends else "")
