"""The rule of `xner plan`: which arm to expect to win, fitted on published figures and validated leave-one-language-out.

    python -m benchmarks plan_rule

It reads projects/paper/scripts/published.tsv (Politov et al. 2025), where transfer is XLM-R-large trained on English, and
projection goes by translations of NLLB-200-3.3B. It compares simple rules, writes the figures of the chosen one to
xner_spacy/roads/rule.json, and the comparison to docs/roads.md. Luganda, Luo and Setswana take no part, except in one
line at the end: their gold decides nothing in this project.
"""

import argparse
import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from xner_spacy.cli.output import table
from xner_spacy.cli.report import update_section
from xner_spacy.corpora.writing import write_json
from xner_spacy.languages import find_code
from xner_spacy.roads.facts import Facts, all_facts
from xner_spacy.roads.rule import PROJECTION, RULE, TRANSFER, arm_of, side_of

PUBLISHED = Path("projects/paper/scripts/published.tsv")
PAGE = Path("docs/roads.md")
HELD_OUT = ("lug", "luo", "tsn")
# The column that is nearest to what xner.Matching.v1 does: all word ranges as candidates, scored by links.
METHOD = "ngrams-simalign"
OTHER_METHODS = ("ngrams-awesome", "heuristic-awesome", "heuristic-simalign", "ner-awesome", "ner-simalign")
RESAMPLES = 10_000
# Text that XLM-R has not seen counts as half of the least amount in the table, which is 0.1 GiB.
LEAST_GIB = 0.05
CHOSEN = "not in XLM-R's text"


class Row(NamedTuple):
    """A language in one of the two data sets."""

    data: str
    facts: Facts
    transfer: float
    projection: float

    @property
    def gain(self) -> float:
        """RETURNS (float): F1 of projection minus F1 of transfer."""
        return round(self.projection - self.transfer, 1)

    @property
    def won(self) -> float:
        """RETURNS (float): 1 if projection is better, 0 if transfer is, 0.5 if they are equal."""
        return 0.5 + 0.5 * float(np.sign(self.gain))


class Guess(NamedTuple):
    """What a rule says of a language."""

    projection: bool
    sureness: float


Fitted = Callable[[Row], Guess]


@dataclass
class Rule:
    """A rule: how it is fitted, how many numbers the fit chooses, and whether it may be chosen."""

    name: str
    fit: Callable[[Sequence[Row]], Fitted]
    numbers: int = 0
    eligible: bool = True


