"""SVG that is the same for the same input, byte for byte, on every machine.

A drawing takes its colours from the classes of `templates/chart.css`, so that one drawing stands in a page of either colour scheme and as a file of its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from textwrap import wrap
from typing import Optional, Sequence, Union
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ..escape import for_terminal

Number = Union[int, float]
GAP = 24.0
HEAD = 24.0
TITLE_CHARACTERS = 44


class Svg:
    """A drawing.

    width, height (float): In units; a unit is about a CSS pixel.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self.root = Element("svg", {"viewBox": f"0 0 {number(width)} {number(height)}"})

    def add(
        self,
        tag: str,
        css: str = "",
        *,
        text: Optional[str] = None,
        tip: Optional[str] = None,
        **attributes: Union[str, Number],
    ) -> Element:
        """Add an element.

        css (str): Its classes. text (Optional[str]): What it says. tip (Optional[str]): Shown when
            the pointer rests on it.
        attributes (Union[str, Number]): `_` stands for `-`.
        RETURNS (Element): The element.
        """
        given = {"class": css} if css else {}
        for name, value in attributes.items():
            given[name.replace("_", "-")] = value if isinstance(value, str) else number(value)
        element = SubElement(self.root, tag, given)
        if text is not None:
            element.text = for_terminal(text)
        if tip is not None:
            SubElement(element, "title").text = for_terminal(tip)
        return element

    def text(self, x: float, y: float, text: str, css: str = "tick", anchor: str = "start") -> None:
        """Write text; `y` is its baseline."""
        self.add("text", css, text=text, x=x, y=y, text_anchor=anchor)

    def path(self, points: Sequence[Sequence[float]], css: str, *, close: bool = False) -> None:
        """Draw straight lines through points."""
        steps = " L".join(f"{number(x)} {number(y)}" for x, y in points)
        self.add("path", css, d=f"M{steps}{'Z' if close else ''}")


@dataclass(frozen=True)
class Panel:
    """One of the drawings of a figure.

    title (str): Empty where the figure has one panel. svg (Svg): The drawing. description (str):
        What can be seen in it, for readers who cannot.
    """

    title: str
    svg: Svg
    description: str


def number(value: Number) -> str:
    """RETURNS (str): At most two decimals, without needless zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def inline(panel: Panel, key: str, title: str, description: str) -> str:
    """Make the markup of a panel in a page.

    key (str): Unique in the page. title, description (str): What assistive technology reads.
    RETURNS (str): An `<svg>` element.
    """
    svg = panel.svg
    root = Element(
        "svg",
        {
            "class": "chart",
            "viewBox": svg.root.attrib["viewBox"],
            "role": "img",
            "aria-labelledby": f"{key}-title",
            "aria-describedby": f"{key}-desc",
        },
    )
    SubElement(root, "title", {"id": f"{key}-title"}).text = for_terminal(title)
    SubElement(root, "desc", {"id": f"{key}-desc"}).text = for_terminal(description)
    root.extend(svg.root)
    return ElementTree.tostring(root, encoding="unicode")


def standalone(panels: Sequence[Panel], title: str, description: str) -> str:
    """Lay panels out as one file, at most three beside each other.

    RETURNS (str): An SVG document with its own style, for light and dark paper.
    """
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    across = max(panel.svg.width for panel in panels)
    lines = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    heads = [HEAD * max(len(wrap(p.title, TITLE_CHARACTERS)) for p in line) for line in lines]
    heights = [max(p.svg.height for p in line) + head for line, head in zip(lines, heads, strict=True)]
    width = columns * across + (columns + 1) * GAP
    height = sum(heights) + (len(lines) + 1) * GAP
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "chart",
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "role": "img",
            "aria-labelledby": "title desc",
        },
    )
    SubElement(root, "title", {"id": "title"}).text = for_terminal(title)
    SubElement(root, "desc", {"id": "desc"}).text = for_terminal(description)
    SubElement(root, "style").text = chart_css()
    SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    y = GAP
    for line, head, tall in zip(lines, heads, heights, strict=True):
        for place, panel in enumerate(line):
            x = GAP + place * (across + GAP)
            for i, part in enumerate(wrap(panel.title, TITLE_CHARACTERS)):
                at = {"class": "head", "x": number(x), "y": number(y + HEAD * (i + 0.6))}
                SubElement(root, "text", at).text = for_terminal(part)
            box = {
                "x": number(x),
                "y": number(y + head),
                "width": number(panel.svg.width),
                "height": number(panel.svg.height),
                "viewBox": panel.svg.root.attrib["viewBox"],
            }
            SubElement(root, "svg", box).extend(panel.svg.root)
        y += tall + GAP
    return ElementTree.tostring(root, encoding="unicode") + "\n"


@lru_cache(maxsize=1)
def chart_css() -> str:
    """RETURNS (str): The style of charts, shared by pages and files."""
    return files("xner_spacy.report").joinpath("templates/chart.css").read_text(encoding="utf8")
