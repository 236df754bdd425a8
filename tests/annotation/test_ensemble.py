"""Several source models as one annotator: the mean of their distributions."""

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import ignore_error
from thinc.api import fix_random_seed

from xner_spacy.annotation.annotators import Annotator
from xner_spacy.annotation.ensemble import Ensemble
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.errors import XnerError

WORDS = ["Anna", "lives", "in", "Rome", "."]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two students of one sentence: one knows the person, the other the place better."""
    folders = []
    for seed, entities in enumerate(([(0, 4, "PER")], [(0, 4, "PER"), (14, 18, "LOC")])):
        fix_random_seed(seed)
        nlp = spacy.blank("en")
        nlp.add_pipe("xner_student", config={"store_soft": True}).add_label("LOC")
        examples = [Example.from_dict(nlp.make_doc(" ".join(WORDS)), {"entities": entities})]
        optimizer = nlp.initialize(lambda examples=examples: examples)
        for _ in range(12):
            nlp.update(examples, sgd=optimizer)
        folders.append(tmp_path_factory.mktemp("models") / str(seed))
        nlp.to_disk(folders[-1])
    return [str(folder) for folder in folders]


def probabilities(model):
    nlp = spacy.load(model)
    soft = get_soft(nlp(spacy.tokens.Doc(nlp.vocab, words=WORDS)))
    return {tag: soft.probs[:, k] for k, tag in enumerate(soft.labels)}


def test_is_the_mean(models):
    ensemble = Ensemble(models)
    assert isinstance(ensemble, Annotator)
    found = list(ensemble([WORDS, []]))
    assert len(found) == 2
    assert found[1].entities == []
    a, b = (probabilities(m) for m in models)
    labels = found[0].labels
    for k, tag in enumerate(labels.labels):
        # Half precision, and what is below a thousandth is not stored.
        np.testing.assert_allclose(labels.probs[:, k], (a[tag] + b[tag]) / 2, atol=4e-3)
    (person,) = [e for e in found[0].entities if e.label == "PER"]
    assert (person.start, person.end) == (0, 1)
    assert 0.5 < person.score <= 1


def test_weights_decide(models):
    first, second = (
        [e.label for e in next(Ensemble(models, weights=w)([WORDS])).entities] for w in ([1.0, 0.0], [0.0, 1.0])
    )
    assert first == ["PER"]
    assert second == ["PER", "LOC"]


def test_what_does_not_fit(models, tmp_path):
    with pytest.raises(XnerError, match="no models"):
        Ensemble([])
    with pytest.raises(XnerError, match="1 weights for 2 models"):
        Ensemble(models, weights=[1.0])
    for weights in ([float("nan"), 1.0], [-1.0, 2.0], [0.0, 0.0], [float("inf"), 1.0]):
        with pytest.raises(XnerError, match="weights of an ensemble"):
            Ensemble(models, weights=weights)
    with pytest.raises(XnerError, match="nowhere"):
        list(Ensemble([str(tmp_path / "nowhere")])([WORDS]))
    plain = {"components.xner_student.store_soft": False}
    spacy.load(models[0], config=plain).to_disk(tmp_path / "plain")
    with pytest.raises(XnerError, match="no distributions"):
        list(Ensemble([str(tmp_path / "plain")])([WORDS]))


def test_as_the_annotator_of_a_teacher(models):
    nlp = spacy.blank("en")
    part = {"@xner_annotators": "xner.Ensemble.v1", "models": models}
    nlp.add_pipe("xner_annotator", config={"side": "target", "annotator": part, "label_map": None})
    doc = nlp(spacy.tokens.Doc(nlp.vocab, words=WORDS))
    assert "PER" in {e.label_ for e in doc.ents}
    assert get_soft(doc) is not None


def test_a_model_that_loses_a_sentence_is_named(models, tmp_path):
    @Language.component("tests_fails_on_rome")
    def fails(doc):
        if "Rome" in doc.text:
            raise ValueError("no Rome")
        return doc

    nlp = spacy.load(models[0])
    nlp.add_pipe("tests_fails_on_rome")
    nlp.set_error_handler(ignore_error)
    nlp.to_disk(tmp_path / "loses")
    ensemble = Ensemble([models[1], str(tmp_path / "loses")])
    # A loaded pipeline raises; one whose handler leaves out what failed gives too few.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "xner_spacy.annotation.ensemble.load_pipeline",
            lambda name: nlp if name.endswith("loses") else spacy.load(name),
        )
        with pytest.raises(XnerError, match="loses of an ensemble gave 1 results for 2"):
            list(ensemble([["Anna"], WORDS]))
