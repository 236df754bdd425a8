"""Screenshots of drawn sentences, compared to what should be there: computed here from the data and from where the browser
puts the words, without the code that draws.
"""

import base64
import io
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
import pytest

import xner_spacy
from xner_spacy.report.view.comparing import Rows
from xner_spacy.report.view.pages import write_page

from .test_view_browser import SIZES, addresses, rows, show
from .toy import SENTENCES, toy_docs, toy_run

Image = pytest.importorskip("PIL.Image", reason="needs Pillow")

__all__ = ["addresses", "rows"]

# displaCy's colours of these labels.
COLOURS = {"PER": (0xAA, 0x9C, 0xFC), "LOC": (0xFF, 0x95, 0x61), "ORG": (0x7A, 0xEC, 0xEC)}
Box = Tuple[float, float, float, float]  # left, top, right, bottom


class Seen(NamedTuple):
    """A drawn sentence: its picture, and where its words (without the padding of boxes), boxes and links lie in it."""

    picture: Any  # rows x columns x 3, 8-bit
    target: List[Box]
    source: List[Box]
    marks: List[Tuple[str, Box]]
    bands: List[Box]  # of the links, one for each cell
    cells: List[Tuple[int, int]]  # how many words of the target, and of the source, each cell has
    em: float

    @property
    def paper(self) -> Tuple[int, ...]:
        """RETURNS (Tuple[int, ...]): The colour of the background: that of most pixels."""
        colours, counts = np.unique(self.picture.reshape(-1, 3), axis=0, return_counts=True)
        return tuple(colours[counts.argmax()].tolist())


LAYOUT = """
const sentence = document.querySelectorAll(".xner-sentence")[arguments[0]], dpr = devicePixelRatio;
sentence.scrollIntoView({block: "center"});
const outer = sentence.getBoundingClientRect();
const box = r => [r.left - outer.left, r.top - outer.top, r.right - outer.left, r.bottom - outer.top].map(x => x * dpr);
const letters = e => { const range = document.createRange(); range.selectNodeContents(e);
    return box(range.getBoundingClientRect()); };
const shown = [...sentence.querySelectorAll(".xner-cell")].filter(e => e.checkVisibility());
const all = (cell, what) => [...cell.querySelectorAll(what)];
const words = side => shown.flatMap(cell => all(cell, `.xner-${side} .xner-token`).map(letters));
return {
    clip: [outer.left + scrollX, outer.top + scrollY, outer.width, outer.height],
    target: words("target"), source: words("source"),
    marks: shown.flatMap(cell => all(cell, "mark").map(e => [e.className.split(" ")[1].slice(5), box(e.getBoundingClientRect())])),
    bands: shown.map(cell => box(cell.querySelector("svg").getBoundingClientRect())),
    cells: shown.map(cell => ["target", "source"].map(side => all(cell, `.xner-${side} .xner-token`).length)),
    em: parseFloat(getComputedStyle(sentence).fontSize) * dpr,
}"""


def screenshot(browser: Any, clip: Sequence[float]) -> Any:
    """RETURNS (Any): A part of the page as an array: rows x columns x 3."""
    area = dict(zip(("x", "y", "width", "height"), clip, strict=True), scale=1)
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": area, "captureBeyondViewport": True})
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB"))


def look_at(browser: Any, number: int) -> Seen:
    """RETURNS (Seen): A sentence of the page."""
    # A picture is taken without scrollbars, and without them the page is wider.
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    layout: Dict[str, Any] = browser.execute_script(LAYOUT, number)
    return Seen(screenshot(browser, layout.pop("clip")), **layout)


def far_from(pixels: Any, colour: Sequence[int], most: int = 24) -> Any:
    """RETURNS (Any): Which pixels have another colour."""
    return np.abs(pixels.astype(int) - np.array(colour)).max(axis=-1) > most


def middle(box: Box) -> float:
    return (box[0] + box[2]) / 2


def line_places(seen: Seen, band: Box) -> List[float]:
    """RETURNS (List[float]): Where lines cross the middle of a cell's links, from left to right."""
    drawn = far_from(seen.picture[round((band[1] + band[3]) / 2)], seen.paper)
    drawn[: max(0, round(band[0]))] = False
    drawn[round(band[2]) :] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], drawn.astype(int), [0]])))
    return [(start + end - 1) / 2 for start, end in edges.reshape(-1, 2).tolist()]


def ink_lines(seen: Seen) -> int:
    """RETURNS (int): In how many lines something is drawn, with paper alone between them."""
    rows_with_ink = far_from(seen.picture, seen.paper).any(axis=1).astype(int)
    return int((np.diff(rows_with_ink, prepend=0) == 1).sum())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, str]]:
    """Addresses of the same sentences: in a page of `xner view`, and drawn by `render`."""
    folder = tmp_path_factory.mktemp("pictures")
    write_page(Rows(toy_run(folder / "run.spacy")), folder / "view.html", limit=10)
    drawing = xner_spacy.render(toy_docs(), page=True, jupyter=False)
    (folder / "render.html").write_text(str(drawing), encoding="utf8")
    yield {name: (folder / f"{name}.html").as_uri() for name in ("view", "render")}


