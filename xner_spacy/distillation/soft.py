"""Soft labels: a distribution over tags for every token of a Doc, stored sparsely with it.

They lie in `doc.user_data["xner_soft"]` as plain bytes, so `DocBin(store_user_data=True)` and
`Doc.to_bytes` keep them: for each token the few tags with noticeable mass, the probabilities in
half precision. Tags are IOB2 whatever the scheme of the model that made them, so that teachers of
any kind can be mixed.
"""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from spacy.tokens import Doc

from ..errors import XnerError
from ..types import FloatArray, TokenLabels
from .tags import TagSet

SOFT_KEY = "xner_soft"


def pack(labels: Sequence[str], probs: FloatArray, min_prob: float = 1e-3) -> Dict[str, Any]:
    """Make the sparse form.

    labels (Sequence[str]): IOB2 tags, one per column.
    probs (FloatArray): (tokens, tags) probabilities; rows need not sum to one, a row of zeros is a
        missing value.
    min_prob (float): Smaller probabilities are left out. What is left of a row is normalised when
        it is read.
    RETURNS (Dict[str, Any]): `labels`, and as bytes: `counts` (uint8, tags kept per token), `ids`
        (uint8), `probs` (float16).
    RAISES: XnerError for negative or non-finite probabilities, or more than 255 tags.
    """
    probs = np.asarray(probs, dtype=np.float32)
    check(labels, probs)
    keep = probs > min_prob
    return {
        "labels": list(labels),
        "counts": keep.sum(axis=1).astype(np.uint8).tobytes(),
        "ids": np.nonzero(keep)[1].astype(np.uint8).tobytes(),
        "probs": probs[keep].astype(np.float16).tobytes(),
    }


def check(labels: Sequence[str], probs: FloatArray) -> None:
    """RAISES: XnerError if an array cannot be soft labels."""
    if probs.ndim != 2 or probs.shape[1] != len(labels):
        raise XnerError(
            f"Soft labels of shape {probs.shape} for {len(labels)} tags.",
            "They must be an array of tokens by tags.",
        )
    if len(labels) > 255:
        raise XnerError(f"{len(labels)} tags; soft labels hold 255 at most.", "Use fewer labels.")
    if not np.isfinite(probs).all() or (probs < 0).any():
        raise XnerError(
            "Soft labels hold a negative or non-finite probability.", "Mend what made them."
        )


def unpack(data: Dict[str, Any]) -> TokenLabels:
    """RETURNS (TokenLabels): The dense form of `pack`'s, rows normalised to one; a row without mass
    stays zero.
    """
    counts = np.frombuffer(data["counts"], dtype=np.uint8)
    ids = np.frombuffer(data["ids"], dtype=np.uint8)
    probs = np.zeros((len(counts), len(data["labels"])), dtype=np.float32)
    rows = np.repeat(np.arange(len(counts)), counts)
    probs[rows, ids] = np.frombuffer(data["probs"], dtype=np.float16)
    return TokenLabels(tuple(data["labels"]), normalise(probs))


def normalise(probs: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): Rows that sum to one; rows without mass stay zero."""
    total = probs.sum(axis=1, keepdims=True)
    return np.divide(probs, total, out=np.zeros_like(probs), where=total > 0)


def set_soft(doc: Doc, soft: Optional[TokenLabels], min_prob: float = 1e-3) -> None:
    """Store soft labels with a Doc, or take them away.

    RAISES: XnerError if they are not one row per token.
    """
    if soft is None:
        doc.user_data.pop(SOFT_KEY, None)
        return
    if len(soft.probs) != len(doc):
        raise XnerError(
            f"{len(soft.probs)} soft labels for {len(doc)} tokens.",
            "They must be made on the same tokens.",
        )
    doc.user_data[SOFT_KEY] = pack(soft.labels, soft.probs, min_prob)


def get_soft(doc: Doc) -> Optional[TokenLabels]:
    """RETURNS (Optional[TokenLabels]): A Doc's soft labels. RAISES: XnerError if they are not one
    row per token.
    """
    data = doc.user_data.get(SOFT_KEY)
    if data is None:
        return None
    soft = unpack(data)
    if len(soft.probs) != len(doc):
        raise XnerError(
            f"{len(soft.probs)} soft labels for {len(doc)} tokens: {doc.text[:60]!r}.",
            "The document was retokenised or cut after they were made.",
        )
    return soft


def to_labels(soft: TokenLabels, labels: Sequence[str]) -> FloatArray:
    """Rearrange the columns to given tags.

    labels (Sequence[str]): Wanted tags. RETURNS (FloatArray): (tokens, labels) probabilities.
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


def iob2_to_scheme(probs: FloatArray, tagset: TagSet, iob2: TagSet) -> FloatArray:
    """Distributions over the tags of a student's scheme from distributions over IOB2 tags.

    IOB2 does not say how likely an entity is to end at a token. That share is read off the next
    token: the entity goes on with the probability that the next token is inside, given that this
    one is in the entity (at most 1).

    probs (FloatArray): (tokens, IOB2 tags) of one sentence, columns as in `iob2`.
    RETURNS (FloatArray): (tokens, tags).
    """
    if tagset.scheme == "iob2":
        return probs
    out = np.zeros((len(probs), len(tagset)), dtype=np.float32)
    out[:, 0] = probs[:, 0]
    begin, inside = probs[:, 1::2], probs[:, 2::2]
    here = begin + inside
    following = np.zeros_like(inside)
    following[:-1] = inside[1:]
    share = np.divide(following, here, out=np.zeros_like(here), where=here > 0).clip(0, 1)
    out[:, 1::4] = begin * share
    out[:, 2::4] = inside * share
    out[:, 3::4] = inside * (1 - share)
    out[:, 4::4] = begin * (1 - share)
    return out


def scheme_to_iob2(probs: FloatArray, tagset: TagSet) -> FloatArray:
    """RETURNS (FloatArray): (tokens, IOB2 tags) from (tokens, tags) of a student: first and only
    tokens begin, the others are inside.
    """
    if tagset.scheme == "iob2":
        return probs
    out = np.zeros((len(probs), 1 + 2 * len(tagset.labels)), dtype=np.float32)
    out[:, 0] = probs[:, 0]
    out[:, 1::2] = probs[:, 1::4] + probs[:, 4::4]
    out[:, 2::2] = probs[:, 2::4] + probs[:, 3::4]
    return out
