"""Figures of what was estimated: lines of one ratio or total, marginal rates, variance, contrasts."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..report.charts import Bar, Interval, Series, intervals, lines, shares
from ..report.figure import Figure, Table, Value
from ..report.scales import span
from ..report.svg import Panel
from ..types import Json
from .figures import heat_figure
from .view import ALL, SHORT, SOURCE, TARGET, View, between, place, points, ratio, signed

COMPONENTS = ("language", "size", "language_size", "seed", "draw", "residual")


def iso_lines(view: View, kind: str) -> Optional[Figure]:
    """Draw the fitted F1 along lines of one total or of one ratio.

    kind (str): "total" or "ratio": what is the same along a line.
    RETURNS (Optional[Figure]): None where no surface was fitted.
    """
    fixed, moving = ("total", "ratio") if kind == "total" else ("ratio", "total")
    every = view.analysis[f"iso_{kind}"]
    entries = [e for e in every if e["f1"] is not None and e["arm"] in view.main_arms]
    if not entries:
        return None
    limits = span(points(e[name]) for e in entries for name in ("f1", "low", "high"))
    panels, rows = [], []
    for arm in (arm for arm in view.main_arms if any(e["arm"] == arm for e in entries)):
        mine = [e for e in entries if e["arm"] == arm]
        series = []
        for rank, level in enumerate(sorted({e[fixed] for e in mine})):
            line = []
            for e in sorted((e for e in mine if e[fixed] == level), key=lambda e: e[moving]):
                value, low, high = points(e["f1"]), points(e["low"]), points(e["high"])
                if value is not None:
                    line.append((float(e[moving]), value, low, high))
                rows.append([SHORT[arm], e["total"], e["ratio"], e["n_source"], e["n_target"]])
                rows[-1] += [value, low, high]
            label = f"{level:,.0f}" if kind == "total" else ratio(level)
            series.append(Series(label, line, rank, smooth=True))
        best = max(mine, key=lambda e: e["f1"])
        worst = min(mine, key=lambda e: e["f1"])
        text = (
            f"from {100 * worst['f1']:.1f} at "
            f"{place(round(worst['n_source']), round(worst['n_target']))} to "
            f"{100 * best['f1']:.1f} at {place(round(best['n_source']), round(best['n_target']))}."
        )
        panels.append(
            Panel(
                SHORT[arm],
                lines(
                    series,
                    x_title="ratio, labelled : unlabelled" if kind == "total" else "total, labelled + unlabelled",
                    y_title="F1, fitted",
                    y_limits=limits,
                    label_title=fixed,
                    x_format="{:,.3g}" if kind == "total" else "{:,.0f}",
                ),
                text,
            )
        )
    title = "Along lines of one total" if kind == "total" else "Along lines of one ratio"
    caption = (
        "All points of a line use the same number of sentences; only their division changes. Left, "
        "most are unlabelled target text; right, most are labelled source text."
        if kind == "total"
        else "All points of a line divide the sentences the same way; only their number changes."
    ) + " From the fitted surface, within the sizes measured; bands are 95% bootstrap intervals."
    columns = ["arm", "total", "ratio", "n_source", "n_target", "F1", "low", "high"]
    table = Table(f"{title}, F1 in points", columns, rows)
    return Figure(f"iso-{kind}", title, caption, panels, table)


def tenfolds(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): What ten times as many of either kind bring, by language."""
    groups: List[Tuple[str, List[Tuple[str, Json]]]] = []
    for arm in view.main_arms:
        for side, kind in (("source", SOURCE), ("target", TARGET)):
            found = {
                e["lang"]: e
                for e in view.analysis["tenfolds"]
                if (e["arm"], e["design"], e["coefficient"]) == (arm, "steps", side)
            }
            groups.append((f"{SHORT[arm]}: {kind}", _by_language(view, found)))
    return _forest(
        "tenfolds",
        "What ten times as many sentences bring, by language",
        groups,
        x_title="F1 for a tenfold",
        caption="Points of F1 for ten times the labelled source, or the unlabelled target sentences, at "
        "the middle of the grid, by least squares for each language and replicate, without the fitted "
        "surface.",
        strong="all",
    )


