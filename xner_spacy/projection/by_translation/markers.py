"""Projection by markers: entities travel through a translator in brackets (Chen et al. 2023,
EasyProject).

Two uses. `translate_marked` makes labelled target text out of labelled source text
(translate-train). `MarkerProjector`
labels a target text that exists (translate-test): the bracketed words of the source's translation
    are
looked for in it.
"""

import re
from difflib import SequenceMatcher
from itertools import islice
from typing import (
    Dict,
    Iterable,
    Iterator,
    List,
    Literal,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ...scripts import join_words
from ...text import comparable
from ...types import (
    Alignment,
    Entity,
    ProjectedSpan,
    Projection,
    Projector,
    Reason,
    SentencePair,
    Translator,
    Unprojected,
)
from ..matching.candidates import LONGEST_NAME, fuzzy_spans
from ..matching.interfaces import Option
from ..matching.solvers import Limits, solve_exact
from ..projectors import BaseProjector, batches, give_up, too_long
from ..state import part_state, with_state
from .entity_translations import translate_all, translate_names

MarkerStyle = Literal["brackets", "tags"]
_BRACKETS = re.compile(r"\[\s*([^\[\]]*?)\s*\]")
_TAGS = re.compile(r"<(e\d+)>\s*(.*?)\s*</\1>", re.DOTALL)
_STRAY = {"brackets": re.compile(r"[\[\]]"), "tags": re.compile(r"</?e\d+>")}


class Marked(NamedTuple):
    """A text out of a translator, markers taken off.

    text (str): The text.
    spans (List[Tuple[int, int, Optional[int]]]): Character spans that were marked, with the number
        of the entity where the markers tell it (tags do, brackets do not).
    stray (int): Markers without a partner, removed.
    """

    text: str
    spans: List[Tuple[int, int, Optional[int]]]
    stray: int


class MarkedTranslation(NamedTuple):
    """A labelled translation: its text, the character span and label per projected entity, and the
    rest.
    """

    text: str
    spans: List[Tuple[int, int, str, int, float]]  # start, end, label, source, score
    unprojected: List[Unprojected]


def mark(
    tokens: Sequence[str],
    entities: Sequence[Entity],
    style: MarkerStyle = "brackets",
    separator: str = " ",
) -> str:
    """Put markers round entities.

    tokens (Sequence[str]): Source tokens. Brackets of their own become parentheses with style
        "brackets", so that they are not taken for markers.
    entities (Sequence[Entity]): The entities; they may not overlap.
    style (str): "brackets" [ ] or numbered "tags" <e0> </e0>, for translators that keep HTML.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    RETURNS (str): The marked text.
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
    """Take markers off.

    text (str): A translator's output.
    style (str): As in `mark`.
    RETURNS (Marked): The text, its marked character spans, and how many markers had no partner.
    """
    pattern = _BRACKETS if style == "brackets" else _TAGS
    stray = 0

    def clean(piece: str) -> str:
        nonlocal stray
        piece, count = _STRAY[style].subn("", piece)
        stray += count
        return piece

    out = ""
    spans: List[Tuple[int, int, Optional[int]]] = []
    place = 0
    for match in pattern.finditer(text):
        out += clean(text[place : match.start()])
        body = clean(match[match.lastindex or 1])
        if body:
            number = int(match[1][1:]) if style == "tags" else None
            spans.append((len(out), len(out) + len(body), number))
        out += body
        place = match.end()
    return Marked(out + clean(text[place:]), spans, stray)


def match_names(
    found: Sequence[str],
    names: Sequence[str],
    threshold: float = 0.5,
    quirks: bool = False,
) -> List[Tuple[int, float]]:
    """Tell which entity each marked text is, by how like it is to the entity's own translation.

    found (Sequence[str]): The marked texts, in order.
    names (Sequence[str]): The entities, each translated on its own.
    threshold (float): Least similarity (difflib's ratio of the texts in lower case).
    quirks (bool): As the seed paper's released code: texts are compared with their brackets, and
        the last entity over the threshold is taken, not the best.
    RETURNS (List[Tuple[int, float]]): Per marked text the entity, or -1, and the similarity. No
        entity is taken twice.
    """
    ratios = [[_ratio(f"[{text}]" if quirks else text, name) for name in names] for text in found]
    result = [(-1, 0.0)] * len(found)
    taken = set()
    if quirks:
        for k, row in enumerate(ratios):
            for s, ratio in enumerate(row):
                if s not in taken and ratio > threshold:
                    result[k] = (s, ratio)
            taken.add(result[k][0])
        return result
    # The best match of all first; of equals those that are in the same order on both sides.
    ranked = sorted(
        (-ratio, abs(k / max(1, len(found)) - s / max(1, len(names))), k, s)
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


def _ratio(one: str, other: str) -> float:
    if max(len(one), len(other)) > LONGEST_NAME:
        return 0.0
    return SequenceMatcher(None, comparable(one), comparable(other), autojunk=False).ratio()


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
    style, separator: See `mark`.
    threshold, quirks: See `match_names`.
    batch_size (int): Sentences that are translated together.
    YIELDS (MarkedTranslation): One per sentence, in order.
    """
    rest = iter(sentences)
    while some := list(islice(rest, batch_size)):
        batch = [SentencePair(tokens, (), entities, Alignment()) for tokens, entities in some]
        marked = _translate_marked(batch, translator, style, separator)
        alone = translate_names(batch, translator, separator) if style == "brackets" else []
        for k, (_, entities) in enumerate(some):
            output = marked[k]
            if output is None:
                lost = [Unprojected(s, Reason.NO_TRANSLATION) for s in range(len(entities))]
                yield MarkedTranslation("", [], lost)
                continue
            matches: List[Tuple[int, float]]
            if style == "brackets":
                texts = [output.text[a:b] for a, b, _ in output.spans]
                matches = match_names(texts, alone[k], threshold, quirks)
            else:
                matches = [(-1 if n is None else n, 1.0) for _, _, n in output.spans]
            spans: List[Tuple[int, int, str, int, float]] = []
            taken = set()
            for (a, b, _), (s, ratio) in zip(output.spans, matches, strict=True):
                # A translator that tears an entity apart repeats its tag: the first part stands.
                if 0 <= s < len(entities) and s not in taken:
                    taken.add(s)
                    spans.append((a, b, entities[s][2], s, ratio))
            lost = [Unprojected(s, Reason.NO_CANDIDATE) for s in range(len(entities)) if s not in taken]
            yield MarkedTranslation(output.text, spans, lost)


def _translate_marked(
    batch: Sequence[SentencePair], translator: Translator, style: MarkerStyle, separator: str
) -> List[Optional[Marked]]:
    texts = [mark(pair.source, pair.entities, style, separator) for pair in batch]
    outputs = translate_all(translator, texts)
    return [None if o.text is None else unmark(o.text, style) for o in outputs]


def make_markers(
    translator: Translator,
    style: MarkerStyle = "brackets",
    threshold: float = 0.5,
    max_words: int = 10,
    separator: str = " ",
    batch_size: int = 256,
) -> Projector:
    """Create projection by markers onto a given target text (`xner.Markers.v1`).

    The source is translated with its entities in markers. What stands in the markers is looked for
    in the target text, and so is the entity translated on its own; the spans are chosen for all
    entities together.

    translator (Translator): Source to target, one that keeps the markers.
    style (str): "brackets" or numbered "tags".
    threshold (float): Least similarity of a target span with the translated entity.
    max_words (int): Longest target span.
    separator (str): What stands between tokens in a text; nothing in a script without spaces.
    batch_size (int): Sentence pairs that are translated together.
    RETURNS (Projector): The projector.
    """
    return MarkerProjector(translator, style, threshold, max_words, separator, batch_size)


class MarkerProjector(BaseProjector):
    """Projects by looking for translated entities. See `make_markers` for the settings."""

    def __init__(
        self,
        translator: Translator,
        style: MarkerStyle,
        threshold: float,
        max_words: int,
        separator: str,
        batch_size: int,
    ) -> None:
        self.translator = translator
        self.style: MarkerStyle = style
        self.threshold = threshold
        self.max_words = max_words
        self.separator = separator
        self.batch_size = batch_size

    def project_pairs(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]:
        """Project each pair. A span's score is its similarity with the translated entity.

        pairs (Iterable[SentencePair]): Sentence pairs; links are not looked at.
        YIELDS (Projection): One per pair, in order.
        """
        for batch in batches(pairs, self.batch_size):
            asked = [p for p in batch if p.entities and p.target and not too_long(p)]
            marked = iter(_translate_marked(asked, self.translator, self.style, self.separator))
            names = iter(translate_names(asked, self.translator, self.separator))
            for pair in batch:
                if not pair.entities:
                    yield Projection()
                elif not pair.target:
                    yield give_up(pair, Reason.NO_CANDIDATE)
                elif too_long(pair):
                    yield give_up(pair, Reason.TOO_LONG)
                else:
                    yield self._project(pair, next(marked), next(names))

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What the translator has to be saved, if anything."""
        return part_state("xner.Markers.v1", self.translator)

    def from_bytes(self, data: bytes) -> "MarkerProjector":
        """Take on what `to_bytes` gave. RETURNS (MarkerProjector): Itself. RAISES: InputError."""
        self.translator = with_state("xner.Markers.v1", self.translator, data)
        return self

    def _project(self, pair: SentencePair, output: Optional[Marked], alone: List[str]) -> Projection:
        wanted = [[name] for name in alone]
        if output is not None:
            texts = [output.text[a:b] for a, b, _ in output.spans]
            if self.style == "tags":
                matches = [(-1 if n is None else n, 1.0) for _, _, n in output.spans]
            else:
                matches = match_names(texts, alone, self.threshold)
            for text, (s, _) in zip(texts, matches, strict=True):
                if 0 <= s < len(wanted):
                    wanted[s].append(text)
        options: List[List[Option]] = []
        for texts in wanted:
            best: Dict[Tuple[int, int], float] = {}
            for text in texts:
                for ratio, span in fuzzy_spans(text, pair.target, self.max_words):
                    if ratio >= self.threshold and ratio > best.get(span, 0.0):
                        best[span] = ratio
            options.append([(ratio, a, b) for (a, b), ratio in sorted(best.items())])
        chosen = solve_exact(options, Limits(0, 1))
        found = {c.entity for c in chosen}
        lost_reason = Reason.NO_TRANSLATION if output is None else Reason.NO_CANDIDATE
        return Projection(
            [ProjectedSpan(c.start, c.end, pair.entities[c.entity][2], c.entity, c.score) for c in chosen],
            [
                Unprojected(s, Reason.OVERLAP if options[s] else lost_reason)
                for s in range(len(pair.entities))
                if s not in found
            ],
        )
