"""The span score: how much more likely a target span is than no span to hold what an entity says.

The align score counts links. This one asks of every target word whether it stands for a word inside the entity or
outside, as log-odds, and sums the words of the span: words that belong outside cost, linked words pay by the certainty
of their links, unlinked words cost a little. The sum over disjoint spans is then a log-likelihood ratio of the whole
sentence, which is what the solver maximises.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
from typing_extensions import TypedDict

from ...errors import XnerError
from ...spelling import fold, is_punctuation
from ...types import Entity, SentencePair, TokenPair
from ..linked_words import MOST_LINKED
from ..state import pack_state, unpack_state
from .counted_words import Case, CaseState, FunctionWords, FunctionWordsState
from .interfaces import Option, Options, ScoreMatrix, Span
from .word_evidence import Rows, leaders_of, link_rows, names_fused

_SMOOTH = 0.03
_CAP = 3.0
# A link to a function word of the entity counts as this share of a link: "the" is everywhere.
_FUNCTION_LINK = 0.3
# A link from a function word outside the entity to a word that is none counts as this share of a link: such a word
# renders both ("Ankara'da", "in Ankara"), and the name is not less in it for that.
_FUNCTION_RIVAL = 0.1
# A word between linked words that no word of the entity is linked to.
_FUNCTION_COST = -0.3
_PUNCTUATION_COST = -0.4
_EDGE_GAIN = 0.6
# From this much link on a word of the entity is not missing in a span (a sum of float32: a little less than .2).
_LINKED = 0.2 - 1e-6
_BRACKET_COST = 0.6
_LOWER_COST = 0.5
_OTHER_LOWER_COST = 0.1


class _State(TypedDict):
    fuses: bool
    labels: List[str]
    source: FunctionWordsState
    target: FunctionWordsState
    case: CaseState


def _of_version_1(old: Dict[str, Any]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What xner-spacy 0.1 learned, with what it did not know yet as before any training."""
    words = {
        side: {"trained": old[side][0] or False, "cased": True, "words": old[side][1], "articles": []}
        for side in ("source", "target")
    }
    return {"fuses": False, "labels": old["labels"], "case": Case().state(), **words}


class _Sentence(NamedTuple):
    """What all entities of a sentence pair need to know of it."""

    pair: SentencePair
    rows: Rows
    columns: Dict[int, List[int]]  # source word -> target words that it is linked to, ascending
    owner: Dict[int, int]  # source word -> entity
    particles: Set[int]  # source words outside the entities that a name's word may render too
    marks: List[bool]  # target words that are punctuation
    functions: List[bool]  # target words that are function words
    content: List[int]  # how many of the target words before each place are neither
    capitals: List[int]  # how many of these are not in lower case
    apart: Set[int]  # source words that have a target word which no function word shares
    cased: bool  # whether capitals tell names in it
    brackets: Optional[List[int]]  # prefix sums of opened less closed ones, if there are any


class _View(NamedTuple):
    """One entity's view of the target words from `first` to `last` (exclusive)."""

    first: int
    last: int
    starts: List[int]  # words that a span may begin with
    ends: List[int]  # words that it may end with
    score: Callable[[int, int], float]  # of a span, given by its start and its end (exclusive)


