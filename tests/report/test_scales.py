"""Axes and colours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.report.colours import DIVERGING, SEQUENTIAL, contrast, readable_on, shade
from xner_spacy.report.scales import Scale, log_ticks, span, ticks
from xner_spacy.report.svg import chart_css

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_span_holds_all_values_and_its_ticks_lie_in_it(values: list) -> None:
    low, high = span(values)
    room = 1e-9 * max(1.0, *map(abs, values), 1.0)
    assert low - room <= min(values) and max(values) <= high + room and low < high
    marks = ticks(low, high)
    assert all(low - 1e-6 <= mark <= high + 1e-6 for mark in marks)
    assert 2 <= len(marks) <= 12


def test_span_of_nothing_and_of_what_must_be_shown() -> None:
    assert span([None]) == (0.0, 1.0)
    low, high = span([3.0, 4.0, None], include=[0.0])
    assert low == 0.0 and high >= 4.0


def test_ticks_are_round() -> None:
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert ticks(-1, 1, 4) == [-1, -0.5, 0, 0.5, 1]
    assert log_ticks(100, 10000) == [100, 1000, 10000]
    assert log_ticks(320, 3200) == pytest.approx([500, 1000, 2000])


@given(st.floats(0.01, 1e5), st.floats(1.5, 1e4))
def test_log_ticks_lie_within(low: float, factor: float) -> None:
    marks = log_ticks(low, low * factor)
    assert all(low * 0.99 <= mark <= low * factor * 1.01 for mark in marks)
    assert marks == sorted(set(marks))


def test_scales() -> None:
    line = Scale(0, 10, 100, 200)
    assert [line(0), line(5), line(10)] == [100, 150, 200]
    log = Scale(10, 1000, 0, 1, log=True)
    assert log(100) == pytest.approx(0.5)
    assert Scale(3, 3, 0, 10)(3) == 5


@pytest.mark.parametrize("scale", [SEQUENTIAL, DIVERGING])
@given(position=st.floats(-0.5, 1.5))
def test_text_is_readable_on_every_shade(scale: tuple, position: float) -> None:
    colour = shade(scale, position)
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    assert contrast(readable_on(colour), colour) >= 4.5


def test_shades_meet_the_stops_and_lightness_rises() -> None:
    assert shade(SEQUENTIAL, 0) == SEQUENTIAL[0] and shade(SEQUENTIAL, 1) == SEQUENTIAL[-1]
    white = [contrast(colour, "#ffffff") for colour in SEQUENTIAL]
    assert white == sorted(white, reverse=True)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_colours_of_the_style_contrast_in_both_schemes() -> None:
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in _schemes())
    assert set(light) == set(dark)
    for scheme in (light, dark):
        for name, colour in scheme.items():
            if name in ("ink", "soft") or re.fullmatch(r"[so]\d", name):
                # Labels are written in the colours of their lines.
                assert contrast(colour, scheme["paper"]) >= 4.5, name
        assert contrast(scheme["axis"], scheme["paper"]) >= 3


def _schemes() -> "tuple[str, str]":
    light, dark = chart_css().split("@media (prefers-color-scheme: dark)")
    return light, dark
