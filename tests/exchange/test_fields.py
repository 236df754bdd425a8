"""The files that are written, field by field as the tools document them; and files of the tools that are not ours."""

import json
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc

from tests.exchange.corpora import VOCAB, came_back, exported, known, make_doc, write_run
from xner_spacy.docdata import SPANS_KEY, correction_of
from xner_spacy.exchange.tickets import parse_ticket

WORDS = ["Anna", "á", "😊", "x_y", "."]
SPACES = [True, True, True, False, False]
TEXT = "Anna á 😊 x_y."


@pytest.fixture()
def run(tmp_path: Path) -> Path:
    doc = make_doc((WORDS, SPACES, [(0, 1, "PER"), (2, 4, "WORK OF ART")]), reading="Anna has x_y .")
    doc.spans[SPANS_KEY].attrs["unprojected"] = [{"start": 2, "end": 3, "label": "ORG", "reason": "no_links"}]
    return write_run(tmp_path, [doc])


def test_prodigy(run: Path, tmp_path: Path) -> None:
    [line] = exported(run, tmp_path / "out", "prodigy").read_text("utf8").splitlines()
    task = json.loads(line)
    assert parse_ticket(task.pop("xner")).words_and_spaces(TEXT) == (WORDS, SPACES)
    assert task == {
        "text": TEXT,
        "tokens": [
            {"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": True},
            {"text": "á", "start": 5, "end": 6, "id": 1, "ws": True},
            {"text": "😊", "start": 7, "end": 8, "id": 2, "ws": True},
            {"text": "x_y", "start": 9, "end": 12, "id": 3, "ws": False},
            {"text": ".", "start": 12, "end": 13, "id": 4, "ws": False},
        ],
        # The last token counts in.
        "spans": [
            {"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PER", "score": 0.9},
            {"start": 7, "end": 12, "token_start": 2, "token_end": 3, "label": "WORK OF ART", "score": 0.8},
        ],
        "meta": {"reading": "Anna has x_y .", "not projected": "x_y (ORG): no_links", "score": 0.8},
    }


def test_label_studio(run: Path, tmp_path: Path) -> None:
    [task] = json.loads(exported(run, tmp_path / "out", "label-studio").read_text("utf8"))
    assert task["data"].keys() == {"text", "reading", "not_projected", "xner"}
    [prediction] = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("xner", 0.8)
    assert prediction["result"][1] == {
        "id": "span-1",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "score": 0.8,
        "value": {"start": 7, "end": 12, "text": "😊 x_y", "labels": ["WORK OF ART"]},
    }
    interface = (tmp_path / "out" / "interface.xml").read_text("utf8")
    assert '<Labels name="label" toName="text">' in interface and '<Label value="WORK OF ART"/>' in interface


def test_inception(run: Path, tmp_path: Path) -> None:
    """Offsets count UTF-16 units; two empty lines after the head; none at the end."""
    text = exported(run, tmp_path / "out", "inception").read_text("utf8")
    [ticket] = [line.partition("=")[2] for line in text.splitlines() if line.startswith("#Sentence.id=")]
    assert ticket.replace("-", "").isalnum()
    assert text == (
        "#FORMAT=WebAnno TSV 3.3\n"
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|value\n\n\n"
        f"#Sentence.id={ticket}\n"
        f"#Text={TEXT}\n"
        "1-1\t0-4\tAnna\tPER\t\n"
        "1-2\t5-6\tá\t_\t\n"
        "1-3\t7-9\t😊\tWORK OF ART[1]\t\n"
        "1-4\t10-13\tx_y\tWORK OF ART[1]\t\n"
        "1-5\t13-14\t.\t_\t\n"
    )
    assert (tmp_path / "out" / "readings.txt").read_text("utf8") == "1\tAnna has x_y . [x_y (ORG): no_links]\n"


def test_inception_of_other_projects(tmp_path: Path) -> None:
    """Other layers beside the names, stacked names, parts of tokens, escaped signs, and a sentence of two lines."""
    path = tmp_path / "ada.tsv"
    path.write_text(
        "#FORMAT=WebAnno TSV 3.2\n"
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue|coarseValue\n"
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value\n\n\n"
        "#Text=Frú Anna\n#Text=svaf\n"
        "1-1\t0-3\tFrú\tN\t*\t*[1]|*[2]\tPER[1]|a\\|b\\_c[2]\t\n"
        "1-2\t4-8\tAnna\tN\t*\t*[1]\tPER[1]\t\n"
        "1-3\t9-13\tsvaf\tV\t*\t_\t_\t\n"
        "1-3.1\t9-11\tsv\t_\t_\t*\tLOC\t\n\n"
        "#Text=París\n"
        "2-1\t14-19\tParís\tN\t*\t*\tLOC\t\n",
        "utf8",
    )
    back, counts = came_back(path, tmp_path, "inception")
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in back] == [
        [("Frú Anna", "PER"), ("svaf", "LOC")],
        [("París", "LOC")],
    ]
    assert counts["entities left out: another one overlaps them"] == counts["spans widened to whole tokens"] == 1


def test_doccano(run: Path, tmp_path: Path) -> None:
    [line] = exported(run, tmp_path / "out", "doccano").read_text("utf8").splitlines()
    task = json.loads(line)
    assert (task["text"], task["label"]) == (TEXT, [[0, 4, "PER"], [7, 12, "WORK OF ART"]])
    assert (task["reading"], task["scores"]) == ("Anna has x_y .", "0.90, 0.80")
    labels = json.loads((tmp_path / "out" / "labels.json").read_text("utf8"))
    assert [label["text"] for label in labels] == ["PER", "LOC", "WORK OF ART"]


@pytest.mark.parametrize("start, end", [(7, 10), (8, 11)])
def test_offsets_of_javascript(start: int, end: int, tmp_path: Path) -> None:
    """Old versions of Label Studio count UTF-16 units, new ones code points; the text says which it was."""
    region: Any = {"value": {"start": start, "end": end, "text": "Jón", "labels": ["PER"]}}
    task = {"data": {"text": "Hæ 😊 á Jón"}, "annotations": [{"result": [region]}]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]), "utf8")
    [doc], _ = came_back(tmp_path / "tasks.json", tmp_path, "label-studio")
    assert [ent.text for ent in doc.ents] == ["Jón"]


def test_a_text_of_several_tokens_of_white_space(tmp_path: Path) -> None:
    """A run with odd tokens comes back from a column file that shows them as underscores."""
    doc = Doc(VOCAB, words=["a", "\n", " ", "b", "\t"], spaces=[True, False, False, True, False])
    run = write_run(tmp_path, [doc])
    path = exported(run, tmp_path / "out", "iob2")
    assert [line.partition("\t")[0] for line in path.read_text("utf8").splitlines() if "\t" in line] == [*"a__b_"]
    back, _ = came_back(path, tmp_path, "iob2")
    assert known(back) == known([doc]) and correction_of(back[0]).status == "corrected"
