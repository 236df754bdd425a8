"""What the answer of a study rests on, and what could not be estimated, in plain words."""

from typing import Dict, List, Optional, Sequence

from ..types import Json
from .rows import DONE, Row
from .view import ALL, SHORT, View, listed
from .words import count, gain, headline


def limits(view: View, rows: Sequence[Row]) -> List[str]:
    """RETURNS (List[str]): What the answer rests on, and so what would change it."""
    grid = view.analysis["grid"]
    measured = [row for row in rows if row.status == DONE]
    if not measured:
        return []
    texts = [
        f"Other sizes: nothing was measured outside of {_span(grid['n_source'])} labelled and "
        f"{_span(grid['n_target'])} unlabelled sentences."
    ]
    arm = headline(view)
    totals = view.analysis["answer"]["arms"][arm]["best_ratio"] if arm else []
    edges = [entry for entry in totals if entry["edge"]]
    if arm and edges:
        texts.append(
            f"More text of the kind that ran out: for {count(len(edges))} of {count(len(totals))} totals "
            f"the best ratio lies at the edge of what was measured ({SHORT[arm]})."
        )
    replicates = {(row.seed, row.draw) for row in measured if row.block == "main"}
    if replicates:
        texts.append(
            f"Other draws and seeds: {count(len(replicates))} replicate"
            f"{'s' if len(replicates) > 1 else ''} of each cell, in which seed and draw change "
            "together. The intervals of mean F1 cover these and the test sentences; those of gains and "
            "differences also speak of other languages like these."
        )
    texts += _variance_text(view, arm)
    texts += _designs_text(view)
    texts += _fit_text(view, arm)
    translated = {row.lang for row in measured if row.arm == "teacher"}
    untranslated = [lang for lang in view.languages if lang not in translated]
    if translated and untranslated:
        names = ", ".join(map(view.language, untranslated))
        texts.append(
            f"The teacher needs a translation of its sentences. The test sentences of {names} have "
            "none, so that nothing is known there of student minus teacher."
        )
    return texts


def unknown(view: View) -> List[str]:
    """RETURNS (List[str]): What could not be estimated, with the reason."""
    trends = {arm: entry.get("sd_trend") or {} for arm, entry in view.analysis["answer"]["arms"].items()}
    texts = []
    for what, entries in (
        ("Surface", view.analysis["surfaces"]),
        ("Shares of the variance", view.analysis["variance"]),
        ("Change of the spread with the ratio", trends),
    ):
        reasons: Dict[str, List[str]] = {}
        for arm, entry in entries.items():
            reason = (entry.get("reason") or "").rstrip(".")
            reasons.setdefault(reason[:1].lower() + reason[1:], []).append(SHORT[arm])
        texts += [f"{what}, {listed(arms)}: {why}." for why, arms in reasons.items() if why]
    return texts


def _variance_text(view: View, arm: Optional[str]) -> List[str]:
    components = (view.analysis["variance"].get(arm) or {}).get("components") or {}
    told = [
        f"{name.replace('_', ' by ')} {100 * part['share']:.0f}%"
        for name, part in components.items()
        if part and part.get("share") is not None
    ]
    if not arm or not told:
        return []
    return [f"Other languages: of the variance of F1 ({SHORT[arm]}), {listed(told)}."]


def _designs_text(view: View) -> List[str]:
    for arm in view.target_arms:
        for e in view.analysis["designs"]:
            if e["arm"] == arm and e["lang"] == ALL and e["n_source"] is None:
                return [
                    "Training: the optimiser steps are the same at every size. With the passes over "
                    f"the text fixed instead, F1 of {SHORT[arm]} changes by {gain(e)} "
                    "points over the sizes where both were run."
                ]
    return []


def _fit_text(view: View, arm: Optional[str]) -> List[str]:
    cv = (view.analysis["surfaces"].get(arm) or {}).get("cv") or {}
    if not arm or cv.get("rmse") is None:
        return []
    others = [
        f"{100 * cv[name]:.1f} for {kind}"
        for name, kind in (("rmse_loglinear", "a plane in logarithms"), ("rmse_mean", "the mean"))
        if cv.get(name) is not None
    ]
    text = f"The form of the fitted surface: cells it has not seen it misses by {100 * cv['rmse']:.1f} points"
    return [text + (f" ({', '.join(others)})" if others else "") + _beyond(cv)]


def _beyond(cv: Json) -> str:
    told = [
        f"the {name} by {100 * part['rmse']:.1f}"
        for side, name in (("source", "most labelled"), ("target", "most unlabelled"))
        if (part := (cv.get("extrapolation") or {}).get(side) or {}).get("rmse") is not None
    ]
    return f", and when fitted without them, the cells with {listed(told)}." if told else "."


def _span(sizes: Sequence[int]) -> str:
    return f"{sizes[0]:,} to {sizes[-1]:,}" if sizes else "no"
