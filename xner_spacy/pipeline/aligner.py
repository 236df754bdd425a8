"""`xner_aligner`: links the words of the source reading and of the Doc."""

import logging
from itertools import chain
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..corpora.bitext import TokenizedBitext
from ..docdata import stamp_of, why_not_linked
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
    """Sets `doc._.xner_alignment` where the Doc has a source; None where it has not.

    A Doc that has links already keeps them, unless `overwrite` is set or they were made for other tokens: then it is
    aligned anew and counted in `realigned`. Where Doc and source have the same number of sentences, more than one, the
    sentences are aligned one by one.

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
        """Train the aligner, where it can learn.

        source, target (Optional[str]): A line-parallel bitext, two files. tokenized (bool): Its tokens are separated by
            spaces already; else spaCy's tokenizers of the two languages split it.
        RAISES: XnerError if the aligner must learn and no bitext is given; InputError for files that are not parallel.
        """
        if not hasattr(self.part, "train"):
            return
        if source is None or target is None:
            raise XnerError(
                f"{self.name}: this aligner learns from a bitext.",
                f"Name it in the config: [initialize.components.{self.name}] source = ..., target = ...",
            )
        self.part.train(TokenizedBitext.of(source, target, nlp or blank("xx"), self.source_lang, tokenized))

    def process(self, docs: List[Doc]) -> None:
        todo = list(self._to_align(docs))
        cut = [_sentence_pairs(doc._.xner_source, doc) for doc in todo]
        pairs = [_to_pair(*sentences) for sentences in chain.from_iterable(cut)]
        alignments = iter(list(align_pairs(self.part, pairs, f"{self.name}: the aligner")))
        for doc, sentences in zip(todo, cut, strict=True):
            links: List[List[int]] = []
            scores: List[float] = []
            for (source, target), alignment in zip(sentences, alignments, strict=False):
                offset = source.start, target.start
                links += (alignment.links + offset).tolist()
                scores += alignment.scores.tolist()
            doc._.xner_alignment = Alignment(links, scores, stamp_of(doc._.xner_source, doc))

    def _to_align(self, docs: List[Doc]) -> Iterator[Doc]:
        """Leave out Docs without a source, and those that have links to the tokens that they have now."""
        for doc in docs:
            if doc._.xner_source is None:
                # Links to a source that is gone, or to nothing.
                doc._.xner_alignment = None
                continue
            wrong = why_not_linked(doc)
            if wrong is not None:
                self.realigned += 1
                if self.realigned == 1:
                    _log.warning("%s: a Doc is aligned anew, since %s: %r", self.name, wrong, doc.text[:60])
            if self.overwrite or doc._.xner_alignment is None or wrong is not None:
                yield doc


def align_pairs(aligner: Aligner, pairs: Sequence[SentencePair], who: str = "The aligner") -> Iterator[Alignment]:
    """YIELDS (Alignment): One for each sentence pair, made with its entities where the aligner makes use of them.
    RAISES: XnerError that says who gave too few or too many, or links outside a pair.
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
    """The sentences of both, or each as a whole where their numbers differ."""
    s, t = (list(doc.sents) if doc.has_annotation("SENT_START") else [doc[:]] for doc in (source, target))
    return list(zip(s, t, strict=True)) if len(s) == len(t) else [(source[:], target[:])]


def _to_pair(source: Span, target: Span) -> SentencePair:
    entities = [Entity(e.start - source.start, e.end - source.start, e.label_) for e in source.ents]
    return SentencePair([t.text for t in source], [t.text for t in target], entities, Alignment())
