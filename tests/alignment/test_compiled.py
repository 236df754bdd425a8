"""The compiled part of the aligner against the same in NumPy, and what it does with arrays that do not fit."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy import native
from xner_spacy.alignment.statistical import compiled, hmm
from xner_spacy.alignment.statistical import trainer as training
from xner_spacy.alignment.statistical.hmm import Jumps, Statistics
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.alignment.statistical.trainer import Trainer, read_bitext
from xner_spacy.alignment.statistical.vocabulary import Vocabulary, make_batches
from xner_spacy.alignment.statistical.word_forms import Spelling

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason="this installation has no compiled part")


@st.composite
def batches(draw):
    """Emissions, probabilities of the empty word, lengths, and jumps."""
    lengths = draw(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=4))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps, states = (np.array(side, dtype=np.int32) for side in zip(*lengths))
    emission = np.zeros((steps.max() + draw(st.integers(0, 2)), len(lengths), states.max() + draw(st.integers(0, 9))))
    for b, (n, m) in enumerate(lengths):
        # Many word pairs have hardly any probability, and some have none.
        emission[:n, b, :m] = random.random((n, m)) ** draw(st.sampled_from([1, 20])) * (random.random((n, m)) < 0.9)
    jumps = Jumps()
    jumps.update(random.random(2 * hmm.LIMIT + 1), random.random(hmm.LIMIT + 1))
    empty = random.random(emission.shape[:2]).astype(np.float32)
    return emission.astype(dtype), empty, states, steps, jumps


@given(batches(), st.sampled_from([0.05, 0.1, 0.9]))
def test_posteriors_are_those_of_numpy(batch, null):
    emission, empty, states, steps, jumps = batch
    sums = Statistics(), Statistics()
    before = emission.copy()
    found = compiled.posteriors(emission, empty, states, steps, jumps, null, sums[0])
    assert np.array_equal(emission, before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "LIBRARY", None)
        expected = hmm.posteriors(emission, empty, states, steps, jumps, null, sums[1])
    close = {"rtol": 1e-9, "atol": 1e-12} if emission.dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(sums[0].moved, sums[1].moved, **close)
    np.testing.assert_allclose(sums[0].began, sums[1].began, **close)
    assert np.array_equal(found, compiled.posteriors(before, empty, states, steps, jumps, null, None))


@given(batches())
def test_a_sentence_alone_has_the_same_posteriors(batch):
    emission, empty, states, steps, jumps = batch
    together = compiled.posteriors(emission, empty, states, steps, jumps, 0.1, None)
    for b, (n, m) in enumerate(zip(steps, states)):
        alone = compiled.posteriors(
            emission[:n, b : b + 1, :m], empty[:n, b : b + 1], states[b : b + 1], steps[b : b + 1], jumps, 0.1, None
        )
        assert np.array_equal(alone[:, 0], together[:n, b, :m])
        assert not together[n:, b].any() and not together[:, b, m:].any()


@pytest.mark.parametrize("change", ["too many words", "no words", "empty", "lengths"])
def test_arrays_that_do_not_fit_are_refused(change):
    emission, empty = np.full((4, 2, 3), 0.5), np.full((4, 2), 0.1)
    states, steps = np.array([3, 2], dtype=np.int32), np.array([4, 1], dtype=np.int32)
    if change == "too many words":
        steps[0] = 5
    elif change == "no words":
        states[1] = 0
    elif change == "empty":
        empty = empty[:3]
    else:
        states = np.append(states, 1).astype(np.int32)
    with pytest.raises(ValueError):
        compiled.posteriors(emission, empty, states, steps, Jumps(), 0.1, None)


def trained(corpus, monkeypatch, library):
    with monkeypatch.context() as patch:
        patch.setattr(native, "LIBRARY", library)
        aligner = LexicalAligner()
        aligner.train(corpus)
        return aligner, list(aligner(corpus))


def test_a_trained_aligner_is_the_same_either_way(corpus, monkeypatch):
    corpus = [*corpus, *((source[::2], target[1::2]) for source, target in corpus if len(target) > 1)]
    fast, alignments = trained(corpus, monkeypatch, native.LIBRARY)
    plain, expected = trained(corpus, monkeypatch, None)
    assert sum(len(alignment.links) for alignment in alignments) > len(corpus)
    for got, want in zip(alignments, expected):
        assert got.links.tolist() == want.links.tolist()
        np.testing.assert_allclose(got.scores, want.scores, atol=1e-5)
    assert np.array_equal(fast.model.keys, plain.model.keys)
    np.testing.assert_allclose(fast.model.counts, plain.model.counts, rtol=1e-5)
    # Saved by one and loaded by the other.
    with monkeypatch.context() as patch:
        patch.setattr(native, "LIBRARY", None)
        other = list(LexicalAligner().from_bytes(fast.to_bytes())(corpus))
    assert [(a.links.tolist(), a.scores.tolist()) for a in other] == [
        (a.links.tolist(), a.scores.tolist()) for a in alignments
    ]


@pytest.mark.parametrize("part", [100, training.PART_PAIRS])
def test_probabilities_have_the_same_bits(corpus, monkeypatch, part):
    monkeypatch.setattr(training, "PART_PAIRS", part)
    tables = []
    for library in (native.LIBRARY, None):
        monkeypatch.setattr(native, "LIBRARY", library)
        source, target = Vocabulary(), Vocabulary()
        sources, targets, _ = read_bitext(corpus, source, target, 120)
        with ThreadPoolExecutor(1) as pool:
            trainer = Trainer(make_batches(sources, targets, 2_000), source, target, strength=10.0, null=0.1, pool=pool)
            trainer.lexical_round()
        assert len(trainer.alike) > 10
        tables.append([trainer.counts, *trainer.probabilities])
    for fast, plain in zip(*tables):
        assert fast.any() and fast.tobytes() == plain.tobytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names a compiler as other systems do")
def test_without_a_compiler_it_installs_all_the_same(tmp_path):
    if not (ROOT / "setup.py").exists():
        pytest.skip("reads setup.py of the repository")
    shutil.copy(ROOT / "setup.py", tmp_path)
    shutil.copytree(ROOT / "xner_spacy" / "csrc", tmp_path / "xner_spacy" / "csrc")
    for compiler, built in (("false", []), (os.environ.get("CC", "cc"), ["_native.abi3.so"])):
        if shutil.which(compiler) is None:
            pytest.skip(f"needs {compiler}")
        done = subprocess.run(
            [sys.executable, "setup.py", "build_ext", "--inplace"],
            cwd=tmp_path,
            env={**os.environ, "CC": compiler},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in (tmp_path / "xner_spacy").glob("*.so")) == built


@given(st.lists(st.text("aábcDEп1,. ", max_size=8), min_size=1, max_size=12), st.integers(0, 2**32))
def test_buckets_are_those_of_numpy(words, seed):
    random = np.random.default_rng(seed)
    source, target = ["", *words], ["", *random.permutation([*words, words[0] + "s"]).tolist()]
    pairs = random.integers(0, len(source), 200), random.integers(0, len(target), 200)
    spelling = Spelling(source, target)
    found = spelling.buckets(*pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "LIBRARY", None)
        assert found.tolist() == spelling.buckets(*pairs).tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-1e9, 1e9)), max_size=50))
def test_sums_are_those_of_bincount(pairs):
    index = np.array([number for number, _ in pairs], dtype=np.int32)
    values = np.array([value for _, value in pairs], dtype=np.float64)
    assert compiled.sums_by(index, values, 10).tolist() == np.bincount(index, values, 10).tolist()
    if len(index) and index.max():
        with pytest.raises(ValueError, match="out of range"):
            compiled.sums_by(index, values, int(index.max()))
