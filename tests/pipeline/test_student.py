"""The component `xner_student`: it learns, decodes, grows, is saved, and copes with what is
missing.
"""

import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.errors import InputError, XnerError, XnerWarning
from xner_spacy.text import is_blank_token
from xner_spacy.types import TokenLabels

TRAIN = [
    ("Anna lives in New York City .", [(0, 4, "PER"), (14, 27, "LOC")]),
    ("IBM hired Bob Smith .", [(0, 3, "ORG"), (10, 19, "PER")]),
    ("Nothing happened .", []),
]
SHARED = {
    "tok2vec": {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": 96,
        "upstream": "*",
    }
}


def make(scheme="biluo", listener=False, **config):
    fix_random_seed(0)
    nlp = spacy.blank("en")
    if listener:
        nlp.add_pipe("tok2vec")
        config["model"] = {"@architectures": "xner.Student.v1", **SHARED}
    nlp.add_pipe("xner_student", config={"scheme": scheme, **config})
    return nlp


def gold(nlp, data=TRAIN):
    return [Example.from_dict(nlp.make_doc(t), {"entities": e}) for t, e in data]


def train(nlp, examples, steps=40):
    optimizer = nlp.initialize(lambda: examples)
    history = []
    for _ in range(steps):
        losses = nlp.update(examples, sgd=optimizer, losses={})
        history.append(losses["xner_student"])
    return history


def found(doc):
    return [(e.start_char, e.end_char, e.label_) for e in doc.ents]


@pytest.mark.parametrize("scheme", ["biluo", "iob2"])
@pytest.mark.parametrize("listener", [False, True])
def test_overfits(scheme, listener):
    nlp = make(scheme, listener)
    history = train(nlp, gold(nlp))
    assert history[-1] < history[0] / 20
    for text, entities in TRAIN:
        doc = nlp(text)
        assert found(doc) == entities
        scores = doc.spans["xner"].attrs["scores"]
        assert len(scores) == len(doc.ents)
        assert all(0.8 < s <= 1 for s in scores)
        assert all(token.ent_iob != 0 for token in doc)
    assert nlp.evaluate(gold(nlp))["ents_f"] == 1.0


def test_pipe_gives_what_call_gives_with_empty_docs_between():
    nlp = make(listener=True)
    train(nlp, gold(nlp))
    texts = ["", TRAIN[0][0], "", TRAIN[1][0], ""]
    docs = list(nlp.pipe(texts, batch_size=3))
    assert [found(d) for d in docs] == [found(nlp(t)) for t in texts]
    assert [found(d) for d in nlp.pipe(["", ""])] == [[], []]
    assert nlp("").spans["xner"].attrs["scores"] == []


@pytest.mark.parametrize("listener", [False, True])
def test_before_initialize_e109(listener):
    nlp = make(listener=listener)
    with pytest.raises(ValueError, match="E109"):
        nlp("Anna")
    nlp.get_pipe("xner_student").add_label("PER")
    with pytest.raises(ValueError, match="E109"):
        nlp("Anna")


def test_initialize_without_labels():
    nlp = make()
    with pytest.raises(ValueError, match="E143"):
        nlp.initialize(lambda: gold(nlp, [("Nothing .", [])]))


def test_initialize_takes_labels():
    nlp = make()
    nlp.config["initialize"]["components"]["xner_student"] = {"labels": ["LOC", "PER", "ORG"]}
    nlp.initialize(lambda: gold(nlp, [("Nothing .", [])]))
    pipe = nlp.get_pipe("xner_student")
    assert pipe.labels == ("LOC", "PER", "ORG")
    assert pipe.label_data == ["LOC", "PER", "ORG"]
    assert len(pipe.tagset) == 13


