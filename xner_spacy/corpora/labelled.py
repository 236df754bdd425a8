"""Read all sentences and entities of a corpus in any format, for an evaluation.

A pipeline may produce whitespace tokens that its gold corpus does not have. Two corpora have the same text if their
visible tokens are equal; the positions of entities count all tokens.
"""

from itertools import count
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Sequence

from ..errors import InputError
from ..languages import blank_vocab
from ..types import PathLike
from .docs import doc_entities, read_docs
from .formats.columns import CHANGE_LABELS, TaggedSentence, read_columns


def read_tagged(path: PathLike, labels: Optional[Sequence[str]] = None) -> List[TaggedSentence]:
    """RETURNS (List[TaggedSentence]): A whole labelled corpus, see `iter_tagged`."""
    return list(iter_tagged(path, labels))


def iter_tagged(path: PathLike, labels: Optional[Sequence[str]] = None) -> Iterator[TaggedSentence]:
    """Read a labelled corpus sentence by sentence.

    path (PathLike): A `.iob` file, a `.spacy` file or a folder of them.
    labels (Optional[Sequence[str]]): The labels that may occur, in any format.
    YIELDS (TaggedSentence): The sentences. RAISES: InputError, also for a label that is not in `labels`.
    """
    path = Path(path)
    if not path.is_dir() and path.suffix != ".spacy":
        yield from read_columns(path, labels=labels)
        return
    for number, doc in enumerate(read_docs(path, blank_vocab("xx")), 1):
        entities = doc_entities(doc)
        for _, _, label, *_ in entities:
            if labels is not None and label not in labels:
                message = f"sentence {number} has the unknown label {label!r}; expected {', '.join(labels)}."
                raise InputError(message, path, None, CHANGE_LABELS)
        missing = frozenset(token.i for token in doc if token.ent_iob == 0)
        yield TaggedSentence([token.text for token in doc], entities, 0, missing)


def same_sentences(
    paths: Sequence[PathLike], corpora: Sequence[Iterable[TaggedSentence]]
) -> Iterator[List[TaggedSentence]]:
    """Read versions of the same corpus side by side. Invisible tokens may differ.

    YIELDS (List[TaggedSentence]): The versions of each sentence. RAISES: InputError that names the first difference to
        the first version.
    """
    sentences: List[Iterator[TaggedSentence]] = [iter(corpus) for corpus in corpora]
    for number in count(1):
        versions = [next(corpus, None) for corpus in sentences]
        first = versions[0]
        for path, version, corpus in zip(paths[1:], versions[1:], sentences[1:], strict=True):
            if first is None or version is None:
                if first is version:
                    continue
                longer, extra, shorter, rest = (paths[0], first, path, sentences[0])
                if first is None:
                    longer, extra, shorter, rest = (path, version, paths[0], corpus)
                n_longer = number + sum(1 for _ in rest)
                message = f"has {n_longer} sentences but {shorter} has {number - 1}."
                raise InputError(message, longer, (extra.line if extra else 0) or None)
            if version.words != first.words and version.visible != first.visible:
                texts = f"{' '.join(version.words)[:60]!r} instead of {' '.join(first.words)[:60]!r}"
                hint = "Both must hold the same sentences, tokenised alike, in the same order."
                message = f"sentence {number} differs from that of {paths[0]}: {texts}."
                raise InputError(message, path, version.line or None, hint)
        if first is None:
            return
        yield [version for version in versions if version is not None]
