"""Random parts of a corpus."""

from pathlib import Path
from typing import List

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from xner_spacy.cli.split import split
from xner_spacy.corpora.splitting import split_docs
from xner_spacy.errors import XnerError

VOCAB = spacy.blank("xx").vocab


def make(texts: List[str]) -> List[Doc]:
    return [Doc(VOCAB, words=text.split()) for text in texts]


@given(
    st.lists(st.sampled_from(["a b", "c", "d e f", "g", "h i", "j"]), min_size=2, max_size=40),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_a_partition_in_order_with_no_text_on_both_sides(texts: List[str], share: float, seed: int) -> None:
    docs = make(texts)
    try:
        rest, aside = split_docs(docs, share, seed)
    except XnerError as error:
        # Only where the texts are too few to leave one to each side.
        assert "can't be split" in str(error)
        largest = max(texts.count(text) for text in texts)
        assert share * len(docs) > len(docs) - largest
        return
    position = {id(doc): k for k, doc in enumerate(docs)}
    for part in (rest, aside):
        places = [position[id(doc)] for doc in part]
        assert part and places == sorted(places)
    assert len(rest) + len(aside) == len(docs)
    assert not {d.text for d in rest} & {d.text for d in aside}
    largest = max(texts.count(d.text.strip()) for d in aside)
    assert share * len(docs) <= len(aside) < share * len(docs) + largest


def test_the_draw_is_seeded_and_spread_over_the_corpus() -> None:
    docs = make([f"sentence {k}" for k in range(1000)])
    first, again, other = (split_docs(docs, 0.1, seed)[1] for seed in (0, 0, 1))
    assert first == again and first != other and len(first) == 100
    halves = sum(int(d[1].text) < 500 for d in first)
    assert 30 < halves < 70


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_shares_that_are_none(share: float) -> None:
    with pytest.raises(XnerError, match="between 0 and 1"):
        split_docs(make(["a", "b", "c"]), share)


def test_one_text_alone() -> None:
    for texts in ([], ["a"], ["a", "a", "a"]):
        with pytest.raises(XnerError, match="can't be split"):
            split_docs(make(texts), 0.5)


def test_a_link_that_points_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "00000.spacy").symlink_to("00000.spacy")
    with pytest.raises(XnerError, match=r"00000\.spacy: "):
        split([tmp_path / "shards"], tmp_path / "a.spacy", tmp_path / "b.spacy")