def test_serialisation_keeps_predictions(tmp_path):
    nlp = make(listener=True)
    train(nlp, gold(nlp))
    nlp.get_pipe("xner_student").cfg["temperature"] = 1.5
    nlp.to_disk(tmp_path / "model")
    from_disk = spacy.load(tmp_path / "model")
    from_bytes = make(listener=True).from_bytes(nlp.to_bytes())
    for text, _ in TRAIN:
        doc = nlp(text)
        for other in (from_disk, from_bytes):
            again = other(text)
            assert found(again) == found(doc)
            assert again.spans["xner"].attrs == doc.spans["xner"].attrs
        stored = Doc(nlp.vocab).from_bytes(doc.to_bytes())
        assert stored.spans["xner"].attrs["scores"] == doc.spans["xner"].attrs["scores"]


def test_add_label_keeps_what_was_learned_and_learns_the_new():
    nlp = make()
    train(nlp, gold(nlp))
    pipe = nlp.get_pipe("xner_student")
    before = pipe.predict([nlp.make_doc(TRAIN[0][0])])[0]
    assert pipe.add_label("PER") == 0
    assert pipe.add_label("EVENT") == 1
    after = pipe.predict([nlp.make_doc(TRAIN[0][0])])[0]
    np.testing.assert_array_equal(after[:, : before.shape[1]], before)
    assert after.shape[1] == before.shape[1] + 4
    data = [*TRAIN, ("The Eurovision begins .", [(4, 14, "EVENT")])]
    examples = gold(nlp, data)
    optimizer = nlp.create_optimizer()
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert [found(nlp(t)) for t, _ in data] == [e for _, e in data]
    again = make().from_bytes(nlp.to_bytes())
    assert [found(again(t)) for t, _ in data] == [e for _, e in data]
    with pytest.raises(ValueError, match="E187"):
        pipe.add_label(3)


def test_label_mismatch():
    nlp = make()
    train(nlp, gold(nlp), steps=1)
    with pytest.raises(XnerError, match="'EVENT'"):
        nlp.update(gold(nlp, [("The Eurovision begins .", [(4, 14, "EVENT")])]))


def test_missing_values_teach_nothing():
    nlp = make()
    examples = gold(nlp)
    optimizer = nlp.initialize(lambda: examples)
    for eg in examples:
        eg.reference.set_ents([], default="missing")
    before = nlp.get_pipe("xner_student").model.to_bytes()
    losses = nlp.update(examples, sgd=optimizer, losses={})
    assert losses["xner_student"] == 0.0
    pipe = nlp.get_pipe("xner_student")
    targets = pipe.get_targets(examples)
    assert not targets.hard_weights.any()
    # Weight decay may move the weights, the data may not: the output layer starts at zero and stays
    # there.
    assert not pipe.model.get_ref("output_layer").layers[0].get_param("W").any()
    assert len(before) == len(pipe.model.to_bytes())


def test_partly_missing():
    nlp = make()
    doc = nlp.make_doc(TRAIN[0][0])
    doc.set_ents([Span(doc, 0, 1, label="PER")], default="missing")
    eg = Example(nlp.make_doc(TRAIN[0][0]), doc)
    nlp.initialize(lambda: [eg])
    targets = nlp.get_pipe("xner_student").get_targets([eg])
    assert targets.hard_weights.tolist() == [1, 0, 0, 0, 0, 0, 0]


def soft_examples(nlp, docs):
    examples = []
    for words, labels, probs in docs:
        reference = Doc(nlp.vocab, words=words)
        set_soft(reference, TokenLabels(labels, np.array(probs, dtype=np.float32)))
        examples.append(Example(Doc(nlp.vocab, words=words), reference))
    return examples


@pytest.mark.parametrize("scheme", ["biluo", "iob2"])
@pytest.mark.parametrize("loss", ["xner.KLDivergence.v1", "xner.MeanSquaredError.v1"])
def test_learns_distributions(scheme, loss):
    nlp = make(scheme, hard_weight=0.0, soft_loss={"@losses": loss}, store_soft=True)
    labels = ["O", "B-PER", "I-PER"]
    rows = [[0.3, 0.7, 0.0], [0.9, 0.0, 0.1]]
    examples = soft_examples(nlp, [(["Anna", "sings"], labels, rows)])
    train(nlp, examples, steps=150)
    assert nlp.get_pipe("xner_student").labels == ("PER",)
    doc = nlp.get_pipe("xner_student")(examples[0].predicted)
    np.testing.assert_allclose(get_soft(doc).probs, rows, atol=0.06)


