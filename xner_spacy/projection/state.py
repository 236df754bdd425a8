"""What the parts of a projector learned, as bytes with a name and a version, which are checked on reading."""

from typing import Any, Callable, ClassVar, Dict, Optional

import srsly
from typing_extensions import Self, TypedDict

from ..corpora.reading import check_shape, parse_msgpack, reading
from ..errors import InputError

_HINT = "Train the projector anew, or load it with the version of xner-spacy that it was trained with."


def pack_state(kind: str, version: int, fields: Dict[str, Any]) -> bytes:
    """RETURNS (bytes): The fields, with the name of their part and the version of their format."""
    return srsly.msgpack_dumps({"kind": kind, "version": version, "fields": fields})


def unpack_state(
    data: bytes,
    kind: str,
    version: int,
    shape: Any,
    upgrade: Optional[Callable[[Dict[str, Any]], Dict[str, Any]]] = None,
) -> Any:
    """Read what `pack_state` returned. RAISES: InputError that names the part, if kind, version or the shape of the
    fields differ.

    upgrade: Converts the state that xner-spacy 0.1 wrote, without kind and version, to these fields; None if it wrote
        no state for this part.
    """
    what = f"the state of {kind}"
    state = parse_msgpack(data, what, "the state of a projector")
    marked = isinstance(state, dict) and {"kind", "version", "fields"} <= set(state)
    if not marked:
        if not isinstance(state, dict) or upgrade is None:
            raise InputError("is not the state of a projector.", what, None, _HINT)
        with reading(what, "the state of a projector", _HINT):
            state = {"kind": kind, "version": version, "fields": upgrade(state)}
    if state["kind"] != kind:
        raise InputError(f"belongs to another part ({state['kind']!r}).", what, None, _HINT)
    if state["version"] != version:
        problem = f"has the form {state['version']!r}; this version of xner-spacy reads {version}."
        raise InputError(problem, what, None, _HINT)
    return check_shape(state["fields"], shape, what, _HINT)


class _TranslatorState(TypedDict):
    part: Optional[bytes]


class KeepsTranslator:
    """A part that learns nothing itself. It is saved with the state of its translator, if that has one."""

    registered_name: ClassVar[str]
    translator: Any

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The state of the translator, if it has one."""
        to_bytes = getattr(self.translator, "to_bytes", None)
        return pack_state(self.registered_name, 1, {"part": to_bytes() if to_bytes else None})

    def from_bytes(self, data: bytes) -> Self:
        """Load what `to_bytes` returned. RETURNS (Self): The part. RAISES: InputError."""
        state = unpack_state(data, self.registered_name, 1, _TranslatorState)["part"]
        if state is not None:
            if not hasattr(self.translator, "from_bytes"):
                problem = "holds the state of a part that this configuration lacks."
                raise InputError(problem, self.registered_name, None, _HINT)
            self.translator = self.translator.from_bytes(state) or self.translator
        return self
