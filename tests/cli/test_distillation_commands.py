"""The commands `distill`, `retype`, `select`, `calibrate` and `vectors`."""

import subprocess
import sys

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from tests.distillation.test_retyping import with_readings
from xner_spacy.cli.app import run
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.types import TokenLabels

VOCAB = spacy.blank("xx").vocab


def corpus(path, mass, n=4):
    docs = []
    for k in range(n):
        doc = Doc(VOCAB, words=["Anna", "sings"])
        doc.set_ents([Span(doc, 0, 1, label="PER")], default="outside")
        first = [1 - mass[k % len(mass)], mass[k % len(mass)], 0]
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], np.array([first, [1, 0, 0]])))
        docs.append(doc)
    write_docbin(path, docs)
    return str(path)


def test_distill(tmp_path, capsys):
    a = corpus(tmp_path / "a.spacy", [0.2])
    b = corpus(tmp_path / "b.spacy", [0.6])
    out = tmp_path / "out.spacy"
    assert run(["distill", a, b, "-o", str(out)]) == 0
    doc = next(read_docs(out, VOCAB))
    assert get_soft(doc).probs[0, 1] == pytest.approx(0.4, abs=1e-3)
    assert not doc.ents
    assert run(["distill", a, b, "-o", str(out), "--weights", "0,3"]) == 0
    assert [e.text for e in next(read_docs(out, VOCAB)).ents] == ["Anna"]
    assert run(["distill", a, b, "-o", str(out), "--keep-entities"]) == 0
    assert [e.text for e in next(read_docs(out, VOCAB)).ents] == ["Anna"]
    for text, name in (("Anna works\nBo sings\n", "near.txt"), ("qq zz\nww vv\n", "far.txt")):
        (tmp_path / name).write_text(text * 20, "utf8")
    sources = ["--source", str(tmp_path / "near.txt"), "--source", str(tmp_path / "far.txt")]
    for kind in ("similarity", "similarity-sentence"):
        assert run(["distill", a, b, "-o", str(out), "-w", kind, *sources]) == 0
        # The first teacher's language is the nearer one.
        assert get_soft(next(read_docs(out, VOCAB))).probs[0, 1] < 0.4
    capsys.readouterr()
    wrong_numbers = ["1", "x,y", "nan,1", "inf,1", "-1,2", "0,0", "1e308,1e308", "1,", ""]
    for wrong in (*(["-w", numbers] for numbers in wrong_numbers), ["-w", "similarity"]):
        assert run(["distill", a, b, "-o", str(out), *wrong]) == 1
        assert "weights" in capsys.readouterr().err
    (tmp_path / "far.txt").write_text("\n \n")
    assert run(["distill", a, b, "-o", str(out), "-w", "similarity", *sources]) == 1
    assert "far.txt: has no text" in capsys.readouterr().err
    assert run(["distill", a, "-o", str(out), "-w", "similarity", *sources[:2]]) == 1
    assert "--weights similarity needs two teachers" in capsys.readouterr().err
    short = corpus(tmp_path / "short.spacy", [0.6], n=2)
    assert run(["distill", a, short, "-o", str(out)]) == 1
    assert "different numbers" in capsys.readouterr().err


def bare(path, entities=True, n=4):
    docs = []
    for _ in range(n):
        doc = Doc(VOCAB, words=["Anna", "sings"])
        ents = [Span(doc, 0, 1, label="PER")] if entities else []
        doc.set_ents(ents, default="outside")
        docs.append(doc)
    write_docbin(path, docs)
    return str(path)


