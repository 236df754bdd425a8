"""Sentences with entities from whatever form a corpus is in, as an evaluation needs them: nothing left out.

A pipeline may find tokens of whitespace in a text that its gold corpus does not have. Corpora are the same when they
agree in the tokens that can be seen; where entities begin and end is told by all tokens.
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
    labels (Optional[Sequence[str]]): The labels that may occur, in any form of corpus.
    RETURNS (List[TaggedSentence]): The sentences. RAISES: InputError, also for a label that may not occur.
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
    """RAISES: InputError where two corpora do not hold the same sentences; the first difference is named. Tokens that
    nobody can see may differ.
    """
    for number, (x, y) in enumerate(zip(left, right, strict=False), 1):
        if x.visible != y.visible:
            texts = f"{' '.join(y.words)[:60]!r} instead of {' '.join(x.words)[:60]!r}"
            hint = "Both must hold the same sentences, tokenised alike, in the same order."
            raise InputError(f"sentence {number} differs from that of {a}: {texts}.", b, y.line or None, hint)
    if len(left) != len(right):
        (n, short, _), (n_long, long, sentences) = sorted([(len(left), a, left), (len(right), b, right)])
        raise InputError(f"has {n_long} sentences but {short} has {n}.", long, sentences[n].line or None)
