"""The hypotheses of the second edition, computed from rows as docs/study/second-edition.md states their tests.

Units are languages and replicates, crossed. Only rows count whose bias was fitted, with a fixed number of steps.
"""

from math import isnan, log
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import pandas as pd

from ..design.rows import GOLD
from .divisions import divide
from .finding import (
    HOLDS,
    REFUTED,
    UNDECIDED,
    UNMEASURED,
    Finding,
    above,
    cell_table,
    complete,
    finding_of,
    over_cells,
    sign_verdict,
    whole_and_cells,
)
from .forms import FORMS
from .intervals import CELL, REPLICATE, crossed, measured
from .surface import Surface
from .variances import variance_ratio
from .variants import h9, h10, h11, h12, h13, h14

# The language whose text is of another domain: all means are given without it, too.
APART = "hau"
# Hypotheses whose rows have none of it, or that it does not decide.
ALWAYS_WITHOUT = ("H3", "H4", "H8", "H9", "H10", "H11", "H12", "H13")
STUDENTS = ("hard", "soft")
TOTALS = (1300, 3100)
UNEVEN = ("less_source", "more_source")
# F1 that an even ratio may lose (H4), a ratio of variances that would matter (H3), a share of optima inside (H7).
MARGIN, FACTOR, SHARE = 0.01, 1.5, 0.95
TOTAL_OF_OPTIMUM = 3000.0


def hypotheses(frame: pd.DataFrame, samples: int = 500, seed: int = 0) -> List[Finding]:
    """Compute H1 to H14.

    frame (DataFrame): Rows of all blocks, see `frame_of`. samples (int), seed (int): Of the bootstrap of H7.
    RETURNS (List[Finding]): One for each hypothesis, in order.
    """
    rows = measured(frame)
    rows = rows[rows["bias"].notna() & (rows["design"] == "steps")]
    tests: List[Callable[[pd.DataFrame], Finding]] = [
        h1,
        h2,
        h3,
        h4,
        h5,
        h6,
        lambda r: h7(r, samples, seed),
        h8,
        h9,
        h10,
        h11,
        h12,
        h13,
        h14,
    ]
    findings = []
    for test in tests:
        finding = test(rows)
        has_apart = (rows["lang"] == APART).any() and finding.name not in ALWAYS_WITHOUT
        if finding.verdict != UNMEASURED and has_apart:
            other = test(rows[rows["lang"] != APART])
            if other.verdict != UNMEASURED:
                finding.without = {name: getattr(other, name) for name in ("value", "low", "high")}
        findings.append(finding)
    return findings


def h1(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): Soft minus hard, over all cells of `main` with 1,000 target sentences or more."""
    large = rows[(rows["block"] == "main") & (rows["n_target"] >= 1000)]
    return above("H1", over_cells(large, "soft", large, "hard"))


def h2(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): What the fitted bias is worth to soft students, minus what it is worth to hard ones."""
    main = rows[(rows["block"] == "main") & rows["f1_bias_0"].notna()]
    main = main.assign(f1=main["f1"] - main["f1_bias_0"].astype(float))
    return above("H2", over_cells(main, "soft", main, "hard"))


def h3(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): The logarithm of the ratio of variances between replicates, uneven ratios over even ones."""
    even = _lines(rows, [f"total_{total}_even" for total in TOTALS])
    uneven = _lines(rows, [f"total_{total}_{side}" for total in TOTALS for side in UNEVEN])
    if even.shape[1] < 3 or uneven.shape[1] < 3:
        return Finding("H3")
    found = variance_ratio(uneven, even)
    verdict = UNDECIDED
    if found["low"] > 0:
        verdict = HOLDS
    elif found["high"] <= log(FACTOR):
        verdict = REFUTED
    return finding_of("H3", verdict, found)


def h4(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): F1 of the even ratio minus the better of the two uneven ones, at each total."""
    both = students(rows)
    parts: List[Dict[str, Any]] = []
    for total in TOTALS:
        even, *others = (cell_table(both[both["block"] == f"total_{total}_{name}"]) for name in ("even", *UNEVEN))
        if min(map(len, (even, *others))):
            better = max(others, key=lambda table: table.mean(axis=1).mean())
            pairs = (even - better).dropna(how="all").dropna(how="all", axis=1)
            if len(pairs):
                parts.append({"label": f"total {total:,}", **crossed(pairs)})
    if not parts:
        return Finding("H4")
    verdict = UNDECIDED
    if any(part["high"] < -MARGIN for part in parts):
        verdict = REFUTED
    elif len(parts) == len(TOTALS) and all(part["low"] > -MARGIN for part in parts):
        verdict = HOLDS
    return finding_of("H4", verdict, min(parts, key=lambda part: part["value"]), parts)


