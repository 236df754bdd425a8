"""The figures of a study: what was measured, and what is estimated from it."""

from math import nan
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import pandas as pd

from ...report.charts import Chart, heat_map, intervals, lines, points, shares
from ...report.document import Figure, Table
from ..analysis.analyse import Analysis
from ..analysis.intervals import ALL, SIZES
from ..analysis.ratios import iso_lines, rates
from ..analysis.spread import COMPONENTS
from ..design.rows import ARM_NAMES, ARMS, SOURCE_ARMS

SOURCE = "labelled source sentences"
TARGET = "unlabelled target sentences"
SHORT = {arm: name.split(" (")[0] for arm, name in ARM_NAMES.items()}
INTERVAL = "95% intervals cover the test sentences and the replicates."
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
    """RETURNS (Dict[str, Optional[Figure]]): All figures by their keys; None for what can't be drawn."""
    arms, main = view.target_arms, view.main_arms
    other = [arm for arm in arms if arm not in main]
    spoken = ", ".join(view.language(code) for code in view.languages if any(code in view.spoken[arm] for arm in other))
    means = {view.arm(arm): view.group(arm) for arm in main}
    found = [
        _heat("f1-main", "F1 by amounts of data", f"Mean over languages and replicates. {INTERVAL}", means),
        _curves("f1-by-target", "What more unlabelled target text brings", means, "n_target", "n_source"),
        _curves("f1-by-source", "What more labelled source text brings", means, "n_source", "n_target"),
        _side_by_side(view),
        _heat(
            "f1-other",
            "F1 by amounts of data, the other arms",
            f"Mean over the languages these arms were run on, {spoken}: compare them among each other, and with the main "
            f"arms by the paired differences below. {INTERVAL}",
            {view.arm(arm): view.group(arm) for arm in other},
        ),
        _against(
            view, "teacher", "the projection teacher that labelled its text, where test sentences have a translation"
        ),
        _against(view, "transfer", "the source model applied to the target language as it is"),
        *(_iso_lines(view, kind) for kind in ("total", "ratio")),
        _tenfolds(view),
        _rates(view),
        *_comparisons(view),
        _slopes(view),
        _spread(view),
        _variance(view),
    ]
    for lang in view.languages:
        groups = {SHORT[arm]: view.group(arm, lang) for arm in arms}
        found.append(_heat(f"f1-{lang}", view.language(lang), f"Mean over replicates. {INTERVAL}", groups))
    return {figure.key: figure for figure in found if figure is not None}


