"""From values to places: linear and logarithmic axes with round ticks."""

import math
from dataclasses import dataclass
from typing import Iterable, List, Optional, Tuple


@dataclass(frozen=True)
class Scale:
    """An axis.

    low, high (float): Values at its ends. start, end (float): Their places in the drawing.
    log (bool): Whether equal factors are equal steps.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """RETURNS (float): The place of a value."""
        a, b, x = self.low, self.high, value
        if self.log:
            a, b, x = math.log(a), math.log(b), math.log(x)
        share = (x - a) / (b - a) if b > a else 0.5
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5) -> List[float]:
    """RETURNS (List[float]): About `count` round numbers in an interval, evenly spaced."""
    if not high > low:
        return [low]
    raw = (high - low) / max(count, 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> List[float]:
    """RETURNS (List[float]): Powers of ten in an interval, with their doubles and fives where few."""
    found: List[float] = []
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [
            factor * 10.0**power
            for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
            for factor in factors
            if low * 0.999 <= factor * 10.0**power <= high * 1.001
        ]
        if len(found) >= 3:
            break
    return found


def span(values: Iterable[Optional[float]], *, include: Iterable[float] = ()) -> Tuple[float, float]:
    """Find round ends for an axis that shows all values.

    values (Iterable[Optional[float]]): None is left out. include (Iterable[float]): What must be on
        the axis as well.
    RETURNS (Tuple[float, float]): Low and high; (0, 1) without values.
    """
    known = [v for v in values if v is not None] + list(include)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if high - low < 1e-9:
        return low - 1.0, high + 1.0
    marks = ticks(low, high, 5)
    step = marks[1] - marks[0] if len(marks) > 1 else high - low
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
