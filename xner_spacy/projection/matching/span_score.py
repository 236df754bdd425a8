"""The span score: how much likelier a target span is than no span as the translation of an entity.

The align score counts links. This one computes for every target word the log-odds that it translates a word inside the
entity rather than outside, and sums them over the span: words that belong outside lower the score, linked words raise
it by the certainty of their links, and unlinked words lower it a little. The sum over disjoint spans is then a
log-likelihood ratio of the whole sentence, which the solver maximises.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
from typing_extensions import TypedDict

from ... import native
from ...errors import XnerError
from ...spelling import fold, is_punctuation
from ...types import Entity, SentencePair, TokenPair
from ..linked_words import MOST_LINKED
from ..state import pack_state, unpack_state
from . import compiled_spans
from .compiled_spans import FoldedWords
from .constants import FITTED, Constants
from .counted_words import Case, CaseState, FunctionWords, FunctionWordsState
from .interfaces import Option, Options, ScoreMatrix, Span
from .sentence_words import Sentence
from .word_evidence import Alike, Compared, leaders_of, link_rows, names_fused, words_alike
from .word_tables import MOST_WORDS, SourceWord, TargetWord, WordTable

# A word of the entity is not missing in a span with at least this much link (a sum of float32: a little below 0.2).
_LINKED = 0.2 - 1e-6


class _State(TypedDict):
    fuses: bool
    labels: List[str]
    source: FunctionWordsState
    target: FunctionWordsState
    case: CaseState


def _of_version_1(old_state: Dict[str, Any]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The state that xner-spacy 0.1 saved, with untrained values for the newer fields."""
    words = {
        side: {"trained": old_state[side][0] or False, "cased": True, "words": old_state[side][1], "articles": []}
        for side in ("source", "target")
    }
    return {"fuses": False, "labels": old_state["labels"], "case": Case().state(), **words}


class _View(NamedTuple):
    """One entity's view of the target words from `first` to `last` (exclusive)."""

    first: int
    last: int
    starts: List[int]  # words that a span may begin with
    ends: List[int]  # words that a span may end with
    score: Callable[[int, int], float]  # the score of a span, from its start and end (exclusive)


