"""Where the target spans come from that entities may be matched with."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from spacy.training import iob_to_biluo, tags_to_entities

from ...errors import XnerError
from ...streams import paired
from ...text import comparable, is_blank_token, join_words, trim_span
from ...types import SentencePair, TokenLabels, Translation, Translator
from ..linked_words import entity_links, strongest
from ..state import KeepsTranslator
from .interfaces import Span

_MOST_NGRAMS = 1_000_000
# Characters of a text that is looked for: what is longer is no name, and comparing takes the square of it.
LONGEST_NAME = 1_000


class _PairByPair(ABC):
    """Candidates that a subclass gives for one sentence pair."""

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in pairs]

    @abstractmethod
    def _spans(self, pair: SentencePair) -> List[Span]:
        """RETURNS (List[Span]): The candidates of a sentence pair, unique, sorted."""


@dataclass(eq=False)
class Ngrams(_PairByPair):
    """All target spans up to a length (`xner.Ngrams.v1`).

    max_words (Optional[int]): Longest candidate in words; None for no limit (but at most a million candidates a
        sentence). The thesis takes 10, the seed paper none.
    exclude (Sequence[str]): No candidate holds one of these tokens.
    pruned (bool): Keep only candidates that begin and end with words linked to one same entity. With the `align` score
        this loses nothing: a span scores strictly less than what remains when an unlinked word is cut from its edge,
        and the rest meets no more other spans than the whole.
    """

    max_words: Optional[int] = 10
    exclude: Sequence[str] = ("!", "?")
    pruned: bool = True

    def _spans(self, pair: SentencePair) -> List[Span]:
        limits = self.limits(pair.target)
        if self.pruned:
            return _between_links(pair, limits, len(pair.target))
        seen = [not is_blank_token(word) for word in pair.target]
        return [(a, b) for a, limit in enumerate(limits) if seen[a] for b in range(a + 1, limit + 1) if seen[b - 1]]

    def limits(self, target: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): Per token the end of the longest candidate from it on, before excluded tokens."""
        longest = len(target) if self.max_words is None else self.max_words
        if not self.pruned:
            longest = min(longest, max(10, _MOST_NGRAMS // max(1, len(target))))
        ends, stop = [], len(target)
        for a in reversed(range(len(target))):
            if target[a] in self.exclude:
                stop = a
            ends.append(min(a + longest, stop))
        return ends[::-1]


@dataclass(eq=False)
class LinkedRanges(_PairByPair):
    """Every range between two words linked to an entity that crosses no long gap (`xner.LinkedRanges.v1`).

    max_gap (int): Longest gap of words without a link to the entity inside a candidate.
    max_words (Optional[int]): Longest candidate.
    """

    max_gap: int = 2
    max_words: Optional[int] = None

    def _spans(self, pair: SentencePair) -> List[Span]:
        n = len(pair.target)
        longest = n if self.max_words is None else self.max_words
        return _between_links(pair, [a + longest for a in range(n)], self.max_gap)


@dataclass(eq=False)
class TaggerSpans(_PairByPair):
    """The spans that a target tagger sees, whatever their labels; an entity keeps its source label
    (`xner.TaggerSpans.v1`). Needs `SentencePair.target_labels`.

    linked (bool): Add the ranges between linked words, for entities that the tagger misses.
    """

    linked: bool = False

    def _spans(self, pair: SentencePair) -> List[Span]:
        spans: Set[Span] = set(LinkedRanges()([pair])[0]) if self.linked else set()
        labels, probs = labels_of(pair)
        # An I- without a beginning opens a span: taggers are not bound to be consistent.
        tagged = tags_to_entities(iob_to_biluo(labels[k] for k in probs.argmax(axis=1).tolist()))
        trimmed = (trim_span(pair.target, start, last + 1) for _, start, last in tagged)
        return sorted(spans.union(span for span in trimmed if span is not None))


def labels_of(pair: SentencePair) -> TokenLabels:
    """RETURNS (TokenLabels): What the target tagger makes of a pair. RAISES: XnerError if there was none."""
    if pair.target_labels is None:
        raise XnerError(
            "The ner scores and the tagger's candidates need a tagger of the target language.",
            "In a pipeline, put an xner_annotator with side = 'target' before the projector; "
            "in Python, fill SentencePair.target_labels.",
        )
    return pair.target_labels


@dataclass(eq=False)
class TranslatedSpans(KeepsTranslator, _PairByPair):
    """Target spans that are spelled nearly like an entity's own translation (`xner.TranslatedSpans.v1`).

    min_ratio (float): Least similarity (difflib's ratio of the texts in lower case), at least 0.4.
    max_words (int): Longest candidate.
    translator (Optional[Translator]): Translates the entities, from the source language into the target's: the other
        way round than the pipeline's translator. Without one, `SentencePair.entity_translations` must be filled.
    separator (str): What joins source tokens to the text that is translated.
    """

    registered_name = "xner.TranslatedSpans.v1"

    min_ratio: float = 0.7
    max_words: int = 10
    translator: Optional[Translator] = None
    separator: str = " "

    def __post_init__(self) -> None:
        if not 0 <= self.min_ratio <= 1 or self.max_words < 1:
            raise XnerError("xner.TranslatedSpans.v1: min_ratio must be between 0 and 1, and max_words at least 1.")

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        todo = [p for p in pairs if p.entity_translations is None]
        if todo and self.translator is None:
            raise XnerError(
                "xner.TranslatedSpans.v1 needs the entities' own translations.",
                "Give it a translator from the source language into the target's, in a section [....translator] "
                "of its own; or, in Python, fill SentencePair.entity_translations.",
            )
        made = iter(translate_names(todo, self.translator, self.separator) if self.translator else [])
        return super().__call__(
            [replace(p, entity_translations=next(made)) if p.entity_translations is None else p for p in pairs]
        )

    def _spans(self, pair: SentencePair) -> List[Span]:
        spans: Set[Span] = set()
        for text in dict.fromkeys(pair.entity_translations or ()):
            alike = fuzzy_spans(text, pair.target, self.max_words)
            spans.update(span for ratio, span in alike if ratio >= self.min_ratio)
        return sorted(spans)


def translate_all(translator: Translator, texts: Sequence[str]) -> List[Translation]:
    """RETURNS (List[Translation]): One per text. RAISES: XnerError if the translator gives more or fewer."""
    results = translator(list(texts)) if texts else ()
    return [made for _, made in paired(texts, results, type(translator).__name__, "texts", "translations")]


def translate_names(pairs: Sequence[SentencePair], translator: Translator, separator: str = " ") -> List[List[str]]:
    """Translate the entities of sentence pairs, each text once.

    translator (Translator): From the source language into the target's. separator (str): What joins source tokens.
    RETURNS (List[List[str]]): Per pair a text for each entity. Where there is no translation it is the entity itself:
        many names are the same in both languages.
    """
    names = [[join_words(p.source[e[0] : e[1]], separator) for e in p.entities] for p in pairs]
    texts = list(dict.fromkeys(name for row in names for name in row))
    # A full stop that the translator adds to a lone name is not the name's.
    known = {
        text: (translation.text or text).strip().rstrip(".")
        for text, translation in zip(texts, translate_all(translator, texts), strict=True)
    }
    return [[known[name] for name in row] for row in names]


def _between_links(pair: SentencePair, limits: Sequence[int], max_gap: int) -> List[Span]:
    """RETURNS (List[Span]): The ranges between words linked to one same entity, without gaps over `max_gap`; those that
    begin at word a end before word `limits[a]`.
    """
    spans: Set[Span] = set()
    for words in entity_links(pair):
        places = [w[0] for w in strongest(words)]
        for x, a in enumerate(places):
            last = a
            for b in places[x:]:
                if b >= limits[a] or b - last > max_gap + 1:
                    break
                last = b
                spans.add((a, b + 1))
    return sorted(spans)


def fuzzy_spans(text: str, target: Sequence[str], max_words: int = 10) -> Iterator[Tuple[float, Span]]:
    """Compare a text with all target spans of about its length, and of at most `max_words`.

    YIELDS (Tuple[float, Span]): Similarity in [0, 1] and span.
    """
    wanted = " ".join(comparable(text).split())
    if not 0 < len(wanted) <= LONGEST_NAME:
        return
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    tokens = [comparable(word) for word in target]
    for a in range(len(target)):
        if is_blank_token(target[a]):
            continue
        for b in range(a + 1, min(len(target), a + max_words) + 1):
            words = " ".join(tokens[a:b])
            if len(words) > 2 * len(wanted) + 2:
                break
            # The ratio is at most 2 * shorter / (shorter + longer): .4 for a text of a quarter of the length.
            if is_blank_token(target[b - 1]) or 4 * len(words) <= len(wanted):
                continue
            matcher.set_seq1(words)
            if matcher.quick_ratio() > 0.4:
                yield matcher.ratio(), (a, b)
