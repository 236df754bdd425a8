"""Pharaoh files and stored links."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.alignment.external.stored_links import StoredLinks
from xner_spacy.corpora.formats import pharaoh
from xner_spacy.corpora.formats.pharaoh import parse_line, read_pharaoh, write_pharaoh
from xner_spacy.errors import InputError
from xner_spacy.types import Alignment

LINKS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)))


@given(LINKS)
def test_round_trip(links: list) -> None:
    sure, possible = parse_line(Alignment(links).to_pharaoh())
    assert (Alignment(sure), possible) == (Alignment(links), [])


@given(
    st.lists(st.sampled_from(["0-0", "3-1", "007-2", "1p2", "12-", "-1-0", "9999999999-0", "", "²-1"]), max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_the_quick_way_for_sure_links_reads_the_same(tokens: list, one_indexed: bool, reverse: bool) -> None:
    line = " ".join(tokens)
    quick = pharaoh._sure_links(line, one_indexed, reverse)
    if quick is not None:
        sure, possible = parse_line(line, one_indexed=one_indexed, reverse=reverse)
        assert (Alignment(quick), []) == (Alignment(sure), possible)


@pytest.mark.parametrize("line, is_quick", [("3-1 0-0 007-2", True), ("0-0 1p2", False), ("", False), ("0-0\n", False)])
def test_most_lines_are_read_the_quick_way(line: str, is_quick: bool) -> None:
    assert (pharaoh._sure_links(line, False, False) is not None) == is_quick


def test_file_round_trip(tmp_path: Path) -> None:
    alignments = [Alignment([(0, 0), (1, 2)]), Alignment(), Alignment([(3, 1)])]
    path = tmp_path / "links"
    assert write_pharaoh(path, alignments) == 3
    assert list(read_pharaoh(path)) == alignments
    assert list(tmp_path.iterdir()) == [path]


def test_bom_and_crlf(tmp_path: Path) -> None:
    path = tmp_path / "links"
    path.write_bytes("\ufeff0-0 1-1\r\n\r\n".encode())
    assert [len(a) for a in read_pharaoh(path)] == [2, 0]


@pytest.mark.parametrize("token", ["1", "-1-0", "1-", "a-b", "1--2", "1-2-3", "²-1", "1p2", "9999999999-0"])
def test_bad_token_names_file_and_line(tmp_path: Path, token: str) -> None:
    path = tmp_path / "links"
    path.write_text(f"0-0\n1-1 {token}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(read_pharaoh(path))
    assert (caught.value.line, caught.value.path) == (2, str(path))


def test_not_utf8_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "links"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        list(read_pharaoh(path))
    with pytest.raises(InputError, match="no such file"):
        list(read_pharaoh(tmp_path / "none"))


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def broken():
        yield Alignment()
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_pharaoh(tmp_path / "links", broken())
    assert not list(tmp_path.iterdir())


PAIRS = [(["a", "b"], ["x"]), (["c"], ["y", "z"])]


def stored(tmp_path: Path, text: str, reverse: bool = False) -> list:
    path = tmp_path / "links"
    path.write_text(text, encoding="utf-8")
    return list(StoredLinks(str(path), reverse=reverse)(PAIRS))


def test_stored_links(tmp_path: Path) -> None:
    assert [a.to_pharaoh() for a in stored(tmp_path, "1-0\n0-1\n")] == ["1-0", "0-1"]
    assert [a.to_pharaoh() for a in stored(tmp_path, "0-1\n1-0\n", True)] == ["1-0", "0-1"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("0-0\n", 2, "more sentence pairs"),
        ("\n\n\n", 3, "more lines"),
        ("0-0\n1-0\n", 2, "outside"),
    ],
)
def test_stored_links_that_do_not_fit(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        stored(tmp_path, text)
    assert caught.value.line == line
