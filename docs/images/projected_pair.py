"""Draws a sentence, its translation, the word links and the projected entities as an SVG.

    python docs/images/projected_pair.py training/is/teacher "Stjórnin í ..." docs/images/projected-pair.svg

The pipeline is a teacher; nothing is drawn that it did not find.
"""

import html
from pathlib import Path
from typing import List, Sequence, Tuple

import spacy
import typer
from spacy.tokens import Doc

SIZE = 17  # pixels of the letters
GAP = 11
TOP, BOTTOM, HEIGHT = 74, 214, 282
EDGE = 26
# Widths of letters in sizes, for a common sans-serif font. Each word is told its width, so that any font fits.
NARROW, WIDE = "iíjl.,'’:;!|ftrI()", "mwMWÆæ—"
STYLE = """
.card { fill: #ffffff; stroke: #d0d7de } .word { fill: #1f2328 } .note { fill: #59636e } .link { stroke: #afb8c1 }
.PER { --ink: #0a6e4f; --paper: #d7f5e8 } .LOC { --ink: #9a4a00; --paper: #ffe8d1 } .ORG { --ink: #1f4fb3; --paper: #dde8ff }
@media (prefers-color-scheme: dark) {
.card { fill: #161b22; stroke: #30363d } .word { fill: #e6edf3 } .note { fill: #9aa4ae } .link { stroke: #57606a }
.PER { --ink: #5fd6a8; --paper: #12382b } .LOC { --ink: #ffb070; --paper: #43290f } .ORG { --ink: #8fb4ff; --paper: #1c2d52 }
}
.name { fill: var(--paper); stroke: var(--ink) } .label { fill: var(--ink) } .carried { stroke: var(--ink) }
"""


def width(word: str) -> float:
    """RETURNS (float): About how many pixels a word takes."""
    return SIZE * sum(0.3 if c in NARROW else 0.85 if c in WIDE else 0.66 if c.isupper() else 0.53 for c in word)


def places(words: Sequence[str], whole: float) -> List[Tuple[float, float]]:
    """RETURNS (List[Tuple[float, float]]): The left edge and the width of each word, centred in a line."""
    widths = [width(word) for word in words]
    left = EDGE + (whole - sum(widths) - GAP * (len(words) - 1)) / 2
    edges = [left + sum(widths[:i]) + GAP * i for i in range(len(words))]
    return list(zip(edges, widths, strict=True))


def draw(doc: Doc) -> str:
    """RETURNS (str): The picture of a Doc with its source, links and entities."""
    source: Doc = doc._.xner_source
    lines = [[token.text for token in side] for side in (source, doc)]
    whole = max(sum(map(width, words)) + GAP * (len(words) - 1) for words in lines)
    rows = [places(words, whole) for words in lines]
    labels = {i: ent.label_ for ent in doc.ents for i in range(ent.start, ent.end)}
    title = f"{source.text} ({source.lang_}) and {doc.text} ({doc.lang_}), with word links and entities."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole + 2 * EDGE:.0f} {HEIGHT}" role="img"'
        ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="card" x="1" y="1" width="{whole + 2 * EDGE - 2:.0f}" height="{HEIGHT - 2}" rx="10"/>',
        f'<text class="note" x="{EDGE}" y="30" font-size="13">'
        f"{source.lang_}: translated, and labelled by the source pipeline</text>",
        f'<text class="note" x="{EDGE}" y="{HEIGHT - 16}" font-size="13">'
        f"{doc.lang_}: the words are aligned, and the names are carried over along the links</text>",
    ]
    for i, j in sorted(doc._.xner_alignment.links.tolist(), key=lambda link: link[1] in labels):
        (left, wide), (left_below, wide_below) = rows[0][i], rows[1][j]
        x, y = left + wide / 2, left_below + wide_below / 2
        kind = f"{labels[j]} carried" if j in labels else "link"
        parts.append(
            f'<path class="{kind}" d="M{x:.1f} {TOP + 12}C{x:.1f} {TOP + 62} {y:.1f} {BOTTOM - 72} {y:.1f} {BOTTOM - 24}"'
            f' fill="none" stroke-width="{2 if j in labels else 1.2}"/>'
        )
    for side, row, base in ((source, rows[0], TOP), (doc, rows[1], BOTTOM)):
        for ent in side.ents:
            left, right = row[ent.start][0] - 5, sum(row[ent.end - 1]) + 5
            label = base - 26 if side is source else base + 25
            parts.append(
                f'<g class="{ent.label_}"><rect class="name" x="{left:.1f}" y="{base - 19}" width="{right - left:.1f}"'
                f' height="27" rx="5"/><text class="label" x="{left + 1:.1f}" y="{label}" font-size="11"'
                f' font-weight="600">{ent.label_}</text></g>'
            )
        for (left, wide), token in zip(row, side, strict=True):
            parts.append(
                f'<text class="word" x="{left:.1f}" y="{base}" font-size="{SIZE}" textLength="{wide:.1f}"'
                f' lengthAdjust="spacingAndGlyphs">{html.escape(token.text)}</text>'
            )
    return "\n".join([*parts, "</svg>\n"])


def main(pipeline: Path, text: str, output: Path) -> None:
    """Label a text with a teacher, and draw what it did."""
    output.write_text(draw(spacy.load(pipeline)(text)), encoding="utf8")


if __name__ == "__main__":
    typer.run(main)