def h5(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): The gain from 1,000 to 10,000 source sentences minus that from 100 to 300 target sentences,
    where there are 1,000 and 100.
    """
    main = students(rows[rows["block"] == "main"])
    cells = [
        main[(main["n_source"] == s) & (main["n_target"] == t)] for s, t in ((10000, 100), (1000, 100), (1000, 300))
    ]
    more_source, corner, more_target = map(cell_table, cells)
    pairs = complete((more_source - corner) - (more_target - corner))
    if pairs is None:
        return Finding("H5")
    found = crossed(pairs)
    return finding_of("H5", sign_verdict(-found["high"]), found)


def h6(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): TSL on plain text minus soft students of text with a translation, in each cell of `plain`."""
    plain, main = rows[rows["block"] == "plain"], rows[rows["block"] == "main"]
    _, parts = whole_and_cells(plain, "tsl", main, "soft")
    if not parts:
        return Finding("H6")
    verdict = UNDECIDED
    if any(part["low"] > 0 for part in parts):
        verdict = REFUTED
    elif all(part["high"] <= 0 for part in parts):
        verdict = HOLDS
    top = max(parts, key=lambda part: (-np.inf if isnan(part["low"]) else part["low"], part["value"]))
    return finding_of("H6", verdict, top, parts)


def h7(rows: pd.DataFrame, samples: int, seed: int) -> Finding:
    """RETURNS (Finding): The share of bootstrap samples whose best ratio at a total of 3,000 is not at an end of what
    was measured, of the best of the three forms that can bend.
    """
    main = students(rows[rows["block"] == "main"])
    forms = [form for form in FORMS if form != "plane"]
    if main.groupby(["n_source", "n_target"]).ngroups < 7:
        return Finding("H7")
    surface = Surface(main, samples, seed, forms)
    best = divide(surface, TOTAL_OF_OPTIMUM)
    if best is None or isnan(best["inside"]) or not any(np.isfinite(surface.errors[form]) for form in forms):
        return Finding("H7")
    return Finding("H7", HOLDS if best["inside"] >= SHARE else REFUTED, best["inside"], note=surface.form)


def h8(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): Gold minus hard at 10,000 source sentences, with 3,000 target sentences minus with 100."""
    hard = rows[(rows["block"] == "main") & (rows["arm"] == "hard") & (rows["n_source"] == 10000)]
    gold = rows[rows["arm"] == GOLD]
    lost = []
    for n_target in (3000, 100):
        lost.append(cell_table(gold[gold["n_target"] == n_target]) - cell_table(hard[hard["n_target"] == n_target]))
    pairs = complete(lost[0] - lost[1])
    return Finding("H8") if pairs is None else above("H8", crossed(pairs))


def students(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): The mean of the rows of both arms of students, where both were measured."""
    key = ["block", *CELL, *REPLICATE]
    both = rows[rows["arm"].isin(STUDENTS)]
    scores = both.groupby(key)[["f1", "f1_low", "f1_high"]].agg("mean")
    counts = both.groupby(key)["arm"].nunique()
    return scores[counts == len(STUDENTS)].reset_index()


def _lines(rows: pd.DataFrame, blocks: Sequence[str]) -> pd.DataFrame:
    """RETURNS (DataFrame): A line for each language, block and arm of students, and a column for each replicate."""
    part = rows[rows["block"].isin(blocks) & rows["arm"].isin(STUDENTS)]
    part = part.assign(arm=part["arm"].astype(str))
    return part.pivot_table(index=["lang", "block", "arm", "n_source", "n_target"], columns=REPLICATE, values="f1")
