import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.evaluation import resampling
from xner_spacy.evaluation.entities import (
    Tally,
    bootstrap_f1,
    compare,
    count,
    error_kinds,
    evaluate,
    prf,
)
from xner_spacy.types import Entity

E = Entity
GOLD = [[E(0, 2, "PER"), E(3, 4, "LOC")], [], [E(1, 2, "ORG")], [E(0, 3, "LOC")]]
PRED = [[E(0, 2, "PER"), E(3, 4, "ORG")], [E(0, 1, "PER")], [], [E(1, 3, "LOC")]]

entity = st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from(["PER", "LOC"])).map(
    lambda t: E(t[0], t[0] + t[1], t[2])
)


@st.composite
def corpora(draw):
    def sentence():
        found, end = [], 0
        for e in sorted(draw(st.lists(entity, max_size=4))):
            if e.start >= end:
                found.append(e)
                end = e.end
        return found

    n = draw(st.integers(1, 8))
    return [sentence() for _ in range(n)], [sentence() for _ in range(n)]


def test_by_hand():
    scores = evaluate(GOLD, PRED)
    assert (scores["correct"], scores["predicted"], scores["gold"]) == (1, 4, 4)
    assert scores["precision"] == scores["recall"] == scores["f1"] == 0.25
    assert scores["errors"] == {
        "correct": 1,
        "boundary": 1,
        "type": 1,
        "boundary_and_type": 0,
        "spurious": 1,
        "missing": 1,
    }
    assert scores["per_type"]["PER"]["f1"] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["per_length"]["3"]["gold"] == 1
    assert "bs:1000" in scores["signature"]


def test_agrees_with_spacys_scorer():
    """The same figures as spaCy gives for the same entities."""
    import spacy
    from spacy.scorer import Scorer
    from spacy.tokens import Doc, Span
    from spacy.training import Example

    vocab = spacy.blank("xx").vocab
    examples = []
    for g, p in zip(GOLD, PRED):
        docs = []
        for ents in (p, g):
            doc = Doc(vocab, words=list("abcdef"))
            doc.set_ents([Span(doc, e.start, e.end, e.label) for e in ents])
            docs.append(doc)
        examples.append(Example(*docs))
    theirs = Scorer.score_spans(examples, "ents", getter=lambda doc, _: doc.ents)
    ours = evaluate(GOLD, PRED)
    for mine, name in (("precision", "ents_p"), ("recall", "ents_r"), ("f1", "ents_f")):
        assert ours[mine] == pytest.approx(theirs[name], abs=1e-5)


@given(corpora())
def test_errors_add_up(sides):
    gold, predicted = sides
    kinds = error_kinds(gold, predicted)
    wrong = kinds["boundary"] + kinds["type"] + kinds["boundary_and_type"]
    assert kinds["correct"] + wrong + kinds["spurious"] == sum(map(len, predicted))
    assert kinds["correct"] + wrong + kinds["missing"] == sum(map(len, gold))


@given(corpora())
def test_f1_is_symmetric_and_its_interval_lies_in_range(sides):
    gold, predicted = sides
    one, other = evaluate(gold, predicted, samples=20), evaluate(predicted, gold, samples=20)
    assert one["f1"] == other["f1"] and one["precision"] == other["recall"]
    low, high = one["f1_interval"]
    assert 0 <= low <= high <= 1


