"""Corpus readers for `spacy train`."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Optional

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.docs import bare_copy, read_docs
from ..docdata import install_extensions


@dataclass(eq=False)
class Corpus:
    """A DocBin or folder of shards whose tokens are kept, `xner.Corpus.v1`.

    `spacy.Corpus.v1` tokenises the text anew. Distributions and evaluation data belong to given tokens, so a student of
    pre-tokenised text trains on these; of text that its own tokenizer split, the two readers give the same.

    path (Optional[Path]): The file or folder; None gives no examples.
    limit (int): Use that many documents only; 0 for all.
    shuffle (bool): Draw those at random rather than taking the first. seed (int): Of the draw.
    """

    path: Optional[Path]
    limit: int = 0
    shuffle: bool = False
    seed: int = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        install_extensions()
        if self.path is None:
            return
        docs: Iterable[Doc] = read_docs(self.path, nlp.vocab)
        if self.shuffle:
            docs = list(docs)
            random.Random(self.seed).shuffle(docs)
        for k, doc in enumerate(docs):
            if self.limit and k >= self.limit:
                break
            if len(doc):
                yield Example(bare_copy(doc, nlp.vocab), doc)


@dataclass(eq=False)
class Mixture:
    """Labelled source text and unlabelled target text in one corpus, `xner.Mixture.v1`.

    labelled (Optional[Path]): A DocBin file or folder of shards. unlabelled (Optional[Path]): The same; whatever labels
        and distributions it has are taken away before anything sees it, and its tokens count as missing values.
    limit (int): Documents of each; 0 for all.
    """

    labelled: Optional[Path]
    unlabelled: Optional[Path]
    limit: int = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        yield from Corpus(self.labelled, self.limit)(nlp)
        for eg in Corpus(self.unlabelled, self.limit)(nlp):
            bare = eg.predicted.copy()
            bare.set_ents([], default="missing")
            yield Example(eg.predicted, bare)
