"""Split development data off a corpus."""

from typing import Dict, List, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..errors import XnerError


def split_docs(docs: Sequence[Doc], share: float, seed: int = 0) -> Tuple[List[Doc], List[Doc]]:
    """Split off a random share of the sentences. Sentences with the same text stay together, so that no text is on both
    sides.

    docs (Sequence[Doc]): The corpus. share (float): Share of the sentences to split off, in (0, 1); it may be exceeded
        by sentences with a repeated text. seed (int): Seed of the draw.
    RETURNS (Tuple[List[Doc], List[Doc]]): The other sentences and those that are split off, in the corpus's order.
    RAISES: XnerError for another share, or if one side would be empty.
    """
    if not 0 < share < 1:
        raise XnerError(f"A share of {share:g} can't be set aside; it is between 0 and 1.")
    positions_by_text: Dict[str, List[int]] = {}
    for k, doc in enumerate(docs):
        positions_by_text.setdefault(" ".join(token.text for token in doc), []).append(k)
    groups = list(positions_by_text.values())
    split_off: List[int] = []
    for k in np.random.default_rng(seed).permutation(len(groups)):
        if len(split_off) >= share * len(docs):
            break
        split_off += groups[k]
    unique = set(split_off)
    if not 0 < len(unique) < len(docs):
        raise XnerError(f"{len(docs)} sentences with {len(groups)} texts can't be split {share:g} to {1 - share:g}.")
    rest = [doc for k, doc in enumerate(docs) if k not in unique]
    return rest, [docs[k] for k in sorted(unique)]
