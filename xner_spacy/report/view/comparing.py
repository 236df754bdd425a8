"""What is shown side by side: a run, another one, and gold; and how they differ."""

import threading
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ...corpora.formats.columns import TaggedSentence
from ...corpora.labelled import read_tagged
from ...errors import InputError
from ...evaluation.entities import Pairing, paired_entities
from ...evaluation.sides import common_positions
from ...text import is_blank_token, trim_span
from ...types import Entity, PathLike
from .runs import Run, open_run
from .sentences import ShownSentence, ShownSpan

OTHER_TOKENS = "has other tokens for this sentence, so nothing is compared"


@dataclass
class Row:
    """A sentence with all its versions.

    number (int): From 0. panels (List[ShownSentence]): The sentence of each run. differing (List[Set]): Of each run, the
        spans (start, end, label) that the other lacks. gold (Optional[List[ShownSpan]]): On the tokens of the first run.
    notes (List[str]): What can't be compared.
    """

    number: int
    panels: List[ShownSentence]
    differing: List[Set[Tuple[int, int, str]]]
    gold: Optional[List[ShownSpan]] = None
    notes: List[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """RETURNS (bool): Whether the runs have other spans here."""
        return any(self.differing)

    @property
    def lowest_score(self) -> Optional[float]:
        """RETURNS (Optional[float]): The lowest score of a span in any of the runs."""
        scores = [panel.lowest_score for panel in self.panels if panel.lowest_score is not None]
        return min(scores, default=None)


class Rows:
    """The sentences of one run or two, with gold.

    run (PathLike): The run. against (Optional[PathLike]): Another run over the same sentences. gold
        (Optional[PathLike]): The same sentences with gold entities: .iob, .spacy or a folder of shards.
    RAISES: InputError if one of them can't be read, or has another number of sentences.
    """

    def __init__(self, run: PathLike, against: Optional[PathLike] = None, gold: Optional[PathLike] = None) -> None:
        self.runs: List[Run] = [open_run(path) for path in (run, against) if path is not None]
        self.gold: Optional[List[TaggedSentence]] = None if gold is None else read_tagged(gold)
        sizes = {str(other.path): len(other) for other in self.runs[1:]}
        if self.gold is not None:
            sizes[str(gold)] = len(self.gold)
        for path, size in sizes.items():
            if size != len(self):
                message = f"has {size:,} sentences; {self.runs[0].path} has {len(self):,}."
                raise InputError(message, path, None, "Both must hold the same sentences in the same order.")
        if self.gold is not None and all(len(s.missing) == len(s.words) for s in self.gold):
            hint = "Give the corpus with the gold labels."
            raise InputError("holds no annotation: all tokens have missing values.", str(gold), None, hint)
        self._lock = threading.Lock()
        self.names = names_of([str(other.path) for other in self.runs])

    def __len__(self) -> int:
        return len(self.runs[0])

    def read(self, numbers: Sequence[int]) -> List[Row]:
        """RETURNS (List[Row]): Some sentences by their numbers, in the order given. One thread reads at a time."""
        with self._lock:
            panels_by_row = list(zip(*(run.read(numbers) for run in self.runs), strict=True))
        rows = []
        for number, panels in zip(numbers, panels_by_row, strict=True):
            row = Row(number, list(panels), [set() for _ in panels])
            if len(panels) == 2:
                self._compare(row)
            if self.gold is not None:
                self._judge(row, self.gold[number])
            rows.append(row)
        return rows

    def _compare(self, row: Row) -> None:
        one, other = row.panels
        if visible(one.words) != visible(other.words):
            row.notes.append(f"{self.runs[1].path} {OTHER_TOKENS}.")
            return
        positions = common_positions([one.words, other.words])
        spans = [
            {(places[s.start], places[s.end - 1], s.label): (s.start, s.end, s.label) for s in panel.spans}
            for panel, places in zip(row.panels, positions, strict=True)
        ]
        row.differing = [
            {span for key, span in mine.items() if key not in its} for mine, its in (spans, reversed(spans))
        ]

    def _judge(self, row: Row, gold: TaggedSentence) -> None:
        """Add gold to a row, and the errors to its sentences. Spans that touch a token without gold are not judged."""
        for number, panel in enumerate(row.panels):
            if visible(panel.words) != gold.visible:
                row.notes.append(f"Gold {OTHER_TOKENS}.")
                continue
            entities = on_tokens(gold, panel.words)
            unknown = _unknown_tokens(gold, panel.words)
            predicted = [
                span.entity for span in panel.spans if unknown.isdisjoint(range(span.start, span.end))
            ]  # fmt: skip
            panel.errors = paired_entities(entities, predicted)
            if left_out := len(panel.spans) - len(predicted):
                panel.notes.append(f"Not judged, because gold says nothing of their tokens: {left_out} spans.")
            if number == 0:
                row.gold = [ShownSpan(*entity[:3]) for entity in entities]


def visible(words: Sequence[str]) -> List[str]:
    """RETURNS (List[str]): The tokens that are not blank."""
    return [word for word in words if not is_blank_token(word)]


def on_tokens(gold: TaggedSentence, words: Sequence[str]) -> List[Entity]:
    """RETURNS (List[Entity]): Gold entities on the tokens of a version of the sentence with the same visible tokens."""
    places = _places(gold, words)
    entities = []
    for entity in gold.entities:
        edges = trim_span(gold.words, entity.start, entity.end)
        if edges is not None:
            entities.append(Entity(places[edges[0]], places[edges[1] - 1] + 1, entity.label))
    return entities


def _unknown_tokens(gold: TaggedSentence, words: Sequence[str]) -> Set[int]:
    places = _places(gold, words)
    return {places[k] for k in gold.missing if k in places}


def _places(gold: TaggedSentence, words: Sequence[str]) -> Dict[int, int]:
    """RETURNS (Dict[int, int]): Of each visible token of gold, its position among the tokens of another version."""
    sides = ([k for k, word in enumerate(side) if not is_blank_token(word)] for side in (gold.words, words))
    return dict(zip(*sides, strict=True))


def error_counts(errors: Sequence[Pairing]) -> List[str]:
    """RETURNS (List[str]): The kinds of the errors, without those that are none."""
    return [pairing.kind for pairing in errors if pairing.kind != "correct"]


def names_of(paths: Sequence[str]) -> List[str]:
    """RETURNS (List[str]): Short names of paths: as much of their ends as tells them apart; a path alone as it is."""
    if len(set(paths)) < 2:
        return list(paths)
    parts = [path.replace("\\", "/").rstrip("/").split("/") for path in paths]
    lengths = range(1, max(map(len, parts)) + 1)
    return next(
        (names for n in lengths if len(set(names := ["/".join(part[-n:]) for part in parts])) == len(paths)),
        list(paths),
    )
