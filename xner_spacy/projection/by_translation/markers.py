"""Projection by markers: entities travel through a translator in brackets (Chen et al. 2023, EasyProject).

Two uses. `translate_marked` makes labelled target text out of labelled source text (translate-train). `MarkerProjector`
labels a target text that exists (translate-test): the bracketed words of the source's translation are looked for in it.
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


# Start, end, and the number of the entity where the markers tell it (tags do, brackets do not).
MarkedSpan = Tuple[int, int, Optional[int]]


class Marked(NamedTuple):
    """A text out of a translator, markers taken off, and the character spans that were marked."""

    text: str
    spans: List[MarkedSpan]


class MarkedTranslation(NamedTuple):
    """A labelled translation: its text, the character span and label per projected entity, and the rest."""

    text: str
    spans: List[Tuple[int, int, str, int, float]]  # start, end, label, source, score
    unprojected: List[Unprojected]


def mark(
    tokens: Sequence[str], entities: Sequence[Entity], style: MarkerStyle = "brackets", separator: str = " "
) -> str:
    """Put markers round entities.

    tokens (Sequence[str]): Source tokens. Brackets of their own become parentheses with style "brackets", so that they
        are not taken for markers.
    entities (Sequence[Entity]): The entities; they may not overlap.
    style (str): "brackets" [ ] or numbered "tags" <e0> </e0>, for translators that keep HTML.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    """
    words = list(tokens)
    if style == "brackets":
        words = [w.replace("[", "(").replace("]", ")") for w in words]
    for number, entity in enumerate(entities):
        opening, closing = ("[", "]") if style == "brackets" else (f"<e{number}>", f"</e{number}>")
        words[entity[0]] = opening + words[entity[0]]
        words[entity[1] - 1] += closing
    return join_words(words, separator, like=tokens)


def unmark(text: str, style: MarkerStyle = "brackets") -> Marked:
    """Take markers off a translator's output, those without a partner too."""
    pattern = _BRACKETS if style == "brackets" else _TAGS
    stray = _STRAY[style]
    out = ""
    spans: List[MarkedSpan] = []
    place = 0
    for match in pattern.finditer(text):
        out += stray.sub("", text[place : match.start()])
        body = stray.sub("", match[match.lastindex or 1])
        if body:
            number = int(match[1][1:]) if style == "tags" else None
            spans.append((len(out), len(out) + len(body), number))
        out += body
        place = match.end()
    return Marked(out + stray.sub("", text[place:]), spans)


