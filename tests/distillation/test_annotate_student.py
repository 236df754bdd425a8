"""A student over a corpus: the shards are the same with any number of workers, any size of batch, and any order."""

import random

import numpy as np
import pytest
import spacy
from spacy.util import load_model_from_config

from tests.conftest import ROOT
from tests.corpora.annotate_helpers import shard_bytes
from xner_spacy.cli.init_config import base_config
from xner_spacy.corpora.annotate import annotate
from xner_spacy.corpora.docs import read_docs
from xner_spacy.distillation.soft.soft_labels import SOFT_KEY


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A student of the shipped config whose scores are near to each other, so that every bit shows."""
    config = base_config("student", labels="soft")
    config["components"]["xner_student"]["store_soft"] = True
    nlp = load_model_from_config(config, auto_fill=True)
    pipe = nlp.get_pipe("xner_student")
    for label in ("PER", "ORG", "LOC"):
        pipe.add_label(label)
    nlp.initialize()
    layer, rng = pipe.model.get_ref("output_layer").layers[0], np.random.default_rng(0)
    layer.set_param("W", rng.standard_normal(layer.get_param("W").shape, dtype=np.float32))
    folder = tmp_path_factory.mktemp("student") / "model"
    nlp.to_disk(folder)
    return folder


def lines(n=90):
    rng = random.Random(0)
    words = (ROOT / "assets" / "is-en" / "sport.txt").read_text("utf8").split()[:400]
    return [" ".join(rng.choices(words, k=rng.choice([1, 2, 3, 7, 12, 25, 60]))) for _ in range(n)]


def run(student, texts, folder, **settings):
    folder.mkdir()
    path = folder / "text.txt"
    path.write_text("\n".join(texts) + "\n", "utf8")
    annotate(student, path, folder / "out", shard_size=30, **settings)
    return folder / "out"


def test_workers_and_batches_do_not_matter(student, tmp_path):
    texts = lines()
    one = shard_bytes(run(student, texts, tmp_path / "one"))
    assert len(one) == 3
    assert shard_bytes(run(student, texts, tmp_path / "two", workers=2)) == one
    assert shard_bytes(run(student, texts, tmp_path / "small", batch_size=7)) == one


def test_nor_does_the_order(student, tmp_path):
    def what_each_gets(folder):
        return {
            doc.text: (
                [(e.start, e.end, e.label_) for e in doc.ents],
                doc.spans["xner"].attrs["scores"],
                doc.user_data[SOFT_KEY],
            )
            for doc in read_docs(folder, spacy.blank("xx").vocab)
        }

    texts = lines()
    found = what_each_gets(run(student, texts, tmp_path / "one"))
    assert sum(len(entities) for entities, _, _ in found.values()) > 100
    shuffled = random.Random(1).sample(texts, len(texts))
    assert what_each_gets(run(student, shuffled, tmp_path / "other")) == found
