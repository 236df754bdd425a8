"""Docs from sentences and back, and DocBin files: one file, or a folder of numbered shards."""

from collections import Counter
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from ..docdata import pinned_coders
from ..errors import InputError
from ..labels import LabelMap, map_label
from ..text import glued, is_unspaced
from ..types import Entity, PathLike
from .files import tell_once
from .reading import docs_of, read_docbin
from .shard_folder import shards_in
from .writing import atomic_write

# All that a pipeline says of tokens, but for NORM, which a vocabulary gives anew.
ATTRIBUTES = [
    *("ORTH", "SPACY", "TAG", "POS", "LEMMA", "MORPH", "HEAD", "DEP"),
    *("ENT_IOB", "ENT_TYPE", "ENT_ID", "ENT_KB_ID", "SENT_START"),
]

_NO_SPACE_BEFORE = set(".,;:!?)]}%»”’…") | {"'s", "n't", "'re", "'ve", "'ll", "'m", "'d"}
_NO_SPACE_AFTER = set("([{«„‘$£€")


def guess_spaces(words: Sequence[str]) -> List[bool]:
    """Where a text whose tokens are known alone probably had spaces: none before closing marks,
    none after opening ones, none between words of a script that is written without.

    Straight quotes open and close in turn.

    words (Sequence[str]): Tokens. RETURNS (List[bool]): Whether a space follows each.
    """
    spaces = [True] * len(words)
    if is_unspaced(words):
        spaces = glued(words)
    quoted = opened_low = False
    for i, word in enumerate(words):
        opened_low = opened_low or word == "„"
        if word == '"':
            if quoted and i:
                spaces[i - 1] = False
            elif not quoted:
                spaces[i] = False
            quoted = not quoted
        elif word in _NO_SPACE_BEFORE and i:
            spaces[i - 1] = False
        # A German-style quotation opens with „ and closes with “, an English one opens with “.
        elif word == "“":
            if opened_low:
                spaces[i - 1] = False
            else:
                spaces[i] = False
        if word in _NO_SPACE_AFTER:
            spaces[i] = False
    if spaces:
        spaces[-1] = False
    return spaces


def make_doc(
    vocab: Vocab, words: Sequence[str], entities: Iterable[Entity] = (), spaces: Optional[Sequence[bool]] = None
) -> Doc:
    """RETURNS (Doc): A Doc of the tokens with the entities as `doc.ents`, everything else outside."""
    doc = Doc(vocab, words=list(words), spaces=list(spaces or guess_spaces(words)))
    doc.set_ents([Span(doc, e.start, e.end, label=e.label) for e in entities], default="outside")
    return doc


def bare_copy(doc: Doc, vocab: Vocab) -> Doc:
    """RETURNS (Doc): The tokens of a Doc on a vocabulary, and nothing that is known of them."""
    return Doc(vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc])


def doc_entities(doc: Doc, label_map: Optional[LabelMap] = None) -> List[Entity]:
    """RETURNS (List[Entity]): `doc.ents` by the project's labels, without what the map drops."""
    found = []
    for ent in doc.ents:
        label = map_label(ent.label_, label_map)
        if label is not None:
            found.append(Entity(ent.start, ent.end, label))
    return found


def set_aside_if_long(nlp: Language, text: str, path: PathLike, line: Optional[int], counts: Counter) -> bool:
    """Count a text that is longer than spaCy's tokenizers take, and tell where it stands.

    RETURNS (bool): Whether the text is too long.
    """
    if len(text) <= nlp.max_length:
        return False
    reason = f"sentences left out: over {nlp.max_length:,} characters"
    counts[reason] += 1
    tell_once(f"{path}:{line}" if line else path, reason)
    return True


def docbin_paths(path: PathLike) -> List[Path]:
    """The DocBin files that a path stands for: itself, or the `.spacy` files of a folder in the order of their numbers.

    RAISES: InputError if there is none, or if the folder's manifest names other files (see `shards_in`).
    """
    path = Path(path)
    if path.is_dir():
        return shards_in(path)
    if not path.exists():
        raise InputError("no such file or folder.", path)
    return [path]


def read_docs(path: PathLike, vocab: Vocab) -> Iterator[Doc]:
    """Read a DocBin file or a folder of shards, one shard in memory at a time.

    YIELDS (Doc): Docs in order.
    RAISES: InputError for a file that is not a DocBin.
    """
    for file in docbin_paths(path):
        yield from docs_of(read_docbin(file), vocab, file)


def docbin_bytes(docs: Iterable[Doc]) -> Tuple[bytes, int]:
    """RETURNS (Tuple[bytes, int]): A DocBin with all that a projected Doc carries, as it stands in a file, and the
    number of its Docs.
    """
    docbin = DocBin(attrs=ATTRIBUTES, store_user_data=True)
    with pinned_coders():
        for doc in docs:
            docbin.add(doc)
        return docbin.to_bytes(), len(docbin)


def write_docbin(path: PathLike, docs: Iterable[Doc]) -> int:
    """Write one DocBin with all that a projected Doc carries, atomically.

    RETURNS (int): The number of Docs.
    """
    data, count = docbin_bytes(docs)
    with atomic_write(path, "wb") as file:
        file.write(data)
    return count
