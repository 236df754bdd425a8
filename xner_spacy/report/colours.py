"""Colours that hold for colour-blind readers, on light and on dark paper."""

from typing import Sequence, Tuple

RGB = Tuple[int, int, int]

# Dark to light in even steps of lightness (viridis), so that the order survives in grey.
SEQUENTIAL = (
    "#440154",
    "#482878",
    "#3e4989",
    "#31688e",
    "#26828e",
    "#1f9e89",
    "#35b779",
    "#6ece58",
    "#b5de2b",
    "#fde725",
)
# Orange below, blue above: told apart with every common colour-blindness.
DIVERGING = (
    "#b35806",
    "#e08214",
    "#fdb863",
    "#fee0b6",
    "#f7f7f7",
    "#d1e5f0",
    "#92c5de",
    "#4393c3",
    "#2166ac",
)


def shade(scale: Sequence[str], position: float) -> str:
    """Interpolate in a scale.

    position (float): In [0, 1]; outside, the nearest end.
    RETURNS (str): `#rrggbb`.
    """
    place = min(max(position, 0.0), 1.0) * (len(scale) - 1)
    left = min(int(place), len(scale) - 2)
    a, b = rgb(scale[left]), rgb(scale[left + 1])
    return "#" + "".join(f"{round(x + (y - x) * (place - left)):02x}" for x, y in zip(a, b, strict=True))


def readable_on(colour: str) -> str:
    """RETURNS (str): Black or white, whichever contrasts more; at least 4.5 to 1 on any colour."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """RETURNS (float): The contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def rgb(colour: str) -> RGB:
    """RETURNS (RGB): The parts of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in rgb(colour)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
