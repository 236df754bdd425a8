"""The pooling of sub-words."""

import numpy as np
from numpy.testing import assert_array_equal
from thinc.api import NumpyOps, reduce_first
from thinc.types import Ragged

from xner_spacy.distillation.student import network

OPS = NumpyOps()


def ragged(lengths):
    data = np.arange(1, 1 + 2 * sum(lengths), dtype="f").reshape(-1, 2)
    return Ragged(OPS.asarray2f(data), OPS.asarray1i(lengths))


def test_equal_to_thinc_where_every_token_has_a_subword():
    x = ragged([2, 1, 3])
    for model in (network.reduce_first(), reduce_first()):
        y, back = model(x, is_train=True)
        assert_array_equal(y, [[1, 2], [5, 6], [7, 8]])
        d = back(OPS.asarray2f(y))
        assert_array_equal(d.dataXd[:, 0], [1, 0, 5, 7, 0, 0])


def test_a_token_without_subwords_gets_zeros_and_gives_none_back():
    y, back = network.reduce_first()(ragged([0, 2, 0, 0, 1, 0]), is_train=True)
    assert_array_equal(y, [[0, 0], [1, 2], [0, 0], [0, 0], [5, 6], [0, 0]])
    d = back(OPS.asarray2f(np.ones_like(y)))
    assert_array_equal(d.dataXd, [[1, 1], [0, 0], [1, 1]])
    assert_array_equal(d.lengths, [0, 2, 0, 0, 1, 0])


def test_nothing_at_all():
    y, back = network.reduce_first()(Ragged(OPS.alloc2f(0, 4), OPS.asarray1i([0, 0])), True)
    assert y.shape == (2, 4) and not y.any()
    assert back(y).dataXd.shape == (0, 4)
