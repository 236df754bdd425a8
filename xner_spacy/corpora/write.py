"""Docs into a corpus file of any form, and an account of what that form can't hold.

A DocBin holds all of a Doc. `.iob` holds tokens and entities, `.txt` tokens: what else there is, is counted, never
dropped in silence.
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

# White space inside a token would cut it or its line in two; the byte order mark is taken for that of the file.
_CUTTING = {"iob": "\t\n\r\0", "txt": " \t\n\r\0"}
_BOM = "\ufeff"
_LABEL_HINT = "A label is letters and the like, without white space at its ends; correct it, or write .spacy."


@dataclass
class WriteOptions:
    """What to do with what a form can't hold.

    missing (str): Tokens of which it is not known whether they are entities, and sentences without translation:
        "refuse" them, write them as "outside" (O), or "skip" the sentence. Both are counted.
    spaces (str): White space inside a token: "refuse" it, or "replace" each run of it by _ and count.
    join (bool): A Doc of several sentences is written as one.
    """

    missing: Missing = "refuse"
    spaces: Spaces = "refuse"
    join: bool = False


def form_of(path: PathLike, form: Optional[str] = None) -> Form:
    """RETURNS (Form): The form of a corpus file, as stated, or by its ending (also before .gz). RAISES: XnerError for a
    form or an ending that is none.
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
    """Write a corpus in the form that its name says, atomically.

    path (PathLike): The file; `-` is standard output, .gz is packed. docs (Iterable[Doc]): The sentences.
    form (Optional[str]): One of `FORMS`, for a name that doesn't say it. options (Optional[WriteOptions]): What to do
        with what the form can't hold. counts (Optional[Counter]): Where to count what it doesn't hold.
    source (Optional[PathLike]): Where the sentences come from, for messages.
    RETURNS (int): How many sentences were written.
    RAISES: XnerError for a form that is none, and for what can't be written; nothing is written then.
    """
    form = form_of(path, form)
    counts = Counter() if counts is None else counts
    if form == "docbin":
        if Path(path).suffix == ".gz":
            raise XnerError(f"{path}: a DocBin is compressed already.", "Leave .gz away.")
        return write_docbin(path, docs)
    sentences = _sentences(docs, form, options or WriteOptions(), counts, source)
    written = 0
    with atomic_write(path) as file:
        for sentence in sentences:
            written += 1
            file.write(as_iob(sentence) if form == "iob" else " ".join(sentence.words) + "\n")
        if not written:
            raise nothing_left(path, counts)
    return written


def as_iob(sentence: TaggedSentence) -> str:
    """RETURNS (str): A sentence as `.iob` has it: a token, a tab and an IOB2 tag a line, and a blank line after it."""
    tags = entities_to_tags(len(sentence.words), sentence.entities)
    return "".join(f"{word}\t{tag}\n" for word, tag in zip(sentence.words, tags, strict=True)) + "\n"


def nothing_left(path: PathLike, counts: Counter) -> XnerError:
    """RETURNS (XnerError): That there is no sentence to write, and why."""
    why = [f"{what}: {n}" for what, n in counts.items() if n and "left out" in what]
    return XnerError(f"{path}: no sentence is left to be written.", "; ".join(why))


def _sentences(
    docs: Iterable[Doc], form: Form, options: WriteOptions, counts: Counter, source: Optional[PathLike]
) -> Iterator[TaggedSentence]:
    for number, doc in enumerate(docs, 1):
        place = f"Sentence {number}" if source is None else f"{source}: sentence {number}"
        _count_lost(doc, form, counts)
        for part in _parts(doc, options, counts):
            spans = [Entity(e.start - part.start, e.end - part.start, e.label_) for e in filter_spans(part.ents)]
            words, entities, gone = visible([token.text for token in part], spans)
            counts["tokens left out: can't be seen"] += len(part) - len(words)
            if form == "txt":
                entities = []
            else:
                counts["entities left out: no token that can be seen"] += gone
                if not words:
                    counts["sentences left out: without tokens"] += 1
                    continue
                if _is_skipped(part, place, options, counts):
                    continue
                for _, _, label, *_ in entities:
                    sound = label and is_sound_label(label)
                    require(sound, f"{place}: the label {label!a} can't be written to .iob.", _LABEL_HINT)
            held = [_held(word, form, place, options, counts) for word in words]
            if form == "iob" and held[0] == DOCSTART and not (entities and not entities[0].start):
                held[0] = _changed(DOCSTART, DOCSTART.strip("-"), form, place, options, counts)
            yield TaggedSentence(held, entities)


def _parts(doc: Doc, options: WriteOptions, counts: Counter) -> List[Span]:
    """The sentences of a Doc; two that share an entity stay together."""
    if options.join or not len(doc) or not doc.has_annotation("SENT_START"):
        return [doc[:]]
    starts = [token.i for token in doc if token.i and token.is_sent_start]
    cut = [k for k in starts if doc[k].ent_iob != 1]
    counts["sentence ends left out: inside an entity"] += len(starts) - len(cut)
    if cut:
        counts["texts of several sentences, written as one each"] += 1
    return [doc[start:end] for start, end in pairwise([0, *cut, len(doc)])]


def _is_skipped(part: Span, place: str, options: WriteOptions, counts: Counter) -> bool:
    """Settle what becomes of tokens of which it is not known whether they are entities."""
    untranslated = not part.ents and (FAULT_KEY in part.doc.user_data or is_untranslated(part.doc))
    unknown = [token for token in part if not token.ent_iob and not is_blank_token(token.text)]
    if not untranslated and not unknown:
        return False
    what = "missing values"
    if untranslated:
        fault = part.doc.user_data.get(FAULT_KEY)
        what = f"no translation ({fault})" if fault else "no translation"
    if options.missing == "refuse":
        words = what if untranslated else f"{what}, such as {unknown[0].text!r}"
        sentence = f"{place} ({part.text[:60]!r})"
        raise XnerError(
            f"{sentence} has {words}: whether they are entities is not known, and .iob can't say so.",
            "Write them as O with --missing outside, leave such sentences out with --missing skip, or write .spacy.",
        )
    if options.missing == "skip":
        counts[f"sentences left out: {what}"] += 1
        counts[f"entities left out: {what} beside them"] += len(part.ents)
        return True
    counts["missing values written as O"] += len(unknown)
    counts["sentences without translation written as O"] += untranslated
    return False


def _held(word: str, form: Form, place: str, options: WriteOptions, counts: Counter) -> str:
    """The token as the form can hold it."""
    held = re.sub(f"[{_CUTTING[form]}]+", "_", word).lstrip(_BOM)
    return held if held == word else _changed(word, held, form, place, options, counts)


def _changed(word: str, held: str, form: Form, place: str, options: WriteOptions, counts: Counter) -> str:
    if options.spaces == "refuse":
        message = f"{place}: the token {word!a} can't be written to .{form}: it would be read as something else."
        raise XnerError(message, f"Change such tokens with --spaces replace (this one to {held!a}), or write .spacy.")
    counts[f"tokens changed: .{form} can't hold them as they are"] += 1
    return held


def _count_lost(doc: Doc, form: Form, counts: Counter) -> None:
    """Count what a Doc holds and the form doesn't."""

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
    lost("other data of texts", any(key not in _OURS for key in doc.user_data))


# Counted by themselves, or of use to no one without their Doc.
_OURS = {FAULT_KEY, ("._.", "xner_source", None, None), ("._.", "xner_alignment", None, None)}
