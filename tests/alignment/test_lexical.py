"""The embedded aligner: what it must hold for any input, and how it does on real data."""

from typing import List, Tuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xner_spacy.alignment.lexical import LexicalAligner, make_lexical
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.types import Alignment, TrainableAligner

Pairs = List[Tuple[List[str], List[str]]]

LEXICON = {
    "the": "das", "house": "Haus", "book": "Buch", "is": "ist", "small": "klein", "big": "gross",
    "Anna": "Anna", "Berlin": "Berlin", "sees": "sieht", "in": "in", "old": "alt", ".": ".",
}  # fmt: skip


def toy_bitext(count: int = 200, seed: int = 0) -> Pairs:
    """Word-for-word translations, some with two words exchanged."""
    random = np.random.default_rng(seed)
    words = list(LEXICON)
    pairs: Pairs = []
    for _ in range(count):
        source = [words[k] for k in random.permutation(len(words))[: random.integers(2, 8)]]
        pairs.append((source, [LEXICON[word] for word in source]))
    return pairs


@pytest.fixture(scope="module")
def aligner() -> LexicalAligner:
    one = make_lexical()
    one.train(iter(toy_bitext()))
    return one


def close(first: Alignment, second: Alignment, threshold: float) -> bool:
    """Equal up to rounding; a link within rounding of the threshold may be in one of them alone."""
    left, right = (
        {
            tuple(link): score
            for link, score in zip(a.links.tolist(), a.scores.tolist(), strict=False)
        }
        for a in (first, second)
    )
    return all(
        abs(left.get(link, threshold) - right.get(link, threshold)) < 1e-4
        for link in left.keys() | right.keys()
    )


def test_registered_and_a_trainable_aligner() -> None:
    assert isinstance(get_part("xner_aligners", "xner.Lexical.v1"), TrainableAligner)


def test_learns_a_lexicon(aligner: LexicalAligner) -> None:
    for source, target in toy_bitext(50, seed=1):
        [links] = aligner([(source, target)])
        assert links.links.tolist() == [[k, k] for k in range(len(source))]
        assert links.scores.min() > 0.5 and links.scores.max() <= 1.0


def test_unseen_name_by_its_spelling(aligner: LexicalAligner) -> None:
    [links] = aligner([(["Kowalska", "sees", "Berlin"], ["Kowalska", "sieht", "Berlin"])])
    assert [0, 0] in links.links.tolist()


def test_empty_sides_and_no_pairs(aligner: LexicalAligner) -> None:
    pairs: Pairs = [([], ["a"]), (["the"], []), ([], []), (["the"], ["das"])]
    assert [len(links) for links in aligner(pairs)] == [0, 0, 0, 1]
    assert list(aligner([])) == []


def test_untrained_and_nothing_to_learn_from() -> None:
    with pytest.raises(XnerError, match="not been trained"):
        list(make_lexical()([(["a"], ["b"])]))
    with pytest.raises(XnerError, match="no sentence pairs"):
        make_lexical().train([([], ["a"])])


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"null": 1.0}, {"hmm_rounds": 0}])
def test_settings_are_checked(wrong: dict) -> None:
    with pytest.raises(XnerError):
        make_lexical(**wrong)


def test_deterministic_and_the_same_with_any_number_of_threads() -> None:
    results = []
    for threads in (1, 1, 3):
        one = make_lexical(threads=threads)
        one.train(toy_bitext())
        results.append(one.to_bytes())
    assert results[0] == results[1] == results[2]


def test_vocabulary_cap() -> None:
    one = make_lexical(max_words=3)
    one.train(toy_bitext())
    assert one.model is not None and len(one.model.source) == 4  # with the unknown word
    for links, (source, target) in zip(one(toy_bitext(5)), toy_bitext(5), strict=False):
        links.check(len(source), len(target))


WORDS = st.sampled_from([*LEXICON, *LEXICON.values(), "Žižek", "Жижек", "42", "«", "", "ZZZ"])
SENTENCE = st.lists(WORDS, max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=8), st.randoms())
def test_links_hold_for_any_pairs(aligner: LexicalAligner, pairs: Pairs, random) -> None:
    together = list(aligner(pairs))
    assert len(together) == len(pairs)
    for (source, target), alignment in zip(pairs, together, strict=False):
        links = [tuple(link) for link in alignment.links.tolist()]
        alignment.check(len(source), len(target))
        assert links == sorted(set(links))
        assert all(aligner.threshold <= score <= 1.0 for score in alignment.scores)
    # Alone, or in another order, a pair is aligned as before.
    for pair, expected in zip(pairs, together, strict=False):
        [alone] = aligner([pair])
        assert close(alone, expected, aligner.threshold)
    order = list(range(len(pairs)))
    random.shuffle(order)
    for k, shuffled in zip(order, aligner([pairs[k] for k in order]), strict=False):
        assert close(shuffled, together[k], aligner.threshold)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=8))
def test_equal_after_to_bytes(pairs: Pairs) -> None:
    one = make_lexical(lexical_rounds=1, hmm_rounds=2)
    try:
        one.train(pairs)
    except XnerError:
        assert not any(source and target for source, target in pairs)
        return
    other = make_lexical().from_bytes(one.to_bytes())
    assert list(other(pairs)) == list(one(pairs))
    assert other.to_bytes() == one.to_bytes()


def test_untrained_survives_to_bytes() -> None:
    assert make_lexical().from_bytes(make_lexical().to_bytes()).model is None


def test_real_data_without_any_other_bitext(shared) -> None:
    from benchmarks import alignment

    pairs, gold, _ = alignment.gold_set("ro-en")
    one = make_lexical()
    one.train(pairs)
    assert alignment.evaluate_links(gold, one(pairs), samples=0)["aer"] < 0.34
