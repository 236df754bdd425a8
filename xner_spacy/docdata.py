"""What a target Doc carries: its source reading, the word links, and how both survive serialisation.

`doc._.xner_source` is the source-language Doc or None, `doc._.xner_alignment` the `Alignment` or None. Both are kept in
`doc.user_data`, so `DocBin(store_user_data=True)` and `Doc.to_bytes` store them, through the msgpack coders below.
(They are registered at import and not by entry point: srsly loads its entry points while spaCy is still being
imported.)

`doc.spans["xner"]` holds the projected spans. Its `attrs` run parallel to it: `scores` (float), `sources` (the source
span as [start, end] token indices), and hold `method` (str) and `unprojected` (a list of {start, end, label, reason} on
source tokens).
"""

import hashlib
import math
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Tuple, Union

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from srsly import msgpack_dumps, msgpack_loads
from srsly.msgpack import msgpack_decoders, msgpack_encoders

from .errors import XnerError
from .languages import blank_vocab
from .types import Alignment, TokenPair

SPANS_KEY = "xner"
# The user data under this key says why a Doc has no source: the fault code of its translation (see
# xner_spacy.translation.faults).
FAULT_KEY = "xner_fault"
# Faults of the text itself: no pipeline can process it.
TOO_LONG = "too long"
TEXT_FAULTS = (TOO_LONG,)
# The same for the annotation of a Doc or of its source: why nothing is known of its entities.
ANNOTATION_KEY = "xner_annotation_fault"
TEXT_CHANGED = "text changed"  # the answer of a chat model is not the text with tags
BROKEN_TAGS = "broken tags"  # a tag without its other half, around nothing, or two that cross
REFUSED = "refused"  # a chat model would not do it
CUT_OFF = "cut off"  # its answer is longer than the most tokens
NO_ANSWER = "no answer"  # it is empty, or there is none
# Names that an annotator could not place on tokens, with their reasons in `attrs["reasons"]`.
UNPLACED_KEY = "xner_unplaced"
# The user data under this key says where a corrected Doc comes from: see `Correction`.
CORRECTION_KEY = "xner_correction"
# Byte strings: user data that comes from JSON has text keys, so it can't be mistaken for data of xner_spacy.
_CODER = "xner_data"  # the name of the msgpack coders
_ALIGNMENT = b"xner_alignment"
_DOC = b"xner_doc"
_LANG = b"lang"
# The keys that version 0.1.0 wrote instead.
_OLD_KEYS = {"__xner_alignment__": _ALIGNMENT, "__xner_doc__": _DOC, "lang": _LANG}


class Correction(NamedTuple):
    """Where a Doc comes from that a person has seen in an annotation tool.

    status (str): "corrected", "rejected" or "skipped". tool (str): The annotation tool. annotator (Optional[str]): Who it
    was, if the tool says so. run (Optional[str]): A checksum of the run that the sentence was exported from, and number
    (Optional[int]): the sentence in it, from 1; None for a sentence that was not exported by xner. is_edited (bool):
    Whether the text was changed as well.
    """

    status: str
    tool: str
    annotator: Optional[str] = None
    run: Optional[str] = None
    number: Optional[int] = None
    is_edited: bool = False


def correction_of(doc: Doc) -> Optional[Correction]:
    """RETURNS (Optional[Correction]): Where a corrected Doc comes from; None for any other Doc."""
    data = doc.user_data.get(CORRECTION_KEY)
    known = {name: data[name] for name in Correction._fields if name in data} if isinstance(data, dict) else {}
    return Correction(**known) if {"status", "tool"} <= known.keys() else None


def set_correction(doc: Doc, correction: Correction) -> None:
    """Store with a Doc where it comes from."""
    doc.user_data[CORRECTION_KEY] = correction._asdict()


def install_extensions() -> None:
    """Add the Doc extensions and their msgpack coders. Component constructors call it again, for worker processes."""
    msgpack_encoders.register(_CODER, func=encode)
    msgpack_decoders.register(_CODER, func=decode)
    for name in ("xner_source", "xner_alignment"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, getter=partial(_get, name), setter=partial(_set, name))


def _key(name: str) -> Any:
    # The key under which spaCy itself stores the value of an extension attribute.
    return ("._.", name, None, None)


def _get(name: str, doc: Doc) -> Any:
    value = doc.user_data.get(_key(name))
    if isinstance(value, dict):
        # The old keys are accepted only here, because a user has no data under this key.
        value = decode({_OLD_KEYS.get(key, key): part for key, part in value.items()})
        doc.user_data[_key(name)] = value
    return value


def _set(name: str, doc: Doc, value: Any) -> None:
    doc.user_data[_key(name)] = value


# `doc._.xner_source` and `doc._.xner_alignment`, without the object that spaCy makes for each `doc._`.
source_of: Callable[[Doc], Optional[Doc]] = partial(_get, "xner_source")
alignment_of: Callable[[Doc], Optional[Alignment]] = partial(_get, "xner_alignment")


def words_of(tokens: Union[Doc, Span]) -> List[str]:
    """RETURNS (List[str]): The texts of tokens."""
    return [token.text for token in tokens]


def stamp_of(source: Doc, target: Doc) -> str:
    """RETURNS (str): A checksum of the tokens of both sides, which is stored as the stamp of an alignment."""
    return stamp_of_words(tuple(words_of(source)), tuple(words_of(target)))