def test_soft_labels_that_do_not_sum_to_one_are_normalised():
    nlp = make(hard_weight=0.0)
    labels = ["O", "B-PER", "I-PER"]
    examples = soft_examples(nlp, [(["Anna", "sings"], labels, [[0.2, 0.6, 0], [0, 0, 0]])])
    nlp.initialize(lambda: examples)
    targets = nlp.get_pipe("xner_student").get_targets(examples)
    np.testing.assert_allclose(targets.soft.sum(axis=1), [1, 0], atol=1e-6)
    assert targets.soft_weights.tolist() == [1, 0]


def test_soft_labels_of_another_length():
    nlp = make()
    doc = Doc(nlp.vocab, words=["a", "b", "c"])
    with pytest.raises(XnerError, match="2 soft labels for 3 tokens"):
        set_soft(doc, TokenLabels(["O"], np.ones((2, 1), dtype=np.float32)))


def test_hard_and_soft_together():
    nlp = make()
    labels = ["O", "B-PER", "I-PER"]
    soft = soft_examples(nlp, [(["Anna", "sings"], labels, [[0, 1, 0], [1, 0, 0]])])
    examples = [*gold(nlp), *soft]
    train(nlp, examples)
    assert [e.label_ for e in nlp(TRAIN[0][0]).ents] == ["PER", "LOC"]


def test_tokens_that_differ_from_the_references():
    nlp = make("iob2")
    words = ["New-York", "is", "big"]
    reference = Doc(nlp.vocab, words=words)
    reference.set_ents([Span(reference, 0, 1, label="LOC")], default="outside")
    labels = ["O", "B-LOC", "I-LOC"]
    rows = [[0.2, 0.8, 0], [1, 0, 0], [0.9, 0.1, 0]]
    set_soft(reference, TokenLabels(labels, np.array(rows, dtype=np.float32)))
    predicted = Doc(nlp.vocab, words=["New", "-", "York", "is", "big"], spaces=[0, 0, 1, 1, 1])
    eg = Example(predicted, reference)
    nlp.initialize(lambda: [eg])
    targets = nlp.get_pipe("xner_student").get_targets([eg])
    assert targets.hard.tolist() == [1, 2, 2, 0, 0]
    expected = [[0.2, 0.8, 0], [0.2, 0, 0.8], [0.2, 0, 0.8], [1, 0, 0], [0.9, 0.1, 0]]
    np.testing.assert_allclose(targets.soft, expected, atol=2e-3)


def test_confidence_weights():
    nlp = make("iob2", confidence=2.0)
    doc = nlp.make_doc("Anna sings")
    span = Span(doc, 0, 1, label="PER")
    doc.set_ents([span], default="outside")
    doc.spans["xner"] = [span]
    doc.spans["xner"].attrs["scores"] = [0.5]
    rows = [[0.4, 0.6, 0], [1, 0, 0]]
    set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], np.array(rows, dtype=np.float32)))
    eg = Example(nlp.make_doc("Anna sings"), doc)
    nlp.initialize(lambda: [eg])
    targets = nlp.get_pipe("xner_student").get_targets([eg])
    np.testing.assert_allclose(targets.hard_weights, [0.25, 1])
    np.testing.assert_allclose(targets.soft_weights, [0.36, 1], atol=2e-3)


def test_soft_labels_survive_a_docbin():
    nlp = make(store_soft=True)
    train(nlp, gold(nlp), steps=1)
    doc = nlp(TRAIN[0][0])
    data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    again = next(iter(DocBin().from_bytes(data).get_docs(nlp.vocab)))
    np.testing.assert_array_equal(get_soft(again).probs, get_soft(doc).probs)


