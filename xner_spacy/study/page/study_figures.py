"""The figures of a study: of its measurements, and of the estimates from them."""

from functools import partial
from math import nan
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import pandas as pd
import srsly

from ...report.charts import Chart, heat_map, intervals, lines, points, shares
from ...report.document import Figure, Table
from ..analysis.analyse import Analysis
from ..analysis.hypotheses import STUDENTS
from ..analysis.intervals import ALL, SIZES
from ..analysis.ratios import best_ratios, iso_lines, rates
from ..analysis.spread import COMPONENTS
from ..analysis.surface import Surface
from ..design.rows import ARMS, SOURCE_ARMS
from .wording import KINDS, SIDES, ratio

# The names and descriptions of the arms.
_WORDS = srsly.read_json(Path(__file__).parent / "templates" / "arms.json")
ARM_NAMES: Dict[str, str] = {arm: words["name"] for arm, words in _WORDS.items()}
DESCRIPTIONS: Dict[str, str] = {arm: words["what"] for arm, words in _WORDS.items()}
SHORT = {arm: name.split(" (")[0] for arm, name in ARM_NAMES.items()}
# Columns of frames, with their names in tables.
ESTIMATE = {"value": "value", "low": "low", "high": "high"}
MEAN = {"n_source": "n_source", "n_target": "n_target", "value": "F1", "low": "low", "high": "high", "n": "rows"}
Groups = Mapping[str, pd.DataFrame]


