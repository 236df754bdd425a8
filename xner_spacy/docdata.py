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
from typing import Any, Callable, Iterator, List, Optional

from spacy.tokens import Doc
from spacy.vocab import Vocab
from srsly import msgpack_dumps
from srsly.msgpack import msgpack_decoders, msgpack_encoders

from .errors import XnerError
from .languages import blank_vocab
from .types import Alignment

SPANS_KEY = "xner"
# Why a Doc has no source: what is wrong with its translation (see xner_spacy.translation.faults).
FAULT_KEY = "xner_fault"
# A fault of the text itself: no pipeline could take it.
TOO_LONG = "too long"
TEXT_FAULTS = (TOO_LONG,)
# Byte strings: whatever a user keeps with a Doc and comes from JSON has text for keys, so that it is never taken for
# one of ours.
_ALIGNMENT = b"xner_alignment"
_DOC = b"xner_doc"
_LANG = b"lang"
# What version 0.1.0 wrote in their place.
_OLD_KEYS = {"__xner_alignment__": _ALIGNMENT, "__xner_doc__": _DOC, "lang": _LANG}


def install_extensions() -> None:
    """Add the Doc extensions and their msgpack coders. Component constructors call it again, for worker processes."""
    msgpack_encoders.register("xner_data", func=encode)
    msgpack_decoders.register("xner_data", func=decode)
    for name in ("xner_source", "xner_alignment"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, getter=partial(_get, name), setter=partial(_set, name))


def _key(name: str) -> Any:
    # Where spaCy itself keeps what an extension attribute is set to.
    return ("._.", name, None, None)


def _get(name: str, doc: Doc) -> Any:
    value = doc.user_data.get(_key(name))
    if isinstance(value, dict):
        # Only here, where nothing of the user's can be, is the old form looked for.
        value = decode({_OLD_KEYS.get(key, key): part for key, part in value.items()})
        doc.user_data[_key(name)] = value
    return value


def _set(name: str, doc: Doc, value: Any) -> None:
    doc.user_data[_key(name)] = value


def stamp_of(source: Doc, target: Doc) -> str:
    """RETURNS (str): What an alignment is stamped with: a checksum of the tokens of both sides."""
    checksum = hashlib.sha256()
    for side in (source, target):
        for token in side:
            # With its length, so that nothing that a token holds can be taken for the end of it.
            text = token.text.encode("utf8", "surrogatepass")
            checksum.update(f"{len(text)} ".encode() + text)
        checksum.update(b"/")
    return checksum.hexdigest()[:16]


def why_not_linked(doc: Doc) -> Optional[str]:
    """RETURNS (Optional[str]): What is wrong with the links of a Doc; None where it has none, or they belong to the
    tokens that it and its source have now. Links without a stamp (made by hand, or by version 0.1) are only looked at
    for tokens that there are not.
    """
    source, alignment = doc._.xner_source, doc._.xner_alignment
    if alignment is None:
        return None
    if source is None:
        return "it has word links, but no source sentence"
    if alignment.tokens is not None and alignment.tokens != stamp_of(source, doc):
        return "its word links were made for other tokens than it has now"
    try:
        alignment.check(len(source), len(doc))
    except ValueError as error:
        return str(error)
    return None


def is_untranslated(doc: Doc) -> bool:
    """RETURNS (bool): Whether a projector had nothing to project, for want of a source. What a student labelled has
    none either, and is no such Doc.
    """
    group = doc.spans.get(SPANS_KEY)
    return group is not None and "unprojected" in group.attrs and doc._.xner_source is None


def span_scores(doc: Doc) -> List[float]:
    """RETURNS (List[float]): The score of each span of `doc.spans["xner"]`, 1 where none are stored. RAISES: XnerError
    for scores that are not one number a span.
    """
    group = doc.spans.get(SPANS_KEY)
    if group is None:
        return []
    scores = group.attrs.get("scores")
    if scores is None:
        return [1.0] * len(group)
    numbers = isinstance(scores, (list, tuple)) and all(
        isinstance(score, (int, float)) and math.isfinite(score) for score in scores
    )
    if not numbers or len(scores) != len(group):
        raise XnerError(f"{len(group)} spans do not have a score each: {doc.text[:60]!r}.", "Make them anew.")
    return [float(score) for score in scores]


@contextmanager
def pinned_coders() -> Iterator[None]:
    """Look the msgpack coders up once for the whole block. srsly looks for them, in all the entry points of the
    environment, each time that it packs or unpacks a value: that costs more than the packing.
    """
    install_extensions()  # a coder that is registered later would not be seen
    registries = [r for r in (msgpack_encoders, msgpack_decoders) if "get_all" not in vars(r)]
    for registry in registries:
        coders = registry.get_all()
        registry.get_all = lambda coders=coders: coders
    try:
        yield
    finally:
        for registry in registries:
            del registry.get_all


@lru_cache(maxsize=16)
def source_vocab(lang: str) -> Vocab:
    """RETURNS (Vocab): One vocabulary a language, shared by all source Docs that are read back; the multi-language one
    for a code that spaCy does not know.
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
        # A set, in the order of the day: sorted, so that equal Docs give equal bytes in every process.
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
