"""Matrix products on a CPU: by NumPy's own library on request, and when a model predicts always such that a row of the
result does not depend on the rows beside it.
"""

import threading
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np
from spacy.language import Language
from thinc.api import Model, NumpyOps

from ...types import FloatArray

# Rows of the first matrix that are multiplied at once. They lie along the lanes of the processor's vector unit, and a
# multiple of every lane count in use (4, 8, 16 floats) fills it, so that all rows go through the same instructions.
ROWS = 16
# Products of fewer multiplications than this are never shared among threads by OpenBLAS (65,536 times its default
# threshold of 4): how many threads there are does not matter then, and none is woken up.
ONE_THREAD = 1 << 18
COLUMNS = 8
# Rows for which room is made at once.
AT_ONCE = 1 << 12


def row_block_product(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """`rows @ weights.T`, each row of it bit by bit the same whatever rows stand beside it, in whatever order, and
    however many threads there are.

    A library of matrix products takes other instructions, and another order of additions, for what does not fill its
    blocks. So the blocks here are always of one shape: 16 rows by as many columns as one thread is given, filled up
    with zeros.

    rows (FloatArray): (n, width). weights (FloatArray): (columns, width). RETURNS (FloatArray): (n, columns).
    """
    n, width = rows.shape
    wanted = len(weights)
    most = max(ONE_THREAD // (ROWS * max(width, 1)) // COLUMNS, 1) * COLUMNS
    parts = -(-wanted // most)
    columns = -(-wanted // (parts * COLUMNS)) * COLUMNS
    left = _filled_up(weights, columns).reshape(-1, columns, width)
    product = np.empty((n, wanted), dtype=rows.dtype)
    for at in range(0, n, AT_ONCE):
        part = rows[at : at + AT_ONCE]
        right = _filled_up(part, ROWS).reshape(-1, 1, ROWS, width).swapaxes(2, 3)
        blocks = np.matmul(left, right)  # (blocks of rows, parts, columns, ROWS)
        lines = blocks.reshape(len(blocks), -1, ROWS).swapaxes(1, 2).reshape(-1, parts * columns)
        product[at : at + AT_ONCE] = lines[: len(part), :wanted]
    return product


def _filled_up(matrix: FloatArray, multiple: int) -> FloatArray:
    n = -(-len(matrix) // multiple) * multiple
    if n == len(matrix):
        return np.ascontiguousarray(matrix)
    filled = np.zeros((n, matrix.shape[1]), dtype=matrix.dtype)
    filled[: len(matrix)] = matrix
    return filled


class _Mode(threading.local):
    """Whether this thread is in the forward pass of a training step."""

    training = False


_mode = _Mode()


class RowBlockOps(NumpyOps):
    """NumPy operations whose products in a prediction are `row_block_product`. Training multiplies as before: it sees
    whole batches anyway, and large products are faster.
    """

    def gemm(self, x: Any, y: Any, *, out: Optional[Any] = None, trans1: bool = False, trans2: bool = False) -> Any:
        """Multiply: in a prediction a layer's forward pass goes by `row_block_product`."""
        # A layer's forward pass, and that alone, multiplies by its transposed weights.
        forward = trans2 and not trans1 and out is None
        if forward and not _mode.training and x.dtype == y.dtype == np.float32 and len(x):
            return row_block_product(x, y)
        return super().gemm(x, y, out=out, trans1=trans1, trans2=trans2)


@dataclass(eq=False)
class _TellsItsMode:
    """A layer's forward function that says whether it is part of a training step. A class, so that models can be
    pickled for other processes.
    """

    forward: Callable

    def __call__(self, model: Model, X: Any, is_train: bool) -> Any:
        before, _mode.training = _mode.training, is_train
        try:
            return self.forward(model, X, is_train)
        finally:
            _mode.training = before


def predict_row_by_row(model: Any, use_blis: Optional[bool] = None) -> None:
    """Give a model on a CPU the operations with which its predictions do not depend on what else is in the batch. Again
    does no harm.

    model (Model): The model; its nodes are changed in place. Those with other operations (a GPU's, `thinc-apple-ops`)
        are left alone. use_blis (Optional[bool]): What trains: the BLIS of Thinc, or NumPy's library; None leaves it.
    """
    for node in model.walk():
        known = type(node.ops) is RowBlockOps
        if not known and type(node.ops) is not NumpyOps:
            continue  # A subclass has its own reasons.
        wanted = node.ops.use_blis if use_blis is None else use_blis
        if not known or node.ops.use_blis != wanted:
            node.ops = RowBlockOps(use_blis=wanted)
        if not isinstance(node._func, _TellsItsMode):
            node._func = _TellsItsMode(node._func)


def pipeline_row_by_row(nlp: Language, use_blis: Optional[bool] = None) -> None:
    """Do so with the models of all components of a pipeline, as of `predict_row_by_row`."""
    for _, component in nlp.components:
        model = getattr(component, "model", None)
        if isinstance(model, Model):
            predict_row_by_row(model, use_blis)


class NumpyGemm:
    """Lets all components of a pipeline multiply matrices by NumPy, `xner.NumpyGemm.v1`, for
    `[nlp.after_pipeline_creation]`, from where it holds for training and wherever the pipeline is loaded.

    Nearly all of a tok2vec's time on a CPU is in matrix products. NumPy's library (OpenBLAS in its wheels) knows more
    processors than the BLIS in Thinc's, and trains with as many threads as `OPENBLAS_NUM_THREADS` allows, while that
    BLIS uses one. Results of training differ in the rounding. On a GPU, or with another set of operations such as
    `thinc-apple-ops`, nothing changes.
    """

    def __call__(self, nlp: Language) -> Language:
        pipeline_row_by_row(nlp, use_blis=False)
        return nlp
