"""What the rows say about the hypotheses that were written down before them, as a table and as JSON."""

from math import exp, isnan
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import srsly

from ...report.charts import with_interval
from ...types import Json
from ..analysis.finding import UNMEASURED, Finding

CLAIMS: Dict[str, str] = srsly.read_json(Path(__file__).parent / "templates" / "hypotheses.json")


def finding_table(findings: Sequence[Finding]) -> List[Dict[str, str]]:
    """RETURNS (List[Dict[str, str]]): A line for each hypothesis; none if nothing was measured."""
    if all(finding.verdict == UNMEASURED for finding in findings):
        return []
    apart = any(finding.without for finding in findings)
    return [
        {
            "": finding.name,
            "hypothesis": CLAIMS[finding.name],
            "verdict": finding.verdict,
            "measured": _shown(finding.name, vars(finding)) + (f", {finding.note}" if finding.note else ""),
            **({"without Hausa": _shown(finding.name, finding.without)} if apart else {}),
        }
        for finding in findings
    ]


def _shown(name: str, found: Mapping[str, Any]) -> str:
    value = found.get("value")
    if value is None or isnan(value):
        return "–"
    if name in ("H3", "H12"):
        return "variance times " + with_interval({key: exp(found[key]) for key in ("value", "low", "high")}, 2)
    if name == "H7":
        return f"{value:.0%} of samples inside"
    return with_interval(dict(found), signs=True, scale=100) + " points"


def findings_json(findings: Sequence[Finding]) -> List[Json]:
    """RETURNS (List[Json]): The findings with their claims; unknown numbers are None."""
    return [{**plain(vars(finding)), "hypothesis": CLAIMS[finding.name]} for finding in findings]


def plain(value: Any) -> Any:
    """RETURNS (Any): A value for JSON: no NaN, and six decimals."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> Optional[float]:
    return None if isnan(value) else round(value, 6)
