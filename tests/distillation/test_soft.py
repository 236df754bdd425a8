"""Soft labels: stored, read, rearranged, and carried over to another language."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.distillation.soft import (
    iob2_to_scheme,
    pack,
    scheme_to_iob2,
    to_labels,
    unpack,
)
from xner_spacy.distillation.softprojection import likely_entities, map_soft, project_soft
from xner_spacy.distillation.tags import TagSet
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.types import Alignment, SentencePair, TokenLabels

TAGS = TagSet(["PER", "LOC"], "iob2").tags


def random_soft(n, seed, sharp=0.5):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(len(TAGS), sharp), size=n).astype(np.float32).reshape(n, len(TAGS))


@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 12), seed=st.integers(0, 2**20))
def test_pack_and_unpack(n, seed):
    probs = random_soft(n, seed)
    soft = unpack(pack(TAGS, probs))
    assert soft.labels == tuple(TAGS)
    np.testing.assert_allclose(soft.probs, probs, atol=6e-3)
    np.testing.assert_allclose(soft.probs.sum(axis=1), 1, atol=1e-5)


def test_rows_that_do_not_sum_to_one():
    probs = np.array([[0.5, 0.25, 0, 0, 0], [0, 0, 0, 0, 0], [2, 2, 0, 0, 0]], dtype=np.float32)
    soft = unpack(pack(TAGS, probs))
    np.testing.assert_allclose(soft.probs[0, :2], [2 / 3, 1 / 3], atol=1e-3)
    assert not soft.probs[1].any()
    np.testing.assert_allclose(soft.probs[2, :2], [0.5, 0.5])


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_what_is_no_probability(value):
    with pytest.raises(XnerError, match="negative or non-finite"):
        pack(["O"], np.array([[value]]))


def test_shape():
    with pytest.raises(XnerError, match="shape"):
        pack(["O", "B-PER"], np.ones((3, 1)))


def test_labels_that_the_student_lacks():
    with pytest.raises(XnerError, match="B-EVENT"):
        to_labels(TokenLabels(["O", "B-EVENT"], np.ones((1, 2), dtype=np.float32)), TAGS)


def test_columns_are_found_by_name():
    soft = TokenLabels(["B-LOC", "O"], np.array([[0.3, 0.7]], dtype=np.float32))
    np.testing.assert_allclose(to_labels(soft, TAGS), [[0.7, 0, 0, 0.3, 0]])


@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 12), seed=st.integers(0, 2**20))
def test_schemes_there_and_back(n, seed):
    probs = random_soft(n, seed)
    biluo, iob2 = TagSet(["PER", "LOC"]), TagSet(["PER", "LOC"], "iob2")
    there = iob2_to_scheme(probs, biluo, iob2)
    np.testing.assert_allclose(there.sum(axis=1), probs.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(scheme_to_iob2(there, biluo), probs, atol=1e-6)


def test_scheme_of_certain_tags():
    biluo, iob2 = TagSet(["PER", "LOC"]), TagSet(["PER", "LOC"], "iob2")
    tags = ["B-PER", "I-PER", "I-PER", "B-LOC", "O", "B-LOC", "I-LOC"]
    probs = np.eye(len(TAGS), dtype=np.float32)[[iob2.index[t] for t in tags]]
    found = [biluo.tags[k] for k in iob2_to_scheme(probs, biluo, iob2).argmax(axis=1)]
    assert found == ["B-PER", "I-PER", "L-PER", "U-LOC", "O", "B-LOC", "L-LOC"]


def pair(source, target, links):
    return SentencePair(source.split(), target.split(), [], Alignment(links))


def test_projection_keeps_the_doubt():
    # A name that the source model holds for a person with .3 is no entity of its, and still
    # teaches.
    probs = np.array([[0.7, 0.3, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 1, 0]], dtype=np.float32)
    p = pair("Anna sees Paris", "Paris Annam videt", [[0, 1], [1, 2], [2, 0]])
    for projector in (None, get_part("xner_projectors", "xner.Heuristic.v1")):
        share = 1.0 if projector is None else 0.5
        settings = {"link_share": share, "threshold": 0.1}
        (soft,) = project_soft(projector, [p], [TokenLabels(TAGS, probs)], **settings)
        tags = list(soft.labels)
        expected = [{"B-LOC": 1.0}, {"O": 0.7, "B-PER": 0.3}, {"O": 1.0}]
        for row, wanted in zip(soft.probs, expected, strict=True):
            for tag, value in wanted.items():
                assert row[tags.index(tag)] == pytest.approx(value, abs=1e-5)


def test_projection_without_links_is_outside():
    p = pair("Anna", "x y", [])
    soft = next(project_soft(None, [p], [TokenLabels(TAGS, np.eye(5, dtype=np.float32)[[1]])]))
    np.testing.assert_allclose(soft.probs[:, 0], 1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**20), n=st.integers(1, 8), m=st.integers(0, 8))
def test_projection_gives_distributions(seed, n, m):
    rng = np.random.default_rng(seed)
    links = rng.integers(0, (n, max(m, 1)), size=(6 if m else 0, 2))
    p = SentencePair(["a"] * n, ["b"] * m, [], Alignment(links, rng.random(len(links))))
    projector = get_part("xner_projectors", "xner.Heuristic.v1")
    (soft,) = project_soft(projector, [p], [TokenLabels(TAGS, random_soft(n, seed))])
    assert soft.probs.shape == (m, len(soft.labels))
    assert (soft.probs >= -1e-6).all()
    np.testing.assert_allclose(soft.probs.sum(axis=1), 1, atol=1e-4)


def test_likely_entities():
    probs = np.array(
        [[0.6, 0.4, 0, 0, 0], [0.5, 0, 0.5, 0, 0], [0.95, 0.05, 0, 0, 0]], dtype=np.float32
    )
    soft = TokenLabels(TAGS, probs)
    assert [e[:3] for e in likely_entities(soft, 0.1)] == [(0, 2, "PER")]
    assert likely_entities(soft, 0.6) == []
    assert likely_entities(TokenLabels(TAGS, probs[:0]), 0.1) == []


def test_label_map():
    labels = ["O", "B-GPE", "I-GPE", "B-LOC", "I-LOC", "B-MISC"]
    soft = TokenLabels(labels, np.array([[0.1, 0.2, 0, 0.3, 0, 0.4]], dtype=np.float32))
    mapped = map_soft(soft, {"GPE": "LOC", "LOC": "LOC", "MISC": None})
    assert list(mapped.labels) == ["O", "B-LOC", "I-LOC"]
    np.testing.assert_allclose(mapped.probs, [[0.5, 0.5, 0]], atol=1e-6)
