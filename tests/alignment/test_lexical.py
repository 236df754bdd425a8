"""The embedded aligner: what it must hold for any input, and how it does on real data."""

import tracemalloc
from typing import List, Tuple
from unicodedata import normalize

import numpy as np
import pytest
import srsly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xner_spacy.alignment.statistical import lexical
from xner_spacy.alignment.statistical.alignment_model import Tables
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.alignment.statistical.vocabulary import make_batches, pair_keys
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.types import TrainableAligner

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
    one = LexicalAligner()
    one.train(iter(toy_bitext()))
    return one


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
        list(LexicalAligner()([(["a"], ["b"])]))
    with pytest.raises(XnerError, match=r"no sentence pairs .*a side is empty: 1"):
        LexicalAligner().train([([], ["a"])])


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.0},
        {"null": 1.0},
        {"hmm_rounds": 0},
        {"max_length": 0},
        {"threads": -1},
        {"strength": float("nan")},
    ],
)
def test_settings_are_checked(wrong: dict) -> None:
    with pytest.raises(XnerError):
        LexicalAligner(**wrong)


def test_deterministic_and_the_same_with_any_number_of_threads() -> None:
    results = []
    for threads in (1, 1, 3):
        one = LexicalAligner(threads=threads)
        one.train(toy_bitext())
        results.append(one.to_bytes())
    assert results[0] == results[1] == results[2]


def test_vocabulary_cap() -> None:
    one = LexicalAligner(max_words=3)
    one.train(toy_bitext())
    assert one.model is not None and len(one.model.source) == 4  # with the unknown word
    for links, (source, target) in zip(one(toy_bitext(5)), toy_bitext(5), strict=False):
        links.check(len(source), len(target))


WORDS = st.sampled_from([*LEXICON, *LEXICON.values(), "Žižek", "Жижек", "42", "«", "", "ZZZ"])
SENTENCE = st.lists(WORDS, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=8), st.randoms())
def test_links_hold_for_any_pairs(aligner: LexicalAligner, pairs: Pairs, random) -> None:
    together = list(aligner(pairs))
    assert len(together) == len(pairs)
    for (source, target), alignment in zip(pairs, together, strict=False):
        links = [tuple(link) for link in alignment.links.tolist()]
        alignment.check(len(source), len(target))
        assert links == sorted(set(links))
        assert all(aligner.threshold <= score <= 1.0 for score in alignment.scores)
    # Alone, or in another order, a pair has the same links and scores to the last digit.
    for pair, expected in zip(pairs, together, strict=True):
        [alone] = aligner([pair])
        assert alone == expected
    order = list(range(len(pairs)))
    random.shuffle(order)
    for k, shuffled in zip(order, aligner([pairs[k] for k in order]), strict=True):
        assert shuffled == together[k]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=8))
def test_equal_after_to_bytes(pairs: Pairs) -> None:
    one = LexicalAligner(lexical_rounds=1, hmm_rounds=2)
    try:
        one.train(pairs)
    except XnerError:
        assert not any(source and target for source, target in pairs)
        return
    other = LexicalAligner().from_bytes(one.to_bytes())
    assert list(other(pairs)) == list(one(pairs))
    assert other.to_bytes() == one.to_bytes()


def test_untrained_survives_to_bytes() -> None:
    assert LexicalAligner().from_bytes(LexicalAligner().to_bytes()).model is None


@pytest.mark.parametrize("odd", ["a\nb", "\n", "", "a b", "\u2028", "\u0085", "\0", "-", "0-0"])
def test_no_token_shifts_the_others(odd: str) -> None:
    """The vocabulary was saved as lines: a token with a line end moved every word after it."""
    one = LexicalAligner()
    one.train([([odd], [odd]), *toy_bitext()])
    other = LexicalAligner().from_bytes(one.to_bytes())
    pairs: Pairs = [(["Anna", "sees", odd], ["Anna", "sieht", odd]), *toy_bitext(20, seed=3)]
    assert list(other(pairs)) == list(one(pairs))
    assert next(a.to_pharaoh() for a in other(pairs)) == "0-0 1-1 2-2" or not odd


