"""Texts taken together: so many at most, and so many characters, so that one long text does not make a pool of
gigabytes.
"""

from typing import Iterable, Iterator, List

CHARACTERS = 2_000_000


def pools(texts: Iterable[str], most: int, characters: int = CHARACTERS) -> Iterator[List[str]]:
    """Gather texts.

    texts (Iterable[str]): The texts. most (int): Texts a pool. characters (int): Characters a pool; a longer text is a
        pool of its own.
    YIELDS (List[str]): The texts in order, no pool empty.
    """
    pool: List[str] = []
    size = 0
    for text in texts:
        if pool and size + len(text) > characters:
            yield pool
            pool, size = [], 0
        pool.append(text)
        size += len(text)
        if len(pool) >= most:
            yield pool
            pool, size = [], 0
    if pool:
        yield pool
