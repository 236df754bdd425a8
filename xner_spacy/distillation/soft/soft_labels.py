"""Soft labels: a distribution over tags for every token of a Doc, stored sparsely with it.

They are stored in `doc.user_data["xner_soft"]` as plain bytes, which `DocBin(store_user_data=True)` and `Doc.to_bytes`
keep: for each token the few tags with noticeable mass, and their probabilities in half precision. The tags are always
IOB2, whatever the scheme of the model, so that different kinds of teachers can be mixed.
"""

from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...corpora.docs import read_docs
from ...errors import XnerError, require
from ...types import Entity, FloatArray, PathLike, TokenLabels
from ..student.tag_scheme import Mask, TagSet, blank_tokens, decode_spans

SOFT_KEY = "xner_soft"
MOST_TAGS = 255
MIN_PROB = 1e-3


def pack(labels: Sequence[str], probs: FloatArray) -> Dict[str, Any]:
    """Make the sparse form. Probabilities up to 0.001 are left out; rows are normalised again when they are read.

    labels (Sequence[str]): IOB2 tags, one per column.
    probs (FloatArray): (tokens, tags) probabilities. Rows need not sum to 1; a row of zeros is a missing value.
    RETURNS (Dict[str, Any]): `labels`, and as bytes: `counts` (uint8, tags kept per token), `ids` (uint8), `probs`
        (float16).
    RAISES: XnerError for negative or non-finite probabilities, or more than 255 tags.
    """
    probs = np.asarray(probs, dtype=np.float32)
    if probs.ndim != 2 or probs.shape[1] != len(labels):
        raise XnerError(
            f"Soft labels of shape {probs.shape} for {len(labels)} tags.", "They must be an array of tokens by tags."
        )
    if len(labels) > MOST_TAGS:
        raise XnerError(f"{len(labels)} tags; soft labels hold {MOST_TAGS} at most.", "Use fewer labels.")
    if not _are_probabilities(probs):
        raise XnerError("Soft labels hold a negative or non-finite probability.", "Correct the model that made them.")
    kept = probs > MIN_PROB
    return {
        "labels": list(labels),
        "counts": kept.sum(axis=1).astype(np.uint8).tobytes(),
        "ids": np.nonzero(kept)[1].astype(np.uint8).tobytes(),
        "probs": probs[kept].astype(np.float16).tobytes(),
    }


def _are_probabilities(probs: FloatArray) -> bool:
    return bool(np.isfinite(probs).all() and (probs >= 0).all())


def unpack(data: Any, tokens: int) -> TokenLabels:
    """Read what `pack` returned. It may come from a file, so everything is checked, before any memory is allocated.

    RETURNS (TokenLabels): The dense form, with rows normalised to 1; a row without mass stays zero.
    RAISES: XnerError for a different number of tokens, or data that is no soft labels.
    """

    def require_valid(valid: bool, fault: str) -> None:
        require(valid, f"Soft labels that can't be read: {fault}.", "Make them anew.")

    arrays = [data.get(key) for key in ("counts", "ids", "probs")] if isinstance(data, dict) else [None]
    require_valid(all(isinstance(array, bytes) for array in arrays), "they are not what pack() makes")
    labels = data.get("labels")
    listed = isinstance(labels, (list, tuple)) and all(isinstance(tag, str) for tag in labels)
    require_valid(listed, "their tags are not a list of texts")
    fault = f"their {len(labels)} tags are more than {MOST_TAGS}, or one is there twice"
    require_valid(len(labels) <= MOST_TAGS and len(set(labels)) == len(labels), fault)
    for tag in labels:
        require_valid(tag == "O" or (tag[:2] in ("B-", "I-") and tag[2:] != ""), f"{tag!r} is no IOB2 tag")
    counts, ids = (np.frombuffer(data[key], dtype=np.uint8) for key in ("counts", "ids"))
    size = int(counts.sum(dtype=np.int64))
    fault = f"they count {size} probabilities and hold {len(ids)} tags and {len(data['probs']) // 2}"
    require_valid(len(ids) == size and len(data["probs"]) == 2 * size, fault)
    probs = np.frombuffer(data["probs"], dtype=np.float16).astype(np.float32)
    last = int(ids.max(initial=0))
    require_valid(not size or last < len(labels), f"they refer to tag {last} of {len(labels)}")
    require_valid(_are_probabilities(probs), "they hold a negative or non-finite probability")
    require(
        len(counts) == tokens,
        f"{len(counts)} soft labels for {tokens} tokens.",
        "The document was retokenised or cut after they were made.",
    )
    dense = np.zeros((len(counts), len(labels)), dtype=np.float32)
    dense[np.repeat(np.arange(len(counts)), counts), ids] = probs
    return TokenLabels(tuple(labels), normalise(dense))


