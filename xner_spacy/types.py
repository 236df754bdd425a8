"""The plain data that the parts exchange, without spaCy and torch.

Word positions are 0-based token indices; ends are exclusive. "Source" is the language that has labels (English),
"target" the one that receives them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Protocol, Tuple, Union, runtime_checkable

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]


class Alignment:
    """Word links between a source and a target sentence, sorted, unique, each with a score.

    links: Anything that converts to an (n, 2) array of 0-based (source, target) token indices, in any order. Of a
        repeated link, the highest score is kept.
    scores: n link probabilities in [0, 1], or None for all 1.
    tokens: A stamp of the linked tokens, where they are known: see `xner_spacy.docdata.stamp_of`. It is ignored when
        alignments are compared.
    RAISES: ValueError if the shapes do not fit or an index or a score is negative.
    """

    __slots__ = ("links", "scores", "tokens")
    links: IntArray
    scores: FloatArray
    tokens: Optional[str]

    def __init__(self, links: Any = (), scores: Any = None, tokens: Optional[str] = None) -> None:
        self.tokens = tokens
        # Copies, so that later changes of what was given change nothing here.
        pairs = np.array(links, dtype=np.int32).reshape(-1, 2)
        values = np.ones(len(pairs), np.float32) if scores is None else np.array(scores, np.float32).reshape(-1)
        if len(values) != len(pairs):
            raise ValueError(f"{len(pairs)} links but {len(values)} scores")
        places = pairs[:, 0].astype(np.int64) << 32 | pairs[:, 1]  # negative if one of both is
        in_order = bool((places[1:] > places[:-1]).all())  # sorted and unique, as most links come
        is_negative = len(pairs) and (places[0] if in_order else places.min()) < 0
        if is_negative or not (scores is None or (values >= 0).all()):
            raise ValueError("token indices and link scores must not be negative")
        if in_order:
            self.links, self.scores = pairs, values
            return
        # Sort by source, target, then score, highest first: of repeated links, the first one is kept.
        order = np.lexsort((-values, pairs[:, 1], pairs[:, 0]))
        pairs, values = pairs[order], values[order]
        is_first = np.ones(len(pairs), dtype=bool)
        is_first[1:] = np.any(pairs[1:] != pairs[:-1], axis=1)
        self.links, self.scores = pairs[is_first], values[is_first]

    def __len__(self) -> int:
        return len(self.links)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Alignment):
            return NotImplemented
        return np.array_equal(self.links, other.links) and np.array_equal(self.scores, other.scores)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Alignment({self.to_pharaoh()!r})"

    def to_pharaoh(self) -> str:
        """RETURNS (str): The links as `i-j i-j ...`, source first, 0-based."""
        return " ".join(f"{i}-{j}" for i, j in self.links.tolist())

    def reversed(self) -> "Alignment":
        """RETURNS (Alignment): The same links with source and target exchanged."""
        return Alignment(self.links[:, ::-1], self.scores)

    def check(self, n_source: int, n_target: int) -> None:
        """RAISES: ValueError that names the first link outside n_source x n_target tokens."""
        # Sorted by source.
        if not len(self.links) or (self.links[-1, 0] < n_source and self.links[:, 1].max() < n_target):
            return
        i, j = self.links[(self.links[:, 0] >= n_source) | (self.links[:, 1] >= n_target)][0]
        size = f"{n_source} source and {n_target} target tokens"
        raise ValueError(f"link {i}-{j} is outside the sentence pair ({size})")


class Entity(NamedTuple):
    """A labelled source span: tokens `start` to `end` (exclusive), with the annotator's confidence."""

    start: int
    end: int
    label: str
    score: float = 1.0


class ProjectedSpan(NamedTuple):
    """A labelled target span, the source entity it comes from (index into the input) and its score."""

    start: int
    end: int
    label: str
    source: int
    score: float = 1.0


class Unprojected(NamedTuple):
    """A source entity (index into the input) without a target span, and the reason code why."""

    source: int
    reason: str


class Reason:
    """Why a source entity has no target span. The codes are written to files: add, never rename."""

    NO_LINKS = "no_links"  # none of its tokens is linked
    NO_CANDIDATE = "no_candidate"  # no target span scores above the minimum
    TOO_SHORT = "too_short"  # every range failed the length-ratio threshold
    OVERLAP = "overlap"  # every candidate overlaps a span that was preferred
    LOW_SCORE = "low_score"  # below the confidence threshold
    UNMAPPED_LABEL = "unmapped_label"  # the label map drops its label
    UNKNOWN_LABEL = "unknown_label"  # the label map does not know its label, or a chat model was not asked for it
    NO_TRANSLATION = "no_translation"  # the sentence was passed on without a translation
    INCOMPLETE = "incomplete"  # a completeness filter dropped it, alone or with its sentence
    BLANK = "blank"  # it holds only whitespace
    TOO_LONG = "too_long"  # the sentence has too many tokens for this projector
    NESTED = "nested"  # a chat model marked it inside another name
    TOKEN_EDGES = "token_edges"  # a chat model marked a name that begins or ends inside a token


class TokenLabels(NamedTuple):
    """A tagger's prediction for the target tokens: a distribution over IOB2 tags per token."""

    labels: Sequence[str]  # the tags, such as "O", "B-PER", "I-PER", one per column
    probs: FloatArray  # (tokens, labels) probabilities


