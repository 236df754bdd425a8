"""`xner.BackTranslation.v1`: links by way of the source translated back into the target language.

The source is translated with its entities in brackets, and the translation's words are aligned to the target text.
Both are in the same language, which is easier to align (Politov et al. 2025, section on back-translation). The words in
a bracket stand for its entity. In the figures of that paper this loses more than it gains, except for texts without
spaces, because entities are lost when a translator drops brackets. `direct` recovers them.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import srsly

from ..corpora.reading import parse_msgpack
from ..errors import XnerError, require
from ..projection.by_translation.markers import MarkedTranslation, MarkerStyle, translate_marked
from ..streams import pools
from ..text import join_words
from ..types import Aligner, Alignment, Entity, SentencePair, TokenPair, Translator


class Replaced(NamedTuple):
    """A sentence pair whose source is the back-translation. `pair` holds its words, the target, the entities that
    survived the translation, and the links. `origins` holds the index of each entity in the original pair.
    """

    pair: SentencePair
    origins: List[int]


@dataclass(eq=False)
class BackTranslation:
    """`xner.BackTranslation.v1`: aligns by way of a back-translation. It can be trained if one of its aligners can.

    translator (Translator): Translates from source to target, and must keep the markers.
    aligner (Aligner): Aligns back-translation and target, two texts in one language.
    direct (Optional[Aligner]): Aligns source and target, for words outside entities and for entities that the
        translator lost. None leaves those without links, as the paper does.
    target_lang (str): spaCy's code of the target language, whose tokenizer splits the translation.
    style (MarkerStyle): "brackets" [ ] or numbered "tags", for translators that keep HTML.
    threshold (float): Minimum similarity between the text in a bracket and the entity translated alone.
    separator (str): Text between source tokens; empty for a script without spaces.
    quirks (bool): Match brackets to entities as the paper's released code does: it takes the last entity over the
        threshold, not the best, and compares the text with the brackets still on.
    batch_size (int): Sentence pairs that are translated together.
    """

    translator: Translator
    aligner: Aligner
    direct: Optional[Aligner] = None
    target_lang: str = "xx"
    style: MarkerStyle = "brackets"
    threshold: float = 0.5
    separator: str = " "
    quirks: bool = False
    batch_size: int = 256
    _tokenizer: Any = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        require(0.0 <= self.threshold <= 1.0, "threshold lies between 0 and 1.")
        require(self.batch_size >= 1, "batch_size must be at least 1.")

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_tokenizer": None}

    def __call__(self, pairs: Iterable[TokenPair]) -> Iterator[Alignment]:
        """Align pairs whose entities are not known. They are aligned directly, because there is nothing to mark.
        YIELDS (Alignment): One per pair.
        RAISES: XnerError if there is no `direct` aligner.
        """
        if self.direct is None:
            raise XnerError(
                "xner.BackTranslation.v1 needs to know the source entities.",
                "Use it in a pipeline, after xner_annotator, or give it an aligner `direct` for other pairs.",
            )
        yield from self.direct(pairs)

    def align_marked(self, pairs: Iterable[SentencePair]) -> Iterator[Alignment]:
        """Align pairs whose entities are known. Links that the pairs already have are ignored.

        YIELDS (Alignment): One per pair, in order. An entity that survived the translation gets the links of its
            back-translation, spread evenly over its words. All other words, and entities whose back-translation has no
            links, get the links of `direct`, or none without it.
        """
        for batch in pools(pairs, self.batch_size, size=_words):
            direct = [Alignment() for _ in batch]
            if self.direct is not None:
                direct = list(self.direct([(pair.source, pair.target) for pair in batch]))
            for pair, replaced, direct_links in zip(batch, self._replace(batch), direct, strict=True):
                yield _compose(pair.entities, replaced, direct_links)

    def replace(self, pairs: Iterable[SentencePair]) -> Iterator[Replaced]:
        """Replace the source with its back-translation, for the projector too, as the paper does.

        YIELDS (Replaced): One per pair, in order. It is empty if there is no entity or no translation.
        """
        for batch in pools(pairs, self.batch_size, size=_words):
            yield from self._replace(batch)

    def _replace(self, batch: Sequence[SentencePair]) -> List[Replaced]:
        marked = [k for k, pair in enumerate(batch) if pair.entities and len(pair.target)]
        translations = translate_marked(
            [(batch[k].source, batch[k].entities) for k in marked],
            self.translator,
            self.style,
            self.threshold,
            self.separator,
            self.quirks,
            self.batch_size,
        )
        results = [Replaced(SentencePair([], pair.target, [], Alignment()), []) for pair in batch]
        for k, translation in zip(marked, translations, strict=True):
            results[k] = self._read(batch[k], translation)
        with_entities = [k for k in marked if results[k].pair.entities]
        pairs = [(results[k].pair.source, batch[k].target) for k in with_entities]
        for k, alignment in zip(with_entities, self.aligner(pairs), strict=True):
            results[k].pair.alignment = alignment
        return results

    def _read(self, pair: SentencePair, translation: MarkedTranslation) -> Replaced:
        words, offsets = self._split(translation.text)
        entities, origins = [], []
        for start, end, label, origin, score in translation.spans:
            inside = [n for n, (word_start, word_end) in enumerate(offsets) if word_start < end and word_end > start]
            if inside:
                entities.append(Entity(inside[0], inside[-1] + 1, label, score))
                origins.append(origin)
        return Replaced(SentencePair(words, pair.target, entities, Alignment()), origins)

    def _split(self, text: str) -> Tuple[List[str], List[Tuple[int, int]]]:
        """RETURNS (Tuple[List[str], List[Tuple[int, int]]]): The words and their character offsets."""
        if self._tokenizer is None:
            from ..languages import blank

            self._tokenizer = blank(self.target_lang).tokenizer
        tokens = [token for token in self._tokenizer(text) if not token.is_space]
        return ([token.text for token in tokens], [(token.idx, token.idx + len(token)) for token in tokens])

    @property
    def train(self) -> Callable[[Iterable[TokenPair]], None]:
        """RETURNS (Callable): Trains the aligners that can learn: `direct` on the pairs, `aligner` on their
        back-translations. RAISES: AttributeError if neither can learn, so that no bitext is required.
        """
        if not self._learners():
            raise AttributeError("neither of its aligners learns")
        return self._train

    def _learners(self) -> Dict[str, Any]:
        aligners = {"aligner": self.aligner, "direct": self.direct}
        return {name: part for name, part in aligners.items() if hasattr(part, "train")}

    def _train(self, pairs: Iterable[TokenPair]) -> None:
        pairs = list(pairs)
        learners = self._learners()
        if "direct" in learners:
            learners["direct"].train(pairs)
        if "aligner" in learners:
            texts = [join_words(source, self.separator) for source, _ in pairs]
            translated = zip(self.translator(texts), pairs, strict=True)
            learners["aligner"].train([(self._split(t.text)[0], target) for t, (_, target) in translated if t.text])

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): What the aligners have learned."""
        states = {name: part.to_bytes() for name, part in self._learners().items()}
        return srsly.msgpack_dumps(states)

    def from_bytes(self, data: bytes) -> "BackTranslation":
        """RETURNS (BackTranslation): This aligner, with the loaded state. RAISES: XnerError if the state was saved with
        other aligners.
        """
        part_name = "xner.BackTranslation.v1"
        states = parse_msgpack(data, part_name, "the state of trained aligners", Dict[str, bytes])
        learners = self._learners()
        if states.keys() != learners.keys():
            raise XnerError(
                f"{part_name}: the saved state is for {', '.join(sorted(states)) or 'no aligner'}, but "
                f"{', '.join(sorted(learners)) or 'no aligner'} needs one.",
                "Train it again.",
            )
        for name, part in learners.items():
            setattr(self, name, part.from_bytes(states[name]) or part)
        return self


