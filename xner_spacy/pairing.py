"""Two sequences that belong together, one taken beside the other."""

from typing import Iterable, Iterator, Sequence, Tuple, TypeVar

from .errors import XnerError

Item = TypeVar("Item")
Result = TypeVar("Result")


def paired(
    items: Sequence[Item], results: Iterable[Result], part: str, of_what: str = "sentences", given: str = "results"
) -> Iterator[Tuple[Item, Result]]:
    """Each item with what a part made of it. A part that gives too few or too many would shift all that follow, which
    nobody would see.

    items (Sequence[Item]): What the part was given. results (Iterable[Result]): What it gives, in the same order.
    part (str): What the part is called in a message. of_what, given (str): What the items and
        the results are, in the plural.
    YIELDS (Tuple[Item, Result]): Pairs, as they are made. RAISES: XnerError that names the part.
    """
    stream = iter(results)
    for number, item in enumerate(items):
        try:
            result = next(stream)
        except StopIteration:
            raise XnerError(
                f"{part} gave {number} {given} for {len(items)} {of_what}.",
                "It must give one for each, in order; the fault is in that part.",
            ) from None
        yield item, result
    if next(stream, stream) is not stream:
        raise XnerError(
            f"{part} gave more than {len(items)} {given} for {len(items)} {of_what}.",
            "It must give one for each, in order; the fault is in that part.",
        )
