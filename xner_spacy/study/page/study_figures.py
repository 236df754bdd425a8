"""The figures of a study: what was measured, and what is estimated from it."""

from functools import partial
from math import nan
from typing import Any, Callable, Dict, List, Mapping, Optional

import pandas as pd

from ...report.charts import Chart, heat_map, intervals, lines, points, shares
from ...report.document import Figure, Table
from ..analysis.analyse import Analysis
from ..analysis.intervals import ALL, SIZES
from ..analysis.ratios import iso_lines, rates
from ..analysis.spread import COMPONENTS
from ..analysis.surface import Surface
from ..design.rows import ARM_NAMES, ARMS, SOURCE_ARMS

SOURCE = "labelled source sentences"
TARGET = "unlabelled target sentences"
SHORT = {arm: name.split(" (")[0] for arm, name in ARM_NAMES.items()}
# Columns of tables, with their names there.
ESTIMATE = {"value": "value", "low": "low", "high": "high"}
MEAN = {"n_source": "n_source", "n_target": "n_target", "value": "F1", "low": "low", "high": "high", "n": "rows"}
Groups = Dict[str, pd.DataFrame]


class View:
    """What an analysis says, as figures ask for it: of the design with optimiser steps fixed, in points of F1.

    analysis (Analysis): The estimates. names (Mapping[str, str]): Names of the languages by code.
    """

    def __init__(self, analysis: Analysis, names: Mapping[str, str]) -> None:
        self.analysis = analysis
        self.names = names
        means = analysis.means[analysis.means["design"] == "steps"]
        # The block "main" first: a size may have been run in several.
        means = means.sort_values("block", key=lambda block: block.ne("main"), kind="stable")
        self.means = points(means.drop_duplicates(["arm", "quantity", "lang", *SIZES])).sort_values(SIZES)
        spoken = means[means["lang"] != ALL].groupby("arm", observed=True)["lang"].unique()
        known = {lang for langs in spoken for lang in langs}
        self.languages = [lang for lang in names if lang in known] + sorted(known - set(names))
        self.spoken: Dict[str, List[str]] = {arm: list(spoken[arm]) for arm in ARMS if arm in spoken}
        self.target_arms = [arm for arm in self.spoken if arm not in SOURCE_ARMS]
        widest = max((len(self.spoken[arm]) for arm in self.target_arms), default=0)
        self.main_arms = [arm for arm in self.target_arms if len(self.spoken[arm]) == widest]

    def group(self, arm: str, lang: str = ALL, quantity: str = "f1") -> pd.DataFrame:
        """RETURNS (DataFrame): The means of an arm."""
        wanted = {"arm": arm, "lang": lang, "quantity": quantity}
        return self.means[(self.means[list(wanted)] == list(wanted.values())).all(axis=1)]

    def language(self, code: str) -> str:
        """RETURNS (str): The name of a language."""
        return "all" if code == ALL else self.names.get(code, code)

    def arm(self, arm: str) -> str:
        """RETURNS (str): An arm and how many languages it is the mean of."""
        count = len(self.spoken[arm])
        return f"{SHORT[arm]} · {count} language{'s' if count != 1 else ''}"


def make_figures(view: View) -> Dict[str, Optional[Figure]]:
    """RETURNS (Dict[str, Optional[Figure]]): All figures by their keys; None for what can't be drawn. What is said of each
    stands in the text.
    """
    arms, main, analysis = view.target_arms, view.main_arms, view.analysis
    means = {view.arm(arm): view.group(arm) for arm in main}
    surfaces = {SHORT[arm]: analysis.surfaces[arm] for arm in main if arm in analysis.surfaces}
    found = [
        _heat("f1-main", means),
        _curves("f1-by-target", means, "n_target", "n_source"),
        _curves("f1-by-source", means, "n_source", "n_target"),
        _side_by_side(view),
        _heat("f1-other", {view.arm(arm): view.group(arm) for arm in arms if arm not in main}),
        *(
            _heat(
                f"minus-{name}", {SHORT[arm]: view.group(arm, quantity=f"minus_{name}") for arm in arms}, "difference"
            )
            for name in ("teacher", "transfer")
        ),
        *(_iso_lines(surfaces, kind) for kind in ("total", "ratio")),
        _rates(surfaces),
        *_forests(view),
        _spread(view),
        _variance(view),
        *(_heat(f"f1-{lang}", {SHORT[arm]: view.group(arm, lang) for arm in arms}) for lang in view.languages),
    ]
    return {figure.key: figure for figure in found if figure is not None}


