"""Soft labels: a distribution over tags for every token of a Doc, stored sparsely with it.

They lie in `doc.user_data["xner_soft"]` as plain bytes, so `DocBin(store_user_data=True)` and `Doc.to_bytes` keep them:
for each token the few tags with noticeable mass, the probabilities in half precision. Tags are IOB2 whatever the scheme
of the model that made them, so that teachers of any kind can be mixed.
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
    """Make the sparse form. Probabilities below 0.001 are left out; what is left of a row is normalised when it is
    read.

    labels (Sequence[str]): IOB2 tags, one per column.
    probs (FloatArray): (tokens, tags) probabilities; rows need not sum to one, a row of zeros is a missing value.
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
    if not _are_masses(probs):
        raise XnerError("Soft labels hold a negative or non-finite probability.", "Mend what made them.")
    keep = probs > MIN_PROB
    return {
        "labels": list(labels),
        "counts": keep.sum(axis=1).astype(np.uint8).tobytes(),
        "ids": np.nonzero(keep)[1].astype(np.uint8).tobytes(),
        "probs": probs[keep].astype(np.float16).tobytes(),
    }


def _are_masses(probs: FloatArray) -> bool:
    return bool(np.isfinite(probs).all() and (probs >= 0).all())


def unpack(data: Any, tokens: int) -> TokenLabels:
    """Read what `pack` gave. It may come from a file, so that nothing about it is taken for granted, and no room is
    made before it is known to fit.

    RETURNS (TokenLabels): The dense form, rows normalised to one; a row without mass stays zero.
    RAISES: XnerError for another number of tokens, or no soft labels at all.
    """

    def demand(fine: bool, fault: str) -> None:
        require(fine, f"Soft labels that can't be read: {fault}.", "Make them anew.")

    arrays = [data.get(key) for key in ("counts", "ids", "probs")] if isinstance(data, dict) else [None]
    demand(all(isinstance(array, bytes) for array in arrays), "they are not what pack() makes")
    labels = data.get("labels")
    listed = isinstance(labels, (list, tuple)) and all(isinstance(tag, str) for tag in labels)
    demand(listed, "their tags are not a list of texts")
    fault = f"their {len(labels)} tags are more than {MOST_TAGS}, or one is there twice"
    demand(len(labels) <= MOST_TAGS and len(set(labels)) == len(labels), fault)
    for tag in labels:
        demand(tag == "O" or (tag[:2] in ("B-", "I-") and tag[2:] != ""), f"{tag!r} is no IOB2 tag")
    counts, ids = (np.frombuffer(data[key], dtype=np.uint8) for key in ("counts", "ids"))
    size = int(counts.sum(dtype=np.int64))
    fault = f"they count {size} probabilities and hold {len(ids)} tags and {len(data['probs']) // 2}"
    demand(len(ids) == size and len(data["probs"]) == 2 * size, fault)
    probs = np.frombuffer(data["probs"], dtype=np.float16).astype(np.float32)
    last = int(ids.max(initial=0))
    demand(not size or last < len(labels), f"they refer to tag {last} of {len(labels)}")
    demand(_are_masses(probs), "they hold a negative or non-finite probability")
    require(
        len(counts) == tokens,
        f"{len(counts)} soft labels for {tokens} tokens.",
        "The document was retokenised or cut after they were made.",
    )
    dense = np.zeros((len(counts), len(labels)), dtype=np.float32)
    dense[np.repeat(np.arange(len(counts)), counts), ids] = probs
    return TokenLabels(tuple(labels), normalise(dense))


def normalise(probs: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): Rows that sum to one; rows without mass stay zero."""
    total = probs.sum(axis=1, keepdims=True)
    return np.divide(probs, total, out=np.zeros_like(probs), where=total > 0)


def set_soft(doc: Doc, soft: Optional[TokenLabels]) -> None:
    """Store soft labels with a Doc, or take them away. No entity begins or ends at a blank token (`free_blank`).

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
    """Get the distributions of a Doc of a corpus. RETURNS (Optional[TokenLabels]): As `get_soft`.
    RAISES: XnerError that names the corpus and the sentence (from 1) where they can't be read.
    """
    try:
        return get_soft(doc)
    except XnerError as error:
        raise XnerError(f"{corpus}, sentence {number}: {error.message}", error.hint) from error


def read_soft_docs(path: PathLike, vocab: Vocab) -> Iterator[Doc]:
    """Read a corpus whose distributions will be used. YIELDS (Doc): Docs in order. RAISES: As `read_docs` and `soft_of`."""
    for number, doc in enumerate(read_docs(path, vocab), 1):
        soft_of(doc, path, number)
        yield doc


def has_soft(doc: Doc) -> bool:
    """RETURNS (bool): Whether a Doc has soft labels that say anything."""
    soft = get_soft(doc)
    return soft is not None and bool(soft.probs.any())


