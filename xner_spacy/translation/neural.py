"""The shared base of the neural translators: batches by number of tokens, splitting of long texts, and fault detection.

Texts are collected in pools, so that memory use is bounded. In a pool equal texts are translated once, and the longest
batches come first. A text that is too long for a model is split at the best position, and nothing is cut off.
"""

import logging
import re
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Union

from ..errors import XnerError, in_one_line
from ..languages import find_code
from ..streams import padded_groups, pools
from ..types import Translation
from .faults import FAILED, LENGTH, MAX_RATIO, RULES, TOO_LONG, find_fault
from .hub import LazyModel


class Hypothesis(NamedTuple):
    """One decoded translation."""

    text: str
    score: Optional[float]  # length-normalised log-probability, as the library gives it
    complete: bool  # whether it came to an end before the limit


def plan_batches(lengths: Mapping[int, int], batch_tokens: int) -> List[List[int]]:
    """Group texts of similar length.

    lengths (Mapping[int, int]): Sub-words of each text, by its number. batch_tokens (int): The most sub-words of a
        batch, padding included. A longer text is a batch of its own.
    RETURNS (List[List[int]]): Numbers by batch, from the longest to the shortest; ties in ascending order.
    """
    order = sorted(lengths, key=lambda k: (-lengths[k], k))
    return list(padded_groups(order, batch_tokens, lambda k: (lengths[k],)))


def decoding_limit(length: int, positions: int) -> int:
    """RETURNS (int): The most sub-words of a translation of `length` sub-words; a longer one is a loop. The limit is at
    most the decoder's `positions`, since a loop in the translation of 164 sub-words would exceed OPUS-MT's 512.
    """
    return min(3 * length + 20, positions)


# A text's hypotheses, the best first, or the code of a fault.
Outcome = Union[List[Hypothesis], str]
# The errors that the libraries raise on a text that they can't translate.
BROKEN = (RuntimeError, ValueError, IndexError)
_LOGGER = logging.getLogger("xner_spacy")
# Where a text may be split, the best positions first: ends of sentences, of clauses, spaces.
_BORDERS = (
    re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？।॥။།՞؟۔።])\s*"),
    re.compile(r"(?<=[;:,–—])\s+|(?<=[；：，、،؛፣፤])\s*"),
    re.compile(r"\s+"),
)


def _message(error: Exception) -> str:
    return in_one_line(error, 200) or type(error).__name__


