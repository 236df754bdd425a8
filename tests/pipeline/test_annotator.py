"""`xner_annotator`: where a source pipeline leaves its entities, what is none, and parts that give too few or too many."""

import warnings

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from xner_spacy.annotation.annotators import Annotation
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.distillation.student.matmul import RowBlockOps
from xner_spacy.errors import InputError, XnerError
from xner_spacy.pipeline import annotator as module
from xner_spacy.pipeline.annotator import AnnotatorComponent, sets_entities
from xner_spacy.types import Entity, TokenLabels

WORDS = ["The", "Bank", "of", "Ghana", "met", "Ada", "."]


@Language.component("tests_says_nothing")
def says_nothing(doc):
    return doc


@Language.component("tests_finds_ada")
def finds_ada(doc):
    doc.ents = [Span(doc, t.i, t.i + 1, "PER") for t in doc if t.text == "Ada"]
    return doc


@Language.component("tests_merges")
def merges(doc):
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[1:4])
    return doc


@Language.factory("tests_asks_when_it_is_initialised")
class Asks:
    def __init__(self, nlp, name):
        self.asked = False

    def initialize(self, get_examples, *, nlp):
        nlp.get_pipe("xner_annotator")(nlp.make_doc("Ada ."))
        self.asked = True

    def __call__(self, doc):
        return doc


def save(path, *pipes, **config):
    nlp = spacy.blank("en")
    for name in pipes:
        pipe = nlp.add_pipe(name, config=config if name == "span_ruler" else {})
        if name == "span_ruler":
            found = [("ORG", "Bank of Ghana"), ("LOC", "Ghana"), ("PER", "Ada")]
            pipe.add_patterns([{"label": label, "pattern": text} for label, text in found])
    nlp.to_disk(path)
    return str(path)


def run(words=WORDS, **settings):
    doc = Doc(spacy.blank("en").vocab, words=words)
    pipe = AnnotatorComponent(None, "xner_annotator", settings.pop("model", None), side="target", **settings)
    return pipe, pipe(doc)


def found(doc):
    return [(e.text, e.label_) for e in doc.ents]


def test_a_pipeline_that_sets_spans_alone(tmp_path):
    model = save(tmp_path / "spans", "span_ruler", spans_key="sc")
    pipe = AnnotatorComponent(None, "xner_annotator", model)
    with pytest.warns(UserWarning, match="sets doc.ents [(]it has span_ruler[)]"):
        pipe.initialize(lambda: [])
    with pytest.warns(UserWarning), pytest.raises(XnerError, match="'sc': give one as spans_key"):
        run(model=model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipe, doc = run(model=model, spans_key="sc")
    # Of two that overlap the longest.
    assert found(doc) == [("Bank of Ghana", "ORG"), ("Ada", "PER")]
    assert pipe.left_out == {"overlap": 1}
    with pytest.raises(XnerError, match=r"sets no doc.spans.'other'.*'sc'"):
        run(model=model, spans_key="other")
    ents = save(tmp_path / "ents", "span_ruler", spans_key="sc", annotate_ents=True)
    assert found(run(model=ents)[1]) == [("Bank of Ghana", "ORG"), ("Ada", "PER")]


def test_assembling_warns_and_annotating_refuses(tmp_path):
    model = save(tmp_path / "spans", "span_ruler", spans_key="sc")
    nlp = spacy.blank("en")
    nlp.add_pipe("xner_annotator", config={"model": model, "side": "target"})
    nlp.add_pipe("tests_asks_when_it_is_initialised")
    with pytest.warns(UserWarning, match="sets doc.ents"):
        nlp.initialize()
    assert nlp.get_pipe("tests_asks_when_it_is_initialised").asked
    with pytest.raises(XnerError, match="give one as spans_key"):
        nlp("Ada .")
    nlp.to_disk(tmp_path / "teacher")
    with pytest.warns(UserWarning, match="sets doc.ents"):
        again = spacy.load(tmp_path / "teacher")
    with pytest.raises(XnerError, match="give one as spans_key"):
        again("Ada .")


def test_the_setting_is_one_of_the_config(tmp_path):
    model = save(tmp_path / "spans", "span_ruler", spans_key="sc")
    nlp = spacy.blank("en")
    nlp.add_pipe("xner_annotator", config={"model": model, "side": "target", "spans_key": "sc"})
    nlp.initialize()
    nlp.to_disk(tmp_path / "teacher")
    again = spacy.load(tmp_path / "teacher")
    assert found(again(Doc(again.vocab, words=WORDS)))[1] == ("Ada", "PER")


def test_a_pipeline_without_any_component(tmp_path):
    model = save(tmp_path / "blank")
    with (
        pytest.warns(UserWarning, match="it has none"),
        pytest.raises(XnerError, match="no component"),
    ):
        run(model=model)


def test_a_component_that_does_not_say_what_it_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MANY", 3)
    assert sets_entities(spacy.load(save(tmp_path / "ada", "tests_finds_ada"))) is None
    assert found(run(model=str(tmp_path / "ada"))[1]) == [("Ada", "PER")]
    pipe = AnnotatorComponent(None, "a", save(tmp_path / "none", "tests_says_nothing"), side="target")
    docs = [Doc(spacy.blank("en").vocab, words=["x"]) for _ in range(3)]
    pipe(docs[0])
    pipe(docs[1])
    with pytest.raises(XnerError, match=r"sets doc.ents"):
        pipe(docs[2])


def test_not_one_entity_in_many_sentences_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MANY", 2)
    pipe = AnnotatorComponent(None, "a", save(tmp_path / "ruler", "entity_ruler"), side="target")
    vocab = spacy.blank("en").vocab
    with pytest.warns(UserWarning, match="not one entity in the first 2") as said:
        for _ in range(6):
            pipe(Doc(vocab, words=["x"]))
    assert len([w for w in said if "not one entity" in str(w.message)]) == 1


def test_a_pipeline_that_changes_the_tokens(tmp_path):
    with pytest.raises(XnerError, match=r"made 5 tokens of 7.*merge"):
        run(model=save(tmp_path / "merging", "entity_ruler", "tests_merges"))


class Part:
    def __init__(self, *annotations):
        self.annotations = annotations

    def __call__(self, sentences):
        yield from self.annotations


NOTHING = Annotation([])


@pytest.mark.parametrize(
    "annotations, message",
    [
        ([], "gave 0 results for 1 sentences"),
        ([NOTHING, NOTHING], "gave more than 1 results for 1 sentences"),
        ([Annotation([Entity(5, 9, "PER")])], "from 5 to 9 in 7 tokens"),
        ([Annotation([Entity(3, 3, "PER")])], "from 3 to 3"),
        ([Annotation([Entity(1, 3, "PER"), Entity(2, 4, "PER")])], "overlap"),
        ([Annotation([], TokenLabels(["O"], np.ones((2, 1))))], "2 soft labels for 7 tokens"),
    ],
)
def test_a_part_that_gives_what_does_not_fit(annotations, message):
    with pytest.raises(XnerError, match=message) as error:
        run(annotator=Part(*annotations))
    if "soft" not in message:
        assert "xner_annotator: Part" in str(error.value)


def test_whitespace_is_no_entity_and_no_edge_of_one():
    words = [" ", "Ada", "\n", "Lovelace", "\t", "sings", "\u200b"]
    entities = [Entity(0, 5, "PER"), Entity(6, 7, "PER")]
    probs = np.eye(3, dtype=np.float32)[[1, 2, 2, 2, 2, 0, 1]]
    labels = TokenLabels(["O", "B-PER", "I-PER"], probs)
    pipe, doc = run(words, annotator=Part(Annotation(entities, labels)))
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(1, 4, "PER")]
    assert pipe.left_out == {"whitespace": 1}
    assert get_soft(doc).probs.argmax(axis=1).tolist() == [0, 1, 2, 2, 0, 0, 0]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81\xa3nlp\xa1x", b"\x93\x01\x02\x03"])
