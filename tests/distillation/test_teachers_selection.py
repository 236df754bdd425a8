"""Mixtures of teachers, language weights, selection, calibration, prototypes, code-switching."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.bitext_baselines import code_switch
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.distillation.student.score_fitting import (
    UNFOUNDED_DOUBT,
    calibrate,
    fit_bias,
    fit_scores,
)
from xner_spacy.distillation.teachers.mixtures import (
    language_similarity,
    mix,
    mix_docs,
    text_features,
)
from xner_spacy.distillation.teachers.selection import (
    agree,
    confidence,
    select_least_specific,
    select_surest,
)
from xner_spacy.errors import XnerError
from xner_spacy.evaluation.calibration import scored_spans
from xner_spacy.types import Alignment, TokenLabels

TAGS = ["O", "B-PER", "I-PER"]
NLP = spacy.blank("en")


def make_doc(words, rows=None, ents=(), tags=TAGS):
    doc = Doc(NLP.vocab, words=words.split())
    doc.set_ents([Span(doc, a, b, label=label) for a, b, label in ents], default="outside")
    if rows is not None:
        set_soft(doc, TokenLabels(tags, np.array(rows, dtype=np.float32)))
    return doc


def test_mix():
    a = TokenLabels(TAGS, np.array([[0.5, 0.5, 0], [0, 0, 0]], dtype=np.float32))
    b = TokenLabels(["O", "B-LOC"], np.array([[0, 1], [1, 0]], dtype=np.float32))
    mixed = mix([a, None, b], [0.6, 0.1, 0.2])
    assert list(mixed.labels) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    np.testing.assert_allclose(mixed.probs[0], [0.375, 0.25, 0, 0.375, 0], atol=1e-6)
    np.testing.assert_allclose(mixed.probs[1], [1, 0, 0, 0, 0], atol=1e-6)
    assert mix([None], [1.0]) is None
    with pytest.raises(XnerError, match="tokens"):
        mix([a, TokenLabels(TAGS, a.probs[:1])], [0.5, 0.5])


def test_mix_docs_sets_entities():
    sure = make_doc("Anna sings", [[0.1, 0.9, 0], [1, 0, 0]])
    unsure = make_doc("Anna sings", [[0.6, 0.4, 0], [1, 0, 0]], [(1, 2, "PER")])
    (doc,) = mix_docs([[unsure], [sure]], [0.5, 0.5])
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(0, 1, "PER")]
    np.testing.assert_allclose(get_soft(doc).probs[0], [0.35, 0.65, 0], atol=1e-3)
    with pytest.raises(XnerError, match="not the same"):
        list(mix_docs([[sure], [make_doc("Anna laughs")]], [0.5, 0.5]))


def test_soft_labels_that_cannot_be_read_are_named_with_their_corpus():
    sound, broken = make_doc("Anna sings", [[0.1, 0.9, 0], [1, 0, 0]]), make_doc("Anna sings")
    broken.user_data["xner_soft"] = {"labels": ["O"]}
    with pytest.raises(XnerError, match=r"^two/shards, sentence 2: Soft labels that can't be read"):
        list(mix_docs([[sound, sound], [sound, broken]], [0.5, 0.5], names=["one", "two/shards"]))


def test_similar_language_gets_more_weight():
    rng = np.random.default_rng(0)

    def text(alphabet, n=120):
        words = ["".join(rng.choice(list(alphabet), 5)) for _ in range(40)]
        return [" ".join(rng.choice(words, 8)) for _ in range(n)]

    near, far, target = text("abcdefg"), text("qrstuvw"), text("abcdefgh")
    vectors = [text_features(t, 64) for t in (near, far, target)]
    found = language_similarity(vectors[:2], vectors[2], rank=16)
    assert found.domain[0] > found.domain[1]
    assert found.sentence.shape == (120, 2)
    np.testing.assert_allclose(found.sentence.sum(axis=1), 1, atol=1e-5)
    again = language_similarity(vectors[:2], vectors[2], rank=16)
    np.testing.assert_array_equal(found.sentence, again.sentence)
    with pytest.raises(XnerError, match="two source languages"):
        language_similarity(vectors[:1], vectors[2])


def test_select_surest():
    docs = [make_doc("a b", [[p, 1 - p, 0], [1, 0, 0]]) for p in (0.9, 0.5, 0.99, 0.6)]
    assert select_surest(docs, 0.5) == [docs[0], docs[2]]
    assert confidence(make_doc("a")) == 1.0
    with pytest.raises(XnerError, match="share"):
        select_surest(docs, 1.5)


def test_agreement():
    a = make_doc("Anna met Bo", [[0, 1, 0], [1, 0, 0], [0, 1, 0]], [(0, 1, "PER"), (2, 3, "PER")])
    b = make_doc("Anna met Bo", None, [(0, 1, "PER")])
    (doc,) = agree([a], [b])
    assert [t.ent_iob for t in doc] == [3, 2, 0]
    assert get_soft(doc) is not None
    (doc,) = agree([a], [b], drop_soft=True)
    assert get_soft(doc) is None


TRAIN = [
    ("Anna lives in Rome .", [(0, 4, "PER"), (14, 18, "LOC")]),
    ("Bob Smith sings in Paris .", [(0, 9, "PER"), (19, 24, "LOC")]),
]


@pytest.fixture(scope="module")
def student():
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("xner_student", config={"store_soft": True})
    examples = [Example.from_dict(nlp.make_doc(t), {"entities": e}) for t, e in TRAIN]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    return nlp, examples


def test_least_specific(student):
    nlp, _ = student
    source = [nlp.make_doc(t) for t, _ in TRAIN] * 5
    target = [nlp.make_doc(t) for t in ("xyzzy plugh", "Anna sings in Rome .", "plugh qwerty")]
    kept = select_least_specific(target, nlp, source, keep=0.34)
    assert [d.text for d in kept] == ["Anna sings in Rome ."]


def test_temperature_is_found_again():
    # Spans of one token whose true probabilities are those of their scores divided by 3.
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20000, 3)) * 6
    chosen = scores.max(axis=1)
    p = np.exp(scores / 3)
    p = p.max(axis=1) / p.sum(axis=1)
    right = rng.random(len(p)) < p
    evidence = [(row[None], top[None]) for row, top in zip(scores, chosen, strict=True)]
    assert fit_scores(evidence, right, biases=(0.0,)).temperature == pytest.approx(3, rel=0.05)
    found = fit_scores(evidence, right)
    assert found.temperature == pytest.approx(3, rel=0.1) and found.bias < 1
    assert fit_scores([], []) == (1.0, 0.0)


def test_bias_of_the_scores_is_found_again():
    # True probabilities are those of scores from which 1.5 is taken off O.
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20000, 3)) * 3
    chosen = scores[:, 1:].max(axis=1)
    lowered = scores - np.array([1.5, 0, 0])
    p = np.exp(chosen) / np.exp(lowered).sum(axis=1)
    right = rng.random(len(p)) < p
    evidence = [(row[None], top[None]) for row, top in zip(scores, chosen, strict=True)]
    found = fit_scores(evidence, right)
    assert found.bias == 1.5 and found.temperature == pytest.approx(1, rel=0.05)


def test_calibrate_sets_and_lowers(student, tmp_path):
    nlp, _examples = student
    wrong = [Example.from_dict(nlp.make_doc(t), {"entities": e if k else []}) for k, (t, e) in enumerate(TRAIN)]
    found = calibrate(nlp, wrong)
    assert found.temperature > 1
    cfg = nlp.get_pipe("xner_student").cfg
    assert (cfg["temperature"], cfg["score_bias"]) == found
    docs = [nlp(eg.reference.text) for eg in wrong]
    scores, correct = scored_spans(docs, [eg.reference for eg in wrong])
    assert correct == [False, False, True, True]
    assert max(scores) < 0.95
    path = tmp_path / "docs.spacy"
    write_docbin(path, docs)
    again = list(read_docs(path, nlp.vocab))
    assert [d.spans["xner"].attrs["scores"] for d in again] == [d.spans["xner"].attrs["scores"] for d in docs]
    cfg.update(temperature=1.0, score_bias=0.0)


def test_bias_wakes_a_shy_student(student):
    nlp, examples = student
    pipe = nlp.get_pipe("xner_student")
    assert fit_bias(nlp, examples) == 0.0  # it finds all there is
    output = pipe.model.get_ref("output_layer").layers[0]
    before = output.get_param("b").copy()
    found = {e.text for eg in examples for e in nlp(eg.reference.text).ents}
    # O is raised by so much that some names are lost, and a bias brings them back.
    raised = before.copy()
    for _ in range(400):
        raised[0] += 0.25
        output.set_param("b", raised)
        if {e.text for eg in examples for e in nlp(eg.reference.text).ents} != found:
            break
    bias = fit_bias(nlp, examples)
    assert 0 < bias <= 0.5
    assert pipe.cfg["bias"] == bias
    assert {e.text for eg in examples for e in nlp(eg.reference.text).ents} == found
    pipe.cfg["bias"] = 0.0
    output.set_param("b", before)


def test_bias_trusts_some_of_what_the_teacher_lacks(student):
    nlp, examples = student
    pipe = nlp.get_pipe("xner_student")
    output = pipe.model.get_ref("output_layer").layers[0]
    before = output.get_param("b").copy()

    def found():
        return [{(e.start, e.end, e.label_) for e in nlp(eg.reference.text).ents} for eg in examples]

    # O is raised by so much that the student just loses a name, which the teacher lacks too.
    everything, raised = found(), before.copy()
    while found() == everything:
        raised[0] += 0.25
        output.set_param("b", raised)
    poorer = []
    for eg, kept in zip(examples, found(), strict=True):
        reference = eg.reference.copy()
        spans = [e for e in eg.reference.ents if (e.start, e.end, e.label_) in kept]
        reference.set_ents([Span(reference, e.start, e.end, label=e.label) for e in spans])
        poorer.append(Example(eg.predicted, reference))
    assert fit_bias(nlp, poorer, missed_share=0.0) == 0.0
    assert fit_bias(nlp, poorer, missed_share=1.0) > 0.0
    pipe.cfg["bias"] = 0.0
    output.set_param("b", before)


def test_bias_leaves_scores_and_distributions_alone(student):
    nlp, examples = student
    pipe = nlp.get_pipe("xner_student")
    doc = nlp(examples[0].reference.text)
    pipe.cfg["bias"] = 0.5
    again = nlp(examples[0].reference.text)
    pipe.cfg["bias"] = 0.0
    assert again.spans["xner"].attrs["scores"] == doc.spans["xner"].attrs["scores"]
    np.testing.assert_array_equal(get_soft(again).probs, get_soft(doc).probs)


def test_spans_of_unknown_tokens_do_not_count_against_the_bias(student):
    nlp, examples = student
    hidden = []
    for eg in examples:
        reference = eg.reference.copy()
        reference.set_ents([], missing=[reference[:]])
        hidden.append(Example(eg.predicted, reference))
    assert fit_bias(nlp, hidden) == 0.0
    assert fit_bias(nlp, [*examples, *hidden]) == 0.0


def test_belief_is_the_mass_and_a_share_of_the_doubt(student):
    nlp, examples = student
    pipe = nlp.get_pipe("xner_student")
    temperatures = []
    for mass in (0.9, 0.2):
        believed = []
        for eg in examples:
            reference = eg.reference.copy()
            soft = get_soft(nlp(eg.reference.text))
            probs = np.zeros_like(soft.probs)
            probs[:, 0] = 1 - mass
            for ent in reference.ents:
                probs[ent.start, soft.labels.index(f"B-{ent.label_}")] = mass
                for i in range(ent.start + 1, ent.end):
                    probs[i, soft.labels.index(f"I-{ent.label_}")] = mass
            set_soft(reference, TokenLabels(soft.labels, probs))
            believed.append(Example(eg.predicted, reference))
        calibrate(nlp, believed)
        scores = [s for eg in examples for s in nlp(eg.reference.text).spans["xner"].attrs["scores"]]
        assert np.mean(scores) == pytest.approx(mass + UNFOUNDED_DOUBT * (1 - mass), abs=0.05)
        temperatures.append(pipe.cfg["temperature"])
    assert temperatures[0] < temperatures[1]
    pipe.cfg.update(temperature=1.0, score_bias=0.0)


def test_calibrate_needs_a_student():
    with pytest.raises(XnerError, match="no xner_student"):
        calibrate(spacy.blank("en"), [])


@pytest.mark.parametrize("name", ["xner.PrototypeStudent.v1", "xner.PrototypeTeacher.v1"])
def test_prototype_losses(name):
    fix_random_seed(0)
    nlp = spacy.blank("en")
    auxiliary = {"@misc": name, "warmup": 2}
    nlp.add_pipe("xner_student", config={"auxiliary": auxiliary})
    examples = [Example.from_dict(nlp.make_doc(t), {"entities": e}) for t, e in TRAIN]
    target = nlp.make_doc("Carla vive a Milano .")
    target.set_ents([], default="missing")
    examples.append(Example(nlp.make_doc(target.text), target))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(400):
        losses = nlp.update(examples, sgd=optimizer, losses={})
    assert np.isfinite(losses["xner_student"])
    for text, entities in TRAIN:
        assert [(e.start_char, e.end_char, e.label_) for e in nlp(text).ents] == entities


def test_prototype_teacher_gradient():
    from types import SimpleNamespace

    from xner_spacy.distillation.student.tag_scheme import TagSet
    from xner_spacy.distillation.student.targets import Targets
    from xner_spacy.distillation.teachers.prototypes import PrototypeTeacher

    tagset = TagSet(["PER"], "iob2")
    rng = np.random.default_rng(0)
    vectors = [rng.normal(size=(4, 5)), rng.normal(size=(3, 5))]
    scores = [rng.normal(size=(4, 3)), rng.normal(size=(3, 3))]
    hard = np.array([1, 2, 0, 0, -1, -1, -1])
    targets = Targets(hard, (hard >= 0).astype(np.float64), None, np.zeros(7))
    ops = SimpleNamespace(xp=np, asarray2f=np.asarray, asarray1f=np.asarray)

    def loss(first):
        # Two updates: one that fills the prototypes, one that counts.
        part = PrototypeTeacher(warmup=1, momentum=1 - 1e-12, weight=1.0)
        part(ops, vectors, scores, targets, tagset)
        return part(ops, [first, vectors[1]], scores, targets, tagset)

    _, gradient, _ = loss(vectors[0])
    for i, j in ((0, 1), (1, 3), (3, 0)):
        step = np.zeros((4, 5))
        step[i, j] = 1e-5
        numeric = (loss(vectors[0] + step)[0] - loss(vectors[0] - step)[0]) / 2e-5
        assert gradient[0][i, j] == pytest.approx(numeric, rel=1e-3, abs=1e-6)


def test_code_switching():
    pairs = [((["a", "b"], ["A", "B", "C"]), Alignment([[0, 0], [1, 2]], [1.0, 0.9]))]
    lines = list(code_switch(pairs, share=1.0, copies=1))
    assert lines == [["a", "b"], ["A", "C"], ["A", "B", "C"], ["a", "B", "b"]]
    assert list(code_switch(pairs, share=0.0, copies=1))[1] == ["a", "b"]
    assert list(code_switch(pairs, seed=1)) == list(code_switch(pairs, seed=1))
