"""A part of a corpus set aside, drawn at random."""

from typing import Dict, List, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..errors import XnerError


def split_docs(docs: Sequence[Doc], share: float, seed: int = 0) -> Tuple[List[Doc], List[Doc]]:
    """Set a share of the sentences aside, in random order of their texts. Sentences of one text stay
    together, so that none is on both sides.

    docs (Sequence[Doc]): The corpus. share (float): Of the sentences, in (0, 1); there may be a few
        more for a text that is there more than once. seed (int): Of the draw.
    RETURNS (Tuple[List[Doc], List[Doc]]): The rest and what is set aside, in the corpus's order.
    RAISES: XnerError for another share, or where one side would be empty.
    """
    if not 0 < share < 1:
        raise XnerError(f"A share of {share:g} can't be set aside; it is between 0 and 1.")
    places: Dict[str, List[int]] = {}
    for k, doc in enumerate(docs):
        places.setdefault(" ".join(token.text for token in doc), []).append(k)
    groups = list(places.values())
    aside: List[int] = []
    for k in np.random.default_rng(seed).permutation(len(groups)):
        if len(aside) >= share * len(docs):
            break
        aside += groups[k]
    chosen = set(aside)
    if not 0 < len(chosen) < len(docs):
        raise XnerError(f"{len(docs)} sentences with {len(groups)} texts can't be split {share:g} to {1 - share:g}.")
    rest = [doc for k, doc in enumerate(docs) if k not in chosen]
    return rest, [docs[k] for k in sorted(chosen)]
