"""Text from data stays text on a terminal, in Markdown and in a spreadsheet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.escape import for_code, for_csv, for_markdown, for_terminal, from_csv

anything = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x9b\n\r\t=+-@'`|<>&[]()*_#!\\\u202e\ud800\u2028")),
    max_size=30,
)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain", "plain"),
        ("Málstöð ķ \u4e2d 👍", "Málstöð ķ \u4e2d 👍"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("x\x7f\x00", "x\\x7f\\x00"),
        # Joiners belong to the letters of Persian and Indic words.
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_terminal(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


def test_terminal_keeps_lines_where_it_may() -> None:
    assert for_terminal("a\tb\nc\x1b\r", lines=True) == "a\tb\nc\\x1b\\r"


@given(anything)
def test_nothing_that_a_terminal_obeys_is_printed(text: str) -> None:
    shown = for_terminal(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", shown)
    shown.encode("utf8")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("A & B", "A &amp; B"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("[a](javascript:b)", "\\[a\\](javascript:b)"),
        ("a|b", "a\\|b"),
        ("n_source", "n_source"),
        ("_x_", "\\_x\\_"),
        ("*x* `y`", "\\*x\\* \\`y\\`"),
        ("# x", "\\# x"),
        ("- x", "\\- x"),
        ("1. x", "1\\. x"),
        ("-0.5", "-0.5"),
        ("1.5 to 2.5", "1.5 to 2.5"),
        ("a\nb", "a b"),
    ],
)
def test_markdown(text: str, shown: str) -> None:
    assert for_markdown(text) == shown


@given(anything)
def test_markdown_holds_no_html_and_no_link(text: str) -> None:
    shown = for_markdown(text)
    assert "<" not in shown and ">" not in shown and "\n" not in shown
    assert not re.search(r"(?<!\\)(\\\\)*[\[\]|`*]", shown)


@given(anything)
def test_code_ends_where_it_should(text: str) -> None:
    shown = for_code(text)
    match = re.match("`+", shown)
    assert match is not None
    fence = match.group()
    runs = re.findall("`+", shown)
    assert runs.count(fence) == 2 and shown.endswith(fence) and "\n" not in shown


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("-0.5", "-0.5"),
        ("+1e-3", "+1e-3"),
        ("-12%", "-12%"),
        (-0.5, -0.5),
        (-3, -3),
        (None, None),
        ("a=b", "a=b"),
        ("'quoted'", "'quoted'"),
        ("'=x", "''=x"),
        ("", ""),
    ],
)
def test_csv(value: object, cell: object) -> None:
    assert for_csv(value) == cell  # type: ignore[arg-type]


@given(anything)
def test_csv_there_and_back(text: str) -> None:
    cell = for_csv(text)
    assert isinstance(cell, str) and from_csv(cell) == text
    assert not re.match(r"\s*[=+\-@]", cell) or re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d+)?%?", cell)
