"""Where the target spans come from that entities may be matched with."""

from dataclasses import replace
from difflib import SequenceMatcher
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from ...errors import XnerError
from ...text import comparable, is_blank_token, trim_span
from ...types import SentencePair, Translator
from ..by_translation.entity_translations import translate_names
from ..linked_words import entity_links, strongest
from ..state import part_state, with_state
from .interfaces import Candidates, Span

_MOST_NGRAMS = 1_000_000
# Characters of a text that is looked for: what is longer is no name, and comparing takes the square of it.
LONGEST_NAME = 1_000


def make_ngrams(
    max_words: Optional[int] = 10,
    exclude: Sequence[str] = ("!", "?"),
    pruned: bool = True,
) -> Candidates:
    """Create the n-gram candidates (`xner.Ngrams.v1`).

    max_words (Optional[int]): Longest candidate in words; None for no limit (but at most a million candidates a
        sentence). The thesis takes 10, the seed paper none.
    exclude (Sequence[str]): No candidate holds one of these tokens.
    pruned (bool): Keep only candidates that begin and end with words linked to one same entity.
        With the `align` score this loses nothing: a span scores strictly less than what remains
        when an unlinked word is cut from its edge, and the rest meets no more other spans than the
        whole.
    RETURNS (Candidates): The candidate generator.
    """
    return Ngrams(max_words, exclude, pruned)


