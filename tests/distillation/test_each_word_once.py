"""Embedding each word of a batch once gives the same bytes as embedding all words."""

import pickle
from typing import Any, List

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from spacy.tokens import Doc
from thinc.api import Model, Ops

from xner_spacy.distillation.student import each_word_once
from xner_spacy.distillation.student.each_word_once import EachWordOnce, embeds_words, unique_rows
from xner_spacy.distillation.student.matmul import predict_row_by_row

VOCAB = spacy.blank("xx").vocab


def embedding() -> Model:
    """RETURNS (Model): An initialised `spacy.MultiHashEmbed.v2`."""
    make = spacy.registry.architectures.get("spacy.MultiHashEmbed.v2")
    model = make(width=24, attrs=["NORM", "PREFIX", "SHAPE"], rows=[50, 20, 20], include_static_vectors=False)
    model.initialize([Doc(VOCAB, words=["a", "b"])])
    return model


def docs_of(sentences: List[List[str]]) -> List[Doc]:
    return [Doc(VOCAB, words=words) for words in sentences]


WORDS = st.sampled_from(["Anna", "anna", "býr", "í", "París", ".", "2024", "(", "Ólöf", "x"])


@pytest.fixture(scope="module")
def models() -> List[Model]:
    """The same embedding, as it is and each word once."""
    plain = embedding()
    once = plain.copy()
    for model in (plain, once):
        predict_row_by_row(model)
    plain._func.forward = plain._func.forward.forward
    return [plain, once]


@given(sentences=st.lists(st.lists(WORDS, min_size=0, max_size=40), max_size=12))
def test_vectors_are_the_same_to_the_bit(models: List[Model], sentences: List[List[str]]) -> None:
    plain, once = (model.predict(docs_of(sentences)) for model in models)
    assert [vectors.shape for vectors in plain] == [vectors.shape for vectors in once]
    assert all((one == other).all() for one, other in zip(plain, once, strict=True))


def test_only_different_words_are_embedded(models: List[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: List[Any] = []
    embed = models[1].layers[2]
    forward = embed._func
    monkeypatch.setattr(
        embed, "_func", lambda model, X, is_train: (seen.append(len(X)), forward(model, X, is_train))[1]
    )
    models[1].predict(docs_of([["Anna", "býr", "í", "í"], ["Anna"]]))
    assert seen == [3]


def test_it_trains_as_before(models: List[Model]) -> None:
    docs = docs_of([["Anna", "býr", "Anna"], ["í"]])
    plain, once = (model.begin_update(docs) for model in models)
    assert all((one == other).all() for one, other in zip(plain[0], once[0], strict=True))
    for vectors, backprop in (plain, once):
        backprop([np.ones_like(rows) for rows in vectors])
    weights = [next(node for node in model.walk() if node.name == "maxout").get_grad("W") for model in models]
    assert np.array_equal(*weights) and weights[0].any()
    for model in models:
        model.finish_update(lambda key, weights, gradient: (weights, gradient * 0))


def test_a_model_that_was_moved_elsewhere_embeds_as_before(
    models: List[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operations of a GPU are no NumPy operations, and neither are its arrays."""
    seen: List[Any] = []
    once = models[1]._func.forward
    monkeypatch.setattr(once, "forward", lambda model, docs, is_train: seen.append(docs))
    docs = docs_of([["Anna"]])
    once(models[1], docs, False)
    assert not seen
    monkeypatch.setattr(models[1], "ops", Ops())
    once(models[1], docs, False)
    assert seen == [docs]


def test_it_can_be_pickled(models: List[Model]) -> None:
    assert isinstance(pickle.loads(pickle.dumps(models[1]._func)).forward, EachWordOnce)


def test_other_models_are_left_as_they_are() -> None:
    make = spacy.registry.architectures.get("spacy.MaxoutWindowEncoder.v2")
    assert embeds_words(embedding())
    assert not embeds_words(make(width=8, window_size=1, maxout_pieces=2, depth=1))


@given(ids=arrays.arrays(np.uint64, st.tuples(st.integers(0, 30), st.integers(1, 6)), elements=st.integers(0, 3)))
def test_unique_rows(ids: Any) -> None:
    unique, inverse = unique_rows(ids)
    assert np.array_equal(unique[inverse], ids)
    assert len(unique) == len({tuple(row) for row in ids.tolist()})


def test_rows_with_one_sum_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_word_once, "FACTORS", np.zeros(4, dtype=np.uint64))
    ids = np.array([[1, 2], [3, 4], [1, 2]], dtype=np.uint64)
    unique, inverse = unique_rows(ids)
    assert len(unique) == 2 and np.array_equal(unique[inverse], ids)