def _figure(
    key: str,
    title: str,
    caption: str,
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
    return Figure(key, title, caption, draw(whole), Table(f"{title}, in points", table, digits))


def _heat(
    key: str, title: str, caption: str, groups: Groups, what: str = "F1", signs: bool = False
) -> Optional[Figure]:
    def draw(data: pd.DataFrame) -> Chart:
        return heat_map(data, "n_target", "n_source", (TARGET, SOURCE), signs=signs)

    return _figure(key, title, caption, groups, draw, {**MEAN, "value": what})


def _against(view: View, name: str, what: str) -> Optional[Figure]:
    title = f"Student minus {'projection teacher' if name == 'teacher' else 'model transfer'}"
    caption = f"Paired on the same sentences. Above zero (blue) the student is better than {what}."
    groups = {SHORT[arm]: view.group(arm, quantity=f"minus_{name}") for arm in view.target_arms}
    return _heat(f"minus-{name}", title, caption, groups, "difference", signs=True)


def _curves(key: str, title: str, groups: Groups, over: str, level: str) -> Optional[Figure]:
    names = {"n_source": ("labelled", SOURCE), "n_target": ("unlabelled", TARGET)}
    caption = f"A line for each number of {names[level][1]}. The bands are the 95% intervals of the means."
    groups = {name: data.assign(label=data[level].map("{:,}".format)) for name, data in groups.items()}

    def draw(data: pd.DataFrame) -> Chart:
        return lines(data.sort_values([level, over]), over, (names[over][1], "F1"), legend=names[level][0])

    return _figure(key, title, caption, groups, draw, MEAN)


def _side_by_side(view: View) -> Optional[Figure]:
    """F1 over N_s of each arm with its largest N_t, by language."""
    groups: Groups = {}
    for lang in view.languages:
        parts = []
        for arm in [*SOURCE_ARMS, *view.main_arms]:
            own = view.group(arm, lang)
            parts.append(own[own["n_target"] == own["n_target"].max()].assign(label=SHORT[arm]))
        groups[view.language(lang)] = pd.concat(parts)
    return _figure(
        "by-language",
        "Students, teacher and transfer by language",
        "Students with the most unlabelled text; transfer uses none, and the teacher reads a translation of each test "
        "sentence instead. All panels have the same scale.",
        groups,
        lambda data: lines(data, "n_source", (SOURCE, "F1"), colours="s"),
        {"label": "arm", **MEAN},
        of="language",
    )


def ratio(value: float) -> str:
    """RETURNS (str): Labelled to unlabelled, the smaller as one."""
    number = max(value, 1 / value)
    text = f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
    return f"{text}\u00a0:\u00a01" if value >= 1 else f"1\u00a0:\u00a0{text}"


def _iso_lines(view: View, kind: str) -> Optional[Figure]:
    title, caption, x_title = {
        "total": (
            "Along lines of one total",
            "All points of a line use the same number of sentences; only their division changes. Left, most are "
            "unlabelled target text; right, most are labelled source text.",
            "ratio, labelled : unlabelled",
        ),
        "ratio": (
            "Along lines of one ratio",
            "All points of a line divide the sentences the same way; only their number changes.",
            "total, labelled + unlabelled",
        ),
    }[kind]
    groups = {}
    for arm in view.main_arms:
        data = iso_lines(view.analysis.surfaces[arm], kind) if arm in view.analysis.surfaces else pd.DataFrame()
        if len(data):
            label = [f"{total:,.0f}" for total in data["total"]] if kind == "total" else map(ratio, data["ratio"])
            groups[SHORT[arm]] = points(data).assign(label=list(label))
    moving = "ratio" if kind == "total" else "total"
    columns = {name: name for name in ("total", "ratio", *SIZES)} | ESTIMATE | {"value": "F1"}
    return _figure(
        f"iso-{kind}",
        title,
        f"{caption} From the fitted surface, within the sizes measured; bands are 95% bootstrap intervals.",
        groups,
        lambda data: lines(data, moving, (x_title, "F1, fitted"), legend=kind, markers=False),
        columns,
    )


def _rates(view: View) -> Optional[Figure]:
    surfaces = view.analysis.surfaces
    kinds = {"source": "labelled", "target": "unlabelled"}
    groups = {SHORT[arm]: points(rates(surfaces[arm])) for arm in view.main_arms if arm in surfaces}
    groups = {name: data.assign(label=data["kind"].map(kinds)) for name, data in groups.items() if len(data)}

    def draw(data: pd.DataFrame) -> Chart:
        # What does not fit a logarithmic axis stands in the table.
        low = data.loc[data["value"] > 0, "value"].min() / 1.5
        ends = {name: data[name].clip(low, data["value"].max() * 1.5) for name in ("low", "high")}
        titles = ("sentences of that kind so far", "points of F1, log scale")
        return lines(data.assign(**ends)[data["value"] > 0], "size", titles, colours="s", log=True)

    return _figure(
        "rates",
        "What 1,000 more sentences bring",
        "Points of F1 gained by 1,000 more labelled source or unlabelled target sentences, by how many of that kind there "
        "are; from the fitted surface, with 95% bootstrap intervals. Compare the two at the amounts at hand: at the same "
        "price, the higher one is what to collect next.",
        groups,
        draw,
        {"label": "kind", "size": "sentences", **ESTIMATE, "value": "gain"},
        digits=2,
    )


def _forest(key: str, title: str, caption: str, groups: Groups, x_title: str, shared: bool = True) -> Optional[Figure]:
    groups = {name: points(data) for name, data in groups.items()}
    columns = {"label": "of", **ESTIMATE, "value": "difference", "n": "pairs"}

    def draw(data: pd.DataFrame) -> Chart:
        return intervals(data, x_title, strong="all", shared=shared)

    return _figure(key, title, caption, groups, draw, columns, of="comparison")


def _of_languages(view: View, data: pd.DataFrame) -> pd.DataFrame:
    order = [ALL, *view.languages]
    data = data[data["lang"].isin(order)].sort_values("lang", key=lambda lang: lang.map(order.index))
    return data.assign(label=data["lang"].map(view.language))


def _of_sizes(data: pd.DataFrame) -> pd.DataFrame:
    data = data[data["lang"] == ALL]
    pairs = zip(data["n_source"], data["n_target"], strict=True)
    return data.assign(label=[f"{s:,} / {t:,}" if s else "all" for s, t in pairs])


def _tenfolds(view: View) -> Optional[Figure]:
    data = view.analysis.tenfolds
    groups = {
        f"{SHORT[arm]}: {kind}": _of_languages(
            view, data[(data["arm"] == arm) & (data["design"] == "steps") & (data["coefficient"] == name)]
        )
        for arm in view.main_arms
        for name, kind in (("source", SOURCE), ("target", TARGET))
    }
    return _forest(
        "tenfolds",
        "What ten times as many sentences bring, by language",
        "Points of F1 for ten times the labelled source, or the unlabelled target sentences, at the middle of the grid, by "
        "least squares for each language and replicate, without the fitted surface.",
        groups,
        "F1 for a tenfold",
    )


def _comparisons(view: View) -> Sequence[Optional[Figure]]:
    mirrored, designs, contrasts = view.analysis.mirrored, view.analysis.designs, view.analysis.contrasts
    contrasts = contrasts[(contrasts["n_source"] == 0) & (contrasts["design"] == "steps")]
    mirrored = mirrored[mirrored["design"] == "steps"]
    return (
        _forest(
            "mirrored",
            "The same total, divided the other way",
            "Measured pairs of sizes, labelled / unlabelled, minus the same sizes the other way round, paired by language, "
            "seed and draw. Right of zero, it is better to have more labelled than unlabelled sentences.",
            {view.arm(arm): _of_sizes(mirrored[mirrored["arm"] == arm]) for arm in view.main_arms},
            "F1, more labelled minus more unlabelled",
        ),
        _forest(
            "contrasts",
            "Arms compared",
            "Mean difference over all sizes, paired by language, size, seed and draw, with 95% intervals. Right of zero, the "
            "first arm is better. Each comparison has its own scale; nothing corrects for their number.",
            {
                f"{SHORT[a]} minus {SHORT[b]}": _of_languages(view, data)
                for (a, b), data in contrasts.groupby(["a", "b"], sort=False)
            },
            "difference of F1",
            shared=False,
        ),
        _forest(
            "designs",
            "Passes over the text fixed, minus steps fixed",
            "By labelled / unlabelled sentences, paired by language, seed and draw. With the optimiser steps fixed, more text "
            "does not mean more training; with the passes fixed, the steps grow with the text, so that two causes are "
            "confounded.",
            {SHORT[arm]: _of_sizes(designs[designs["arm"] == arm]) for arm in view.target_arms},
            "difference of F1",
        ),
    )


def _slopes(view: View) -> Optional[Figure]:
    data = view.analysis.robustness
    data = data[data["design"] == "steps"].assign(label=data["arm"].map(SHORT).astype(str), n=data["languages"])
    for name in ESTIMATE:
        data[name] = data[f"slope_{name}"]
    caption = (
        "Points of F1 for ten times as many labelled source per unlabelled target sentence while their sum stays the same, "
        "with 95% intervals."
    )
    return _forest("slopes", "Slope over the ratio at a fixed total", caption, {"": data}, "F1 per tenfold ratio")


def _spread(view: View) -> Optional[Figure]:
    data = view.analysis.spread
    data = points(data[(data["design"] == "steps") & (data["n_target"] > 0)]).assign(low=nan, high=nan)
    caption = "Standard deviation of F1 over seeds and draws, pooled over languages, in points; lighter is steadier."
    groups = {SHORT[arm]: data[data["arm"] == arm] for arm in view.target_arms}
    return _heat("spread", "Spread over replicates", caption, groups, "sd")


def _variance(view: View) -> Optional[Figure]:
    data = view.analysis.components
    known = set(data["component"])
    names = {name: name.replace("_", " × ") for name in COMPONENTS if name in known}
    data = data.assign(
        label=data["arm"].map(SHORT).astype(str), part=data["component"].map(names), sd=100 * data["value"]
    )
    data = data.assign(value=data["share"], percent=100 * data["share"])
    return _figure(
        "variance",
        "Where the differences in F1 come from",
        "Shares of the variance of F1 by language, size, seed and draw, from a mixed model; the residual holds the test "
        "sentences and what the causes do together.",
        {"": data},
        lambda data: shares(data, list(names.values())),
        {"label": "arm", "part": "cause", "percent": "share in %", "sd": "sd in points", "n": "rows"},
        of="of",
    )


def records(data: pd.DataFrame) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The lines of a frame."""
    return [{str(k): v for k, v in line.items()} for line in data.to_dict("records")]
