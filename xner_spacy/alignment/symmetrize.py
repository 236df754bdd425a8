"""One set of links from two directed ones.

The heuristics are those of Och and Ney (2003, section 4) and Koehn, Och and Marcu (2003, section 3.1), as phrase-based
translation uses them.
"""

from functools import partial
from operator import and_, or_
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from ..errors import require
from ..types import Alignment

Link = Tuple[int, int]

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def _grow(
    forward: Set[Link], reverse: Set[Link], final: Optional[Callable[[Iterable[bool]], bool]] = None
) -> Set[Link]:
    """The intersection, grown by union links next to a link if they reach a word without a link. With `final`, directed
    links are added too, if they reach such a word on any side (`any`) or on both sides (`all`).
    """
    links, union = forward & reverse, forward | reverse
    sources, targets = ({link[side] for link in links} for side in (0, 1))

    def add(link: Link, enough: Callable[[Iterable[bool]], bool]) -> bool:
        fits = enough((link[0] not in sources, link[1] not in targets))
        if fits:
            links.add(link)
            sources.add(link[0])
            targets.add(link[1])
        return fits

    growing = True
    while growing:
        growing = False
        for i, j in sorted(links):
            for di, dj in _NEIGHBOURS:
                neighbour = (i + di, j + dj)
                if neighbour in union and neighbour not in links:
                    growing |= add(neighbour, any)
    if final is not None:
        for directed in (forward, reverse):
            for link in sorted(directed - links):
                add(link, final)
    return links


# `symmetrize` returns the links of "forward" and "reverse" as they are.
METHODS: Dict[str, Callable[..., Any]] = {
    "intersection": and_,
    "union": or_,
    "forward": lambda forward, reverse: forward,
    "reverse": lambda forward, reverse: reverse,
    "grow-diag": _grow,
    "grow-diag-final": partial(_grow, final=any),
    "grow-diag-final-and": partial(_grow, final=all),
}


def check_method(method: str) -> str:
    """RETURNS (str): The name, if it is one of `METHODS`. RAISES: XnerError that lists them."""
    require(method in METHODS, f"Unknown symmetrisation '{method}'.", f"Choose one of: {', '.join(METHODS)}.")
    return method


def symmetrize(forward: Alignment, reverse: Alignment, method: str) -> Alignment:
    """Combine the links of the source-to-target model and of the target-to-source model, source first in both.

    method (str): A key of `METHODS`.
    RETURNS (Alignment): The links. For `forward` and `reverse` they keep their scores, else a score is the mean of both
        directions, with 0 for a direction that lacks the link.
    RAISES: XnerError for an unknown method.
    """
    check_method(method)
    if method in ("forward", "reverse"):
        return METHODS[method](forward, reverse)
    scores: Dict[Link, float] = {}
    directed: List[Set[Link]] = []
    for alignment in (forward, reverse):
        links = list(map(tuple, alignment.links.tolist()))
        for link, score in zip(links, alignment.scores.tolist(), strict=True):
            scores[link] = scores.get(link, 0.0) + 0.5 * score
        directed.append(set(links))
    chosen = sorted(METHODS[method](*directed))
    return Alignment(chosen, [scores[link] for link in chosen])
