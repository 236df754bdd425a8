"""Files that are not what they should be: one message with the place, or a counted rule. Nothing is written then."""

import json
from pathlib import Path
from typing import Any, Callable, List

import pytest

from tests.exchange.corpora import (
    LABELS,
    MAIN,
    answer_all,
    came_back,
    exported,
    known,
    make_doc,
    write_records,
    write_run,
)
from xner_spacy.docdata import correction_of
from xner_spacy.errors import InputError, XnerError
from xner_spacy.exchange import corrections as rules
from xner_spacy.exchange.corrections import import_corrections

SENTENCES = [
    (["Anna", "hitti", "Jón", "í", "París", "."], [True] * 4 + [False, False], [(0, 1, "PER"), (4, 5, "LOC")]),
    (["Það", "rignir", "."], [True, False, False], []),
    (["Jón", "svaf", "."], [True, False, False], [(0, 1, "PER")]),
]
JSON_TOOLS = ("prodigy", "label-studio", "doccano", "argilla")


def answered(tool: str, folder: Path, change: Callable[[Any], None] = lambda record: None) -> Path:
    """RETURNS (Path): An export of three sentences, each accepted."""
    run = write_run(folder, [make_doc(sentence) for sentence in SENTENCES])
    path = exported(run, folder / "out", tool)
    answer_all(tool, path, change)
    return path


def records_of(tool: str, path: Path) -> List[Any]:
    text = path.read_text(encoding="utf8")
    return [json.loads(line) for line in text.splitlines()] if tool in ("prodigy", "doccano") else json.loads(text)


def refused(path: Path, tool: str, **options: Any) -> str:
    """RETURNS (str): The message for a file. Nothing is written."""
    with pytest.raises(XnerError) as caught:
        import_corrections(path, path.parent / "no.spacy", tool=tool, **options)
    assert not (path.parent / "no.spacy").exists()
    return str(caught.value)


@pytest.mark.parametrize("tool", MAIN)
@pytest.mark.parametrize("named", MAIN)
def test_a_file_of_another_tool(tool: str, named: str, tmp_path: Path) -> None:
    path = answered(tool, tmp_path)
    if tool != named:
        message = refused(path, named)
        assert f"xner import --from {tool}" in message and str(path) in message


