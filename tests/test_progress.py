"""How far long work has come: shown where somebody asked for it, and nowhere else."""

import io
import sys
from contextlib import contextmanager
from typing import Any, Iterator, List, Tuple

import pytest

from xner_spacy import progress
from xner_spacy.progress import show_step, shown_by, step, tracked


def test_nothing_is_shown_unless_asked(capsys) -> None:
    assert list(tracked("abc", "Letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_display_gets_the_steps_and_their_counts() -> None:
    seen: List[Tuple[Any, ...]] = []

    @contextmanager
    def display(*what: Any) -> Iterator[Any]:
        seen.append(what)
        yield seen.append

    with shown_by(display):
        list(tracked([7, 8], "Numbers", 2, "numbers"))
        with step("Alone") as advance:
            advance(5)
    assert seen == [("Numbers", 2, "numbers"), 1, 1, ("Alone", None, ""), 5]
    with step("Later") as advance:
        advance(1)
    assert len(seen) == 5


def test_a_log_gets_a_line_at_the_end_and_one_every_half_minute(capsys, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with show_step("Words", 3000, "words") as advance:
        for _ in range(3):
            now[0] += 20
            advance(1000)
    assert capsys.readouterr().err.splitlines() == [
        "  Words: 2,000 of 3,000 words, 0:00:40 so far",
        "  Words: 3,000 words, 0:01:00 done",
    ]
    with pytest.raises(ZeroDivisionError), show_step("Words", None, ""):
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_step("Words", 4, "words") as advance:
        advance(4)
    assert "Words: 100%" in terminal.getvalue() and "4/4" in terminal.getvalue()


@pytest.mark.parametrize(
    "argv, shown",
    [
        (["/x/spacy/__main__.py", "assemble", "a", "b"], True),
        (["/x/bin/spacy", "assemble", "a", "b"], True),
        (["/x/bin/spacy", "train", "assemble"], False),
        (["/x/other/__main__.py", "assemble"], False),
        ([], False),
    ],
)
def test_spacys_own_command_shows_them_too(argv: List[str], shown: bool, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    list(tracked("ab", "Letters"))
    assert bool(capsys.readouterr().err) == shown
