"""The answer of a study in plain words: every number is looked up, a sentence without one left out."""

import math
from typing import Dict, List, Optional, Sequence

from ..report.figure import Table, Value, show
from ..types import Json
from .rows import ARM_NAMES
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
    best = headline(view)
    if best is None:
        return ["Nothing was measured yet that answers the question."]
    first = _sentences(
        _verdict(arms[best]),
        _gains(view, best),
        _best_ratio(arms[best]),
        _cost(arms[best]),
        _total(arms[best]),
        _steadiness(view, best),
    )
    second = _sentences(_languages(view, best), _together(arms[best]))
    third = _sentences(_teachers(view, best), _difference(found))
    last = "F1 stands in points, 0 to 100, with 95% intervals in brackets."
    return [paragraph for paragraph in (first, second, third, last) if paragraph]


def headline(view: View) -> Optional[str]:
    """RETURNS (Optional[str]): The arm to speak of: of the main arms, the best with most data."""
    arms = view.analysis["answer"]["arms"]
    main = [arm for arm in view.analysis["answer"]["main"] if arms[arm]["corners"]]
    return max(main, key=lambda arm: arms[arm]["corners"][-1]["f1"], default=None)


def arms_table(view: View) -> Table:
    """RETURNS (Table): What each arm is."""
    rows: List[List[Value]] = [[ARM_NAMES[arm], WHAT[arm], len(view.spoken(arm))] for arm in view.arms]
    return Table("The arms", ["arm", "what it is", "languages"], rows)


def _verdict(entry: Json) -> str:
    source, target = (entry["tenfold"].get(name) for name in ("source", "target"))
    effects = [_effect(source), _effect(target)]
    if None in (source, target) or (source or {}).get("low") is None:
        return ""
    if effects == ["", ""]:
        return "Within what was measured, neither amount of data moves F1 beyond the noise."
    names = ("labelled source sentences", "unlabelled target sentences")
    if "" in effects:
        one = effects.index("")
        return f"More {names[1 - one]} {effects[1 - one]} F1; more {names[one]} do not, beyond the noise."
    if effects != ["raise", "raise"]:
        return f"More {names[0]} {effects[0]} F1, more {names[1]} {effects[1]} it."
    difference = entry["tenfold"]["source_minus_target"]
    if difference["low"] > 0:
        return "Both kinds of data raise F1, labelled source text more than unlabelled target text."
    if difference["high"] < 0:
        return "Both kinds of data raise F1, unlabelled target text more than labelled source text."
    return "Both kinds of data raise F1; which of them more, cannot be told from the noise."


def _effect(entry: Optional[Json]) -> str:
    if not entry or entry["low"] is None:
        return ""
    return "raise" if entry["low"] > 0 else "lower" if entry["high"] < 0 else ""


def _gains(view: View, arm: str) -> str:
    entry = view.analysis["answer"]["arms"][arm]
    source, target = (entry["tenfold"].get(name) for name in ("source", "target"))
    low, high = entry["corners"][0], entry["corners"][-1]
    languages = f"{count(len(entry['languages']))} language{_s(len(entry['languages']))}"
    text = (
        f"With {SHORT[arm]}, mean F1 over {languages} goes from {_f1(low)} at {_size(low)} sentences "
        f"to {_f1(high)} at {_size(high)}."
    )
    if source and target:
        text += (
            f" Ten times the labelled source sentences bring {gain(source)} points, ten times the "
            f"unlabelled target sentences {gain(target)}."
        )
    return text


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


def _cost(entry: Json) -> str:
    """RETURNS (str): How much the ratio matters on the total of which most ratios were measured."""
    if not entry["best_ratio"]:
        return ""
    one = max(entry["best_ratio"], key=lambda one: one["most"] / one["least"])
    won = {
        "value": one["over_worst"],
        "low": one["over_worst_low"],
        "high": one["over_worst_high"],
    }
    return (
        f"Dividing {show(one['total'], 0)} sentences at {ratio(one['ratio'])} rather than at "
        f"{ratio(one['worst_ratio'])}, the worst ratio measured, gains {gain(won)} points."
    )


def _total(entry: Json) -> str:
    """RETURNS (str): What more of both brings, at the ratio nearest to one to one."""
    found = [one for one in entry["fitted_gain_total"] if one["value"] is not None]
    if not found:
        return ""
    one = min(found, key=lambda one: abs(math.log(one["ratio"])))
    return f"Ten times as many of both, at {ratio(one['ratio'])}, gain {gain(one)} points."