def normalise(probs: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): The rows, normalised to 1; rows without mass stay zero."""
    total = probs.sum(axis=1, keepdims=True)
    return np.divide(probs, total, out=np.zeros_like(probs), where=total > 0)


def set_soft(doc: Doc, soft: Optional[TokenLabels]) -> None:
    """Store soft labels with a Doc, or remove them. No entity begins or ends at a blank token (`free_blank`).

    RAISES: XnerError if they are not one row per token.
    """
    if soft is None:
        doc.user_data.pop(SOFT_KEY, None)
        return
    if len(soft.probs) != len(doc):
        raise XnerError(
            f"{len(soft.probs)} soft labels for {len(doc)} tokens.", "They must be made on the same tokens."
        )
    labels, probs = free_blank(soft, blank_tokens(token.text for token in doc))
    doc.user_data[SOFT_KEY] = pack(labels, probs)


def get_soft(doc: Doc) -> Optional[TokenLabels]:
    """RETURNS (Optional[TokenLabels]): A Doc's soft labels. RAISES: XnerError if they are not one row per token, or
    can't be read.
    """
    data = doc.user_data.get(SOFT_KEY)
    if data is None:
        return None
    try:
        return unpack(data, len(doc))
    except XnerError as error:
        raise XnerError(f"{error.message[:-1]}: {doc.text[:60]!r}.", error.hint) from None


def soft_of(doc: Doc, corpus: PathLike, number: int) -> Optional[TokenLabels]:
    """Get the distributions of a Doc in a corpus. RETURNS (Optional[TokenLabels]): See `get_soft`.
    RAISES: XnerError that names the corpus and the sentence (from 1) if they can't be read.
    """
    try:
        return get_soft(doc)
    except XnerError as error:
        raise XnerError(f"{corpus}, sentence {number}: {error.message}", error.hint) from error


def read_soft_docs(path: PathLike, vocab: Vocab) -> Iterator[Doc]:
    """Read a corpus and check its distributions. YIELDS (Doc): Docs in order. RAISES: See `read_docs` and `soft_of`."""
    for number, doc in enumerate(read_docs(path, vocab), 1):
        soft_of(doc, path, number)
        yield doc


def has_soft(doc: Doc) -> bool:
    """RETURNS (bool): Whether a Doc has soft labels that are not all missing values."""
    soft = get_soft(doc)
    return soft is not None and bool(soft.probs.any())


def free_blank(soft: TokenLabels, blank: Mask) -> TokenLabels:
    """Prevent entities from beginning or ending at invisible tokens.

    The mass of a blank token that is inside an entity is limited to that of the tokens before and after it being inside
    the same entity; the rest is outside. What the token after it has inside beyond that begins an entity.

    soft (TokenLabels): IOB2 distributions of one sentence. blank (Mask): (tokens,) from `blank_tokens`.
    RETURNS (TokenLabels): The new distributions, with the same row sums; unchanged if no token is blank.
    """
    if not blank.any():
        return soft
    iob2 = TagSet(entity_labels(soft.labels), "iob2")
    probs = to_labels(soft, iob2.tags).copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], blank, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():  # each run of blank tokens
        total = probs[start:end].sum(axis=1)
        blank_masses = np.zeros(len(iob2.labels), dtype=np.float32)
        if start > 0 and end < len(probs):
            blank_masses = np.minimum(label_masses(probs[start - 1 : end]).min(axis=0), probs[end, 2::2])
        probs[start:end, 1::2], probs[start:end, 2::2] = 0.0, blank_masses
        probs[start:end, 0] = np.maximum(total - blank_masses.sum(), 0.0)
        if end < len(probs):
            begin_masses = probs[end, 2::2] - blank_masses
            probs[end, 2::2] = blank_masses
            probs[end, 1::2] += begin_masses
    return TokenLabels(iob2.tags, probs)


def to_labels(soft: TokenLabels, labels: Sequence[str]) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) probabilities, with the columns in the order of `labels`.
    RAISES: XnerError if the soft labels have another tag.
    """
    if tuple(soft.labels) == tuple(labels):
        return soft.probs
    position = {tag: column for column, tag in enumerate(labels)}
    unknown = sorted({tag for tag in soft.labels if tag not in position})
    if unknown:
        raise XnerError(
            f"Soft labels with the tags {', '.join(unknown)}, which the student does not have.",
            "Add the labels before training, or map them with the annotator's label_map.",
        )
    rearranged = np.zeros((len(soft.probs), len(labels)), dtype=np.float32)
    rearranged[:, [position[tag] for tag in soft.labels]] = soft.probs
    return rearranged


