"""Figures of what was measured: F1 over the sizes, against the teacher, by language, by design."""

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..report.charts import Cell, Series, heat_map, lines
from ..report.figure import Figure, Table, Value
from ..report.scales import span
from ..report.svg import Panel
from ..types import Json
from .rows import SOURCE_ARMS
from .view import (
    SHORT,
    SOURCE,
    TARGET,
    Point,
    View,
    between,
    extremes,
    listed,
    place,
    points,
    signed,
    sizes,
)

Read = Callable[[Json], Tuple[Optional[float], Optional[float], Optional[float]]]
INTERVAL = "95% intervals cover the test sentences and the replicates."


def score(mean: Json) -> Tuple[Optional[float], Optional[float], Optional[float]]:
    """RETURNS (Tuple): F1 of a mean in points with its interval."""
    return points(mean["f1"]), points(mean["low"]), points(mean["high"])


def difference(name: str) -> Read:
    """name (str): "minus_teacher" or "minus_transfer". RETURNS (Read): What reads it."""

    def read(mean: Json) -> Tuple[Optional[float], Optional[float], Optional[float]]:
        return points(mean[name]), points(mean[f"{name}_low"]), points(mean[f"{name}_high"])

    return read


def heat_figure(
    key: str,
    title: str,
    groups: Mapping[str, Mapping[Point, Json]],
    read: Read,
    *,
    caption: str,
    what: str = "F1",
    signs: bool = False,
) -> Optional[Figure]:
    """Draw a quantity over both sizes, a panel for each arm.

    key (str): File name. groups (Mapping[str, Mapping[Point, Json]]): The means by the panel's
        title. read (Read): The quantity with its interval. what (str): Its name. signs (bool): A
        difference: two colours away from zero, written with signs.
    RETURNS (Optional[Figure]): None where nothing was measured.
    """
    groups = {
        name: {point: mean for point, mean in group.items() if read(mean)[0] is not None}
        for name, group in groups.items()
    }
    groups = {name: group for name, group in groups.items() if group}
    values = [read(mean)[0] for group in groups.values() for mean in group.values()]
    known = [value for value in values if value is not None]
    if not known:
        return None
    far = max(abs(value) for value in known)
    limits = (-far, far) if signs else (min(known), max(known))
    sources, targets = sizes(list(groups.values()))
    panels, rows = [], []
    for name, group in groups.items():
        cells: Dict[Tuple[str, str], Cell] = {}
        for (s, t), mean in sorted(group.items()):
            value, low, high = read(mean)
            written = signed(value) if signs else f"{value:.1f}"
            ends = between(low, high)
            tip = f"{place(s, t)}: {written}{f' ({ends})' if ends else ''}"
            cells[f"{s:,}", f"{t:,}"] = Cell(value, written, ends.replace(" to", ","), tip)
            rows.append([name, s, t, value, low, high, mean["n"]])
        panels.append(
            Panel(
                name,
                heat_map(
                    cells,
                    rows=[f"{s:,}" for s in sources],
                    columns=[f"{t:,}" for t in targets],
                    row_title=SOURCE,
                    column_title=TARGET,
                    limits=limits,
                    diverging=signs,
                ),
                f"{what} {extremes(group, lambda mean: read(mean)[0])}.",
            )
        )
    columns = ["arm", "n_source", "n_target", what, "low", "high", "rows"]
    table = Table(f"{title}, in points", columns, rows)
    return Figure(key, title, caption, panels, table)


def curve_figure(
    key: str,
    title: str,
    groups: Mapping[str, Mapping[Point, Json]],
    *,
    over_target: bool,
    caption: str,
) -> Optional[Figure]:
    """Draw F1 over one size, a line for each value of the other, a panel for each arm."""
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        return None
    sources, targets = sizes(list(groups.values()))
    levels = sources if over_target else targets
    limits = span(v for group in groups.values() for mean in group.values() for v in score(mean))
    panels, rows = [], []
    for name, group in groups.items():
        series = []
        for rank, level in enumerate(levels):
            line = []
            for (s, t), mean in sorted(group.items()):
                value, low, high = score(mean)
                if (s if over_target else t) == level and value is not None:
                    line.append((float(t if over_target else s), value, low, high))
                    rows.append([name, s, t, value, low, high, mean["n"]])
            series.append(Series(f"{level:,}", line, rank))
        panels.append(
            Panel(
                name,
                lines(
                    series,
                    x_title=TARGET if over_target else SOURCE,
                    y_title="F1",
                    y_limits=limits,
                    label_title="labelled" if over_target else "unlabelled",
                ),
                f"F1 {extremes(group, lambda mean: points(mean['f1']))}.",
            )
        )
    columns = ["arm", "n_source", "n_target", "F1", "low", "high", "rows"]
    table = Table(f"{title}, in points", columns, rows)
    return Figure(key, title, caption, panels, table)


