"""`xner.NoOp.v1`: the text is its own translation. For tests, and for text that is in the source language already."""

from typing import Any, ClassVar, Dict, Iterable, Iterator

from ..types import Translation


class NoOp:
    """`xner.NoOp.v1`: gives every text back."""

    identity: ClassVar[Dict[str, Any]] = {"engine": "noop"}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for text in texts:
            yield Translation(text)
