"""The answer of a study in plain words: every number is looked up, a sentence without one left out."""

from typing import Dict, List, Optional, Sequence

from ..report.figure import Table, Value, show
from ..types import Json
from .rows import ARM_NAMES, DONE, Row
from .view import ALL, SHORT, View, between, listed, place, points, ratio, signed

QUESTION = (
    "How does the ratio of labelled source to unlabelled target data affect the F1, and its "
    "robustness, of cross-lingual NER with teacher-student distillation?"
)
WHAT = {
    "teacher": "the source model labels the translation of the test sentences, and the labels are "
    "projected back; it needs that translation, which a student does not",
    "transfer": "the source model, applied to the target language as it is",
    "hard": "a student of the entities that the teacher projected on the target text",
    "soft": "a student of the teacher's probabilities, projected on the target text",
    "tsl": "a student of the probabilities of model transfer, by mean squared error",
    "prototypes": "soft projection, with a loss against prototypes of the classes as well",
    "surest": "soft projection, on the sentences the teacher is surest of",
    "translate_train": "a student of the labelled source text, translated word by word with a lexicon "
    "from the target text and its translation",
    "ensemble": "the mean of the probabilities of the soft student and the teacher",
}
COUNTS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def answer(view: View) -> List[str]:
    """RETURNS (List[str]): Paragraphs; the first answers the question."""
    found = view.analysis["answer"]
    arms: Dict[str, Json] = found["arms"]
    main = [arm for arm in found["main"] if arms[arm]["corners"]]
    if not main:
        return ["Nothing was measured yet that answers the question."]
    best = max(main, key=lambda arm: arms[arm]["corners"][-1]["f1"])
    first = _sentences(
        _verdict(arms[best]),
        _gains(view, best),
        _best_ratio(arms[best]),
        _cost(view, best),
        _steadiness(view, best),
    )
    second = _sentences(_teachers(view, best), _difference(found))
    return [paragraph for paragraph in (first, second) if paragraph]


def arms_table(view: View) -> Table:
    """RETURNS (Table): What each arm is."""
    rows: List[List[Value]] = [
        [ARM_NAMES[arm], WHAT[arm], len(view.spoken(arm))] for arm in view.arms
    ]
    return Table("The arms", ["arm", "what it is", "languages"], rows)


def limits(view: View, rows: Sequence[Row]) -> List[str]:
    """RETURNS (List[str]): What the answer rests on, and so what would change it."""
    grid, found = view.analysis["grid"], view.analysis["answer"]
    measured = [row for row in rows if row.status == DONE]
    if not measured:
        return []
    texts = [
        f"Other sizes: nothing was measured outside of {_span(grid['n_source'])} labelled and "
        f"{_span(grid['n_target'])} unlabelled sentences."
    ]
    for arm in found["main"]:
        totals = found["arms"][arm]["best_ratio"]
        edges = [entry for entry in totals if entry["edge"]]
        if edges:
            texts.append(
                f"For {SHORT[arm]} the best ratio lies at the edge of what was measured for "
                f"{_count(len(edges))} of {_count(len(totals))} totals; there more text of the kind "
                "that ran out could move it."
            )
    replicates = {(row.seed, row.draw) for row in measured if row.block == "main"}
    if replicates:
        texts.append(
            f"Other draws and seeds: {_count(len(replicates))} replicate"
            f"{'s' if len(replicates) > 1 else ''} of each cell, in which seed and draw change "
            "together. The intervals cover them and the test sentences, not the choice of languages, "
            "which is why every language has its own figures."
        )
    texts += _variance_text(view, found["main"])
    texts += _designs_text(view)
    texts += _fit_text(view, found["main"])
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
    trends = {
        arm: entry.get("sd_trend") or {} for arm, entry in view.analysis["answer"]["arms"].items()
    }
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


def _verdict(entry: Json) -> str:
    source, target = entry["fitted_gain_source"], entry["fitted_gain_target"]
    if None in (source["low"], target["low"]):
        return ""
    helps = source["low"] > 0, target["low"] > 0
    if helps == (False, False):
        return "Within what was measured, neither amount of data moves F1 beyond the noise."
    if helps == (True, False):
        return (
            "Labelled source sentences raise F1; unlabelled target ones do not, beyond the noise."
        )
    if helps == (False, True):
        return (
            "Unlabelled target sentences raise F1; labelled source ones do not, beyond the noise."
        )
    if target["low"] > source["high"]:
        return "Both kinds of data raise F1, unlabelled target text more than labelled source text."
    if source["low"] > target["high"]:
        return "Both kinds of data raise F1, labelled source text more than unlabelled target text."
    return "Both kinds of data raise F1, about equally for the same factor."