def _figure(
    key: str,
    groups: Groups,
    draw: Callable[[pd.DataFrame], Chart],
    columns: Mapping[str, str],
    *,
    of: str = "arm",
    digits: int = 1,
) -> Optional[Figure]:
    """A panel for each group that holds values.

    columns (Mapping[str, str]): What of the data stands in the table, with its names there. of (str): What the groups are.
    """
    known = [data[data["value"].notna()].assign(panel=name) for name, data in groups.items() if len(data)]
    whole = pd.concat(known, ignore_index=True) if known else pd.DataFrame()
    if whole.empty:
        return None
    table = whole[["panel", *columns]].rename(columns={**columns, "panel": of})
    return Figure(key, draw(whole), Table("", table, digits))


def _heat(key: str, groups: Groups, what: str = "F1") -> Optional[Figure]:
    def draw(data: pd.DataFrame) -> Chart:
        return heat_map(data, "n_target", "n_source", (TARGET, SOURCE), signs=what == "difference")

    return _figure(key, groups, draw, {**MEAN, "value": what})


def _curves(key: str, groups: Groups, over: str, level: str) -> Optional[Figure]:
    names = {"n_source": ("labelled", SOURCE), "n_target": ("unlabelled", TARGET)}
    groups = {name: data.assign(label=data[level].map("{:,}".format)) for name, data in groups.items()}

    def draw(data: pd.DataFrame) -> Chart:
        return lines(data.sort_values([level, over]), over, (names[over][1], "F1"), legend=names[level][0])

    return _figure(key, groups, draw, MEAN)


def _side_by_side(view: View) -> Optional[Figure]:
    """F1 over N_s of each arm with its largest N_t, by language."""
    groups: Groups = {}
    for lang in view.languages:
        parts = []
        for arm in [*SOURCE_ARMS, *view.main_arms]:
            own = view.group(arm, lang)
            parts.append(own[own["n_target"] == own["n_target"].max()].assign(label=SHORT[arm]))
        groups[view.language(lang)] = pd.concat(parts)

    def draw(data: pd.DataFrame) -> Chart:
        return lines(data, "n_source", (SOURCE, "F1"), colours="s")

    return _figure("by-language", groups, draw, {"label": "arm", **MEAN}, of="language")


def ratio(value: float) -> str:
    """RETURNS (str): Labelled to unlabelled, the smaller as one."""
    number = max(value, 1 / value)
    text = f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
    return f"{text}\u00a0:\u00a01" if value >= 1 else f"1\u00a0:\u00a0{text}"


def _iso_lines(surfaces: Mapping[str, Surface], kind: str) -> Optional[Figure]:
    moving, title = {
        "total": ("ratio", "ratio, labelled : unlabelled"),
        "ratio": ("total", "total, labelled + unlabelled"),
    }[kind]
    groups: Groups = {}
    for name, surface in surfaces.items():
        data = iso_lines(surface, kind)
        if len(data):
            named = data[kind].map("{:,.0f}".format if kind == "total" else ratio)
            groups[name] = points(data).assign(label=named)

    def draw(data: pd.DataFrame) -> Chart:
        return lines(data, moving, (title, "F1, fitted"), legend=kind, markers=False)

    columns = {name: name for name in ("total", "ratio", *SIZES)} | ESTIMATE | {"value": "F1"}
    return _figure(f"iso-{kind}", groups, draw, columns)


def _rates(surfaces: Mapping[str, Surface]) -> Optional[Figure]:
    kinds = {"source": "labelled", "target": "unlabelled"}
    groups = {name: points(rates(surface)) for name, surface in surfaces.items()}
    groups = {name: data.assign(label=data["kind"].map(kinds)) for name, data in groups.items()}

    def draw(data: pd.DataFrame) -> Chart:
        # What does not fit a logarithmic axis stands in the table.
        low = data.loc[data["value"] > 0, "value"].min() / 1.5
        ends = {name: data[name].clip(low, data["value"].max() * 1.5) for name in ("low", "high")}
        titles = ("sentences of that kind so far", "points of F1, log scale")
        return lines(data.assign(**ends)[data["value"] > 0], "size", titles, colours="s", log=True)

    columns = {"label": "kind", "size": "sentences", **ESTIMATE, "value": "gain"}
    return _figure("rates", groups, draw, columns, digits=2)


