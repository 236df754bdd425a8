"""Projection by markers: entities are translated in brackets or tags (Chen et al. 2023, EasyProject).

`translate_marked` makes labelled target text from labelled source text (translate-train). `MarkerProjector` labels an
existing target text (translate-test): it looks there for the bracketed words of the source's translation.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Dict, Iterable, Iterator, List, Literal, NamedTuple, Optional, Sequence, Tuple

from spacy.util import minibatch

from ...text import comparable, join_words
from ...types import Alignment, Entity, Reason, SentencePair, Translator, Unprojected
from ..matching.candidates import LONGEST_NAME, fuzzy_spans, translate_all, translate_names
from ..matching.interfaces import Option, Options, Span
from ..projectors import ScoredSpansProjector
from ..state import KeepsTranslator

MarkerStyle = Literal["brackets", "tags"]
_BRACKETS = re.compile(r"\[\s*([^\[\]]*?)\s*\]")
_TAGS = re.compile(r"<(e\d+)>\s*(.*?)\s*</\1>", re.DOTALL)
_STRAY = {"brackets": re.compile(r"[\[\]]"), "tags": re.compile(r"</?e\d+>")}


# Start, end, and the number of the entity if the markers contain it (tags do, brackets do not).
MarkedSpan = Tuple[int, int, Optional[int]]


class Marked(NamedTuple):
    """A translator's output without the markers, and the character spans that were marked."""

    text: str
    spans: List[MarkedSpan]


class MarkedTranslation(NamedTuple):
    """A labelled translation: its text, the spans of projected entities in characters, and the entities without one."""

    text: str
    spans: List[Tuple[int, int, str, int, float]]  # start, end, label, source, score
    unprojected: List[Unprojected]


def mark(
    tokens: Sequence[str], entities: Sequence[Entity], style: MarkerStyle = "brackets", separator: str = " "
) -> str:
    """Put markers around entities.

    tokens (Sequence[str]): Source tokens. With style "brackets", the brackets that they contain become parentheses, so
        that they are not mistaken for markers.
    entities (Sequence[Entity]): The entities; they may not overlap.
    style (str): "brackets" [ ] or numbered "tags" <e0> </e0>, for translators that keep HTML.
    separator (str): Joins tokens to a text; empty for a script without spaces.
    """
    marked_words = list(tokens)
    if style == "brackets":
        marked_words = [word.replace("[", "(").replace("]", ")") for word in marked_words]
    for number, entity in enumerate(entities):
        opening, closing = ("[", "]") if style == "brackets" else (f"<e{number}>", f"</e{number}>")
        marked_words[entity[0]] = opening + marked_words[entity[0]]
        marked_words[entity[1] - 1] += closing
    return join_words(marked_words, separator, like=tokens)


def unmark(text: str, style: MarkerStyle = "brackets") -> Marked:
    """Remove the markers from a translator's output, including unpaired ones."""
    pattern = _BRACKETS if style == "brackets" else _TAGS
    stray = _STRAY[style]
    plain_text = ""
    spans: List[MarkedSpan] = []
    position = 0
    for match in pattern.finditer(text):
        plain_text += stray.sub("", text[position : match.start()])
        body = stray.sub("", match[match.lastindex or 1])
        if body:
            number = int(match[1][1:]) if style == "tags" else None
            spans.append((len(plain_text), len(plain_text) + len(body), number))
        plain_text += body
        position = match.end()
    return Marked(plain_text + stray.sub("", text[position:]), spans)


def match_names(
    texts: Sequence[str], names: Sequence[str], threshold: float = 0.5, quirks: bool = False
) -> List[Tuple[int, float]]:
    """Find out which entity each marked text is, by its similarity to the separate translation of the entity.

    texts (Sequence[str]), names (Sequence[str]): The marked texts, in order; the separately translated entities.
    threshold (float): Least similarity (difflib's ratio of the texts in lower case).
    quirks (bool): Do as the seed paper's released code: texts are compared including their brackets, and the last
        entity above the threshold is taken instead of the best.
    RETURNS (List[Tuple[int, float]]): The entity of each marked text, or -1, and the similarity. No entity comes twice.
    """
    ratios = [[_ratio(f"[{text}]" if quirks else text, name) for name in names] for text in texts]
    result = [(-1, 0.0)] * len(texts)
    taken = set()
    if quirks:
        for marked, entity_ratios in enumerate(ratios):
            for entity, ratio in enumerate(entity_ratios):
                if entity not in taken and ratio > threshold:
                    result[marked] = (entity, ratio)
            taken.add(result[marked][0])
        return result
    # The best match comes first. Among equally good ones, those in the same order on both sides win.
    ranked = sorted(
        (-ratio, abs(marked / max(1, len(texts)) - entity / max(1, len(names))), marked, entity)
        for marked, entity_ratios in enumerate(ratios)
        for entity, ratio in enumerate(entity_ratios)
        if ratio >= threshold
    )
    matched = set()
    for ratio, _, marked, entity in ranked:
        if marked not in matched and entity not in taken:
            result[marked] = (entity, -ratio)
            matched.add(marked)
            taken.add(entity)
    return result


