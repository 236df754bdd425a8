"""The hypotheses about variants: blocks whose students, or text, are not those of the study. Their rows are compared
with those of the same cells without what differs.
"""

from math import log
from typing import Any, Dict, List

import pandas as pd

from .comparisons import difference
from .finding import (
    HOLDS,
    REFUTED,
    UNDECIDED,
    Finding,
    above,
    cell_table,
    complete,
    finding_of,
    sign_verdict,
    whole_and_cells,
)
from .intervals import ALL, CELL, REPLICATE, crossed
from .variances import variance_ratio

CORRECTED = 100
# How many translated sentences a corrected one is to be worth.
TIMES = 10
FEW, MANY = 300, 3000
# The block of students that `python -m benchmarks study_recipe` trains.
RECIPE = "recipe"
# The blocks with other source models; the share of the variance between replicates that they may make up (H12).
MODELS = ("main", "model_1", "model_2")
MODEL_SHARE = 0.5


def h9(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): F1 gained by a hundred corrected sentences, minus what ten times as many more translated ones
    gain by the slope from 300 to 3,000 target sentences; at 1,000 source and 300 target sentences.
    """
    at = rows[(rows["n_source"] == 1000) & (rows["arm"] == "soft")]
    main, corrected = at[at["block"] == "main"], at[at["block"] == f"corrected_{CORRECTED}"]
    plain, more = (cell_table(main[main["n_target"] == size]) for size in (FEW, MANY))
    gain = cell_table(corrected[corrected["n_target"] == FEW]) - plain
    pairs = complete(gain - TIMES * CORRECTED * (more - plain) / (MANY - FEW))
    return Finding("H9") if pairs is None else above("H9", crossed(pairs))


def h10(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): Of larger students, trained for longer: see `_gain_of_target`."""
    return _gain_of_target("H10", rows[rows["block"] == "wide_and_long"])


def h13(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): Of the recipe's students: see `_gain_of_target`."""
    return _gain_of_target("H13", rows[rows["block"] == RECIPE])


def h14(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): TSL on plain text with cross-lingual vectors, minus soft students of text with a translation,
    over all cells that both have.
    """
    plain, main = rows[rows["block"] == "plain_vectors"], rows[rows["block"] == "main"]
    return above("H14", *whole_and_cells(plain, "tsl", main, "soft"))


def _gain_of_target(name: str, rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): The gain from 100 to 3,000 target sentences at 30,000 source sentences, minus that from 300 to
    30,000 source sentences at 3,000 target sentences.
    """
    few_target, few_source, both = (
        cell_table(rows[(rows["n_source"] == source) & (rows["n_target"] == target)])
        for source, target in ((30000, 100), (300, 3000), (30000, 3000))
    )
    pairs = complete((both - few_target) - (both - few_source))
    return Finding(name) if pairs is None else above(name, crossed(pairs))


def h11(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): F1 with text of another domain, or of the test's own, minus F1 with as much of the study's
    text. The test's own decides.
    """
    main = rows[(rows["block"] == "main") & (rows["arm"] == "soft")]
    parts: List[Dict[str, Any]] = []
    for block, label in (("own", "MasakhaNER's own text, Yoruba"), ("ntrex", "NTREX")):
        found = difference(rows[rows["block"] == block], main)
        whole = found[(found["lang"] == ALL) & (found["n_source"] == 0)].to_dict("records")
        parts += [{"label": label, **{key: line[key] for key in ("value", "low", "high")}} for line in whole]
    if not parts or parts[0]["label"] == "NTREX":
        return Finding("H11", parts=parts)
    return finding_of("H11", sign_verdict(parts[0]["low"]), parts[0], parts)


def h12(rows: pd.DataFrame) -> Finding:
    """RETURNS (Finding): The logarithm of the ratio of variances: between source models, with the same target sentences
    and the same seed of the student, over between replicates of the same cells, in which all of these differ.
    """
    soft = rows[rows["arm"] == "soft"]
    models = soft[soft["block"].isin(MODELS)].pivot_table(index=[*CELL, *REPLICATE], columns="block", values="f1")
    models = models[models.count(axis=1) > 1]
    replicates = soft[soft["block"] == "main"].pivot_table(index=CELL, columns=REPLICATE, values="f1")
    replicates = replicates[replicates.index.isin(models.index.droplevel(REPLICATE))]
    if not len(models) or replicates.shape[1] < 3:
        return Finding("H12")
    found = variance_ratio(models, replicates)
    verdict = UNDECIDED
    if found["high"] < log(MODEL_SHARE):
        verdict = HOLDS
    elif found["low"] > log(MODEL_SHARE):
        verdict = REFUTED
    return finding_of("H12", verdict, found)
