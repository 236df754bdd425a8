"""Inputs that can't be used: one message with the place, and the corpus stays as it was."""

import errno
import os

import pytest

from tests.recipe.projects import make_project, tagged
from xner_spacy.corpora import writing
from xner_spacy.errors import XnerError
from xner_spacy.recipe.inputs import gather_inputs

TEXT = {"text/a.txt": ["Ada ali wano."]}


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CASES = {
    "no text at all": ({"text/README.md": "nothing yet"}, ["there is no text", "text/ as .txt"]),
    "only other forms": ({"text/a.pdf": b"%PDF"}, ["there is no text", "text/a.pdf"]),
    "only an empty file": ({"text/a.txt": ""}, ["there is no text"]),
    "text is a file": ({"text": "Ada ali wano."}, ["text: is a file", "text/text.txt"]),
    "a folder that is named as a file": ({"text/a.txt/b.txt": "x"}, ["a.txt: is a folder"]),
    "not UTF-8": ({"text/a.txt": b"fine\ncaf\xe9\n"}, ["a.txt:2: is not UTF-8", "iconv"]),
    "UTF-16": ({"text/a.txt": "Ada".encode("utf-16")}, ["a.txt:1:", "UTF-16"]),
    "broken DocBin": ({"text/a.spacy": b"no DocBin"}, ["a.spacy: is not a DocBin"]),
    "broken JSON lines": ({"text/a.jsonl": ['{"text": "Ada."}', '{"tekst": 1}']}, ["a.jsonl:2: has no 'text'"]),
    "lengths": (
        {"bitext/x.en": ["a", "b"], "bitext/x.lug": ["c"]},
        ["x.en:2", "x.en has 2 lines and x.lug has 1"],
    ),
    "one side": ({"bitext/x.en": ["a"]}, ["x.en: has no file", "NAME.lug"]),
    "another language": ({"bitext/en.txt": ["a"], "bitext/swa.txt": ["b"]}, ["swa.txt: its name", "lug.txt"]),
    "a side twice": (
        {"bitext/en.txt": ["a"], "bitext/lug.txt": ["b"], "bitext/lg.txt": ["b"]},
        ["has the same language", "Keep one"],
    ),
    "empty bitext": ({"bitext/en.txt": "", "bitext/lug.txt": ""}, ["lug.txt: is empty"]),
    "unknown labels": (
        {**TEXT, "gold/t.iob": tagged("Ada/PER", "x/ANIMAL y/ANIMAL z/PLANT")},
        ["t.iob: has unknown labels: 'ANIMAL' (2), 'PLANT' (1)", "Rename"],
    ),
    "raw gold": ({**TEXT, "gold/t.txt": ["Ada ali wano."]}, ["t.txt: holds no labelled sentences"]),
    "empty gold": ({**TEXT, "gold/t.iob": ""}, ["t.iob: is empty"]),
    "gold without tags": ({**TEXT, "gold/t.iob": ["Ada x", "ali y"]}, ["t.iob: has no column of tags"]),
    "source without a language": ({**TEXT, "sources/train.iob": tagged("A/PER")}, ["lies in no folder"]),
    "unknown source": ({**TEXT, "sources/qqqq/train.iob": tagged("A/PER")}, ["qqqq", "Unknown language"]),
    "the language itself": ({**TEXT, "sources/lg/train.iob": tagged("A/PER")}, ["is the language of the project"]),
    "too little of a source": (
        {**TEXT, "sources/swa/train.iob": tagged("A/PER", "A/PER")},
        ["swa: 2 sentences with 1 texts can't be split", "sources/swa/dev.iob"],
    ),
    "no training text": ({**TEXT, "sources/swa/test.iob": tagged("A/PER")}, ["swa: holds no labelled text"]),
    "a pipeline of another language": (
        {**TEXT, "english/m/meta.json": '{"lang": "sw"}', "english/m/config.cfg": ""},
        ["meta.json: is a pipeline of the language 'sw'"],
    ),
    "no model": ({**TEXT, "english/english.txt": "# none\n"}, ["english.txt: is empty"]),
    "not a model": ({**TEXT, "english/model.bin": b"x"}, ["model.bin: is neither"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message(tmp_path, case):
    files, expected = CASES[case]
    root = make_project(tmp_path, files)
    with pytest.raises(XnerError) as caught:
        gather_inputs(root, "lug")
    assert all(part in str(caught.value) for part in expected), str(caught.value)
    assert files_of(root / "corpus") == {}


@pytest.mark.parametrize(("lang", "expected"), [("luganda", "lug (Luganda)"), ("en", "English"), ("qqqq", "Unknown")])
def test_languages(tmp_path, lang, expected):
    with pytest.raises(XnerError, match=expected.replace("(", r"\(").replace(")", r"\)")):
        gather_inputs(make_project(tmp_path, TEXT), lang)


def test_the_next_run_goes_on(tmp_path):
    root = make_project(tmp_path, TEXT)
    first = gather_inputs(root, "lug")
    before = files_of(root / "corpus")
    make_project(tmp_path, {"gold/t.iob": tagged("x/ANIMAL")})
    with pytest.raises(XnerError, match="ANIMAL"):
        gather_inputs(root, "lug")
    assert files_of(root / "corpus") == before
    (root / "gold/t.iob").unlink()
    assert gather_inputs(root, "lug") == first


def test_what_a_killed_run_left_is_removed(tmp_path):
    root = make_project(tmp_path, {**TEXT, "corpus/.text.spacy.x1y2.part": "half", "corpus/sources/swa/tmpx.part": ""})
    gather_inputs(root, "lug")
    assert [path.name for path in files_of(root / "corpus")] == ["inputs.json", "text.spacy"]


def test_full_disk(tmp_path, monkeypatch):
    root = make_project(tmp_path, {**TEXT, "gold/t.iob": tagged("Ada/PER")})

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, "fsync", full)
        with pytest.raises(XnerError, match=r"could not be written \(No space left"):
            gather_inputs(root, "lug")
    assert files_of(root / "corpus") == {}
    assert gather_inputs(root, "lug")["gold"]["sentences"] == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_unreadable(tmp_path):
    root = make_project(tmp_path, TEXT)
    (root / "text/a.txt").chmod(0)
    with pytest.raises(XnerError, match=r"a\.txt: may not be read"):
        gather_inputs(root, "lug")


def test_a_broken_link(tmp_path):
    root = make_project(tmp_path, TEXT)
    (root / "text/b.txt").symlink_to(root / "nowhere")
    with pytest.raises(XnerError, match=r"b\.txt"):
        gather_inputs(root, "lug")


def test_links_in_a_circle_are_followed_once(tmp_path):
    root = make_project(tmp_path / "project", TEXT)
    (root / "text/again").symlink_to(root / "text")
    make_project(tmp_path / "elsewhere", {"b.txt": "Bob ali wano."})
    (root / "text/more").symlink_to(tmp_path / "elsewhere")
    assert list(gather_inputs(root, "lug")["text"]["files"]) == ["text/a.txt", "text/more/b.txt"]


def test_warnings_show_a_line(tmp_path):
    english = ["The man of the house was in the garden.", "It is with the dog that he was seen."]
    for folder, files, lang, expected in (
        (
            "english",
            {"text/a.txt": english},
            "lug",
            ["100% of the sentences look like English, not Luganda", "text/a.txt:1"],
        ),
        (
            "script",
            {"text/a.txt": ["Ada wuye Kano."]},
            "amh",
            ["not of a script in which Amharic", "Latin", "text/a.txt:1"],
        ),
        (
            "exchanged",
            {"bitext/lug.txt": english, "bitext/en.txt": ["Ada ali wano nnyo nnyo.", "Bob agenze e Jinja nga akeera."]},
            "lug",
            ["only 0% of the sentences look like English", "exchanged"],
        ),
        ("unread", {**TEXT, "text/b.docx": b"PK"}, "lug", ["text/b.docx: is not read"]),
        ("empty", {**TEXT, "text/b.txt": "\n"}, "lug", ["text/b.txt: is empty"]),
        ("no entities", {**TEXT, "gold/t.iob": tagged("Ada ali")}, "lug", ["gold/ holds no entity"]),
    ):
        warnings = "\n".join(gather_inputs(make_project(tmp_path / folder, files), lang)["warnings"])
        assert all(part in warnings for part in expected), (folder, warnings)


BAD_LINES = {"an empty token": " O", "no tag": "x", "an unknown tag": "x Z-PER", "a tag without a label": "x B-"}


@pytest.mark.parametrize("what", BAD_LINES)
@pytest.mark.parametrize("rows", [10, 6000])  # before and after the lines that tell the layout
def test_a_labelled_line_that_cant_be_read(tmp_path, what, rows):
    sound = ["Ada B-PER", "ali O", "wano O", ""] * (rows // 4)
    broken = ["Bob B-PER", BAD_LINES[what], ""]
    root = make_project(tmp_path, {**TEXT, "gold/t.iob": [*sound, *broken, *sound, *sound]})
    with pytest.raises(XnerError, match=rf"t\.iob:{len(sound) + 2}: ") as caught:
        gather_inputs(root, "lug")
    assert "--vars.broken skip" in caught.value.hint
    assert files_of(root / "corpus") == {}
    gold = gather_inputs(root, "lug", broken="skip")["gold"]
    assert gold["left_out"] == {"sentences left out: a line that can't be read": 1}
    assert gold["sentences"] == gold["entities"]["PER"] == 3 * (rows // 4)
    # The setting is a part of what the outputs depend on.
    with pytest.raises(XnerError):
        gather_inputs(root, "lug")


def test_a_line_that_cant_be_read_among_the_text_and_the_sources(tmp_path):
    rows = [row for k in range(5) for row in (f"Ada{k} B-PER", "ali O", "")]
    root = make_project(tmp_path, {"text/a.iob": [*rows, " O", ""], "sources/swa/train.iob": [*rows, "x", "", *rows]})
    summary = gather_inputs(root, "lug", broken="skip")
    assert summary["text"]["left_out"] == summary["sources"]["swa"]["train"]["left_out"]
    assert list(summary["text"]["left_out"].values()) == [1]
