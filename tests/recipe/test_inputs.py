"""What lies in the folders of a project comes to its corpus, and the summary says what became of it."""

import json

import pytest

from tests.recipe.projects import docs, lines, make_project, tagged, texts
from xner_spacy.recipe.inputs import gather_inputs

BITEXT = {
    "bitext/train.en": ["Ada sees Kampala.", "Hello world.", "", "Good night."],
    "bitext/train.lug": ["Ada alaba Kampala.", "Wasuze otya nno.", "", "Sula bulungi."],
}


def test_raw_text_becomes_sentences_with_places(tmp_path):
    root = make_project(
        tmp_path,
        {
            "text/list.txt": ["Ada alaba Kampala.", "Bob ali wano", "Bob ali wano"],
            "text/news/a.txt": ["Ada agenze. Bob asigadde.", "", "Jane ali Jinja. Ye asoma."],
            "text/README.md": "what goes here",
        },
    )
    summary = gather_inputs(root, "lug")
    assert texts(root, "text.spacy") == [
        *("Ada alaba Kampala.", "Bob ali wano", "Bob ali wano"),
        *("Ada agenze.", "Bob asigadde.", "Jane ali Jinja.", "Ye asoma."),
    ]
    places = [doc.user_data["xner_place"] for doc in docs(root, "text.spacy")]
    assert places[1] == {"file": "text/list.txt", "line": 2}
    assert places[4:6] == [
        {"file": "text/news/a.txt", "line": 1, "paragraph": 1},
        {"file": "text/news/a.txt", "line": 3, "paragraph": 2},
    ]
    assert all(token.ent_iob == 0 for doc in docs(root, "text.spacy") for token in doc)
    assert summary["text"]["files"]["text/list.txt"] == {"layout": "a sentence a line", "sentences": 3}
    assert summary["text"]["files"]["text/news/a.txt"] == {"layout": "a paragraph a line", "sentences": 4}
    assert summary["text"]["sentences"] == 7 and summary["text"]["duplicates"] == 1
    assert summary["road"] == "translator" and summary["labelled_text"] == "corpus/text.spacy"
    assert json.loads((root / "corpus/inputs.json").read_text(encoding="utf8")) == summary


def test_tokenised_text_keeps_its_tokens_and_loses_its_labels(tmp_path):
    root = make_project(tmp_path, {"text/a.iob": tagged("Ada/PER ali wano .", "don't/LOC go"), "text/b.txt": "A1. B2."})
    gather_inputs(root, "lug")
    all_docs = docs(root, "text.spacy")
    assert [[token.text for token in doc] for doc in all_docs[:2]] == [["Ada", "ali", "wano", "."], ["don't", "go"]]
    assert not any(doc.ents for doc in all_docs)
    assert all_docs[1].user_data["xner_place"] == {"file": "text/a.iob", "line": 6}
    again = make_project(tmp_path / "again", {"text/c.spacy": (root / "corpus/text.spacy").read_bytes()})
    assert gather_inputs(again, "lug")["text"]["sentences"] == len(all_docs)
    assert texts(again, "text.spacy") == texts(root, "text.spacy")


def test_bitext_alone_is_the_text(tmp_path):
    root = make_project(tmp_path, BITEXT)
    summary = gather_inputs(root, "lug")
    assert summary["text"]["from"] == "bitext"
    assert texts(root, "text.spacy") == texts(root, "translated.spacy") == lines(root, "bitext/target.txt")
    assert lines(root, "bitext/en.txt") == ["Ada sees Kampala.", "Hello world.", "Good night."]
    assert lines(root, "bitext/target.tok")[0] == "Ada alaba Kampala ."
    assert summary["bitext"]["left_out"] == {"lines left out: empty on both sides": 1}
    assert (summary["road"], summary["translated"], summary["translated_share"]) == ("bitext", 3, 1.0)


@pytest.mark.parametrize("names", [("en.txt", "lg.txt"), ("ENG.txt", "lug_Latn.txt"), ("news.en.txt", "news.lg.txt")])
def test_bitext_is_named_by_any_code(tmp_path, names):
    root = make_project(tmp_path, {f"bitext/{name}": BITEXT[key] for name, key in zip(names, BITEXT)})
    assert gather_inputs(root, "lug")["bitext"]["sentences"] == 3


def test_several_pairs_are_read_in_order(tmp_path):
    files = {**BITEXT, "bitext/dev.en": ["One."], "bitext/dev.lug": ["Emu."]}
    root = make_project(tmp_path, files)
    assert gather_inputs(root, "lug")["bitext"]["files"] == {"bitext/dev.lug": 1, "bitext/train.lug": 3}
    assert lines(root, "bitext/target.txt")[0] == "Emu."


