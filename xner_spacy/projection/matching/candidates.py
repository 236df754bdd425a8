"""The target spans that entities may be matched with."""

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
# Longest text to look for, in characters. A longer one is no name, and the time of a comparison is quadratic.
LONGEST_NAME = 1_000


class _PairByPair(ABC):
    """Candidates that a subclass finds for one sentence pair at a time."""

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in pairs]

    @abstractmethod
    def _spans(self, pair: SentencePair) -> List[Span]:
        """RETURNS (List[Span]): The candidates of a sentence pair, unique, sorted."""


@dataclass(eq=False)
class Ngrams(_PairByPair):
    """All target spans up to a length (`xner.Ngrams.v1`).

    max_words (Optional[int]): Longest candidate in words; None for no limit (but at most a million candidates for each
        sentence). The thesis uses 10, the seed paper no limit.
    exclude (Sequence[str]): No candidate contains one of these tokens.
    pruned (bool): Keep only candidates that begin and end with words linked to the same entity. With the `align` score
        this loses nothing: cutting an unlinked word from the edge of a span always increases its score, and the shorter
        span overlaps no other span that the longer one did not.
    """

    max_words: Optional[int] = 10
    exclude: Sequence[str] = ("!", "?")
    pruned: bool = True

    def _spans(self, pair: SentencePair) -> List[Span]:
        limits = self.limits(pair.target)
        if self.pruned:
            return _between_links(pair, limits, len(pair.target))
        visible = [not is_blank_token(word) for word in pair.target]
        starts = (start for start, is_visible in enumerate(visible) if is_visible)
        return [(start, end) for start in starts for end in range(start + 1, limits[start] + 1) if visible[end - 1]]

    def limits(self, target: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): The end of the longest candidate that begins at each token, before excluded tokens."""
        longest = len(target) if self.max_words is None else self.max_words
        if not self.pruned:
            longest = min(longest, max(10, _MOST_NGRAMS // max(1, len(target))))
        ends, stop = [], len(target)
        for start in reversed(range(len(target))):
            if target[start] in self.exclude:
                stop = start
            ends.append(min(start + longest, stop))
        return ends[::-1]


@dataclass(eq=False)
class LinkedRanges(_PairByPair):
    """All ranges between two words linked to the same entity, without long gaps (`xner.LinkedRanges.v1`).

    max_gap (int): Most consecutive words in a candidate that have no link to the entity.
    max_words (Optional[int]): Longest candidate.
    """

    max_gap: int = 2
    max_words: Optional[int] = None

    def _spans(self, pair: SentencePair) -> List[Span]:
        n_target = len(pair.target)
        longest = n_target if self.max_words is None else self.max_words
        return _between_links(pair, [start + longest for start in range(n_target)], self.max_gap)


@dataclass(eq=False)
class TaggerSpans(_PairByPair):
    """The spans that a target tagger finds, whatever their labels: an entity keeps its source label
    (`xner.TaggerSpans.v1`). Needs `SentencePair.target_labels`.

    linked (bool): Add the ranges between linked words, for entities that the tagger misses.
    """

    linked: bool = False

    def _spans(self, pair: SentencePair) -> List[Span]:
        spans: Set[Span] = set(LinkedRanges()([pair])[0]) if self.linked else set()
        labels, probs = labels_of(pair)
        # An I- tag without a B- tag before it begins a span: taggers may be inconsistent.
        tagged = tags_to_entities(iob_to_biluo(labels[tag] for tag in probs.argmax(axis=1).tolist()))
        trimmed = (trim_span(pair.target, start, last + 1) for _, start, last in tagged)
        return sorted(spans.union(span for span in trimmed if span is not None))


def labels_of(pair: SentencePair) -> TokenLabels:
    """RETURNS (TokenLabels): The target tagger's labels of a pair. RAISES: XnerError if there are none."""
    if pair.target_labels is None:
        raise XnerError(
            "The ner scores and the tagger's candidates need a tagger of the target language.",
            "In a pipeline, put an xner_annotator with side = 'target' before the projector; "
            "in Python, fill SentencePair.target_labels.",
        )
    return pair.target_labels