def _forests(view: View) -> List[Optional[Figure]]:
    """RETURNS (List[Optional[Figure]]): The figures of differences."""
    analysis = view.analysis
    steps = {
        name: data[data["design"] == "steps"]
        for name, data in vars(analysis).items()
        if name in ("tenfolds", "mirrored", "contrasts", "robustness")
    }
    tenfolds, mirrored, contrasts = steps["tenfolds"], steps["mirrored"], steps["contrasts"]
    slopes = steps["robustness"].assign(
        label=lambda data: data["arm"].map(SHORT).astype(str), n=lambda data: data["languages"]
    )
    slopes = slopes.assign(**{name: slopes[f"slope_{name}"] for name in ESTIMATE})
    found = {
        "tenfolds": {
            f"{SHORT[arm]}: {kind}": _of_languages(
                view, tenfolds[(tenfolds["arm"] == arm) & (tenfolds["coefficient"] == name)]
            )
            for arm in view.main_arms
            for name, kind in (("source", SOURCE), ("target", TARGET))
        },
        "mirrored": {view.arm(arm): _of_sizes(mirrored[mirrored["arm"] == arm]) for arm in view.main_arms},
        "contrasts": {
            f"{SHORT[a]} minus {SHORT[b]}": _of_languages(view, data)
            for (a, b), data in contrasts[contrasts["n_source"] == 0].groupby(["a", "b"], sort=False)
        },
        "designs": {
            SHORT[arm]: _of_sizes(analysis.designs[analysis.designs["arm"] == arm]) for arm in view.target_arms
        },
        "slopes": {"": slopes},
    }
    titles = {
        "tenfolds": "F1 for a tenfold",
        "mirrored": "F1, more labelled minus more unlabelled",
        "slopes": "F1 per tenfold ratio",
    }
    columns = {"label": "of", **ESTIMATE, "value": "difference", "n": "pairs"}

    def draw(data: pd.DataFrame, key: str) -> Chart:
        return intervals(data, titles.get(key, "difference of F1"), strong="all", shared=key != "contrasts")

    return [
        _figure(
            key,
            {name: points(data) for name, data in groups.items()},
            partial(draw, key=key),
            columns,
            of="comparison",
        )
        for key, groups in found.items()
    ]


def _of_languages(view: View, data: pd.DataFrame) -> pd.DataFrame:
    order = [ALL, *view.languages]
    data = data[data["lang"].isin(order)].sort_values("lang", key=lambda lang: lang.map(order.index))
    return data.assign(label=data["lang"].map(view.language))


def _of_sizes(data: pd.DataFrame) -> pd.DataFrame:
    data = data[data["lang"] == ALL]
    pairs = zip(data["n_source"], data["n_target"], strict=True)
    return data.assign(label=[f"{s:,} / {t:,}" if s else "all" for s, t in pairs])


def _spread(view: View) -> Optional[Figure]:
    data = view.analysis.spread
    data = points(data[(data["design"] == "steps") & (data["n_target"] > 0)]).assign(low=nan, high=nan)
    return _heat("spread", {SHORT[arm]: data[data["arm"] == arm] for arm in view.target_arms}, "sd")


def _variance(view: View) -> Optional[Figure]:
    data = view.analysis.components
    names = {name: name.replace("_", " × ") for name in COMPONENTS if name in set(data["component"])}
    data = data.assign(
        label=data["arm"].map(SHORT).astype(str), part=data["component"].map(names), sd=100 * data["value"]
    )
    data = data.assign(value=data["share"], percent=100 * data["share"])
    columns = {"label": "arm", "part": "cause", "percent": "share in %", "sd": "sd in points", "n": "rows"}
    return _figure("variance", {"": data}, lambda data: shares(data, list(names.values())), columns, of="of")


def records(data: pd.DataFrame) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The lines of a frame."""
    return [{str(k): v for k, v in line.items()} for line in data.to_dict("records")]
