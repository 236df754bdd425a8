"""Group the items of a stream into pools, and pair them with results. A pool is limited in number and in size, so that
long items do not make a pool of gigabytes.
"""

from collections import deque
from concurrent.futures import Executor, Future
from itertools import zip_longest
from math import prod
from typing import Any, Callable, Deque, Iterable, Iterator, List, Sized, Tuple, TypeVar

from .errors import XnerError

CHARACTERS = 2_000_000
# How many results of threads wait to be taken, at most.
AHEAD = 4
Item = TypeVar("Item")
Result = TypeVar("Result")


def pools(
    items: Iterable[Item], most: int, room: int = CHARACTERS, size: Callable[[Any], int] = len
) -> Iterator[List[Item]]:
    """YIELDS (List): Pools of items, such as texts, in order. No pool is empty.

    most (int): Most items in a pool. room (int): Largest total size of a pool; a larger item is a pool of its own.
    size (Callable): Returns the size of an item, such as the characters of a text.
    """
    pool: List[Item] = []
    pool_size = 0
    for item in items:
        item_size = size(item)
        if pool and pool_size + item_size > room:
            yield pool
            pool, pool_size = [], 0
        pool.append(item)
        pool_size += item_size
        # A full pool is yielded at once, before the next item is read.
        if len(pool) >= most:
            yield pool
            pool, pool_size = [], 0
    if pool:
        yield pool


def padded_groups(items: Iterable[Item], room: int, shape: Callable[[Item], Tuple[int, ...]]) -> Iterator[List[Item]]:
    """YIELDS (List): Groups of items in order, to be padded to the largest of their group, such as sentences in a
    batch. Items of similar size should be next to each other. No group is empty.

    room (int): Most cells of a group, with padding; a larger item is a group of its own.
    shape (Callable): Returns the size of an item along each axis, such as the words of both sides of a pair.
    """
    group: List[Item] = []
    largest: Tuple[int, ...] = ()
    for item in items:
        item_shape = shape(item)
        largest = tuple(map(max, largest, item_shape)) if group else item_shape
        if group and (len(group) + 1) * prod(largest) > room:
            yield group
            group, largest = [], item_shape
        group.append(item)
    if group:
        yield group


def paired(
    items: Iterable[Item], results: Iterable[Result], part: str, of_what: str = "sentences", given: str = "results"
) -> Iterator[Tuple[Item, Result]]:
    """Pair each item with the result of a part for it. Without this check, a missing or extra result would silently
    shift all later pairs.

    part (str): The name of the part for messages. of_what, given (str): Plural nouns for the items and the results.
    YIELDS (Tuple[Item, Result]): Pairs, as they are made. RAISES: XnerError that names the part.
    """
    missing = object()
    for number, (item, result) in enumerate(zip_longest(items, results, fillvalue=missing)):
        if item is missing or result is missing:
            expected = number if item is missing else len(items) if isinstance(items, Sized) else "more"
            raise XnerError(
                f"{part} gave {'more than ' * (item is missing)}{number} {given} for {expected} {of_what}.",
                "It must give one for each, in order; the fault is in that part.",
            )
        yield item, result  # type: ignore[misc]


def mapped(pool: Executor, work: Callable[..., Result], *arguments: Iterable[Any]) -> Iterator[Result]:
    """As `pool.map(work, *arguments)`, but threads are only a few results ahead of whoever takes these, so that results
    do not pile up in memory. YIELDS (Result): The results, in order.
    """
    running: Deque[Future[Result]] = deque()
    for values in zip(*arguments, strict=True):
        running.append(pool.submit(work, *values))
        if len(running) > AHEAD:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