@dataclass(eq=False)
class TranslatedSpans(KeepsTranslator, _PairByPair):
    """Target spans with a spelling similar to a separate translation of the entity (`xner.TranslatedSpans.v1`).

    min_ratio (float): Least similarity (difflib's ratio of the texts in lower case), at least 0.4.
    max_words (int): Longest candidate.
    translator (Optional[Translator]): Translates the entities from the source into the target language, which is the
        opposite direction of the pipeline's translator. Without one, `SentencePair.entity_translations` must be set.
    separator (str): Joins source tokens to the text to translate.
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
        untranslated = [pair for pair in pairs if pair.entity_translations is None]
        if untranslated and self.translator is None:
            raise XnerError(
                "xner.TranslatedSpans.v1 needs the entities' own translations.",
                "Give it a translator from the source language into the target's, in a section [....translator] "
                "of its own; or, in Python, fill SentencePair.entity_translations.",
            )
        translations = iter(translate_names(untranslated, self.translator, self.separator) if self.translator else [])
        return super().__call__(
            [replace(p, entity_translations=next(translations)) if p.entity_translations is None else p for p in pairs]
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
    pairs = paired(texts, results, type(translator).__name__, "texts", "translations")
    return [translation for _, translation in pairs]


def translate_names(pairs: Sequence[SentencePair], translator: Translator, separator: str = " ") -> List[List[str]]:
    """Translate the entities of sentence pairs, each text once.

    translator (Translator): From the source into the target language. separator (str): Joins source tokens.
    RETURNS (List[List[str]]): For each pair the texts of its entities. Without a translation it is the entity itself,
        since many names are the same in both languages.
    """
    names = [[join_words(pair.source[entity[0] : entity[1]], separator) for entity in pair.entities] for pair in pairs]
    texts = list(dict.fromkeys(name for row in names for name in row))
    # A full stop that the translator adds to a single name is not part of the name.
    translated = {
        text: (translation.text or text).strip().rstrip(".")
        for text, translation in zip(texts, translate_all(translator, texts), strict=True)
    }
    return [[translated[name] for name in row] for row in names]


def _between_links(pair: SentencePair, limits: Sequence[int], max_gap: int) -> List[Span]:
    """RETURNS (List[Span]): The ranges between words linked to the same entity, without gaps of more than `max_gap`
    words. A range that begins at word i ends before word `limits[i]`.
    """
    spans: Set[Span] = set()
    for words in entity_links(pair):
        positions = [word[0] for word in strongest(words)]
        for index, first in enumerate(positions):
            previous = first
            for position in positions[index:]:
                if position >= limits[first] or position - previous > max_gap + 1:
                    break
                previous = position
                spans.add((first, position + 1))
    return sorted(spans)


def fuzzy_spans(text: str, target: Sequence[str], max_words: int = 10) -> Iterator[Tuple[float, Span]]:
    """Compare a text with all target spans of similar length and at most `max_words` words.

    YIELDS (Tuple[float, Span]): Similarity in [0, 1] and span.
    """
    sought = " ".join(comparable(text).split())
    if not 0 < len(sought) <= LONGEST_NAME:
        return
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(sought)
    tokens = [comparable(word) for word in target]
    for start in range(len(target)):
        if is_blank_token(target[start]):
            continue
        for end in range(start + 1, min(len(target), start + max_words) + 1):
            words = " ".join(tokens[start:end])
            if len(words) > 2 * len(sought) + 2:
                break
            # The ratio is at most 2 * shorter / (shorter + longer), which is 0.4 for a quarter of the length.
            if is_blank_token(target[end - 1]) or 4 * len(words) <= len(sought):
                continue
            matcher.set_seq1(words)
            if matcher.quick_ratio() > 0.4:
                yield matcher.ratio(), (start, end)
