"""Bitexts: pairs are read in step, and what is no pair is left out and counted."""

import os
from collections import Counter

import pytest

from xner_spacy.corpora.bitext import BOTH_EMPTY, ONE_EMPTY, TokenizedBitext, read_bitext
from xner_spacy.errors import InputError


def bitext(tmp_path, source, target):
    for name, text in (("s", source), ("t", target)):
        (tmp_path / name).write_text(text, encoding="utf8")
    return tmp_path / "s", tmp_path / "t"


def test_lines_that_are_no_pair_are_counted(tmp_path):
    paths = bitext(tmp_path, "a\n\nb\n \nc\n", "x\n\n\n y\nz \n")
    counts = Counter()
    assert list(read_bitext(*paths, counts)) == [("a", "x"), ("c", "z")]
    assert counts == {BOTH_EMPTY: 1, ONE_EMPTY: 2}


def test_training_goes_on_and_tells_once(tmp_path, caplog):
    pairs = TokenizedBitext(*bitext(tmp_path, "a b\n\nc\u00a0d e\n", "x\n\ny z\n"))
    for _ in range(2):
        assert list(pairs) == [(["a", "b"], ["x"]), (["c\u00a0d", "e"], ["y", "z"])]
    assert caplog.text.count("1 lines left out: empty on both sides") == 1


@pytest.mark.parametrize(
    "source, target, said",
    [("a\nb\n", "x\n", "s:2: has no partner"), ("", "", "is empty"), ("\n", "\n", "no pair")],
)
def test_faults(tmp_path, source, target, said):
    with pytest.raises(InputError, match=said):
        list(read_bitext(*bitext(tmp_path, source, target)))


def test_a_pipe_is_refused_where_the_bitext_is_read_again(tmp_path):
    source, _ = bitext(tmp_path, "a\n", "x\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe"):
        list(TokenizedBitext(source, tmp_path / "pipe"))