def as_version_1(one: LexicalAligner) -> bytes:
    assert one.model is not None
    state = one.model.to_dict()
    del state["version"]
    for side in ("source", "target"):
        state[side] = "\n".join(["", *state[side]])
    return srsly.msgpack_dumps(state)


def test_models_of_version_1_are_read_or_refused(aligner: LexicalAligner) -> None:
    pairs = toy_bitext(20, seed=3)
    assert list(LexicalAligner().from_bytes(as_version_1(aligner))(pairs)) == list(aligner(pairs))
    shifted = LexicalAligner()
    shifted.train([(["a\nb"], ["c"]), *toy_bitext()])
    with pytest.raises(XnerError, match="occurrences do not have the right kind or number"):
        LexicalAligner().from_bytes(as_version_1(shifted))


def test_the_vocabulary_is_neither_changed_nor_copied(aligner: LexicalAligner, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pair by itself took 54 ms with a model of 200,000 words: both vocabularies were copied at each call."""

    class Unread(List[str]):
        def __iter__(self):
            raise AssertionError("the words of the whole model were read")

    before = aligner.to_bytes()
    model = aligner.model
    assert model is not None
    for vocabulary in (model.source, model.target):
        monkeypatch.setattr(vocabulary, "words", Unread(vocabulary.words))
    pair = (["Kowalska", "sees", "Berlin"], ["Kowalska", "sieht", "Berlin"])
    [links] = aligner([pair])
    assert links.to_pharaoh() == "0-0 1-1 2-2"
    monkeypatch.undo()
    assert aligner.to_bytes() == before
    # What is computed for a call holds these words alone.
    for direction in Tables(model, *map(list, pair)).directions:
        words = [direction.occurrences, direction.totals, direction.generated, direction.empty]
        assert [len(values) for values in words] == [3] * 4


def test_damaged_states_are_refused(aligner: LexicalAligner) -> None:
    whole = aligner.to_bytes()
    assert aligner.model is not None
    good = aligner.model.to_dict()
    odd = {
        "version": 3, "source": ["a"], "target": "x", "forward": {}, "keys": good["keys"][::-1].copy(),
        "counts": good["counts"][1:], "strength": float("nan"),
    }  # fmt: skip
    damaged = [whole[:100], b"", b"\x01", *(srsly.msgpack_dumps({**good, k: odd[k]}) for k in odd)]
    untouched = LexicalAligner()
    for data in damaged:
        with pytest.raises(XnerError, match="state of a trained aligner"):
            untouched.from_bytes(data)
    assert untouched.model is None


def test_one_letter_or_a_letter_and_a_mark_are_the_same_word(aligner: LexicalAligner) -> None:
    words = {"Žižek": "Žižkův", "café": "Café", "Ελένη": "Eléni", "né": "nascido"}
    pairs: Pairs = [([s, "sees", "Anna"], [t, "sieht", "Anna"]) for s, t in words.items()] * 3
    forms = []
    for form in ("NFC", "NFD"):
        text: Pairs = [([normalize(form, w) for w in s], [normalize(form, w) for w in t]) for s, t in pairs]
        forms.append(text)
    composed, apart = forms
    assert composed != apart
    one, other = LexicalAligner(), LexicalAligner()
    one.train([*composed, *toy_bitext()])
    other.train([*apart, *toy_bitext()])
    assert one.to_bytes() == other.to_bytes()
    # A model of either form aligns text of either form, and mixed, alike; so does one that never saw the words.
    mixed: Pairs = [(s, t) for (s, _), (_, t) in zip(composed, apart, strict=True)]
    for known in (one, aligner):
        expected = list(known(composed))
        assert sum(map(len, expected)) > len(pairs)
        assert list(known(apart)) == expected
        assert list(known(mixed)) == expected


def test_pairs_with_an_empty_side_are_skipped_and_counted() -> None:
    one, other = LexicalAligner(), LexicalAligner()
    one.train([([], []), *toy_bitext(), ([], ["das"]), (["the"], [])])
    other.train(toy_bitext())
    assert one.to_bytes() == other.to_bytes()
    assert (one.report.pairs, one.report.empty) == (203, 3)
    assert "a side is empty: 3" in one.report.summary() and other.report.summary() == ""


def long_pair(words: int, seed: int = 0) -> Tuple[List[str], List[str]]:
    random = np.random.default_rng(seed)
    known = list(LEXICON)
    source = [known[k] for k in random.integers(0, len(known), words)]
    return source, [LEXICON[word] for word in source]


def test_long_pairs_are_learned_from_in_pieces() -> None:
    """300 pairs of 500 words ended in "got no sentence pairs to learn from"."""
    one = LexicalAligner()
    one.train([*(long_pair(500, seed) for seed in range(20)), (["the"] * 2000, ["das"] * 3)])
    assert (one.report.cut, one.report.unlike, one.report.empty) == (20, 1, 0)
    pairs = toy_bitext(50, seed=1)
    right = sum(
        [k, k] in found.links.tolist()
        for found, (source, _) in zip(one(pairs), pairs, strict=True)
        for k in range(len(source))
    )
    assert right > 0.95 * sum(len(source) for source, _ in pairs)


@pytest.mark.parametrize("words", [255, 256, 257, 1500])
def test_long_pairs_are_aligned_in_windows(aligner: LexicalAligner, words: int) -> None:
    source, target = long_pair(words)
    pairs: Pairs = [(source, target), (["the"], ["das"]), (source[: words // 2], target)]
    found = list(aligner(pairs))
    diagonal = sum([k, k] in found[0].links.tolist() for k in range(words))
    assert diagonal > 0.98 * words
    assert found[0].links.max() == words - 1
    for pair, expected in zip(pairs, found, strict=True):
        expected.check(len(pair[0]), len(pair[1]))
        assert list(aligner([pair])) == [expected]


@pytest.mark.parametrize("n_source, n_target", [(20_000, 3), (3, 20_000), (4_000, 4_000)])
def test_memory_is_linear_in_a_line(aligner: LexicalAligner, n_source: int, n_target: int) -> None:
    """20,000 words by 3 took 7.7 GB."""
    source, target = long_pair(n_source)[0], long_pair(n_target)[1]
    tracemalloc.start()
    [links] = aligner([(source, target)])
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()
    links.check(n_source, n_target)


def test_many_long_pairs_are_not_held_at_once(aligner: LexicalAligner) -> None:
    """2,000 pairs were, whatever their length: 4.6 GiB for pairs of 500 words."""
    asked = 0

    def pairs():
        nonlocal asked
        for seed in range(24):
            asked += 1
            yield long_pair(500, seed % 3)

    stream = aligner(pairs())
    next(stream)
    assert asked < 20
    assert len(list(stream)) == 23


def test_real_data_without_any_other_bitext(shared) -> None:
    from benchmarks import alignment

    pairs, gold, _ = alignment.gold_set("ro-en")
    one = LexicalAligner()
    one.train(pairs)
    assert alignment.evaluate_links(gold, one(pairs), samples=0)["aer"] < 0.34


SENTENCES = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=5), min_size=1, max_size=5)


@given(SENTENCES, SENTENCES, st.sampled_from([0, 10**6]))
def test_the_word_pairs_of_a_batch_are_numbered_by_sorting_or_by_marks(sources, targets, most_marks) -> None:
    pairs = list(zip(sources, targets, strict=False))
    [batch] = make_batches(*([np.array(words, dtype=np.int32) for words in side] for side in zip(*pairs)), 10**6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "MOST_MARKS", most_marks)
        keys, index = lexical._word_pairs(batch)
    assert keys[0] == 0 and np.all(np.diff(keys) > 0)
    expected = np.zeros(index.shape, dtype=np.int64)
    for k, row in enumerate(batch.rows):
        source, target = pairs[row]
        expected[: len(target), k, : len(source)] = pair_keys(np.array(source)[None, :], np.array(target)[:, None])
    assert np.array_equal(keys[index], expected)
    assert set(keys.tolist()) == {0, *expected.ravel().tolist()}