def test_retype(tmp_path, capsys):
    docs = []
    for words, masses in (
        (["Museveni", "sings"], [0.3, 0.6]),
        (["Yoweri", "Museveni", "sings"], [0.9, 0.0]),
        (["So", "Janet", "Museveni", "sang"], [0.9, 0.0]),
    ):
        doc = Doc(VOCAB, words=words)
        probs = np.zeros((len(words), 5))
        for k, word in enumerate(words):
            inside = word == "Museveni" and len(words) > 2
            if word in ("Museveni", "Yoweri", "Janet"):
                probs[k, [2, 4] if inside else [1, 3]] = masses
            probs[k, 0] = 1 - probs[k].sum()
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], probs))
        docs.append(doc)
    docs[0].set_ents([Span(docs[0], 0, 1, label="LOC")])
    labelled, out = tmp_path / "labelled.spacy", tmp_path / "out"
    write_docbin(labelled, docs)
    assert run(["retype", str(labelled), "-o", str(out)]) == 0
    assert "3 sentences, 1 of 3 names with another type" in capsys.readouterr().err
    first = next(read_docs(out, VOCAB))
    assert [(entity.text, entity.label_) for entity in first.ents] == [("Museveni", "PER")]
    assert get_soft(first).probs[0, 0] == pytest.approx(0.1, abs=1e-2)
    config = tmp_path / "retyper.cfg"
    config.write_text('[retyper]\n@xner_retypers = "xner.NameTypes.v1"\nweight = 0.0\n')
    assert run(["retype", str(labelled), "-o", str(out), "--config", str(config)]) == 0
    assert "0 of 3 names" in capsys.readouterr().err
    config.write_text('[retyper]\n@xner_retypers = "xner.NameTypes.v1"\nweight = -1.0\n')
    assert run(["retype", str(labelled), "-o", str(out), "--config", str(config)]) == 1
    assert "weight -1.0" in capsys.readouterr().err
    for doc in docs:
        set_soft(doc, None)
    write_docbin(labelled, docs)
    before = (out / "manifest.json").read_bytes()
    assert run(["retype", str(labelled), "-o", str(out)]) == 1
    assert "labelled.spacy: has no names with distributions" in capsys.readouterr().err
    assert (out / "manifest.json").read_bytes() == before


def test_retype_by_the_readings_too(tmp_path, capsys):
    labelled, out, teacher = tmp_path / "labelled.spacy", tmp_path / "out", tmp_path / "teacher"
    write_docbin(labelled, with_readings())
    assert [e.label_ for e in next(read_docs(labelled, VOCAB)).ents] == ["LOC"]
    retyper_nlp = spacy.blank("xx")
    retyper_nlp.add_pipe("xner_projector")
    retyper_nlp.to_disk(teacher)
    assert run(["retype", str(labelled), "-o", str(out), "--teacher", str(teacher)]) == 0
    assert "6 sentences" in capsys.readouterr().err
    assert [e.label_ for e in next(read_docs(out, VOCAB)).ents] == ["PER"]
    spacy.blank("xx").to_disk(teacher)
    assert run(["retype", str(labelled), "-o", str(out), "--teacher", str(teacher)]) == 1
    assert "has no xner_projector" in capsys.readouterr().err


def test_distill_without_distributions_is_an_error_that_names_the_shards(tmp_path, capsys):
    a, b = bare(tmp_path / "a.spacy"), corpus(tmp_path / "b.spacy", [0.6])
    out = tmp_path / "out.spacy"
    for teachers, named in (([a, a], a), ([b, a], a), ([a, b], a)):
        assert run(["distill", *teachers, "-o", str(out)]) == 1
        said = capsys.readouterr().err
        assert "No distributions in" in said and named in said and b not in said
        assert not out.exists()


def test_a_sentence_that_no_teacher_has_a_distribution_for_keeps_its_entities(tmp_path, capsys):
    some = tmp_path / "some.spacy"
    docs = [*read_docs(corpus(tmp_path / "a.spacy", [0.6], n=2), VOCAB)]
    docs += read_docs(bare(tmp_path / "b.spacy", n=1), VOCAB)
    write_docbin(some, docs)
    out = tmp_path / "out.spacy"
    assert run(["distill", str(some), str(some), "-o", str(out)]) == 0
    assert "1 of 3 sentences have no distribution" in "".join(capsys.readouterr())
    assert [[e.text for e in d.ents] for d in read_docs(out, VOCAB)] == [["Anna"]] * 3
    # So does one of which only a teacher without weight says something.
    full = corpus(tmp_path / "full.spacy", [0.1], n=3)
    assert run(["distill", str(some), full, "-o", str(tmp_path / "w"), "-w", "1,0"]) == 0
    assert "1 of 3 sentences have no distribution" in "".join(capsys.readouterr())


