"""Which sentences to correct first. A queue reads a corpus once, and keeps some numbers of each sentence."""

import heapq
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, Iterable, List, NamedTuple, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import XnerError, require
from ..text import comparable
from ..types import Entity, FloatArray, LabelledSentence, Queued

# Smaller weights do not change an order.
_NOTHING = 0.01


@dataclass(eq=False)
class RandomQueue:
    """`xner.RandomQueue.v1`: sentences in a random order, all of them equally likely.

    seed (int): Another seed gives another order.
    """

    seed: int = 0

    def __call__(self, sentences: Iterable[LabelledSentence], limit: int) -> List[Queued]:
        """Choose sentences; see `types.Queue`."""
        return _first([(sentence.number, 0.0) for sentence in sentences], limit, self.seed)


@dataclass(eq=False)
class DoubtQueue:
    """`xner.DoubtQueue.v1`: the sentences first of which the pipeline is least sure. Its scores should be calibrated (`xner
    calibrate`).

    per_word (bool): The mean doubt of the words, and not its sum, which prefers long sentences.
    missing (float): The doubt of a name of the reading that has no place in the sentence.
    seed (int): Decides between sentences of equal doubt.
    """

    per_word: bool = True
    missing: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        _require_weight("missing", self.missing)

    def __call__(self, sentences: Iterable[LabelledSentence], limit: int) -> List[Queued]:
        """Choose sentences; see `types.Queue`."""
        return _first([(sentence.number, self._doubt(sentence)) for sentence in sentences], limit, self.seed)

    def _doubt(self, sentence: LabelledSentence) -> float:
        total = float(sentence.doubts.sum()) + self.missing * len(sentence.missing)
        return total / max(len(sentence.words), 1) if self.per_word else total


@dataclass(eq=False)
class DisagreementQueue:
    """`xner.DisagreementQueue.v1`: the sentences first in which two pipelines, such as a teacher and its student, find most
    that the other one does not. The pipeline's own doubt decides between sentences with as many differences.

    seed (int): Decides where the doubt is equal too.
    """

    seed: int = 0

    def __call__(self, sentences: Iterable[LabelledSentence], limit: int) -> List[Queued]:
        """Choose sentences; see `types.Queue`."""
        values = []
        has_others = False
        for sentence in sentences:
            has_others = has_others or bool(sentence.others)
            differences = _spans(sentence.entities) ^ _spans(sentence.others)
            doubt = float(sentence.doubts.mean()) if len(sentence.doubts) else 0.0
            # A mean of probabilities is never more than 1: it only decides between equal numbers.
            values.append((sentence.number, len(differences) + doubt / 2))
        if values and not has_others:
            raise XnerError(
                "There are no entities of another pipeline to disagree with.",
                "Label the same sentences with it (xner annotate), and name them: xner export --other.",
            )
        return _first(values, limit, self.seed)


class _Worth(NamedTuple):
    """What a sentence offers: words by a checksum of their form, the weight of each, and the cost of reading it."""

    number: int
    forms: npt.NDArray[np.uint32]
    weights: FloatArray
    cost: float


@dataclass(eq=False)
class ExpectedGainQueue:
    """`xner.ExpectedGainQueue.v1`: the sentences first that teach most for the time they take.

    A word is worth its doubt, and more where two pipelines differ. A word that was chosen before in another sentence is
    worth less each time, so that the sentences differ from each other. What a sentence is worth is divided by its cost.
    Sentences are chosen one by one, each the best after those before it.

    disagreement (float): What is added for each word of an entity that one pipeline has and the other has not.
    missing (float): What a name of the reading is worth that has no place in the sentence.
    repetition (float): The worth of a word that was chosen once before, as a part of that of a new one; that of one that
        was chosen twice is this part of it again.
    sentence_cost (float): What a sentence costs beside its words, in words.
    seed (int): Decides between sentences of equal worth.
    """

    disagreement: float = 0.5
    missing: float = 0.5
    repetition: float = 0.5
    sentence_cost: float = 8.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("disagreement", "missing", "sentence_cost"):
            _require_weight(name, getattr(self, name))
        require(0 <= self.repetition <= 1, f"repetition is {self.repetition}.", "Give a number from 0 to 1.")

    def __call__(self, sentences: Iterable[LabelledSentence], limit: int) -> List[Queued]:
        """Choose sentences; see `types.Queue`."""
        worths = list(map(self._worth, sentences))
        limit = min(limit or len(worths), len(worths))
        ties = np.random.default_rng(self.seed).permutation(len(worths)).tolist()
        chosen_before: Dict[int, int] = defaultdict(int)
        # What a sentence is worth never grows by choosing others. So the best one is known as soon as the one on top,
        # weighed again, stays on top.
        heap = [(-self._gain(worth, chosen_before), ties[place], place) for place, worth in enumerate(worths)]
        heapq.heapify(heap)
        chosen: List[Queued] = []
        while len(chosen) < limit:
            _, tie, place = heap[0]
            worth = worths[place]
            gain = self._gain(worth, chosen_before)
            entry = (-gain, tie, place)
            if len(heap) > 1 and entry > min(heap[1:3]):
                heapq.heapreplace(heap, entry)
                continue
            heapq.heappop(heap)
            chosen.append(Queued(worth.number, gain))
            for form in set(worth.forms.tolist()):
                chosen_before[form] += 1
        return chosen

    def _worth(self, sentence: LabelledSentence) -> _Worth:
        weights = sentence.doubts.astype(np.float32)
        for start, end, _ in _spans(sentence.entities) ^ _spans(sentence.others) if sentence.others else ():
            weights[start:end] += self.disagreement
        forms = [comparable(word) for word, weight in zip(sentence.words, weights, strict=True) if weight > _NOTHING]
        # No word begins with a space.
        forms += [f" {comparable(name)}" for name in sentence.missing]
        weights = np.concatenate(
            [weights[weights > _NOTHING], np.full(len(sentence.missing), self.missing, np.float32)]
        )
        sums = np.array([zlib.crc32(form.encode("utf8", "surrogatepass")) for form in forms], dtype=np.uint32)
        return _Worth(sentence.number, sums, weights, self.sentence_cost + len(sentence.words))

    def _gain(self, worth: _Worth, chosen_before: Dict[int, int]) -> float:
        if not chosen_before:
            return float(worth.weights.sum()) / max(worth.cost, 1.0)
        times = [chosen_before.get(form, 0) for form in worth.forms.tolist()]
        total = sum(w * self.repetition**n for w, n in zip(worth.weights.tolist(), times, strict=True))
        return total / max(worth.cost, 1.0)


def _spans(entities: Sequence[Entity]) -> "set[tuple[int, int, str]]":
    return {(start, end, label) for start, end, label, *_ in entities}


def _require_weight(name: str, value: float) -> None:
    require(0 <= value < float("inf"), f"{name} is {value}.", "Give a number from 0 on.")


def _first(values: "list[tuple[int, float]]", limit: int, seed: int) -> List[Queued]:
    """RETURNS (List[Queued]): The sentences with the highest values; a random order decides between equal ones."""
    worths = np.array([worth for _, worth in values], dtype=np.float64)
    ties = np.random.default_rng(seed).permutation(len(values))
    order = np.lexsort((ties, -worths))[: limit or None]
    return [Queued(*values[place]) for place in order.tolist()]