def rates(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): What 1,000 more sentences of either kind bring, by how many there are."""
    groups: Dict[str, List[Tuple[str, List[Tuple[int, Json]]]]] = {}
    for arm in view.main_arms:
        found = (view.analysis["surfaces"].get(arm) or {}).get("points") or []
        for side, kind in (("source", SOURCE), ("target", TARGET)):
            # The fit is additive: a rate depends on the amount of its own kind alone.
            sizes = {p[f"n_{side}"]: p for p in found if p[f"rate_{side}"] is not None}
            line = [(size, _rate(p, side)) for size, p in sorted(sizes.items())]
            if line:
                groups.setdefault(SHORT[arm], []).append((kind.split()[0], line))
    if not groups:
        return None
    known = [100 * e["difference"] for g in groups.values() for _, line in g for _, e in line]
    high = max(max(known) * 1.5, 0.1)
    low = max(min((v for v in known if v > 0), default=high) / 1.5, high / 1000)
    panels: List[Panel] = []
    rows: List[List[Value]] = []
    for name, pair in groups.items():
        series, texts = [], []
        for rank, (kind, line) in enumerate(pair):
            drawn = []
            for size, e in line:
                value, a, b = points(e["difference"]), points(e["low"]), points(e["high"])
                rows.append([name, kind, size, value, a, b])
                texts.append(f"{kind} at {size:,}: {signed(value)} ({between(a, b)}).")
                if value is not None and value >= low:
                    a, b = (None if end is None else min(max(end, low), high) for end in (a, b))
                    drawn.append((float(size), value, a, b))
            series.append(Series(kind, drawn, rank, ordered=False))
        chart = lines(
            series,
            x_title="sentences of that kind so far",
            y_title="points of F1, log scale",
            y_limits=(low, high),
            y_log=True,
        )
        panels.append(Panel(name, chart, " ".join(texts)))
    title = "What 1,000 more sentences bring"
    caption = (
        "Points of F1 gained by 1,000 more labelled source or unlabelled target sentences, by how many "
        "of that kind there are; from the fitted surface, with 95% bootstrap intervals. Compare the "
        "two at the amounts at hand: at the same price, the higher one is what to collect next."
    )
    columns = ["arm", "kind", "sentences", "gain", "low", "high"]
    return Figure("rates", title, caption, panels, Table(f"{title}, in points", columns, rows, 2))


def _rate(point: Json, side: str) -> Json:
    rate = f"rate_{side}"
    return {"difference": point[rate], "low": point[f"{rate}_low"], "high": point[f"{rate}_high"]}


def mirrored(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): The same total divided one way and the other."""
    groups = []
    for arm in view.main_arms:
        named = [
            (_pair(e), e)
            for e in view.analysis["mirrored"]
            if (e["arm"], e["lang"], e["design"]) == (arm, ALL, "steps")
        ]
        groups.append((view.arm(arm), named))
    return _forest(
        "mirrored",
        "The same total, divided the other way",
        groups,
        x_title="F1, more labelled minus more unlabelled",
        caption="Measured pairs of sizes, labelled / unlabelled, minus the same sizes the other way "
        "round, paired by language, seed and draw. Right of zero, it is better to have more labelled "
        "than unlabelled sentences.",
        strong="all",
    )


def contrasts(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): Arms compared pairwise, over all sizes, by language."""
    entries = [
        e
        for e in view.analysis["contrasts"]
        if e["n_source"] is None and e["n_target"] is None and e["design"] == "steps" and e["difference"] is not None
    ]
    pairs = list(dict.fromkeys((e["a"], e["b"]) for e in entries))
    groups: List[Tuple[str, List[Tuple[str, Json]]]] = []
    for a, b in pairs:
        mine = {e["lang"]: e for e in entries if (e["a"], e["b"]) == (a, b)}
        groups.append((f"{SHORT[a]} minus {SHORT[b]}", _by_language(view, mine)))
    return _forest(
        "contrasts",
        "Arms compared",
        groups,
        x_title="difference of F1",
        caption="Mean difference over all sizes, paired by language, size, seed and draw, with 95% "
        "intervals. Right of zero, the first arm is better. Each comparison has its own scale; "
        "nothing corrects for their number.",
        strong="all",
        shared=False,
    )


def designs(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): Passes over the text held fixed, minus steps held fixed."""
    groups = []
    for arm in view.target_arms:
        mine = [e for e in view.analysis["designs"] if (e["arm"], e["lang"]) == (arm, ALL)]
        groups.append((SHORT[arm], [(_pair(e), e) for e in mine]))
    return _forest(
        "designs",
        "Passes over the text fixed, minus steps fixed",
        groups,
        x_title="difference of F1",
        caption="By labelled / unlabelled sentences, paired by language, seed and draw. With the "
        "optimiser steps fixed, more text does not mean more training; with the passes fixed, the "
        "steps grow with the text, so that two causes are confounded.",
        strong="all",
    )