def test_imports_no_torch():
    code = (
        "import sys, spacy; spacy.blank('en').add_pipe('xner_student');"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    # Plug-ins of spaCy that are installed here may load torch by themselves: then the test says
    # nothing.
    bare = "import sys, spacy; spacy.blank('en'); sys.exit('torch' in sys.modules)"
    if subprocess.run([sys.executable, "-c", bare], check=False).returncode:
        pytest.skip("another plug-in of spaCy imports torch")
    subprocess.run([sys.executable, "-c", code], check=True)


def noisy(scheme="biluo", **config):
    """A student whose scores are near to each other, so that every bit shows, and that finds entities anywhere."""
    nlp = make(scheme, listener=True, store_soft=True, **config)
    nlp.initialize(lambda: gold(nlp))
    layer = nlp.get_pipe("xner_student").model.get_ref("output_layer").layers[0]
    rng = np.random.default_rng(0)
    layer.set_param("W", rng.standard_normal(layer.get_param("W").shape, dtype=np.float32))
    return nlp


def stored(docs):
    return [DocBin(store_user_data=True, docs=[doc]).to_bytes() for doc in docs]


TEXTS = [" ".join(f"Wort{k * n % 41}" for k in range(n)) for n in (*range(1, 40), 90, 200)]
NOISY = noisy()
ALONE = stored(NOISY(text) for text in TEXTS)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(TEXTS))), st.integers(1, 50), st.integers(0, len(TEXTS)))
def test_a_sentence_gets_the_same_bytes_whatever_stands_beside_it(order, batch_size, cut):
    parts = (order[:cut], order[cut:])
    again = [d for p in parts for d in NOISY.pipe([TEXTS[k] for k in p], batch_size=batch_size)]
    assert stored(again) == [ALONE[k] for k in order]


def test_also_in_other_processes():
    docs = NOISY.pipe(TEXTS, n_process=2, batch_size=7)
    assert stored(docs) == ALONE


ODD = ["  Anna  ", "Anna\n\nBob", " \t ", "New  York\u200b City ", "\n", "Anna \u2009 sings \u00a0"]


@pytest.mark.parametrize("scheme", ["biluo", "iob2"])
def test_no_entity_begins_or_ends_with_whitespace(scheme):
    nlp = noisy(scheme)
    text = " ".join(ODD * 5)
    docs = [*nlp.pipe(ODD), nlp(text), nlp("")]
    entities = [e for doc in docs for e in doc.ents]
    assert len(entities) > 10
    for ent in entities:
        assert not is_blank_token(ent[0].text) and not is_blank_token(ent[-1].text)
    # Inside a name it may stand.
    assert any(is_blank_token(t.text) for e in entities for t in e)
    for doc in docs:
        assert len(doc.spans["xner"].attrs["scores"]) == len(doc.ents)
        soft = get_soft(doc)
        for token in doc if soft else ():
            if is_blank_token(token.text):
                assert not soft.probs[token.i, 1::2].any()


@pytest.mark.parametrize("scheme", ["biluo", "iob2"])
def test_gold_with_whitespace_at_the_edges_is_trimmed_and_counted(scheme):
    nlp = make(scheme)
    words = ["\n", "Anna", " ", "Lind", " ", "\t", "sings"]
    doc = Doc(nlp.vocab, words=words, spaces=[False] * 7)
    doc.set_ents([Span(doc, 0, 5, "PER"), Span(doc, 5, 6, "LOC")], default="outside")
    eg = Example(Doc(nlp.vocab, words=words, spaces=[False] * 7), doc)
    nlp.initialize(lambda: [eg])
    pipe = nlp.get_pipe("xner_student")
    with pytest.warns(UserWarning, match="whitespace"):
        targets = pipe.get_targets([eg])
    names = [pipe.tagset.tags[t] for t in targets.hard]
    last = "L-PER" if scheme == "biluo" else "I-PER"
    assert names == ["O", "B-PER", "I-PER", last, "O", "O", "O"]
    assert pipe.trimmed == 2