def _steadiness(view: View, arm: str) -> str:
    entry = next(
        (e for e in view.analysis["robustness"] if e["arm"] == arm and e["design"] == "steps" and e["sd"] is not None),
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


def _languages(view: View, arm: str) -> str:
    """RETURNS (str): Between which languages the gains lie."""
    told = []
    for side, kind in (("source", "labelled source"), ("target", "unlabelled target")):
        found = [
            (e["difference"], view.language(e["lang"]))
            for e in view.analysis["tenfolds"]
            if (e["arm"], e["design"], e["coefficient"]) == (arm, "steps", side) and e["lang"] != ALL
        ]
        if len(found) > 1:
            (low, least), (high, most) = min(found), max(found)
            ends = f"{signed(points(low))} ({least}) to {signed(points(high))} ({most})"
            told.append(f"ten times the {kind} sentences from {ends}")
    if not told:
        return ""
    text = f"Languages differ: {', and '.join(told)}."
    robust = [e for e in view.analysis["robustness"] if e["arm"] == arm and e["design"] == "steps"]
    if robust:
        gap, worst = points(robust[0]["worst_gap"]), view.language(robust[0]["worst_language"])
        text += f" The worst, {worst}, lies {show(gap)} points behind the mean."
    return text


def _together(entry: Json) -> str:
    """RETURNS (str): Whether one kind of data makes the other worth more or less."""
    found = entry["tenfold"].get("interaction")
    if not found or found["low"] is None:
        return ""
    text = f"With ten times as many of the one kind, ten times as many of the other bring {gain(found)} points more"
    if found["low"] > 0:
        return f"{text}: each is worth more where there is much of the other."
    if found["high"] < 0:
        return f"{text}: each is worth less where there is much of the other."
    return f"{text}, which is within the noise: the two gains add up."


def _difference(found: Json) -> str:
    entry = found["soft_minus_hard"]
    if not entry or entry["difference"] is None:
        return ""
    return f"Soft projection minus hard pseudo-labels, over all sizes: {gain(entry)} points."


def _teachers(view: View, arm: str) -> str:
    entry = view.analysis["answer"]["arms"][arm]
    told = []
    for name, other in (("minus_teacher", "its teacher"), ("minus_transfer", "model transfer")):
        least, most = entry[name]["least"], entry[name]["most"]
        if least is None:
            continue
        told.append(
            f"against {other}, from {gain(least)} points at {_size(least)} sentences to {gain(most)} at {_size(most)}"
        )
    name = SHORT[arm]
    return f"Student minus teacher for {name}: {'; '.join(told)}." if told else ""


def worth(view: View) -> str:
    """RETURNS (str): Where a labelled source and an unlabelled target sentence are worth the same."""
    arm = headline(view)
    if arm is None:
        return ""
    told = []
    for one in view.analysis["answer"]["arms"][arm]["equal_rates"]:
        target = f"{show(one['n_target'], 0)} unlabelled"
        if one["n_source"] is not None:
            ends = between(one["low"], one["high"], 0)
            told.append(f"with {target}, up to {show(one['n_source'], 0)} labelled{f' ({ends})' if ends else ''}")
        elif one["more"] in ("source", "target"):
            told.append(f"with {target}, {'always' if one['more'] == 'source' else 'never'}")
    if not told:
        return ""
    return (
        f"For {SHORT[arm]}, one more labelled source sentence is worth more than one more "
        f"unlabelled target sentence {'; '.join(told)}."
    )


def _f1(entry: Json) -> str:
    ends = between(points(entry["low"]), points(entry["high"]))
    return f"{show(points(entry['f1']))}{f' ({ends})' if ends else ''}"


def gain(entry: Json) -> str:
    ends = between(points(entry["low"]), points(entry["high"]))
    value = points(entry["difference"] if "difference" in entry else entry["value"])
    return f"{signed(value)}{f' ({ends})' if ends else ''}"


def _sd(entry: Json) -> str:
    ends = between(points(entry["sd_low"]), points(entry["sd_high"]))
    return f"{show(points(entry['sd']))}{f' ({ends})' if ends else ''}"


def _size(entry: Json) -> str:
    if not entry["n_target"]:
        return f"{entry['n_source']:,} labelled"
    return place(entry["n_source"], entry["n_target"])


def _spread_out(entries: Sequence[Json], most: int = 3) -> List[Json]:
    """RETURNS (List[Json]): The first, the last and those between, evenly."""
    if len(entries) <= most:
        return list(entries)
    return [entries[round(i * (len(entries) - 1) / (most - 1))] for i in range(most)]


def count(number: int) -> str:
    return COUNTS[number] if number < len(COUNTS) else f"{number:,}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _sentences(*texts: Optional[str]) -> str:
    return " ".join(text for text in texts if text)