def entity_labels(tags: Sequence[str]) -> List[str]:
    """RETURNS (List[str]): The entity labels of IOB2 or BILUO tags, in order of first use."""
    return list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))


def label_masses(probs: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) probabilities of being in an entity, from (tokens, IOB2 tags)."""
    masses: FloatArray = probs[:, 1::2] + probs[:, 2::2]
    return masses


def best_entities(soft: TokenLabels, words: Sequence[str], bias: float = 0.0, scheme: str = "biluo") -> List[Entity]:
    """Find the most probable well-formed entities of a sentence. Missing values are outside, and no entity begins or
    ends at a blank token.

    soft (TokenLabels): IOB2 distributions. bias (float): Subtracted from the log-probabilities of O.
    scheme (str): The tags to decode: biluo, or iob2. In IOB2 only the token behind an entity says where it ends; as
        BILUO its last token says so too, and F1 is about 1 higher (docs/benchmarks.md).
    RETURNS (List[Entity]): Entities that do not overlap, scored by the mean probability of their label.
    """
    if not len(words):
        return []
    labels = entity_labels(soft.labels)
    probs = to_labels(soft, TagSet(labels, "iob2").tags)
    tagset = TagSet(labels, scheme)
    logs = np.log(np.maximum(iob2_to_scheme(probs, tagset), 1e-6))
    logs[probs.sum(axis=1) == 0, 0] = 0.0
    logs[:, 0] -= bias
    _, *spans = decode_spans(tagset, logs, [len(words)], blank_tokens(words))
    masses = label_masses(probs)
    return [
        Entity(int(start), int(last) + 1, tagset.labels[k], float(masses[start : last + 1, k].mean()))
        for start, last, k in zip(*spans, strict=True)
    ]


def iob2_to_scheme(probs: FloatArray, tagset: TagSet) -> FloatArray:
    """Convert distributions over IOB2 tags to the tags of a student's scheme.

    IOB2 does not say how likely an entity is to end at a token. This is estimated from the next token: the entity
    continues with the probability that the next token is inside, given that this one is in the entity (at most 1).

    probs (FloatArray): (tokens, IOB2 tags) of one sentence. tagset (TagSet): The tags of the scheme.
    RETURNS (FloatArray): (tokens, tags).
    """
    if tagset.scheme == "iob2":
        return probs
    tag_probs = np.zeros((len(probs), len(tagset)), dtype=np.float32)
    tag_probs[:, 0] = probs[:, 0]
    begin, inside = probs[:, 1::2], probs[:, 2::2]
    masses = begin + inside
    following = np.concatenate([inside[1:], np.zeros_like(inside[:1])])
    share = np.divide(following, masses, out=np.zeros_like(masses), where=masses > 0).clip(0, 1)
    tag_probs[:, 1::4] = begin * share
    tag_probs[:, 2::4] = inside * share
    tag_probs[:, 3::4] = inside * (1 - share)
    tag_probs[:, 4::4] = begin * (1 - share)
    return tag_probs


def scheme_to_iob2(probs: FloatArray, tagset: TagSet) -> FloatArray:
    """RETURNS (FloatArray): (tokens, IOB2 tags) from (tokens, tags) of a student: first and single tokens begin an
    entity, the others are inside it.
    """
    if tagset.scheme == "iob2":
        return probs
    iob2_probs = np.zeros((len(probs), 1 + 2 * len(tagset.labels)), dtype=np.float32)
    iob2_probs[:, 0] = probs[:, 0]
    iob2_probs[:, 1::2] = probs[:, 1::4] + probs[:, 4::4]
    iob2_probs[:, 2::2] = probs[:, 2::4] + probs[:, 3::4]
    return iob2_probs
