"""What the span score knows of the words of one sentence pair, and the weight of each target word for an entity."""

import math
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ...spelling import fold
from ...types import SentencePair
from .constants import Constants
from .word_evidence import Rows
from .word_tables import SourceWord, TargetWord


@dataclass(eq=False)
class Sentence:
    """A sentence pair, with what the scores of all its entities need.

    pair (SentencePair): The pair. source (List[SourceWord]), target (List[TargetWord]): Its words.
    rows (Rows): Links of the target words, corrected by spelling. owner (Dict[int, int]): Source word -> entity.
    functions (List[bool]): Target words that are function words.
    case_gains (Optional[Tuple[float, float]]): What a word gains if it is not in lower case, and if it is; None if
        capitals do not mark names in the sentence.
    unlinked (float): Probability that an unlinked content word belongs to an entity. constants (Constants): Weights.
    """

    pair: SentencePair
    source: List[SourceWord]
    target: List[TargetWord]
    rows: Rows
    owner: Dict[int, int]
    functions: List[bool]
    case_gains: Optional[Tuple[float, float]]
    unlinked: float
    constants: Constants
    # Source word -> target words that it is linked to, ascending.
    columns: Dict[int, List[int]] = field(init=False)
    # Source words outside the entities that the word for a name may translate too.
    particles: Set[int] = field(init=False)
    # The first target word that is no punctuation mark.
    start: int = field(init=False)
    # Prefix sums of opening minus closing brackets, if there are any.
    brackets: Optional[List[int]] = field(init=False)
    # Function word of the target, folded -> its positions.
    function_places: Dict[str, List[int]] = field(init=False)
    # The weights of the target words for an entity that they are not linked to.
    unlinked_weights: List[float] = field(init=False)

    def __post_init__(self) -> None:
        words = self.pair.target
        self.columns = {}
        for j, row in enumerate(self.rows):
            for i in row:
                self.columns.setdefault(i, []).append(j)
        self.particles = {i for i in self.columns if self.source[i].is_particle and i not in self.owner}
        self.start = next((j for j, word in enumerate(self.target) if not word.is_mark), 0)
        self.brackets = None
        if "(" in words or ")" in words:
            self.brackets = [0, *accumulate((word == "(") - (word == ")") for word in words)]
        self.function_places = {}
        for j, is_function in enumerate(self.functions):
            if is_function:
                self.function_places.setdefault(fold(words[j]), []).append(j)
        self.unlinked_weights = list(self._unlinked_weights())

    def weights(self, begin: int, stop: int, lower_cost: float) -> List[float]:
        """RETURNS (List[float]): For each target word the log-odds that it translates the entity from `begin` to
        `stop`. lower_cost (float): The cost of a word that has lost its capital.
        """
        weights = self.unlinked_weights.copy()
        function_link = self.constants.function_link
        factors = [1.0 if word.is_content else function_link for word in self.source[begin:stop]]
        for j in {j for i in range(begin, stop) for j in self.columns.get(i, ())}:
            weights[j] = self._weight(j, begin, stop, factors, lower_cost)
        for word in self.pair.source[begin:stop]:
            for j in self.function_places.get(fold(word), ()):
                weights[j] = 0.0
        return weights

    def _unlinked_weights(self) -> Iterator[float]:
        # All content words without a link have the same weight, by their case, except the first word.
        of_content: Dict[bool, float] = {}
        for j, (word, row) in enumerate(zip(self.target, self.rows, strict=True)):
            if row or j == self.start:
                yield self._weight(j)
            elif word.is_mark:
                yield self.constants.punctuation_weight
            elif self.functions[j]:
                yield self.constants.function_weight
            else:
                if word.is_lower not in of_content:
                    of_content[word.is_lower] = self._weight(j)
                yield of_content[word.is_lower]

    def _weight(
        self, j: int, begin: int = 0, stop: int = 0, link_factors: Sequence[float] = (), lower_cost: float = 0.0
    ) -> float:
        """RETURNS (float): The log-odds that a target word translates an entity from `begin` to `stop`, or any entity
        that it is not linked to. link_factors (Sequence[float]): What links to the words of the entity count.
        """
        word, row, constants = self.target[j], self.rows[j], self.constants
        owner, particles = self.owner, self.particles
        inside = outside = rival = function = strongest = 0.0
        leader = -1
        for i, value in row.items():
            if begin <= i < stop:
                inside += value * link_factors[i - begin]
            elif i in owner:
                rival += value
            elif i in particles:
                function += value
            else:
                outside += value
            if value > strongest:
                strongest, leader = value, i
        if word.is_mark:
            scale = max(1.0, inside + outside + rival + function)
            return constants.punctuation_weight if inside / scale < 0.2 else 0.0
        if self.functions[j]:
            outside += rival + function
            return constants.function_weight * (1.0 + outside / max(1.0, inside + outside))
        if inside and outside and self._is_only(j, begin, stop):
            outside *= constants.content_rival
        if function:
            shared = not any(self._is_apart(i) for i in row if begin <= i < stop)
            outside += constants.function_rival * function if shared else function
        # A word that translates two entities equally may belong to either: the solver decides. If each counted
        # against the other, neither would get it.
        if rival > inside:
            outside += rival
        scale = max(1.0, inside + outside)
        inside, outside = inside / scale, outside / scale
        nothing = 1.0 - inside - outside
        weight = math.log(
            (inside + self.unlinked * nothing + constants.smooth)
            / (outside + (1.0 - self.unlinked) * nothing + constants.smooth)
        )
        if self.case_gains:
            if word.is_lower and begin <= leader < stop and self.source[leader].is_capital:
                weight -= lower_cost
            if j != self.start:
                weight += constants.case * self.case_gains[word.is_lower]
        return max(-constants.cap, min(constants.cap, weight))

    def _is_only(self, j: int, begin: int, stop: int) -> bool:
        """RETURNS (bool): Whether the entity's words that are linked to a target word are linked to no other one."""
        return all(len(self.columns[i]) == 1 for i in self.rows[j] if begin <= i < stop)

    def _is_apart(self, i: int) -> bool:
        """RETURNS (bool): Whether a source word has a target word that no function word shares."""
        for j in self.columns[i]:
            if not (self.target[j].is_mark or self.functions[j]) and self.particles.isdisjoint(self.rows[j]):
                return True
        return False

    def lost_capitals(self, start: int, end: int) -> bool:
        """RETURNS (bool): Whether a span has content words, and all of them are in lower case."""
        content = [word.is_lower for word in self.target[start:end] if not (word.is_mark or word.is_function)]
        return bool(content) and all(content)