@dataclass(eq=False)
class SpanScore:
    """Scores spans by log-odds of their words (`xner.SpanScore.v1`).

    spelling (float): Probability that identically spelled words correspond; 0 ignores spelling.
    unlinked (float): Probability that an unlinked content word between linked ones belongs inside.
    missing (float): Cost of each content word of the entity that no word in the span is linked to.
    lower (float): Cost of a lower-case span for a capitalised name: in a language with case, names keep their capitals,
        and a word that has lost them is mostly an adjective or a description.
    names (Sequence[str]): Labels that `lower` applies to.
    adjectives (str): The label that adjectives of names get in the corpus, if any (CoNLL: MISC). If it occurred in
        training, spans in lower case cost nothing, and such spans of one word get this label.
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
    # Whether one word usually translates a name together with the short word before it, even an article.
    fuses: bool = field(init=False, default=False, repr=False)
    constants: Constants = field(init=False, default=FITTED, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.spelling <= 1 and 0 <= self.unlinked <= 1) or self.max_words < 1:
            raise XnerError("xner.SpanScore.v1: spelling and unlinked are probabilities, and max_words at least 1.")
        self._words_changed()

    # Learning: which words are function words, which labels there are, and what capitals mean.

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Count words, labels and capitals of the corpus, and words of more bilingual text, reading each once."""
        self.labels = set()
        source_case, self.case = Case(), Case()
        fused: List[bool] = []
        seen: Set[int] = set()
        for pair in pairs:
            self.labels.update(entity[2] for entity in pair.entities)
            fused += names_fused(pair)
            kinds = {i: self._kind(pair.source[i], e[2]) for e in pair.entities for i in range(e[0], e[1])}
            leader_of = leaders_of(pair)
            spans = tuple(entity[:3] for entity in pair.entities)
            copy = hash((pair.key, pair.alignment.links.tobytes(), spans))
            if copy not in seen:  # a copy of a sentence says nothing new about case
                seen.add(copy)
                source_case.add(pair.source, kinds)
                self.case.add(pair.target, {j: kinds.get(i, "other") for j, i in leader_of.items()})
            self.source_function.add(pair.source, [pair.source[i] for i in kinds])
            self.target_function.add(pair.target, [pair.target[j] for j, i in leader_of.items() if i in kinds])
        for source, target in bitext:
            self.source_function.add(source)
            self.target_function.add(target)
        self.fuses = 2 * sum(fused) > max(len(fused), 2)
        self.source_function.finish(source_case.tells)
        self.target_function.finish(self.case.tells)
        self._words_changed()

    def _words_changed(self) -> None:
        """Forget the answers about words: something that they depend on was learned."""
        self._source_words, self._target_words = WordTable(self._source_word), WordTable(self._target_word)
        self._numbers = WordTable(self._source_number), WordTable(self._target_number)
        self._folded = FoldedWords()

    def _kind(self, word: str, label: str) -> Optional[str]:
        """RETURNS (Optional[str]): The kind as which an entity's word is counted: "name", "adjective" or None."""
        if not word[:1].isupper():
            return None
        return "name" if label in self.names else "adjective" if label == self.adjectives else None

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The learned state."""
        words = {"source": self.source_function.state(), "target": self.target_function.state()}
        fields = {"fuses": self.fuses, "labels": sorted(self.labels), **words, "case": self.case.state()}
        return pack_state("xner.SpanScore.v1", 2, fields)

    def from_bytes(self, data: bytes) -> "SpanScore":
        """Load what `to_bytes` returned. RETURNS (SpanScore): Itself. RAISES: InputError."""
        state = unpack_state(data, "xner.SpanScore.v1", 2, _State, _of_version_1)
        self.fuses, self.labels = state["fuses"], set(state["labels"])
        self.source_function.set_state(state["source"])
        self.target_function.set_state(state["target"])
        self.case.set_state(state["case"])
        self._words_changed()
        return self

    # Scoring.

    def options(self, pairs: Sequence[SentencePair]) -> List[Options]:
        """RETURNS (List[Options]): For each pair and each of its entities all spans with scores above 0."""
        if native.LIBRARY is None:
            return [self._options(sentence) for sentence in self._read(pairs)]
        if len(self._folded) > MOST_WORDS:
            self._words_changed()
        return compiled_spans.options(self._settings(), pairs, self._numbers, self._folded, self.names)

    def _options(self, sentence: Sentence) -> Options:
        options: Options = []
        for entity in sentence.pair.entities:
            view = self._view(sentence, entity)
            row: List[Option] = []
            for start in view.starts:
                for last in view.ends[bisect_left(view.ends, start) : bisect_left(view.ends, start + self.max_words)]:
                    score = view.score(start, last + 1)
                    if score > 0:
                        row.append((score, start, last + 1))
            options.append(row)
        return options

    def __call__(self, pairs: Sequence[SentencePair], candidates: Sequence[Sequence[Span]]) -> List[ScoreMatrix]:
        """RETURNS (List[ScoreMatrix]): Scores of the candidates, 0 for those that are less likely than no span."""
        matrices: List[ScoreMatrix] = []
        for sentence, spans in zip(self._read(pairs), candidates, strict=True):
            matrix = np.zeros((len(sentence.pair.entities), len(spans)))
            for entity_index, entity in enumerate(sentence.pair.entities):
                view = self._view(sentence, entity)
                for candidate_index, (start, end) in enumerate(spans):
                    # Spans outside the view contain no word that is linked to the entity.
                    if view.first <= start and end <= view.last:
                        matrix[entity_index, candidate_index] = max(0.0, view.score(start, end))
            matrices.append(matrix)
        return matrices

    def _read(self, pairs: Sequence[SentencePair]) -> Iterator[Sentence]:
        alike: List[Alike] = [[] for _ in pairs]
        if self.spelling:
            alike = words_alike(pairs, [self._compared(pair) for pair in pairs])
        for pair, alike_words in zip(pairs, alike, strict=True):
            yield self._read_one(pair, alike_words)

    def _compared(self, pair: SentencePair) -> Compared:
        """RETURNS (Compared): The words whose spelling is compared: words of entities, capitalised words and numbers
        with all content words of the target.
        """
        source_table, target_table = self._source_words, self._target_words
        named = {i for entity in pair.entities for i in range(entity[0], entity[1])}
        words = enumerate(map(source_table.__getitem__, pair.source))
        source = [i for i, word in words if word.stands_out or (i in named and not word.is_mark)]
        places = enumerate(map(target_table.__getitem__, pair.target))
        return source, [j for j, word in places if not (word.is_mark or word.is_function)]

    def _read_one(self, pair: SentencePair, alike: Alike) -> Sentence:
        source = list(map(self._source_words.__getitem__, pair.source))
        target = list(map(self._target_words.__getitem__, pair.target))
        rows = link_rows(pair, alike, self.spelling)
        owner = {i: s for s, entity in enumerate(pair.entities) for i in range(entity[0], entity[1])}
        functions = [word.is_function for word in target]
        if not self.target_function.trained and not any(word.is_capital for word in target[1:]):
            # Before training every short word counts as a function word: in text without capitals even "eu" and "usa".
            for j, row in enumerate(rows):
                leader = max(row, key=row.__getitem__, default=-1)
                if leader in owner and source[leader].is_capital:
                    functions[j] = False
        gains = self.case.gains() if self.case.counts_in(pair.target) else None
        return Sentence(pair, source, target, rows, owner, functions, gains, self.unlinked, self.constants)

    def _source_word(self, word: str) -> SourceWord:
        is_mark, is_function = is_punctuation(word), word in self.source_function
        is_capital = word[:1].isupper()
        stands_out = (is_capital or word[:1].isdigit()) and not is_mark
        return SourceWord(is_mark, not (is_mark or is_function), self._is_particle(word), is_capital, stands_out)

    def _target_word(self, word: str) -> TargetWord:
        is_mark = is_punctuation(word)
        return TargetWord(is_mark, not is_mark and word in self.target_function, word[:1].islower(), word[:1].isupper())

    # The same as numbers, for csrc/spans.c.

    def _source_number(self, word: str) -> int:
        known, first = self._source_word(word), word[:1]
        flags = compiled_spans.MARK * known.is_mark + compiled_spans.CONTENT * known.is_content
        flags += compiled_spans.PARTICLE * known.is_particle + compiled_spans.CAPITAL * known.is_capital
        flags += compiled_spans.EDGE * self._has_copies(word)
        flags += compiled_spans.COMMON * (known.is_content and first.isalpha() and not known.is_capital)
        flags += compiled_spans.STANDS_OUT * known.stands_out
        return self._folded.number(word, flags)

    def _target_number(self, word: str) -> int:
        known = self._target_word(word)
        flags = compiled_spans.MARK * known.is_mark + compiled_spans.FUNCTION * known.is_function
        flags += compiled_spans.LOWER * known.is_lower + compiled_spans.CAPITAL * known.is_capital
        flags += compiled_spans.OPENING * (word == "(") + compiled_spans.CLOSING * (word == ")")
        return self._folded.number(word, flags)

    def _settings(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): All that does not depend on the words, as csrc/spans.c needs it."""
        return {
            **self.constants._asdict(),
            **{name: getattr(self, name) for name in ("spelling", "unlinked", "missing", "lower", "max_words")},
            "least_linked": _LINKED,
            "most_linked": MOST_LINKED,
            "gains": self.case.gains(),
            "tells": self.case.tells,
            "after_first": not self.case.has_names,
            "trained": self.target_function.trained,
            "names_lose": bool(self.lower) and not self._has_adjectives(),
        }

    def _is_particle(self, word: str) -> bool:
        """RETURNS (bool): Whether the same target word may translate a source word and the name beside it: "in", "of",
        marks. Articles are included only if names in this corpus usually fuse with the word before them: otherwise a
        word that also translates an article is mostly a noun, not a name.
        """
        if is_punctuation(word):
            return True
        functions = self.source_function
        if not functions.trained:
            # Include words of four letters: "from", "with".
            return len(word) <= 4 and word.islower()
        return word in functions and (self.fuses or not functions.is_article(word))

    def _reach(self, sentence: Sentence, entity: Entity) -> Tuple[int, int]:
        """RETURNS (Tuple[int, int]): The range of target words that a span of the entity may contain. No span is longer
        than `max_words`, and each contains a word linked to the entity.
        """
        n_target = len(sentence.pair.target)
        if n_target <= 2 * self.max_words or self.unlinked > 0.5:
            return 0, n_target
        positions = [j for i in range(entity[0], entity[1]) for j in sentence.columns.get(i, ())]
        if not positions:
            return 0, 0
        return max(0, min(positions) - self.max_words), min(n_target, max(positions) + self.max_words + 1)

    def _view(self, sentence: Sentence, entity: Entity) -> _View:
        begin, stop = entity[0], entity[1]
        target = sentence.pair.target
        first, last = self._reach(sentence, entity)
        lower_cost = self.constants.lower_word if entity[2] in self.names else self.constants.other_lower_word
        weights = sentence.weights(begin, stop, lower_cost)[first:last]
        strong = [j for j, weight in enumerate(weights, first) if weight > 0.0]
        if len(strong) > MOST_LINKED:
            strong = sorted(sorted(strong, key=lambda j: (-weights[j - first], j))[:MOST_LINKED])
        # If the entity begins or ends with a function word or punctuation mark that is also in the target, a span may
        # begin or end with it ("von Wogau").
        edge_copies = [
            self._copies(sentence.pair.source[k], target, strong, range(first, last)) if strong else []
            for k in (begin, stop - 1)
        ]
        score = self._scorer(sentence, entity, first, [0.0, *accumulate(weights)], {*edge_copies[0], *edge_copies[1]})
        return _View(first, last, sorted(strong + edge_copies[0]), sorted(strong + edge_copies[1]), score)

    def _copies(self, word: str, target: Sequence[str], known: Sequence[int], places: Iterable[int]) -> List[int]:
        """RETURNS (List[int]): The target positions of the entity's first or last word if it is not a content word."""
        if not self._has_copies(word):
            return []
        folded = fold(word)
        return [j for j in places if fold(target[j]) == folded and j not in known][:MOST_LINKED]

    def _has_copies(self, word: str) -> bool:
        return is_punctuation(word) or fold(word) in self.target_function

    def _scorer(
        self, sentence: Sentence, entity: Entity, first: int, sums: List[float], gains: Set[int]
    ) -> Callable[[int, int], float]:
        """RETURNS (Callable[[int, int], float]): The score of a span. `sums` are prefix sums of the log-odds of words
        from `first` on. `gains` are words that add to the score at an edge of the span.
        """
        source, brackets = sentence.source, sentence.brackets
        edge_gain, bracket_cost = self.constants.edge, self.constants.bracket
        # For each content word the target words that it is linked to, and prefix sums of the links.
        linked: List[Tuple[List[int], List[float]]] = []
        if self.missing and entity[1] - entity[0] > 1:
            own_content = [i for i in range(entity[0], entity[1]) if source[i].is_content]
            for i in own_content if len(own_content) > 1 else ():
                positions = sentence.columns.get(i, [])
                linked.append((positions, [0.0, *accumulate(sentence.rows[j][i] for j in positions)]))
        name = (
            self.lower
            and sentence.case_gains
            and not self._has_adjectives()
            and self._is_name(sentence.pair.source, entity)
        )

        def score(start: int, end: int) -> float:
            value = sums[end - first] - sums[start - first]
            if start in gains:
                value += edge_gain
            if end - 1 in gains and end - 1 != start:
                value += edge_gain
            cost = 0.0
            for positions, link_sums in linked:
                if link_sums[bisect_left(positions, end)] - link_sums[bisect_left(positions, start)] < _LINKED:
                    cost += self.missing
            if brackets:
                cost += bracket_cost * abs(brackets[end] - brackets[start])
            if name and sentence.lost_capitals(start, end):
                cost += self.lower
            return value - cost

        return score

    def _has_adjectives(self) -> bool:
        return self.adjectives in self.labels and self.case.has_adjectives

    def _is_name(self, source: Sequence[str], entity: Entity) -> bool:
        """RETURNS (bool): Whether an entity has the label of a name, and its words begin with capitals."""
        content = filter(self.source_function.is_content, source[entity[0] : entity[1]])
        return entity[2] in self.names and all(w[:1].isupper() for w in content if w[:1].isalpha())

    def relabel(self, pair: SentencePair, entity: Entity, start: int, end: int) -> str:
        """RETURNS (str): The label of a projected span: that of the entity, or `adjectives` for a single lower-case
        word that translates a name (Europe, europäisch).
        """
        if entity[2] in self.names and self._has_adjectives() and self.case.counts_in(pair.target):
            content = list(filter(self.target_function.is_content, pair.target[start:end]))
            if len(content) == 1 and content[0][:1].islower() and self._is_name(pair.source, entity):
                return self.adjectives
        return entity[2]
