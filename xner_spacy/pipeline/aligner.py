"""`xner_aligner`: links the words of the source reading and of the Doc."""

import logging
from itertools import chain
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..corpora.bitext import TokenizedBitext
from ..docdata import alignment_of, source_of, stamp_of_words, why_not_linked, words_of
from ..errors import XnerError
from ..languages import blank
from ..streams import paired
from ..types import Aligner, Alignment, Entity, MarkedAligner, SentencePair
from .batch_pipe import BatchPipe

_log = logging.getLogger("xner_spacy")


@Language.factory(
    "xner_aligner",
    assigns=["doc._.xner_alignment"],
    requires=["doc._.xner_source"],
    default_config={"aligner": {"@xner_aligners": "xner.Lexical.v1"}},
)
class AlignerComponent(BatchPipe):
    """Sets `doc._.xner_alignment` if the Doc has a source, else to None.

    A Doc that already has links keeps them, unless `overwrite` is set or they were made for other tokens. In that case
    it is aligned again and counted in `realigned`. If Doc and source have the same number of sentences, and more than
    one, the sentences are aligned one by one.

    aligner (Aligner): The part, from the registry `xner_aligners`.
    source_lang (str): Language code of the source, for the tokenizer of the bitext that the aligner learns from.
    overwrite (bool): Align Docs that have an alignment already.
    """

    def __init__(
        self, nlp: Language, name: str, aligner: Aligner, source_lang: str = "en", overwrite: bool = False
    ) -> None:
        super().__init__(name, aligner)
        self.source_lang = source_lang
        self.overwrite = overwrite
        self.realigned = 0

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        source: Optional[str] = None,
        target: Optional[str] = None,
        tokenized: bool = False,
    ) -> None:
        """Train the aligner, if it can be trained.

        source, target (Optional[str]): A line-parallel bitext, two files. tokenized (bool): Whether its tokens are
            separated by spaces; otherwise spaCy's tokenizers of the two languages split it.
        RAISES: XnerError if the aligner must be trained without a bitext; InputError for files that are not parallel.
        """
        if not hasattr(self.part, "train"):
            return
        if source is None or target is None:
            raise XnerError(
                f"{self.name}: this aligner learns from a bitext.",
                f"Name it in the config: [initialize.components.{self.name}] source = ..., target = ...; for a config of "
                "`xner init-config` on the command line: --paths.source_text FILE --paths.target_text FILE.",
            )
        self.part.train(TokenizedBitext.of(source, target, nlp or blank("xx"), self.source_lang, tokenized))

    def process(self, docs: List[Doc]) -> None:
        todo = list(self._to_align(docs))
        sentences_by_doc = [_sentence_pairs(source, doc) for doc, source in todo]
        with_entities = isinstance(self.part, MarkedAligner)
        pairs = [_to_pair(*sentences, with_entities) for sentences in chain.from_iterable(sentences_by_doc)]
        aligned = list(align_pairs(self.part, pairs, f"{self.name}: the aligner"))
        begin = 0
        for (doc, _), sentences in zip(todo, sentences_by_doc, strict=True):
            its_pairs, its_alignments = pairs[begin : begin + len(sentences)], aligned[begin : begin + len(sentences)]
            begin += len(sentences)
            links = [Alignment().links]
            for (source, target), alignment in zip(sentences, its_alignments, strict=True):
                links.append(alignment.links + np.array((source.start, target.start), dtype=np.int32))
            scores = [Alignment().scores, *(alignment.scores for alignment in its_alignments)]
            # The sentences of a Doc are all its tokens.
            source_words = tuple(chain.from_iterable(pair.source for pair in its_pairs))
            target_words = tuple(chain.from_iterable(pair.target for pair in its_pairs))
            stamp = stamp_of_words(source_words, target_words)
            doc._.xner_alignment = Alignment(np.concatenate(links), np.concatenate(scores), stamp)

    def _to_align(self, docs: List[Doc]) -> Iterator[Tuple[Doc, Doc]]:
        """YIELDS (Tuple[Doc, Doc]): Docs that have a source, but no links to their current tokens, and their sources."""
        for doc in docs:
            source = source_of(doc)
            if source is None:
                # Remove links to a former source.
                doc._.xner_alignment = None
                continue
            reason = why_not_linked(doc)
            if reason is not None:
                self.realigned += 1
                if self.realigned == 1:
                    _log.warning("%s: a Doc is aligned again, because %s: %r", self.name, reason, doc.text[:60])
            if self.overwrite or alignment_of(doc) is None or reason is not None:
                yield doc, source


def align_pairs(aligner: Aligner, pairs: Sequence[SentencePair], who: str = "The aligner") -> Iterator[Alignment]:
    """YIELDS (Alignment): One per sentence pair, made with its entities if the aligner uses them.
    RAISES: XnerError that names the aligner if it returns too few or too many, or links outside a pair.
    """
    if isinstance(aligner, MarkedAligner):
        alignments = aligner.align_marked(pairs)
    else:
        alignments = aligner([(pair.source, pair.target) for pair in pairs])
    who = f"{who} {type(aligner).__name__}"
    for pair, alignment in paired(pairs, alignments, who, "sentence pairs", "alignments"):
        try:
            alignment.check(len(pair.source), len(pair.target))
        except ValueError as error:
            raise XnerError(f"{who}: {error}.") from error
        yield alignment


def _sentence_pairs(source: Doc, target: Doc) -> List[Tuple[Span, Span]]:
    """The sentences of both Docs, or the whole Docs if the numbers of sentences differ."""
    sides = [list(doc.sents) if doc.has_annotation("SENT_START") else [doc[:]] for doc in (source, target)]
    return list(zip(*sides, strict=True)) if len(sides[0]) == len(sides[1]) else [(source[:], target[:])]


def _to_pair(source: Span, target: Span, with_entities: bool) -> SentencePair:
    ents = source.ents if with_entities else ()
    entities = [Entity(e.start - source.start, e.end - source.start, e.label_) for e in ents]
    return SentencePair(words_of(source), words_of(target), entities, Alignment())
