"""What the parts of a projector learned, as bytes: named, versioned, and checked when they are read back."""

from typing import Any, Callable, Dict, Optional

import srsly
from typing_extensions import TypedDict

from ..corpora.reading import check_shape, parse_msgpack, reading
from ..errors import InputError

_HINT = "Train the projector anew, or load it with the version of xner-spacy that it was trained with."


def pack_state(kind: str, version: int, fields: Dict[str, Any]) -> bytes:
    """RETURNS (bytes): The fields, marked with what they belong to and the version of their form."""
    return srsly.msgpack_dumps({"kind": kind, "version": version, "fields": fields})


def unpack_state(
    data: bytes,
    kind: str,
    version: int,
    shape: Any,
    upgrade: Optional[Callable[[Dict[str, Any]], Dict[str, Any]]] = None,
) -> Any:
    """Read what `pack_state` gave.

    data (bytes): The bytes. kind (str), version (int): What they must be. shape (Any): The fields' type.
    upgrade: Makes these fields of what xner-spacy 0.1 wrote, which had no kind and no version; None if it wrote none.
    RETURNS (Any): The fields. RAISES: InputError that names the part, if they are anything else.
    """
    what = f"the state of {kind}"
    found = parse_msgpack(data, what, "the state of a projector")
    marked = isinstance(found, dict) and {"kind", "version", "fields"} <= set(found)
    if not marked and isinstance(found, dict) and upgrade is not None:
        with reading(what, "the state of a projector", _HINT):
            fields = upgrade(found)
        return check_shape(fields, shape, what, _HINT)
    if not marked:
        raise InputError("is not the state of a projector.", what, None, _HINT)
    if found["kind"] != kind:
        raise InputError(f"belongs to another part ({found['kind']!r}).", what, None, _HINT)
    if found["version"] != version:
        raise InputError(
            f"has the form {found['version']!r}; this version of xner-spacy reads {version}.",
            what, None, _HINT,
        )  # fmt: skip
    return check_shape(found["fields"], shape, what, _HINT)


class _PartState(TypedDict):
    part: Optional[bytes]


def part_state(kind: str, part: Any) -> bytes:
    """RETURNS (bytes): The state of a part inside another one, such as a translator's, where it has one."""
    to_bytes = getattr(part, "to_bytes", None)
    return pack_state(kind, 1, {"part": to_bytes() if to_bytes else None})


def with_state(kind: str, part: Any, data: bytes) -> Any:
    """RETURNS (Any): The part with the state that `part_state` gave. RAISES: InputError."""
    state = unpack_state(data, kind, 1, _PartState)["part"]
    if state is None:
        return part
    if not hasattr(part, "from_bytes"):
        raise InputError("holds the state of a part that this configuration lacks.", kind, None, _HINT)
    return part.from_bytes(state) or part