@dataclass(eq=False)
class NeuralTranslator(LazyModel, ABC):
    """Base of `CTranslate2` and `Transformers`, which decode batches. Their model has a `limit`, the longest input in
    sub-words, and `encode`, whose result for a text has its number of sub-words as `len`. `faults` counts the detected
    faults by code.

    source_lang (str): Language of the texts: any code of the language table, or the model's own.
    target_lang (str): Language of the translations, likewise.
    beam_size (int): 1 is greedy.
    n_best (int): Hypotheses to return.
    max_length (int): Longest piece in sub-words; longer texts are split and joined.
    batch_tokens (int): The most sub-words of a batch, padding included.
    pool_size (int): Texts that are sorted together.
    max_ratio (float): See `find_fault`.
    """

    source_lang: str
    target_lang: str
    _: KW_ONLY
    beam_size: int = 1
    n_best: int = 1
    max_length: int = 200
    batch_tokens: int = 4096
    pool_size: int = 4096
    max_ratio: float = MAX_RATIO
    faults: Dict[str, int] = field(init=False, default_factory=dict, repr=False)

    @property
    def identity(self) -> Dict[str, Any]:
        """Everything that a stored translation depends on except the text."""
        # The size of batches and pools only changes the speed.
        names = ("source_lang", "target_lang", "beam_size", "n_best", "max_length", "max_ratio")
        return {**self._model_identity(), **{name: getattr(self, name) for name in names}, "faults": RULES}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for pool in pools(texts, self.pool_size):
            unique = list(dict.fromkeys(text.strip() for text in pool))
            translations = dict(zip(unique, self._translate_pool(unique), strict=True))
            for text in pool:
                yield translations[text.strip()]

    def _translate_pool(self, texts: List[str]) -> List[Translation]:
        longest, encode = self.loaded.limit, self.loaded.encode
        limit = min(self.max_length, longest)
        pieces: List[str] = []
        owners: List[List[int]] = []
        for text, tokens in zip(texts, encode(texts), strict=True):
            parts = [text] if text else []
            if len(tokens) > limit:
                parts = split_text(text, lambda part: len(encode([part])[0]), limit)
            owners.append(list(range(len(pieces), len(pieces) + len(parts))))
            pieces += parts
        encoded = encode(pieces)
        # Splitting can't make every piece short enough: under a very low limit one character can be too long.
        results: List[Outcome] = [TOO_LONG for _ in pieces]
        lengths = {k: len(tokens) for k, tokens in enumerate(encoded) if len(tokens) <= longest}
        batches = plan_batches(lengths, self.batch_tokens)
        decoded = self._decode_all([[encoded[k] for k in batch] for batch in batches])
        for k, outcome in zip(chain.from_iterable(batches), chain.from_iterable(decoded), strict=True):
            results[k] = outcome
        return [self._join([pieces[k] for k in indices], [results[k] for k in indices]) for indices in owners]

    def _decode_all(self, batches: List[List[Any]]) -> List[Sequence[Outcome]]:
        """Decode batches. If the library fails, decode text by text, so that one text does not affect the others.

        RETURNS (List[Sequence[Outcome]]): Per batch, per text its hypotheses, or a fault.
        RAISES: XnerError if the library fails on every text, or if memory is too small for one text.
        """
        try:
            return list(self._decode(batches))
        except BROKEN as error:
            _LOGGER.warning("A batch failed (%s). It is translated text by text.", _message(error))
        by_text = [[self._decode_one(encoded) for encoded in batch] for batch in batches]
        outcomes = list(chain.from_iterable(by_text))
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if len(errors) == len(outcomes) > 1:
            raise XnerError(
                f"{type(self).__name__} failed on each of {len(outcomes)} texts ({_message(errors[0])}).",
                "The model or its settings may not fit; try another device, or make the model again.",
            ) from errors[0]
        return [[FAILED if isinstance(outcome, Exception) else outcome for outcome in batch] for batch in by_text]

    def _decode_one(self, encoded: Any) -> Union[List[Hypothesis], Exception]:
        try:
            ((hypotheses,),) = self._decode([[encoded]])
        except BROKEN as error:
            if "out of memory" in str(error):
                raise XnerError(
                    f"The device's memory is too small for a text of {len(encoded)} sub-words.",
                    "Set a lower max_length, or a lower beam_size and n_best.",
                ) from error
            _LOGGER.warning("A text of %d sub-words could not be translated: %s", len(encoded), _message(error))
            return error
        return hypotheses

    def _join(self, pieces: List[str], outcomes: List[Outcome]) -> Translation:
        if not pieces:
            return Translation("")
        # A text with one faulty piece has no translation.
        fault = next(filter(None, map(self._fault, pieces, outcomes)), None)
        if fault is not None:
            self.faults[fault] = self.faults.get(fault, 0) + 1
            return Translation(None, fault=fault)
        best = [outcome[0] for outcome in outcomes if not isinstance(outcome, str)]
        scores = [h.score for h in best if h.score is not None]
        score = sum(scores) / len(scores) if scores else None
        entry = find_code(self.target_lang)
        joined = join_pieces([h.text for h in best], entry.script if entry else "Latn")
        # The alternatives of several pieces have too many combinations.
        alternatives = outcomes[0][1:] if len(outcomes) == 1 and isinstance(outcomes[0], list) else []
        return Translation(joined, score=score, alternatives=tuple((h.text, h.score) for h in alternatives))

    def _fault(self, piece: str, outcome: Outcome) -> Optional[str]:
        if isinstance(outcome, str):
            return outcome
        return find_fault(piece, outcome[0].text, self.max_ratio) or (None if outcome[0].complete else LENGTH)

    @abstractmethod
    def _model_identity(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Everything that a translation depends on except the text and the settings."""

    @abstractmethod
    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        """YIELDS (List[List[Hypothesis]]): Per batch, per text its hypotheses, the best first."""


def split_text(text: str, measure: Callable[[str], int], limit: int) -> List[str]:
    """Split a text into pieces of at most `limit` units, counted by `measure`.

    RETURNS (List[str]): Pieces that can be joined to the text, except for spaces between them. Each is within the
        limit, unless a single character is longer.
    """
    return _split(text.strip(), measure, max(limit, 1), 0)


def _split(text: str, measure: Callable[[str], int], limit: int, level: int) -> List[str]:
    if measure(text) <= limit or len(text) <= 1:
        return [text]
    # The last resort: a single word longer than the limit, or a script without spaces.
    parts = _cut(text, _BORDERS[level]) if level < len(_BORDERS) else list(text)
    pieces: List[str] = []
    start = 0
    while start < len(parts):
        end = _fitting(parts, start, measure, limit)
        piece = "".join(parts[start:end]).strip()
        start = end
        if piece:
            pieces.append(piece)
    if level < len(_BORDERS):
        return [part for piece in pieces for part in _split(piece, measure, limit, level + 1)]
    return pieces


def _fitting(parts: Sequence[str], start: int, measure: Callable[[str], int], limit: int) -> int:
    """RETURNS (int): The last end for which the parts from `start` on are within the limit; at least one part after
    `start`. Measuring is expensive, so the step is doubled and then halved.
    """

    def fits(end: int) -> bool:
        return measure("".join(parts[start:end]).strip()) <= limit

    fitting, step = start + 1, 1
    while fitting + step <= len(parts) and fits(fitting + step):
        fitting, step = fitting + step, 2 * step
    too_long = min(fitting + step, len(parts) + 1)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        fitting, too_long = (middle, too_long) if fits(middle) else (fitting, middle)
    return fitting


def _cut(text: str, border: "re.Pattern[str]") -> List[str]:
    ends = [m.end() for m in border.finditer(text)]
    starts = [0, *(end for end in ends if end)]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end]


def join_pieces(pieces: List[str], script: str = "Latn") -> str:
    """RETURNS (str): The translated pieces as one text, without spaces between them in scripts that use none."""
    separator = "" if script in ("Jpan", "Hans", "Hant") else " "
    return separator.join(piece.strip() for piece in pieces if piece.strip())