def _gains(view: View, arm: str) -> str:
    entry = view.analysis["answer"]["arms"][arm]
    source, target = entry["fitted_gain_source"], entry["fitted_gain_target"]
    low, high = entry["corners"][0], entry["corners"][-1]
    languages = f"{_count(len(entry['languages']))} language{_s(len(entry['languages']))}"
    ends = (
        f"With {SHORT[arm]}, mean F1 over {languages} goes from {_f1(low)} at "
        f"{_size(low)} sentences to {_f1(high)} at {_size(high)}"
    )
    if source["value"] is None or target["value"] is None:
        return f"{ends}."
    return (
        f"{ends}: on average over these sizes, ten times the labelled source sentences bring "
        f"{_points(source)} points, and ten times the unlabelled target sentences {_points(target)}."
    )


def _best_ratio(entry: Json) -> str:
    told = []
    for one in _spread_out(entry["best_ratio"]):
        text = f"{ratio(one['ratio'])} at {show(one['total'], 0)} sentences"
        ends = _ratio_ends(one)
        if one["edge"]:
            kind = "target" if one["edge"] == "low" else "source"
            text += f" (the most {kind} text measured)"
        elif ends:
            text += f" ({ends})"
        told.append(text)
    if not told:
        return ""
    return f"For a fixed total, the best ratio of labelled to unlabelled is {listed(told)}."


def _ratio_ends(one: Json) -> str:
    if one["low"] is None or one["high"] is None:
        return ""
    low, high = ratio(one["low"]), ratio(one["high"])
    return f"95% interval {low} to {high}" if low != high else "in at least 95% of the samples"


def _cost(view: View, arm: str) -> str:
    """RETURNS (str): How much the ratio matters on the total of which most ratios were measured."""
    lines: Dict[float, List[Json]] = {}
    for point in view.analysis["iso_total"]:
        if point["arm"] == arm and point["f1"] is not None:
            lines.setdefault(point["total"], []).append(point)
    if not lines:
        return ""
    total = max(lines, key=lambda t: _width(lines[t]))
    worst = min(lines[total], key=lambda point: point["f1"])
    best = max(lines[total], key=lambda point: point["f1"])
    return (
        f"How {show(total, 0)} sentences are divided moves the fitted F1 from {_f1(worst)} at "
        f"{ratio(worst['ratio'])} to {_f1(best)} at {ratio(best['ratio'])}."
    )


def _width(line: Sequence[Json]) -> float:
    ratios = [point["ratio"] for point in line]
    return max(ratios) / min(ratios)


def _steadiness(view: View, arm: str) -> str:
    entry = next(
        (
            e
            for e in view.analysis["robustness"]
            if e["arm"] == arm and e["design"] == "steps" and e["sd"] is not None
        ),
        None,
    )
    if entry is None:
        return ""
    spread = _sd(entry)
    text = f"From run to run (seed and draw) F1 has a standard deviation of {spread} points"
    trend = view.analysis["answer"]["arms"][arm]["sd_trend"].get("ratio")
    if not trend:
        return f"{text}."
    factor = f"factor {trend['value']:.2f}, {between(trend['low'], trend['high'], 2)}"
    if trend["low"] > 1:
        return f"{text}, which grows with the ratio ({factor}, for a tenfold ratio)."
    if trend["high"] < 1:
        return f"{text}, which shrinks as the ratio grows ({factor}, for a tenfold ratio)."
    return f"{text}; the ratio does not change it beyond the noise ({factor}, for a tenfold ratio)."


def _difference(found: Json) -> str:
    entry = found["soft_minus_hard"]
    if not entry or entry["difference"] is None:
        return ""
    value = {"value": entry["difference"], "low": entry["low"], "high": entry["high"]}
    return f"Soft projection minus hard pseudo-labels, over all sizes: {_points(value)} points."


def _teachers(view: View, arm: str) -> str:
    entry = view.analysis["answer"]["arms"][arm]
    told = []
    for name, other in (("minus_teacher", "its teacher"), ("minus_transfer", "model transfer")):
        least, most = entry[name]["least"], entry[name]["most"]
        if least is None:
            continue
        told.append(
            f"against {other}, from {_points(least)} points at {_size(least)} sentences to "
            f"{_points(most)} at {_size(most)}"
        )
    name = SHORT[arm]
    return f"Student minus teacher for {name}: {'; '.join(told)}." if told else ""


