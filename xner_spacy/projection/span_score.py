"""The span score: how much more likely a target span is than no span to hold what an entity says.

The align score counts links. This one asks of every target word whether it stands for a word inside
the entity or outside, as log-odds, and sums the words of the span: words that belong outside cost,
linked words pay by the certainty of their links, unlinked words cost a little. The sum over
disjoint spans is then a log-likelihood ratio of the whole sentence, which is what the solver
maximises.
"""

import math
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

import numpy as np
import srsly

from ..types import Entity, SentencePair, TokenPair
from .bounded_dp import Option
from .candidates import Span
from .evidence import Rows, link_rows
from .functionwords import FunctionWords
from .scores import ScoreMatrix
from .spelling import fold, is_punctuation

_SMOOTH = 0.03
_CAP = 3.0
# A link to a function word of the entity counts as this share of a link: "the" is everywhere.
_FUNCTION_LINK = 0.3
# A word between linked words that no word of the entity is linked to.
_FUNCTION_COST = -0.3
_PUNCTUATION_COST = -0.4
_EDGE_GAIN = 0.6
_BRACKET_COST = 0.6
_LOWER_COST = 0.5
_OTHER_LOWER_COST = 0.1


def make_span_score(
    spelling: float = 0.9,
    unlinked: float = 0.3,
    missing: float = 0.5,
    lower: float = 2.5,
    names: Sequence[str] = ("PER", "LOC", "ORG"),
    adjectives: str = "MISC",
    max_words: int = 60,
) -> "SpanScore":
    """Create the span score (`xner.SpanScore.v1`).

    spelling (float): Probability that identically spelled words correspond; 0 for no spelling.
    unlinked (float): Probability that an unlinked content word between linked ones belongs inside.
    missing (float): Cost of each content word of the entity that nothing in the span is linked to.
    lower (float): Cost of a span all in lower case for a name in capitals: where a language has
        case, names keep it, and what lost it is mostly an adjective or a description.
    names (Sequence[str]): Labels that `lower` applies to.
    adjectives (str): The label that adjectives of names get in the corpus, if it has one (CoNLL:
        MISC). Where training has seen it, spans in lower case cost nothing, and one-word spans take
        it.
    max_words (int): Longest span.
    RETURNS (SpanScore): The score.
    """
    return SpanScore(spelling, unlinked, missing, lower, names, adjectives, max_words)


class _Weighed(NamedTuple):
    """One entity's view of the target words."""

    sums: List[float]  # prefix sums of the words' log-odds
    starts: List[int]  # words that a span may begin with
    ends: List[int]  # words that it may end with
    gains: Set[int]  # edge words that are there only because the entity has the same


