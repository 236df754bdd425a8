"""Draw sentences as HTML that needs no script: words flow and wrap, links are SVG, spans have displaCy's colours.

The page of `xner view` and `xner_spacy.render` share this drawing. A sentence is drawn twice: as flowing text, which is
what a screen reader reads and a search finds, and in cells with its links (see `cells`). One of the two is shown.
"""

import re
import unicodedata
from functools import cached_property, lru_cache
from itertools import accumulate, groupby
from typing import AbstractSet, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup
from spacy.displacy import EntityRenderer

from ...errors import require
from ...evaluation.entities import Pairing
from ..templating import environment
from .cells import DESKTOP, NO_SPACE, PHONE, SPACE, TABLET, Cell, cut, token_widths, width_of
from .sentences import REASONS, ShownLoss, ShownSentence, ShownSpan, spaced

# A longer sentence is shown as text alone.
MOST_TOKENS = 300
# The height of the links between the two lines, in em.
HEIGHT = 2.6
BLACK, WHITE = "#09090b", "#ffffff"
# What a colour may consist of: names, #rrggbb, functions such as rgb() and linear-gradient().
_COLOUR = re.compile(r"[#\w(),.%\s-]+")
_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)

# The kinds of errors, in words.
ERRORS = {
    "boundary": "other boundaries",
    "type": "other label",
    "boundary_and_type": "other boundaries and label",
    "spurious": "not in gold",
    "missing": "missing",
}


class Palette:
    """Colours of labels: displaCy's, those that are registered with it, and some of one's own. PER has the colour of
    PERSON.

    colours (Optional[Mapping[str, str]]): Colours in CSS, by label.
    """

    def __init__(self, colours: Optional[Mapping[str, str]] = None) -> None:
        own = dict(colours or {})
        for label, colour in own.items():
            is_colour = isinstance(colour, str) and _COLOUR.fullmatch(colour) and "url(" not in colour.lower()
            require(
                is_colour, f"{colour!r} is no colour for {label}.", "Give one as in CSS: '#7aecec', 'rgb(0 128 0)'."
            )
        displacy = EntityRenderer(options={"colors": own})
        self.default = displacy.default_color
        self.colours = {"PER": displacy.colors["PERSON"], **displacy.colors}

    def __getitem__(self, label: str) -> str:
        colour = self.colours.get(label.upper(), self.default)
        return colour if _COLOUR.fullmatch(colour) and "url(" not in colour.lower() else self.default

    def ink(self, label: str) -> str:
        """RETURNS (str): Black or white, whichever is easier to read on the colour of a label."""
        match = _HEX.fullmatch(self[label])
        if match is None:
            return BLACK
        red, green, blue = (int(part, 16) for part in match.groups())
        return WHITE if 0.299 * red + 0.587 * green + 0.114 * blue < 110 else BLACK


class Mark(NamedTuple):
    """A box around tokens. kind (str): `span` of the text; or of the reading: `carried` (it has a span), `read` (nothing
    is known of it), `lost`.
    """

    start: int
    end: int
    label: str
    note: str  # the score or the reason, in short
    title: str
    kind: str
    colour: str
    ink: str
    share: Optional[int] = None  # the score in percent
    differs: bool = False

    @property
    def tag(self) -> str:
        """RETURNS (str): The label with its note."""
        return f"{self.label} {self.note}".strip()


class Token(NamedTuple):
    """A token in a cell: its width and the gap after it, in em, and whether it may break into lines."""

    text: str
    width: float
    gap: float
    breaks: bool


class Piece(NamedTuple):
    """Consecutive tokens, in one box or outside of all. first, last (bool): Whether the box begins and ends here."""

    mark: Optional[Mark]
    tokens: List[Token]
    text: str
    first: bool
    last: bool


class Line(NamedTuple):
    """A link in a cell, as a path in hundredths of an em. kind (str): `inside` or `across`, to another cell."""

    path: str
    kind: str
    colour: Optional[str]
    strength: float
    title: str


class DrawnCell(NamedTuple):
    """A cell, ready for the template."""

    width: float
    target: List[Piece]
    source: List[Piece]
    lines: List[Line]


