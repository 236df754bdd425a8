"""Write Docs to a corpus file of any format, and count the annotations that the format can't hold.

A DocBin holds everything in a Doc, `.iob` only tokens and entities, `.txt` only tokens. Everything else in a Doc is
counted, never dropped silently.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Iterable, Iterator, List, Literal, Optional, Tuple, cast

from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ..docdata import FAULT_KEY, is_untranslated
from ..errors import XnerError, require
from ..text import is_blank_token
from ..types import Entity, PathLike
from .docs import write_docbin
from .files import STDIN
from .formats.columns import DOCSTART, TaggedSentence, is_iob, visible
from .formats.schemes import entities_to_tags, is_sound_label
from .writing import atomic_write

Form = Literal["iob", "txt", "docbin"]
FORMS: Tuple[Form, ...] = ("iob", "txt", "docbin")
Missing = Literal["refuse", "outside", "skip"]
Spaces = Literal["refuse", "replace"]

# White space inside a token would split it or its line; a leading byte order mark would be read as that of the file.
_CUTTING = {"iob": re.compile("[\t\n\r\0]+"), "txt": re.compile("[ \t\n\r\0]+")}
_BOM = "\ufeff"
_LABEL_HINT = "A label is letters and the like, without white space at its ends; correct it, or write .spacy."


@dataclass
class WriteOptions:
    """How to write values that a format can't hold.

    missing (str): For tokens without entity annotation, and sentences without translation: "refuse" them, write them as
        "outside" (O), or "skip" the sentence. The last two are counted.
    spaces (str): White space inside a token: "refuse" it, or "replace" each run of it by _ and count.
    join (bool): A Doc of several sentences is written as one.
    """

    missing: Missing = "refuse"
    spaces: Spaces = "refuse"
    join: bool = False


def form_of(path: PathLike, form: Optional[str] = None) -> Form:
    """RETURNS (Form): The format of a corpus file: `form`, or from its ending (also before .gz). RAISES: XnerError for
    an unknown format or ending.
    """
    if form is not None:
        require(form in FORMS, f"{form!r} is no form of corpus.", f"Known: {', '.join(FORMS)}.")
        return cast(Form, form)
    path = Path(path)
    if is_iob(path):
        return "iob"
    if path.name.endswith((".txt", ".txt.gz")):
        return "txt"
    if path.suffix == ".spacy":
        return "docbin"
    what = "standard output" if str(path) == STDIN else f"the ending {''.join(path.suffixes)!r}"
    hint = "Give the file the ending .iob, .txt (both also with .gz) or .spacy, or name the form: xner convert --to."
    raise XnerError(f"{path}: no form of corpus is known for {what}.", hint)


def write_corpus(
    path: PathLike,
    docs: Iterable[Doc],
    form: Optional[str] = None,
    options: Optional[WriteOptions] = None,
    counts: Optional[Counter] = None,
    source: Optional[PathLike] = None,
) -> int:
    """Write a corpus atomically, in the format of the file's ending.

    path (PathLike): The file; `-` is standard output, .gz is packed. docs (Iterable[Doc]): The sentences.
    form (Optional[str]): One of `FORMS`, for a name without a known ending. options (Optional[WriteOptions]): How to
        write values that the format can't hold. counts (Optional[Counter]): Counts what the format can't hold.
    source (Optional[PathLike]): The file that the sentences come from, for messages.
    RETURNS (int): The number of sentences that were written.
    RAISES: XnerError for an unknown format, and for a value that can't be written; nothing is written then.
    """
    form = form_of(path, form)
    counts = Counter() if counts is None else counts
    if form == "docbin":
        if Path(path).suffix == ".gz":
            raise XnerError(f"{path}: a DocBin is compressed already.", "Leave .gz away.")
        return write_docbin(path, docs)
    options = options or WriteOptions()
    return _write_text(path, _sentences(docs, form, options, counts, source), form, options, counts)


def write_sentences(path: PathLike, sentences: Iterable[TaggedSentence], source: PathLike, counts: Counter) -> int:
    """Write sentences as `.iob` atomically. No token may be blank.

    path (PathLike): See `write_corpus`. source (PathLike): The file that the sentences come from, for messages.
    RETURNS (int): The number of sentences. RAISES: XnerError for a value that can't be written; nothing is written
        then.
    """
    placed = ((_place(number, source), sentence) for number, sentence in enumerate(sentences, 1))
    return _write_text(path, placed, "iob", WriteOptions(), counts)


def _write_text(
    path: PathLike, sentences: Iterable[Tuple[str, TaggedSentence]], form: Form, options: WriteOptions, counts: Counter
) -> int:
    written = 0
    with atomic_write(path) as file:
        for place, given in sentences:
            sentence = _writable(given, form, place, options, counts)
            written += 1
            file.write(as_iob(sentence) if form == "iob" else " ".join(sentence.words) + "\n")
        if not written:
            raise nothing_left(path, counts)
    return written


def as_iob(sentence: TaggedSentence) -> str:
    """RETURNS (str): A sentence in `.iob` format: lines of a token, a tab and an IOB2 tag, and a blank line."""
    tags = entities_to_tags(len(sentence.words), sentence.entities)
    return "\n".join([*map("\t".join, zip(sentence.words, tags, strict=True)), "", ""])


def nothing_left(path: PathLike, counts: Counter) -> XnerError:
    """RETURNS (XnerError): The error for a corpus without any sentence to write, with the reasons."""
    reasons = [f"{what}: {n}" for what, n in counts.items() if n and "left out" in what]
    return XnerError(f"{path}: no sentence is left to be written.", "; ".join(reasons))


def _sentences(
    docs: Iterable[Doc], form: Form, options: WriteOptions, counts: Counter, source: Optional[PathLike]
) -> Iterator[Tuple[str, TaggedSentence]]:
    """YIELDS (Tuple[str, TaggedSentence]): The place of a sentence, for messages, and the sentence."""
    for number, doc in enumerate(docs, 1):
        place = _place(number, source)
        _count_lost(doc, form, counts)
        for part in _parts(doc, options, counts):
            ents = filter_spans(part.ents)
            spans = [Entity(ent.start - part.start, ent.end - part.start, ent.label_) for ent in ents]
            words, entities, n_lost = visible([token.text for token in part], spans)
            counts["tokens left out: can't be seen"] += len(part) - len(words)
            if form == "txt":
                entities = []
            else:
                counts["entities left out: no token that can be seen"] += n_lost
                if not words:
                    counts["sentences left out: without tokens"] += 1
                    continue
                if _is_skipped(part, place, options, counts):
                    continue
            yield place, TaggedSentence(words, entities)


def _place(number: int, source: Optional[PathLike]) -> str:
    return f"Sentence {number}" if source is None else f"{source}: sentence {number}"


def _writable(
    sentence: TaggedSentence, form: Form, place: str, options: WriteOptions, counts: Counter
) -> TaggedSentence:
    """RETURNS (TaggedSentence): The sentence, its tokens changed where the format can't hold them. RAISES: XnerError
    for a label that can't be written, or a token that must not be changed.
    """
    words, entities = sentence.words, sentence.entities
    for entity in entities:
        is_valid = entity.label and is_sound_label(entity.label)
        require(bool(is_valid), f"{place}: the label {entity.label!a} can't be written to .iob.", _LABEL_HINT)
    text = "".join(words)
    if _CUTTING[form].search(text) or _BOM in text:
        words = [_written_token(word, form, place, options, counts) for word in words]
    if form == "iob" and words[0] == DOCSTART and not (entities and not entities[0].start):
        docstart = _changed(DOCSTART, DOCSTART.strip("-"), form, place, options, counts)
        words = [docstart, *words[1:]]
    return TaggedSentence(words, entities)


def _parts(doc: Doc, options: WriteOptions, counts: Counter) -> List[Span]:
    """RETURNS (List[Span]): The sentences of a Doc; two that share an entity stay together."""
    if options.join or not len(doc) or not doc.has_annotation("SENT_START"):
        return [doc[:]]
    starts = [token.i for token in doc if token.i and token.is_sent_start]
    kept_starts = [k for k in starts if doc[k].ent_iob != 1]
    counts["sentence ends left out: inside an entity"] += len(starts) - len(kept_starts)
    if kept_starts:
        counts["texts of several sentences, written as one each"] += 1
    return [doc[start:end] for start, end in pairwise([0, *kept_starts, len(doc)])]


def _is_skipped(part: Span, place: str, options: WriteOptions, counts: Counter) -> bool:
    """RETURNS (bool): Whether a sentence is left out because of tokens without entity annotation."""
    untranslated = not part.ents and (FAULT_KEY in part.doc.user_data or is_untranslated(part.doc))
    unknown = [token for token in part if not token.ent_iob and not is_blank_token(token.text)]
    if not untranslated and not unknown:
        return False
    problem = "missing values"
    if untranslated:
        fault = part.doc.user_data.get(FAULT_KEY)
        problem = f"no translation ({fault})" if fault else "no translation"
    if options.missing == "refuse":
        detail = problem if untranslated else f"{problem}, such as {unknown[0].text!r}"
        sentence = f"{place} ({part.text[:60]!r})"
        raise XnerError(
            f"{sentence} has {detail}: whether they are entities is not known, and .iob can't say so.",
            "Write them as O with --missing outside, leave such sentences out with --missing skip, or write .spacy.",
        )
    if options.missing == "skip":
        counts[f"sentences left out: {problem}"] += 1
        counts[f"entities left out: {problem} beside them"] += len(part.ents)
        return True
    counts["missing values written as O"] += len(unknown)
    counts["sentences without translation written as O"] += untranslated
    return False


def _written_token(word: str, form: Form, place: str, options: WriteOptions, counts: Counter) -> str:
    """RETURNS (str): The token, changed if the format can't hold it. RAISES: XnerError if it must not be changed."""
    fixed = _CUTTING[form].sub("_", word).lstrip(_BOM)
    return fixed if fixed == word else _changed(word, fixed, form, place, options, counts)


