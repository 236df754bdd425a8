"""`xner split`: split development data off the projected text."""

import os
from typing import Callable, Sequence, Tuple

from ..corpora.docs import docbin_paths, read_docs
from ..corpora.made_at_once import write_docbins
from ..corpora.splitting import split_docs
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
    RETURNS (Tuple[int, int]): Sentences of both parts. RAISES: XnerError for a share outside (0, 1), or if an input
        would be overwritten.
    """
    files = [os.path.realpath(path) for corpus in corpora for path in docbin_paths(corpus)]
    outputs = [os.path.realpath(train), os.path.realpath(dev)]
    for path in outputs:
        if path in files or outputs[0] == outputs[1]:
            raise XnerError(f"{path} would be written over.", "Choose another name for it.")
    vocab = blank("xx").vocab
    settings = {"share": share, "seed": seed}
    docs = [doc for corpus in corpora for doc in read_docs(corpus, vocab)]
    train_docs, dev_docs = split_docs(docs, share, seed)
    parts = [(train, train_docs), (dev, dev_docs)]
    larger, smaller = write_docbins(parts, made_by="xner split", inputs=corpora, settings=settings)
    return larger, smaller


@command(split, corpora="SHARDS...", train=option("-t"), dev=option("-d"), share=share_of("--share", ends=False))
def split_cli(call: Callable[[], Tuple[int, int]], train: PathLike, dev: PathLike) -> None:
    """Print the sizes of the parts."""
    for size, output in zip(call(), (train, dev), strict=True):
        done(f"{size} sentences", output)
