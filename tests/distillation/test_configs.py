"""The configs that users copy: valid, filled, and they train, the transformer ones on a tiny local
model.
"""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, Span
from spacy.util import load_config

from xner_spacy.corpora.docs import write_docbin
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.distillation.student.calibration import BIASES
from xner_spacy.types import TokenLabels

CONFIGS = Path(__file__).parents[2] / "configs"
OURS = sorted(
    p.name for p in CONFIGS.glob("*.cfg") if p.stem.startswith(("tsl_", "prokd_", "student_soft", "student_trf"))
)
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
def encoder(tmp_path_factory):
    pytest.importorskip("spacy_transformers")
    tiny_models = pytest.importorskip("tests.tiny_models")
    folder = tmp_path_factory.mktemp("encoder")
    tiny_models.bert(folder, [" ".join(w for w, _ in WORDS)])
    return folder


def overrides(name, corpus, encoder=None):
    values = {"paths.train": str(corpus), "paths.dev": str(corpus)}
    if "teacher" in name:
        values["paths.target"] = str(corpus)
    if encoder is not None:
        values["paths.encoder"] = str(encoder)
    return values


def test_there_are_all():
    assert len(OURS) == 9


@pytest.mark.parametrize("name", OURS)
def test_is_whole_and_trains(name, corpus, request, tmp_path):
    encoder = request.getfixturevalue("encoder") if name.endswith("trf.cfg") else None
    settings = overrides(name, corpus, encoder)
    debug_config(CONFIGS / name, overrides=settings)
    filled = tmp_path / "filled.cfg"
    fill_config(filled, CONFIGS / name)
    assert load_config(filled)["components"] == load_config(CONFIGS / name)["components"]
    settings.update({"training.max_steps": 4, "training.eval_frequency": 2, "nlp.lang": "en"})
    train(filled, tmp_path / "model", overrides=settings)
    nlp = spacy.load(tmp_path / "model" / "model-last")
    doc = nlp(" ".join(w for w, _ in WORDS))
    assert all(token.ent_iob for token in doc)
    if "teacher" in name:
        assert get_soft(doc) is not None


def test_cpu_students_learn(corpus, tmp_path):
    settings = overrides("tsl_cpu.cfg", corpus)
    settings.update({"training.max_steps": 60, "training.eval_frequency": 30, "nlp.lang": "en"})
    train(CONFIGS / "tsl_cpu.cfg", tmp_path, overrides=settings)
    nlp = spacy.load(tmp_path / "model-best")
    assert nlp.meta["performance"]["ents_f"] == 1.0


def test_decoding_and_temperature_are_fitted_when_the_student_is_saved(corpus, tmp_path):
    settings = overrides("student_soft_cpu.cfg", corpus)
    settings.update({"training.max_steps": 20, "training.eval_frequency": 10, "nlp.lang": "en"})
    train(CONFIGS / "student_soft_cpu.cfg", tmp_path, overrides=settings)
    student = spacy.load(tmp_path / "model-last").get_pipe("xner_student")
    assert student.cfg["temperature"] != 1.0
    assert student.cfg["bias"] in BIASES