def test_translated_sentences_are_labelled(tmp_path):
    iob = tagged("Ada/PER alaba Kampala.", "wasuze otya nno .", "tewali kivvuunula")
    root = make_project(tmp_path, {**BITEXT, "text/a.iob": iob})
    summary = gather_inputs(root, "lug")
    # Letters alone must match, as for `xner.Bitext.v1` with match = "letters".
    assert summary["translated"] == 2 and summary["road"] == "bitext"
    assert summary["labelled_text"] == "corpus/translated.spacy"
    assert len(docs(root, "translated.spacy")) == 2 and len(docs(root, "text.spacy")) == 3
    # The aligner learns from the text's own tokens.
    assert lines(root, "bitext/target.tok")[:2] == ["Ada alaba Kampala.", "wasuze otya nno ."]
    assert [token.text for token in docs(root, "bitext/target.spacy")[0]] == ["Ada", "alaba", "Kampala."]


def test_another_bitext_leads_to_the_other_road(tmp_path):
    root = make_project(tmp_path, {**BITEXT, "text/a.txt": ["Ekirala.", "Ekirala ennyo.", "Sula bulungi."]})
    summary = gather_inputs(root, "lug")
    assert (summary["translated"], summary["road"]) == (1, "transfer of bitext")
    assert summary["labelled_text"] == "corpus/bitext/target.spacy"
    assert texts(root, "bitext/target.spacy") == lines(root, "bitext/target.txt")
    assert not (root / "corpus/translated.spacy").exists()


def test_gold_and_corrected(tmp_path):
    root = make_project(
        tmp_path,
        {
            "text/a.txt": ["Ada ali wano.", "Bob agenze."],
            "gold/test.iob": tagged("Ada/PERSON ali wano .", "Kampala/GPE mu 1990/DATE"),
            "corrected/mine.iob": tagged("Ada/PER ali wano .", "Jane/PER asoma"),
        },
    )
    summary = gather_inputs(root, "lug")
    entities = [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs(root, "gold.spacy")]
    assert entities == [[("Ada", "PER")], [("Kampala", "LOC")]]
    assert summary["gold"]["labels"] == {"GPE": "LOC", "PERSON": "PER"}
    assert summary["gold"]["dropped"] == {"DATE": 1}
    assert summary["gold"]["also_in_text"] == 1 and summary["gold"]["translated"] == 0
    # What is tested is not trained on.
    assert texts(root, "corrected.spacy") == ["Jane asoma"]
    assert summary["corrected"]["left_out"] == {"sentences left out: also in gold/": 1}
    assert len(summary["warnings"]) == 2


def test_sources(tmp_path):
    sentences = [f"Ana{k}/PER anaishi Nairobi{k}/LOC" for k in range(20)]
    root = make_project(
        tmp_path,
        {
            "text/a.txt": ["Ada ali wano."],
            "sources/swa/train.txt": tagged(*sentences),
            "sources/swa/test.txt": "broken, but never read",
            "sources/swa/bitext/x.en": ["Ana0 lives (in) Nairobi0"],
            "sources/swa/bitext/x.sw": ["Ana0 anaishi Nairobi0"],
            "sources/hau/train.iob": tagged("Musa/PER ya tafi"),
            "sources/hau/dev.iob": tagged("Kano/LOC ne"),
        },
    )
    summary = gather_inputs(root, "lug")
    assert len(docs(root, "sources/swa/train.spacy")) == 18 and len(docs(root, "sources/swa/dev.spacy")) == 2
    assert summary["sources"]["swa"]["drawn_for_dev"] == 2
    assert lines(root, "sources/swa/en.tok") == ["Ana0 lives ( in ) Nairobi0"]
    assert texts(root, "sources/hau/dev.spacy") == ["Kano ne"]
    assert summary["not_read"] == {"sources/swa/test.txt": "the test set of a source language"}
    other = gather_inputs(root, "lug", seed=1)
    assert other["outputs"] != summary["outputs"]


def test_english_models(tmp_path):
    meta = json.dumps({"lang": "en", "name": "x"})
    root = make_project(
        tmp_path,
        {
            "text/a.txt": ["Ada ali wano."],
            "english/mine/meta.json": meta,
            "english/mine/config.cfg": "[nlp]",
            "english/mine/inner/meta.json": meta,
            "english/mine/inner/config.cfg": "[nlp]",
            "english/english.txt": ["# names", "en_core_web_sm", "dslim/bert-base-NER"],
        },
    )
    assert gather_inputs(root, "lug")["english"] == ["english/mine", "en_core_web_sm", "dslim/bert-base-NER"]


def test_nothing_is_done_twice(tmp_path):
    root = make_project(tmp_path, {**BITEXT, "gold/a.iob": tagged("Ada/PER")})
    first = gather_inputs(root, "lug")
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert gather_inputs(root, "lug") == first
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times
    # An output that was lost or changed is made again, byte for byte.
    (root / "corpus/text.spacy").write_bytes(b"")
    assert gather_inputs(root, "lug") == first
    # One that no input stands for any more is removed.
    (root / "gold/a.iob").unlink()
    assert "gold" not in gather_inputs(root, "lug")
    assert not (root / "corpus/gold.spacy").exists()


def test_a_broken_summary_is_made_anew(tmp_path):
    root = make_project(tmp_path, BITEXT)
    first = gather_inputs(root, "lug")
    (root / "corpus/inputs.json").write_text('{"identity": ')
    assert gather_inputs(root, "lug") == first
