"""Sentences that are read at once are read as line by line."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.corpora.formats.columns import _ColumnReader, read_columns
from xner_spacy.corpora.formats.layouts import LAYOUTS
from xner_spacy.corpora.formats.schemes import Fault

ROWS = [
    "a\tO",
    "b\tB-PER",
    "c\tI-PER",
    "c\tI-LOC",
    "d\tB-\u200b",
    "d\tB-X\x07",
    "1\tO",
    "\u200b\tO",
    "x y\tO",
    "a\tb\tO",
    "-DOCSTART-\tO",
    "#\tO",
    "O",
    "",
    "a O",
]


@given(
    st.lists(st.sampled_from(ROWS), max_size=20),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, ["PER"], ["LOC"]]),
)
def test_sentences_that_are_read_at_once_are_read_the_same(rows, repair, skips_broken, labels):
    """After many plain lines, each line is read as the first ones are."""
    text = "A\tO\n" * 60 + "\n" + "\n".join(rows)

    def outcome(quick: bool):
        counts: Counter = Counter()
        reader = _ColumnReader(LAYOUTS["iob2"], repair, counts, labels, skips_broken)
        reader.has_plain_rows = reader.has_plain_rows and quick
        try:
            found = list(reader.read_all(enumerate(text.split("\n"), 1)))
        except Fault as fault:
            return reader.number, fault.message, fault.hint
        return (
            found,
            reader.tokens,
            reader.sentences,
            reader.broken,
            reader.first_broken and reader.first_broken[0],
            +counts,
        )

    assert outcome(True) == outcome(False)


def test_most_sentences_are_read_at_once(monkeypatch, tmp_path):
    path = tmp_path / "x.iob"
    path.write_text("a O\nb B-PER\nc I-PER\n\n" * 100)
    line_by_line = []
    monkeypatch.setattr(
        _ColumnReader, "_row", lambda self, line, real=_ColumnReader._row: line_by_line.append(line) or real(self, line)
    )
    assert len(list(read_columns(path))) == 100
    assert len(line_by_line) < 60