class Drawn:
    """A sentence, ready for the template.

    palette (Palette): The colours. differing (AbstractSet[Tuple[int, int, str]]): The spans (start, end, label) that
        another run lacks.
    """

    def __init__(
        self, sentence: ShownSentence, palette: Palette, differing: AbstractSet[Tuple[int, int, str]] = frozenset()
    ) -> None:
        self.sentence = sentence
        self.marks = [_span_mark(span, palette, (*span[:3],) in differing) for span in sentence.spans]
        self.source_marks = _source_marks(sentence, palette)
        self.direction = direction_of(sentence.words)

    @property
    def flowing(self) -> List[Piece]:
        """RETURNS (List[Piece]): The text with its boxes."""
        return _pieces(self.sentence.words, self.sentence.spaces, self.marks)

    @property
    def flowing_source(self) -> List[Piece]:
        """RETURNS (List[Piece]): The reading with its boxes."""
        return _pieces(self.sentence.source_words or (), self.sentence.source_spaces, self.source_marks)

    @property
    def source_direction(self) -> str:
        """RETURNS (str): The direction of the script of the reading."""
        return direction_of(self.sentence.source_words or ())

    @property
    def losses(self) -> List[Tuple[ShownLoss, str, str]]:
        """RETURNS (List[Tuple[ShownLoss, str, str]]): What was lost, its words, and why."""
        words, spaces = self.sentence.source_words or (), self.sentence.source_spaces
        return [
            (loss, spaced(words[loss.start : loss.end], spaces[loss.start : loss.end]), reason_text(loss.reason))
            for loss in self.sentence.lost
        ]

    @property
    def mistakes(self) -> List[Tuple[str, str]]:
        """RETURNS (List[Tuple[str, str]]): The errors against gold: kind, and what is in the place of what."""
        return [(ERRORS[p.kind], self._mistake(p)) for p in self.sentence.errors if p.kind != "correct"]

    def _mistake(self, pairing: Pairing) -> str:
        sides = []
        for entity in (pairing.predicted, pairing.gold):
            if entity is not None:
                place = slice(entity.start, entity.end)
                sides.append(f"{entity.label} “{spaced(self.sentence.words[place], self.sentence.spaces[place])}”")
        return " in place of ".join(sides)

    @cached_property
    def layouts(self) -> List[Tuple[str, List[DrawnCell]]]:
        """RETURNS (List[Tuple[str, List[DrawnCell]]]): The sentence in cells, and for which widths of a page (`s`, `m`,
        `l`); one layout if it has no wide cell. None for a sentence without a reading, and for a very long one.
        """
        sentence = self.sentence
        if sentence.source_words is None or max(len(sentence.words), len(sentence.source_words)) > MOST_TOKENS:
            return []
        sides = (
            (sentence.words, sentence.spaces, self.marks),
            (sentence.source_words, sentence.source_spaces, self.source_marks),
        )
        widths = [
            token_widths(words, spaces, [(mark.start, mark.end, mark.tag) for mark in marks])
            for words, spaces, marks in sides
        ]
        by_cells: Dict[Tuple[Cell, ...], List[str]] = {}
        for name, most in (("s", PHONE), ("m", TABLET), ("l", DESKTOP)):
            cells = cut(sentence, widths[0], widths[1], [mark[:2] for mark in self.source_marks], most)
            by_cells.setdefault(tuple(cells), []).append(name)
        return [
            (" ".join(f"xner-{name}" for name in names), [self._draw(cell, widths) for cell in cells])
            for cells, names in by_cells.items()
        ]

    def _draw(self, cell: Cell, widths: Sequence[Sequence[float]]) -> DrawnCell:
        sentence = self.sentence
        sizes = [sum(side[slice(*part)]) for side, part in zip(widths, cell, strict=True)]
        width = max(*sizes, 0.5)
        centres: List[Dict[int, float]] = []
        spaces = (sentence.spaces, sentence.source_spaces)
        for side, (start, end), size, its_spaces in zip(widths, cell, sizes, spaces, strict=True):
            begins = list(accumulate(side[start:end], initial=(width - size) / 2))
            # A box ends its last token with a padding; the middle of a word is that of its letters.
            gaps = [SPACE if its_spaces[k] else NO_SPACE for k in range(start, end)]
            centres.append({start + k: begins[k] + (side[start + k] - gaps[k]) / 2 for k in range(end - start)})
        target = _pieces(sentence.words, sentence.spaces, self.marks, cell.target, widths[0])
        source = _pieces(sentence.source_words or (), sentence.source_spaces, self.source_marks, cell.source, widths[1])
        return DrawnCell(width, target, source, self._lines(cell, centres, width))

    def _lines(self, cell: Cell, centres: List[Dict[int, float]], width: float) -> List[Line]:
        colours = {k: mark.colour for mark in self.marks for k in range(mark.start, mark.end)}
        lines = []
        source_words = self.sentence.source_words or ()
        for source, target, score in self.sentence.links:
            x, y = centres[0].get(target), centres[1].get(source)
            if x is None and y is None:
                continue
            title = f"{self.sentence.words[target]} – {source_words[source]} ({score:.2f})"
            strength = round(0.35 + 0.65 * min(1.0, score), 2)
            if x is not None and y is not None:
                path = _curve(x, 0, y, HEIGHT, width, self.direction)
                lines.append(Line(path, "inside", colours.get(target), strength, title))
            elif x is not None:
                edge = width if source >= cell.source[1] else 0.0
                path = _curve(x, 0, edge, 0.45 * HEIGHT, width, self.direction)
                lines.append(Line(path, "across", colours.get(target), strength, title))
            elif y is not None:
                edge = width if target >= cell.target[1] else 0.0
                path = _curve(edge, 0.55 * HEIGHT, y, HEIGHT, width, self.direction)
                lines.append(Line(path, "across", colours.get(target), strength, title))
        # Links of entities are drawn last, over the others.
        return sorted(lines, key=lambda line: line.colour is not None)


