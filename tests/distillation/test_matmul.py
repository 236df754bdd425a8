"""`xner.NumpyGemm.v1`: the same numbers by another library, wherever the pipeline goes."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import List

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from thinc.api import Maxout, Mish, NumpyOps, chain, expand_window

from xner_spacy import native
from xner_spacy.cli.init_config import base_config
from xner_spacy.distillation.student.matmul import (
    BATCH_ROWS,
    MaxoutByBlocks,
    NormByBlocks,
    NumpyGemm,
    WindowsInPlace,
    predict_row_by_row,
    row_block_maxout,
    row_block_product,
    windows,
)

TEXT = "Anna lives in Reykjavík and works for the bank."


def build() -> Language:
    config = base_config("student", labels="soft")
    config["components"]["xner_student"]["hard_weight"] = 1.0
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    nlp.get_pipe("xner_student").add_label("PER")
    nlp.initialize()
    return nlp


def blis(nlp: Language) -> List[bool]:
    nodes = [n for _, pipe in nlp.components for n in pipe.model.walk()]
    return [node.ops.use_blis for node in nodes]


def test_the_config_sets_it_and_it_comes_along_with_the_pipeline(tmp_path: Path) -> None:
    nlp = build()
    assert not any(blis(nlp)) and len(blis(nlp)) > 10
    nlp.to_disk(tmp_path)
    assert not any(blis(spacy.load(tmp_path)))


def test_the_same_numbers_but_for_the_rounding() -> None:
    nlp = build()
    model = nlp.get_pipe("tok2vec").model
    doc = nlp.make_doc(TEXT)
    fast = model.predict([doc])[0]
    for node in model.walk():
        node.ops = NumpyOps()
    assert all(blis(nlp)[: len(list(model.walk()))])
    np.testing.assert_allclose(model.predict([doc])[0], fast, rtol=1e-3, atol=1e-4)
    assert np.abs(fast).max() > 0.1


def test_other_operations_and_components_without_a_model_are_left_alone() -> None:
    class Special(NumpyOps):
        """Stands for the operations of a GPU or of another package."""

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    tagger = nlp.add_pipe("tagger")
    special = Special()
    node = next(iter(tagger.model.walk()))  # type: ignore[attr-defined]
    node.ops = special
    assert NumpyGemm()(nlp) is nlp
    assert node.ops is special
    others = {n.ops for n in tagger.model.walk()} - {special}  # type: ignore[attr-defined]
    assert others and not any(ops.use_blis for ops in others)


@pytest.mark.parametrize(("base", "labels"), [("student", "tsl"), ("source", "prokd"), ("student", "prokd")])
def test_all_configs_of_cpu_students_have_it(base: str, labels: str) -> None:
    config = base_config(base, labels=labels)
    assert config["nlp"]["after_pipeline_creation"] == {"@callbacks": "xner.NumpyGemm.v1"}


PRODUCT = """
import hashlib, sys
import numpy as np
from xner_spacy import native
from xner_spacy.cli.init_config import base_config
from xner_spacy.distillation.student.matmul import row_block_product
rng = np.random.default_rng(0)
digest = hashlib.sha256()
for width, columns in ((480, 288), (288, 288), (96, 17), (300, 128), (128, 37), (64, 1), (7, 5)):
    weights = rng.standard_normal((columns, width), dtype=np.float32)
    rows = rng.standard_normal((300, width), dtype=np.float32)
    found = row_block_product(rows, weights)
    assert found.shape == (300, columns)
    np.testing.assert_allclose(found, rows @ weights.T, rtol=1e-4, atol=1e-4)
    digest.update(found.tobytes())
    for _ in range(30):
        some = rng.permutation(300)[: rng.integers(1, 60)]
        assert (row_block_product(rows[some], weights) == found[some]).all(), (width, columns)
print(digest.hexdigest())
"""


@pytest.mark.parametrize("processor", ["Haswell", "SkylakeX", "Nehalem"])
def test_a_row_of_a_product_depends_neither_on_its_neighbours_nor_on_threads(
    processor: str,
) -> None:
    """OpenBLAS plays processors of before by a setting; where it has none (other machines), it is ignored."""
    digests = set()
    for threads in ("1", "2"):
        setting = {"OPENBLAS_CORETYPE": processor, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", PRODUCT],
            env={**os.environ, **setting},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode < 0:
            pytest.skip(f"this processor can't play {processor}")
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1


def test_training_multiplies_as_before_and_predicting_row_by_row() -> None:
    nlp = build()
    model = nlp.get_pipe("tok2vec").model
    docs = [nlp.make_doc(TEXT), nlp.make_doc("Anna"), nlp.make_doc("It rains in Reykjavík .")]
    plain = model.copy()
    trained, _ = model.begin_update(docs)
    for node in plain.walk():
        node.ops = NumpyOps(use_blis=False)
    expected, _ = plain.begin_update(docs)
    for ours, theirs in zip(trained, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    together = model.predict(docs)
    for doc, vectors in zip(docs, together, strict=True):
        np.testing.assert_array_equal(model.predict([doc])[0], vectors)


@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 20), st.integers(2, 4), st.integers(0, 2**32))
def test_the_largest_pieces_are_those_of_the_layers_apart(n, width, outputs, pieces, seed) -> None:
    random = np.random.default_rng(seed)
    rows, weights, bias = (
        random.standard_normal(shape).astype(np.float32)
        for shape in ((n, width), (outputs, pieces, width), (outputs, pieces))
    )
    rows[n // 2] = np.nan
    products = row_block_product(rows, weights.reshape(-1, width)).reshape(n, outputs, pieces) + bias
    expected = products.max(axis=2)
    with pytest.MonkeyPatch.context() as patch:
        for library in {native.LIBRARY, None}:
            patch.setattr(native, "LIBRARY", library)
            np.testing.assert_array_equal(row_block_maxout(rows, weights, bias), expected)


@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**32))
def test_windows_are_those_of_thinc(n, width, size, seed) -> None:
    rows = np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)
    np.testing.assert_array_equal(windows(rows, size), NumpyOps().seq2col(rows, size))


def test_windows_are_copied_for_any_layer_but_maxout() -> None:
    to_max, to_others = (chain(expand_window(), layer(3, 9)) for layer in (Maxout, Mish))
    for model in (to_max, to_others):
        model.initialize()
        predict_row_by_row(model)
    copied = [not isinstance(model.layers[0]._func.forward, WindowsInPlace) for model in (to_max, to_others)]
    assert copied == [False, True]


def test_a_prediction_has_the_bits_of_the_layers_apart() -> None:
    nlp = build()
    model = nlp.get_pipe("tok2vec").model
    docs = [nlp.make_doc(TEXT), nlp.make_doc("Anna"), nlp.make_doc(""), nlp.make_doc(TEXT * 120)]
    assert len(docs[-1]) > BATCH_ROWS
    vectors = model.predict(docs)
    for kind in (MaxoutByBlocks, NormByBlocks, WindowsInPlace):
        replaced = [node._func for node in model.walk() if isinstance(node._func.forward, kind)]
        for mode in replaced:
            mode.forward = mode.forward.forward
        assert len(replaced) > 1
    for ours, theirs in zip(vectors, model.predict(docs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_model_can_still_be_copied_and_pickled() -> None:
    model = build().get_pipe("tok2vec").model
    doc = spacy.blank("en").make_doc(TEXT)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict([doc])[0], model.predict([doc])[0])