def match_names(
    texts: Sequence[str], names: Sequence[str], threshold: float = 0.5, quirks: bool = False
) -> List[Tuple[int, float]]:
    """Tell which entity each marked text is, by how like it is to the entity's own translation.

    texts (Sequence[str]), names (Sequence[str]): The marked texts, in order; the entities, each translated on its own.
    threshold (float): Least similarity (difflib's ratio of the texts in lower case).
    quirks (bool): As the seed paper's released code: texts are compared with their brackets, and the last entity over
        the threshold is taken, not the best.
    RETURNS (List[Tuple[int, float]]): Per marked text the entity, or -1, and the similarity. No entity is taken twice.
    """
    ratios = [[_ratio(f"[{text}]" if quirks else text, name) for name in names] for text in texts]
    result = [(-1, 0.0)] * len(texts)
    taken = set()
    if quirks:
        for k, row in enumerate(ratios):
            for s, ratio in enumerate(row):
                if s not in taken and ratio > threshold:
                    result[k] = (s, ratio)
            taken.add(result[k][0])
        return result
    # The best match of all first; of equally good ones those that are in the same order on both sides.
    ranked = sorted(
        (-ratio, abs(k / max(1, len(texts)) - s / max(1, len(names))), k, s)
        for k, row in enumerate(ratios)
        for s, ratio in enumerate(row)
        if ratio >= threshold
    )
    done = set()
    for ratio, _, k, s in ranked:
        if k not in done and s not in taken:
            result[k] = (s, -ratio)
            done.add(k)
            taken.add(s)
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
    translator (Translator): Any that keeps the markers; what it loses is counted as unprojected.
    style, separator: See `mark`. threshold, quirks: See `match_names`.
    batch_size (int): Sentences that are translated together.
    YIELDS (MarkedTranslation): One per sentence, in order.
    """
    pairs = (SentencePair(tokens, (), entities, Alignment()) for tokens, entities in sentences)
    for batch in minibatch(pairs, batch_size):
        outputs = _translate_marked(batch, translator, style, separator)
        names = translate_names(batch, translator, separator) if style == "brackets" else [[] for _ in batch]
        for pair, output, own in zip(batch, outputs, names, strict=True):
            spans: List[Tuple[int, int, str, int, float]] = []
            taken = set()
            for a, b, s, ratio in _identified(output, own, threshold, quirks):
                # A translator that tears an entity apart repeats its tag: the first part stands.
                if 0 <= s < len(pair.entities) and s not in taken:
                    taken.add(s)
                    spans.append((a, b, pair.entities[s][2], s, ratio))
            reason = Reason.NO_TRANSLATION if output is None else Reason.NO_CANDIDATE
            lost = [Unprojected(s, reason) for s in range(len(pair.entities)) if s not in taken]
            yield MarkedTranslation("" if output is None else output.text, spans, lost)


def _translate_marked(
    batch: Sequence[SentencePair], translator: Translator, style: MarkerStyle, separator: str
) -> List[Optional[Marked]]:
    outputs = translate_all(translator, [mark(pair.source, pair.entities, style, separator) for pair in batch])
    return [None if o.text is None else unmark(o.text, style) for o in outputs]


def _identified(
    output: Optional[Marked], names: Sequence[str], threshold: float, quirks: bool = False
) -> Iterator[Tuple[int, int, int, float]]:
    """YIELDS (Tuple[int, int, int, float]): Each marked span, with the entity that it is, by its tag or its likeness to
    the entity's translation, and the likeness.
    """
    if output is None:
        return
    texts = [output.text[a:b] for a, b, number in output.spans if number is None]
    matches = iter(match_names(texts, names, threshold, quirks))
    for start, end, number in output.spans:
        yield start, end, *(next(matches) if number is None else (number, 1.0))


@dataclass(eq=False)
class MarkerProjector(KeepsTranslator, ScoredSpansProjector):
    """Projects onto a given target text by looking for translated entities in it (`xner.Markers.v1`).

    The source is translated with its entities in markers. What stands in the markers is looked for in the target text,
    and so is the entity translated on its own; the spans are chosen for all entities together. Links are not looked at.
    A span's score is its similarity with the translated entity.

    translator (Translator): Source to target, one that keeps the markers.
    style (str): "brackets" or numbered "tags".
    threshold (float): Least similarity of a target span with the translated entity.
    max_words (int): Longest target span.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
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
        for pair, output, own in zip(pairs, outputs, names, strict=True):
            texts = [[name] for name in own]
            for a, b, s, _ in _identified(output, own, self.threshold):
                if output is not None and 0 <= s < len(texts):
                    texts[s].append(output.text[a:b])
            reason = Reason.NO_TRANSLATION if output is None else Reason.NO_CANDIDATE
            scored.append(([self._spans_like(wanted, pair.target) for wanted in texts], reason))
        return scored

    def _spans_like(self, texts: Sequence[str], target: Sequence[str]) -> List[Option]:
        """RETURNS (List[Option]): The target spans that are spelled like one of the texts."""
        best: Dict[Span, float] = {}
        for text in texts:
            for ratio, span in fuzzy_spans(text, target, self.max_words):
                if ratio >= self.threshold and ratio > best.get(span, 0.0):
                    best[span] = ratio
        return [(ratio, *span) for span, ratio in sorted(best.items())]
