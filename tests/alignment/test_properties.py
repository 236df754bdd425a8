"""What holds for the links of every aligner, whatever the sentences: within range, sorted, unique, the
same in any batch and order, and equal after `to_disk` and `from_disk` of a pipeline."""

import random

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import read_pairs

REAL = sorted({word for pair in read_pairs()[:40] for side in pair for word in side})
WORD = st.one_of(
    st.sampled_from(REAL),
    st.text(min_size=0, max_size=6),
    st.sampled_from(["", " ", "\n", "\u200b", "\ufe0f", "ﬁ", "e\u0301", "Жижек", "😀", "�", "a" * 60]),
)
SENTENCE = st.lists(WORD, max_size=14)
PAIRS = st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=7)
KINDS = {
    "lexical": ("xner.Lexical.v1", {}),
    "inter": ("xner.SimAlign.v1", {"matching": "inter"}),
    "itermax": ("xner.SimAlign.v1", {"matching": "itermax", "token_type": "word"}),
    "mwmf": ("xner.SimAlign.v1", {"matching": "mwmf", "distortion": 0.3}),
    "awesome": ("xner.Awesome.v1", {"threshold": 0.05}),
    "encoder": ("xner.Encoder.v1", {"target_lang": "isl_Latn"}),
}


@pytest.fixture(scope="module", params=KINDS)
def parts(request, tmp_path_factory):
    """An aligner, one that was saved and loaded with its pipeline, and how near is equal."""
    name, how = KINDS[request.param]
    if name != "xner.Lexical.v1":
        models = request.getfixturevalue("encoders")
        how = {**how, "model": models["nllb" if "Encoder" in name else "bert"], "layer": 2}
        # Small, so that the few words of an example are several batches, and long ones windows.
        how = {**how, "batch_size": 4, "batch_tokens": 48, "max_length": 24}
    nlp = spacy.blank("is")
    part = nlp.add_pipe("xner_aligner", config={"aligner": {"@xner_aligners": name, **how}}).part
    if hasattr(part, "train"):
        part.train(read_pairs()[:150])
    folder = tmp_path_factory.mktemp("nlp")
    nlp.to_disk(folder)
    return part, spacy.load(folder).get_pipe("xner_aligner").part, getattr(part, "threshold", None)


def same(one, other, threshold) -> bool:
    """A link of the lexical aligner may hang on the last digit of its probability."""
    ours, theirs = (
        {tuple(link): score for link, score in zip(a.links.tolist(), a.scores.tolist(), strict=True)}
        for a in (one, other)
    )
    for link in ours.keys() | theirs.keys():
        if link in ours and link in theirs:
            if abs(ours[link] - theirs[link]) > 1e-3:
                return False
        elif threshold is None or abs({**ours, **theirs}[link] - threshold) > 1e-4:
            return False
    return True


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PAIRS, st.integers(0, 2**16))
def test_links_of_any_sentences(parts, pairs, seed):
    part, loaded, threshold = parts
    together = list(part(pairs))
    assert len(together) == len(pairs)
    for (source, target), alignment in zip(pairs, together, strict=True):
        links = [tuple(link) for link in alignment.links.tolist()]
        assert links == sorted(set(links))
        assert all(0 <= i < len(source) and 0 <= j < len(target) for i, j in links)
        assert all(0.0 <= score <= 1.0 for score in alignment.scores)
    assert list(loaded(pairs)) == together
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)
    for k, shuffled in zip(order, part(pairs[k] for k in order), strict=True):
        assert same(shuffled, together[k], threshold), pairs[k]
    for pair, alignment in zip(pairs, together, strict=True):
        (alone,) = part([pair])
        assert same(alone, alignment, threshold), pair
