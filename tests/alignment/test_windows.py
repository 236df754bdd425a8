"""Windows of long pairs: together they are the pair, and each of them is small."""

from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.alignment.windows import pair_cuts, pair_windows


@given(st.integers(1, 400), st.integers(1, 400), st.integers(8, 120))
def test_they_cover_the_longer_side_once(m: int, n: int, size: int) -> None:
    for cut in (pair_windows, pair_cuts):
        found = cut(m, n, size)
        kept = [k for window in found for k in range(*window.kept)]
        assert kept == list(range(max(m, n)))
        for window in found:
            longer, shorter = window.source, window.target
            if not window.by_source:
                longer, shorter = shorter, longer
            assert longer[0] <= window.kept[0] < window.kept[1] <= longer[1] <= max(m, n)
            assert 0 <= shorter[0] < shorter[1] <= min(m, n)
            assert longer[1] - longer[0] <= size
            assert shorter[1] - shorter[0] <= size + size // 4 + 2
        # The other side is covered too.
        other = [w.target if w.by_source else w.source for w in found]
        assert {k for low, high in other for k in range(low, high)} == set(range(min(m, n)))


def test_short_pairs_are_whole_and_empty_sides_have_none() -> None:
    for cut in (pair_windows, pair_cuts):
        [whole] = cut(3, 5, 8)
        assert (whole.source, whole.target, whole.kept) == ((0, 3), (0, 5), (0, 5))
        assert cut(0, 5, 8) == cut(5, 0, 8) == cut(0, 0, 8) == []
