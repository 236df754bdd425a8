"""Read all sentences and entities of a corpus in any format, for an evaluation.

A pipeline may produce whitespace tokens that its gold corpus does not have. Two corpora have the same text if their
visible tokens are equal; the positions of entities count all tokens.
"""

from pathlib import Path
from typing import List, Optional, Sequence

from ..errors import InputError
from ..languages import blank_vocab
from ..types import PathLike
from .docs import doc_entities, read_docs
from .formats.columns import CHANGE_LABELS, TaggedSentence, read_columns


def read_tagged(path: PathLike, labels: Optional[Sequence[str]] = None) -> List[TaggedSentence]:
    """Read a whole labelled corpus.

    path (PathLike): A `.iob` file, a `.spacy` file or a folder of them.
    labels (Optional[Sequence[str]]): The labels that may occur, in any format.
    RETURNS (List[TaggedSentence]): The sentences. RAISES: InputError, also for a label that is not in `labels`.
    """
    path = Path(path)
    if not path.is_dir() and path.suffix != ".spacy":
        return list(read_columns(path, labels=labels))
    sentences = []
    for number, doc in enumerate(read_docs(path, blank_vocab("xx")), 1):
        entities = doc_entities(doc)
        for _, _, label, *_ in entities:
            if labels is not None and label not in labels:
                message = f"sentence {number} has the unknown label {label!r}; expected {', '.join(labels)}."
                raise InputError(message, path, None, CHANGE_LABELS)
        missing = frozenset(token.i for token in doc if token.ent_iob == 0)
        sentences.append(TaggedSentence([token.text for token in doc], entities, 0, missing))
    return sentences


def require_same_words(
    a: PathLike, left: Sequence[TaggedSentence], b: PathLike, right: Sequence[TaggedSentence]
) -> None:
    """RAISES: InputError that names the first difference if two corpora do not have the same sentences. Invisible
    tokens may differ.
    """
    for number, (expected, actual) in enumerate(zip(left, right, strict=False), 1):
        if expected.visible != actual.visible:
            texts = f"{' '.join(actual.words)[:60]!r} instead of {' '.join(expected.words)[:60]!r}"
            hint = "Both must hold the same sentences, tokenised alike, in the same order."
            raise InputError(f"sentence {number} differs from that of {a}: {texts}.", b, actual.line or None, hint)
    if len(left) != len(right):
        (n, shorter, _), (n_longer, longer, sentences) = sorted([(len(left), a, left), (len(right), b, right)])
        raise InputError(f"has {n_longer} sentences but {shorter} has {n}.", longer, sentences[n].line or None)
