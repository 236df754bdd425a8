"""What belongs to the identity of a run, what of the user's is left alone, and what one odd text does."""

import ast
import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
import spacy
from spacy.tokens import Doc

import xner_spacy
from tests.cli.helpers import xner
from tests.corpora.annotate_helpers import make_teacher, sentences, shard_bytes
from xner_spacy.corpora import annotate as module
from xner_spacy.corpora import shards, watching
from xner_spacy.corpora.annotate import annotate, plan
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.inputs import CorpusInput
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.corpora.runfolder import locked
from xner_spacy.errors import InputError, XnerError

N = 30
VOCAB = spacy.blank("xx").vocab


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_teacher(tmp_path_factory.mktemp("teacher"))


@pytest.fixture()
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(sentences(N)) + "\n", encoding="utf8")
    return path


def blank_pipeline(folder: Path) -> Path:
    spacy.blank("xx").to_disk(folder)
    return folder


def linked_pipeline(folder: Path, links: Path, words: Path) -> Path:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
    table = {"path": str(links), "source": str(words), "target": str(words)}
    nlp.add_pipe("xner_aligner", config={"aligner": {"@xner_aligners": "xner.Links.v1", **table}})
    nlp.to_disk(folder)
    return folder


def test_overwrite_takes_nothing_that_no_manifest_names(teacher: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_docbin(data / "test.spacy", [Doc(VOCAB, words=["a"])])
    write_docbin(data / "train.spacy", [Doc(VOCAB, words=["b"])])
    for arguments in ([], ["--overwrite"]):
        found = xner("annotate", teacher, data / "test.spacy", data, *arguments)
        assert found.code == 1 and "The output folder" in found.err
        assert "--overwrite" not in found.err
    (tmp_path / "a.txt").write_text("a\n")
    found = xner("annotate", teacher, tmp_path / "a.txt", data, "--overwrite")
    assert found.code == 1 and "test.spacy, train.spacy" in found.err
    assert sorted(p.name for p in data.iterdir()) == ["test.spacy", "train.spacy"]


def test_the_pipelines_folder_is_no_output(teacher: Path, text: Path) -> None:
    for output in (teacher, teacher / "out", teacher.parent):
        with pytest.raises(XnerError, match="The output folder"):
            annotate(teacher, text, output)
    assert not (teacher / "out").exists()


def test_what_another_command_made_is_not_replaced(teacher: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "a.iob").write_text("a\tO\n\n")
    assert xner("convert", tmp_path / "a.iob", tmp_path / "out").code == 0
    with pytest.raises(XnerError, match="shards that `xner convert` made"):
        annotate(teacher, text, tmp_path / "out", overwrite=True)
    annotate(teacher, text, tmp_path / "run")
    found = xner("convert", tmp_path / "a.iob", tmp_path / "run")
    assert found.code == 1 and "shards that `xner annotate` made" in found.err


def test_a_lock_that_is_a_link_leaves_its_file_alone(teacher: Path, text: Path, tmp_path: Path) -> None:
    precious, out = tmp_path / "precious.txt", tmp_path / "out"
    precious.write_text("precious")
    out.mkdir()
    (out / ".lock").symlink_to("../precious.txt")
    with pytest.raises(XnerError, match=r"\.lock: is not a lock file, but"):
        annotate(teacher, text, out)
    assert precious.read_text() == "precious"
    (out / ".lock").unlink()
    (out / ".lock").write_text("somebody's")
    with locked(out):
        pass
    assert (out / ".lock").read_text() == "somebody's"


def test_versions_are_not_mixed(teacher: Path, text: Path, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    (out / "00001.spacy").unlink()
    monkeypatch.setattr(module, "base_versions", lambda: {"spacy": "9.9.9", "numpy": "1"})
    with pytest.raises(XnerError, match=r"versions spacy was '3\.[0-9.]*', is '9\.9\.9'"):
        annotate(teacher, text, out, shard_size=10)
    monkeypatch.undo()
    # Of a library that only some pipelines load the version is known when a shard is done.
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["libraries"] = {"ctranslate2": "0.0.1"}
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(XnerError, match=r"ctranslate2 was '0\.0\.1', is"):
        annotate(teacher, text, out, shard_size=10)
    with pytest.raises(XnerError, match=r"ctranslate2 was '0\.0\.1', is"):
        plan(teacher, text, out, shard_size=10)


def test_a_file_that_a_part_reads_belongs_to_the_run(tmp_path: Path, monkeypatch: Any) -> None:
    words, links = tmp_path / "words.txt", tmp_path / "l.links"
    words.write_text("".join(f"a{k} b\n" for k in range(12)))
    links.write_text("0-0 1-1\n" * 12)
    pipeline, out = linked_pipeline(tmp_path / "p", links, words), tmp_path / "out"
    manifest = annotate(pipeline, words, out, shard_size=4, tokenized=True)
    assert sorted(manifest["files"]) == [str(links), str(words)]
    links.write_text("\n" * 12)
    # Also where every shard is there already: those would be served with the old links.
    for missing in (False, True):
        if missing:
            (out / "00002.spacy").unlink()
        with pytest.raises(XnerError, match=r"l\.links has changed"):
            annotate(pipeline, words, out, shard_size=4, tokenized=True)
    links.write_text("0-0 1-1\n" * 12)
    read: List[str] = []
    checksum = watching.checksum
    monkeypatch.setattr(watching, "checksum", lambda path: read.append(str(path)) or checksum(path))
    again = annotate(pipeline, words, out, shard_size=4, tokenized=True)
    # It may be a model of gigabytes.
    assert read.count(str(links)) == 1
    assert again["totals"] == manifest["totals"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("what", ["text", "links", "pipeline"])
def test_what_is_replaced_during_a_run_is_noticed(tmp_path: Path, monkeypatch: Any, what: str, workers: int) -> None:
    words, links = tmp_path / "words.txt", tmp_path / "l.links"
    words.write_text("".join(f"a{k} b\n" for k in range(12)))
    (tmp_path / "text.txt").write_text(words.read_text())
    links.write_text("0-0 1-1\n" * 12)
    pipeline, out = linked_pipeline(tmp_path / "p", links, words), tmp_path / "out"
    changed = {"text": tmp_path / "text.txt", "links": links, "pipeline": pipeline / "meta.json"}
    before = changed[what].read_bytes()
    record = module.RunFolder.record
    done: List[str] = []

    def record_and_change(self: Any, name: str, entry: Any) -> None:
        record(self, name, entry)
        done.append(name)
        changed[what].write_bytes(before.replace(b"a3", b"x3").replace(b"1-1", b"1-0") + b"\n")

    monkeypatch.setattr(module.RunFolder, "record", record_and_change)
    with pytest.raises(XnerError, match="has changed since the run began"):
        annotate(pipeline, tmp_path / "text.txt", out, shard_size=2, tokenized=True, workers=workers)
    assert 0 < len(done) < 6
    monkeypatch.undo()
    # Put back, the run goes on, and nothing of the other file is in it.
    changed[what].write_bytes(before)
    annotate(pipeline, tmp_path / "text.txt", out, shard_size=2, tokenized=True)
    annotate(pipeline, tmp_path / "text.txt", tmp_path / "new", shard_size=2, tokenized=True)
    assert shard_bytes(out) == shard_bytes(tmp_path / "new")


@pytest.mark.parametrize("workers", [1, 2])
def test_one_odd_text_does_not_end_a_run(tmp_path: Path, workers: int) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
    aligner = nlp.add_pipe("xner_aligner")
    aligner.part.train([(["Ana", "."], ["Ana", "."])] * 5)  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "p")
    lines = ["Ana .", "a " * 500_001, " ".join(f"p{k}" for k in range(20_000)), "Juan ."]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    manifest = annotate(tmp_path / "p", tmp_path / "a.txt", out, shard_size=2, workers=workers)
    assert manifest["totals"]["sentences"] == 4
    assert manifest["totals"]["faulty text: too long"] == 2
    faults = [f for entry in manifest["shards"].values() for f in entry.get("faults", [])]
    assert faults == [[f"{tmp_path / 'a.txt'}:{n}", "too long"] for n in (2, 3)]
    docs = list(read_docs(out, VOCAB))
    # Each keeps its place and its text; nothing is claimed of its entities.
    assert [len(doc) for doc in docs] == [2, 500_001, 20_000, 2]
    assert docs[2][19_999].text == "p19999" and not docs[2].has_annotation("ENT_IOB")


def test_max_tokens_is_a_setting(teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Anna lives in Paris .\nAnna .\n")
    found = xner("annotate", teacher, tmp_path / "a.txt", tmp_path / "o", "--max-tokens", 4)
    assert found.code == 0 and "faulty text: too long: 1" in found.err
    assert f"{tmp_path / 'a.txt'}:1: too long" in found.err


POISON: List[Any] = [
    {"__xner_doc__": "x", "lang": "en"},
    {"__xner_alignment__": [[0, 0], [1.0]]},
    {"__xner_alignment__": "x"},
    {"a": [{"__xner_doc__": None}]},
]


def test_metadata_comes_back_as_it_was(tmp_path: Path) -> None:
    values = [*POISON, {"x": 0.72727, "y": 1e-300, "n": 2**64 - 1, "m": -(2**63)}, [], "é", None]
    lines = [json.dumps({"text": "a", "meta": value}) + "\n" for value in values]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    annotate(blank_pipeline(tmp_path / "p"), tmp_path / "a.jsonl", tmp_path / "out", shard_size=3)
    found = [doc.user_data.get("meta") for doc in read_docs(tmp_path / "out", VOCAB)]
    # spaCy gives the lists of a Doc's user data back as tuples.
    assert json.loads(json.dumps(found)) == values


@pytest.mark.parametrize(
    "line, words",
    [
        ('{"text": "\\ud800"}', "half of a surrogate pair"),
        ('{"text": ["a", "\\ud800"]}', "half of a surrogate pair"),
        ('{"text": "a", "meta": ' + "[" * 600 + "]" * 600 + "}", "nested more than 100 deep"),
        ('{"text": "a", "meta": ' + "[" * 6000 + "]" * 6000 + "}", "nested too deep"),
        ('{"text": "a", "meta": {"n": 18446744073709551616}}', "a number of more than 64 bits"),
    ],
)
def test_what_can_not_be_stored_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n' + line + "\n")
    with pytest.raises(InputError, match=words) as caught:
        CorpusInput(tmp_path / "a.jsonl")
    assert f"{tmp_path / 'a.jsonl'}:2: " in str(caught.value)


def test_a_file_name_of_any_bytes(tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
    try:
        name.write_text("a\n")
    except OSError:
        pytest.skip("no such names on this file system")
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        manifest = annotate(blank_pipeline(tmp_path / "p"), name, out, workers=workers)
        assert manifest["source"].endswith("\\xff.txt")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.jsonl")
    with pytest.raises(InputError, match="is a pipe"):
        CorpusInput(tmp_path / "in.jsonl")


def test_a_pipeline_that_gives_too_few_or_too_many(tmp_path: Path, monkeypatch: Any) -> None:
    pipeline = load_pipeline(blank_pipeline(tmp_path / "p"))
    (tmp_path / "a.txt").write_text("a\nb\nc\n")
    pipe = type(pipeline).pipe
    monkeypatch.setattr(shards, "load_pipeline", lambda name: pipeline)
    for change, given in ((lambda docs: docs[:-1], 2), (lambda docs: docs + docs[:1], 4)):

        def odd(self: Any, texts: Any, change: Any = change, **settings: Any) -> Any:
            return iter(change(list(pipe(self, texts, **settings))))

        monkeypatch.setattr(type(pipeline), "pipe", odd)
        with pytest.raises(XnerError, match=rf"gave {given} of 3 sentences of shard 00000"):
            annotate(tmp_path / "p", tmp_path / "a.txt", tmp_path / f"out{given}")
        assert not list((tmp_path / f"out{given}").glob("*.spacy"))


@pytest.mark.parametrize(
    "change",
    [
        {"shards": "x"},
        {"shards": {"../../x.spacy": {}}},
        {"models": []},
        {"identity": None},
        {"planned": "many"},
    ],
)
def test_a_broken_manifest_is_told_of(teacher: Path, text: Path, tmp_path: Path, change: Dict[str, Any]) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, **change}))
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"manifest\.json: "):
            annotate(teacher, text, out, shard_size=10, overwrite=overwrite)


