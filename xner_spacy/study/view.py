"""The analysis of a study as figures ask for it: by size, arm and language, in points of F1."""

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..report.figure import show
from ..types import Json
from .rows import ARM_NAMES, ARMS, SOURCE_ARMS

ALL = "all"
SOURCE = "labelled source sentences"
TARGET = "unlabelled target sentences"
Point = Tuple[int, int]
SHORT = {arm: name.split(" (")[0] for arm, name in ARM_NAMES.items()}


class View:
    """What an analysis says, looked up.

    analysis (Json): Of `study.analysis.analyse`. names (Mapping[str, str]): Names of the languages by
        code.
    """

    def __init__(self, analysis: Json, names: Mapping[str, str]) -> None:
        self.analysis = analysis
        self.names = names
        self.cells: Dict[Tuple[str, str, str], Dict[Point, Json]] = {}
        for mean in sorted(analysis["means"], key=lambda mean: mean["block"] != "main"):
            group = self.cells.setdefault((mean["design"], mean["arm"], mean["lang"]), {})
            group.setdefault((mean["n_source"], mean["n_target"]), mean)
        known = {(arm, lang) for _, arm, lang in self.cells}
        self.languages = [lang for lang in names if any(pair[1] == lang for pair in known)]
        self.languages += sorted({lang for _, lang in known} - {*names, ALL})
        self.arms = [arm for arm in ARMS if any(pair[0] == arm for pair in known)]
        self.target_arms = [arm for arm in self.arms if arm not in SOURCE_ARMS]
        widest = max((len(self.spoken(arm)) for arm in self.target_arms), default=0)
        self.main_arms = [arm for arm in self.target_arms if len(self.spoken(arm)) == widest]
        self.other_arms = [arm for arm in self.target_arms if arm not in self.main_arms]

    def group(self, arm: str, lang: str = ALL, design: str = "steps") -> Dict[Point, Json]:
        """RETURNS (Dict[Point, Json]): The means of an arm by (n_source, n_target)."""
        return self.cells.get((design, arm, lang), {})

    def spoken(self, arm: str) -> List[str]:
        """RETURNS (List[str]): The languages an arm was run on."""
        return [lang for lang in self.languages if self.group(arm, lang)]

    def language(self, code: str) -> str:
        """RETURNS (str): The name of a language."""
        return self.names.get(code, code)

    def arm(self, arm: str) -> str:
        """RETURNS (str): An arm and how many languages it is the mean of."""
        count = len(self.spoken(arm))
        return f"{SHORT[arm]} · {count} language{'s' if count != 1 else ''}"


def points(value: Optional[float]) -> Optional[float]:
    """RETURNS (Optional[float]): F1, or a difference of it, in points: 0 to 100."""
    return None if value is None else 100 * value


def signed(value: Optional[float], digits: int = 1) -> str:
    """RETURNS (str): A difference with its sign."""
    text = show(value, digits)
    return f"+{text}" if value is not None and text[0].isdigit() and text.strip("0.") else text


def between(low: Optional[float], high: Optional[float], digits: int = 1) -> str:
    """RETURNS (str): An interval, or nothing where it is not known."""
    if low is None or high is None:
        return ""
    a, b = show(low, digits), show(high, digits)
    return f"{a} to {b}" if "−" in a + b else f"{a}–{b}"


def sizes(groups: Sequence[Mapping[Point, Json]]) -> Tuple[List[int], List[int]]:
    """RETURNS (Tuple[List[int], List[int]]): All source and all target sizes, in order."""
    found = {point for group in groups for point in group}
    return sorted({s for s, _ in found}), sorted({t for _, t in found})


def extremes(group: Mapping[Point, Json], value: Callable[[Json], Optional[float]]) -> str:
    """RETURNS (str): Where a quantity is least and most, in words."""
    known = [(v, point) for point, cell in sorted(group.items()) if (v := value(cell)) is not None]
    if not known:
        return "no value"
    (low, a), (high, b) = min(known), max(known)
    return f"from {show(low)} at {place(*a)} to {show(high)} at {place(*b)}"


def place(n_source: int, n_target: int) -> str:
    """RETURNS (str): A cell of the grid in words."""
    return f"{n_source:,} labelled and {n_target:,} unlabelled"


def ratio(value: float) -> str:
    """RETURNS (str): Labelled to unlabelled, the smaller as one."""
    parts = (show_ratio(value), "1") if value >= 1 else ("1", show_ratio(1 / value))
    return "\u00a0:\u00a0".join(parts)


def show_ratio(value: float) -> str:
    """RETURNS (str): Two significant digits, without exponent."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def listed(parts: Sequence[str]) -> str:
    """RETURNS (str): Parts as a sentence lists them."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
