"""The four components together, on a tiny bitext that the aligner learns in a moment."""

import warnings

import pytest
import spacy
from spacy.tokens import DocBin

from xner_spacy.corpora.docs import count_doc
from xner_spacy.docdata import SPANS_KEY
from xner_spacy.errors import XnerError, XnerWarning
from xner_spacy.progress import show_step, shown_by
from xner_spacy.translation import given_bitext

CONFIG = """
[nlp]
lang = "is"
pipeline = ["xner_translator","xner_annotator","xner_aligner","xner_projector"]

[components]

[components.xner_translator]
factory = "xner_translator"

[components.xner_translator.translator]
@xner_translators = "xner.Bitext.v1"
source = "{source}"
target = "{target}"
match = "letters"
missing = "{missing}"

[components.xner_annotator]
factory = "xner_annotator"
model = "{model}"
label_map = "conll"

[components.xner_aligner]
factory = "xner_aligner"

[components.xner_projector]
factory = "xner_projector"

[initialize]

[initialize.components]

[initialize.components.xner_aligner]
source = "{source}"
target = "{target}"
"""


def build(bitext, source_model, missing="skip"):
    source, target = bitext
    text = CONFIG.format(source=source, target=target, model=source_model, missing=missing)
    nlp = spacy.util.load_model_from_config(spacy.util.load_config_from_str(text), auto_fill=True)
    nlp.initialize()
    return nlp


@pytest.fixture()
def teacher(bitext, source_model):
    return build(bitext, source_model)


def as_bytes(docs):
    """A DocBin's bytes do not hang on the order of sets, as those of `Doc.to_bytes` do."""
    return [DocBin(store_user_data=True, docs=[doc]).to_bytes() for doc in docs]


def given(bitext):
    source, target = map(str, bitext)
    return {"@xner_translators": "xner.Bitext.v1", "source": source, "target": target, "missing": "skip"}


def ents(doc):
    return [(e.text, e.label_) for e in doc.ents]


def test_entities_are_projected(teacher):
    doc = teacher("Í London hitti Jon Anna.")
    assert ents(doc) == [("London", "LOC"), ("Jon", "PER"), ("Anna", "PER")]
    assert doc._.xner_source.text == "Jon met Anna in London ."
    group = doc.spans[SPANS_KEY]
    assert [s.text for s in group] == ["London", "Jon", "Anna"]
    assert len(group.attrs["scores"]) == len(group.attrs["sources"]) == 3
    assert [doc._.xner_source[a:b].text for a, b in group.attrs["sources"]] == [
        "London",
        "Jon",
        "Anna",
    ]
    assert doc._.xner_alignment.links.max() < max(len(doc), len(doc._.xner_source))


def test_what_the_label_map_drops_keeps_its_reason(teacher):
    doc = teacher("Það rignir .")
    assert ents(doc) == []
    [lost] = doc.spans[SPANS_KEY].attrs["unprojected"]
    assert (lost["label"], lost["reason"]) == ("MISC", "unmapped_label")
    assert teacher.get_pipe("xner_annotator").dropped == {"MISC": 1}
    assert teacher.get_pipe("xner_projector").reasons["unmapped_label"] == 1


def test_a_label_that_the_map_does_not_know_is_told_apart(bitext, source_model):
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_translator", config={"translator": given(bitext)})
    annotator = nlp.add_pipe(
        "xner_annotator", config={"model": str(source_model), "label_map": {"MISC": None, "PER": "PER"}}
    )
    nlp.add_pipe("xner_aligner")
    nlp.add_pipe("xner_projector")
    source, target = map(str, bitext)
    nlp.config["initialize"]["components"]["xner_aligner"] = {"source": source, "target": target}
    with pytest.warns(
        XnerWarning, match=r"\[XW01\] xner_annotator: the label map of the config does not know LOC, ORG;"
    ):
        nlp.initialize()
    with warnings.catch_warnings():
        warnings.simplefilter("error", XnerWarning)  # each label is named once
        docs = list(nlp.pipe(["Anna býr í París .", "Það rignir ."]))
    lost = [(e["label"], e["reason"]) for doc in docs for e in doc.spans[SPANS_KEY].attrs["unprojected"]]
    assert lost == [("LOC", "unknown_label"), ("MISC", "unmapped_label")]
    assert annotator.dropped == {"LOC": 1, "MISC": 1} and annotator.unknown == {"LOC": 1}
    read = DocBin(store_user_data=True).from_bytes(DocBin(store_user_data=True, docs=docs).to_bytes())
    counts = [count_doc(doc) for doc in read.get_docs(nlp.vocab)]
    assert counts[0]["dropped, not in the label map: LOC"] == 1 and counts[1]["dropped by the label map: MISC"] == 1


