"""Tables of a study: the answer in figures, robustness, the fitted surfaces."""

from typing import List, Optional

from ..report.figure import Table, Value
from ..types import Json
from .view import SHORT, View, between, points, signed


def key_figures(view: View) -> Optional[Table]:
    """RETURNS (Optional[Table]): What the answer says, for each arm that has students."""
    rows: List[List[Value]] = []
    robust = {e["arm"]: e for e in view.analysis["robustness"] if e["design"] == "steps"}
    for arm in view.target_arms:
        entry = view.analysis["answer"]["arms"].get(arm) or {}
        corners = entry.get("corners")
        if not corners:
            continue
        row: List[Value] = [SHORT[arm], len(entry["languages"])]
        row += [_estimate(corner, "f1") for corner in (corners[0], corners[-1])]
        for kind in ("source", "target"):
            gain = entry["tenfold"].get(kind)
            row.append(_estimate(gain, "difference", signs=True) if gain else None)
        found = robust.get(arm) or {}
        ends = {end: found.get(f"slope_{end}") for end in ("low", "high")}
        row.append(_estimate({**ends, "slope": found.get("slope")}, "slope", signs=True))
        ends = {end: found.get(f"sd_{end}") for end in ("low", "high")}
        rows.append([*row, _estimate({**ends, "sd": found.get("sd")}, "sd")])
    if not rows:
        return None
    columns = [
        "arm",
        "languages",
        "F1, smallest sizes",
        "F1, largest sizes",
        "tenfold labelled source",
    ]
    columns += ["tenfold unlabelled target", "tenfold ratio, same total", "sd, run to run"]
    return Table("The answer in figures, in points of F1 with 95% intervals", columns, rows)


def robustness_table(view: View) -> Optional[Table]:
    """RETURNS (Optional[Table]): Spread, worst language and slope of each arm."""
    rows: List[List[Value]] = []
    for e in view.analysis["robustness"]:
        sd = _with_interval(points(e["sd"]), points(e["sd_low"]), points(e["sd_high"]))
        ends = points(e["slope_low"]), points(e["slope_high"])
        slope = _with_interval(points(e["slope"]), *ends, signs=True)
        worst = view.language(e["worst_language"]) if e["worst_language"] else None
        count = e["languages"] if isinstance(e["languages"], int) else len(e["languages"] or [])
        rows.append([SHORT[e["arm"]], e["design"], count, sd, worst, points(e["worst_f1"])])
        rows[-1] += [points(e["worst_gap"]), slope]
    if not rows:
        return None
    columns = ["arm", "design", "languages", "sd over replicates", "worst language", "its F1"]
    columns += ["behind the mean", "F1 per tenfold ratio"]
    return Table("Robustness of each arm, in points of F1, with 95% intervals", columns, rows)


def fit_table(view: View) -> Optional[Table]:
    """RETURNS (Optional[Table]): The fitted surface of each arm, and how well it foretells."""
    rows: List[List[Value]] = []
    there = {name for s in view.analysis["surfaces"].values() for name in s.get("params") or {}}
    names = [name for name in ("c", "a", "alpha", "b", "beta") if name in there]
    for arm, surface in view.analysis["surfaces"].items():
        params, cv = surface.get("params") or {}, surface.get("cv") or {}
        row: List[Value] = [SHORT[arm]]
        for name in names:
            p = params.get(name) or {}
            row.append(_with_interval(p.get("value"), p.get("low"), p.get("high"), digits=3))
        errors = [points(cv.get(name)) for name in ("rmse", "rmse_loglinear", "rmse_mean")]
        rows.append([*row, _plain(surface.get("r2")), *errors])
    if not rows:
        return None
    columns = ["arm", *names, "R²", "error, this form", "error, log-linear", "error, mean alone"]
    caption = (
        "The fitted surfaces, F1 in [0, 1], with 95% bootstrap intervals; the errors are root mean "
        "squares on cells left out of the fit, in points"
    )
    return Table(caption, columns, rows, digits=2)


def _estimate(entry: Json, name: str, signs: bool = False) -> Optional[str]:
    ends = points(entry["low"]), points(entry["high"])
    return _with_interval(points(entry[name]), *ends, signs=signs)


def _with_interval(
    value: Optional[float],
    low: Optional[float],
    high: Optional[float],
    *,
    signs: bool = False,
    digits: int = 1,
) -> Optional[str]:
    if value is None:
        return None
    text = signed(value, digits) if signs else f"{value:.{digits}f}"
    ends = between(low, high, digits)
    return f"{text} ({ends})" if ends else text


def _plain(value: Optional[float]) -> Optional[float]:
    return None if value is None else float(value)
