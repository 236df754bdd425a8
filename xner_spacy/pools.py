"""Things taken together: so many at most, and so large, so that long ones do not make a pool of gigabytes."""

from typing import Any, Callable, Iterable, Iterator, List, TypeVar

CHARACTERS = 2_000_000
Item = TypeVar("Item")


def pools(
    items: Iterable[Item], most: int, room: int = CHARACTERS, size: Callable[[Any], int] = len
) -> Iterator[List[Item]]:
    """Gather things, such as texts.

    items (Iterable): The things. most (int): How many a pool may hold.
    room (int): How large all of a pool may be; a larger thing is a pool of its own. size (Callable): Gives the size of
        one: of a text its characters.
    YIELDS (List): The things in order, no pool empty.
    """
    pool: List[Item] = []
    taken = 0
    for item in items:
        more = size(item)
        if pool and taken + more > room:
            yield pool
            pool, taken = [], 0
        pool.append(item)
        taken += more
        if len(pool) >= most:
            yield pool
            pool, taken = [], 0
    if pool:
        yield pool