def _ratio(text: str, name: str) -> float:
    if max(len(text), len(name)) > LONGEST_NAME:
        return 0.0
    return SequenceMatcher(None, comparable(text), comparable(name), autojunk=False).ratio()


def translate_marked(
    sentences: Iterable[Tuple[Sequence[str], Sequence[Entity]]],
    translator: Translator,
    style: MarkerStyle = "brackets",
    threshold: float = 0.5,
    separator: str = " ",
    quirks: bool = False,
    batch_size: int = 256,
) -> Iterator[MarkedTranslation]:
    """Translate labelled sentences with their labels.

    sentences (Iterable): Source tokens and entities.
    translator (Translator): One that keeps the markers; entities that it loses are counted as unprojected.
    style, separator: See `mark`. threshold, quirks: See `match_names`.
    batch_size (int): Sentences that are translated together.
    YIELDS (MarkedTranslation): One per sentence, in order.
    """
    pairs = (SentencePair(tokens, (), entities, Alignment()) for tokens, entities in sentences)
    for batch in minibatch(pairs, batch_size):
        outputs = _translate_marked(batch, translator, style, separator)
        names = translate_names(batch, translator, separator) if style == "brackets" else [[] for _ in batch]
        for pair, output, entity_names in zip(batch, outputs, names, strict=True):
            spans: List[Tuple[int, int, str, int, float]] = []
            taken = set()
            for start, end, source, ratio in _identified(output, entity_names, threshold, quirks):
                # A translator that splits an entity repeats its tag: only the first part is kept.
                if 0 <= source < len(pair.entities) and source not in taken:
                    taken.add(source)
                    spans.append((start, end, pair.entities[source][2], source, ratio))
            reason = Reason.NO_TRANSLATION if output is None else Reason.NO_CANDIDATE
            lost = [Unprojected(source, reason) for source in range(len(pair.entities)) if source not in taken]
            yield MarkedTranslation("" if output is None else output.text, spans, lost)


def _translate_marked(
    batch: Sequence[SentencePair], translator: Translator, style: MarkerStyle, separator: str
) -> List[Optional[Marked]]:
    outputs = translate_all(translator, [mark(pair.source, pair.entities, style, separator) for pair in batch])
    return [None if output.text is None else unmark(output.text, style) for output in outputs]


def _identified(
    output: Optional[Marked], names: Sequence[str], threshold: float, quirks: bool = False
) -> Iterator[Tuple[int, int, int, float]]:
    """YIELDS (Tuple[int, int, int, float]): Start and end of each marked span, its entity (by its tag or its similarity
    to the entity's translation), and the similarity.
    """
    if output is None:
        return
    texts = [output.text[start:end] for start, end, number in output.spans if number is None]
    matches = iter(match_names(texts, names, threshold, quirks))
    for start, end, number in output.spans:
        yield start, end, *(next(matches) if number is None else (number, 1.0))


@dataclass(eq=False)
class MarkerProjector(KeepsTranslator, ScoredSpansProjector):
    """Projects onto a given target text by looking for translated entities in it (`xner.Markers.v1`).

    The source is translated with its entities in markers. The projector then looks in the target text for the marked
    words, and for the translation of the entity alone, and chooses the spans of all entities together. It does not use
    word links. A span's score is its similarity to the translated entity.

    translator (Translator): Translates source to target, and keeps the markers.
    style (str): "brackets" or numbered "tags".
    threshold (float): Least similarity of a target span to the translated entity.
    max_words (int): Longest target span.
    separator (str): Joins tokens to a text; empty for a script without spaces.
    batch_size (int): Sentence pairs that are translated together.
    """

    registered_name = "xner.Markers.v1"

    translator: Translator
    style: MarkerStyle = "brackets"
    threshold: float = 0.5
    max_words: int = 10
    separator: str = " "
    batch_size: int = 256

    def _score_spans(self, pairs: List[SentencePair]) -> List[Tuple[Options, str]]:
        outputs = _translate_marked(pairs, self.translator, self.style, self.separator)
        names = translate_names(pairs, self.translator, self.separator)
        scored = []
        for pair, output, entity_names in zip(pairs, outputs, names, strict=True):
            texts = [[name] for name in entity_names]
            for start, end, source, _ in _identified(output, entity_names, self.threshold):
                if output is not None and 0 <= source < len(texts):
                    texts[source].append(output.text[start:end])
            reason = Reason.NO_TRANSLATION if output is None else Reason.NO_CANDIDATE
            scored.append(([self._spans_like(entity_texts, pair.target) for entity_texts in texts], reason))
        return scored

    def _spans_like(self, texts: Sequence[str], target: Sequence[str]) -> List[Option]:
        """RETURNS (List[Option]): The target spans that are spelled like one of the texts."""
        best: Dict[Span, float] = {}
        for text in texts:
            for ratio, span in fuzzy_spans(text, target, self.max_words):
                if ratio >= self.threshold and ratio > best.get(span, 0.0):
                    best[span] = ratio
        return [(ratio, *span) for span, ratio in sorted(best.items())]