def test_select_where_nothing_says_how_sure_the_teacher_was(tmp_path, capsys):
    out = tmp_path / "out.spacy"
    assert run(["select", bare(tmp_path / "a.spacy"), str(out)]) == 1
    assert "how sure" in capsys.readouterr().err
    assert not out.exists()


def test_select_with_scores_that_are_none(tmp_path, capsys):
    doc = Doc(VOCAB, words=["Anna", "sings"])
    for scores in ([], [0.5, 0.5], ["x"], "x", [float("nan")]):
        doc.spans["xner"] = [Span(doc, 0, 1, label="PER")]
        doc.spans["xner"].attrs["scores"] = scores
        write_docbin(tmp_path / "a.spacy", [doc])
        assert run(["select", str(tmp_path / "a.spacy"), str(tmp_path / "out.spacy")]) == 1
        assert "do not have a score each" in capsys.readouterr().err


def test_distill_with_the_bias_of_a_student(tmp_path, capsys):
    teachers = [corpus(tmp_path / f"{mass}.spacy", [mass]) for mass in (0.2, 0.6)]
    nlp = spacy.blank("xx")
    student = nlp.add_pipe("xner_student")
    student.add_label("PER")
    nlp.initialize()
    out, model = tmp_path / "out.spacy", tmp_path / "model"
    for bias, found in ((0.0, []), (1.0, ["Anna"])):
        student.cfg["bias"] = bias
        nlp.to_disk(model)
        assert run(["distill", *teachers, "-o", str(out), "--bias-of", str(model)]) == 0
        doc = next(read_docs(out, VOCAB))
        assert [e.text for e in doc.ents] == found
        assert get_soft(doc).probs[0, 1] == pytest.approx(0.4, abs=1e-3)
    spacy.blank("xx").to_disk(tmp_path / "blank")
    capsys.readouterr()
    assert run(["distill", *teachers, "-o", str(out), "--bias-of", str(tmp_path / "blank")]) == 1
    assert "no xner_student" in capsys.readouterr().err


def test_select(tmp_path, capsys):
    a = corpus(tmp_path / "a.spacy", [0.1, 0.5])
    b = corpus(tmp_path / "b.spacy", [0.6])
    out = tmp_path / "out.spacy"
    assert run(["select", a, str(out), "--keep", "0.5"]) == 0
    assert [round(float(get_soft(d).probs[0, 0]), 1) for d in read_docs(out, VOCAB)] == [0.9, 0.9]
    assert run(["select", a, str(out), "--by", "agreement", "--other", b]) == 0
    assert len(list(read_docs(out, VOCAB))) == 4
    capsys.readouterr()
    for wrong in (["--by", "luck"], ["--by", "agreement"], ["--keep", "7"]):
        assert run(["select", a, str(out), *wrong]) == 1
        assert capsys.readouterr().err


def test_calibrate_and_select_by_language(tmp_path, capsys):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner_student")
    examples = [Example.from_dict(nlp.make_doc("Anna sings"), {"entities": [(0, 4, "PER")]}) for _ in "ab"]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(5):
        nlp.update(examples, sgd=optimizer)
    model = str(tmp_path / "model")
    nlp.to_disk(model)
    dev = corpus(tmp_path / "dev.spacy", [0.5])
    assert run(["calibrate", model, dev, "-o", str(tmp_path / "calibrated")]) == 0
    fitted = spacy.load(tmp_path / "calibrated").get_pipe("xner_student").cfg["temperature"]
    assert fitted != 1.0 and spacy.load(model).get_pipe("xner_student").cfg["temperature"] == 1.0
    arguments = ["--by", "language", "--model", model, "--other", dev, "--keep", "0.5"]
    assert run(["select", dev, str(tmp_path / "out.spacy"), *arguments]) == 0
    blank = tmp_path / "blank"
    spacy.blank("xx").to_disk(blank)
    capsys.readouterr()
    assert run(["calibrate", str(blank), dev]) == 1
    assert "no xner_student" in capsys.readouterr().err
    nothing = str(tmp_path / "nothing.spacy")
    write_docbin(nothing, [Doc(VOCAB, words=[])])
    assert run(["calibrate", model, nothing, "-o", str(tmp_path / "other")]) == 1
    assert "Nothing to fit to" in capsys.readouterr().err
    for empty, other in ((nothing, dev), (dev, nothing)):
        arguments = ["--by", "language", "--model", model, "--other", other]
        assert run(["select", empty, str(tmp_path / "out.spacy"), *arguments]) == 1
        assert "No tokens in the sentences" in capsys.readouterr().err


