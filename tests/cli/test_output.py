"""What is printed holds nothing that a terminal obeys."""

import logging

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from tests.cli.helpers import xner
from xner_spacy.cli.output import done, make_log_printable, message, say, show_counts, table, warn

ESCAPE = "\x1b[2J\x9b31m\u202e"


def test_messages_tables_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    shown = "a\\x1b[2J\\x9b31m\\u202eb"
    text = f"a{ESCAPE}b"
    assert message("fail", f"{text}\nc", f"{text}\nd").endswith(f" {shown}\\nc\n{shown}\nd")
    assert table([text], [[text], [1]]).count(shown) == 2
    say(f"{text}\n{text}")
    done(text, text)
    warn(text, text)
    show_counts({text: 1, "b": 0})
    out, err = capsys.readouterr()
    assert out == f"{shown}\n{shown}\n" and err.count(shown) == 5
    assert ESCAPE not in out + err


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    make_log_printable()
    logging.getLogger("xner_spacy").warning("%s: %d lines\nleft out", f"a{ESCAPE}.txt", 3)
    assert caplog.messages == ["a\\x1b[2J\\x9b31m\\u202e.txt: 3 lines\nleft out"]


def test_labels_and_links_with_commands_of_a_terminal(tmp_path) -> None:
    doc = Doc(spacy.blank("xx").vocab, words=["a"])
    doc.set_ents([Span(doc, 0, 1, f"A{ESCAPE}")])
    DocBin(docs=[doc]).to_disk(tmp_path / "a.spacy")
    (tmp_path / "a.iob").write_text(f"a\tB-{ESCAPE}\n\n")
    (tmp_path / "s.iob").write_text("a\tB-PER\n\n")
    (tmp_path / "t.txt").write_text("a\n")
    (tmp_path / "l").write_text(f"{ESCAPE}\n")
    results = [
        xner("convert", tmp_path / "a.iob", tmp_path / "o.spacy", "-m", "conll"),
        xner("project", tmp_path / "s.iob", tmp_path / "t.txt", "-o", tmp_path / "o.iob", "--links", tmp_path / "l"),
        xner("evaluate", tmp_path / "a.spacy", tmp_path / "a.spacy"),
        xner("evaluate", tmp_path / "a.spacy", tmp_path / "a.spacy", "--labels", "PER"),
        xner("evaluate", tmp_path / "a.spacy", tmp_path / "s.iob"),
    ]  # fmt: skip
    assert [r.code for r in results] == [1, 1, 0, 1, 0]
    for result in results:
        assert not set("\x1b\x9b\u202e") & set(result.out + result.err), result
    assert "| A\\x1b[2J" in results[2].out and "alone: A\\x1b[2J" in results[4].err
