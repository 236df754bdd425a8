"""From the vectors of sub-words to one a token."""

from typing import Any, Callable, Tuple, cast

from thinc.api import Model
from thinc.types import Floats2d, Ragged


def reduce_first() -> Model[Ragged, Floats2d]:
    """The vector of each token's first sub-word, `xner.ReduceFirst.v1`.

    thinc's `reduce_first.v1` fails on a token that has no sub-word at all, such as one that holds nothing but
    characters which the tokenizer drops. Here it gets zeros.
    """
    return Model("reduce_first_or_zero", forward)


def forward(
    model: Model[Ragged, Floats2d], sequences: Ragged, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Ragged]]:
    """RETURNS (Tuple[Floats2d, Callable]): (tokens, width) vectors, and the way back."""
    xp: Any = model.ops.xp
    lengths = sequences.lengths
    data = cast(Floats2d, sequences.dataXd)
    starts = xp.cumsum(lengths) - lengths
    present = lengths > 0
    pooled = model.ops.alloc2f(len(lengths), data.shape[1])
    pooled[present] = data[starts[present]]

    def backprop(d_pooled: Floats2d) -> Ragged:
        d_data = model.ops.alloc2f(*data.shape)
        d_data[starts[present]] = d_pooled[present]
        return Ragged(d_data, lengths)

    return pooled, backprop
