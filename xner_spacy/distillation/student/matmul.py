"""Matrix products on a CPU: by NumPy's library on request, and, when a model predicts, always such that each row of the
result does not depend on other rows.
"""

import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Callable, Iterator, Optional, Tuple

import numpy as np
from spacy.language import Language
from thinc.api import Model, NumpyOps
from thinc.layers.expand_window import forward as expand_window_forward
from thinc.layers.layernorm import forward as layer_norm_forward
from thinc.layers.maxout import forward as maxout_forward

from ... import native
from ...native import INT, POINTER, SIZE, Arguments, changed, declare
from ...types import FloatArray
from .each_word_once import EachWordOnce, embeds_words, no_training

# Rows of the first matrix in a block. They lie along the lanes of the processor's vector unit. A multiple of every
# usual number of lanes (4, 8, 16 floats) fills it, so that all rows are computed by the same instructions.
ROWS = 16
# OpenBLAS never distributes products of fewer multiplications than this over threads (65,536 times its default
# threshold of 4), so that the number of threads does not matter.
ONE_THREAD = 1 << 18
COLUMNS = 8
# Rows that are computed at a time, so few that they stay in the cache of the processor.
BATCH_ROWS = 1 << 10


def row_block_product(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute `rows @ weights.T` so that each row is the same to the last bit, whatever the other rows, their order and
    the number of threads.

    rows (FloatArray): (n, width). weights (FloatArray): (columns, width). RETURNS (FloatArray): (n, columns).
    """
    product = np.empty((len(rows), len(weights)), dtype=rows.dtype)
    for start, blocks in _products(rows, weights):
        _to_rows(blocks[:, : len(weights)], product[start : start + BATCH_ROWS])
    return product


def row_block_maxout(rows: FloatArray, weights: FloatArray, bias: FloatArray) -> FloatArray:
    """Compute the largest piece of each output (maxout), with the same bits as from `row_block_product`.

    rows (FloatArray): (n, width). weights (FloatArray): (outputs, pieces, width). bias (FloatArray): (outputs, pieces).
    RETURNS (FloatArray): (n, outputs).
    """
    n_outputs, n_pieces, width = weights.shape
    result = np.empty((len(rows), n_outputs), dtype=rows.dtype)
    # Only the largest are copied from the blocks to rows. The order of the columns stays, because a library computes
    # those at the edge of a block with other instructions.
    for start, blocks in _products(rows, weights.reshape(n_outputs * n_pieces, width)):
        part = result[start : start + BATCH_ROWS]
        if native.LIBRARY is not None and rows.dtype == np.float32:
            _largest_pieces(blocks, bias, part)
            continue
        pieces = [blocks[:, piece : n_outputs * n_pieces : n_pieces] for piece in range(n_pieces)]
        best = pieces[0]
        best += bias[:, :1]
        for piece in range(1, n_pieces):
            pieces[piece] += bias[:, piece : piece + 1]
            np.maximum(best, pieces[piece], out=best)
        _to_rows(best, part)
    return result


declare("largest_pieces", POINTER, SIZE, POINTER, INT, INT, SIZE, POINTER)


def _largest_pieces(blocks: FloatArray, bias: FloatArray, result: FloatArray) -> None:
    """What `row_block_maxout` does with the products, in C (csrc/student.c)."""
    take = Arguments()
    n_outputs, n_pieces = bias.shape
    native.LIBRARY.largest_pieces(
        take.array(blocks, np.float32, blocks.shape),
        blocks.shape[1],
        take.array(bias, np.float32, bias.shape),
        n_pieces,
        n_outputs,
        len(result),
        changed(result),
    )


def _products(rows: FloatArray, weights: FloatArray) -> Iterator[Tuple[int, FloatArray]]:
    """Multiply up to `BATCH_ROWS` rows at a time.

    A library for matrix products uses other instructions, and another order of additions, for incomplete blocks. So all
    blocks here have the same shape: 16 rows by as many columns as one thread computes, padded with zeros.

    YIELDS (Tuple[int, FloatArray]): The first row, and (blocks, columns and padding, 16 rows) products.
    """
    width = rows.shape[1]
    n_columns = len(weights)
    max_columns = max(ONE_THREAD // (ROWS * max(width, 1)) // COLUMNS, 1) * COLUMNS
    n_parts = -(-n_columns // max_columns)
    part_columns = -(-n_columns // (n_parts * COLUMNS)) * COLUMNS
    weight_parts = _padded(weights, part_columns).reshape(-1, part_columns, width)
    for start in range(0, len(rows), BATCH_ROWS):
        row_blocks = _padded(rows[start : start + BATCH_ROWS], ROWS).reshape(-1, 1, ROWS, width).swapaxes(2, 3)
        blocks = np.matmul(weight_parts, row_blocks)  # (blocks of rows, parts, columns, ROWS)
        yield start, blocks.reshape(len(blocks), -1, ROWS)


def _to_rows(blocks: FloatArray, rows: FloatArray) -> None:
    """Copy (blocks, columns, 16 rows) to (rows, columns), in one step. The last block may be incomplete."""
    n_full, rest = divmod(len(rows), ROWS)
    by_row = blocks.swapaxes(1, 2)
    rows[: n_full * ROWS].reshape(n_full, ROWS, rows.shape[1])[:] = by_row[:n_full]
    if rest:
        rows[n_full * ROWS :] = by_row[n_full, :rest]


def _padded(matrix: FloatArray, multiple: int) -> FloatArray:
    n_filled = -(-len(matrix) // multiple) * multiple
    if n_filled == len(matrix):
        return np.ascontiguousarray(matrix)
    filled = np.zeros((n_filled, matrix.shape[1]), dtype=matrix.dtype)
    filled[: len(matrix)] = matrix
    return filled


class _Mode(threading.local):
    """Whether this thread is in the forward pass of a training step."""

    training = False


_mode = _Mode()


class RowBlockOps(NumpyOps):
    """NumPy operations that predict with `row_block_product`. Training multiplies as before: it uses whole batches
    anyway, and large products are faster.
    """

    def gemm(self, x: Any, y: Any, *, out: Optional[Any] = None, trans1: bool = False, trans2: bool = False) -> Any:
        """Multiply; the forward pass of a layer in a prediction uses `row_block_product`."""
        # Only the forward pass of a layer multiplies by its transposed weights.
        forward = trans2 and not trans1 and out is None
        if forward and not _mode.training and x.dtype == y.dtype == np.float32 and len(x):
            return row_block_product(x, y)
        return super().gemm(x, y, out=out, trans1=trans1, trans2=trans2)


@dataclass(eq=False)
class _SetsMode:
    """A layer's forward function that records whether it is part of a training step. It is a class so that models can
    be pickled for other processes.
    """

    forward: Callable

    def __call__(self, model: Model, X: Any, is_train: bool) -> Any:
        previous, _mode.training = _mode.training, is_train
        try:
            return self.forward(model, X, is_train)
        finally:
            _mode.training = previous


@dataclass(eq=False)
class MaxoutByBlocks:
    """The forward function of `Maxout.v1`, which predicts by `row_block_maxout`.

    forward (Callable): The function that it replaces, by which the model still trains.
    """

    forward: Callable

    def __call__(self, model: Model, X: Any, is_train: bool) -> Any:
        weights: Any = model.get_param("W")
        bias: Any = model.get_param("b")
        if is_train or not isinstance(model.ops, RowBlockOps) or not X.dtype == weights.dtype == np.float32:
            return self.forward(model, X, is_train)
        return row_block_maxout(X, weights, bias), no_training


@dataclass(eq=False)
class NormByBlocks:
    """The forward function of `LayerNorm.v1`, which predicts a few rows at a time, so that its steps find them in the
    processor's cache.

    forward (Callable): The function that it replaces, by which the model still trains.
    """

    forward: Callable

    def __call__(self, model: Model, X: Any, is_train: bool) -> Any:
        if is_train or not isinstance(model.ops, RowBlockOps) or len(X) <= BATCH_ROWS:
            return self.forward(model, X, is_train)
        parts = (X[start : start + BATCH_ROWS] for start in range(0, len(X), BATCH_ROWS))
        return np.concatenate([self.forward(model, part, is_train)[0] for part in parts]), no_training


@dataclass(eq=False)
class WindowsInPlace:
    """The forward function of `expand_window.v1` before a maxout layer, which in a prediction shows the words beside
    each word where they are, instead of copying them. Other layers may need an array of their own.

    forward (Callable): The function that it replaces, by which the model still trains.
    """

    forward: Callable

    def __call__(self, model: Model, X: Any, is_train: bool) -> Any:
        if is_train or not isinstance(model.ops, RowBlockOps) or not isinstance(X, np.ndarray) or not len(X):
            return self.forward(model, X, is_train)
        return windows(X, model.attrs["window_size"]), no_training


def windows(rows: FloatArray, size: int) -> FloatArray:
    """RETURNS (FloatArray): For each row that row with `size` rows before it and after it, (n, (2 size + 1) width),
    zeros beyond the first and the last one. They share their memory, so that nothing may be written to it.
    """
    n_rows, width = rows.shape
    padded = np.zeros((n_rows + 2 * size, width), dtype=rows.dtype)
    padded[size : size + n_rows] = rows
    shape, steps = (n_rows, (2 * size + 1) * width), padded.strides
    return np.lib.stride_tricks.as_strided(padded, shape, steps, writeable=False)


def predict_row_by_row(model: Any, use_blis: Optional[bool] = None) -> None:
    """Make the predictions of a model on a CPU independent of the rest of the batch, by replacing its operations. It
    may be called repeatedly.

    model (Model): The model; its nodes are changed in place, except those with other operations (of a GPU, or
        `thinc-apple-ops`). use_blis (Optional[bool]): Whether to train with Thinc's BLIS or NumPy's library; None keeps
        the current choice.
    """
    windows_to_max = {
        id(layer)
        for node in model.walk()
        for layer, following in pairwise(node.layers)
        if layer._func is expand_window_forward and _first_layer(following).name == "maxout"
    }
    for node in model.walk():
        replaced = type(node.ops) is RowBlockOps
        if not replaced and type(node.ops) is not NumpyOps:
            continue  # leave subclasses unchanged
        node_use_blis = node.ops.use_blis if use_blis is None else use_blis
        if not replaced or node.ops.use_blis != node_use_blis:
            node.ops = RowBlockOps(use_blis=node_use_blis)
        if not isinstance(node._func, _SetsMode):
            forward = node._func
            if embeds_words(node):
                forward = EachWordOnce(forward)
            elif forward is maxout_forward:
                forward = MaxoutByBlocks(forward)
            elif forward is layer_norm_forward:
                forward = NormByBlocks(forward)
            elif id(node) in windows_to_max:
                forward = WindowsInPlace(forward)
            node._func = _SetsMode(forward)


def _first_layer(model: Model) -> Model:
    return _first_layer(model.layers[0]) if model.layers else model


def pipeline_row_by_row(nlp: Language, use_blis: Optional[bool] = None) -> None:
    """Apply `predict_row_by_row` to the models of all components of a pipeline."""
    for _, component in nlp.components:
        model = getattr(component, "model", None)
        if isinstance(model, Model):
            predict_row_by_row(model, use_blis)


class NumpyGemm:
    """Makes all components of a pipeline multiply matrices by NumPy, `xner.NumpyGemm.v1`. As the
    `[nlp.after_pipeline_creation]` callback it applies to training and wherever the pipeline is loaded.

    A tok2vec spends nearly all of its time on a CPU in matrix products. NumPy's library (OpenBLAS in its wheels)
    supports more processors than the BLIS in Thinc's wheels, and trains with as many threads as `OPENBLAS_NUM_THREADS`
    allows, while that BLIS uses one. Training results differ only by rounding. On a GPU, or with other operations such
    as `thinc-apple-ops`, nothing changes.
    """

    def __call__(self, nlp: Language) -> Language:
        pipeline_row_by_row(nlp, use_blis=False)
        return nlp