class Ngrams:
    """All target spans up to a length. See `make_ngrams` for the settings."""

    def __init__(self, max_words: Optional[int], exclude: Sequence[str], pruned: bool) -> None:
        self.max_words = max_words
        self.exclude = frozenset(exclude)
        self.pruned = pruned

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in pairs]

    def _spans(self, pair: SentencePair) -> List[Span]:
        n = len(pair.target)
        longest = n if self.max_words is None else self.max_words
        # stop[j]: the first excluded token at or after j; no candidate reaches over it.
        stop = self.stops(pair.target)
        if not self.pruned:
            longest = min(longest, max(10, _MOST_NGRAMS // max(1, n)))
            seen = [not is_blank_token(word) for word in pair.target]
            return [
                (a, b) for a in range(n) if seen[a] for b in range(a + 1, min(a + longest, stop[a]) + 1) if seen[b - 1]
            ]
        found = set()
        for words in entity_links(pair):
            places = [w[0] for w in strongest(words)]
            for x, a in enumerate(places):
                limit = min(a + longest, stop[a])
                for b in places[x:]:
                    if b >= limit:
                        break
                    found.add((a, b + 1))
        return sorted(found)

    def stops(self, target: Sequence[str]) -> List[int]:
        """RETURNS (List[int]): Per token the index of the first excluded token from there on, or
        the length.
        """
        n = len(target)
        if not self.exclude or self.exclude.isdisjoint(target):
            return [n] * n
        stop, last = [n] * n, n
        for j in range(n - 1, -1, -1):
            if target[j] in self.exclude:
                last = j
            stop[j] = last
        return stop


def make_linked_ranges(max_gap: int = 2, max_words: Optional[int] = None) -> Candidates:
    """Create candidates from links (`xner.LinkedRanges.v1`): every range between two words linked
    to an entity that crosses no gap of more than `max_gap` words without a link to it.

    max_gap (int): Longest gap inside a candidate.
    max_words (Optional[int]): Longest candidate.
    RETURNS (Candidates): The candidate generator.
    """
    return LinkedRanges(max_gap, max_words)


class LinkedRanges:
    """Ranges of linked words. See `make_linked_ranges` for the settings."""

    def __init__(self, max_gap: int, max_words: Optional[int]) -> None:
        self.max_gap = max_gap
        self.max_words = max_words

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in pairs]

    def _spans(self, pair: SentencePair) -> List[Span]:
        found = set()
        for words in entity_links(pair):
            places = [w[0] for w in strongest(words)]
            for x, a in enumerate(places):
                last = a
                for b in places[x:]:
                    if b - last > self.max_gap + 1:
                        break
                    if self.max_words is not None and b - a >= self.max_words:
                        break
                    last = b
                    found.add((a, b + 1))
        return sorted(found)


def make_tagger_spans(linked: bool = False) -> Candidates:
    """Create candidates from a target tagger (`xner.TaggerSpans.v1`): the spans that it sees,
    whatever their labels; an entity keeps its source label. Needs `SentencePair.target_labels`.

    linked (bool): Add the ranges between linked words, for entities that the tagger misses.
    RETURNS (Candidates): The candidate generator.
    """
    return TaggerSpans(linked)


class TaggerSpans:
    """Spans of the tagger's best tags. See `make_tagger_spans` for the settings."""

    def __init__(self, linked: bool) -> None:
        self.linked = LinkedRanges(2, None) if linked else None

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        extra = self.linked(pairs) if self.linked else [[] for _ in pairs]
        return [sorted({*self._spans(p), *more}) for p, more in zip(pairs, extra, strict=True)]

    def _spans(self, pair: SentencePair) -> List[Span]:
        if pair.target_labels is None:
            raise XnerError(
                "The tagger's candidates need a tagger of the target language.",
                "In a pipeline, put an xner_annotator with side = 'target' before the projector; "
                "in Python, fill SentencePair.target_labels.",
            )
        labels = pair.target_labels.labels
        tags = [labels[k] for k in pair.target_labels.probs.argmax(axis=1).tolist()]
        spans: List[Span] = []
        start = -1
        for j, tag in enumerate([*tags, "O"]):
            if start >= 0 and not (tag.startswith("I-") and tag[2:] == tags[start][2:]):
                span = trim_span(pair.target, start, j)
                spans += [span] if span is not None else []
                start = -1
            # An I- without a beginning opens a span: taggers are not bound to be consistent.
            if tag != "O" and start < 0:
                start = j
        return spans


def make_translated_spans(
    min_ratio: float = 0.7,
    max_words: int = 10,
    translator: Optional[Translator] = None,
    separator: str = " ",
) -> "TranslatedSpans":
    """Create candidates from the entities' own translations (`xner.TranslatedSpans.v1`): target
    spans that are spelled nearly like one.

    min_ratio (float): Least similarity (difflib's ratio of the texts in lower case), at least 0.4.
    max_words (int): Longest candidate.
    translator (Optional[Translator]): Translates the entities, from the source language into the target's: the other
        way round than the pipeline's translator. Without one, `SentencePair.entity_translations` must be filled.
    separator (str): What joins source tokens to the text that is translated.
    RETURNS (TranslatedSpans): The candidate generator.
    """
    if not 0 <= min_ratio <= 1 or max_words < 1:
        raise XnerError("xner.TranslatedSpans.v1: min_ratio must be between 0 and 1, and max_words at least 1.")
    return TranslatedSpans(min_ratio, max_words, translator, separator)


class TranslatedSpans:
    """Spans like the translated entity. See `make_translated_spans` for the settings."""

    def __init__(
        self,
        min_ratio: float,
        max_words: int,
        translator: Optional[Translator] = None,
        separator: str = " ",
    ) -> None:
        self.min_ratio = min_ratio
        self.max_words = max_words
        self.translator = translator
        self.separator = separator

    def __call__(self, pairs: Sequence[SentencePair]) -> List[List[Span]]:
        return [self._spans(pair) for pair in self._translated(pairs)]

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What the translator has to be saved, if anything."""
        return part_state("xner.TranslatedSpans.v1", self.translator)

    def from_bytes(self, data: bytes) -> "TranslatedSpans":
        """Take on what `to_bytes` gave. RETURNS (TranslatedSpans): Itself. RAISES: InputError."""
        self.translator = with_state("xner.TranslatedSpans.v1", self.translator, data)
        return self

    def _translated(self, pairs: Sequence[SentencePair]) -> List[SentencePair]:
        todo = [p for p in pairs if p.entity_translations is None]
        if todo and self.translator is None:
            raise XnerError(
                "xner.TranslatedSpans.v1 needs the entities' own translations.",
                "Give it a translator from the source language into the target's, in a section [....translator] "
                "of its own; or, in Python, fill SentencePair.entity_translations.",
            )
        done: Iterator[List[str]] = iter(
            translate_names(todo, self.translator, self.separator) if self.translator else []
        )
        return [replace(p, entity_translations=next(done)) if p.entity_translations is None else p for p in pairs]

    def _spans(self, pair: SentencePair) -> List[Span]:
        found: Set[Span] = set()
        for text in dict.fromkeys(pair.entity_translations or ()):
            if text.strip():
                found.update(
                    span for ratio, span in fuzzy_spans(text, pair.target, self.max_words) if ratio >= self.min_ratio
                )
        return sorted(found)


def fuzzy_spans(text: str, target: Sequence[str], max_words: int = 10) -> Iterator[Tuple[float, Span]]:
    """Compare a text with all target spans of about its length.

    text (str): The text looked for.
    target (Sequence[str]): Target tokens.
    max_words (int): Longest span.
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
