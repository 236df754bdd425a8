"""Sentences with entities from whatever form a corpus is in: `.iob`, a DocBin file, or a folder of shards."""

from pathlib import Path
from typing import List, Optional, Sequence

from ..errors import InputError
from ..languages import blank_vocab
from .docs import doc_to_sentence, read_docs
from .files import PathLike
from .iob import TaggedSentence, read_iob


def read_tagged(path: PathLike, labels: Optional[Sequence[str]] = None) -> List[TaggedSentence]:
    """Read a whole labelled corpus.

    path (PathLike): A `.iob` file, a `.spacy` file or a folder of them.
    labels (Optional[Sequence[str]]): The labels that may occur.
    RETURNS (List[TaggedSentence]): The sentences. RAISES: InputError.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".spacy":
        return [doc_to_sentence(doc) for doc in read_docs(path, blank_vocab("xx"))]
    return list(read_iob(path, labels=labels))


def require_same_words(
    a: PathLike, left: Sequence[TaggedSentence], b: PathLike, right: Sequence[TaggedSentence]
) -> None:
    """RAISES: InputError where two corpora do not hold the same sentences; the first difference is named."""
    for number, (x, y) in enumerate(zip(left, right), 1):
        if x.words != y.words:
            raise InputError(
                f"sentence {number} differs from that of {a}: {' '.join(y.words)[:60]!r} instead of "
                f"{' '.join(x.words)[:60]!r}.",
                b,
                y.line or None,
                "Both must hold the same sentences, tokenised alike, in the same order.",
            )
    if len(left) != len(right):
        short, n, long = (a, len(left), b) if len(left) < len(right) else (b, len(right), a)
        raise InputError(
            f"has {max(len(left), len(right))} sentences but {short} has {n}.",
            long,
            (right if long is b else left)[n].line or None,
        )