def test_vectors(tmp_path):
    pytest.importorskip("floret")
    (tmp_path / "en").write_text("the cat sleeps\nthe dog sleeps\n" * 20, "utf8")
    (tmp_path / "xx").write_text("ta kissa nuk\nta koira nuk\n" * 20, "utf8")
    (tmp_path / "links").write_text("0-0 1-1 2-2\n0-0 1-1 2-2\n" * 20, "utf8")
    out = tmp_path / "table.floret"
    sides = [str(tmp_path / "en"), str(tmp_path / "xx")]
    settings = ["--links", str(tmp_path / "links"), "--dim", "8", "--bucket", "500"]
    assert run(["vectors", *sides, "-o", str(out), *settings]) == 0
    first = out.read_bytes()
    assert run(["vectors", *sides, "-o", str(out), *settings]) == 0
    assert out.read_bytes() == first
    command = ["init", "vectors", "xx", str(out), str(tmp_path / "model"), "--mode", "floret"]
    subprocess.run([sys.executable, "-m", "spacy", *command], check=True, capture_output=True)
    vocab = spacy.load(tmp_path / "model").vocab
    assert vocab["kissa"].vector.shape == (8,) and vocab["kissa"].vector.any()


def test_vectors_without_floret(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "floret", None)
    for side in ("en", "xx"):
        (tmp_path / side).write_text("a b\n", "utf8")
    (tmp_path / "links").write_text("0-0\n", "utf8")
    sides = [str(tmp_path / "en"), str(tmp_path / "xx"), "--links", str(tmp_path / "links")]
    assert run(["vectors", *sides, "-o", str(tmp_path / "out")]) == 1
    assert "[vectors]" in capsys.readouterr().err


def test_split(tmp_path, capsys):
    words = [Doc(VOCAB, words=["Anna", str(k)]) for k in range(20)]
    a, b = tmp_path / "a.spacy", tmp_path / "b"
    write_docbin(a, words[:12])
    b.mkdir()
    write_docbin(b / "0.spacy", words[12:])
    soft = corpus(tmp_path / "soft.spacy", [0.2])
    train, dev = tmp_path / "train.spacy", tmp_path / "dev.spacy"
    command = ["split", str(a), str(b), soft, "--train", str(train), "--dev", str(dev)]
    assert run([*command, "--share", "0.5"]) == 0
    err = capsys.readouterr().err
    parts = [list(read_docs(path, VOCAB)) for path in (train, dev)]
    assert f"{len(parts[0])} sentences in {train}" in err
    assert f"{len(parts[1])} sentences in {dev}" in err
    assert len(parts[0]) + len(parts[1]) == 24 and 12 <= len(parts[1]) <= 16
    # What was projected comes along.
    same = [doc for part in parts for doc in part if doc[1].text == "sings"]
    assert len(same) == 4 and all(doc.ents and get_soft(doc) is not None for doc in same)
    before = a.read_bytes(), train.read_bytes()
    assert run(["split", str(a), str(b), "--train", str(a), "--dev", str(dev)]) == 1
    assert run(["split", str(a), "--train", str(train), "--dev", str(train)]) == 1
    assert capsys.readouterr().err.count("would be written over") == 2
    assert run([*command, "--share", "1"]) == 1
    assert "between 0 and 1" in capsys.readouterr().err
    assert (a.read_bytes(), train.read_bytes()) == before


def test_select_names_the_sentence_whose_soft_labels_can_not_be_read(tmp_path, capsys):
    path = corpus(tmp_path / "a.spacy", [0.9, 0.6, 0.3])
    docs = list(read_docs(path, spacy.blank("xx").vocab))
    docs[1].user_data["xner_soft"] = {"labels": ["O"]}
    write_docbin(path, docs)
    assert run(["select", str(path), str(tmp_path / "b.spacy")]) == 1
    assert "a.spacy, sentence 2: Soft labels that can't be read" in capsys.readouterr().err
