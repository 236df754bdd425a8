"""Find the parts of a pipeline: those of its components, parts inside parts, and those of pipelines inside it."""

from typing import Any, Iterator, Set

from spacy.language import Language

# A longer list holds data, not parts.
_MOST_PARTS = 100


def parts_inside(nlp: Language) -> Iterator[Any]:
    """YIELDS (Any): Each part and component once, an outer one before those inside it; other objects of the package and
    functions that they hold, too.
    """
    yield from _visit(nlp, set())


def _visit(value: Any, seen: Set[int], *, is_part: bool = False) -> Iterator[Any]:
    if id(value) in seen:
        return
    seen.add(id(value))
    is_own = type(value).__module__.startswith("xner_spacy.") or is_part
    inner_values: list = []
    if isinstance(value, Language):
        for _, pipe in value.pipeline:
            yield from _visit(pipe, seen, is_part=True)
    elif isinstance(value, (list, tuple, dict)):
        inner_values = list(value.values() if isinstance(value, dict) else value)[:_MOST_PARTS]
    elif is_own or callable(value):
        if not isinstance(value, type):
            yield value
        if is_own:
            yield from _visit(getattr(value, "part", None), seen, is_part=True)
            inner_values = list(getattr(value, "__dict__", {}).values())
    for inner_value in inner_values:
        yield from _visit(inner_value, seen)