def open_page(browser: Any, pages: Dict[str, str], kind: str, width: int, scheme: str) -> None:
    if kind == "view":
        show(browser, pages["view"], width, scheme)
        return
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZES[width])
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": "screen"})
    browser.get(pages["render"])


def links_of(number: int) -> List[Tuple[int, int]]:
    """RETURNS (List[Tuple[int, int]]): Source and target word of each link of a toy sentence."""
    return [tuple(map(int, link.split("-"))) for link in SENTENCES[number][2].split()]  # type: ignore[misc]


WITH_READING = [number for number, sentence in enumerate(SENTENCES) if sentence[1] is not None]
EACH_VIEW = pytest.mark.parametrize(
    ("kind", "width", "scheme"),
    [("view", 360, "light"), ("view", 768, "dark"), ("view", 1280, "light"), ("render", 1280, "light")],
)


@EACH_VIEW
@pytest.mark.parametrize("number", WITH_READING)
def test_a_line_for_each_link_and_no_other(
    browser: Any, pages: Any, kind: str, width: int, scheme: str, number: int
) -> None:
    open_page(browser, pages, kind, width, scheme)
    seen = look_at(browser, number)
    first = [0, 0]
    for band, sizes in zip(seen.bands, seen.cells, strict=True):
        ranges = [range(start, start + size) for start, size in zip(first, sizes, strict=True)]
        first = [part.stop for part in ranges]
        inside = [(s, t) for s, t in links_of(number) if t in ranges[0] and s in ranges[1]]
        assert all((t in ranges[0]) == (s in ranges[1]) for s, t in links_of(number)), "these cells hold whole links"
        # Half way down, a link is half way between its words.
        expected = sorted((middle(seen.target[t]) + middle(seen.source[s])) / 2 for s, t in inside)
        places = line_places(seen, band)
        assert len(places) == len(expected), (places, expected)
        assert np.allclose(places, expected, atol=0.3 * seen.em)


@EACH_VIEW
@pytest.mark.parametrize("number", WITH_READING)
def test_boxes_have_their_colour_and_the_line_of_their_score(
    browser: Any, pages: Any, kind: str, width: int, scheme: str, number: int
) -> None:
    open_page(browser, pages, kind, width, scheme)
    seen = look_at(browser, number)
    _, _, _, spans, losses = SENTENCES[number]
    boxes = [box for mark, box in seen.marks if mark == "span"]
    assert len(boxes) == len(spans) and sum(mark == "lost" for mark, _ in seen.marks) == len(losses)
    for (left, top, right, bottom), (start, _, label, score, _) in zip(boxes, spans, strict=True):
        word = seen.target[start]
        assert left < word[0] and word[2] < right and top < word[1]
        colour = COLOURS[label]
        assert not far_from(seen.picture[round((top + bottom) / 2), round(left + 0.12 * seen.em)], colour, 3)
        # The line at the bottom is as long as the score says, and of a darker colour.
        line = far_from(seen.picture[round(bottom - 0.1 * seen.em), round(left) : round(right)], colour)
        reach = np.flatnonzero(line[: len(line) - round(0.3 * seen.em)]).max() + 1
        assert abs(reach - score * (right - left)) <= max(2.0, 0.3 * seen.em if score > 0.85 else 0.0)
    for mark, (left, top, right, bottom) in seen.marks:
        if mark == "lost":
            # Nothing was projected: a dashed frame, and the paper within.
            assert not far_from(seen.picture[round((top + bottom) / 2), round(left + 0.15 * seen.em)], seen.paper, 3)
            strip = seen.picture[round(top - 0.15 * seen.em) : round(top + 0.25 * seen.em), round(left) : round(right)]
            frame = far_from(strip, seen.paper).any(axis=0)
            assert 0.2 < frame.mean() < 0.9


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_paper(browser: Any, pages: Any, scheme: str, is_dark: bool) -> None:
    open_page(browser, pages, "view", 1280, scheme)
    paper = look_at(browser, 0).paper
    assert paper == (255, 255, 255) if not is_dark else max(paper) < 50


def test_without_links_there_are_none(browser: Any, pages: Any) -> None:
    open_page(browser, pages, "view", 1280, "light")
    assert look_at(browser, 3).bands
    browser.execute_script("document.getElementById('links').click()")
    without = look_at(browser, 3)
    assert without.bands == [] and ink_lines(without) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_the_file_looks_as_the_served_page(browser: Any, addresses: Dict[str, str], width: int, scheme: str) -> None:
    pictures = []
    for mode in ("file", "server"):
        show(browser, addresses[mode], width, scheme)
        pictures.append([look_at(browser, number).picture for number in range(len(SENTENCES))])
    for file, served in zip(*pictures, strict=True):
        assert file.shape == served.shape and (file == served).all()