def test_no_distributions_of_a_former_teacher_are_left():
    nlp = make()
    train(nlp, gold(nlp), steps=1)
    for text in ("Anna sings", ""):
        doc = nlp.make_doc(text)
        set_soft(doc, TokenLabels(["O"], np.ones((len(doc), 1), dtype=np.float32)))
        assert get_soft(nlp.get_pipe("xner_student")(doc)) is None


@pytest.mark.parametrize(
    "config, message",
    [
        ({"hard_weight": 0.0}, "no distributions in the training data"),
        ({"soft_weight": 0.0}, "no labels in the training data"),
        ({}, "no distributions and no labels"),
        ({"hard_weight": 0.0, "soft_weight": 0.0}, "both 0"),
    ],
)
def test_nothing_to_learn_from_is_an_error_when_the_training_begins(config, message):
    nlp = make(**config)
    nlp.config["initialize"]["components"]["xner_student"] = {"labels": ["PER"]}
    examples = gold(nlp)
    if config != {"hard_weight": 0.0}:
        for eg in examples:
            eg.reference.set_ents([], default="missing")
    with pytest.raises(XnerError, match=message):
        nlp.initialize(lambda: examples)


def test_and_in_one_that_goes_on_without_initialize():
    nlp = make(hard_weight=0.0)
    soft = soft_examples(nlp, [(["Anna"], ["O", "B-PER", "I-PER"], [[0, 1, 0]])])
    optimizer = nlp.initialize(lambda: soft)
    again = make(hard_weight=0.0).from_bytes(nlp.to_bytes())
    missing = gold(again)
    for eg in missing:
        eg.reference.set_ents([], default="missing")
    with pytest.raises(XnerError, match="no distributions in the training data"):
        for _ in range(200):
            again.update(missing, sgd=optimizer)
    nlp.update(soft, sgd=optimizer)
    for _ in range(200):
        nlp.update(missing, sgd=optimizer)


def test_a_student_of_distributions_learns_from_labels_that_come_without_any():
    nlp = make(hard_weight=0.0)
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
    soft = soft_examples(nlp, [(["Anna"], names, [[0, 1, 0, 0, 0, 0, 0]])])
    # Labels beside distributions count for nothing.
    soft[0].reference.set_ents([Span(soft[0].reference, 0, 1, label="LOC")])
    train(nlp, soft)
    optimizer = nlp.resume_training()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not nlp.get_pipe("xner_student").get_targets(soft).hard_weights.any()
    with pytest.warns(XnerWarning, match=r"\[XW03\] xner_student is a student of distributions"):
        losses = nlp.update(gold(nlp), sgd=optimizer, losses={})
    assert losses["xner_student"] > 0
    for _ in range(40):
        nlp.update(gold(nlp) + soft, sgd=optimizer)
    for text, entities in TRAIN:
        assert [(e.start_char, e.end_char, e.label_) for e in nlp(text).ents] == entities
    assert [e.label_ for e in nlp("Anna").ents] == ["PER"]


def test_settings_for_a_sourced_student_are_refused(monkeypatch, tmp_path):
    nlp = make()
    optimizer = nlp.initialize(lambda: gold(nlp))
    line = ["spacy", "train", "--components.xner_student.source", "x", "--components.xner_student.hard_weight", "1"]
    monkeypatch.setattr(sys, "argv", line)
    nlp.update(gold(nlp), sgd=optimizer)  # not sourced: the setting acts
    again = make().from_bytes(nlp.to_bytes())
    optimizer = again.resume_training()
    with pytest.raises(XnerError, match=r"^components.xner_student.hard_weight would have no effect"):
        again.update(gold(again), sgd=optimizer)

    config = tmp_path / "tuned.cfg"
    config.write_text('[components]\n\n[components.xner_student]\nsource = "x"\nsoft_weight = 2.0\n')
    monkeypatch.setattr(sys, "argv", ["spacy", "train", str(config)])
    again = make().from_bytes(nlp.to_bytes())
    optimizer = again.resume_training()
    with pytest.raises(XnerError, match=r"^components.xner_student.soft_weight would have no effect"):
        again.update(gold(again), sgd=optimizer)
    config.write_text(config.read_text().replace("soft_weight = 2.0\n", ""))
    again = make().from_bytes(nlp.to_bytes())
    again.update(gold(again), sgd=again.resume_training())


