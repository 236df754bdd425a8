"""One set of links from two directed ones.

The heuristics are those of Och and Ney (2003, section 4) and Koehn, Och and Marcu (2003, section 3.1), as phrase-based
translation uses them.
"""

from functools import partial
from operator import and_, or_
from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

from ..errors import require
from ..types import Alignment

Link = Tuple[int, int]

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


class _Links:
    """Links that grow, and the words that they reach."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.links = set(links)
        self.sources, self.targets = ({link[side] for link in self.links} for side in (0, 1))

    def add(self, link: Link, enough: Callable[[Iterable[bool]], bool]) -> bool:
        """RETURNS (bool): Whether the link was taken in, since any or all of its words had none."""
        if not enough((link[0] not in self.sources, link[1] not in self.targets)):
            return False
        self.links.add(link)
        self.sources.add(link[0])
        self.targets.add(link[1])
        return True


def _grown(forward: Set[Link], reverse: Set[Link]) -> _Links:
    """The intersection, grown by union links beside a link, if they reach a word without one."""
    grown = _Links(forward & reverse)
    more = True
    while more:
        more = False
        for i, j in sorted(grown.links):
            for di, dj in _NEIGHBOURS:
                new = (i + di, j + dj)
                if (new in forward or new in reverse) and new not in grown.links:
                    more |= grown.add(new, any)
    return grown


def _grow_diag(forward: Set[Link], reverse: Set[Link]) -> Set[Link]:
    return _grown(forward, reverse).links


def _grow_final(forward: Set[Link], reverse: Set[Link], enough: Callable[[Iterable[bool]], bool]) -> Set[Link]:
    """grow-diag, then directed links to words that still have none: on one side, or on both."""
    grown = _grown(forward, reverse)
    for directed in (forward, reverse):
        for link in sorted(directed - grown.links):
            grown.add(link, enough)
    return grown.links


# forward and reverse are not combined: see `symmetrize`.
METHODS: Dict[str, Callable[..., Any]] = {
    "intersection": and_,
    "union": or_,
    "forward": lambda forward, reverse: forward,
    "reverse": lambda forward, reverse: reverse,
    "grow-diag": _grow_diag,
    "grow-diag-final": partial(_grow_final, enough=any),
    "grow-diag-final-and": partial(_grow_final, enough=all),
}


def check_method(method: str) -> str:
    """RETURNS (str): The name, if it is one of `METHODS`. RAISES: XnerError that lists them."""
    require(method in METHODS, f"Unknown symmetrisation '{method}'.", f"Choose one of: {', '.join(METHODS)}.")
    return method


def symmetrize(forward: Alignment, reverse: Alignment, method: str) -> Alignment:
    """Combine the links of two directions.

    forward (Alignment): Links of the source-to-target model, source first.
    reverse (Alignment): Links of the target-to-source model, source first as well.
    method (str): A key of `METHODS`.
    RETURNS (Alignment): The links. A score is that of the direction for `forward` and `reverse`, else the mean of both,
        with 0 for the direction that lacks the link.
    RAISES: XnerError for an unknown method.
    """
    check_method(method)
    if method in ("forward", "reverse"):
        return METHODS[method](forward, reverse)
    scores: Dict[Link, float] = {}
    sides: List[Set[Link]] = []
    for side in (forward, reverse):
        links = list(map(tuple, side.links.tolist()))
        for link, score in zip(links, side.scores.tolist(), strict=True):
            scores[link] = scores.get(link, 0.0) + 0.5 * score
        sides.append(set(links))
    chosen = sorted(METHODS[method](*sides))
    return Alignment(chosen, [scores[link] for link in chosen])