class SpanScore:
    """Scores spans by log-odds of their words. See `make_span_score` for the settings."""

    def __init__(
        self,
        spelling: float,
        unlinked: float,
        missing: float,
        lower: float,
        names: Sequence[str],
        adjectives: str,
        max_words: int,
    ) -> None:
        self.spelling = spelling
        self.unlinked = unlinked
        self.missing = missing
        self.lower = lower
        self.names = frozenset(names)
        self.adjectives = adjectives
        self.max_words = max_words
        self.source_function = FunctionWords()
        self.target_function = FunctionWords()
        self.labels: Set[str] = set()

    # Learning: which words are function words, and which labels there are.

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Count words and labels.

        pairs (Iterable[SentencePair]): The corpus, read once.
        bitext (Iterable[TokenPair]): More text of both languages, read once.
        """
        labels: Set[str] = set()
        for pair in pairs:
            labels.update(e[2] for e in pair.entities)
            self.source_function.add(pair.source)
            self.target_function.add(pair.target)
        for source, target in bitext:
            self.source_function.add(source)
            self.target_function.add(target)
        self.labels = labels
        self.source_function.finish()
        self.target_function.finish()

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned."""
        return srsly.msgpack_dumps(
            {
                "labels": sorted(self.labels),
                "source": self.source_function.state(),
                "target": self.target_function.state(),
            }
        )

    def from_bytes(self, data: bytes) -> "SpanScore":
        """Take on what `to_bytes` gave. RETURNS (SpanScore): Itself."""
        state: Dict[str, Any] = srsly.msgpack_loads(data)
        self.labels = set(state["labels"])
        self.source_function.set_state(state["source"])
        self.target_function.set_state(state["target"])
        return self

    # Scoring.

    def options(self, pair: SentencePair) -> List[List[Option]]:
        """RETURNS (List[List[Option]]): Per entity all spans that score above 0."""
        rows = link_rows(pair, self.target_function, self.spelling)
        out: List[List[Option]] = []
        for entity in pair.entities:
            view = self._weigh(pair, entity, rows)
            extra = self._extras(pair, entity, rows)
            mine: List[Option] = []
            for a in view.starts:
                for b in view.ends:
                    if a <= b < a + self.max_words:
                        score = self._value(view, a, b) - (extra(a, b + 1) if extra else 0.0)
                        if score > 0:
                            mine.append((score, a, b + 1))
            out.append(mine)
        return out

    def __call__(
        self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]
    ) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Scores of given spans, 0 where no span is likelier."""
        out: List[ScoreMatrix] = []
        for pair, spans in zip(pairs, candidates, strict=True):
            rows = link_rows(pair, self.target_function, self.spelling)
            matrix = np.zeros((len(pair.entities), len(spans)))
            for s, entity in enumerate(pair.entities):
                view = self._weigh(pair, entity, rows)
                extra = self._extras(pair, entity, rows)
                for t, (a, b) in enumerate(spans):
                    score = self._value(view, a, b - 1) - (extra(a, b) if extra else 0.0)
                    matrix[s, t] = max(0.0, score)
            out.append(matrix)
        return out

    def _value(self, view: _Weighed, a: int, b: int) -> float:
        score = view.sums[b + 1] - view.sums[a]
        if a in view.gains:
            score += _EDGE_GAIN
        if b in view.gains and b != a:
            score += _EDGE_GAIN
        return score

    def _weigh(self, pair: SentencePair, entity: Entity, rows: Rows) -> _Weighed:
        begin, stop = entity[0], entity[1]
        source, target = pair.source, pair.target
        functions = self.target_function
        own = {fold(w) for w in source[begin:stop]}
        factor = [
            _FUNCTION_LINK if w in self.source_function or is_punctuation(w) else 1.0
            for w in source[begin:stop]
        ]
        lower = _LOWER_COST if entity[2] in self.names else _OTHER_LOWER_COST
        sums = [0.0]
        total = 0.0
        positive: List[int] = []
        for j, word in enumerate(target):
            inside = outside = strongest = 0.0
            leader = -1
            for i, value in rows[j].items():
                if begin <= i < stop:
                    inside += value * factor[i - begin]
                else:
                    outside += value
                if value > strongest:
                    strongest, leader = value, i
            scale = max(1.0, inside + outside)
            inside, outside = inside / scale, outside / scale
            if is_punctuation(word):
                weight = _PUNCTUATION_COST if inside < 0.2 else 0.0
            elif word in functions:
                weight = 0.0 if fold(word) in own else _FUNCTION_COST * (1.0 + outside)
            else:
                nothing = 1.0 - inside - outside
                weight = math.log(
                    (inside + self.unlinked * nothing + _SMOOTH)
                    / (outside + (1.0 - self.unlinked) * nothing + _SMOOTH)
                )
                if word[:1].islower() and begin <= leader < stop and source[leader][:1].isupper():
                    weight -= lower
                weight = max(-_CAP, min(_CAP, weight))
            if weight > 0.0:
                positive.append(j)
            total += weight
            sums.append(total)
        if not positive:
            return _Weighed(sums, [], [], set())
        first = self._copies(source[begin], target, positive)
        last = self._copies(source[stop - 1], target, positive)
        return _Weighed(
            sums, sorted(positive + first), sorted(positive + last), set(first) | set(last)
        )

    def _copies(self, word: str, target: Sequence[str], positive: Sequence[int]) -> List[int]:
        """RETURNS (List[int]): Where the entity's edge word, a function word or punctuation mark,
        stands in the target too: there a span may begin or end with it ("von Wogau").
        """
        folded = fold(word)
        if not is_punctuation(word) and folded not in self.target_function:
            return []
        known = set(positive)
        return [j for j, w in enumerate(target) if j not in known and fold(w) == folded]

    def _extras(self, pair: SentencePair, entity: Entity, rows: Rows) -> Any:
        """RETURNS (Optional[Callable[[int, int], float]]): What a span costs beyond its words, as a
        function of its edges, or None if nothing can.
        """
        source, target = pair.source, pair.target
        brackets = any(w in ("(", ")") for w in target)
        content = [
            i
            for i in range(entity[0], entity[1])
            if source[i] not in self.source_function and not is_punctuation(source[i])
        ]
        linked: List[List[Tuple[int, float]]] = []
        if self.missing and len(content) > 1:
            linked = [[(j, row[i]) for j, row in enumerate(rows) if i in row] for i in content]
        name = (
            bool(self.lower)
            and entity[2] in self.names
            and self.adjectives not in self.labels
            and all(source[i][:1].isupper() for i in content if source[i][:1].isalpha())
            and any(w[:1].isupper() for w in target)
        )
        if not (brackets or linked or name):
            return None

        def cost(a: int, b: int) -> float:
            total = 0.0
            for places in linked:
                if sum(v for j, v in places if a <= j < b) < 0.2:
                    total += self.missing
            if brackets:
                inside = target[a:b]
                total += _BRACKET_COST * abs(inside.count("(") - inside.count(")"))
            if name and self.is_lower(target[a:b]):
                total += self.lower
            return total

        return cost

    def is_lower(self, words: Sequence[str]) -> bool:
        """RETURNS (bool): Whether all content words begin with a lower-case letter."""
        content = [w for w in words if w not in self.target_function and not is_punctuation(w)]
        return bool(content) and all(w[:1].islower() for w in content)

    def relabel(self, pair: SentencePair, entity: Entity, start: int, end: int) -> str:
        """RETURNS (str): The label of a projected span: that of the entity, or the adjectives' one
        for a single lower-case word that renders a name (Europe, europäisch).
        """
        if entity[2] in self.names and self.adjectives in self.labels:
            content = [
                w
                for w in pair.target[start:end]
                if w not in self.target_function and not is_punctuation(w)
            ]
            if (
                len(content) == 1
                and content[0][:1].islower()
                and all(
                    w[:1].isupper()
                    for w in pair.source[entity[0] : entity[1]]
                    if w[:1].isalpha() and w not in self.source_function
                )
            ):
                return self.adjectives
        return entity[2]