def test_rehearsing_brings_back_what_was_forgotten():
    nlp = make()
    train(nlp, gold(nlp))
    pipe = nlp.get_pipe("xner_student")
    with pytest.raises(XnerError, match="resume_training"):
        nlp.rehearse(gold(nlp))
    optimizer = nlp.resume_training()
    pipe.add_label("EVENT")
    wrong = gold(nlp, [(TRAIN[0][0], [(0, 4, "EVENT")]), (TRAIN[1][0], [])])
    for _ in range(30):
        nlp.update(wrong, sgd=optimizer)
    assert found(nlp(TRAIN[0][0])) != TRAIN[0][1]
    bare = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text, _ in TRAIN]
    history = [nlp.rehearse(bare, sgd=optimizer, losses={})["xner_student"] for _ in range(40)]
    assert history[-1] < history[0] / 2
    before = pipe._rehearsal_model.predict([nlp.make_doc(TRAIN[0][0])])[0]
    after = pipe.predict([nlp.make_doc(TRAIN[0][0])])[0][:, : before.shape[1]]
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_a_listener_cannot_rehearse_and_says_so():
    nlp = make(listener=True)
    train(nlp, gold(nlp), steps=1)
    nlp.resume_training()
    with pytest.raises(XnerError, match="listens to another component"):
        nlp.rehearse(gold(nlp))


def test_a_sentence_of_many_tokens_takes_room_and_time_in_its_length():
    nlp = noisy()
    words = [f"Wort{k % 50}" for k in range(20_000)]
    short = [Doc(nlp.vocab, words=words[:5]) for _ in range(100)]
    pipe = nlp.get_pipe("xner_student")
    tracemalloc.start()
    docs = list(nlp.pipe([Doc(nlp.vocab, words=words), *short]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
    assert len(docs[0].ents) > 1000
    assert [e.text for e in docs[1].ents] == [e.text for e in nlp(short[0]).ents]
    assert pipe.labels


def damaged(folder, file, change):
    path = folder / "xner_student" / file
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "file, change",
    [
        ("cfg", lambda b: b[:5]),
        ("cfg", lambda b: b"[]"),
        ("cfg", lambda b: b.replace(b'"temperature":1.0', b'"temperature":0.0')),
        ("cfg", lambda b: b.replace(b'"temperature":1.0', b'"temperature":"warm"')),
        ("cfg", lambda b: b.replace(b'"PER"', b"7")),
        ("cfg", lambda b: b.replace(b'"PER",', b"")),
        ("model", lambda b: b[:200]),
        ("model", lambda b: b""),
        ("model", lambda b: b"\xc1" + b[1:]),
        ("model", lambda b: b"\x80"),
    ],
)
def test_a_damaged_student_is_named(file, change, tmp_path):
    nlp = make()
    train(nlp, gold(nlp), steps=1)
    nlp.to_disk(tmp_path)
    damaged(tmp_path, file, change)
    with pytest.raises(InputError) as error:
        spacy.load(tmp_path)
    assert "xner_student" in str(error.value)


def test_bytes_that_are_no_student():
    nlp = make()
    for data in (b"", b"\xc1", nlp.get_pipe("xner_student").to_bytes()[:40]):
        with pytest.raises(InputError, match="xner_student"):
            make().get_pipe("xner_student").from_bytes(data)


@pytest.mark.parametrize("setting", ["hard_weight", "soft_weight", "confidence"])
def test_weights_that_are_none(setting):
    # spaCy refuses NaN and infinity in any config.
    with pytest.raises(XnerError, match=f"{setting} is -1"):
        make(**{setting: -1.0})
