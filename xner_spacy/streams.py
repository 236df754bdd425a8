"""Things taken together: in pools, so many at most and so large, so that long ones do not make a pool of gigabytes; and
in pairs.
"""

from itertools import zip_longest
from math import prod
from typing import Any, Callable, Iterable, Iterator, List, Sized, Tuple, TypeVar

from .errors import XnerError

CHARACTERS = 2_000_000
Item = TypeVar("Item")
Result = TypeVar("Result")


def pools(
    items: Iterable[Item], most: int, room: int = CHARACTERS, size: Callable[[Any], int] = len
) -> Iterator[List[Item]]:
    """YIELDS (List): Things such as texts in order, no pool empty.

    most (int): How many a pool may hold. room (int): How large all of a pool may be; a larger thing is a pool of its
    own.
    size (Callable): Gives the size of a thing: of a text its characters.
    """
    pool: List[Item] = []
    taken = 0
    for item in items:
        own = size(item)
        if pool and taken + own > room:
            yield pool
            pool, taken = [], 0
        pool.append(item)
        taken += own
        # At once, and not when the next item is there.
        if len(pool) >= most:
            yield pool
            pool, taken = [], 0
    if pool:
        yield pool


def padded_groups(items: Iterable[Item], room: int, shape: Callable[[Item], Tuple[int, ...]]) -> Iterator[List[Item]]:
    """YIELDS (List): Things in order that are filled up to the largest of their group, such as sentences in a batch;
    those of like size stand beside each other. No group is empty.

    room (int): The most cells of a group, padding counted; a larger thing is a group of its own.
    shape (Callable): Gives the size of a thing along each axis, such as the words of both sides of a pair.
    """
    group: List[Item] = []
    largest: Tuple[int, ...] = ()
    for item in items:
        own = shape(item)
        largest = tuple(map(max, largest, own)) if group else own
        if group and (len(group) + 1) * prod(largest) > room:
            yield group
            group, largest = [], own
        group.append(item)
    if group:
        yield group


def paired(
    items: Iterable[Item], results: Iterable[Result], part: str, of_what: str = "sentences", given: str = "results"
) -> Iterator[Tuple[Item, Result]]:
    """Each item with what a part made of it. A part that gives too few or too many would shift all that follow, which
    nobody would see.

    part (str): What the part is called in a message. of_what, given (str): What items and results are, in the plural.
    YIELDS (Tuple[Item, Result]): Pairs, as they are made. RAISES: XnerError that names the part.
    """
    nothing = object()
    for number, (item, result) in enumerate(zip_longest(items, results, fillvalue=nothing)):
        if item is nothing or result is nothing:
            asked = number if item is nothing else len(items) if isinstance(items, Sized) else "more"
            raise XnerError(
                f"{part} gave {'more than ' * (item is nothing)}{number} {given} for {asked} {of_what}.",
                "It must give one for each, in order; the fault is in that part.",
            )
        yield item, result  # type: ignore[misc]
