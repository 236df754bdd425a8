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
from ..errors import require
from .corrected import COPIES, with_corrected


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
    """Several kinds of text in one corpus, `xner.Mixture.v1`: labelled text, unlabelled text, and sentences that a person
    corrected.

    labelled (Optional[Path]): A DocBin file or folder of shards; None for no such text.
    unlabelled (Optional[Path]): The same; its labels and distributions, if any, are removed, and all its tokens are
        missing values.
    limit (int): The number of documents to use of these two; 0 for all.
    corrected (Optional[Path]): The same. Corrected sentences take the place of labelled ones with the same text. If the
        labelled text has distributions, they get some too, without any doubt.
    copies (int): How often each corrected sentence comes: how much it counts.
    """

    labelled: Optional[Path]
    unlabelled: Optional[Path] = None
    limit: int = 0
    corrected: Optional[Path] = None
    copies: int = COPIES

    def __post_init__(self) -> None:
        require(self.copies >= 1, f"xner.Mixture.v1: copies is {self.copies}.", "Give a whole number from 1 on.")

    def __call__(self, nlp: Language) -> Iterator[Example]:
        if self.corrected is None:
            yield from Corpus(self.labelled, self.limit)(nlp)
        else:
            labelled = [example.reference for example in Corpus(self.labelled, self.limit)(nlp)]
            corrected = [example.reference for example in Corpus(self.corrected)(nlp)]
            for doc in with_corrected(labelled, corrected, self.copies):
                yield Example(bare_copy(doc, nlp.vocab), doc)
        for example in Corpus(self.unlabelled, self.limit)(nlp):
            bare = example.predicted.copy()
            bare.set_ents([], default="missing")
            yield Example(example.predicted, bare)
