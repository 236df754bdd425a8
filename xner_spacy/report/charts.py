"""The kinds of charts, drawn by Altair: heat map, lines with bands, values with intervals, stacked shares.

A chart takes a DataFrame whose estimates stand in `value`, `low` and `high` (NaN where there is none), and draws a panel
for each `panel`.
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
# Told apart with every common colour-blindness, and readable as text on either paper: of names (s), of an order (o).
LIGHT: Dict[str, str] = _STYLE["light"]
DARK: Dict[str, str] = _STYLE["dark"]
# Of Vega-Lite, in the colours of `LIGHT`. Without "aria": one drawing has a title and a description, not hundreds of marks.
CONFIG: Dict[str, Any] = _STYLE["config"]
# So light that black is read on every shade.
SEQUENTIAL = ["#f7fbff", "#6baed6"]
DIVERGING = ["#f1a340", "#f7f7f7", "#67a9cf"]
WIDTH = 280
COLUMNS = 3
_PLAIN: Dict[str, Any] = {"domain": False, "ticks": False, "grid": False}
# What no eye sees of a place.
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def points(data: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The same with `value`, `low` and `high` in points: 0 to 100."""
    return data.assign(**{name: 100 * data[name].astype(float) for name in ("value", "low", "high")})


def heat_map(data: pd.DataFrame, x: str, y: str, titles: Tuple[str, str], *, signs: bool = False) -> Chart:
    """Draw fields whose colour shows `value`, with it and its interval written in each.

    x, y (str): Columns of sizes. titles (Tuple[str, str]): Of the axes. signs (bool): A difference: two colours away from
        zero.
    """
    text = [show(value, signs=signs) for value in data["value"]]
    note = [interval(*ends).replace(" to", ",") for ends in zip(data["low"], data["high"], strict=True)]
    far = float(data["value"].abs().max())
    scale = alt.Scale(domain=[-far, 0, far], range=DIVERGING) if signs else alt.Scale(range=SEQUENTIAL)
    places = (
        alt.X(x, type="ordinal", title=titles[0], axis=alt.Axis(labelAngle=0, format=",", **_PLAIN)),
        alt.Y(y, type="ordinal", title=titles[1], axis=alt.Axis(format=",", **_PLAIN), sort="descending"),
    )
    rect = alt.Chart().mark_rect(cornerRadius=3, stroke="white", strokeWidth=2).encode(*places)
    layers = [
        rect.encode(alt.Color("value:Q", scale=scale, legend=None)),
        # Black on every shade, in either scheme.
        alt.Chart().mark_text(dy=-6, fontSize=14, fontWeight=600, color="black").encode(*places, text="text:N"),
        alt.Chart().mark_text(dy=11, fontSize=10.5, color="black").encode(*places, text="note:N"),
    ]
    return _panels(data.assign(text=text, note=note), layers, width=WIDTH + 40 * signs, height=alt.Step(50))


def lines(
    data: pd.DataFrame,
    x: str,
    titles: Tuple[str, str],
    *,
    legend: Optional[str] = None,
    colours: str = "o",
    log: bool = False,
    markers: bool = True,
) -> Chart:
    """Draw lines with bands, one for each `label`, over a logarithmic axis.

    titles (Tuple[str, str]): Of the axes. legend (Optional[str]): What the labels are. colours (str): "o" of an order, "s"
        of names. log (bool): Whether the vertical axis is logarithmic too.
    """
    labels = list(dict.fromkeys(data["label"]))
    named: Dict[str, Any] = {"field": "label", "type": "nominal", "sort": labels, "title": legend}
    hues = [LIGHT[f"{colours}{i % 6}"] for i in range(len(labels))]
    colour = alt.Color(**named, scale=alt.Scale(domain=labels, range=hues))
    dash, shape = (kind(**named, scale=alt.Scale(domain=labels)) for kind in (alt.StrokeDash, alt.Shape))
    places = sorted(float(place) for place in set(data[x]))
    axis = alt.Axis(grid=False, format=",", **({"values": places} if len(places) < 6 else {"tickCount": 4}))
    across = alt.X(
        x, type="quantitative", title=titles[0], scale=alt.Scale(type="log", nice=False, padding=8), axis=axis
    )
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    value, low = (
        alt.Y(f"{name}:Q", title=titles[1], scale=scale, axis=alt.Axis(tickCount=5)) for name in ("value", "low")
    )
    layers = [
        alt.Chart().mark_area(opacity=0.15).encode(across, low, alt.Y2("high:Q"), colour),
        alt.Chart().mark_line(strokeWidth=2).encode(across, value, colour, dash),
    ]
    if markers:
        layers.append(alt.Chart().mark_point(size=55, filled=True, opacity=1).encode(across, value, colour, shape))
    return _panels(data, layers, width=WIDTH, height=190)