def worth(view: View) -> str:
    """RETURNS (str): Where a labelled source and an unlabelled target sentence are worth the same."""
    found = view.analysis["answer"]
    arm = next((arm for arm in reversed(found["main"]) if found["arms"][arm]["equal_rates"]), None)
    if arm is None:
        return ""
    told = []
    for one in found["arms"][arm]["equal_rates"]:
        target = f"{show(one['n_target'], 0)} unlabelled"
        if one["n_source"] is not None:
            ends = between(one["low"], one["high"], 0)
            told.append(
                f"with {target}, up to {show(one['n_source'], 0)} labelled{f' ({ends})' if ends else ''}"
            )
        elif one["more"]:
            told.append(f"with {target}, {'always' if one['more'] == 'source' else 'never'}")
    return (
        f"For {SHORT[arm]}, one more labelled source sentence is worth more than one more "
        f"unlabelled target sentence {'; '.join(told)}."
    )


def _variance_text(view: View, arms: Sequence[str]) -> List[str]:
    texts = []
    for arm in arms:
        components = (view.analysis["variance"].get(arm) or {}).get("components") or {}
        told = [
            f"{name.replace('_', ' by ')} {100 * part['share']:.0f}%"
            for name, part in components.items()
            if part and part.get("share") is not None
        ]
        if told:
            texts.append(
                f"Other languages: shares of the variance of F1 for {SHORT[arm]} are "
                f"{listed(told)}."
            )
    return texts[:1]


def _designs_text(view: View) -> List[str]:
    for arm in view.target_arms:
        for e in view.analysis["designs"]:
            if e["arm"] == arm and e["lang"] == ALL and e["n_source"] is None:
                value = {"value": e["difference"], "low": e["low"], "high": e["high"]}
                return [
                    "Training: the optimiser steps are the same at every size. With the passes over "
                    f"the text fixed instead, F1 of {SHORT[arm]} changes by {_points(value)} "
                    "points over the sizes where both were run."
                ]
    return []


def _fit_text(view: View, arms: Sequence[str]) -> List[str]:
    texts = []
    for arm in arms:
        cv = (view.analysis["surfaces"].get(arm) or {}).get("cv") or {}
        if cv.get("rmse") is not None:
            others = [
                f"{100 * cv[name]:.1f} for {kind}"
                for name, kind in (
                    ("rmse_loglinear", "a plane in logarithms"),
                    ("rmse_mean", "the mean"),
                )
                if cv.get(name) is not None
            ]
            texts.append(
                f"The fitted surface of {SHORT[arm]} misses cells it has not seen by "
                f"{100 * cv['rmse']:.1f} points" + (f" ({', '.join(others)})." if others else ".")
            )
    return texts


def _f1(entry: Json) -> str:
    ends = between(points(entry["low"]), points(entry["high"]))
    return f"{show(points(entry['f1']))}{f' ({ends})' if ends else ''}"


def _points(entry: Json) -> str:
    ends = between(points(entry["low"]), points(entry["high"]))
    return f"{signed(points(entry['value']))}{f' ({ends})' if ends else ''}"


def _sd(entry: Json) -> str:
    ends = between(points(entry["sd_low"]), points(entry["sd_high"]))
    return f"{show(points(entry['sd']))}{f' ({ends})' if ends else ''}"


def _size(entry: Json) -> str:
    if not entry["n_target"]:
        return f"{entry['n_source']:,} labelled"
    return place(entry["n_source"], entry["n_target"])


def _span(sizes: Sequence[int]) -> str:
    return f"{sizes[0]:,} to {sizes[-1]:,}" if sizes else "no"


def _spread_out(entries: Sequence[Json], most: int = 3) -> List[Json]:
    """RETURNS (List[Json]): The first, the last and those between, evenly."""
    if len(entries) <= most:
        return list(entries)
    return [entries[round(i * (len(entries) - 1) / (most - 1))] for i in range(most)]


def _count(number: int) -> str:
    return COUNTS[number] if number < len(COUNTS) else f"{number:,}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _sentences(*texts: Optional[str]) -> str:
    return " ".join(text for text in texts if text)
