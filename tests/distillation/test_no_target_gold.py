"""No gold label of the target language reaches training, selection or stopping."""

import re
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from typer.testing import CliRunner
from weasel.util import load_project_config

from xner_spacy.corpora.annotate import annotate
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.readers import Mixture
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.distillation.teachers.selection import select_surest
from xner_spacy.recipe.inputs import gather_inputs
from xner_spacy.registry import registry
from xner_spacy.types import TokenLabels

ROOT = Path(__file__).parents[2]


def labelled(path, label):
    """One corpus, its entities labelled or not; what a labelled test set looks like."""
    nlp = spacy.blank("xx")
    docs = []
    for words in (["Anna", "lives", "in", "Rome"], ["Nothing", "here"]) * 3:
        doc = Doc(nlp.vocab, words=words)
        ents = [Span(doc, 0, 1, label=label)] if label else []
        doc.set_ents(ents, default="outside" if label else "missing")
        docs.append(doc)
    write_docbin(path, docs)
    return path


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """An `xner_student` as a model-transfer teacher, untrained but for its weights."""
    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe("xner_student", config={"store_soft": True})
    pipe.add_label("PER")
    nlp.initialize()
    weights = pipe.model.get_ref("output_layer").layers[0].get_param("W")
    weights[:] = np.random.default_rng(0).normal(size=weights.shape)
    folder = tmp_path_factory.mktemp("teacher") / "model"
    nlp.to_disk(folder)
    return folder


def test_a_teacher_sees_no_labels(teacher, tmp_path):
    made = []
    for name, label in (("without", None), ("with", "PER"), ("other", "SECRET")):
        corpus = labelled(tmp_path / f"{name}.spacy", label)
        annotate(teacher, corpus, tmp_path / name)
        made.append(list(read_docs(tmp_path / name, spacy.blank("xx").vocab)))
    for docs in made[1:]:
        for a, b in zip(made[0], docs, strict=True):
            assert [(e.start, e.end, e.label_) for e in a.ents] == [(e.start, e.end, e.label_) for e in b.ents]
            np.testing.assert_array_equal(get_soft(a).probs, get_soft(b).probs)


def test_unlabelled_text_of_a_mixture_has_no_labels(tmp_path):
    path = labelled(tmp_path / "gold.spacy", "SECRET")
    docs = list(read_docs(path, spacy.blank("xx").vocab))
    for doc in docs:
        probs = np.full((len(doc), 2), 0.5, dtype=np.float32)
        set_soft(doc, TokenLabels(["O", "B-SECRET"], probs))
    write_docbin(path, docs)
    examples = list(Mixture(None, path)(spacy.blank("xx")))
    assert len(examples) == 6
    for eg in examples:
        for doc in (eg.predicted, eg.reference):
            assert not doc.ents and not doc.user_data and not doc.spans
        assert all(token.ent_iob == 0 for token in eg.reference)


def test_selection_sees_no_labels():
    nlp = spacy.blank("xx")

    def corpus(label):
        docs = []
        for k in range(6):
            doc = Doc(nlp.vocab, words=["a", "b"])
            set_soft(doc, TokenLabels(["O", "B-PER"], [[0.5 + k / 20, 0.5 - k / 20], [1, 0]]))
            if label:
                doc.set_ents([Span(doc, k % 2, k % 2 + 1, label=label)])
            docs.append(doc)
        return docs

    chosen = []
    for label in (None, "SECRET"):
        docs = corpus(label)
        chosen.append([docs.index(d) for d in select_surest(docs, 0.5)])
    assert chosen[0] == chosen[1]


def trainings():
    """Every `spacy train` of the project: its command's name, training and development corpus."""
    for file in [ROOT / "project.yml", *ROOT.glob("projects/*/project.yml")]:
        for command in load_project_config(file.parent)["commands"]:
            for line in command["script"]:
                if "spacy train" in line:
                    paths = dict(re.findall(r"--paths\.(train|dev) (\S+)", line))
                    yield f"{file.parent.name} {command['name']}", paths["train"], paths["dev"]


def test_the_project_trains_and_stops_on_projected_or_source_data():
    found = list(trainings())
    assert found
    for name, *paths in found:
        for path in paths:
            source = ".en.spacy" in path or name.startswith("english ")
            assert source or re.match(r"(\w+/)?(annotated|selected|mixed|labelled)/", path), (name, path)


def test_what_the_project_reads_holds_no_gold_but_the_test_set(tmp_path):
    data = ROOT.parent / "shared" / "data"
    if not (data / "masakhaner2").is_dir():
        pytest.skip("needs ../shared/data (MasakhaNER 2.0 and MAFAND)")
    # A small part is enough: the script reads one folder of each.
    ner, bitext = tmp_path / "ner" / "tsn", tmp_path / "mafand" / "en-tsn"
    ner.mkdir(parents=True)
    bitext.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        text = (data / "masakhaner2" / "tsn" / f"{split}.txt").read_text("utf8")
        (ner / f"{split}.txt").write_text("\n\n".join(text.split("\n\n")[:60]) + "\n\n", "utf8")
        for side in ("en", "tsn"):
            lines = (data / "mafand" / "en-tsn" / f"{split}.{side}").read_bytes()
            (bitext / f"{split}.{side}").write_bytes(lines)
    app = load_script(ROOT / "projects" / "masakhane" / "scripts" / "inputs.py")
    project = tmp_path / "tsn"
    result = CliRunner().invoke(app, ["tsn", str(ner.parent), str(bitext.parent), str(project), "--sources", ""])
    assert result.exit_code == 0, result.output
    gather_inputs(project, "tsn")
    vocab = spacy.blank("xx").vocab
    for file in project.rglob("*.spacy"):
        docs = list(read_docs(file, vocab))
        assert docs
        is_test = "gold" in file.relative_to(project).as_posix()
        assert any(doc.ents for doc in docs) == is_test, file


def load_script(path):
    import importlib.util

    import typer

    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = typer.Typer()
    app.command()(module.main)
    return app


def test_readers_are_registered():
    assert registry.readers.get("xner.Corpus.v1") and registry.readers.get("xner.Mixture.v1")