def _curve(x: float, top: float, y: float, bottom: float, width: float, direction: str) -> str:
    if direction == "rtl":
        x, y = width - x, width - y
    start, end, first, last = (round(100 * number) for number in (x, y, top, bottom))
    middle = (first + last) // 2
    return f"M{start} {first}C{start} {middle} {end} {middle} {end} {last}"


def _span_mark(span: ShownSpan, palette: Palette, differs: bool) -> Mark:
    note = "" if span.score is None else f"{span.score:.2f}"
    title = f"{span.label}, score {span.score:.3f}" if note else span.label
    share = None if span.score is None else round(100 * min(1.0, max(0.0, span.score)))
    if differs:
        title += "; the other run has no such span"
    return Mark(
        *span[:3], note, title, "span", palette[span.label], palette.ink(span.label), share, differs
    )  # fmt: skip


def _source_marks(sentence: ShownSentence, palette: Palette) -> List[Mark]:
    """RETURNS (List[Mark]): The boxes of the reading. Of overlapping ones, the one that was carried over is drawn."""
    marks = [
        Mark(*span.source, span.label, "", f"{span.label}, carried over", "carried", palette[span.label],
             palette.ink(span.label))
        for span in sentence.spans if span.source is not None
    ]  # fmt: skip
    marks += [
        Mark(*span[:3], "", span.label, "read", palette[span.label], palette.ink(span.label)) for span in sentence.read
    ]
    marks += [
        Mark(*loss[:3], loss.reason.replace("_", " "), f"{loss.label}: {reason_text(loss.reason)}", "lost",
             palette[loss.label], palette.ink(loss.label))
        for loss in sentence.lost
    ]  # fmt: skip
    taken: set = set()
    free = []
    for mark in marks:
        tokens = set(range(mark.start, mark.end))
        if taken.isdisjoint(tokens):
            taken |= tokens
            free.append(mark)
    return sorted(free, key=lambda mark: mark.start)


def reason_text(reason: str) -> str:
    """RETURNS (str): A reason in words; the code of one that is not known."""
    return REASONS.get(reason, reason.replace("_", " "))


def _pieces(
    words: Sequence[str],
    spaces: Sequence[bool],
    marks: Sequence[Mark],
    part: Optional[Tuple[int, int]] = None,
    widths: Optional[Sequence[float]] = None,
) -> List[Piece]:
    """RETURNS (List[Piece]): The tokens of a part of a sentence (all, without it), with the boxes that they are in."""
    start, end = part or (0, len(words))
    of_token = {k: mark for mark in marks for k in range(mark.start, mark.end)}
    pieces = []
    for mark, group in groupby(range(start, end), key=of_token.get):
        places = list(group)
        tokens = []
        if widths is not None:
            gaps = [SPACE if spaces[k] else NO_SPACE for k in places]
            tokens = [
                Token(words[k], widths[k] - gap, gap, width_of(words[k]) > widths[k])
                for k, gap in zip(places, gaps, strict=True)
            ]
        if tokens and mark is not None:
            # The padding of the box is a part of the width of its last token.
            tokens[-1] = tokens[-1]._replace(width=tokens[-1].width - (0.5 if places[-1] == mark.end - 1 else 0))
        text = "".join(words[k] + " " * spaces[k] for k in places)
        first, last = (mark is None or places[0] == mark.start), (mark is None or places[-1] == mark.end - 1)
        pieces.append(Piece(mark, tokens, text, first, last))
    return pieces


def direction_of(words: Sequence[str]) -> str:
    """RETURNS (str): `rtl` if the first letter is of a script that is written from right to left, else `ltr`."""
    kinds = (unicodedata.bidirectional(char) for word in words for char in word)
    return "rtl" if next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def style() -> Markup:
    """RETURNS (Markup): The style of the drawing, which a page needs once."""
    return Markup(environment().get_template("view_sentence.css").render())


@lru_cache(maxsize=1)
def _macros() -> Any:
    return environment().get_template("view_sentence.html").module


def draw(drawn: Drawn) -> Markup:
    """RETURNS (Markup): The HTML of a sentence."""
    return Markup(_macros().sentence(drawn, HEIGHT))


def draw_flowing(words: Sequence[str], spaces: Sequence[bool], spans: Sequence[ShownSpan], palette: Palette) -> Markup:
    """RETURNS (Markup): A text with boxes, in one line of text."""
    marks = [_span_mark(span, palette, False) for span in spans]
    return Markup(_macros().flowing(_pieces(words, spaces, marks), direction_of(words)))