def test_a_perfect_and_an_empty_system():
    assert evaluate(GOLD, GOLD)["f1_interval"] == [1.0, 1.0]
    assert evaluate(GOLD, [[]] * 4)["f1"] == 0
    assert evaluate([], [])["f1"] == 0
    assert prf(0, 0, 0) == (0, 0, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    import numpy as np

    rng = np.random.default_rng(1)
    inside = 0
    for seed in range(100):
        hits = rng.random(200) < 0.7
        gold = [[E(0, 1, "PER")]] * 200
        predicted = [[E(0, 1, "PER")] if hit else [E(1, 2, "PER")] for hit in hits]
        low, high = bootstrap_f1(count(gold, predicted), samples=400, seed=seed)
        inside += low <= 0.7 <= high
    assert 88 <= inside <= 100


def test_resamples_in_parts_are_those_drawn_at_once(monkeypatch):
    counts = count(GOLD * 10, PRED * 10)
    whole = bootstrap_f1(counts, samples=50, seed=4)
    monkeypatch.setattr(resampling, "BLOCK", 7 * 4)  # there are four different sentences
    assert bootstrap_f1(counts, samples=50, seed=4) == whole


def test_the_order_of_the_sentences_makes_no_difference():
    assert evaluate(GOLD * 3, PRED * 3) == evaluate(GOLD[::-1] * 3, PRED[::-1] * 3)


@given(corpora())
def test_figures_of_a_label_are_those_of_its_entities_alone(sides):
    """Counts kept for all labels together give what counting each label by itself gives."""
    gold, predicted = sides
    tally = Tally()
    for gold_entities, predicted_entities in zip(gold, predicted):
        tally.add(gold_entities, predicted_entities)
    for label in (None, "PER", "LOC"):
        counts = count(gold, predicted, label)
        rates = tally.rates(None if label is None else [label], samples=30, seed=5)
        sums = [int(column.sum()) for column in counts]
        assert [rates[name] for name in ("correct", "predicted", "gold")] == sums
        assert rates["f1_interval"] == resampling.rounded(bootstrap_f1(counts, samples=30, seed=5))
    assert tally.scores(samples=9)["errors"] == error_kinds(gold, predicted)


def test_sentences_drawn_in_groups_vary_as_much_as_those_drawn_one_by_one():
    """The standard deviation of F1 over resamples, against the one that is computed sentence by sentence."""
    import numpy as np

    rng = np.random.default_rng(2)
    hits = rng.random(400) < 0.6
    gold = [[E(0, 1, "PER")]] * 400
    predicted = [[E(0, 1, "PER")] if hit else [] for hit in hits]
    low, high = bootstrap_f1(count(gold, predicted), samples=4000)
    one_by_one = []
    for _ in range(4000):
        share = rng.choice(hits, 400).mean()
        one_by_one.append(2 * share / (1 + share))
    expected = np.percentile(one_by_one, [2.5, 97.5])
    assert [low, high] == pytest.approx(expected.tolist(), abs=0.006)


def test_without_resamples_the_interval_is_f1_itself():
    assert bootstrap_f1(count(GOLD, PRED), samples=0) == (0.25, 0.25)


def test_a_sentence_of_many_entities_takes_no_quadratic_time():
    n = 20_000
    gold = [E(3 * k, 3 * k + 2, "PER") for k in range(n)]
    wrong = [E(3 * k, 3 * k + 1, "PER") for k in range(n)]
    began = time.monotonic()
    kinds = error_kinds([gold], [wrong])
    assert kinds["boundary"] == n and not kinds["spurious"] and not kinds["missing"]
    assert time.monotonic() - began < 10


def test_sides_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="4 gold sentences but 3"):
        evaluate(GOLD, PRED[:3])


def test_paired_test():
    gold = [[E(0, 1, "PER")]] * 60
    good = [[E(0, 1, "PER")]] * 60
    worse = [[E(0, 1, "PER")] if k % 3 else [] for k in range(60)]
    result = compare(gold, good, worse, samples=500)
    assert result["difference"] == pytest.approx(0.2, abs=0.01)
    assert result["p_value"] < 0.01
    low, high = result["difference_interval"]
    assert 0 < low < result["difference"] < high
    same = compare(gold, worse, worse, samples=200)
    assert same["difference"] == 0 and same["p_value"] == 1.0


def test_the_seed_makes_the_result():
    assert compare(GOLD, PRED, GOLD, samples=99, seed=3) == compare(GOLD, PRED, GOLD, samples=99, seed=3)
