"""The span score: how much more likely a target span is than no span to hold what an entity says.

The align score counts links. This one asks of every target word whether it stands for a word inside
the entity or outside, as log-odds, and sums the words of the span: words that belong outside cost,
linked words pay by the certainty of their links, unlinked words cost a little. The sum over
disjoint spans is then a log-likelihood ratio of the whole sentence, which is what the solver
maximises.
"""

import math
from bisect import bisect_left
from itertools import accumulate
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
from typing_extensions import TypedDict

from ...errors import XnerError
from ...types import Entity, SentencePair, TokenPair
from ..linked_words import MOST_LINKED
from ..spelling_similarity import fold, is_punctuation
from ..state import pack_state, unpack_state
from .case import Case, CaseState, first_word
from .function_words import FunctionWords, FunctionWordsState
from .interfaces import Option, ScoreMatrix, Span
from .word_evidence import Rows, link_rows

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
    RAISES: XnerError for a setting outside its bounds.
    """
    if not (0 <= spelling <= 1 and 0 <= unlinked <= 1) or max_words < 1:
        raise XnerError("xner.SpanScore.v1: spelling and unlinked are probabilities, and max_words at least 1.")
    return SpanScore(spelling, unlinked, missing, lower, names, adjectives, max_words)


class _State(TypedDict):
    fuses: bool
    labels: List[str]
    source: FunctionWordsState
    target: FunctionWordsState
    case: CaseState


def _of_version_1(old: Dict[str, Any]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What xner-spacy 0.1 learned, with what it did not know yet as before any training."""
    words = {
        side: {
            "trained": old[side][0] or False,
            "cased": True,
            "words": old[side][1],
            "articles": [],
        }
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
    apart: Set[int]  # source words that have a target word which no function word shares
    cased: bool  # whether capitals tell names in it
    brackets: Optional[List[int]]  # prefix sums of opened less closed ones, if there are any


class _Weighed(NamedTuple):
    """One entity's view of the target words from `first` on."""

    first: int
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
        self.case = Case()
        # Whether one word renders a name and the short word before it, articles too, more often than not.
        self.fuses = False

    # Learning: which words are function words, which labels there are, and what capitals tell.

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Count words, labels and capitals.

        pairs (Iterable[SentencePair]): The corpus, read once.
        bitext (Iterable[TokenPair]): More text of both languages, read once.
        """
        labels: Set[str] = set()
        source_case, target_case = Case(), Case()
        fused: List[bool] = []
        for pair in pairs:
            labels.update(e[2] for e in pair.entities)
            fused += _fused(pair)
            owner = {i: e for e in pair.entities for i in range(e[0], e[1])}
            self._count_case(source_case, pair.source, {i: (i, e) for i, e in owner.items()}, pair)
            leaders = {j: (i, owner[i]) if i in owner else None for j, i in _leaders(pair).items()}
            self._count_case(target_case, pair.target, leaders, pair)
            self.source_function.add(pair.source, [pair.source[i] for i in owner])
            self.target_function.add(pair.target, [pair.target[j] for j, found in leaders.items() if found is not None])
        for source, target in bitext:
            self.source_function.add(source)
            self.target_function.add(target)
        self.labels = labels
        self.fuses = 2 * sum(fused) > max(len(fused), 2)
        self.case = target_case
        self.source_function.finish(source_case.tells)
        self.target_function.finish(target_case.tells)

    def _count_case(
        self,
        case: Case,
        words: Sequence[str],
        names: Dict[int, Optional[Tuple[int, Entity]]],
        pair: SentencePair,
    ) -> None:
        """Count a sentence's words.

        names (Dict): For each word that is linked (or of the source itself) the word and entity it stands for, None
            for a word outside. Words that are not linked are left out.
        """
        start = first_word(words)
        for j, found in names.items():
            if j == start:
                continue
            if found is None:
                case.add(words[j], "other")
            elif pair.source[found[0]][:1].isupper():
                if found[1][2] in self.names:
                    case.add(words[j], "name")
                elif found[1][2] == self.adjectives:
                    case.add(words[j], "adjective")

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What was learned."""
        return pack_state(
            "xner.SpanScore.v1",
            2,
            {
                "fuses": self.fuses,
                "labels": sorted(self.labels),
                "source": self.source_function.state(),
                "target": self.target_function.state(),
                "case": self.case.state(),
            },
        )

    def from_bytes(self, data: bytes) -> "SpanScore":
        """Take on what `to_bytes` gave. RETURNS (SpanScore): Itself. RAISES: InputError."""
        state = unpack_state(data, "xner.SpanScore.v1", 2, _State, _of_version_1)
        self.fuses, self.labels = state["fuses"], set(state["labels"])
        self.source_function.set_state(state["source"])
        self.target_function.set_state(state["target"])
        self.case.set_state(state["case"])
        return self

    # Scoring.

    def options(self, pair: SentencePair) -> List[List[Option]]:
        """RETURNS (List[List[Option]]): Per entity all spans that score above 0."""
        sentence = self._read(pair)
        out: List[List[Option]] = []
        for entity in pair.entities:
            view = self._weigh(sentence, entity)
            extra = self._extras(sentence, entity)
            mine: List[Option] = []
            for a in view.starts:
                low = bisect_left(view.ends, a)
                for b in view.ends[low : bisect_left(view.ends, a + self.max_words)]:
                    score = self._value(view, a, b) - (extra(a, b + 1) if extra else 0.0)
                    if score > 0:
                        mine.append((score, a, b + 1))
            out.append(mine)
        return out

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Scores of given spans, 0 where no span is likelier."""
        out: List[ScoreMatrix] = []
        for pair, spans in zip(pairs, candidates, strict=True):
            sentence = self._read(pair)
            matrix = np.zeros((len(pair.entities), len(spans)))
            for s, entity in enumerate(pair.entities):
                view = self._weigh(sentence, entity)
                extra = self._extras(sentence, entity)
                last = view.first + len(view.sums) - 1
                for t, (a, b) in enumerate(spans):
                    # What lies outside the view holds no word that speaks for the entity.
                    if view.first <= a and b <= last:
                        score = self._value(view, a, b - 1) - (extra(a, b) if extra else 0.0)
                        matrix[s, t] = max(0.0, score)
            out.append(matrix)
        return out

    def _read(self, pair: SentencePair) -> _Sentence:
        rows = link_rows(pair, self.target_function, self.spelling)
        columns: Dict[int, List[int]] = {}
        for j, row in enumerate(rows):
            for i in row:
                columns.setdefault(i, []).append(j)
        target = pair.target
        brackets = None
        if "(" in target or ")" in target:
            steps = ((word == "(") - (word == ")") for word in target)
            brackets = [0, *accumulate(steps)]
        owner = {i: s for s, e in enumerate(pair.entities) for i in range(e[0], e[1])}
        marks = [is_punctuation(word) for word in target]
        functions = [word in self.target_function for word in target]
        if not self.target_function.trained and not any(w[:1].isupper() for w in target[1:]):
            # As yet every short word counts as one. Where nothing has capitals, "eu" and "usa" would too.
            for j, row in enumerate(rows):
                leader = max(row, key=row.__getitem__, default=-1)
                if leader in owner and pair.source[leader][:1].isupper():
                    functions[j] = False
        particles = {i for i in columns if i not in owner and self._is_particle(pair.source[i])}
        alone = [not (marks[j] or functions[j]) and particles.isdisjoint(row) for j, row in enumerate(rows)]
        return _Sentence(
            pair,
            rows,
            columns,
            owner,
            particles,
            marks,
            functions,
            {i for i in owner if any(alone[j] for j in columns.get(i, ()))},
            self.case.counts_in(target),
            brackets,
        )

    def _value(self, view: _Weighed, a: int, b: int) -> float:
        score = view.sums[b + 1 - view.first] - view.sums[a - view.first]
        if a in view.gains:
            score += _EDGE_GAIN
        if b in view.gains and b != a:
            score += _EDGE_GAIN
        return score

    def _is_particle(self, word: str) -> bool:
        """RETURNS (bool): Whether a source word may be rendered by the same target word as the name beside it: "in", "of",
        marks. Articles are not, unless names swallow what stands before them in this corpus: else what renders an article
        too is mostly no name but a noun.
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

    def _weigh(self, sentence: _Sentence, entity: Entity) -> _Weighed:
        begin, stop = entity[0], entity[1]
        source, target = sentence.pair.source, sentence.pair.target
        rows, owner = sentence.rows, sentence.owner
        own = {fold(w) for w in source[begin:stop]}
        factor = [_FUNCTION_LINK if w in self.source_function or is_punctuation(w) else 1.0 for w in source[begin:stop]]
        lower = _LOWER_COST if entity[2] in self.names else _OTHER_LOWER_COST
        sums = [0.0]
        total = 0.0
        strong: List[Tuple[float, int]] = []
        first_place, last_place = self._reach(sentence, entity)
        for j in range(first_place, last_place):
            word = target[j]
            inside = outside = rival = function = strongest = 0.0
            leader = -1
            for i, value in rows[j].items():
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
                shared = function and not any(i in sentence.apart for i in rows[j] if begin <= i < stop)
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
            if weight > 0.0:
                strong.append((-weight, j))
            total += weight
            sums.append(total)
        if not strong:
            return _Weighed(first_place, sums, [], [], set())
        if len(strong) > MOST_LINKED:
            strong = sorted(strong)[:MOST_LINKED]
        positive = sorted(j for _, j in strong)
        places = range(first_place, last_place)
        first = self._copies(source[begin], target, positive, places)
        last = self._copies(source[stop - 1], target, positive, places)
        return _Weighed(
            first_place,
            sums,
            sorted(positive + first),
            sorted(positive + last),
            set(first) | set(last),
        )

    def _copies(self, word: str, target: Sequence[str], positive: Sequence[int], places: Iterable[int]) -> List[int]:
        """RETURNS (List[int]): Where the entity's edge word, a function word or punctuation mark,
        stands in the target too: there a span may begin or end with it ("von Wogau").
        """
        folded = fold(word)
        if not is_punctuation(word) and folded not in self.target_function:
            return []
        known = set(positive)
        found = [j for j in places if j not in known and fold(target[j]) == folded]
        return found[:MOST_LINKED]

    def _extras(self, sentence: _Sentence, entity: Entity) -> Optional[Callable[[int, int], float]]:
        """RETURNS (Optional[Callable[[int, int], float]]): What a span costs beyond its words, as a
        function of its edges, or None if nothing can.
        """
        source, target = sentence.pair.source, sentence.pair.target
        brackets = sentence.brackets
        content = [
            i
            for i in range(entity[0], entity[1])
            if source[i] not in self.source_function and not is_punctuation(source[i])
        ]
        # Per content word: the target words that it is linked to, and prefix sums of the links.
        linked: List[Tuple[List[int], List[float]]] = []
        if self.missing and len(content) > 1:
            for i in content:
                places = sentence.columns.get(i, [])
                linked.append((places, [0.0, *accumulate(sentence.rows[j][i] for j in places)]))
        name = (
            bool(self.lower)
            and sentence.cased
            and entity[2] in self.names
            and not self._has_adjectives()
            and all(source[i][:1].isupper() for i in content if source[i][:1].isalpha())
        )
        if not (brackets or linked or name):
            return None

        def cost(a: int, b: int) -> float:
            total = 0.0
            for places, sums in linked:
                if sums[bisect_left(places, b)] - sums[bisect_left(places, a)] < _LINKED:
                    total += self.missing
            if brackets:
                total += _BRACKET_COST * abs(brackets[b] - brackets[a])
            if name and self.is_lower(target[a:b]):
                total += self.lower
            return total

        return cost

    def _has_adjectives(self) -> bool:
        return self.adjectives in self.labels and self.case.has_adjectives

    def is_lower(self, words: Sequence[str]) -> bool:
        """RETURNS (bool): Whether all content words begin with a lower-case letter."""
        content = [w for w in words if w not in self.target_function and not is_punctuation(w)]
        return bool(content) and all(w[:1].islower() for w in content)

    def relabel(self, pair: SentencePair, entity: Entity, start: int, end: int) -> str:
        """RETURNS (str): The label of a projected span: that of the entity, or the adjectives' one
        for a single lower-case word that renders a name (Europe, europäisch).
        """
        if entity[2] in self.names and self._has_adjectives() and self.case.counts_in(pair.target):
            content = [w for w in pair.target[start:end] if w not in self.target_function and not is_punctuation(w)]
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


def _fused(pair: SentencePair) -> List[bool]:
    """RETURNS (List[bool]): For each entity with a linked short word before it, whether a target word renders both."""
    linked: Dict[int, Set[int]] = {}
    for i, j in pair.alignment.links.tolist():
        linked.setdefault(i, set()).add(j)
    out: List[bool] = []
    for entity in pair.entities:
        before = entity[0] - 1
        if before in linked and len(pair.source[before]) <= 4 and pair.source[before].islower():
            places = (linked.get(i, set()) for i in range(entity[0], entity[1]))
            out.append(any(linked[before] & mine for mine in places))
    return out


def _leaders(pair: SentencePair) -> Dict[int, int]:
    """RETURNS (Dict[int, int]): For each target word that is linked the source word with the strongest link."""
    best: Dict[int, Tuple[float, int]] = {}
    for (i, j), score in zip(pair.alignment.links.tolist(), pair.alignment.scores.tolist(), strict=True):
        if j not in best or score > best[j][0]:
            best[j] = (score, i)
    return {j: i for j, (_, i) in best.items()}