@dataclass(eq=False)
class SpanScore:
    """Scores spans by log-odds of their words (`xner.SpanScore.v1`).

    spelling (float): Probability that identically spelled words correspond; 0 for no spelling.
    unlinked (float): Probability that an unlinked content word between linked ones belongs inside.
    missing (float): Cost of each content word of the entity that nothing in the span is linked to.
    lower (float): Cost of a span all in lower case for a name in capitals: where a language has case, names keep it,
        and what lost it is mostly an adjective or a description.
    names (Sequence[str]): Labels that `lower` applies to.
    adjectives (str): The label that adjectives of names get in the corpus, if it has one (CoNLL: MISC). Where training
        has seen it, spans in lower case cost nothing, and one-word spans take it.
    max_words (int): Longest span.
    """

    spelling: float = 0.9
    unlinked: float = 0.3
    missing: float = 0.5
    lower: float = 2.5
    names: Sequence[str] = ("PER", "LOC", "ORG")
    adjectives: str = "MISC"
    max_words: int = 60
    source_function: FunctionWords = field(init=False, default_factory=FunctionWords, repr=False)
    target_function: FunctionWords = field(init=False, default_factory=FunctionWords, repr=False)
    labels: Set[str] = field(init=False, default_factory=set, repr=False)
    case: Case = field(init=False, default_factory=Case, repr=False)
    # Whether one word renders a name and the short word before it, articles too, more often than not.
    fuses: bool = field(init=False, default=False, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.spelling <= 1 and 0 <= self.unlinked <= 1) or self.max_words < 1:
            raise XnerError("xner.SpanScore.v1: spelling and unlinked are probabilities, and max_words at least 1.")

    # Learning: which words are function words, which labels there are, and what capitals tell.

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Count words, labels and capitals of the corpus, and words of more text of both languages. Both are read once."""
        self.labels = set()
        source_case, self.case = Case(), Case()
        fused: List[bool] = []
        for pair in pairs:
            self.labels.update(e[2] for e in pair.entities)
            fused += names_fused(pair)
            kinds = {i: self._kind(pair.source[i], e[2]) for e in pair.entities for i in range(e[0], e[1])}
            leaders = leaders_of(pair)
            source_case.add(pair.source, kinds)
            self.case.add(pair.target, {j: kinds.get(i, "other") for j, i in leaders.items()})
            self.source_function.add(pair.source, [pair.source[i] for i in kinds])
            self.target_function.add(pair.target, [pair.target[j] for j, i in leaders.items() if i in kinds])
        for source, target in bitext:
            self.source_function.add(source)
            self.target_function.add(target)
        self.fuses = 2 * sum(fused) > max(len(fused), 2)
        self.source_function.finish(source_case.tells)
        self.target_function.finish(self.case.tells)

    def _kind(self, word: str, label: str) -> Optional[str]:
        """RETURNS (Optional[str]): What the case of an entity's word tells of: "name", "adjective", or nothing."""
        if not word[:1].isupper():
            return None
        return "name" if label in self.names else "adjective" if label == self.adjectives else None

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned."""
        words = {"source": self.source_function.state(), "target": self.target_function.state()}
        fields = {"fuses": self.fuses, "labels": sorted(self.labels), **words, "case": self.case.state()}
        return pack_state("xner.SpanScore.v1", 2, fields)

    def from_bytes(self, data: bytes) -> "SpanScore":
        """Take on what `to_bytes` gave. RETURNS (SpanScore): Itself. RAISES: InputError."""
        state = unpack_state(data, "xner.SpanScore.v1", 2, _State, _of_version_1)
        self.fuses, self.labels = state["fuses"], set(state["labels"])
        self.source_function.set_state(state["source"])
        self.target_function.set_state(state["target"])
        self.case.set_state(state["case"])
        return self

    # Scoring.

    def options(self, pair: SentencePair) -> Options:
        """RETURNS (Options): Per entity all spans that score above 0."""
        sentence = self._read(pair)
        options: Options = []
        for entity in pair.entities:
            view = self._view(sentence, entity)
            row: List[Option] = []
            for a in view.starts:
                for b in view.ends[bisect_left(view.ends, a) : bisect_left(view.ends, a + self.max_words)]:
                    score = view.score(a, b + 1)
                    if score > 0:
                        row.append((score, a, b + 1))
            options.append(row)
        return options

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Scores of given spans, 0 where no span is likelier."""
        matrices: List[ScoreMatrix] = []
        for pair, spans in zip(pairs, candidates, strict=True):
            sentence = self._read(pair)
            matrix = np.zeros((len(pair.entities), len(spans)))
            for s, entity in enumerate(pair.entities):
                view = self._view(sentence, entity)
                for t, (a, b) in enumerate(spans):
                    # What lies outside the view holds no word that speaks for the entity.
                    if view.first <= a and b <= view.last:
                        matrix[s, t] = max(0.0, view.score(a, b))
            matrices.append(matrix)
        return matrices

    def _read(self, pair: SentencePair) -> _Sentence:
        rows = link_rows(pair, self.target_function, self.spelling)
        columns: Dict[int, List[int]] = {}
        for j, row in enumerate(rows):
            for i in row:
                columns.setdefault(i, []).append(j)
        target = pair.target
        brackets = None
        if "(" in target or ")" in target:
            brackets = [0, *accumulate((word == "(") - (word == ")") for word in target)]
        owner = {i: s for s, e in enumerate(pair.entities) for i in range(e[0], e[1])}
        marks = [is_punctuation(word) for word in target]
        functions = [word in self.target_function for word in target]
        is_content = [not (mark or function) for mark, function in zip(marks, functions, strict=True)]
        content = [0, *accumulate(is_content)]
        capitals = [0, *accumulate(c and not w[:1].islower() for c, w in zip(is_content, target, strict=True))]
        if not self.target_function.trained and not any(w[:1].isupper() for w in target[1:]):
            # As yet every short word counts as one. Where nothing has capitals, "eu" and "usa" would too.
            for j, row in enumerate(rows):
                leader = max(row, key=row.__getitem__, default=-1)
                if leader in owner and pair.source[leader][:1].isupper():
                    functions[j] = False
        particles = {i for i in columns if i not in owner and self._is_particle(pair.source[i])}
        alone = [not (marks[j] or functions[j]) and particles.isdisjoint(row) for j, row in enumerate(rows)]
        apart = {i for i in owner if any(alone[j] for j in columns.get(i, ()))}
        cased = self.case.counts_in(target)
        words = (marks, functions, content, capitals)
        return _Sentence(pair, rows, columns, owner, particles, *words, apart, cased, brackets)

    def _is_particle(self, word: str) -> bool:
        """RETURNS (bool): Whether a source word may be rendered by the same target word as the name beside it: "in",
        "of", marks. Articles are not, unless names swallow what stands before them in this corpus: else what renders an
        article too is mostly no name but a noun.
        """
        if is_punctuation(word):
            return True
        functions = self.source_function
        if not functions.trained:
            # Of four letters too: "from", "with".
            return len(word) <= 4 and word.islower()
        return word in functions and (self.fuses or not functions.is_article(word))

    def _reach(self, sentence: _Sentence, entity: Entity) -> Tuple[int, int]:
        """RETURNS (Tuple[int, int]): The target words that a span of the entity may hold: no span is longer than
        `max_words`, and each holds a word that one of the entity's is linked to.
        """
        n = len(sentence.pair.target)
        if n <= 2 * self.max_words or self.unlinked > 0.5:
            return 0, n
        places = [j for i in range(entity[0], entity[1]) for j in sentence.columns.get(i, ())]
        if not places:
            return 0, 0
        return max(0, min(places) - self.max_words), min(n, max(places) + self.max_words + 1)

    def _view(self, sentence: _Sentence, entity: Entity) -> _View:
        begin, stop = entity[0], entity[1]
        target = sentence.pair.target
        first, last = self._reach(sentence, entity)
        weights = self._weights(sentence, entity, first, last)
        positive = [(-weight, j) for j, weight in enumerate(weights, first) if weight > 0.0]
        if len(positive) > MOST_LINKED:
            positive = sorted(positive)[:MOST_LINKED]
        strong = [j for _, j in positive]
        # The entity's edge words, function words or punctuation marks, may stand in the target too: there a span may
        # begin or end with them ("von Wogau").
        copies = [
            self._copies(sentence.pair.source[k], target, set(strong), range(first, last)) if strong else []
            for k in (begin, stop - 1)
        ]
        score = self._scorer(sentence, entity, first, [0.0, *accumulate(weights)], {*copies[0], *copies[1]})
        return _View(first, last, sorted(strong + copies[0]), sorted(strong + copies[1]), score)

    def _weights(self, sentence: _Sentence, entity: Entity, first: int, last: int) -> List[float]:
        """RETURNS (List[float]): The log-odds that target words from `first` on stand for words inside the entity."""
        begin, stop = entity[0], entity[1]
        source, target = sentence.pair.source, sentence.pair.target
        owner = sentence.owner
        own = {fold(word) for word in source[begin:stop]}
        factor = [1.0 if self.source_function.is_content(word) else _FUNCTION_LINK for word in source[begin:stop]]
        lower = _LOWER_COST if entity[2] in self.names else _OTHER_LOWER_COST
        weights: List[float] = []
        for j in range(first, last):
            word = target[j]
            inside = outside = rival = function = strongest = 0.0
            leader = -1
            for i, value in sentence.rows[j].items():
                if begin <= i < stop:
                    inside += value * factor[i - begin]
                elif i in owner:
                    rival += value
                elif i in sentence.particles:
                    function += value
                else:
                    outside += value
                if value > strongest:
                    strongest, leader = value, i
            if sentence.marks[j]:
                scale = max(1.0, inside + outside + rival + function)
                weight = _PUNCTUATION_COST if inside / scale < 0.2 else 0.0
            elif sentence.functions[j]:
                outside += rival + function
                scale = max(1.0, inside + outside)
                weight = 0.0 if fold(word) in own else _FUNCTION_COST * (1.0 + outside / scale)
            else:
                shared = function and not any(i in sentence.apart for i in sentence.rows[j] if begin <= i < stop)
                outside += _FUNCTION_RIVAL * function if shared else function
                # A word that stands for two entities alike may go to either: the solver decides. If each counted
                # against the other, neither would get it.
                if rival > inside:
                    outside += rival
                scale = max(1.0, inside + outside)
                inside, outside = inside / scale, outside / scale
                nothing = 1.0 - inside - outside
                weight = math.log(
                    (inside + self.unlinked * nothing + _SMOOTH) / (outside + (1.0 - self.unlinked) * nothing + _SMOOTH)
                )
                if sentence.cased and word[:1].islower() and begin <= leader < stop and source[leader][:1].isupper():
                    weight -= lower
                weight = max(-_CAP, min(_CAP, weight))
            weights.append(weight)
        return weights

    def _copies(self, word: str, target: Sequence[str], known: Set[int], places: Iterable[int]) -> List[int]:
        """RETURNS (List[int]): Where an edge word of the entity that is no content word stands in the target."""
        folded = fold(word)
        if not is_punctuation(word) and folded not in self.target_function:
            return []
        return [j for j in places if j not in known and fold(target[j]) == folded][:MOST_LINKED]

    def _scorer(
        self, sentence: _Sentence, entity: Entity, first: int, sums: List[float], gains: Set[int]
    ) -> Callable[[int, int], float]:
        """RETURNS (Callable[[int, int], float]): The score of a span. `sums`: Prefix sums of the words' log-odds from word
        `first` on. `gains`: Words that are worth more at an edge.
        """
        source, content, capitals = sentence.pair.source, sentence.content, sentence.capitals
        brackets = sentence.brackets
        own_content = [i for i in range(entity[0], entity[1]) if self.source_function.is_content(source[i])]
        # Per content word: the target words that it is linked to, and prefix sums of the links.
        linked: List[Tuple[List[int], List[float]]] = []
        if self.missing and len(own_content) > 1:
            for i in own_content:
                places = sentence.columns.get(i, [])
                linked.append((places, [0.0, *accumulate(sentence.rows[j][i] for j in places)]))
        name = self.lower and sentence.cased and not self._has_adjectives() and self._is_name(source, entity)

        def score(a: int, b: int) -> float:
            value = sums[b - first] - sums[a - first]
            if a in gains:
                value += _EDGE_GAIN
            if b - 1 in gains and b - 1 != a:
                value += _EDGE_GAIN
            cost = 0.0
            for places, link_sums in linked:
                if link_sums[bisect_left(places, b)] - link_sums[bisect_left(places, a)] < _LINKED:
                    cost += self.missing
            if brackets:
                cost += _BRACKET_COST * abs(brackets[b] - brackets[a])
            if name and content[b] > content[a] and capitals[b] == capitals[a]:
                cost += self.lower
            return value - cost

        return score

    def _has_adjectives(self) -> bool:
        return self.adjectives in self.labels and self.case.has_adjectives

    def _is_name(self, source: Sequence[str], entity: Entity) -> bool:
        """RETURNS (bool): Whether an entity has the label of a name, and capitals where it has letters."""
        content = filter(self.source_function.is_content, source[entity[0] : entity[1]])
        return entity[2] in self.names and all(w[:1].isupper() for w in content if w[:1].isalpha())

    def relabel(self, pair: SentencePair, entity: Entity, start: int, end: int) -> str:
        """RETURNS (str): The label of a projected span: that of the entity, or the adjectives' one for a single
        lower-case word that renders a name (Europe, europäisch).
        """
        if entity[2] in self.names and self._has_adjectives() and self.case.counts_in(pair.target):
            content = list(filter(self.target_function.is_content, pair.target[start:end]))
            if len(content) == 1 and content[0][:1].islower() and self._is_name(pair.source, entity):
                return self.adjectives
        return entity[2]
