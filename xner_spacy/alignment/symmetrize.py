"""One set of links from two directed ones.

The heuristics are those of Och and Ney (2003, section 4) and Koehn, Och and Marcu (2003, section
3.1), as phrase-based translation uses them.
"""

from typing import Callable, Dict, List, Set, Tuple

import numpy as np

from ..errors import XnerError
from ..types import Alignment

Link = Tuple[int, int]

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def _intersection(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return forward & reverse


def _union(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return forward | reverse


def _forward(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return forward


def _reverse(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return reverse


def _grow_diag(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    """The intersection, grown by union links beside a link, if they reach a word without one."""
    union = forward | reverse
    links = forward & reverse
    sources = {i for i, _ in links}
    targets = {j for _, j in links}
    grown = True
    while grown:
        grown = False
        for i, j in sorted(links):
            for di, dj in _NEIGHBOURS:
                new = (i + di, j + dj)
                if new in union and new not in links:
                    if new[0] in sources and new[1] in targets:
                        continue
                    links.add(new)
                    sources.add(new[0])
                    targets.add(new[1])
                    grown = True
    return links


def _final(forward: Set[Link], reverse: Set[Link], both: bool) -> Set[Link]:
    """grow-diag, then directed links to words that still have none: on one side, or on both."""
    links = _grow_diag(forward, reverse)
    sources = {i for i, _ in links}
    targets = {j for _, j in links}
    for directed in (forward, reverse):
        for i, j in sorted(directed - links):
            free = (i not in sources, j not in targets)
            if all(free) if both else any(free):
                links.add((i, j))
                sources.add(i)
                targets.add(j)
    return links


def _grow_diag_final(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return _final(forward, reverse, both=False)


def _grow_diag_final_and(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return _final(forward, reverse, both=True)


METHODS: Dict[str, Callable[[Set[Link], Set[Link]], Set[Link]]] = {
    "intersection": _intersection,
    "union": _union,
    "forward": _forward,
    "reverse": _reverse,
    "grow-diag": _grow_diag,
    "grow-diag-final": _grow_diag_final,
    "grow-diag-final-and": _grow_diag_final_and,
}


def check_method(method: str) -> str:
    """RETURNS (str): The name, if it is one of `METHODS`. RAISES: XnerError that lists them."""
    if method not in METHODS:
        raise XnerError(f"Unknown symmetrisation '{method}'.", f"Choose one of: {', '.join(METHODS)}.")
    return method


def symmetrize(forward: Alignment, reverse: Alignment, method: str) -> Alignment:
    """Combine the links of two directions.

    forward (Alignment): Links of the source-to-target model, source first.
    reverse (Alignment): Links of the target-to-source model, source first as well.
    method (str): A key of `METHODS`.
    RETURNS (Alignment): The links. A score is that of the direction for `forward` and `reverse`,
        else the mean of both, with 0 for the direction that lacks the link.
    RAISES: XnerError for an unknown method.
    """
    check_method(method)
    if method == "forward":
        return forward
    if method == "reverse":
        return reverse
    scores: Dict[Link, float] = {}
    sides: List[Set[Link]] = []
    for side in (forward, reverse):
        links = [(i, j) for i, j in side.links.tolist()]
        for link, score in zip(links, side.scores.tolist(), strict=True):
            scores[link] = scores.get(link, 0.0) + 0.5 * score
        sides.append(set(links))
    chosen = sorted(METHODS[method](sides[0], sides[1]))
    return Alignment(chosen, np.array([scores[link] for link in chosen], dtype=np.float32))
