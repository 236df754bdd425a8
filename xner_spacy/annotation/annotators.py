"""What a registered annotator is: it labels tokenised sentences and says how sure it is of each token."""

from typing import Iterator, List, NamedTuple, Optional, Protocol, Sequence, runtime_checkable

from ..types import Entity, TokenLabels


class Annotation(NamedTuple):
    """What an annotator finds in a sentence.

    entities (List[Entity]): Its entities, by the annotator's own labels, with scores.
    labels (Optional[TokenLabels]): Distributions over IOB2 tags per token, where the annotator has them.
    """

    entities: List[Entity]
    labels: Optional[TokenLabels] = None


@runtime_checkable
class Annotator(Protocol):
    """Labels tokenised sentences, one `Annotation` per sentence, in order."""

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]: ...
