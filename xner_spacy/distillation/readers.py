"""Corpus readers for `spacy train`."""

import random
from pathlib import Path
from typing import Callable, Iterable, Iterator, Optional

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..corpora.docs import read_docs
from ..docdata import install_extensions


def make_corpus(
    path: Optional[Path], limit: int = 0, shuffle: bool = False, seed: int = 0
) -> Callable[[Language], Iterable[Example]]:
    """A DocBin or folder of shards whose tokens are kept, `xner.Corpus.v1`.

    `spacy.Corpus.v1` tokenises the text anew. Distributions and evaluation data belong to given
    tokens, so a student of pre-tokenised text trains on these; of text that its own tokenizer
    split, the two readers give the same.

    path (Optional[Path]): The file or folder; None gives no examples.
    limit (int): Use that many documents only; 0 for all.
    shuffle (bool): Draw those at random rather than taking the first. seed (int): Of the draw.
    """

    def read(nlp: Language) -> Iterator[Example]:
        install_extensions()
        if path is None:
            return
        docs: Iterable[Doc] = read_docs(path, nlp.vocab)
        if shuffle:
            docs = list(docs)
            random.Random(seed).shuffle(docs)
        for k, doc in enumerate(docs):
            if limit and k >= limit:
                break
            if len(doc):
                words, spaces = [t.text for t in doc], [bool(t.whitespace_) for t in doc]
                yield Example(Doc(nlp.vocab, words=words, spaces=spaces), doc)

    return read


def make_mixture(
    labelled: Optional[Path], unlabelled: Optional[Path], limit: int = 0
) -> Callable[[Language], Iterable[Example]]:
    """Labelled source text and unlabelled target text in one corpus, `xner.Mixture.v1`.

    labelled (Optional[Path]): A DocBin file or folder of shards. unlabelled (Optional[Path]): The
        same; whatever labels and distributions it has are taken away before anything sees it, and
        its tokens count as missing values.
    limit (int): Documents of each; 0 for all.
    """
    first, second = make_corpus(labelled, limit), make_corpus(unlabelled, limit)

    def read(nlp: Language) -> Iterator[Example]:
        yield from first(nlp)
        for eg in second(nlp):
            bare = eg.predicted.copy()
            bare.set_ents([], default="missing")
            yield Example(eg.predicted, bare)

    return read
