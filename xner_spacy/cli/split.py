"""`xner split`: development data out of the projected text itself."""

import os
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..corpora.docs import docbin_paths, read_docs
from ..corpora.made_at_once import write_docbins
from ..errors import XnerError
from ..languages import blank
from ..types import PathLike
from .options import command, option
from .options import share as share_of
from .output import done


def split(
    corpora: Sequence[PathLike], train: PathLike, dev: PathLike, *, share: float = 0.1, seed: int = 0
) -> Tuple[int, int]:
    """Split a corpus at random into training and development data; the same text is never in both.

    corpora (Sequence[PathLike]): DocBin files or folders.
    train (PathLike): Where the larger part goes: .spacy, or a folder of shards.
    dev (PathLike): Where the smaller part goes: .spacy, or a folder of shards.
    share (float): Of the sentences that go to --dev.
    seed (int): Seed of the draw.
    RETURNS (Tuple[int, int]): Sentences of both parts. RAISES: XnerError for a share outside (0, 1), or where a file
        would be written over.
    """
    files = [os.path.realpath(path) for corpus in corpora for path in docbin_paths(corpus)]
    outputs = [os.path.realpath(train), os.path.realpath(dev)]
    for path in outputs:
        if path in files or outputs[0] == outputs[1]:
            raise XnerError(f"{path} would be written over.", "Choose another name for it.")
    vocab = blank("xx").vocab
    settings = {"share": share, "seed": seed}
    docs = [doc for corpus in corpora for doc in read_docs(corpus, vocab)]
    rest, aside = split_docs(docs, share, seed)
    parts = [(train, rest), (dev, aside)]
    larger, smaller = write_docbins(parts, made_by="xner split", inputs=corpora, settings=settings)
    return larger, smaller


def split_docs(docs: Sequence[Doc], share: float, seed: int = 0) -> Tuple[List[Doc], List[Doc]]:
    """Set a share of the sentences aside, in random order of their texts. Sentences of one text stay together, so that
    none is on both sides.

    docs (Sequence[Doc]): The corpus. share (float): Of the sentences, in (0, 1); there may be a few more for a text
        that is there more than once. seed (int): Of the draw.
    RETURNS (Tuple[List[Doc], List[Doc]]): The rest and what is set aside, in the corpus's order.
    RAISES: XnerError for another share, or where one side would be empty.
    """
    if not 0 < share < 1:
        raise XnerError(f"A share of {share:g} can't be set aside; it is between 0 and 1.")
    places: Dict[str, List[int]] = {}
    for k, doc in enumerate(docs):
        places.setdefault(" ".join(token.text for token in doc), []).append(k)
    groups = list(places.values())
    aside: List[int] = []
    for k in np.random.default_rng(seed).permutation(len(groups)):
        if len(aside) >= share * len(docs):
            break
        aside += groups[k]
    chosen = set(aside)
    if not 0 < len(chosen) < len(docs):
        raise XnerError(f"{len(docs)} sentences with {len(groups)} texts can't be split {share:g} to {1 - share:g}.")
    rest = [doc for k, doc in enumerate(docs) if k not in chosen]
    return rest, [docs[k] for k in sorted(chosen)]


@command(split, corpora="SHARDS...", train=option("-t"), dev=option("-d"), share=share_of("--share", ends=False))
def split_cli(call: Callable[[], Tuple[int, int]], train: PathLike, dev: PathLike) -> None:
    """Say how large the parts are."""
    for size, place in zip(call(), (train, dev), strict=True):
        done(f"{size} sentences", place)
