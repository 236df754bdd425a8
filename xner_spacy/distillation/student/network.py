"""The student's network, `xner.Student.v1`, from token vectors to tag scores; and a pooling of sub-words."""

from typing import Any, Callable, List, Optional, Tuple, cast

from spacy.tokens import Doc
from thinc.api import Dropout, Linear, Maxout, Model, chain, resizable, with_array, zero_init
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d, Ragged


def build_student_model(
    tok2vec: Model[List[Doc], List[Floats2d]],
    nO: Optional[int] = None,
    hidden_width: int = 0,
    maxout_pieces: int = 2,
    dropout: float = 0.0,
) -> Model[List[Doc], List[Floats2d]]:
    """Build a tok2vec (or a listener to one, or to a transformer), optionally a hidden layer, and a linear layer.

    The output are unnormalised (tokens, tags) scores for each Doc. The tags are set when the component is initialised.

    tok2vec (Model[List[Doc], List[Floats2d]]): Token vectors.
    nO (Optional[int]): Number of tags, if known.
    hidden_width (int): Width of a Maxout layer before the output; 0 for none.
    maxout_pieces (int): Pieces of that layer.
    dropout (float): Dropout on the token vectors; replaced by the dropout of the training, if that is set.
    RETURNS (Model[List[Doc], List[Floats2d]]): The model, with the references `tok2vec`, `head` and `output_layer`.
    """
    width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else None
    with Model.define_operators({">>": chain}):
        # All scores start at 0, so that all tags are equally likely.
        output: Model = resizable(
            Linear(nO, hidden_width or width, init_W=zero_init), resize_layer=resize_linear_weighted
        )
        head: Model = output
        if hidden_width:
            head = Maxout(hidden_width, width, nP=maxout_pieces, normalize=True, dropout=0.0) >> head
        if dropout:
            head = Dropout(dropout) >> head
        head = with_array(head)
        model = tok2vec >> head
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("head", head)
    model.set_ref("output_layer", output)
    return model


def resize_output(model: Model, new_nO: int) -> None:
    """Add tags to an initialised student; the new ones score 0 until they are trained."""
    resize_model(model.get_ref("output_layer"), new_nO)
    for node in (model, model.get_ref("head"), *model.get_ref("head").layers):
        if node.has_dim("nO"):
            node.set_dim("nO", new_nO, force=True)


def reduce_first() -> Model[Ragged, Floats2d]:
    """The vector of each token's first sub-word, `xner.ReduceFirst.v1`.

    Thinc's `reduce_first.v1` fails for a token without any sub-word, such as one that consists of characters that the
    tokenizer drops. Here such a token gets zeros.
    """
    return Model("reduce_first_or_zero", _forward)


def _forward(
    model: Model[Ragged, Floats2d], sequences: Ragged, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Ragged]]:
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
