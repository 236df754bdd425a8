"""The student's network, `xner.Student.v1`: token vectors to tag scores."""

from typing import List, Optional

from spacy.tokens import Doc
from thinc.api import Dropout, Linear, Maxout, Model, chain, resizable, with_array, zero_init
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d


def build_student_model(
    tok2vec: Model[List[Doc], List[Floats2d]],
    nO: Optional[int] = None,
    hidden_width: int = 0,
    maxout_pieces: int = 2,
    dropout: float = 0.0,
) -> Model[List[Doc], List[Floats2d]]:
    """Build the model: a tok2vec (or a listener to one, or to a transformer), optionally a hidden layer, and a linear
    layer.

    The output is unnormalised: (tokens, tags) scores a Doc. The tags are set when the component is initialised.

    tok2vec (Model[List[Doc], List[Floats2d]]): Token vectors.
    nO (Optional[int]): Number of tags, if known.
    hidden_width (int): Width of a Maxout layer before the output; 0 for none.
    maxout_pieces (int): Pieces of that layer.
    dropout (float): Dropout on the token vectors; the training's own rate replaces it where one is set.
    RETURNS (Model[List[Doc], List[Floats2d]]): The model, with the references `tok2vec` and `output_layer`.
    """
    width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else None
    with Model.define_operators({">>": chain}):
        # The tags' scores start at 0: every tag equally likely.
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
    """Add tags to an initialised student; the new ones score 0 until they are trained.

    model (Model): The student's model. new_nO (int): How many tags it is to have.
    """
    resize_model(model.get_ref("output_layer"), new_nO)
    for node in (model, model.get_ref("head"), *model.get_ref("head").layers):
        if node.has_dim("nO"):
            node.set_dim("nO", new_nO, force=True)