def measured(view: View) -> List[Figure]:
    """RETURNS (List[Figure]): F1 over both sizes, as heat maps and as curves."""
    main = {view.arm(arm): view.group(arm) for arm in view.main_arms}
    other = {view.arm(arm): view.group(arm) for arm in view.other_arms}
    found = [
        heat_figure(
            "f1-main",
            "F1 by amounts of data",
            main,
            score,
            caption=f"Mean over languages and replicates; brighter is better. {INTERVAL}",
        ),
        curve_figure(
            "f1-by-target",
            "What more unlabelled target text brings",
            main,
            over_target=True,
            caption="A line for each amount of labelled source sentences. The bands are the 95% "
            "intervals of the means.",
        ),
        curve_figure(
            "f1-by-source",
            "What more labelled source text brings",
            main,
            over_target=False,
            caption="The same means the other way round: a line for each amount of unlabelled target sentences.",
        ),
        side_by_side(view),
        heat_figure(
            "f1-other",
            "F1 by amounts of data, the other arms",
            other,
            score,
            caption="Mean over the languages these arms were run on, "
            f"{_listed(view, view.other_arms)}: compare them among each other, and with the main "
            f"arms by the paired differences below. {INTERVAL}",
        ),
    ]
    return [figure for figure in found if figure is not None]


def against_teacher(view: View) -> List[Figure]:
    """RETURNS (List[Figure]): Student minus projection teacher, and minus model transfer."""
    found = []
    for name, key, title, caption in (
        (
            "minus_teacher",
            "minus-teacher",
            "Student minus projection teacher",
            "Paired on the same sentences. Above zero (blue) the student is better than the teacher "
            "that labelled its text; only languages whose test sentences have a translation.",
        ),
        (
            "minus_transfer",
            "minus-transfer",
            "Student minus model transfer",
            "Paired on the same sentences. Above zero (blue) the student is better than the source "
            "model applied to the target language as it is.",
        ),
    ):
        groups = {SHORT[arm]: view.group(arm) for arm in view.target_arms}
        found.append(heat_figure(key, title, groups, difference(name), caption=caption, what="difference", signs=True))
    return [figure for figure in found if figure is not None]


def by_language(view: View) -> Dict[str, List[Figure]]:
    """RETURNS (Dict[str, List[Figure]]): The heat maps of each language."""
    found: Dict[str, List[Figure]] = {}
    for lang in view.languages:
        figure = heat_figure(
            f"f1-{lang}",
            f"{view.language(lang)}: F1 by amounts of data",
            {SHORT[arm]: view.group(arm, lang) for arm in view.target_arms},
            score,
            caption=f"Mean over replicates. {INTERVAL}",
        )
        if figure is not None:
            found[lang] = [figure]
    return found


def side_by_side(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): F1 over N_s of each arm with its largest N_t, by language."""
    drawn: Dict[str, List[Series]] = {}
    rows: List[List[Value]] = []
    for lang in view.languages:
        for rank, arm in enumerate([*SOURCE_ARMS, *view.main_arms]):
            group = view.group(arm, lang)
            most = max((t for _, t in group), default=0)
            line = []
            for (s, t), mean in sorted(group.items()):
                value, low, high = score(mean)
                if t == most and value is not None:
                    line.append((float(s), value, low, high))
                    rows.append([view.language(lang), SHORT[arm], s, t, value, low, high, mean["n"]])
            label = SHORT[arm].replace(" pseudo-labels", "").replace("model ", "")
            if line:
                drawn.setdefault(lang, []).append(Series(label, line, rank, ordered=False))
    if not rows:
        return None
    limits = span(v for series in drawn.values() for one in series for p in one.points for v in p[1:])
    panels = [
        Panel(
            view.language(lang),
            lines(series, x_title=SOURCE, y_title="F1", y_limits=limits),
            " ".join(_ends(one) for one in series),
        )
        for lang, series in drawn.items()
    ]
    columns = ["language", "arm", "n_source", "n_target", "F1", "low", "high", "rows"]
    title = "Students, teacher and transfer by language"
    caption = (
        "Students with the most unlabelled text; transfer uses none, and the teacher reads a translation "
        "of each test sentence instead. All panels have the same scale."
    )
    return Figure("by-language", title, caption, panels, Table(f"{title}, in points", columns, rows))


def _ends(series: Series) -> str:
    return f"{series.label}: {series.points[0][1]:.1f} to {series.points[-1][1]:.1f}."


def _listed(view: View, arms: Sequence[str]) -> str:
    codes = [code for code in view.languages if any(code in view.spoken(arm) for arm in arms)]
    return listed([view.language(code) for code in codes])
