"""What the rows say about a hypothesis: a value with its interval, and a verdict."""

from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import pandas as pd

from .comparisons import difference
from .intervals import ALL, REPLICATE

HOLDS, REFUTED, UNDECIDED, UNMEASURED = "holds", "refuted", "not decided", "not measured"

Estimate = Dict[str, float]


@dataclass
class Finding:
    """What the rows say about a hypothesis.

    name (str): "H1" to "H14". verdict (str): "holds", "refuted", "not decided" or "not measured". value, low, high
    (float): Of what was tested, with its 95% interval for languages like these: a difference of F1 in [0, 1], the
        logarithm of a ratio of variances (H3, H12), or a share of bootstrap samples (H7, without an interval).
    parts (List[Dict]): Where there are several tests (H4, H6, H11): each of them; `value` is of the one that decides.
        Of H14: each cell.
    note (str): What `value` is of, where that is not plain. without (Dict): `value`, `low` and `high` without the
        language whose text is of another domain; empty if it was not measured.
    """

    name: str
    verdict: str = UNMEASURED
    value: float = nan
    low: float = nan
    high: float = nan
    parts: List[Dict[str, Any]] = field(default_factory=list)
    note: str = ""
    without: Estimate = field(default_factory=dict)


def cell_table(rows: pd.DataFrame) -> pd.DataFrame:
    """RETURNS (DataFrame): Languages by replicates of one cell."""
    return rows.pivot_table(index="lang", columns=REPLICATE, values="f1")


def complete(table: pd.DataFrame) -> Optional[pd.DataFrame]:
    """RETURNS (Optional[DataFrame]): A table without empty lines and columns; None if nothing is left."""
    table = table.dropna(how="all").dropna(how="all", axis=1)
    return table if table.size else None


def over_cells(left: pd.DataFrame, arm: str, right: pd.DataFrame, other: str) -> Optional[Estimate]:
    """RETURNS (Optional[Dict[str, float]]): F1 of an arm minus that of another over all cells that both rows have."""
    return whole_and_cells(left, arm, right, other)[0]


def whole_and_cells(
    left: pd.DataFrame, arm: str, right: pd.DataFrame, other: str
) -> Tuple[Optional[Estimate], List[Dict[str, Any]]]:
    """RETURNS (Tuple[Optional[Dict[str, float]], List[Dict]]): The same, and in each of the cells, with its sizes as the
    `label`.
    """
    found = difference(left[left["arm"] == arm], right[right["arm"] == other])
    whole: Optional[Estimate] = None
    cells = []
    for line in found[found["lang"] == ALL].to_dict("records"):
        estimate = {name: line[name] for name in ("value", "low", "high")}
        if line["n_source"]:
            cells.append({"label": f"{line['n_source']:,} / {line['n_target']:,}", **estimate})
        else:
            whole = estimate
    return whole, cells


def above(name: str, found: Optional[Estimate], parts: Sequence[Dict[str, Any]] = ()) -> Finding:
    """RETURNS (Finding): One that holds if the interval is above zero, and is refuted if it reaches below."""
    return Finding(name) if found is None else finding_of(name, sign_verdict(found["low"]), found, parts)


def sign_verdict(limit: float) -> str:
    """RETURNS (str): The verdict of a hypothesis that holds if the lower limit is not below zero."""
    return UNDECIDED if isnan(limit) else HOLDS if limit >= 0 else REFUTED


def finding_of(name: str, verdict: str, found: Mapping[str, Any], parts: Sequence[Dict[str, Any]] = ()) -> Finding:
    """RETURNS (Finding): One with the values of an estimate; `label` of it is the note."""
    value, low, high = (float(found[key]) for key in ("value", "low", "high"))
    return Finding(name, verdict, value, low, high, list(parts), found.get("label", ""))
