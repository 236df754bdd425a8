"""Windows of long pairs: together they are the pair, and each of them is small."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.alignment.windows import PairWindow, pair_windows, pieces, windows


@given(st.integers(1, 400), st.integers(1, 400), st.integers(8, 120))
def test_they_cover_the_longer_side_once(m: int, n: int, size: int) -> None:
    for cut in (windows, pieces):
        found = pair_windows(m, n, size, cut)
        kept = [k for window in found for k in range(window.kept.start, window.kept.stop)]
        assert kept == list(range(max(m, n)))
        for window in found:
            longer, shorter = window.source, window.target
            if not window.by_source:
                longer, shorter = shorter, longer
            assert longer.start <= window.kept.start < window.kept.stop <= longer.stop <= max(m, n)
            assert 0 <= shorter.start < shorter.stop <= min(m, n)
            assert longer.stop - longer.start <= size
            assert shorter.stop - shorter.start <= size + size // 4 + 2
            cells = np.argwhere(np.ones_like(window.kept_cells))
            assert np.array_equal(cells[window.keeps(cells)], np.argwhere(window.kept_cells))
            assert window.kept_cells.sum() == (window.kept.stop - window.kept.start) * (shorter.stop - shorter.start)
        # The other side is covered too.
        other = [w.target if w.by_source else w.source for w in found]
        assert {k for side in other for k in range(side.start, side.stop)} == set(range(min(m, n)))


def test_short_pairs_are_whole_and_empty_sides_have_none() -> None:
    for cut in (windows, pieces):
        [whole] = pair_windows(3, 5, 8, cut)
        assert whole == PairWindow(slice(0, 3), slice(0, 5), slice(0, 5), False) and whole.kept_cells.all()
        assert not any(pair_windows(*sizes, 8, cut) for sizes in ((0, 5), (5, 0), (0, 0)))
