"""What the neural translators share: sorted batches of a size in tokens, long texts split and joined, faults caught.

A subclass encodes texts and decodes batches; the rest is here. Texts are gathered in pools, so that memory stays flat;
in a pool equal texts are translated once, and batches go from the longest to the shortest.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Union

from ..errors import XnerError, in_one_line
from ..languages import find_code
from ..pools import padded_groups, pools
from ..types import Translation
from .faults import FAILED, LENGTH, MAX_RATIO, RULES, TOO_LONG, find_fault
from .hub import LazyModel
from .long_texts import join_pieces, split_text


class Hypothesis(NamedTuple):
    """One decoded translation.

    text (str): Its text. score (Optional[float]): Length-normalised log-probability, as the library gives it.
    complete (bool): Whether it came to an end before the limit.
    """

    text: str
    score: Optional[float]
    complete: bool


def plan_batches(lengths: Sequence[int], batch_tokens: int) -> List[List[int]]:
    """Put texts of like length together.

    lengths (Sequence[int]): Sub-words of each text. batch_tokens (int): The most a batch may hold, padding counted; a
        longer text is a batch of its own.
    RETURNS (List[List[int]]): Indices by batch, from the longest to the shortest; ties in the order given.
    """
    order = sorted(range(len(lengths)), key=lambda k: (-lengths[k], k))
    return list(padded_groups(order, batch_tokens, lambda k: (lengths[k],)))


def decoding_limit(length: int, most: int) -> int:
    """How many sub-words a translation may have; beyond that it has run away.

    length (int): Sub-words of the text. most (int): What the model's decoder has positions for: a looping translation
        of 164 sub-words would leave the 512 of OPUS-MT.
    RETURNS (int): The limit.
    """
    return min(3 * length + 20, most)


# A text's hypotheses, the best first, or why it has none.
Outcome = Union[List[Hypothesis], str]
# What the libraries raise on a text that they can't take.
BROKEN = (RuntimeError, ValueError, IndexError)
_LOGGER = logging.getLogger("xner_spacy")


def _said(error: Exception) -> str:
    return in_one_line(error, 200) or type(error).__name__


@dataclass(eq=False)
class NeuralTranslator(LazyModel, ABC):
    """Base of `CTranslate2` and `Transformers`. `faults` counts what was caught, by code.

    source_lang (str): Language of the texts: any code of the language table, or the model's own.
    target_lang (str): Language of the translations, likewise.
    beam_size (int): 1 is greedy.
    n_best (int): Hypotheses to return.
    max_length (int): Longest piece in sub-words; longer texts are split and joined.
    batch_tokens (int): Sub-words a batch, padding counted.
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
        """What a stored translation depends on, beside the text."""
        # The size of batches and pools changes the speed alone.
        names = ("source_lang", "target_lang", "beam_size", "n_best", "max_length", "max_ratio")
        return {**self._model_identity(), **{name: getattr(self, name) for name in names}, "faults": RULES}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for pool in pools(texts, self.pool_size):
            unique = list(dict.fromkeys(text.strip() for text in pool))
            known = dict(zip(unique, self._translate_pool(unique), strict=True))
            for text in pool:
                yield known[text.strip()]

    def _translate_pool(self, texts: List[str]) -> List[Translation]:
        longest = self._limit()
        limit = min(self.max_length, longest)
        pieces: List[str] = []
        owners: List[List[int]] = []
        for text, encoded in zip(texts, self._encode(texts), strict=True):
            parts = [text] if text else []
            if len(encoded) > limit:
                parts = split_text(text, lambda part: len(self._encode([part])[0]), limit)
            owners.append(list(range(len(pieces), len(pieces) + len(parts))))
            pieces += parts
        encoded = self._encode(pieces)
        # What no split makes short enough: one character of many sub-words, under a very low limit.
        short = [k for k, tokens in enumerate(encoded) if len(tokens) <= longest]
        plan = plan_batches([len(encoded[k]) for k in short], self.batch_tokens)
        batches = [[short[k] for k in batch] for batch in plan]
        results: List[Outcome] = [TOO_LONG for _ in pieces]
        for batch, found in zip(batches, self._decode_all([[encoded[k] for k in b] for b in batches]), strict=True):
            for k, outcome in zip(batch, found, strict=True):
                results[k] = outcome
        return [self._join([pieces[k] for k in own], [results[k] for k in own]) for own in owners]

    def _decode_all(self, batches: List[List[Any]]) -> List[Sequence[Outcome]]:
        """Decode batches; where the library breaks, text by text, so that one text does not take the others along.

        RETURNS (List[Sequence[Outcome]]): Per batch, per text its hypotheses, or a fault.
        RAISES: XnerError where the library breaks on everything, or the memory is too small for one text.
        """
        try:
            return list(self._decode(batches))
        except BROKEN as error:
            _LOGGER.warning("A batch could not be translated (%s); text by text.", _said(error))
        found = [[self._decode_one(encoded) for encoded in batch] for batch in batches]
        outcomes = [outcome for batch in found for outcome in batch]
        broken = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if broken and (len(broken) == len(outcomes) > 1):
            raise XnerError(
                f"{type(self).__name__} failed on each of {len(outcomes)} texts ({_said(broken[0])}).",
                "The model or its settings may not fit; try another device, or make the model anew.",
            ) from broken[0]
        return [[FAILED if isinstance(o, Exception) else o for o in batch] for batch in found]

    def _decode_one(self, encoded: Any) -> Union[List[Hypothesis], Exception]:
        try:
            ((hypotheses,),) = self._decode([[encoded]])
        except BROKEN as error:
            if "out of memory" in str(error):
                raise XnerError(
                    f"The device's memory is too small for a text of {len(encoded)} sub-words.",
                    "Set a lower max_length, or a lower beam_size and n_best.",
                ) from error
            _LOGGER.warning("A text of %d sub-words could not be translated: %s", len(encoded), _said(error))
            return error
        return hypotheses

    def _join(self, pieces: List[str], outcomes: List[Outcome]) -> Translation:
        if not pieces:
            return Translation("")
        best: List[Hypothesis] = []
        fault = None
        for piece, outcome in zip(pieces, outcomes, strict=True):
            # One piece that went wrong spoils the reading of the whole.
            if isinstance(outcome, str):
                fault = fault or outcome
                continue
            best.append(outcome[0])
            fault = fault or find_fault(piece, outcome[0].text, self.max_ratio)
            fault = fault or (None if outcome[0].complete else LENGTH)
        scores = [h.score for h in best if h.score is not None]
        score = sum(scores) / len(scores) if scores else None
        if fault is not None:
            self.faults[fault] = self.faults.get(fault, 0) + 1
            return Translation(None, fault=fault)
        entry = find_code(self.target_lang)
        joined = join_pieces([h.text for h in best], entry.script if entry else "Latn")
        # Of a text in pieces there are too many combinations.
        others = outcomes[0][1:] if len(outcomes) == 1 and isinstance(outcomes[0], list) else []
        return Translation(joined, score=score, alternatives=tuple((h.text, h.score) for h in others))

    @abstractmethod
    def _model_identity(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): What a translation depends on, beside the text and the settings."""

    def _limit(self) -> int:
        """RETURNS (int): The longest input that the model can take, in sub-words."""
        return self.loaded.limit

    def _encode(self, texts: List[str]) -> List[Any]:
        """RETURNS (List[Any]): Per text something whose `len` is its number of sub-words."""
        return self.loaded.encode(texts)

    @abstractmethod
    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        """YIELDS (List[List[Hypothesis]]): Per batch, per text its hypotheses, the best first."""
