"""Soft labels: stored, read, rearranged, and carried over to another language."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from xner_spacy.distillation.soft.soft_labels import (
    SOFT_KEY,
    best_entities,
    free_blank,
    get_soft,
    iob2_to_scheme,
    pack,
    scheme_to_iob2,
    set_soft,
    to_labels,
    unpack,
)
from xner_spacy.distillation.soft.soft_projection import map_soft, project_soft
from xner_spacy.distillation.student.tag_scheme import TagSet
from xner_spacy.distillation.teachers.mixtures import entities_of
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
    soft = unpack(pack(TAGS, probs), len(probs))
    assert soft.labels == tuple(TAGS)
    np.testing.assert_allclose(soft.probs, probs, atol=6e-3)
    np.testing.assert_allclose(soft.probs.sum(axis=1), 1, atol=1e-5)


def test_rows_that_do_not_sum_to_one():
    probs = np.array([[0.5, 0.25, 0, 0, 0], [0, 0, 0, 0, 0], [2, 2, 0, 0, 0]], dtype=np.float32)
    soft = unpack(pack(TAGS, probs), len(probs))
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
    biluo = TagSet(["PER", "LOC"])
    there = iob2_to_scheme(probs, biluo)
    np.testing.assert_allclose(there.sum(axis=1), probs.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(scheme_to_iob2(there, biluo), probs, atol=1e-6)


def test_scheme_of_certain_tags():
    biluo, iob2 = TagSet(["PER", "LOC"]), TagSet(["PER", "LOC"], "iob2")
    tags = ["B-PER", "I-PER", "I-PER", "B-LOC", "O", "B-LOC", "I-LOC"]
    probs = np.eye(len(TAGS), dtype=np.float32)[[iob2.index[t] for t in tags]]
    found = [biluo.tags[k] for k in iob2_to_scheme(probs, biluo).argmax(axis=1)]
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


def test_best_entities():
    probs = np.array([[0.6, 0.4, 0, 0, 0], [0.5, 0, 0.5, 0, 0], [0.95, 0.05, 0, 0, 0]], dtype=np.float32)
    soft, words = TokenLabels(TAGS, probs), ["a", "b", "c"]
    assert [e[:3] for e in best_entities(soft, words, np.log(0.9 / 0.1))] == [(0, 2, "PER")]
    assert best_entities(soft, words, np.log(0.4 / 0.6)) == []
    assert best_entities(TokenLabels(TAGS, probs[:0]), []) == []
    # Of the last token nothing is known.
    probs[2] = 0
    assert [e[:3] for e in best_entities(TokenLabels(TAGS, probs), words, np.log(0.9 / 0.1))] == [(0, 2, "PER")]


def test_label_map():
    labels = ["O", "B-GPE", "I-GPE", "B-LOC", "I-LOC", "B-MISC"]
    soft = TokenLabels(labels, np.array([[0.1, 0.2, 0, 0.3, 0, 0.4]], dtype=np.float32))
    mapped = map_soft(soft, {"GPE": "LOC", "LOC": "LOC", "MISC": None})
    assert list(mapped.labels) == ["O", "B-LOC", "I-LOC"]
    np.testing.assert_allclose(mapped.probs, [[0.5, 0.5, 0]], atol=1e-6)


def soft_doc(**changes):
    doc = Doc(Vocab(), words=["Anna", "sings"])
    set_soft(doc, TokenLabels(TAGS, random_soft(2, 0)))
    doc.user_data[SOFT_KEY] = {**doc.user_data[SOFT_KEY], **changes}
    return doc


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"labels": [""] * 100_000}, "100000 tags"),
        ({"labels": [""]}, "no IOB2 tag"),
        ({"labels": ["O", "O", *TAGS[1:]]}, "there twice"),
        ({"labels": "O"}, "not a list of texts"),
        ({"labels": [1, 2]}, "not a list of texts"),
        ({"counts": b"\0" * 200_000}, "count 0 probabilities"),
        ({"counts": b"\0" * 200_000, "ids": b"", "probs": b""}, "200000 soft labels for 2 tokens"),
        ({"counts": "xx"}, "not what pack"),
        ({"ids": b""}, "hold 0 tags"),
        ({"probs": b"\0"}, "count"),
        ({"counts": b"\1\0", "ids": b"\xff", "probs": b"\0\0"}, "refer to tag 255"),
        ({"counts": b"\1\0", "ids": b"\0", "probs": b"\xff\xff"}, "non-finite"),
    ],
)
def test_stored_labels_that_are_none_are_refused_before_room_is_made_for_them(changes, message):
    with pytest.raises(XnerError, match=message) as error:
        get_soft(soft_doc(**changes))
    assert "Anna sings" in str(error.value)
    assert get_soft(soft_doc()) is not None


@settings(max_examples=200, deadline=None)
@given(data=st.recursive(st.none() | st.binary(max_size=9) | st.text(max_size=3) | st.integers(), st.lists) | st.dictionaries(st.sampled_from(["labels", "counts", "ids", "probs"]), st.binary(max_size=6) | st.lists(st.sampled_from(TAGS), max_size=4)))  # fmt: skip
def test_whatever_is_stored_is_read_or_refused(data):
    try:
        soft = unpack(data, 2)
    except XnerError:
        return
    assert soft.probs.shape == (2, len(soft.labels)) and np.isfinite(soft.probs).all()


@settings(max_examples=100, deadline=None)
@given(blank=st.lists(st.booleans(), max_size=8), seed=st.integers(0, 2**20))
def test_no_mass_begins_or_ends_an_entity_at_a_blank_token(blank, seed):
    blank = np.array(blank, dtype=bool)
    before = TokenLabels(TAGS, random_soft(len(blank), seed))
    after = free_blank(before, blank)
    np.testing.assert_allclose(after.probs.sum(axis=1), before.probs.sum(axis=1), atol=1e-5)
    assert (after.probs >= 0).all()
    for k in np.flatnonzero(blank):
        assert not after.probs[k, 1::2].any()
        inside = after.probs[k, 2::2]
        if k + 1 == len(blank):
            assert not inside.any()
        else:
            assert (inside <= after.probs[k + 1, 2::2] + 1e-6).all()
    again = free_blank(after, blank)
    np.testing.assert_allclose(again.probs, after.probs, atol=1e-6)


def test_a_name_with_whitespace_about_and_within():
    tags = TagSet(["PER"], "iob2").tags
    words = [" ", "Ada", " ", "Lovelace", " "]
    certain = TokenLabels(tags, np.eye(3, dtype=np.float32)[[1, 2, 2, 2, 2]])
    doc = Doc(Vocab(), words=words)
    set_soft(doc, certain)
    assert get_soft(doc).probs.argmax(axis=1).tolist() == [0, 1, 2, 2, 0]
    assert [(e.start, e.end) for e in entities_of(get_soft(doc), doc)] == [(1, 4)]
    assert [e[:3] for e in best_entities(certain, words, np.log(0.9 / 0.1))] == [(1, 4, "PER")]


def test_soft_projection_gives_whitespace_no_name():
    target = ["Anna", "\n", "Lind", "\u200b"]
    links = Alignment([(0, 0), (0, 1), (1, 2), (1, 3)])
    p = SentencePair(["Anna", "Lind"], target, [], links)
    certain = TokenLabels(TAGS, np.eye(5, dtype=np.float32)[[1, 2]])
    for projector in (None, get_part("xner_projectors", "xner.Heuristic.v1")):
        (soft,) = project_soft(projector, [p], [certain])
        assert not soft.probs[[1, 3]][:, 1::2].any()
        assert soft.probs[3, 0] == pytest.approx(1)
