"""English models that a user names: a token classifier in Hugging Face's format becomes a pipeline."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from tests.recipe.projects import make_project
from tiny.models import build_classifier
from xner_spacy.annotation.token_classifier import TokenClassifier
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.errors import XnerError
from xner_spacy.recipe.english import make_english
from xner_spacy.recipe.english_models import english_pipeline
from xner_spacy.recipe.inputs import gather_inputs
from xner_spacy.recipe.layout import Project

TAGS = ["O", "B-PERSON", "I-PERSON", "B-GPE", "I-GPE"]
WORDS = ["Ada", "lives", "in", "Nairobi", "with", "Bob", "Smith", "."]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier of random weights, as `save_pretrained` writes it."""
    pytest.importorskip("torch")
    return build_classifier(tmp_path_factory.mktemp("classifier"), TAGS)


def test_a_token_classifier_becomes_a_pipeline(classifier: Path, tmp_path: Path) -> None:
    files = {f"english/bert/{file.name}": file.read_bytes() for file in classifier.iterdir()}
    root = make_project(tmp_path, {"text/a.txt": ["Ada ali wano."], **files})
    assert gather_inputs(root, "lug")["english"] == ["english/bert"]
    (name,) = make_english(Project(root, "lug"))
    (own,) = TokenClassifier(str(classifier)).distributions([WORDS])
    nlp = spacy.load(name)
    (doc,) = nlp.pipe([Doc(nlp.vocab, words=WORDS)])
    soft = get_soft(doc)
    assert soft is not None and {tag[2:] for tag in soft.labels if tag != "O"} == {"PER", "LOC"}
    assert soft.probs[:, soft.labels.index("O")] == pytest.approx(own[:, 0], abs=2e-3)
    places = [number for number, tag in enumerate(soft.labels) if tag[2:] == "LOC"]
    assert soft.probs[:, places].sum(axis=1) == pytest.approx(own[:, 3:].sum(axis=1), abs=2e-3)


def test_what_is_no_model(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"text/a.txt": ["Ada ali wano."], "english/english.txt": ["no_such_pipeline"]})
    project = Project(root, "lug")
    gather_inputs(root, "lug")
    with pytest.raises(XnerError, match="no_such_pipeline"):
        make_english(project)
    make_project(root, {"english/odd/config.json": '{"architectures": ["BertForMaskedLM"]}'})
    with pytest.raises(XnerError, match="neither part of a pipeline"):
        gather_inputs(root, "lug")


def test_a_pipeline_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "english").mkdir()
    spacy.blank("en").to_disk(tmp_path / "english" / "mine")
    assert english_pipeline(Project(tmp_path, "lug"), "english/mine", 0) == str(tmp_path / "english" / "mine")
