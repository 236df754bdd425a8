"""What to correct first."""

from typing import List, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.exchange.queues import DisagreementQueue, DoubtQueue, ExpectedGainQueue, RandomQueue
from xner_spacy.registry import get_part
from xner_spacy.types import Entity, LabelledSentence, Queue

NAMES = ("Random", "Doubt", "Disagreement", "ExpectedGain")


def sentence(
    number: int, text: str, doubts: Sequence[float], entities: Sequence[Entity] = (), others: Sequence[Entity] = ()
) -> LabelledSentence:
    words = text.split()
    padded = [*doubts, *[0.0] * (len(words) - len(doubts))]
    return LabelledSentence(number, words, entities, others, np.array(padded, dtype=np.float32))


@st.composite
def corpora(draw: st.DrawFn) -> List[LabelledSentence]:
    """Sentences of few words and few different doubts, so that there are ties and repeated words."""
    corpus = []
    for number in range(draw(st.integers(1, 12))):
        words = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=6))
        doubts = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=len(words), max_size=len(words)))
        others = [Entity(0, 1, "PER")] if draw(st.booleans()) else []
        corpus.append(sentence(number, " ".join(words), doubts, [Entity(0, 1, "LOC")], [*others, Entity(0, 1, "ORG")]))
    return corpus


@pytest.mark.parametrize("name", NAMES)
@given(corpus=corpora(), limit=st.integers(0, 15), seed=st.integers(0, 3))
def test_each_sentence_at_most_once_and_always_the_same(
    name: str, corpus: List[LabelledSentence], limit: int, seed: int
) -> None:
    queue: Queue = get_part("xner_queues", f"xner.{name}Queue.v1", seed=seed)
    chosen = queue(iter(corpus), limit)
    numbers = [queued.number for queued in chosen]
    assert len(numbers) == len(set(numbers)) == min(limit or len(corpus), len(corpus))
    assert set(numbers) <= {sentence.number for sentence in corpus}
    assert chosen == queue(iter(corpus), limit)
    # A shorter queue is the beginning of a longer one.
    assert numbers == [queued.number for queued in queue(iter(corpus), 0)][: len(numbers)]


@given(corpus=corpora(), limit=st.integers(1, 12))
def test_expected_gain_takes_the_best_one_each_time(corpus: List[LabelledSentence], limit: int) -> None:
    """The same as weighing all sentences again after each choice."""
    chosen = ExpectedGainQueue(repetition=0.3)(iter(corpus), limit)
    before: dict[str, int] = {}
    left = {sentence.number: sentence for sentence in corpus}

    def gain(candidate: LabelledSentence) -> float:
        total = 0.0
        for place, word in enumerate(candidate.words):
            differs = {(e.start, e.end, e.label) for e in candidate.entities} ^ {
                (e.start, e.end, e.label) for e in candidate.others
            }
            weight = candidate.doubts[place] + 0.5 * sum(start <= place < end for start, end, _ in differs)
            total += weight * 0.3 ** before.get(word, 0)
        return total / (8.0 + len(candidate.words))

    for queued in chosen:
        best = max(map(gain, left.values()))
        assert queued.worth == pytest.approx(best, abs=1e-5)
        taken = left.pop(queued.number)
        assert gain(taken) == pytest.approx(best, abs=1e-5)
        for word in {w for w, d in zip(taken.words, taken.doubts, strict=True) if d > 0} | {taken.words[0]}:
            before[word] = before.get(word, 0) + 1


def order(queue: Queue, corpus: List[LabelledSentence]) -> List[int]:
    return [queued.number for queued in queue(iter(corpus), 0)]


def test_doubt() -> None:
    corpus = [sentence(0, "a b", [0.1, 0.1]), sentence(1, "a", [0.4]), sentence(2, "a b c d e", [0.3, 0.3])]
    assert order(DoubtQueue(), corpus) == [1, 2, 0]
    assert order(DoubtQueue(per_word=False), corpus) == [2, 1, 0]
    without_place = corpus[0]._replace(missing=["Anna", "Jón"])
    assert order(DoubtQueue(), [without_place, *corpus[1:]]) == [0, 1, 2]


def test_disagreement() -> None:
    per, loc = Entity(0, 1, "PER"), Entity(1, 2, "LOC")
    corpus = [
        sentence(0, "a b", [0.0], [per, loc], [per, loc]),
        sentence(1, "a b", [0.0], [per], [per, loc]),
        sentence(2, "a b", [0.9], [per], [per, loc]),
        sentence(3, "a b", [0.0], [per], [Entity(0, 1, "ORG"), loc]),
    ]
    assert order(DisagreementQueue(), corpus) == [3, 2, 1, 0]
    with pytest.raises(XnerError, match="no entities of another pipeline"):
        order(DisagreementQueue(), [sentence(0, "a", [0.5], [per])])


def test_no_hundred_alike() -> None:
    """A sentence that is there a hundred times is chosen once before the others have their turn."""
    alike = [sentence(number, "Anna býr hér", [0.5, 0.5, 0.5]) for number in range(100)]
    others = [sentence(100 + number, f"w{number} x{number}", [0.3, 0.2]) for number in range(10)]
    first = order(ExpectedGainQueue(), [*alike, *others])[:11]
    assert sum(number < 100 for number in first) <= 2
    assert all(number < 100 for number in order(DoubtQueue(), [*alike, *others])[:100])


def test_long_sentences_cost_more() -> None:
    corpus = [sentence(0, "a b c", [0.5]), sentence(1, "d " + "w " * 50, [0.5])]
    assert order(ExpectedGainQueue(), corpus) == [0, 1]


def test_random_is_even() -> None:
    """Each sentence is as likely to be first."""
    corpus = [sentence(number, "a", [0.9 * (number == 0)]) for number in range(4)]
    first = [order(RandomQueue(seed), corpus)[0] for seed in range(400)]
    assert all(60 < first.count(number) < 140 for number in range(4))


@pytest.mark.parametrize("setting", [{"repetition": 2.0}, {"missing": -1.0}, {"disagreement": float("nan")}])
def test_settings_are_checked(setting: dict) -> None:
    with pytest.raises(XnerError):
        ExpectedGainQueue(**setting)
