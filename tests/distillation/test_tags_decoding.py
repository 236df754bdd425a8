"""Tags and constrained decoding, against brute force."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.distillation.student.tag_scheme import MISSING, TagSet, decode, viterbi
from xner_spacy.errors import XnerError
from xner_spacy.text import trim_span

SCHEMES = ("iob2", "biluo")


def allowed(tagset, tags):
    if not tagset.may_start[tags[0]] or not tagset.may_end[tags[-1]]:
        return False
    return all(tagset.allowed[a, b] for a, b in pairwise(tags))


def searched(tagset, sentences):
    """The sentences' tags by Viterbi alone, also where the best tags of all tokens would do."""
    sizes = np.array([len(scores) for scores in sentences])
    ends = np.cumsum(sizes)
    order = np.argsort(-sizes, kind="stable")
    tags = np.zeros(ends[-1], dtype=np.int64)
    seen = np.zeros(len(tags), dtype=bool)
    viterbi(tagset, np.concatenate(sentences), seen, (ends - sizes)[order], ends[order], tags)
    return np.split(tags, ends[:-1])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_viterbi_is_brute_force(scheme):
    rng = np.random.default_rng(0)
    tagset = TagSet(["PER", "LOC"] if scheme == "iob2" else ["PER"], scheme)
    sentences = [rng.normal(size=(n, len(tagset))).astype(np.float32) for n in (1, 4, 2, 5, 3, 1)]
    for scores, found in zip(sentences, searched(tagset, sentences), strict=True):
        best = max(
            (t for t in product(range(len(tagset)), repeat=len(scores)) if allowed(tagset, t)),
            key=lambda t, s=scores: s[np.arange(len(s)), list(t)].sum(),
        )
        assert found.tolist() == list(best)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=100, deadline=None)
@given(lengths=st.lists(st.integers(0, 7), max_size=6), seed=st.integers(0, 2**20))
def test_decode_is_viterbi_and_gives_spans(scheme, lengths, seed):
    tagset = TagSet(["PER", "LOC"], scheme)
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(sum(lengths), len(tagset))).astype(np.float32)
    scores[:, 0] += 1
    tags = decode(tagset, scores, lengths)
    parts = np.split(scores, np.cumsum(lengths)[:-1]) if lengths else []
    full = [p for p in parts if len(p)]
    expected = np.concatenate(searched(tagset, full)) if full else np.zeros(0)
    assert tags.tolist() == expected.tolist()
    last = np.zeros(len(tags), dtype=bool)
    last[[e - 1 for e, n in zip(np.cumsum(lengths), lengths, strict=True) if n]] = True
    starts, ends, labels = tagset.spans(tags, last)
    covered = np.zeros(len(tags), dtype=int)
    for a, b, label in zip(starts, ends, labels, strict=True):
        assert a <= b and not last[a:b].any()
        assert set(tagset.label_of[tags[a : b + 1]]) == {label}
        covered[a : b + 1] += 1
    assert covered.tolist() == (tags > 0).astype(int).tolist()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_codes_to_tags_to_spans(scheme):
    tagset = TagSet(["PER", "LOC"], scheme)
    # PER of one, O, LOC of three, PER of two right behind, missing, blocked
    iob = np.array([3, 2, 3, 1, 1, 3, 1, 0, 3])
    label = np.array([0, -1, 1, 1, 1, 0, 0, -1, -1])
    tags = tagset.from_iob(iob, label)
    assert tags[7] == MISSING and tags[8] == 0
    last = np.zeros(9, dtype=bool)
    last[-1] = True
    starts, ends, labels = tagset.spans(np.maximum(tags, 0), last)
    assert list(zip(starts, ends, labels, strict=True)) == [(0, 0, 0), (2, 4, 1), (5, 6, 0)]
    if scheme == "biluo":
        names = ["U-PER", "O", "B-LOC", "I-LOC", "L-LOC", "B-PER", "L-PER"]
        assert [tagset.tags[t] for t in tags[:7]] == names


def test_a_new_label_adds_tags_at_the_end():
    assert TagSet(["A", "B"]).tags[: len(TagSet(["A"]))] == TagSet(["A"]).tags


def test_unknown_scheme():
    with pytest.raises(XnerError, match="bilou"):
        TagSet(["A"], "bilou")


def test_long_sentence_stays_finite():
    tagset = TagSet(["PER"])
    scores = np.zeros((3000, len(tagset)), dtype=np.float32)
    scores[:, tagset.index["I-PER"]] = 5
    tags = decode(tagset, scores, [3000])
    assert tagset.tags[tags[0]] == "B-PER" and tagset.tags[tags[-1]] == "L-PER"


def blank_allowed(tagset, tags, blank):
    """What the tags of a sentence with blank tokens may be, by the entities that they spell."""
    if not allowed(tagset, tags):
        return False
    last = np.zeros(len(tags), dtype=bool)
    last[-1] = True
    starts, ends, _ = tagset.spans(np.array(tags), last)
    return not blank[starts].any() and not blank[ends].any()


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=60, deadline=None)
@given(blank=st.lists(st.booleans(), min_size=1, max_size=5), seed=st.integers(0, 2**20))
def test_blank_tokens_are_no_edges_brute_force(scheme, blank, seed):
    tagset = TagSet(["PER", "LOC"] if scheme == "iob2" else ["PER"], scheme)
    blank = np.array(blank)
    scores = np.random.default_rng(seed).normal(size=(len(blank), len(tagset)))
    scores = scores.astype(np.float32)
    scores[:, 0] -= 1
    best = max(
        (t for t in product(range(len(tagset)), repeat=len(scores)) if blank_allowed(tagset, t, blank)),
        key=lambda t: scores[np.arange(len(scores)), list(t)].astype(np.float64).sum(),
    )
    assert decode(tagset, scores, [len(scores)], blank).tolist() == list(best)
    twice = decode(tagset, np.concatenate([scores, scores]), [len(scores)] * 2, np.tile(blank, 2))
    assert twice.tolist() == [*best, *best]


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.sampled_from(["a", " ", "\n"]), min_size=1, max_size=8), data=st.data())
def test_trimmed_tags_spell_trimmed_spans(scheme, words, data):
    tagset = TagSet(["PER", "LOC"], scheme)
    tags, spans, at = np.zeros(len(words), dtype=np.int64), [], 0
    while at < len(words):
        end = data.draw(st.integers(at + 1, len(words)))
        label = data.draw(st.sampled_from([None, "PER", "LOC"]))
        if label:
            tags[at:end] = tagset.of_span(end - at, label)
            spans.append((at, end, label))
        at = end
    kept = [(trim_span(words, a, b), label) for a, b, label in spans]
    trimmed, count = tagset.trim(tags, words)
    last = np.zeros(len(tags), dtype=bool)
    last[-1] = True
    again = [((int(a), int(b) + 1), tagset.labels[k]) for a, b, k in zip(*tagset.spans(trimmed, last), strict=True)]
    assert again == [(span, label) for span, label in kept if span]
    assert count == sum(k[0] != s[:2] for k, s in zip(kept, spans, strict=True))


def test_what_is_missing_stays_missing():
    tagset = TagSet(["PER"])
    tags = np.array([MISSING, *tagset.of_span(2, "PER"), MISSING])
    trimmed, count = tagset.trim(tags, [" ", " ", "Anna", " "])
    assert trimmed.tolist() == [MISSING, 0, tagset.index["U-PER"], MISSING] and count == 1