def slopes(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): How F1 changes with the ratio at a fixed total, by arm."""
    entries = [e for e in view.analysis["robustness"] if e.get("slope") is not None]
    named = [
        (SHORT[e["arm"]], {**e, "difference": e["slope"]} | _ends(e, "slope"))
        for e in entries
        if e["design"] == "steps"
    ]
    return _forest(
        "slopes",
        "Slope over the ratio at a fixed total",
        [("", named)],
        x_title="F1 per tenfold ratio",
        caption="Points of F1 for ten times as many labelled source per unlabelled target sentence "
        "while their sum stays the same, with 95% intervals.",
    )


def spread(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): Standard deviation over replicates, over both sizes."""
    groups: Dict[str, Dict[Tuple[int, int], Json]] = {}
    for e in view.analysis.get("sd_by") or []:
        if e["sd"] is not None and e["n_source"] is not None and e["n_target"]:
            cell = {"sd": e["sd"], "n": e["n"]}
            groups.setdefault(SHORT[e["arm"]], {})[e["n_source"], e["n_target"]] = cell
    return heat_figure(
        "spread",
        "Spread over replicates",
        groups,
        lambda cell: (points(cell["sd"]), None, None),
        caption="Standard deviation of F1 over seeds and draws, pooled over languages, in points; darker is steadier.",
        what="sd",
    )


def variance(view: View) -> Optional[Figure]:
    """RETURNS (Optional[Figure]): Shares of the variance by cause."""
    bars: List[Bar] = []
    rows: List[List[Value]] = []
    texts: List[str] = []
    parts = [
        name
        for name in COMPONENTS
        if any(name in (v.get("components") or {}) for v in view.analysis["variance"].values())
    ]
    for arm, entry in view.analysis["variance"].items():
        components: Dict[str, Any] = entry.get("components") or {}
        known = {
            _cause(name): c["share"] for name, c in components.items() if c is not None and c.get("share") is not None
        }
        reason = entry.get("reason") or ""
        bars.append(Bar(SHORT[arm], known, reason))
        for name in parts:
            c = components.get(name) or {}
            share, sd = points(c.get("share")), points(c.get("sd"))
            rows.append([SHORT[arm], _cause(name), share, sd, entry.get("n"), reason])
        told = ", ".join(f"{name} {100 * share:.0f}%" for name, share in known.items())
        texts.append(f"{SHORT[arm]}: {told or reason}.")
    if not any(bar.parts for bar in bars):
        return None
    columns = ["arm", "cause", "share in %", "sd in points", "rows", "reason"]
    title = "Where the differences in F1 come from"
    caption = (
        "Shares of the variance of F1 by language, size, seed and draw, from a mixed model; the "
        "residual holds the test sentences and what the causes do together."
    )
    panel = Panel("", shares(bars, [_cause(name) for name in parts]), " ".join(texts))
    table = Table(title, columns, rows)
    return Figure("variance", title, caption, [panel], table)


def _forest(
    key: str,
    title: str,
    groups: Sequence[Tuple[str, Sequence[Tuple[str, Json]]]],
    *,
    x_title: str,
    caption: str,
    strong: str = "",
    shared: bool = True,
) -> Optional[Figure]:
    groups = [(name, [(label, e) for label, e in entries if e["difference"] is not None]) for name, entries in groups]
    groups = [(name, entries) for name, entries in groups if entries]
    if not groups:
        return None
    everything = [e for _, entries in groups for _, e in entries]
    panels, rows = [], []
    for name, entries in groups:
        drawn, texts = [], []
        for label, e in entries:
            value, low, high = points(e["difference"]), points(e["low"]), points(e["high"])
            text = f"{signed(value)} ({between(low, high)})" if low is not None else signed(value)
            drawn.append(Interval(label, value, low, high, strong=label == strong, text=text))
            rows.append([name, label, value, low, high, e.get("n")])
            texts.append(f"{label}: {text}.")
        seen = everything if shared else [e for _, e in entries]
        ends = [points(e[end]) for e in seen for end in ("difference", "low", "high")]
        limits = span(ends, include=[0.0])
        chart = intervals(drawn, x_title=x_title, limits=limits)
        panels.append(Panel(name, chart, " ".join(texts)))
    columns = ["comparison", "of", "difference", "low", "high", "pairs"]
    table = Table(f"{title}, in points", columns, rows)
    return Figure(key, title, caption, panels, table)


def _ends(entry: Json, name: str) -> Json:
    return {"low": entry[f"{name}_low"], "high": entry[f"{name}_high"]}


def _cause(name: str) -> str:
    return name.replace("_", " × ")


def _by_language(view: View, entries: Dict[str, Json]) -> List[Tuple[str, Json]]:
    order = [lang for lang in (ALL, *view.languages) if lang in entries]
    return [("all" if lang == ALL else view.language(lang), entries[lang]) for lang in order]


def _pair(entry: Json) -> str:
    if entry["n_source"] is None:
        return "all"
    return f"{entry['n_source']:,} / {entry['n_target']:,}"
