"""`xner.FitDecoding.v1`: what is fitted for a checkpoint goes to the disk with it, and the training that goes on does not see it."""

import json
import random

import numpy as np
import pytest
import spacy
from spacy.cli.train import train
from spacy.tokens import Doc, Span
from spacy.training import Example

from xner_spacy.cli.init_config import base_config
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.readers import Corpus
from xner_spacy.distillation.soft.soft_labels import set_soft
from xner_spacy.distillation.student import score_fitting
from xner_spacy.distillation.student.score_fitting import FitDecoding, rescore, with_settings_apart
from xner_spacy.types import TokenLabels

NAMES = ["Anna", "Jon", "Karl", "Maria", "Lind", "Bob"]
VERBS = ["sings", "met", "saw", "works", "in", "the", "may", "."]


def write_corpus(path, n, seed):
    """Sentences whose teacher doubts: names have .55 of the mass, some other words .3."""
    rng, vocab, docs = random.Random(seed), spacy.blank("xx").vocab, []
    for _ in range(n):
        words = [rng.choice(NAMES if rng.random() < 0.3 else VERBS) for _ in range(8)]
        doc = Doc(vocab, words=words)
        is_name = [word in NAMES for word in words]
        doc.set_ents([Span(doc, k, k + 1, "PER") for k in range(8) if is_name[k]], default="outside")
        mass = [0.55 if name else 0.3 * (word == "may") for name, word in zip(is_name, words, strict=True)]
        rows = np.array([[1 - m, m, 0] for m in mass], dtype=np.float32)
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], rows))
        docs.append(doc)
    write_docbin(path, docs)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    write_corpus(folder / "train.spacy", 60, 0)
    write_corpus(folder / "dev.spacy", 40, 1)
    live = []
    before = score_fitting.with_settings_apart

    def watch(nlp):
        live.append(dict(nlp.get_pipe("xner_student").cfg))
        return before(nlp)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_fitting, "with_settings_apart", watch)
        overrides = {
            "paths.train": str(folder / "train.spacy"),
            "paths.dev": str(folder / "dev.spacy"),
            "training.max_steps": 24,
            "training.eval_frequency": 6,
        }
        base_config("student", labels="soft").to_disk(folder / "student.cfg")
        train(folder / "student.cfg", folder / "out", overrides=overrides)
    return folder, live


@pytest.mark.parametrize("which", ["model-best", "model-last"])
def test_the_score_in_meta_is_that_of_the_saved_model(trained, which):
    folder, live = trained
    assert len(live) >= 4
    assert all(cfg["bias"] == 0 and cfg["temperature"] == 1 for cfg in live)
    meta = json.loads((folder / "out" / which / "meta.json").read_text(encoding="utf8"))
    nlp = spacy.load(folder / "out" / which)
    found = nlp.evaluate(list(Corpus(folder / "dev.spacy")(nlp)))
    for key in ("ents_f", "ents_p", "ents_r"):
        assert meta["performance"][key] == found[key]
    assert nlp.get_pipe("xner_student").cfg["temperature"] != 1


def test_a_pipeline_of_ones_own_stays_as_it_is(trained):
    folder, _ = trained
    nlp = spacy.load(folder / "out" / "model-best")
    student = nlp.get_pipe("xner_student")
    student.cfg.update(bias=0.0, temperature=1.0, score_bias=0.0)
    nlp.meta["performance"] = {"ents_f": -1.0, "of something else": 5}
    saved = FitDecoding(folder / "dev.spacy")(nlp)
    assert student.cfg["temperature"] == 1 and nlp.meta["performance"]["ents_f"] == -1
    assert saved.get_pipe("xner_student").cfg["temperature"] != 1
    assert saved.meta["performance"]["of something else"] == 5
    # Where the training named other files, that are gone, or none, there is nothing to score.
    bare = spacy.blank("xx")
    bare.add_pipe("xner_student")
    rescore(with_settings_apart(bare))
    docs = list(read_docs(folder / "dev.spacy", nlp.vocab))
    examples = [Example(Doc(nlp.vocab, words=[t.text for t in d]), d) for d in docs]
    assert saved.evaluate(examples)["ents_f"] == saved.meta["performance"]["ents_f"]
