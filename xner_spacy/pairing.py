"""Two sequences that belong together, one taken beside the other."""

from itertools import zip_longest
from typing import Iterable, Iterator, Sized, Tuple, TypeVar

from .errors import XnerError

Item = TypeVar("Item")
Result = TypeVar("Result")


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