def only(data: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """RETURNS (DataFrame): The lines with these values."""
    return data[(data[list(wanted)] == list(wanted.values())).all(axis=1)]


def of_grid(means: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The lines of the block "main", of arms that are in it; else those of all blocks."""
    in_main = means["block"].eq("main")
    has_main = in_main.groupby(means["arm"], observed=True).transform("any")
    return means[in_main | ~has_main]


def records(data: pd.DataFrame) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The lines of a frame."""
    return [{str(k): v for k, v in line.items()} for line in data.to_dict("records")]


class View:
    """The parts of an analysis that figures need, for the design with fixed optimiser steps, in points of F1.

    analysis (Analysis): The estimates. names (Mapping[str, str]): Names of the languages by code.
    """

    def __init__(self, analysis: Analysis, names: Mapping[str, str]) -> None:
        self.analysis = analysis
        self.names = names
        means = of_grid(only(analysis.means, design="steps"))
        self.means = points(means.drop_duplicates(["arm", "quantity", "lang", *SIZES])).sort_values(SIZES)
        without = of_grid(only(analysis.without_apart, design="steps"))
        self.without_apart = points(without.drop_duplicates(["arm", "quantity", *SIZES])).sort_values(SIZES)
        by_arm = means[means["lang"] != ALL].groupby("arm", observed=True)["lang"].unique()
        measured = {lang for langs in by_arm for lang in langs}
        self.languages = [lang for lang in names if lang in measured] + sorted(measured - set(names))
        self.arm_languages: Dict[str, List[str]] = {arm: list(by_arm[arm]) for arm in ARMS if arm in by_arm}
        self.target_arms = [arm for arm in self.arm_languages if arm not in SOURCE_ARMS]
        most_languages = max((len(self.arm_languages[arm]) for arm in self.target_arms), default=0)
        self.main_arms = [arm for arm in self.target_arms if len(self.arm_languages[arm]) == most_languages]
        # Arms with a single cell are in a table, since they would leave the rest of a field of sizes blank.
        sizes = means.groupby("arm", observed=True)[SIZES].apply(lambda part: len(part.drop_duplicates()))
        self.one_cell = [arm for arm in self.target_arms if sizes[arm] == 1]

    def group(self, arm: str, lang: str = ALL, quantity: str = "f1") -> pd.DataFrame:
        """RETURNS (DataFrame): The means of an arm."""
        return only(self.means, arm=arm, lang=lang, quantity=quantity)

    def language(self, code: str) -> str:
        """RETURNS (str): The name of a language."""
        return "all" if code == ALL else self.names.get(code, code)

    def arm(self, arm: str) -> str:
        """RETURNS (str): The name of an arm and the number of its languages."""
        count = len(self.arm_languages[arm])
        return f"{SHORT[arm]} · {count} language{'s' if count != 1 else ''}"

    def of_languages(self, data: pd.DataFrame) -> pd.DataFrame:
        """RETURNS (DataFrame): The lines of all languages together and of each one, with its name as `label`."""
        order = [ALL, *self.languages]
        data = data[data["lang"].isin(order)].sort_values("lang", key=lambda lang: lang.map(order.index))
        return data.assign(label=data["lang"].map(self.language))


def make_figures(view: View) -> Dict[str, Optional[Figure]]:
    """RETURNS (Dict[str, Optional[Figure]]): All figures by key; None for those without data. Their titles and captions
    are in the template of the page.
    """
    main_arms, analysis = view.main_arms, view.analysis
    arms = [arm for arm in view.target_arms if arm not in view.one_cell]
    means = {view.arm(arm): view.group(arm) for arm in main_arms}
    # Other arms, such as TSL, learn from other kinds of text than the axes of these figures name.
    by_arm = {arm: analysis.surfaces[arm] for arm in main_arms if arm in analysis.surfaces}
    students = [arm for arm in by_arm if arm in STUDENTS] or list(by_arm)
    surfaces = {SHORT[arm]: by_arm[arm] for arm in students}
    tenfolds, mirrored, contrasts, spread = (
        only(data, design="steps")
        for data in (analysis.tenfolds, analysis.mirrored, analysis.contrasts, analysis.spread)
    )
    return {
        "f1-main": _heat(means),
        "f1-without": _heat({SHORT[arm]: only(view.without_apart, arm=arm, quantity="f1") for arm in main_arms}),
        "f1-by-target": _curves(means, "target", "source"),
        "f1-by-source": _curves(means, "source", "target"),
        "by-language": _side_by_side(view),
        "f1-other": _heat({view.arm(arm): view.group(arm) for arm in arms if arm not in main_arms}),
        **{
            f"minus-{name}": _heat(
                {SHORT[arm]: view.group(arm, quantity=f"minus_{name}") for arm in arms}, "difference"
            )
            for name in ("teacher", "transfer")
        },
        "iso-total": _iso_lines(surfaces, "total", "ratio", "ratio, labelled : translated"),
        "iso-ratio": _iso_lines(surfaces, "ratio", "total", "total, labelled + translated"),
        "rates": _rates(surfaces),
        "tenfolds": _forest(
            {
                f"{SHORT[arm]}: {description}": view.of_languages(only(tenfolds, arm=arm, coefficient=side))
                for arm in main_arms
                for side, description in SIDES.items()
            },
            "F1 for a tenfold",
        ),
        "mirrored": _forest(
            {view.arm(arm): _of_sizes(only(mirrored, arm=arm)) for arm in main_arms},
            "F1, more labelled minus more translated",
        ),
        "contrasts": _forest(
            {
                f"{SHORT[left]} minus {SHORT[right]}": view.of_languages(data)
                for (left, right), data in only(contrasts, n_source=0).groupby(["a", "b"], sort=False)
            },
            shared=False,
        ),
        "designs": _forest({SHORT[arm]: _of_sizes(only(analysis.designs, arm=arm)) for arm in arms}),
        "spread": _heat({SHORT[arm]: points(only(spread, arm=arm)).assign(low=nan, high=nan) for arm in arms}, "sd"),
        "variance": _variance(analysis.components),
        **{f"f1-{lang}": _heat({SHORT[arm]: view.group(arm, lang) for arm in arms}) for lang in view.languages},
    }


def _figure(
    groups: Groups, draw: Callable[..., Chart], columns: Mapping[str, str], *, of: str = "arm", digits: int = 1
) -> Optional[Figure]:
    """Make a figure with a panel for each group that has values.

    columns (Mapping[str, str]): The columns of the table, with their names there. of (str): What the groups are.
    """
    nonempty = [data[data["value"].notna()].assign(panel=name) for name, data in groups.items() if len(data)]
    panels = pd.concat(nonempty, ignore_index=True) if nonempty else pd.DataFrame()
    if panels.empty:
        return None
    table = panels[["panel", *columns]].rename(columns={**columns, "panel": of})
    return Figure(draw(panels), Table("", table, digits))


def _heat(groups: Groups, what: str = "F1") -> Optional[Figure]:
    titles = ("target sentences", SIDES["source"])
    draw = partial(heat_map, x="n_target", y="n_source", titles=titles, signs=what == "difference")
    return _figure(groups, draw, {**MEAN, "value": what})


def _curves(groups: Groups, over: str, level: str) -> Optional[Figure]:
    def draw(data: pd.DataFrame) -> Chart:
        ordered = data.sort_values([f"n_{level}", f"n_{over}"])
        return lines(ordered, f"n_{over}", (SIDES[over], "F1"), legend=KINDS[level])

    named = {name: data.assign(label=data[f"n_{level}"].map("{:,}".format)) for name, data in groups.items()}
    return _figure(named, draw, MEAN)


def _side_by_side(view: View) -> Optional[Figure]:
    """Make a figure of F1 over N_s for each arm at its largest N_t, by language."""
    groups = {}
    for lang in view.languages:
        by_arm = {arm: view.group(arm, lang) for arm in (*SOURCE_ARMS, *view.main_arms)}
        most = [
            data[data["n_target"] == data["n_target"].max()].assign(label=SHORT[arm]) for arm, data in by_arm.items()
        ]
        groups[view.language(lang)] = pd.concat(most)
    draw = partial(lines, x="n_source", titles=(SIDES["source"], "F1"), colours="s")
    return _figure(groups, draw, {"label": "arm", **MEAN}, of="language")


def _iso_lines(surfaces: Mapping[str, Surface], kind: str, moving: str, title: str) -> Optional[Figure]:
    groups = {}
    for name, surface in surfaces.items():
        data = iso_lines(surface, kind)
        if len(data):
            named = data[kind].map("{:,.0f}".format if kind == "total" else ratio)
            groups[name] = points(data).assign(label=named)
            if kind == "total":
                groups[name] = _with_optimum(groups[name], surface)
    draw = partial(lines, x=moving, titles=(title, "F1, fitted"), legend=kind, markers=False, marks=kind == "total")
    return _figure(groups, draw, {name: name for name in ("total", "ratio", *SIZES)} | ESTIMATE | {"value": "F1"})


def _with_optimum(data: pd.DataFrame, surface: Surface) -> pd.DataFrame:
    """RETURNS (DataFrame): The lines with the best ratio of each total, and its interval, in its first row."""
    data = data.assign(**dict.fromkeys(("best", "best_low", "best_high", "best_value"), nan))
    for one in best_ratios(surface):
        at = data.index[data["total"] == one["total"]]
        if len(at) and one["low"] == one["low"]:
            marks = [one["ratio"], one["low"], one["high"], 100 * one["f1"]["value"]]
            data.loc[at[0], ["best", "best_low", "best_high", "best_value"]] = marks
    return data


def _rates(surfaces: Mapping[str, Surface]) -> Optional[Figure]:
    groups = {name: points(rates(surface)) for name, surface in surfaces.items()}
    groups = {name: data.assign(label=data["kind"].map(KINDS)) for name, data in groups.items()}

    def draw(data: pd.DataFrame) -> Chart:
        # Values that a logarithmic axis cannot show are only in the table.
        low = data.loc[data["value"] > 0, "value"].min() / 1.5
        ends = {name: data[name].clip(low, data["value"].max() * 1.5) for name in ("low", "high")}
        titles = ("sentences of that kind so far", "points of F1, log scale")
        return lines(data.assign(**ends)[data["value"] > 0], "size", titles, colours="s", log=True)

    return _figure(groups, draw, {"label": "kind", "size": "sentences", **ESTIMATE, "value": "gain"}, digits=2)


def _forest(groups: Groups, title: str = "difference of F1", *, shared: bool = True) -> Optional[Figure]:
    """Make a figure of differences with intervals. shared (bool): Whether all panels have the same scale."""
    draw = partial(intervals, title=title, strong="all", shared=shared)
    columns = {"label": "of", **ESTIMATE, "value": "difference", "n": "pairs"}
    return _figure({name: points(data) for name, data in groups.items()}, draw, columns, of="comparison")


def _of_sizes(data: pd.DataFrame) -> pd.DataFrame:
    data = only(data, lang=ALL)
    pairs = zip(data["n_source"], data["n_target"], strict=True)
    return data.assign(label=[f"{n_source:,} / {n_target:,}" if n_source else "all" for n_source, n_target in pairs])


def _variance(components: pd.DataFrame) -> Optional[Figure]:
    names = {name: name.replace("_", " × ") for name in COMPONENTS if name in set(components["component"])}
    data = components.assign(
        label=components["arm"].map(SHORT).astype(str),
        part=components["component"].map(names),
        sd=100 * components["value"],
        value=components["share"],
        percent=100 * components["share"],
    )
    columns = {"label": "arm", "part": "cause", "percent": "share in %", "sd": "sd in points", "n": "rows"}
    return _figure({"": data}, partial(shares, parts=list(names.values())), columns, of="of")
