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
    """Reads a DocBin or folder of shards and keeps its tokens, `xner.Corpus.v1`.

    `spacy.Corpus.v1` tokenises the text again. Distributions and evaluation data belong to the existing tokens, so a
    student of pre-tokenised text is trained on these. For text from the pipeline's own tokenizer both readers agree.

    path (Optional[Path]): The file or folder; None gives no examples.
    limit (int): The number of documents to use; 0 for all.
    shuffle (bool): Choose them at random instead of the first ones. seed (int): Seed of the random choice.
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
        for index, doc in enumerate(docs):
            if self.limit and index >= self.limit:
                break
            if len(doc):
                yield Example(bare_copy(doc, nlp.vocab), doc)


@dataclass(eq=False)
class Mixture:
    """Labelled source text and unlabelled target text in one corpus, `xner.Mixture.v1`.

    labelled (Optional[Path]): A DocBin file or folder of shards. unlabelled (Optional[Path]): The same; its labels and
        distributions, if any, are removed, and all its tokens are missing values.
    limit (int): The number of documents to use of each; 0 for all.
    """

    labelled: Optional[Path]
    unlabelled: Optional[Path]
    limit: int = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        yield from Corpus(self.labelled, self.limit)(nlp)
        for example in Corpus(self.unlabelled, self.limit)(nlp):
            bare = example.predicted.copy()
            bare.set_ents([], default="missing")
            yield Example(example.predicted, bare)