def intervals(data: pd.DataFrame, title: str, *, strong: str = "", shared: bool = True) -> Chart:
    """Draw a value and its interval on each line, named by `label`, and say both in figures.

    title (str): Of the axis. strong (str): The label of lines that stand out. shared (bool): Whether all panels have one
        scale.
    """
    texts = [with_interval(line, signs=True) for line in data.to_dict("records")]
    order = list(dict.fromkeys(data["label"]))
    line = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(**_PLAIN))
    colour = alt.condition(alt.datum.label == strong, alt.value(LIGHT["s1"]), alt.value(LIGHT["s0"]))
    low, value = (
        alt.X(f"{name}:Q", title=title, axis=alt.Axis(tickCount=4), scale=alt.Scale(padding=8))
        for name in ("low", "value")
    )
    layers = [
        alt.Chart().mark_rule(color=LIGHT["ink"]).encode(x=alt.datum(0)),
        alt.Chart().mark_rule(strokeWidth=2).encode(low, alt.X2("high:Q"), line, color=colour),
        alt.Chart().mark_point(size=60, filled=True, opacity=1).encode(value, line, color=colour),
        alt.Chart().mark_text(align="left").encode(line, x=alt.value(WIDTH // 2 + 6), text="text:N"),
    ]
    chart = _panels(data.assign(text=texts), layers, width=WIDTH // 2, height=alt.Step(24))
    return chart.resolve_scale(y="independent", x="shared" if shared else "independent")


def shares(data: pd.DataFrame, parts: Sequence[str]) -> Chart:
    """Draw bars of parts that add up to one, the larger ones labelled: a bar for each `label`, a field for each `part`."""
    ends = data.groupby("label", sort=False)["value"].cumsum()
    text = [f"{100 * value:.0f}%" if value >= 0.08 else "" for value in data["value"]]
    data = data.assign(end=ends, start=ends - data["value"], middle=ends - data["value"] / 2, text=text)
    hues = alt.Scale(domain=list(parts), range=[LIGHT[f"s{i}"] for i in range(len(parts))])
    line = alt.Y(
        "label:N", sort=list(dict.fromkeys(data["label"])), title=None, axis=alt.Axis(**_PLAIN, labelLimit=260)
    )
    start = alt.X("start:Q", axis=alt.Axis(format="%", grid=False, tickCount=4), title=None)
    layers = [
        alt.Chart().mark_bar().encode(start, alt.X2("end:Q"), line, alt.Color("part:N", scale=hues, title=None)),
        alt.Chart().mark_text(fontWeight=600, color=LIGHT["paper"]).encode(alt.X("middle:Q"), line, text="text:N"),
    ]
    return _panels(data, layers, width=2 * WIDTH, height=alt.Step(34))


def _panels(data: pd.DataFrame, layers: Sequence[Chart], **size: Any) -> Chart:
    """RETURNS (Chart): A panel for each `panel`, with what a reader who can't see it has to know; the values themselves
    stand in a table.
    """
    names = list(dict.fromkeys(data["panel"]))
    facet = alt.Facet("panel:N", sort=names, title=None, header=alt.Header(labels=names != [""]))
    chart = alt.layer(*layers, data=data).properties(**size).facet(facet, columns=COLUMNS if len(names) != 4 else 2)
    ends = data.groupby("panel", sort=False)["value"].agg(["min", "max"])
    told = [f"{name or 'All'}: from {show(low)} to {show(high)}." for name, (low, high) in ends.T.items()]
    return chart.properties(description=" ".join(told))


def render(chart: Chart) -> str:
    """RETURNS (str): A chart as SVG, the same for the same chart."""
    drawn = vl_convert.vegalite_to_svg(_plain({**chart.to_dict(validate=False), "config": CONFIG}))
    drawn = drawn.replace(f' font-family="{CONFIG["font"]}"', "")
    return re.sub(r" (?:d|transform)=\"[^\"]*\"", lambda path: _DECIMALS.sub(r"\1", path.group()), drawn)


def _plain(value: Any) -> Any:
    """RETURNS (Any): A specification without control characters: no SVG holds them."""
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return for_terminal(value) if isinstance(value, str) else value


def svg_of(chart: Chart, drawn: str, title: str, *, key: str = "") -> str:
    """Name what `render` has drawn for assistive technology: its title, and the chart's description.

    key (str): Unique in the page that it stands in, whose colours it then takes over; none makes a file of its own, on
        white.
    RETURNS (str): An SVG element.
    """
    found = re.match(r"<svg[^>]* width=\"([\d.]+)\" height=\"([\d.]+)\"[^>]*>", drawn)
    assert found is not None
    width, height = found.groups()
    body = drawn[found.end() :]
    if key:
        for name, colour in LIGHT.items():
            body = body.replace(f'"{colour}"', f'"var(--{name})"')
    else:
        body = f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>{body}'
    named, told = (f"{key or 'chart'}-{part}" for part in ("title", "description"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="{escape(CONFIG["font"])}" role="img" aria-labelledby="{named}" '
        f'aria-describedby="{told}"><title id="{named}">{escape(for_terminal(title))}</title>'
        f'<desc id="{told}">{escape(for_terminal(str(chart.description)))}</desc>{body}'
    )


def show(value: Any, digits: int = 1, *, signs: bool = False) -> str:
    """RETURNS (str): A value as read by people: thousands apart, a true minus, a dash for none."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return ("+" if signs and value > 0 else "") + text.replace("-", "−")


def interval(low: Optional[float], high: Optional[float], digits: int = 1) -> str:
    """RETURNS (str): An interval, or nothing where it is not known."""
    if low is None or high is None or low != low or high != high:
        return ""
    ends = [show(end, digits) for end in (low, high)]
    return (" to " if "−" in "".join(ends) else "–").join(ends)


def with_interval(estimate: Dict[str, Any], digits: int = 1, *, signs: bool = False, scale: float = 1.0) -> str:
    """RETURNS (str): `value`, with the interval of `low` and `high` in brackets where there is one."""
    value, low, high = (estimate.get(name) for name in ("value", "low", "high"))
    if value is None or value != value:
        return "–"
    low, high = (None if end is None else end * scale for end in (low, high))
    ends = interval(low, high, digits)
    return show(value * scale, digits, signs=signs) + (f" ({ends})" if ends else "")