# The projector asks for the stamps of a batch again that the aligner has just made.
@lru_cache(maxsize=2048)
def stamp_of_words(source: Tuple[str, ...], target: Tuple[str, ...]) -> str:
    """RETURNS (str): `stamp_of` Docs with these tokens."""
    parts: List[bytes] = []
    for words in (source, target):
        for word in words:
            # The length comes first, so that no character of a token can be mistaken for its end.
            text = word.encode("utf8", "surrogatepass")
            parts += (b"%d " % len(text), text)
        parts.append(b"/")
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def why_not_linked(doc: Doc, words: Optional[TokenPair] = None) -> Optional[str]:
    """Check the links of a Doc. Links without a stamp (made by hand, or by version 0.1) are only checked for token
    indices that do not exist.

    words (Optional[TokenPair]): The current tokens of the source and of the Doc, if the caller knows them.
    RETURNS (Optional[str]): What is wrong, or None if it has no links or they match the current tokens.
    """
    source, alignment = source_of(doc), alignment_of(doc)
    if alignment is None:
        return None
    if source is None:
        return "it has word links, but no source sentence"
    if alignment.tokens is not None:
        current = stamp_of(source, doc) if words is None else stamp_of_words(*map(tuple, words))
        if alignment.tokens != current:
            return "its word links were made for other tokens than it has now"
    try:
        alignment.check(len(source), len(doc))
    except ValueError as error:
        return str(error)
    return None


def is_untranslated(doc: Doc) -> bool:
    """RETURNS (bool): Whether a projector had nothing to project because the Doc has no source. A Doc that a student
    labelled has no source either, but does not count as untranslated.
    """
    group = doc.spans.get(SPANS_KEY)
    return group is not None and "unprojected" in group.attrs and source_of(doc) is None


def annotation_fault(doc: Doc) -> Optional[str]:
    """RETURNS (Optional[str]): Why nothing is known of the entities of a Doc, or of its source: the code of a fault of
    the annotator, or None.
    """
    for side in (doc, source_of(doc)):
        if side is not None and ANNOTATION_KEY in side.user_data:
            return str(side.user_data[ANNOTATION_KEY])
    return None


def unplaced_names(doc: Doc) -> List[Tuple[Span, str]]:
    """RETURNS (List[Tuple[Span, str]]): The names that an annotator found in a Doc and could not place, and why."""
    group = doc.spans.get(UNPLACED_KEY)
    return [] if group is None else list(zip(group, group.attrs["reasons"], strict=True))


def span_scores(doc: Doc) -> List[float]:
    """RETURNS (List[float]): The score of each span of `doc.spans["xner"]`, 1 where none are stored. RAISES: XnerError
    unless the stored scores are one number for each span.
    """
    group = doc.spans.get(SPANS_KEY)
    if group is None:
        return []
    scores = group.attrs.get("scores")
    if scores is None:
        return [1.0] * len(group)
    are_numbers = isinstance(scores, (list, tuple)) and all(
        isinstance(score, (int, float)) and math.isfinite(score) for score in scores
    )
    if not are_numbers or len(scores) != len(group):
        raise XnerError(f"{len(group)} spans do not have a score each: {doc.text[:60]!r}.", "Make them anew.")
    return [float(score) for score in scores]


@contextmanager
def pinned_coders(lazy: bool = False) -> Iterator[None]:
    """Look up the msgpack coders once for the whole block. By itself, srsly searches all the entry points of the
    environment each time it packs or unpacks a value, which costs more than the packing.

    lazy (bool): Leave source Docs and links packed until somebody asks for them (`doc._.xner_source`).
    """
    install_extensions()  # a coder that is registered later would not be seen
    registries = [coders for coders in (msgpack_encoders, msgpack_decoders) if "get_all" not in vars(coders)]
    for registry in registries:
        coders = registry.get_all()
        if lazy and registry is msgpack_decoders:
            coders = {name: coder for name, coder in coders.items() if name != _CODER}
        registry.get_all = lambda coders=coders: coders
    try:
        yield
    finally:
        for registry in registries:
            del registry.get_all


def source_text(doc: Doc) -> Optional[str]:
    """RETURNS (Optional[str]): The text of a Doc's source, which is not unpacked for it; None if there is no source."""
    value = doc.user_data.get(_key("xner_source"))
    if isinstance(value, dict) and _DOC in value:
        return str(msgpack_loads(value[_DOC])["text"])
    source = source_of(doc)
    return None if source is None else source.text


@lru_cache(maxsize=16)
def source_vocab(lang: str) -> Vocab:
    """RETURNS (Vocab): The vocabulary of a language, shared by all source Docs that are read back. A code that spaCy
    does not know gets the multi-language vocabulary.
    """
    try:
        return blank_vocab(lang)
    except XnerError:
        return blank_vocab("xx")


def encode(obj: Any, chain: Optional[Callable[[Any], Any]] = None) -> Any:
    """msgpack encoder for `Alignment` and for a Doc inside another Doc's user data."""
    if isinstance(obj, Alignment):
        stamp = [] if obj.tokens is None else [obj.tokens]
        return {_ALIGNMENT: [obj.links.ravel().tolist(), obj.scores.tolist(), *stamp]}
    if isinstance(obj, Doc):
        message = obj.to_dict(exclude=["tensor"])
        # The strings come from a set: sort them, so that equal Docs give equal bytes in every process.
        message["strings"] = sorted(message["strings"])
        return {_DOC: msgpack_dumps(message), _LANG: obj.lang_}
    return obj if chain is None else chain(obj)


def decode(obj: Any, chain: Optional[Callable[[Any], Any]] = None) -> Any:
    """msgpack decoder, the inverse of `encode`."""
    if isinstance(obj, dict):
        if _ALIGNMENT in obj:
            links, scores, *stamp = obj[_ALIGNMENT]  # version 0.1 kept no stamp
            return Alignment([links[k : k + 2] for k in range(0, len(links), 2)], scores, *stamp)
        if _DOC in obj:
            return Doc(source_vocab(obj[_LANG])).from_bytes(obj[_DOC])
    return obj if chain is None else chain(obj)