def _changed(word: str, fixed: str, form: Form, place: str, options: WriteOptions, counts: Counter) -> str:
    if options.spaces == "refuse":
        message = f"{place}: the token {word!a} can't be written to .{form}: it would be read as something else."
        raise XnerError(message, f"Change such tokens with --spaces replace (this one to {fixed!a}), or write .spacy.")
    counts[f"tokens changed: .{form} can't hold them as they are"] += 1
    return fixed


def _count_lost(doc: Doc, form: Form, counts: Counter) -> None:
    """Count the annotations of a Doc that the format can't hold."""

    def lost(what: str, n: int) -> None:
        if n:
            counts[f"not kept by .{form}: {what}"] += n

    if form == "txt":
        lost("entities", len(doc.ents))
    for name in ("TAG", "POS", "LEMMA", "MORPH", "DEP"):
        if doc.has_annotation(name):
            values = (getattr(token, name.lower()) for token in doc)
            lost(f"{name} of tokens", sum(bool(str(value) if name == "MORPH" else value) for value in values))
    lost("ENT_ID of entities", sum(bool(ent.ent_id) for ent in doc.ents))
    lost("KB_ID of entities", sum(bool(ent.kb_id) for ent in doc.ents))
    for key, group in doc.spans.items():
        lost(f"spans in doc.spans[{key!r}]", len(group))
    lost("categories of texts", len(doc.cats))
    lost("source sentences and links", doc._.xner_source is not None)
    lost("other data of texts", any(key not in _NOT_OTHER_DATA for key in doc.user_data))


# User data that is counted under another name, or that is useless without its Doc.
_NOT_OTHER_DATA = {FAULT_KEY, ("._.", "xner_source", None, None), ("._.", "xner_alignment", None, None)}
