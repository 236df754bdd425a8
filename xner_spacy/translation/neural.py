"""What the neural translators share: sorted batches of a size in tokens, long texts split and
joined, faults caught.

A subclass encodes texts and decodes batches; the rest is here. Texts are gathered in pools, so that
memory stays flat; in a pool equal texts are translated once, and batches go from the longest to the
shortest.
"""

from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from spacy.util import minibatch

from ..languages import find_code
from ..types import Translation
from .faults import LENGTH, MAX_RATIO, RULES, find_fault
from .splitting import join_pieces, split_text


class Hypothesis(NamedTuple):
    """One decoded translation.

    text (str): Its text. score (Optional[float]): Length-normalised log-probability, as the library
        gives it.
    complete (bool): Whether it came to an end before the limit.
    """

    text: str
    score: Optional[float]
    complete: bool


class Settings(NamedTuple):
    """What all neural translators can be told.

    source_lang, target_lang (str): Languages of the texts and of the translations: any code of the
        language table, or the model's own.
    beam_size (int): 1 is greedy. n_best (int): Hypotheses to return, at most beam_size.
    max_length (int): Longest piece in sub-words; longer texts are split and joined. batch_tokens
        (int): Sub-words a batch, padding counted. pool_size (int): Texts that are sorted together.
            max_ratio (float): See `find_fault`.
    """

    source_lang: str
    target_lang: str
    beam_size: int = 1
    n_best: int = 1
    max_length: int = 200
    batch_tokens: int = 4096
    pool_size: int = 4096
    max_ratio: float = MAX_RATIO


def plan_batches(lengths: Sequence[int], batch_tokens: int) -> List[List[int]]:
    """Put texts of like length together.

    lengths (Sequence[int]): Sub-words of each text. batch_tokens (int): The most a batch may hold,
        padding counted; a longer text is a batch of its own.
    RETURNS (List[List[int]]): Indices by batch, from the longest to the shortest; ties in the order
        given.
    """
    order = sorted(range(len(lengths)), key=lambda k: (-lengths[k], k))
    batches: List[List[int]] = []
    for k in order:
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(k)
        else:
            batches.append([k])
    return batches


def decoding_limit(length: int) -> int:
    """RETURNS (int): How many sub-words a translation of `length` sub-words may have; beyond that
    it has run away.
    """
    return 3 * length + 20


class NeuralTranslator:
    """Base of `CTranslate2` and `Transformers`. `faults` counts what was caught, by code."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults: Dict[str, int] = {}

    @property
    def identity(self) -> Dict[str, Any]:
        """What a stored translation depends on, beside the text."""
        ignored = ("batch_tokens", "pool_size")  # they change the speed alone
        options = {k: v for k, v in self.settings._asdict().items() if k not in ignored}
        return {**self._model_identity(), **options, "faults": RULES}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for pool in minibatch(texts, self.settings.pool_size):
            unique = list(dict.fromkeys(text.strip() for text in pool))
            known = dict(zip(unique, self._translate_pool(unique), strict=True))
            for text in pool:
                yield known[text.strip()]

    def _translate_pool(self, texts: List[str]) -> List[Translation]:
        limit = min(self.settings.max_length, self._limit())
        pieces: List[str] = []
        owners: List[List[int]] = []
        for text, encoded in zip(texts, self._encode(texts), strict=True):
            parts = [text] if text else []
            if len(encoded) > limit:
                parts = split_text(text, lambda part: len(self._encode([part])[0]), limit)
            owners.append(list(range(len(pieces), len(pieces) + len(parts))))
            pieces += parts
        encoded = self._encode(pieces)
        plan = plan_batches([len(e) for e in encoded], self.settings.batch_tokens)
        results: List[List[Hypothesis]] = [[] for _ in pieces]
        for batch, found in zip(
            plan, self._decode([[encoded[k] for k in b] for b in plan]), strict=True
        ):
            for k, hypotheses in zip(batch, found, strict=True):
                results[k] = hypotheses
        return [
            self._join(text, [pieces[k] for k in own], [results[k] for k in own])
            for text, own in zip(texts, owners, strict=True)
        ]

    def _join(self, text: str, pieces: List[str], results: List[List[Hypothesis]]) -> Translation:
        if not pieces:
            return Translation("")
        best = [hypotheses[0] for hypotheses in results]
        fault = None
        for piece, hypothesis in zip(pieces, best, strict=True):
            # One piece that went wrong spoils the reading of the whole.
            fault = fault or find_fault(piece, hypothesis.text, self.settings.max_ratio)
            fault = fault or (None if hypothesis.complete else LENGTH)
        scores = [h.score for h in best if h.score is not None]
        score = sum(scores) / len(scores) if scores else None
        if fault is not None:
            self.faults[fault] = self.faults.get(fault, 0) + 1
            return Translation(None, score=score, fault=fault)
        entry = find_code(self.settings.target_lang)
        joined = join_pieces([h.text for h in best], entry.script if entry else "Latn")
        others: Sequence[Tuple[str, Optional[float]]] = ()
        if len(results) == 1:
            others = tuple((h.text, h.score) for h in results[0][1:])
        return Translation(joined, score=score, alternatives=others)

    def _model_identity(self) -> Dict[str, Any]:
        raise NotImplementedError

    def _limit(self) -> int:
        """RETURNS (int): The longest input that the model can take, in sub-words."""
        raise NotImplementedError

    def _encode(self, texts: List[str]) -> List[Any]:
        """RETURNS (List[Any]): Per text something whose `len` is its number of sub-words."""
        raise NotImplementedError

    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        """YIELDS (List[List[Hypothesis]]): Per batch, per text its hypotheses, the best first."""
        raise NotImplementedError
