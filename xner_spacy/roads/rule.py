"""Which arm to expect to win: projection through a translation, or transfer of a multilingual model.

The rule is one question, whether XLM-R was pretrained on text of the language. How often it is right was fitted on the
published figures of Politov et al. 2025 by `python -m benchmarks plan_rule`, which writes `rule.json`, and is explained
in docs/roads.md.
"""

from functools import lru_cache
from pathlib import Path
from typing import cast

from ..corpora.reading import read_json
from ..types import Json
from .facts import Facts

RULE = Path(__file__).with_name("rule.json")
PROJECTION, TRANSFER = "projection", "transfer"
# With at most as much text as this in XLM-R, languages of the published figures went either way.
LITTLE_GIB = 0.3


@lru_cache(maxsize=1)
def fitted() -> Json:
    """RETURNS (Json): The figures of the rule, as the benchmark wrote them."""
    return cast(Json, read_json(RULE))


def side_of(facts: Facts) -> str:
    """RETURNS (str): Where the rule puts a language: "seen" by XLM-R, or "unseen"."""
    return "seen" if facts.xlmr_gib else "unseen"


def arm_of(side: str) -> str:
    """RETURNS (str): The arm that the rule expects to win on a side."""
    return PROJECTION if side == "unseen" else TRANSFER


def expect(facts: Facts) -> Json:
    """Say which arm to expect to win, and how sure that is.

    facts (Facts): The language. RETURNS (Json): `arm`, `sureness` (from 0 to 1), `gain` (F1 of the arm above that of
    the other, on languages of that side: mean, and the range that holds eight of ten), `because`, `hit_rate` (of the rule, on
    languages that it was not fitted on), `without_encoder` (the arm where no multilingual encoder is used) and `notes`.
    """
    side, figures = side_of(facts), fitted()
    arm, of_side = arm_of(side), figures["sides"][side]
    sign = 1 if arm == PROJECTION else -1
    low, high = sorted(sign * value for value in of_side["difference_8_of_10"])
    notes = [
        "measured with XLM-R-large and NLLB-200-3.3B, on MasakhaNER and WikiANN; other text may decide otherwise",
        "with small models that are not pretrained, projection was ahead in five of six languages",
    ]
    if 0 < facts.xlmr_gib <= LITTLE_GIB:
        notes.insert(0, f"XLM-R has seen only {facts.xlmr_gib:g} GiB of it: with so little, languages went either way")
    seen = f"XLM-R was pretrained on {facts.xlmr_gib:g} GiB of it" if facts.xlmr_gib else "XLM-R has not seen it"
    won = f"{arm} won {of_side['won']} of {of_side['rows']} published comparisons of such languages"
    return {
        "arm": arm,
        "sureness": of_side["sureness"],
        "gain": {"mean": sign * of_side["difference"], "low": low, "high": high},
        "because": f"{seen}; {won}",
        # As measured: docs/roads.md, by the amount of translated text.
        "without_encoder": PROJECTION,
        "hit_rate": figures["validation"]["rule"]["hit_rate"],
        "notes": notes,
    }
