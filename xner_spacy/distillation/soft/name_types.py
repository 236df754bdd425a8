"""Types of names from the whole corpus: what a name is called elsewhere decides where one sentence leaves it open.

A teacher labels one sentence at a time. Where the sentence says little ("Museveni arrived"), it takes persons for places.
Elsewhere in the corpus the same name, or a longer one with the same word ("Yoweri Museveni"), stands where the type is
clear. The evidence of all these places is combined with the teacher's own distribution. No gold label is read, and the
borders of names stay as they are.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import require
from ...spelling import fold
from ...types import TokenLabels, TypedName
from ..student.tag_scheme import TagSet
from .country_names import country_key, country_names
from .soft_labels import best_entities, entity_labels, label_masses, to_labels

# A word of evidence about a name, and where it speaks: ("later", "museveni").
Clue = Tuple[str, str]
Floats = npt.NDArray[np.float64]

LETTERS = (3, 4)  # lengths of the letter n-grams
FLOOR = 1e-4  # probability that any type has at least, for the teacher


class _Name(NamedTuple):
    sentence: int
    start: int
    end: int
    words: Tuple[str, ...]  # folded
    before: Tuple[str, str]  # the two words before, folded
    after: str
    masses: Dict[str, float]  # mean mass of each label over its tokens


@dataclass(eq=False)
class NameTypes:
    """What the corpus says about the type of each name (`xner.NameTypes.v1`).

    Names are found in the distributions. Each votes for its types, with its probabilities, for the other names that
    share a clue with it: the whole name, a word of it, a word beside it, letters, or its place in the text. Each kind of
    clue gives log(p / prior) for every type, where p is the share of the type among the votes. The logarithms are added
    to those of the teacher, as in naive Bayes; a weight below 1 allows for clues that say the same. No name votes for
    itself, its sentence or a copy of that.

    weight (float): Weight of each kind of clue, 0 or more.
    smoothing (float): How many imagined names with the usual types are added to the votes, above 0.
    bias (float): Subtracted from the log-probability of O to find names: above 0 doubtful ones are names too.
    window (int): How many sentences before and behind are nearby.
    whole (bool): Whether the whole name is a clue.
    parts (bool): Whether words are clues: the last word of a name as the second or a later word of longer names, the
        first word as the first of longer names, and both as a name of one word.
    context (bool): Whether the word before, the two words before and the word behind are clues.
    letters (bool): Whether three and four letters in a row are clues (their mean counts).
    nearby (bool): Whether names nearby that share a word are clues once more.
    countries (Optional[str]): Code of a language. Then it is a clue that a name is a country or a region of the world in
        that language or in English, by the tables of Babel (extra [countries]). It counts fully, whatever the weight:
        no other kind of clue says the same.
    """

    weight: float = 0.35
    smoothing: float = 1.0
    bias: float = 1.0
    window: int = 15
    whole: bool = True
    parts: bool = True
    context: bool = True
    letters: bool = True
    nearby: bool = True
    countries: Optional[str] = None

    def __post_init__(self) -> None:
        numbers = self.weight >= 0 and self.smoothing > 0 and self.window >= 0
        finite = all(map(math.isfinite, (self.weight, self.smoothing, self.bias)))
        require(
            numbers and finite,
            f"xner.NameTypes.v1 with weight {self.weight}, smoothing {self.smoothing}, bias {self.bias}, window {self.window}.",
            "smoothing must be above 0, weight and window 0 or more, and all of them numbers.",
        )
        self.listed: Dict[str, str] = {} if self.countries is None else country_names(self.countries)

    def __call__(self, corpus: Iterable[Tuple[Sequence[str], Optional[TokenLabels]]]) -> List[List[TypedName]]:
        """Type the names of a corpus.

        corpus (Iterable[Tuple[Sequence[str], Optional[TokenLabels]]]): The words of each sentence, and the teacher's
            distributions, if it has any. Sentences are in the order of the text.
        RETURNS (List[List[TypedName]]): The names of each sentence.
        """
        names: List[_Name] = []
        copies: Dict[Tuple[str, ...], int] = {}  # sentence -> number of the first that reads the same
        sentence_groups: List[int] = []
        for number, (words, soft) in enumerate(corpus):
            sentence_groups.append(copies.setdefault(tuple(words), number))
            if soft is not None:
                names.extend(_find_names(number, words, soft, self.bias))
        typed: List[List[TypedName]] = [[] for _ in sentence_groups]
        if not names:
            return typed
        labels = sorted({label for name in names for label in name.masses})
        masses = np.array([[name.masses.get(label, 0.0) for label in labels] for name in names])
        teacher = masses / masses.sum(axis=1, keepdims=True)
        groups = np.array([sentence_groups[name.sentence] for name in names])
        group_sizes = Counter(sentence_groups)
        # A sentence that occurs several times votes once. A name votes with its probability of being one.
        votes = masses / np.array([group_sizes[group] for group in groups.tolist()])[:, None]
        logs = np.log(teacher + FLOOR) + self._evidence(names, votes, groups)
        probs = np.exp(logs - logs.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        for name, row in zip(names, probs, strict=True):
            typed[name.sentence].append(TypedName(name.start, name.end, labels, row))
        return typed

    def _evidence(self, names: Sequence[_Name], votes: Floats, groups: npt.NDArray[np.int64]) -> Floats:
        """RETURNS (Floats): (names, labels) weighted sum of the logarithms log(p / prior) of all kinds of clues."""
        prior = (votes.sum(axis=0) + 1) / (votes.sum() + votes.shape[1])
        evidence = np.zeros_like(votes)

        def ratios(counts: Floats) -> Floats:
            shares = (counts + self.smoothing * prior) / (counts.sum(axis=1, keepdims=True) + self.smoothing)
            logs: Floats = np.log(shares / prior)
            return logs

        if self.whole or self.parts or self.context:
            heard, said = zip(*map(self._word_clues, names), strict=True)
            rows, counts = votes_of_others(heard, said, votes, groups)
            np.add.at(evidence, rows, ratios(counts))
        if self.letters:
            clues = list(map(_letter_clues, names))
            rows, counts = votes_of_others(clues, clues, votes, groups)
            n_clues = np.array([max(len(row), 1) for row in clues])[:, None]
            np.add.at(evidence, rows, ratios(counts) / n_clues[rows])
        if self.nearby:
            evidence += ratios(_nearby_votes(names, votes, groups, self.window))
        evidence *= self.weight
        if self.listed:
            clues = list(map(self._country_clues, names))
            rows, counts = votes_of_others(clues, clues, votes, groups)
            np.add.at(evidence, rows, ratios(counts))
        return evidence

    def _country_clues(self, name: _Name) -> List[Clue]:
        kind = self.listed.get(country_key(name.words))
        return [] if kind is None else [("listed", kind)]

    def _word_clues(self, name: _Name) -> Tuple[List[Clue], List[Clue]]:
        """RETURNS (Tuple[List[Clue], List[Clue]]): The clues that the name listens to, and those for which it votes."""
        heard: List[Clue] = []
        said: List[Clue] = []
        words = name.words
        if self.whole:
            heard.append(("whole", " ".join(words)))
            said.append(("whole", " ".join(words)))
        if self.parts:
            heard += [("later", words[-1]), ("first", words[0])]
            if len(words) == 1:
                said.append(("alone", words[0]))
            else:
                heard += [("alone", words[-1]), ("alone", words[0])]
                said += [("first", words[0]), *(("later", word) for word in words[1:])]
        if self.context:
            beside = [("before", name.before[1]), ("two before", " ".join(name.before)), ("after", name.after)]
            heard += beside
            said += beside
        return heard, said


def votes_of_others(
    heard: Sequence[Sequence[Clue]], said: Sequence[Sequence[Clue]], votes: Floats, groups: npt.NDArray[np.int64]
) -> Tuple[npt.NDArray[np.int64], Floats]:
    """Count what the names of other sentences say about clues.

    heard (Sequence[Sequence[Clue]]): Each name's clues that it wants to know about.
    said (Sequence[Sequence[Clue]]): Each name's clues for which it votes.
    votes (Floats): (names, labels). groups (npt.NDArray[np.int64]): The sentence of each name.
    RETURNS (Tuple[npt.NDArray[np.int64], Floats]): The name of each clue in `heard`, in order, and the (clues, labels)
        votes for it from all names with another `groups`.
    """
    numbers: Dict[Clue, int] = {}

    def flat(clues_of_names: Sequence[Sequence[Clue]]) -> Tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        rows = [row for row, clues in enumerate(clues_of_names) for _ in clues]
        keys = [numbers.setdefault(clue, len(numbers)) for clues in clues_of_names for clue in clues]
        return np.array(rows, dtype=np.int64), np.array(keys, dtype=np.int64)

    said_rows, said_keys = flat(said)
    heard_rows, heard_keys = flat(heard)
    totals = np.zeros((len(numbers), votes.shape[1]))
    np.add.at(totals, said_keys, votes[said_rows])
    # What each sentence says about each clue, to take its own votes away again.
    own_keys, positions = np.unique(groups[said_rows] * len(numbers) + said_keys, return_inverse=True)
    own_votes = np.zeros((len(own_keys) + 1, votes.shape[1]))  # the last row: nothing was said
    np.add.at(own_votes, positions, votes[said_rows])
    wanted = groups[heard_rows] * len(numbers) + heard_keys
    found = np.searchsorted(own_keys, wanted)
    found[np.append(own_keys, -1)[found] != wanted] = len(own_keys)
    return heard_rows, np.maximum(totals[heard_keys] - own_votes[found], 0.0)


def _find_names(number: int, words: Sequence[str], soft: TokenLabels, bias: float) -> Iterator[_Name]:
    labels = entity_labels(soft.labels)
    masses = label_masses(to_labels(soft, TagSet(labels, "iob2").tags))
    folded = ["", "", *map(fold, words), ""]  # nothing stands before the sentence and behind it
    for entity in best_entities(soft, words, bias):
        name_masses = masses[entity.start : entity.end].mean(axis=0).tolist()
        if sum(name_masses) > 0:
            start, end = entity.start + 2, entity.end + 2
            before = folded[start - 2], folded[start - 1]
            by_label = dict(zip(labels, name_masses, strict=True))
            name_words = tuple(folded[start:end])
            yield _Name(number, entity.start, entity.end, name_words, before, folded[end], by_label)


def _letter_clues(name: _Name) -> List[Clue]:
    padded = [f"^{word}$" for word in name.words]
    return [
        ("letters", word[k : k + length])
        for word in padded
        for length in LETTERS
        for k in range(len(word) - length + 1)
    ]


def _nearby_votes(names: Sequence[_Name], votes: Floats, groups: npt.NDArray[np.int64], window: int) -> Floats:
    """RETURNS (Floats): (names, labels) votes of the names nearby that share a word, except of copies of the sentence."""
    places: Dict[str, Tuple[List[int], List[int]]] = {}  # word -> sentences and names, in order
    for row, name in enumerate(names):
        for word in set(name.words):
            sentences, rows = places.setdefault(word, ([], []))
            sentences.append(name.sentence)
            rows.append(row)
    counts = np.zeros_like(votes)
    for row, name in enumerate(names):
        others = set()
        for word in name.words:
            sentences, rows = places[word]
            first = bisect_left(sentences, name.sentence - window)
            others.update(rows[first : bisect_right(sentences, name.sentence + window)])
        nearby = [other for other in sorted(others) if groups[other] != groups[row]]
        counts[row] = votes[nearby].sum(axis=0)
    return counts