def _words(pair: SentencePair) -> int:
    return len(pair.source) + len(pair.target)


def _compose(entities: Sequence[Entity], replaced: Replaced, direct: Alignment) -> Alignment:
    scored: List[Tuple[Tuple[int, int], float]] = []
    aligned: Set[int] = set()
    for entity, origin in zip(replaced.pair.entities, replaced.origins, strict=True):
        source_words = range(entities[origin].start, entities[origin].end)
        for (k, j), score in _scored(replaced.pair.alignment):
            if entity.start <= k < entity.end:
                aligned.update(source_words)
                words = spread(k - entity.start, entity.end - entity.start, len(source_words))
                scored += [((source_words[i], j), score) for i in words]
    scored += [(link, score) for link, score in _scored(direct) if link[0] not in aligned]
    return Alignment([link for link, _ in scored], [score for _, score in scored])


def _scored(alignment: Alignment) -> Iterator[Tuple[Tuple[int, int], float]]:
    return zip(alignment.links.tolist(), alignment.scores.tolist(), strict=True)


def spread(k: int, width: int, length: int) -> range:
    """RETURNS (range): The words of an entity of `length` words that the `k`-th of the `width` words of its translation
    stands for, if both run evenly. There is at least one, and together all k cover every word.
    """
    return range(k * length // width, -(-(k + 1) * length // width))
