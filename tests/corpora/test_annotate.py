"""`annotate`: same bytes by any number of processes, what is kept and what is refused, every kind
of input.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import spacy
from spacy.tokens import DocBin

from tests.cli.helpers import xner
from tests.corpora.annotate_helpers import facts, make_teacher, sentences, shard_bytes
from xner_spacy.corpora.annotate import annotate, plan
from xner_spacy.corpora.docs import make_doc, read_docs, write_docbin
from xner_spacy.corpora.inputs import CorpusInput
from xner_spacy.errors import InputError, MissingExtraError, XnerError

N = 103


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_teacher(tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(sentences(N)) + "\n", encoding="utf8")
    return path


@pytest.fixture(scope="module")
def whole(teacher: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    """An undisturbed run."""
    out = tmp_path_factory.mktemp("whole")
    return {"manifest": annotate(teacher, text, out, shard_size=10), "shards": shard_bytes(out)}


def texts_of(folder: Path) -> List[str]:
    return [doc.text for doc in read_docs(folder, spacy.blank("is").vocab)]


def test_what_a_run_leaves(whole: Dict[str, Any], text: Path) -> None:
    manifest = whole["manifest"]
    assert list(whole["shards"]) == [f"{k:05d}.spacy" for k in range(11)]
    assert manifest["totals"]["sentences"] == N
    assert manifest["totals"]["empty sentences"] == sum(not s for s in sentences(N))
    assert manifest["versions"]["spacy"] == spacy.__version__
    assert "xner_translator" in manifest["config"]
    assert sum(e["bytes"] for e in manifest["shards"].values()) == sum(map(len, whole["shards"].values()))
    docs = list(DocBin().from_bytes(whole["shards"]["00001.spacy"]).get_docs(spacy.blank("is").vocab))
    assert [d.text for d in docs] == sentences(N)[10:20]
    assert docs[0]._.xner_source.text == docs[0].text
    assert {e.label_ for d in docs for e in d._.xner_source.ents} == {"PER", "LOC", "ORG"}


def test_workers_give_the_same_bytes(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    ticks: List[int] = []

    class Bar:
        def __init__(self, had: int, total: int) -> None:
            assert (had, total) == (0, N)

        def __enter__(self) -> Any:
            return ticks.append

        def __exit__(self, *args: Any) -> None:
            pass

    manifest = annotate(teacher, text, tmp_path / "out", shard_size=10, workers=2, progress=Bar)  # type: ignore[arg-type]
    assert shard_bytes(tmp_path / "out") == whole["shards"]
    assert facts(manifest) == facts(whole["manifest"])
    assert sum(ticks) == N


def test_nothing_is_made_twice(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    times = {p.name: p.stat().st_mtime_ns for p in out.glob("*.spacy")}
    (out / "00003.spacy").unlink()
    again = annotate(teacher, text, out, shard_size=10)
    changed = [p.name for p in out.glob("*.spacy") if p.stat().st_mtime_ns != times[p.name]]
    assert changed == ["00003.spacy"]
    assert facts(again) == facts(whole["manifest"])


def test_a_corrupted_shard_is_made_again(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    data = bytearray((out / "00002.spacy").read_bytes())
    data[len(data) // 2] ^= 1
    (out / "00002.spacy").write_bytes(data)
    (out / "00004.spacy").write_bytes((out / "00004.spacy").read_bytes()[:100])
    (out / "00005.spacy").write_bytes(b"")
    # A shard that is a good DocBin, but another one's.
    (out / "00006.spacy").write_bytes((out / "00007.spacy").read_bytes())
    annotate(teacher, text, out, shard_size=10)
    assert shard_bytes(out) == whole["shards"]


def test_a_broken_journal_costs_nothing_but_its_last_line(
    teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=10)
    manifest = json.loads((out / "manifest.json").read_text())
    entries = manifest.pop("shards")
    manifest.pop("totals")
    (out / "manifest.json").write_text(json.dumps({**manifest, "shards": {}}))
    lines = [json.dumps(item) for item in entries.items()]
    (out / ".journal.jsonl").write_text("\n".join(lines[:5]) + "\n" + lines[5][:40])
    (out / ".00009.spacy.abc.part").write_bytes(b"half")
    (out / "00008.spacy").unlink()
    again = annotate(teacher, text, out, shard_size=10)
    assert shard_bytes(out) == whole["shards"]
    assert facts(again) == facts(whole["manifest"])
    assert sorted(p.name for p in out.iterdir() if p.name[0] == ".") == [".lock"]


def test_another_runs_shards_are_refused(teacher: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    annotate(teacher, text, out, shard_size=50)
    for change in ({"shard_size": 51}, {"batch_size": 3}, {"tokenized": True}):
        with pytest.raises(XnerError, match="another input, pipeline or setting"):
            annotate(teacher, text, out, **{"shard_size": 50, **change})  # type: ignore[arg-type]
    annotate(teacher, text, out, shard_size=51, overwrite=True)
    assert len(shard_bytes(out)) == 3


def test_dry_run_writes_nothing(teacher: Path, text: Path, tmp_path: Path) -> None:
    found = plan(teacher, text, tmp_path / "out", shard_size=10, workers=2)
    assert (found["shards"], found["missing"], found["todo"]) == (11, 11, N)
    assert found["rate"] > 0 and found["seconds"] > 0
    assert not (tmp_path / "out").exists()
    annotate(teacher, text, tmp_path / "out", shard_size=10)
    (tmp_path / "out" / "00010.spacy").unlink()
    result = xner("annotate", teacher, text, tmp_path / "out", "--shard-size", 10, "--dry-run")
    assert "10 shards are there, 1 are to be made (3 sentences)" in result.out
    assert not (tmp_path / "out" / "00010.spacy").exists()


def test_a_dry_run_refuses_what_a_run_refuses(teacher: Path, text: Path, tmp_path: Path) -> None:
    for output in (text.parent, teacher, teacher / "out"):
        for function in (annotate, plan):
            with pytest.raises(XnerError, match="Choose another folder for the output"):
                function(teacher, text, output)


def test_every_kind_of_input(teacher: Path, text: Path, tmp_path: Path) -> None:
    lines = [s for s in sentences(N) if s]
    words = [s.split() for s in lines]
    nlp = spacy.blank("is")
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf8")
    records = [{"text": s, "meta": {"id": k}} for k, s in enumerate(lines)]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    (tmp_path / "c.jsonl").write_text("".join(json.dumps({"words": w}) + "\n" for w in words))
    (tmp_path / "d.iob").write_text("".join("".join(f"{w}\tO\n" for w in ws) + "\n" for ws in words))
    for k in range(0, len(lines), 40):
        write_docbin(tmp_path / "e" / f"{k:03d}.spacy", [make_doc(nlp.vocab, w) for w in words[k : k + 40]])
    inputs: List[Any] = [("a.txt", {}), ("b.jsonl", {}), ("c.jsonl", {"text_field": "words"})]
    inputs += [("a.txt", {"tokenized": True}), ("d.iob", {}), ("e", {})]
    for name, settings in inputs:
        out = tmp_path / f"out-{name}-{len(settings)}"
        annotate(teacher, tmp_path / name, out, shard_size=9, **settings)
        found = [" ".join(t.split()) for t in texts_of(out)]
        assert [t.replace(" ", "") for t in found] == [s.replace(" ", "") for s in lines], name
    docs = list(read_docs(tmp_path / "out-b.jsonl-0", nlp.vocab))
    assert docs[7].user_data["meta"] == {"id": 7}


def test_slices_in_any_order(text: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("is")
    iob = tmp_path / "x.iob"
    iob.write_text("".join(f"w{k}\tO\n\n" for k in range(23)))
    for corpus in (CorpusInput(text), CorpusInput(iob)):
        pieces = corpus.slices(7)
        assert sum(p.size for p in pieces) == corpus.total
        whole = [d.text for p in pieces for d in corpus.read(p, nlp)]
        parts = {p: [d.text for d in corpus.read(p, nlp)] for p in reversed(pieces)}
        assert [t for p in pieces for t in parts[p]] == whole


@pytest.mark.parametrize(
    "content, words",
    [
        (b'{"text": "a"}\nnonsense\n', "x.jsonl:2: is not JSON"),
        (b'{"txt": "a"}\n', "x.jsonl:1: has no 'text'"),
        (b'{"text": "a"}\n\n{"text": "b"}\n', "x.jsonl:2: is not JSON"),
        (b'{"text": [1, 2]}\n', "x.jsonl:1: has no 'text' that is a text"),
        (b'{"text": "\xff"}\n', "x.jsonl:1: is not UTF-8"),
        (b"", "is empty"),
    ],
)
def test_bad_jsonl(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=words):
        CorpusInput(tmp_path / "x.jsonl")


def test_parquet(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    import pyarrow.parquet as pq

    lines = sentences(40)
    pq.write_table(
        pa.table({"text": lines, "other": list(range(40))}),
        tmp_path / "x.parquet",
        row_group_size=7,
    )
    pq.write_table(pa.table({"text": [s.split() or ["-"] for s in lines]}), tmp_path / "y.parquet")
    annotate(teacher, tmp_path / "x.parquet", tmp_path / "out", shard_size=9)
    assert texts_of(tmp_path / "out") == lines
    assert CorpusInput(tmp_path / "y.parquet").total == 40
    with pytest.raises(InputError, match="no column 'body'; it has: text, other"):
        CorpusInput(tmp_path / "x.parquet", text_field="body")
    (tmp_path / "z.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"z\.parquet: is not a parquet file that can be read"):
        CorpusInput(tmp_path / "z.parquet")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"\[parquet\]"):
        CorpusInput(tmp_path / "x.parquet")


def test_a_parquet_file_with_a_wrong_byte_is_read_or_named(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": ["Anna sings .", "Ben laughs .", "Anna sings ."]}), path)
    sound = path.read_bytes()
    nlp, refused = spacy.blank("xx"), 0
    for place in range(4, len(sound) - 8, 3):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        try:
            corpus = CorpusInput(path)
            for piece in corpus.slices(10):
                list(corpus.read(piece, nlp))
        except InputError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused


def test_a_workers_error_is_ours(teacher: Path, tmp_path: Path) -> None:
    from xner_spacy.cli.app import run

    broken = tmp_path / "teacher"
    subprocess.run(["cp", "-r", str(teacher), str(broken)], check=True)
    (tmp_path / "t.txt").write_text("a\nb\nc\n")
    config = (broken / "config.cfg").read_text().replace("xner.NoOp.v1", "xner.Bitext.v1")
    (broken / "config.cfg").write_text(config)
    with pytest.raises(XnerError, match=r"xner\.Bitext\.v1 has no translations"):
        annotate(broken, tmp_path / "t.txt", tmp_path / "out", shard_size=1, workers=2)
    assert (
        run(
            [
                "annotate",
                str(broken),
                str(tmp_path / "t.txt"),
                str(tmp_path / "out"),
                "--shard-size",
                "1",
            ]
        )
        == 1
    )


def test_models_are_recorded_and_may_not_change(
    teacher: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xner_spacy.corpora import shards
    from xner_spacy.corpora.pipelines import load_pipeline

    revision = ["a"]

    def load(name: Any) -> Any:
        nlp = load_pipeline(name)
        part = nlp.get_pipe("xner_translator").part  # type: ignore[attr-defined]
        monkeypatch.setattr(type(part), "identity", {"engine": "x", "revision": revision[0]})
        return nlp

    monkeypatch.setattr(shards, "load_pipeline", load)
    out = tmp_path / "out"
    manifest = annotate(teacher, text, out, shard_size=50)
    assert manifest["models"] == {"xner_translator": {"engine": "x", "revision": "a"}}
    (out / "00001.spacy").unlink()
    # A model on the Hub that is not pinned, and was replaced there: its name is the same.
    revision[0] = "b"
    with pytest.raises(XnerError, match=r"'revision': 'b'}; the shards before .* 'revision': 'a'"):
        annotate(teacher, text, out, shard_size=50)
    manifest = annotate(teacher, text, out, shard_size=50, overwrite=True)
    assert manifest["models"]["xner_translator"]["revision"] == "b"


def test_vocabularies_forget(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shard taught the vocabularies, of the pipeline and of the source pipeline in it, is
    gone when the next begins: else memory would grow with the corpus.
    """
    from xner_spacy.corpora import shards
    from xner_spacy.corpora.pipelines import load_pipeline

    nlp = load_pipeline(teacher)
    monkeypatch.setattr(shards, "load_pipeline", lambda name: nlp)
    vocabularies = [nlp.vocab, nlp.get_pipe("xner_annotator").source_nlp.vocab]  # type: ignore[attr-defined]
    text = tmp_path / "text.txt"
    text.write_text("".join(f"new{k} words{k} here{k}\n" for k in range(300)))
    before = [(len(list(v)), len(v.strings)) for v in vocabularies]
    annotate(teacher, text, tmp_path / "out", shard_size=50)
    assert [(len(list(v)), len(v.strings)) for v in vocabularies] == before
    assert len(texts_of(tmp_path / "out")) == 300


def test_faulty_translations_are_counted_and_not_read(tmp_path: Path) -> None:
    from xner_spacy.corpora.docs import packed
    from xner_spacy.types import Translation

    nlp = spacy.blank("is")
    component = nlp.add_pipe("xner_translator")
    answers = {"a": Translation(None, fault="repetition"), "b": Translation("b", score=-1.5)}
    component.part = lambda texts: (answers[text] for text in texts)  # type: ignore[attr-defined]
    docs = list(nlp.pipe(["a", "b", "a"]))
    assert docs[0]._.xner_source is None and docs[0].user_data["xner_fault"] == "repetition"
    assert docs[1]._.xner_source.user_data["score"] == -1.5
    assert packed(docs)[1]["faulty translation: repetition"] == 2
    assert component.faults == {"repetition": 2}  # type: ignore[attr-defined]