def test_auto_finds_out_what_the_labels_become(tmp_path, capsys):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": label} for label in ("PERSON", "GPE", "DATE", "FOO")])
    nlp.to_disk(tmp_path / "source")
    teacher = spacy.blank("is")
    annotator = teacher.add_pipe("xner_annotator", config={"model": str(tmp_path / "source"), "label_map": "auto"})
    with shown_by(show_step), pytest.warns(XnerWarning, match="does not know FOO;"):
        annotator.initialize(lambda: [], nlp=teacher)
    said = "labels GPE → LOC, PERSON → PER; dropped: DATE; not known, and dropped: FOO\n"
    assert said in capsys.readouterr().err
    doc = teacher.make_doc("x")
    doc._.xner_source = spacy.blank("en")("PERSON GPE DATE FOO")
    assert [e.label_ for e in teacher(doc)._.xner_source.ents] == ["PER", "LOC"]


def test_auto_refuses_a_model_of_which_it_knows_no_label(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GENE", "pattern": "x"}, {"label": "DATE", "pattern": "y"}])
    nlp.to_disk(tmp_path / "source")
    teacher = spacy.blank("is")
    annotator = teacher.add_pipe("xner_annotator", config={"model": str(tmp_path / "source"), "label_map": "auto"})
    with pytest.raises(
        XnerError, match=r"No label of the source pipeline .* is known .*: DATE, GENE.*label_map = null"
    ):
        annotator.initialize(lambda: [], nlp=teacher)


def test_a_sentence_without_translation_is_warned_of_once(teacher, monkeypatch):
    monkeypatch.setattr(given_bitext, "_has_warned", False)
    with pytest.warns(XnerWarning, match=r"\[XW02\] .*'Þetta þekkir enginn.'.*docs/translation.md"):
        teacher("Þetta þekkir enginn.")
    with warnings.catch_warnings():
        warnings.simplefilter("error", XnerWarning)
        teacher("Þetta þekkir heldur enginn.")
    assert teacher.get_pipe("xner_translator").faults == {"missing": 2}


def test_a_sentence_without_translation_is_passed_on_unlabelled(teacher):
    doc = teacher("Þetta þekkir enginn.")
    assert doc._.xner_source is None and doc._.xner_alignment is None
    assert all(t.ent_iob == 0 for t in doc)  # missing, not O
    assert len(doc.spans[SPANS_KEY]) == 0


def test_or_it_is_an_error_that_names_it(bitext, source_model):
    nlp = build(bitext, source_model, missing="error")
    with pytest.raises(XnerError, match="Þetta þekkir enginn"):
        nlp("Þetta þekkir enginn.")


def test_pipe_call_batches_and_processes_agree(teacher):
    texts = ["Anna býr í París .", "Það rignir .", "Óþekkt .", "", "Í London hitti Jon Anna ."] * 3
    one = [teacher(t) for t in texts]
    for batch_size in (1, 4, 100):
        for doc, other in zip(one, teacher.pipe(texts, batch_size=batch_size)):
            assert ents(doc) == ents(other)
            if doc._.xner_alignment is None:
                assert other._.xner_alignment is None
                continue
            assert (doc._.xner_alignment.links == other._.xner_alignment.links).all()
            # sums over other batches may differ in the last bits
            assert doc._.xner_alignment.scores == pytest.approx(other._.xner_alignment.scores)
    two = as_bytes(teacher.pipe(texts, batch_size=4, n_process=2))
    assert two == as_bytes(teacher.pipe(texts, batch_size=4))


def test_saved_and_loaded_it_is_the_same_and_stands_alone(teacher, bitext, source_model, tmp_path):
    import shutil

    texts = ["Anna hitti Jon í París .", "Jon býr í London ."]
    before = as_bytes(teacher(t) for t in texts)
    teacher.to_disk(tmp_path / "teacher")
    for path in bitext:
        path.unlink()
    shutil.rmtree(source_model)
    loaded = spacy.load(tmp_path / "teacher")
    assert as_bytes(loaded(t) for t in texts) == before
    blank = spacy.util.load_model_from_config(teacher.config, auto_fill=True)
    assert as_bytes(blank.from_bytes(teacher.to_bytes()).pipe(texts)) == before


def test_sentences_are_translated_and_aligned_one_by_one(bitext, source_model):
    nlp = build(bitext, source_model)
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp("Anna býr í París . Jon vinnur hjá Marel . Það rignir .")
    assert [s.text.strip() for s in doc._.xner_source.sents] == [
        "Anna lives in Paris .",
        "Jon works for Marel .",
        "It is raining .",
    ]
    assert ents(doc) == [("Anna", "PER"), ("París", "LOC"), ("Jon", "PER"), ("Marel", "ORG")]
    bounds = [(s.start, s.end) for s in doc.sents]
    source_bounds = [(s.start, s.end) for s in doc._.xner_source.sents]
    for i, j in doc._.xner_alignment.links.tolist():
        k = next(n for n, (a, b) in enumerate(bounds) if a <= j < b)
        assert source_bounds[k][0] <= i < source_bounds[k][1]


def test_a_docbin_keeps_the_whole_reading(teacher):
    docs = list(teacher.pipe(["Anna býr í París .", "Óþekkt ."]))
    data = DocBin(store_user_data=True, docs=docs).to_bytes()
    found = list(DocBin().from_bytes(data).get_docs(teacher.vocab))
    assert ents(found[0]) == ents(docs[0])
    assert found[0]._.xner_source.text == "Anna lives in Paris ."
    assert found[0]._.xner_alignment == docs[0]._.xner_alignment
    assert found[1]._.xner_source is None


def test_low_scores_become_missing_values(bitext, source_model):
    nlp = build(bitext, source_model)
    nlp.get_pipe("xner_projector").min_score = 1.1
    doc = nlp("Anna býr í París .")
    assert ents(doc) == []
    assert [t.ent_iob for t in doc] == [0, 2, 2, 0, 2]
    reasons = [u["reason"] for u in doc.spans[SPANS_KEY].attrs["unprojected"]]
    assert reasons == ["low_score", "low_score"]


def test_the_error_handler_is_spacys(teacher):
    failed = []
    teacher.get_pipe("xner_translator").part.missing = "error"
    teacher.set_error_handler(lambda name, pipe, docs, error: failed.append((name, len(docs))))
    done = list(teacher.pipe(["Óþekkt .", "Anna býr í París ."], batch_size=1))
    assert [d.text for d in done] == ["Anna býr í París ."]
    assert failed == [("xner_translator", 1)]


def test_a_missing_source_pipeline_is_named():
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_annotator", config={"model": "/no/such/model"})
    with pytest.raises(XnerError, match="/no/such/model"):
        nlp.initialize()


def test_an_aligner_that_learns_needs_a_bitext():
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_aligner")
    with pytest.raises(XnerError, match="learns from a bitext"):
        nlp.initialize()


def test_unknown_label_map():
    with pytest.raises(XnerError, match=r"'conl'.*conll"):
        spacy.blank("is").add_pipe("xner_annotator", config={"label_map": "conl"})


def test_components_say_what_they_need():
    nlp = spacy.blank("is")
    for name in ("xner_translator", "xner_annotator", "xner_aligner", "xner_projector"):
        nlp.add_pipe(name)
    report = nlp.analyze_pipes()
    assert not any(report["problems"].values())
    nlp.remove_pipe("xner_translator")
    assert any(nlp.analyze_pipes()["problems"].values())


def test_source_entities_may_be_given(bitext):
    """Labelled English goes in as it is: an annotator without a model keeps what the source Doc has."""
    from spacy.tokens import Span

    source, target = bitext
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_annotator", config={"model": None, "label_map": "ontonotes"})
    nlp.add_pipe("xner_aligner")
    nlp.add_pipe("xner_projector")
    nlp.config["initialize"]["components"]["xner_aligner"] = {
        "source": str(source),
        "target": str(target),
    }
    nlp.initialize()
    doc = nlp.make_doc("Anna býr í París .")
    english = spacy.blank("en")("Anna lives in Paris .")
    english.set_ents([Span(english, 0, 1, "PERSON"), Span(english, 3, 4, "GPE")])
    doc._.xner_source = english
    assert ents(nlp(doc)) == [("Anna", "PER"), ("París", "LOC")]
