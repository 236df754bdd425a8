"""Things taken together: so many at most, and so large, so that long ones do not make a pool of gigabytes."""

from math import prod
from typing import Any, Callable, Iterable, Iterator, List, Tuple, TypeVar

CHARACTERS = 2_000_000
Item = TypeVar("Item")


def pools(
    items: Iterable[Item], most: int, room: int = CHARACTERS, size: Callable[[Any], int] = len
) -> Iterator[List[Item]]:
    """Gather things, such as texts.

    most (int): How many a pool may hold. room (int): How large all of a pool may be; a larger thing is a pool of its own.
    size (Callable): Gives the size of a thing: of a text its characters.
    YIELDS (List): The things in order, no pool empty.
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
    """Gather things that are filled up to the largest of their group, such as sentences in a batch; those of like size
    stand beside each other.

    room (int): The most cells of a group, padding counted; a larger thing is a group of its own.
    shape (Callable): Gives the size of a thing along each axis, such as the words of both sides of a pair.
    YIELDS (List): The things in order, no group empty.
    """
    group: List[Item] = []
    largest: Tuple[int, ...] = ()
    for item in items:
        own = shape(item)
        grown = tuple(map(max, largest, own)) if group else own
        if group and (len(group) + 1) * prod(grown) > room:
            yield group
            group, grown = [], own
        group.append(item)
        largest = grown
    if group:
        yield group
