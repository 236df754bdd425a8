"""Pipelines of spacy-llm as the source pipeline of `xner_annotator`, with a model that answers at once."""

from pathlib import Path
from typing import Iterable

import pytest
import spacy

from tests.conftest import NAMES

llm = pytest.importorskip("spacy_llm.registry", reason="needs spacy-llm")


def answer(prompt: str) -> str:
    """RETURNS (str): The answer in the form that spacy-llm's NER task asks for: a line for each label."""
    words = prompt.rpartition("Text:")[2].replace("'''", " ").split()
    labels = {label: [word for word in words if NAMES.get(word) == label] for label in ("PER", "LOC", "ORG")}
    return "\n".join(f"{label}: {', '.join(names)}" for label, names in labels.items())


class KnowsNames:
    """In place of a chat model."""

    context_length = 10_000

    def __call__(self, prompts: Iterable[Iterable[str]]) -> Iterable[Iterable[str]]:
        return [[answer(prompt) for prompt in of_doc] for of_doc in prompts]


@pytest.fixture()
def source(tmp_path: Path) -> Path:
    """A folder with a pipeline of spacy-llm."""
    llm.registry.llm_models.register("test.KnowsNames.v1", func=KnowsNames)
    nlp = spacy.blank("en")
    task = {"@llm_tasks": "spacy.NER.v2", "labels": ["PER", "LOC", "ORG"]}
    nlp.add_pipe("llm", config={"task": task, "model": {"@llm_models": "test.KnowsNames.v1"}})
    nlp.to_disk(tmp_path / "source")
    return tmp_path / "source"


def test_finds_the_entities_also_after_saving(source: Path, bitext: "tuple[Path, Path]", tmp_path: Path) -> None:
    nlp = spacy.blank("is")
    source_text, target_text = map(str, bitext)
    translator = {"@xner_translators": "xner.Bitext.v1", "source": source_text, "target": target_text}
    nlp.add_pipe("xner_translator", config={"translator": translator})
    nlp.add_pipe("xner_annotator", config={"model": str(source)})
    nlp.initialize()
    nlp.to_disk(tmp_path / "teacher")
    for teacher in (nlp, spacy.load(tmp_path / "teacher")):
        docs = list(teacher.pipe(["Anna býr í París .", "Það rignir .", "Jon vinnur hjá Marel ."]))
        found = [[(e.text, e.label_) for e in doc._.xner_source.ents] for doc in docs]
        assert found == [[("Anna", "PER"), ("Paris", "LOC")], [], [("Jon", "PER"), ("Marel", "ORG")]]


def test_a_model_that_does_nothing_finds_nothing(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    task = {"@llm_tasks": "spacy.NER.v2", "labels": ["PER"]}
    nlp.add_pipe("llm", config={"task": task, "model": {"@llm_models": "spacy.NoOp.v1"}})
    nlp.to_disk(tmp_path / "source")
    teacher = spacy.blank("en")
    teacher.add_pipe("xner_annotator", config={"model": str(tmp_path / "source"), "side": "target"})
    doc = teacher("Anna sings")
    assert doc.ents == () and all(token.ent_iob_ == "O" for token in doc)
