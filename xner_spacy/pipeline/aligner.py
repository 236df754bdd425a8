"""`xner_aligner`: links the words of the source reading and of the Doc."""

import logging
from itertools import chain, islice
from typing import Callable, Iterable, Iterator, List, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from .. import registry as _registry  # noqa: F401
from ..corpora.bitext import TokenizedBitext
from ..docdata import stamp_of, why_not_linked
from ..errors import XnerError
from ..languages import blank
from ..pairing import paired
from ..types import Aligner, Alignment, Entity, SentencePair
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

        source, target (Optional[str]): A line-parallel bitext, two files. tokenized (bool): Its tokens are separated by spaces already; else
            spaCy's tokenizers of the two languages split it.
        RAISES: XnerError if the aligner must learn and no bitext is given; InputError for files that do not run parallel.
        """
        train = getattr(self.part, "train", None)
        if train is None:
            return
        if source is None or target is None:
            raise XnerError(
                f"{self.name}: this aligner learns from a bitext.",
                f"Name it in the config: [initialize.components.{self.name}] source = ..., target = ...",
            )
        train(TokenizedBitext.of(source, target, nlp or blank("xx"), self.source_lang, tokenized))

    def process(self, docs: List[Doc]) -> None:
        """Do the work of the component on some Docs, in place."""
        plans: List[Tuple[Doc, List[Tuple[int, int]]]] = []
        pairs: List[SentencePair] = []
        for doc in self._to_align(docs):
            source = doc._.xner_source
            offsets = []
            for (s_start, s_end), (t_start, t_end) in _sentence_pairs(source, doc):
                offsets.append((s_start, t_start))
                pairs.append(
                    SentencePair(
                        [t.text for t in source[s_start:s_end]],
                        [t.text for t in doc[t_start:t_end]],
                        [
                            Entity(e.start - s_start, e.end - s_start, e.label_)
                            for e in source.ents
                            if s_start <= e.start and e.end <= s_end
                        ],
                        Alignment(),
                    )
                )
            plans.append((doc, offsets))
        results = iter(self._align(pairs))
        for doc, offsets in plans:
            alignments = list(islice(results, len(offsets)))
            doc._.xner_alignment = _join(alignments, offsets, stamp_of(doc._.xner_source, doc))

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

    def _align(self, pairs: List[SentencePair]) -> List[Alignment]:
        align_marked = getattr(self.part, "align_marked", None)
        results = align_marked(pairs) if align_marked else self.part([(pair.source, pair.target) for pair in pairs])
        who = f"{self.name}: the aligner {type(self.part).__name__}"
        alignments = []
        for pair, alignment in paired(pairs, results, who, "sentence pairs", "alignments"):
            try:
                alignment.check(len(pair.source), len(pair.target))
            except ValueError as error:
                raise XnerError(f"{who}: {error}.") from error
            alignments.append(alignment)
        return alignments


def _sentence_pairs(source: Doc, target: Doc) -> Iterator[Tuple[Tuple[int, int], Tuple[int, int]]]:
    s, t = (
        [(sent.start, sent.end) for sent in doc.sents] if doc.has_annotation("SENT_START") else [(0, len(doc))]
        for doc in (source, target)
    )
    if len(s) != len(t):
        s, t = [(0, len(source))], [(0, len(target))]
    yield from zip(s, t, strict=True)


def _join(alignments: List[Alignment], offsets: List[Tuple[int, int]], tokens: str) -> Alignment:
    both = list(zip(alignments, offsets, strict=True))
    links = list(chain.from_iterable((a.links + offset).tolist() for a, offset in both))
    scores = list(chain.from_iterable(a.scores.tolist() for a in alignments))
    return Alignment(links, scores, tokens)