@pytest.mark.parametrize("tool", MAIN)
def test_an_export_that_is_cut_short(tool: str, tmp_path: Path) -> None:
    """Anywhere: it is refused with its place, or the missing sentences are counted."""
    path = answered(tool, tmp_path)
    whole = path.read_text(encoding="utf8").rstrip()
    for end in range(len(whole) - 1, 0, -max(len(whole) // 12, 1)):
        path.write_text(whole[:end], encoding="utf8", newline="\n")
        try:
            back, counts = came_back(path, tmp_path, tool)
        except InputError as error:
            assert str(path) in str(error)
        else:
            kept = [text for text, *_ in known(back)]
            texts = [make_doc(sentence).text for sentence in SENTENCES]
            edited = counts.get(rules.EDITED, 0)
            assert len(kept) + counts.get(rules.NOT_BACK, 0) == len(SENTENCES)
            # IOB2 has no other sign of its end than the text above the sentence.
            assert edited or set(kept) <= set(texts)


@pytest.mark.parametrize("tool", JSON_TOOLS)
def test_a_broken_record_is_named(tool: str, tmp_path: Path) -> None:
    path = answered(tool, tmp_path)
    for broken in ("{", "[1]", "7", '{"text": 3, "data": 3, "fields": 3}'):
        records = records_of(tool, path)
        lines = [json.dumps(records[0]), broken]
        is_lines = tool in ("prodigy", "doccano")
        other = tmp_path / "broken"
        other.write_text("\n".join(lines) if is_lines else f"[{','.join(lines)}]", encoding="utf8")
        assert f"{other}:2: " in refused(other, tool) or f"{other} (task 2): " in refused(other, tool)


@pytest.mark.parametrize("tool", MAIN)
def test_unknown_labels(tool: str, tmp_path: Path) -> None:
    path = answered(tool, tmp_path)
    message = refused(path, tool, labels=["LOC"])
    assert "unknown label 'PER'; expected LOC." in message and str(path) in message
    _, counts = came_back(path, tmp_path, tool, labels=list(LABELS))
    assert counts["entities"] == 3


@pytest.mark.parametrize(
    "tool, value",
    [
        ("prodigy", {"spans": [{"start": 0, "end": 99, "label": "PER"}]}),
        ("prodigy", {"spans": [{"start": 0, "end": 4}]}),
        ("prodigy", {"spans": 3}),
        ("prodigy", {"answer": "perhaps"}),
        ("doccano", {"label": [[0, 99, "PER"]]}),
        ("doccano", {"label": [[0, 4, 7]]}),
        ("doccano", {"label": ["PER"]}),
        ("label-studio", {"annotations": [7]}),
        ("label-studio", {"annotations": [{"result": 7}]}),
        ("label-studio", {"annotations": [{"result": [{"value": {"start": 0, "end": 99, "labels": ["PER"]}}]}]}),
        ("label-studio", {"annotations": [{"result": [{"value": {"start": 0, "end": 4, "text": "x", "labels": ["PER"]}}]}]}),
        ("argilla", {"responses": [{"values": {}}]}),
        ("argilla", {"responses": {"entities": [{"value": [[0, 4]], "status": "submitted"}]}}),
        ("argilla", {"responses": {"entities": [{"value": [], "status": "odd"}]}}),
    ],
)  # fmt: skip
def test_odd_values_are_named(tool: str, value: Any, tmp_path: Path) -> None:
    path = answered(tool, tmp_path)
    records = records_of(tool, path)
    records[1].update(value)
    write_records(tool, path, records)
    message = refused(path, tool)
    assert f"{path}:2: " in message or f"{path} (task 2): " in message


def test_old_versions(tmp_path: Path) -> None:
    path = answered("inception", tmp_path)
    path.write_text(path.read_text("utf8").replace("TSV 3.3", "TSV 3.1"), "utf8")
    assert "is of WebAnno TSV 3.1; 3.2 and 3.3 are read" in refused(path, "inception")
    path.write_text(
        json.dumps({"text": "Anna", "annotations": [{"label": 2, "start_offset": 0, "end_offset": 4}]}), "utf8"
    )
    assert "numbers in place of labels" in refused(path, "doccano")
    path.write_text(json.dumps([{"data": {"text": "Anna"}, "completions": []}]), "utf8")
    assert "before 1.0" in refused(path, "label-studio")


def test_answers_are_told_apart(tmp_path: Path) -> None:
    answers = iter(("accept", "reject", "ignore"))
    path = answered("prodigy", tmp_path, lambda record: record.update(answer=next(answers)))
    back, counts = came_back(path, tmp_path, "prodigy")
    assert len(back) == 1
    assert counts["sentences left out: rejected"] == counts["sentences left out: skipped"] == 1
    back, counts = came_back(path, tmp_path, "prodigy", keep_all=True)
    assert sorted(correction_of(doc).status for doc in back) == ["corrected", "rejected", "skipped"]
    assert all(not token.ent_iob for doc in back[1:] for token in doc) and counts["sentences"] == 3


@pytest.mark.parametrize("tool", JSON_TOOLS)
def test_nobody_has_answered(tool: str, tmp_path: Path) -> None:
    """Of doccano it can't be said: only the approved texts should be exported."""
    run = write_run(tmp_path, [make_doc(sentence) for sentence in SENTENCES])
    path = exported(run, tmp_path / "out", tool)
    if tool == "doccano":
        assert came_back(path, tmp_path, tool)[1]["sentences"] == 3
    else:
        assert "nobody has answered: 3" in refused(path, tool)


def test_other_ways_to_skip_and_reject(tmp_path: Path) -> None:
    path = answered("doccano", tmp_path)
    records = records_of("doccano", path)
    records[0]["Comments"], records[1]["Comments"] = ["Rejected "], ["nice", "skipped"]
    write_records("doccano", path, records)
    counts = came_back(path, tmp_path, "doccano")[1]
    assert (counts["sentences"], counts["sentences left out: rejected"]) == (1, 1)
    path = answered("label-studio", tmp_path)
    records = records_of("label-studio", path)
    records[0]["annotations"][0]["was_cancelled"] = True
    records[1]["annotations"][0]["result"].append({"from_name": "verdict", "value": {"choices": ["rejected"]}})
    write_records("label-studio", path, records)
    counts = came_back(path, tmp_path, "label-studio")[1]
    assert (counts["sentences left out: skipped"], counts["sentences left out: rejected"]) == (1, 1)
    path = answered("iob2", tmp_path)
    path.write_text("# status = rejected\n" + path.read_text("utf8"), "utf8")
    assert came_back(path, tmp_path, "iob2")[1]["sentences left out: rejected"] == 1


def test_two_annotators(tmp_path: Path) -> None:
    """Both are kept, and it is counted where they disagree; the last answer of one annotator counts."""
    path = answered("prodigy", tmp_path)
    first, second, third = records_of("prodigy", path)
    others = [
        {**first, "_annotator_id": "ben", "spans": []} if first["spans"] else {**first, "_annotator_id": "ben"},
        {**second, "_annotator_id": "ben"},
        {**third},
        {**third, "spans": [{"start": 0, "end": 3, "label": "WORK OF ART"}]},
    ]
    write_records("prodigy", path, [first, second, third, *others])
    back, counts = came_back(path, tmp_path, "prodigy")
    assert counts["sentences"] == len(back) == 5
    assert counts.get(rules.DISAGREE, 0) + counts[rules.AGREE] == 2
    assert (counts[rules.SAME_AGAIN], counts[rules.REPLACED]) == (1, 1)
    last = [doc for doc in back if doc.text == third["text"]]
    assert [[ent.label_ for ent in doc.ents] for doc in last] == [["WORK OF ART"]]
    assert {correction_of(doc).annotator for doc in back} == {"corrected-ada", "ben"}


def test_a_folder_of_annotators(tmp_path: Path) -> None:
    path = answered("doccano", tmp_path)
    folder = tmp_path / "members"
    folder.mkdir()
    text = path.read_text("utf8")
    (folder / "ada.jsonl").write_text(text, "utf8")
    (folder / "ben.jsonl").write_text(text.replace("LOC", "PER"), "utf8")
    back, counts = came_back(folder, tmp_path, "doccano")
    assert counts[rules.DISAGREE] == 1 and counts[rules.AGREE] == 2
    assert sorted(correction_of(doc).annotator for doc in back) == ["ada"] * 3 + ["ben"] * 3


def test_spans_are_widened_and_edited_text_is_noticed(tmp_path: Path) -> None:
    path = answered("doccano", tmp_path)
    records = records_of("doccano", path)
    place = next(k for k, record in enumerate(records) if record["text"].startswith("Anna"))
    records[place]["label"] = [[1, 3, "PER"], [5, 16, "LOC"]]
    records[place - 1]["text"] += " Já!"
    write_records("doccano", path, records)
    back, counts = came_back(path, tmp_path, "doccano", run=tmp_path / "run.spacy")
    assert counts[rules.EDITED] == 1 and counts["spans widened to whole tokens"] == 1
    anna = next(doc for doc in back if doc.text.startswith("Anna"))
    assert [(ent.text, ent.label_) for ent in anna.ents] == [("Anna", "PER"), ("hitti Jón í", "LOC")]
    assert [correction_of(doc).is_edited for doc in back].count(True) == 1


def test_tokens_that_no_longer_fit(tmp_path: Path) -> None:
    path = answered("doccano", tmp_path)
    records = records_of("doccano", path)
    records[0]["xner"] = records[0]["xner"].rpartition("-")[0] + "-3s99n"
    write_records("doccano", path, records)
    back, counts = came_back(path, tmp_path, "doccano")
    assert counts[rules.TOKENS_GONE] == 1 and len(back) == 3


def test_another_corpus(tmp_path: Path) -> None:
    path = answered("prodigy", tmp_path)
    (tmp_path / "other").mkdir()
    other = write_run(tmp_path / "other", [make_doc(SENTENCES[1])])
    assert "comes from another corpus" in refused(path, "prodigy", run=other)


def test_what_xner_did_not_export(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"text": "Anna svaf.", "label": [[0, 4, "PER"]]}\n' * 2, "utf8")
    back, counts = came_back(path, tmp_path, "doccano")
    assert counts[rules.NO_TICKET] == 2 and [doc.ents[0].text for doc in back] == ["Anna", "Anna"]


def test_iob2_that_was_edited(tmp_path: Path) -> None:
    path = answered("iob2", tmp_path)
    text = path.read_text("utf8")
    path.write_text(text.replace("Það\tO", "I-PER\tI-PER"), "utf8")
    assert "opens an entity" in refused(path, "iob2")
    path.write_text(text.replace("Það\tO", "Það"), "utf8")
    assert "is no token and its tag" in refused(path, "iob2")
    path.write_text(text.replace("Það\tO", "Thað\tB-PER").replace(' "Það', ' "Thað'), "utf8")
    assert came_back(path, tmp_path, "iob2")[1][rules.EDITED] == 1


def test_empty_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "array").write_text("[]")
    (tmp_path / "folder").mkdir()
    for name, tool in (("empty", "prodigy"), ("empty", "iob2"), ("array", "argilla"), ("folder", "doccano")):
        assert "empty" in refused(tmp_path / name, tool)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for tool in MAIN:
        assert "binary" in refused(tmp_path / "binary", tool)