@dataclass
class SentencePair:
    """The input of a projector: both sentences as tokens, the source entities, and the word links."""

    source: Sequence[str]
    target: Sequence[str]
    entities: Sequence[Entity]  # of the source, in any order; they must not overlap
    alignment: Alignment
    target_labels: Optional[TokenLabels] = None  # for scores and candidates that use a tagger
    # Each entity translated on its own, for the candidates that look for it in the target.
    entity_translations: Optional[Sequence[str]] = None

    @cached_property
    def key(self) -> int:
        """A hash of the tokens of both sides, the same in every process."""
        text = "\t".join([*self.source, "\n", *self.target])
        return int.from_bytes(blake2b(text.encode("utf8"), digest_size=8).digest(), "little")


@dataclass
class Projection:
    """The output of a projector for one sentence pair: target spans, sorted by start and never overlapping, and every
    source entity without a span, with its reason.
    """

    spans: List[ProjectedSpan] = field(default_factory=list)
    unprojected: List[Unprojected] = field(default_factory=list)


@dataclass
class Translation:
    """One translated text."""

    # None where the translator has no translation and is set to skip such texts, or where the translation is faulty
    text: Optional[str]
    score: Optional[float] = None  # length-normalised log-probability, where the translator has one
    unknown: int = 0  # words that could not be translated and were left as they were
    fault: Optional[str] = None  # why there is no text: a code of `xner_spacy.translation.faults`
    # The next best translations with their scores, best first, if the translator is set to return them.
    alternatives: Sequence[Tuple[str, Optional[float]]] = ()


@runtime_checkable
class Translator(Protocol):
    """Translates texts, one output per input, in order."""

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]: ...


@runtime_checkable
class EagerTranslator(Protocol):
    """A translator that works on many texts at a time, and whose translations come in any order."""

    def completed(self, texts: Sequence[str]) -> Iterator[Tuple[int, Translation]]:
        """YIELDS (Tuple[int, Translation]): The number of a text and its translation, as soon as it is there."""


class Cost(NamedTuple):
    """About what a part that asks a paid server would cost for some texts."""

    texts: int  # that have no stored answer
    input_tokens: int
    output_tokens: int
    money: Optional[float]  # None where no prices are set
    spent: float  # so far, in money if prices are set, else in tokens
    budget: Optional[float]


TokenPair = Tuple[Sequence[str], Sequence[str]]


@runtime_checkable
class Aligner(Protocol):
    """Aligns tokenised (source, target) pairs, one `Alignment` per pair, in order."""

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]: ...


class Learned(Protocol):
    """A part with a learned state, which is saved with the pipeline."""

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The learned state."""

    def from_bytes(self, data: bytes) -> Any:
        """Load the state that `to_bytes` returned."""


@runtime_checkable
class TrainableAligner(Aligner, Learned, Protocol):
    """An aligner that learns from a bitext at `initialize`."""

    def train(self, pairs: Iterable[TokenPair]) -> None:
        """Learn from a bitext."""


@runtime_checkable
class MarkedAligner(Aligner, Protocol):
    """An aligner that uses the source entities, where they are known."""

    def align_marked(self, pairs: Iterable["SentencePair"]) -> Iterator[Alignment]:
        """Align pairs by their tokens and entities; their own alignments are not read."""


@runtime_checkable
class Projector(Protocol):
    """Projects the entities of sentence pairs, one `Projection` per pair, in order."""

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterator[Projection]: ...


@runtime_checkable
class TrainableProjector(Projector, Learned, Protocol):
    """A projector that learns from the corpus it is to project (no target labels are needed)."""

    def train(self, pairs: Iterable[SentencePair], bitext: Iterable[TokenPair] = ()) -> None:
        """Learn from the sentence pairs and, for word statistics, from a larger bitext."""


class TypedName(NamedTuple):
    """A name in a sentence, and how likely each type is."""

    start: int
    end: int
    labels: Sequence[str]
    probs: npt.NDArray[np.float64]  # (labels,)


@runtime_checkable
class Retyper(Protocol):
    """Types the names of a whole corpus."""

    def __call__(self, corpus: Iterable[Tuple[Sequence[str], Optional[TokenLabels]]]) -> List[List[TypedName]]:
        """Type the names of a corpus.

        corpus (Iterable[Tuple[Sequence[str], Optional[TokenLabels]]]): The words of each sentence and the teacher's
            distributions, None if it has none, in the order of the text.
        RETURNS (List[List[TypedName]]): The names of each sentence, which do not overlap.
        """


class LabelledSentence(NamedTuple):
    """What a queue knows of a sentence that a pipeline has labelled.

    number (int): The sentence in its corpus, from 0. words (Sequence[str]): Its tokens.
    entities (Sequence[Entity]): What the pipeline found. others (Sequence[Entity]): What another pipeline found, the
    teacher beside a student, say. doubts (FloatArray): (tokens,) how likely the label of each token is wrong, from 0 to
    1, by the pipeline's own scores. missing (Sequence[str]): The names of its reading that have no place in it.
    """

    number: int
    words: Sequence[str]
    entities: Sequence[Entity]
    others: Sequence[Entity]
    doubts: FloatArray
    missing: Sequence[str] = ()


class Queued(NamedTuple):
    """A sentence (its number in the corpus, from 0) with its place in a queue, by what it is worth."""

    number: int
    worth: float


@runtime_checkable
class Queue(Protocol):
    """Says which sentences a person should correct first."""

    def __call__(self, sentences: Iterable[LabelledSentence], limit: int) -> List[Queued]:
        """Choose sentences.

        sentences (Iterable[LabelledSentence]): The sentences of a corpus, which are read once.
        limit (int): How many to choose; 0 for all.
        RETURNS (List[Queued]): The chosen ones, the first to be corrected first.
        """


Json = Dict[str, Any]
PathLike = Union[str, Path]
