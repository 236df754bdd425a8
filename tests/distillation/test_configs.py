"""The configs that users copy: valid, filled, and they train, the transformer ones on a tiny local
model.
"""

import numpy as np
import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, Span
from spacy.util import load_config

from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import write_docbin
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.distillation.student.score_fitting import BIASES
from xner_spacy.types import TokenLabels

SOFT = ("soft", "tsl", "prokd")
OURS = [("student", labels, encoder) for labels in SOFT for encoder in ("tok2vec", "trf")]
OURS += [
    ("student", "hard", "trf"),
    ("source", "soft", "tok2vec"),
    ("source", "prokd", "tok2vec"),
    ("source", "prokd", "trf"),
]
WORDS = [("Anna", "B-PER"), ("sings", "O"), ("in", "O"), ("Rome", "B-LOC"), (".", "O")]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Sentences with gold labels and with distributions."""
    folder = tmp_path_factory.mktemp("corpus")
    nlp = spacy.blank("en")
    docs = []
    for _ in range(12):
        doc = Doc(nlp.vocab, words=[w for w, _ in WORDS])
        ents = [Span(doc, i, i + 1, label=t[2:]) for i, (_, t) in enumerate(WORDS) if t != "O"]
        doc.set_ents(ents, default="outside")
        probs = np.full((len(WORDS), len(TAGS)), 0.05, dtype=np.float32)
        for i, (_, tag) in enumerate(WORDS):
            probs[i, TAGS.index(tag)] = 0.8
        set_soft(doc, TokenLabels(TAGS, probs))
        docs.append(doc)
    write_docbin(folder / "labelled.spacy", docs)
    return folder / "labelled.spacy"


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory):
    pytest.importorskip("spacy_transformers")
    tiny_models = pytest.importorskip("tiny.models")
    folder = tmp_path_factory.mktemp("encoder")
    tiny_models.bert(folder, [" ".join(w for w, _ in WORDS)])
    return folder


def write(path, base, labels, encoder, corpus, **settings):
    """RETURNS (Dict[str, Any]): Overrides for the config that was written to a path."""
    init_config(base, path, "en", labels=labels, encoder=encoder)
    values = {"paths.train": str(corpus), "paths.dev": str(corpus)}
    if (base, labels) == ("source", "prokd"):
        values["paths.target"] = str(corpus)
    return {**values, **{f"training.{name}": value for name, value in settings.items()}}


@pytest.mark.parametrize("base, labels, encoder", OURS)
def test_is_whole_and_trains(base, labels, encoder, corpus, request, tmp_path):
    config = tmp_path / "config.cfg"
    settings = write(config, base, labels, encoder, corpus, max_steps=4, eval_frequency=2)
    if encoder == "trf":
        settings["paths.encoder"] = str(request.getfixturevalue("tiny_encoder"))
    filled = tmp_path / "filled.cfg"
    fill_config(filled, config)
    assert load_config(filled)["components"] == load_config(config)["components"]
    train(config, tmp_path / "model", overrides=settings)
    nlp = spacy.load(tmp_path / "model" / "model-last")
    doc = nlp(" ".join(w for w, _ in WORDS))
    assert all(token.ent_iob for token in doc)
    if base == "source":
        assert get_soft(doc) is not None


def test_cpu_students_learn(corpus, tmp_path):
    settings = write(tmp_path / "c.cfg", "student", "tsl", "tok2vec", corpus, max_steps=60, eval_frequency=30)
    train(tmp_path / "c.cfg", tmp_path, overrides=settings)
    nlp = spacy.load(tmp_path / "model-best")
    assert nlp.meta["performance"]["ents_f"] == 1.0


def test_decoding_and_temperature_are_fitted_when_the_student_is_saved(corpus, tmp_path):
    settings = write(tmp_path / "c.cfg", "student", "soft", "tok2vec", corpus, max_steps=20, eval_frequency=10)
    train(tmp_path / "c.cfg", tmp_path, overrides=settings)
    student = spacy.load(tmp_path / "model-last").get_pipe("xner_student")
    assert student.cfg["temperature"] != 1.0
    assert student.cfg["bias"] in BIASES