@pytest.mark.parametrize("line", ["null", "[]", '["x"]', '["00000.spacy", null]', "9" * 5000])
def test_an_odd_line_of_the_journal_is_left_out(teacher: Path, text: Path, tmp_path: Path, line: str) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    whole = shard_bytes(out)
    (out / "00000.spacy").unlink()
    (out / ".journal.jsonl").write_text(line + "\n")
    annotate(teacher, text, out, shard_size=10)
    assert shard_bytes(out) == whole


def test_numbers_of_any_size_in_the_manifest(teacher: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["models"] = {"x": {"": 9223372036854775808}}
    (out / "manifest.json").write_text(json.dumps(manifest))
    again = annotate(teacher, text, out, shard_size=10)
    assert again["models"]["x"] == {"": 9223372036854775808}


OF_ONE_SYSTEM = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "msvcrt", "winreg"}


def test_no_module_imports_what_one_system_alone_has() -> None:
    """At import, that is: a function may ask for what its system has."""
    for file in Path(xner_spacy.__file__).parent.rglob("*.py"):
        todo: List[ast.AST] = [ast.parse(file.read_text(encoding="utf8"))]
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found = {name.partition(".")[0] for name in names} & OF_ONE_SYSTEM
            assert not found, f"{file} imports {found}"
            todo += ast.iter_child_nodes(node)
