"""Weights of seven bits: no sum of two products overflows 16 bits, and little is lost."""

import numpy as np
import pytest

from xner_spacy.translation.ct2 import LARGEST_WEIGHT, leave_room_for_sums


def test_weights_are_narrowed_and_stand_for_the_same_numbers():
    specs = pytest.importorskip("ctranslate2.specs")
    random = np.random.default_rng(0)
    whole = {
        name: random.normal(0.0, scale, (6, 40)).astype(np.float32)
        for name, scale in (("projection", 3.0), ("embeddings", 0.01))
    }

    class Layer(specs.LayerSpec):
        def __init__(self, linear):
            self.weight = None
            self.weight_scale = specs.model_spec.OPTIONAL
            self.bias = None
            self.weight = linear
            self.bias = np.zeros(6, dtype=np.float32)

    class Model(specs.LayerSpec):
        def __init__(self):
            self.projection = Layer(whole["projection"].copy())
            self.embeddings = Layer(whole["embeddings"].copy())

    model = Model()
    model.validate()
    model.optimize(quantization="int8")
    leave_room_for_sums(model)
    largest = {"projection": LARGEST_WEIGHT, "embeddings": 127}
    for name, most in largest.items():
        layer = getattr(model, name)
        kept = layer.weight.numpy()
        assert kept.dtype == np.int8 and np.abs(kept.astype(int)).max() == most
        back = kept / layer.weight_scale.numpy()[:, None]
        assert np.abs(back - whole[name]).max() < np.abs(whole[name]).max() / most
    assert 255 * LARGEST_WEIGHT * 2 < 2**15
