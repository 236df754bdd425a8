"""The base class of the components: batches, error handling, and saving a part that has a state."""

from typing import Any, Iterable, Iterator, List, Optional

import srsly
from spacy.errors import Errors
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.util import ensure_path, minibatch
from typing_extensions import TypedDict

from ..corpora.reading import parse_msgpack, read_bytes, reading
from ..corpora.writing import atomic_write
from ..docdata import install_extensions
from ..errors import XnerError
from ..types import PathLike

BATCH_SIZE = 256


class _State(TypedDict):
    state: Optional[bytes]


class BatchPipe(Pipe):
    """A component that processes whole batches of Docs. Subclasses implement `process`.

    Its `part` (translator, aligner, projector) is saved with the pipeline if it has a state, that is, if it has
    `to_bytes` and `from_bytes`.
    """

    def __init__(self, name: str, part: Any) -> None:
        install_extensions()
        self.name = name
        self.part = part

    def process(self, docs: List[Doc]) -> None:
        """Annotate the Docs in place."""
        raise NotImplementedError(Errors.E891.format(name=self.name))

    def __call__(self, doc: Doc) -> Doc:
        list(self.pipe([doc]))
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = BATCH_SIZE) -> Iterator[Doc]:
        """Process a stream in batches. YIELDS (Doc): The Docs in order. If the error handler ignores an error, the Docs
        of that batch are dropped.
        """
        handler = self.get_error_handler()
        for docs in minibatch(stream, batch_size):
            try:
                self.process(docs)
            except Exception as error:  # noqa: BLE001  (spaCy's protocol: the handler decides)
                if type(error) is XnerError and self.name not in error.message:
                    # The messages of a part do not include the name of the component.
                    error = XnerError(f"{self.name}: {error.message}", error.hint)
                handler(self.name, self, docs, error)
            else:
                yield from docs

    def _state(self) -> Optional[bytes]:
        return self.part.to_bytes() if hasattr(self.part, "to_bytes") else None

    def _set_state(self, data: bytes, path: PathLike) -> None:
        with reading(path, f"the state of {self.name}", "Assemble the pipeline again."):
            self.part = self.part.from_bytes(data) or self.part

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """RETURNS (bytes): The part's state."""
        return srsly.msgpack_dumps({"state": self._state()})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "BatchPipe":
        """Load the part's state. RETURNS (BatchPipe): The component."""
        state = parse_msgpack(data, self.name, f"the state of {self.name}", _State)["state"]
        if state is not None:
            self._set_state(state, self.name)
        return self

    def to_disk(self, path: PathLike, *, exclude: Iterable[str] = ()) -> None:
        """Save the part's state under a folder."""
        folder = ensure_path(path)
        folder.mkdir(parents=True, exist_ok=True)
        state = self._state()
        if state is not None:
            with atomic_write(folder / "state", "wb") as file:
                file.write(state)

    def from_disk(self, path: PathLike, *, exclude: Iterable[str] = ()) -> "BatchPipe":
        """Load the part's state. RETURNS (BatchPipe): The component."""
        file = ensure_path(path) / "state"
        if file.exists() or file.is_symlink():  # a broken symlink is an error, and does not mean that there is no state
            self._set_state(read_bytes(file), file)
        return self