def test_a_state_that_is_none(data, tmp_path):
    pipe = AnnotatorComponent(None, "xner_annotator", save(tmp_path / "ruler", "entity_ruler"))
    with pytest.raises(InputError, match="xner_annotator"):
        pipe.from_bytes(data)
    pipe.to_disk(tmp_path / "pipe")
    (tmp_path / "pipe" / "model" / "config.cfg").write_text("[nlp\n", "utf8")
    with pytest.raises(XnerError):
        pipe.from_disk(tmp_path / "pipe")
    good = AnnotatorComponent(None, "a", None).from_bytes(
        AnnotatorComponent(None, "b", str(tmp_path / "ruler")).to_bytes()
    )
    assert good.source_nlp.pipe_names == ["entity_ruler"]


def trained_ner(folder):
    """A source pipeline with random weights, which finds entities everywhere."""
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("PER")
    nlp.initialize()
    upper = nlp.get_pipe("ner").model.get_ref("upper")  # it begins with zeros
    upper.set_param("W", np.random.default_rng(0).normal(size=upper.get_param("W").shape).astype(np.float32))
    nlp.to_disk(folder)
    return nlp


def test_a_source_pipeline_finds_the_same_and_in_any_batch(tmp_path):
    nlp = trained_ner(tmp_path)
    rng = np.random.default_rng(0)
    sentences = [rng.choice([*WORDS, "Berlin", "sees", "a", "river"], n).tolist() for n in rng.integers(1, 30, 40)]
    component = AnnotatorComponent(nlp, "xner_annotator", model=str(tmp_path), side="target", label_map=None)

    def labelled(docs, batch_size):
        return [[(e.start, e.end, e.label_) for e in doc.ents] for doc in component.pipe(docs, batch_size=batch_size)]

    expected = [[(e.start, e.end, e.label_) for e in nlp(Doc(nlp.vocab, words=words)).ents] for words in sentences]
    assert sum(map(len, expected)) > 20
    for batch_size in (1, 7, 40):
        assert labelled([Doc(nlp.vocab, words=words) for words in sentences], batch_size) == expected
    models = [pipe.model for _, pipe in component.source_nlp.pipeline]
    assert all(isinstance(node.ops, RowBlockOps) for model in models for node in model.walk())