def free_blank(soft: TokenLabels, blank: Mask) -> TokenLabels:
    """Let no entity begin or end at a token that nobody can see.

    Such a token is inside an entity as far as the tokens before and behind it are inside the same one, and else
    outside. What follows it and is inside beyond that begins an entity.

    soft (TokenLabels): IOB2 distributions of one sentence. blank (Mask): (tokens,) from `blank_tokens`.
    RETURNS (TokenLabels): The same where no token is blank. Rows keep their sums.
    """
    if not blank.any():
        return soft
    iob2 = TagSet(entity_labels(soft.labels), "iob2")
    probs = to_labels(soft, iob2.tags).copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], blank, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():  # each run of blank tokens
        total = probs[start:end].sum(axis=1)
        here = np.zeros(len(iob2.labels), dtype=np.float32)
        if start > 0 and end < len(probs):
            here = np.minimum(label_masses(probs[start - 1 : end]).min(axis=0), probs[end, 2::2])
        probs[start:end, 1::2], probs[start:end, 2::2] = 0.0, here
        probs[start:end, 0] = np.maximum(total - here.sum(), 0.0)
        if end < len(probs):
            begun = probs[end, 2::2] - here
            probs[end, 2::2] = here
            probs[end, 1::2] += begun
    return TokenLabels(iob2.tags, probs)


def to_labels(soft: TokenLabels, labels: Sequence[str]) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) probabilities, the columns rearranged to the wanted tags.
    RAISES: XnerError if the soft labels have a tag that is not wanted.
    """
    if tuple(soft.labels) == tuple(labels):
        return soft.probs
    position = {tag: k for k, tag in enumerate(labels)}
    unknown = sorted({tag for tag in soft.labels if tag not in position})
    if unknown:
        raise XnerError(
            f"Soft labels with the tags {', '.join(unknown)}, which the student does not have.",
            "Add the labels before training, or map them with the annotator's label_map.",
        )
    out = np.zeros((len(soft.probs), len(labels)), dtype=np.float32)
    out[:, [position[tag] for tag in soft.labels]] = soft.probs
    return out


def entity_labels(tags: Sequence[str]) -> List[str]:
    """RETURNS (List[str]): The entity labels of IOB2 or BILUO tags, in order of first use."""
    return list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))


def label_masses(probs: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) probability that a token is in an entity of each label, from (tokens, IOB2
    tags).
    """
    masses: FloatArray = probs[:, 1::2] + probs[:, 2::2]
    return masses


def best_entities(soft: TokenLabels, words: Sequence[str], bias: float = 0.0) -> List[Entity]:
    """The most probable well-formed entities of a sentence. A token that nothing is known of is outside, and none
    begins or ends at a blank one.

    soft (TokenLabels): IOB2 distributions. bias (float): Taken off the log-probabilities of O.
    RETURNS (List[Entity]): Entities that do not overlap, scored by the mean probability of their label.
    """
    if not len(words):
        return []
    tagset = TagSet(entity_labels(soft.labels), "iob2")
    probs = to_labels(soft, tagset.tags)
    logs = np.log(np.maximum(probs, 1e-6))
    logs[probs.sum(axis=1) == 0, 0] = 0.0
    logs[:, 0] -= bias
    _, *spans = decode_spans(tagset, logs, [len(words)], blank_tokens(words))
    masses = label_masses(probs)
    return [
        Entity(int(a), int(b) + 1, tagset.labels[k], float(masses[a : b + 1, k].mean()))
        for a, b, k in zip(*spans, strict=True)
    ]


def iob2_to_scheme(probs: FloatArray, tagset: TagSet) -> FloatArray:
    """Distributions over the tags of a student's scheme from distributions over IOB2 tags.

    IOB2 does not say how likely an entity is to end at a token. That share is read off the next token: the entity goes
    on with the probability that the next token is inside, given that this one is in the entity (at most 1).

    probs (FloatArray): (tokens, IOB2 tags) of one sentence. tagset (TagSet): The tags of the scheme.
    RETURNS (FloatArray): (tokens, tags).
    """
    if tagset.scheme == "iob2":
        return probs
    out = np.zeros((len(probs), len(tagset)), dtype=np.float32)
    out[:, 0] = probs[:, 0]
    begin, inside = probs[:, 1::2], probs[:, 2::2]
    here = begin + inside
    following = np.concatenate([inside[1:], np.zeros_like(inside[:1])])
    share = np.divide(following, here, out=np.zeros_like(here), where=here > 0).clip(0, 1)
    out[:, 1::4] = begin * share
    out[:, 2::4] = inside * share
    out[:, 3::4] = inside * (1 - share)
    out[:, 4::4] = begin * (1 - share)
    return out


def scheme_to_iob2(probs: FloatArray, tagset: TagSet) -> FloatArray:
    """RETURNS (FloatArray): (tokens, IOB2 tags) from (tokens, tags) of a student: first and only tokens begin, the
    others are inside.
    """
    if tagset.scheme == "iob2":
        return probs
    out = np.zeros((len(probs), 1 + 2 * len(tagset.labels)), dtype=np.float32)
    out[:, 0] = probs[:, 0]
    out[:, 1::2] = probs[:, 1::4] + probs[:, 4::4]
    out[:, 2::2] = probs[:, 2::4] + probs[:, 3::4]
    return out
