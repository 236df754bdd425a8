"""Words of the page: kinds of sentences, and the word that says what an interval is about."""

from typing import Any, Mapping

from ...report.charts import with_interval
from ..analysis.divisions import Prices
from ..next_step import NAMES

# What a 95% interval is about: the languages that were measured, or languages like them.
THESE, ALIKE = "these", "alike"
SIDES = NAMES
KINDS = {"source": "labelled", "target": "translated"}


def with_word(
    estimate: Mapping[str, Any], word: str, *, digits: int = 1, signs: bool = False, scale: float = 1.0
) -> str:
    """RETURNS (str): A value with its interval, in whose brackets stands what it is about; no word if it is empty."""
    text = with_interval(dict(estimate), digits, signs=signs, scale=scale)
    return f"{text[:-1]}, {word})" if word and text.endswith(")") else text


def ratio(value: float) -> str:
    """RETURNS (str): The ratio of labelled source to translated target sentences, with 1 for the smaller one."""
    number = max(value, 1 / value)
    text = f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
    return f"{text}\u00a0:\u00a01" if value >= 1 else f"1\u00a0:\u00a0{text}"


def share_of(value: float, prices: Prices = (1.0, 1.0)) -> float:
    """RETURNS (float): The share of a budget that is spent on source sentences at a ratio of source to target."""
    return prices[0] * value / (prices[0] * value + prices[1])
