"""The first round of training: the same as if every word pair were looked at by itself."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.alignment.statistical import cooccurrence
from xner_spacy.alignment.statistical.cooccurrence import Cooccurrence, WordPairs
from xner_spacy.alignment.statistical.vocabulary import make_batches
from xner_spacy.alignment.statistical.word_forms import Spelling

WORDS = ["", "anna", "annas", "berlin", "house", "42"], ["", "anna", "annes", "haus", ",", "berlin", "der"]
Numbers = List[Tuple[List[int], List[int]]]
PAIRS = st.lists(
    st.tuples(
        st.lists(st.integers(1, len(WORDS[0]) - 1), min_size=1, max_size=6),
        st.lists(st.integers(1, len(WORDS[1]) - 1), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=10,
)


def first_round(pairs: Numbers, least: float) -> Tuple[Cooccurrence, WordPairs]:
    sides = [[np.array(pair[side], dtype=np.int32) for pair in pairs] for side in (0, 1)]
    occurrences = [
        np.bincount(np.concatenate(side), minlength=len(words)).astype(np.float32)
        for side, words in zip(sides, WORDS, strict=True)
    ]
    cells = Cooccurrence(make_batches(*sides, 60))
    with ThreadPoolExecutor(2) as pool:
        return cells, cells.first_round(occurrences, Spelling(*WORDS), least, pool)


def words(found: WordPairs) -> Tuple[np.ndarray, np.ndarray]:
    target = found.pairs.target
    return found.pairs.source_of(np.arange(len(target))), target


def plain_links(pairs: Numbers) -> Dict[Tuple[int, int], float]:
    """Expected links after the first round, cell by cell."""
    counts: Dict[Tuple[int, int], int] = defaultdict(int)
    occurrences: List[Dict[int, int]] = [defaultdict(int), defaultdict(int)]
    for pair in pairs:
        for side in (0, 1):
            for word in pair[side]:
                occurrences[side][word] += 1
        for e in pair[0]:
            for f in pair[1]:
                counts[e, f] += 1
    dice = {(e, f): 2 * n / (occurrences[0][e] + occurrences[1][f]) for (e, f), n in counts.items()}
    links: Dict[Tuple[int, int], float] = defaultdict(float)
    for source, target in pairs:
        for e in source:
            for f in target:
                forward = dice[e, f] / sum(dice[other, f] for other in source)
                links[e, f] += forward * dice[e, f] / sum(dice[e, other] for other in target)
    return links


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.sampled_from([1, 7, 1_000_000]))
def test_every_word_pair_by_itself(pairs: Numbers, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "BLOCK_CELLS", block)
        cells, found = first_round(pairs, 0.0)
    expected = plain_links(pairs)
    found_source, found_target = words(found)
    assert list(zip(found_source[1:].tolist(), found_target[1:].tolist(), strict=True)) == sorted(expected)
    assert found.links[1:] == pytest.approx([expected[pair] for pair in sorted(expected)], rel=1e-5)
    for total, side in zip(found.totals, (found_source, found_target), strict=True):
        assert total == pytest.approx(np.bincount(side, found.links, len(total)), rel=1e-5)
    # Each cell leads to its word pair, and the padding to the first.
    for number, batch in enumerate(cells.batches):
        index = cells.cells(number)
        source, target = np.broadcast_arrays(batch.source[None], batch.target.T[:, :, None])
        filled = (source >= 0) & (target >= 0)
        assert np.array_equal(found_source[index[filled]], source[filled])
        assert np.array_equal(found_target[index[filled]], target[filled])
        assert not index[~filled].any()


def test_pairs_with_few_links_are_left_out_unless_they_are_spelled_alike() -> None:
    random = np.random.default_rng(0)
    pairs: Numbers = [(random.integers(1, 6, 5).tolist(), random.integers(1, 7, 5).tolist()) for _ in range(20)]
    everything, some = first_round(pairs, 0.0)[1], first_round(pairs, 2.0)[1]
    alike = {(1, 1), (1, 2), (2, 1), (2, 2), (3, 5)}
    kept = [*zip(*(side[1:].tolist() for side in words(some)), strict=True)]
    links = dict(zip(zip(*(side.tolist() for side in words(everything)), strict=True), everything.links, strict=True))
    assert len(kept) < len(links) - 1
    assert kept == sorted({pair for pair, n in links.items() if n > 2.0} | (alike & {*links}))
    assert some.totals[0] == pytest.approx(everything.totals[0])