def read_rows(path: Path, method: str = METHOD) -> List[Row]:
    """RETURNS (List[Row]): The published figures, with one method as projection."""
    with path.open(encoding="utf8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    rows = []
    for row in csv.DictReader(lines, delimiter="\t"):
        code = find_code(row["lang"])
        assert code is not None, row["lang"]
        rows.append(Row(row["data"], all_facts()[code.iso3], float(row["transfer"]), float(row[method])))
    return rows


def iso3(row: Row) -> str:
    return row.facts.code.iso3


def sureness_of(rows: Sequence[Row], projection: bool) -> float:
    """RETURNS (float): The share of rows that an arm won, with one more row for either arm."""
    won = sum(row.won if projection else 1 - row.won for row in rows)
    return float((won + 1) / (len(rows) + 2))


def by_question(question: Callable[[Row], bool]) -> Callable[[Sequence[Row]], Fitted]:
    """RETURNS (Callable): The fit of a rule that expects projection where the answer is yes, transfer elsewhere."""

    def fit(rows: Sequence[Row]) -> Fitted:
        sides = {answer: [row for row in rows if question(row) == answer] for answer in (True, False)}
        surenesses = {answer: sureness_of(side, answer) for answer, side in sides.items()}
        return lambda row: Guess(question(row), surenesses[question(row)])

    return fit


def text(row: Row) -> float:
    """RETURNS (float): Log of the amount of text in XLM-R's pretraining."""
    return float(np.log10(max(row.facts.xlmr_gib, LEAST_GIB)))


def is_latin(row: Row) -> bool:
    return row.facts.code.script == "Latn"


def is_niger_congo(row: Row) -> bool:
    return row.facts.family[0] == "Niger-Congo"


def below_a_threshold(rows: Sequence[Row]) -> Fitted:
    """RETURNS (Fitted): Projection for languages with less text than the threshold that loses the least F1."""
    amounts = sorted({text(row) for row in rows})

    def loss(threshold: float) -> float:
        return sum(max(-row.gain, 0) if text(row) < threshold else max(row.gain, 0) for row in rows)

    threshold = min(((a + b) / 2 for a, b in pairwise(amounts)), key=loss)
    return by_question(lambda row: text(row) < threshold)(rows)


def logistic(*features: Callable[[Row], float]) -> Callable[[Sequence[Row]], Fitted]:
    """RETURNS (Callable): The fit of a logistic regression with a weak penalty, on features of unit variance."""

    def fit(rows: Sequence[Row]) -> Fitted:
        values = np.array([[feature(row) for feature in features] for row in rows], dtype=float)
        middle, spread = values.mean(axis=0), values.std(axis=0)
        won = np.array([row.won for row in rows])

        design = np.column_stack([np.ones(len(values)), (values - middle) / spread])
        penalty = np.array([0.0] + [1.0] * len(features))

        def loss(weights: Any) -> Tuple[float, Any]:
            found = design @ weights
            value = (np.logaddexp(0, found) - won * found).sum() + 0.5 * (penalty * weights**2).sum()
            return float(value), design.T @ (1 / (1 + np.exp(-found)) - won) + penalty * weights

        weights = minimize(loss, np.zeros(len(features) + 1), jac=True).x

        def guess(row: Row) -> Guess:
            point = np.array([feature(row) for feature in features], dtype=float)
            score = float(weights[0] + (point - middle) / spread @ weights[1:])
            share = 1 / (1 + np.exp(-score))
            return Guess(share > 0.5, float(max(share, 1 - share)))

        return guess

    return fit


def linear(rows: Sequence[Row]) -> Fitted:
    """RETURNS (Fitted): The arm that a line through the differences of F1 says, with normal errors."""
    design = np.array([[1, text(row)] for row in rows])
    gains = np.array([row.gain for row in rows])
    weights = np.linalg.lstsq(design, gains, rcond=None)[0]
    spread = float(np.sqrt(((gains - design @ weights) ** 2).sum() / (len(rows) - 2)))

    def guess(row: Row) -> Guess:
        share = float(norm.cdf((weights[0] + weights[1] * text(row)) / spread))
        return Guess(share > 0.5, max(share, 1 - share))

    return guess


def as_nearest_relatives(rows: Sequence[Row]) -> Fitted:
    """RETURNS (Fitted): The arm that won most often in the narrowest group that has other rows; else of all."""

    def guess(row: Row) -> Guess:
        for depth in range(len(row.facts.family), -1, -1):
            group = [other for other in rows if other.facts.family[:depth] == row.facts.family[:depth]]
            if group:
                break
        projection = sureness_of(group, True) > 0.5
        return Guess(projection, sureness_of(group, projection))

    return guess


RULES = [
    Rule("always projection", by_question(lambda row: True)),
    Rule("always transfer", by_question(lambda row: False)),
    Rule("Latin script", by_question(is_latin)),
    Rule(CHOSEN, by_question(lambda row: arm_of(side_of(row.facts)) == PROJECTION)),
    Rule("less text in XLM-R than a threshold", below_a_threshold, 1),
    Rule("logistic: text", logistic(text), 2),
    Rule("logistic: text, Latin script", logistic(text, is_latin), 3),
    Rule("linear: text", linear, 3),
    Rule("as its nearest relatives", as_nearest_relatives, 20),
    # Either of these says which data set a row is from, so it can't be trusted elsewhere.
    Rule("Niger-Congo (the data set, nearly)", by_question(is_niger_congo), eligible=False),
    Rule("the data set itself", by_question(lambda row: row.data == "masakhaner"), eligible=False),
]


class Validation(NamedTuple):
    """Of each row, with its language left out of the fit: whether the rule is right, the F1 lost, its sureness."""

    hits: Any
    regrets: Any
    surenesses: Any


def validate(rule: Rule, rows: Sequence[Row]) -> Validation:
    """RETURNS (Validation): The rule on each row, fitted on the rows of all other languages. A tie is a hit."""
    hits, regrets, surenesses = [], [], []
    for row in rows:
        guess = rule.fit([other for other in rows if iso3(other) != iso3(row)])(row)
        hit = row.gain == 0 or guess.projection == (row.gain > 0)
        hits.append(hit)
        regrets.append(0.0 if hit else abs(row.gain))
        surenesses.append(guess.sureness)
    return Validation(np.array(hits, dtype=float), np.array(regrets), np.array(surenesses))


def resampled(rows: Sequence[Row]) -> Any:
    """RETURNS (Any): (RESAMPLES, rows) how often each row occurs in each resample of languages."""
    languages = sorted({iso3(row) for row in rows})
    counts = np.random.default_rng(0).multinomial(
        len(languages), np.full(len(languages), 1 / len(languages)), RESAMPLES
    )
    return counts[:, [languages.index(iso3(row)) for row in rows]].astype(float)


def with_interval(values: Any, weights: Any, digits: int) -> Tuple[float, List[float]]:
    """RETURNS (Tuple[float, List[float]]): The mean, and its 95% bootstrap interval over languages."""
    ends = np.percentile(weights @ values / weights.sum(axis=1), [2.5, 97.5])
    return round(float(values.mean()), digits), [round(float(end), digits) for end in ends]


def figures_of(found: Validation, weights: Any) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The figures of a rule."""
    hit_rate, hit_interval = with_interval(found.hits, weights, 3)
    regret, regret_interval = with_interval(found.regrets, weights, 2)
    return {
        "hit_rate": hit_rate,
        "hit_interval": hit_interval,
        "regret": regret,
        "regret_interval": regret_interval,
        "sureness": round(float(found.surenesses.mean()), 3),
        "brier": round(float(((found.surenesses - found.hits) ** 2).mean()), 3),
    }


def choose(validations: Dict[str, Validation], weights: Any) -> str:
    """RETURNS (str): The rule with the fewest fitted numbers whose F1 lost is not above the least by more than one
    standard error of the difference, over languages; of several, the one that loses least.
    """
    eligible = [rule for rule in RULES if rule.eligible]
    best = min(eligible, key=lambda rule: float(validations[rule.name].regrets.mean()))

    def close(rule: Rule) -> bool:
        more = validations[rule.name].regrets - validations[best.name].regrets
        return float(more.mean()) <= float((weights @ more / weights.sum(axis=1)).std()) or rule is best

    return min(
        (rule for rule in eligible if close(rule)),
        key=lambda rule: (rule.numbers, float(validations[rule.name].regrets.mean())),
    ).name


def validate_the_choice(rows: Sequence[Row]) -> Validation:
    """RETURNS (Validation): As `validate`, but without each language the rule is chosen anew, too (two minutes)."""
    parts: Dict[str, Validation] = {}
    for language in sorted({iso3(row) for row in rows}):
        others = [row for row in rows if iso3(row) != language]
        weights = resampled(others)
        name = choose({rule.name: validate(rule, others) for rule in RULES if rule.eligible}, weights)
        rule = next(rule for rule in RULES if rule.name == name)
        # Of a rule that is fitted on all others, the judgements of this language's rows.
        found = validate(rule, rows)
        here = [iso3(row) == language for row in rows]
        parts[language] = Validation(found.hits[here], found.regrets[here], found.surenesses[here])
        print(f"without {language}: {name}")
    return Validation(*(np.concatenate(values) for values in zip(*parts.values())))


def sides(rows: Sequence[Row]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the rule knows of either side, fitted on all rows."""
    found = {}
    for side in ("unseen", "seen"):
        here = [row for row in rows if side_of(row.facts) == side]
        projection = arm_of(side) == PROJECTION
        gains = [row.gain for row in here]
        found[side] = {
            "arm": arm_of(side),
            "rows": len(here),
            "won": sum((row.gain > 0) == projection and row.gain != 0 for row in here),
            "tied": sum(row.gain == 0 for row in here),
            "sureness": round(sureness_of(here, projection), 3),
            "difference": round(float(np.mean(gains)), 1),
            "difference_8_of_10": [round(float(end), 1) for end in np.percentile(gains, [10, 90])],
            "f1": {
                PROJECTION: round(float(np.mean([row.projection for row in here])), 1),
                TRANSFER: round(float(np.mean([row.transfer for row in here])), 1),
            },
        }
    return found


def study(path: Path) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """RETURNS (Tuple[Dict[str, Any], Dict[str, Any]]): What `rule.json` holds, and the figures of all rules by name."""
    every = read_rows(path)
    rows = [row for row in every if iso3(row) not in HELD_OUT]
    weights = resampled(rows)
    validations = {rule.name: validate(rule, rows) for rule in RULES}
    compared = {name: figures_of(found, weights) for name, found in validations.items()}
    for name, found in validations.items():
        for data in ("masakhaner", "xtreme"):
            compared[name][data] = round(float(found.hits[[row.data == data for row in rows]].mean()), 3)
    chosen = choose(validations, weights)
    assert chosen == CHOSEN, f"The best rule is now {chosen!r}: teach it to xner_spacy/roads/rule.py."
    rule = {
        "about": "Figures of the rule of `xner plan`; made by `python -m benchmarks plan_rule`.",
        "rule": CHOSEN,
        "sides": sides(rows),
        "validation": {
            "rows": len(rows),
            "languages": len({iso3(row) for row in rows}),
            "rule": compared[CHOSEN],
            "always projection": compared["always projection"],
            "always transfer": compared["always transfer"],
            "by_side": calibration(validations[CHOSEN], rows),
        },
    }
    return rule, compared


def calibration(found: Validation, rows: Sequence[Row]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): On either side, how sure the rule was of rows that it had not seen, and how often right."""
    by_side = {}
    for side in ("unseen", "seen"):
        here = np.array([side_of(row.facts) == side for row in rows])
        sureness, hit_rate = found.surenesses[here].mean(), found.hits[here].mean()
        by_side[side] = {"sureness": round(float(sureness), 3), "hit_rate": round(float(hit_rate), 3)}
    return by_side


def by_method(path: Path) -> List[List[str]]:
    """RETURNS (List[List[str]]): The chosen rule and the constant ones with other projection methods."""
    rows_of_table = []
    for method in (METHOD, *OTHER_METHODS):
        rows = [row for row in read_rows(path, method) if iso3(row) not in HELD_OUT]
        cells = [method]
        for name in (CHOSEN, "always projection", "always transfer"):
            found = validate(next(rule for rule in RULES if rule.name == name), rows)
            cells.append(f"{100 * found.hits.mean():.1f} ({found.regrets.mean():.2f})")
        rows_of_table.append(cells)
    return rows_of_table


def held_out(path: Path) -> List[List[str]]:
    """RETURNS (List[List[str]]): What the rule says of the languages that were left out, and what is published of them."""
    rows_of_table = []
    for row in read_rows(path):
        if iso3(row) in HELD_OUT:
            arm = arm_of(side_of(row.facts))
            verdict = "right" if (arm == PROJECTION) == (row.gain > 0) else "wrong"
            rows_of_table.append([row.facts.code.name, arm, verdict, f"{row.projection:.1f}", f"{row.transfer:.1f}"])
    return rows_of_table


def page_section(rule: Dict[str, Any], compared: Dict[str, Any], path: Path) -> str:
    """RETURNS (str): The figures as Markdown."""

    def ends(interval: Sequence[float], factor: float, digits: int) -> str:
        return "-".join(f"{factor * end:.{digits}f}" for end in interval)

    rows = [
        [
            f"**{name}**" if name == rule["rule"] else name,
            f"{100 * found['hit_rate']:.1f}",
            ends(found["hit_interval"], 100, 1),
            f"{found['regret']:.2f}",
            ends(found["regret_interval"], 1, 2),
            f"{100 * found['masakhaner']:.1f}",
            f"{100 * found['xtreme']:.1f}",
            f"{100 * found['sureness']:.1f}",
            f"{found['brier']:.3f}",
        ]
        for name, found in compared.items()
    ]
    head = ["rule", "right, %", "95% interval", "F1 lost", "95% interval", "MasakhaNER", "XTREME", "it says", "Brier"]
    shares = rule["validation"]["by_side"]
    sure = [
        [
            {"unseen": "not in XLM-R: projection", "seen": "in XLM-R: transfer"}[side],
            f"{of_side['won']} of {of_side['rows']}" + (f", {of_side['tied']} tied" if of_side["tied"] else ""),
            f"{100 * shares[side]['sureness']:.1f}",
            f"{100 * shares[side]['hit_rate']:.1f}",
            f"{of_side['difference']:+.1f}",
            " to ".join(f"{end:+.1f}" for end in of_side["difference_8_of_10"]),
            f"{of_side['f1'][PROJECTION]:.1f}",
            f"{of_side['f1'][TRANSFER]:.1f}",
        ]
        for side, of_side in rule["sides"].items()
    ]
    sure_head = ["side", "won", "says, %", "right, %", "projection minus transfer", "8 of 10", "projection", "transfer"]
    counts = rule["validation"]
    return "\n\n".join(
        [
            f"{counts['rows']} comparisons of {counts['languages']} languages, each judged by a rule that was fitted on "
            "all other languages:",
            table(head, rows),
            "The chosen rule on either side, left out as above, and the F1 there:",
            table(sure_head, sure),
            "The same with the other projection methods of the published figures (right in %, F1 lost in brackets):",
            table(["projection by", CHOSEN, "always projection", "always transfer"], by_method(path)),
            "The three languages that took no part in any of this, asked once at the end:",
            table(["language", "the rule says", "", "projection", "transfer"], held_out(path)),
            "Made by `python -m benchmarks plan_rule`.",
        ]
    )


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Fit and validate the rule of `xner plan`.")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="the published figures")
    parser.add_argument("--rule", type=Path, default=RULE, help="where the figures of the rule go")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose section is written")
    parser.add_argument("--nested", action="store_true", help="print how good the choice of the rule is; write nothing")
    args = parser.parse_args(argv)
    if args.nested:
        rows = [row for row in read_rows(args.published) if iso3(row) not in HELD_OUT]
        found = validate_the_choice(rows)
        print(f"right {100 * found.hits.mean():.1f}%, F1 lost {found.regrets.mean():.2f}")
        return
    rule, compared = study(args.published)
    section = page_section(rule, compared, args.published)
    write_json(args.rule, rule)
    update_section(args.page, "plan rule", section)
    print(section)


if __name__ == "__main__":
    main()
