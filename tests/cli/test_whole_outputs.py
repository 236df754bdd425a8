"""Commands with more than one output, or with a folder, leave all of it or nothing."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from tests.cli.helpers import xner
from xner_spacy.corpora.docs import write_docbin
from xner_spacy.distillation.student.score_fitting import ScoreMap
from xner_spacy.errors import XnerError

VOCAB = spacy.blank("xx").vocab


def test_split_leaves_both_parts_or_none(tmp_path: Path) -> None:
    docs = [Doc(VOCAB, words=[f"w{k}"]) for k in range(20)]
    write_docbin(tmp_path / "all.spacy", docs)
    train, dev = tmp_path / "train.spacy", tmp_path / "dev.spacy"
    dev.mkdir()
    found = xner("split", tmp_path / "all.spacy", "-t", train, "-d", dev)
    assert found.code == 1 and "dev.spacy: could not be written" in found.err
    assert not train.exists()
    assert xner("split", tmp_path / "all.spacy", "-t", train, "-d", tmp_path / "dev").code == 0
    assert (tmp_path / "dev" / "manifest.json").exists() and train.exists()


def test_project_leaves_both_outputs_or_none(tmp_path: Path) -> None:
    (tmp_path / "s.iob").write_text("Ana\tB-PER\n\n")
    (tmp_path / "t.txt").write_text("Ana\n")
    (tmp_path / "l").write_text("0-0\n")
    out, details = tmp_path / "o.iob", tmp_path / "o.json"
    arguments = ["project", tmp_path / "s.iob", tmp_path / "t.txt", "--links", tmp_path / "l"]
    details.mkdir()
    found = xner(*arguments, "-o", out, "--json", details)
    assert found.code == 1 and "o.json: could not be written" in found.err
    assert not out.exists()
    details.rmdir()
    assert xner(*arguments, "-o", out, "--json", details).code == 0
    assert out.read_text() == "Ana\tB-PER\n\n" and details.exists()
    found = xner(*arguments, "-o", out, "--json", out)
    assert found.code == 1 and "two outputs would be written there" in found.err
    assert out.read_text() == "Ana\tB-PER\n\n"


def test_a_model_stays_whole_when_it_can_not_be_saved(tmp_path: Path, monkeypatch: Any) -> None:
    from xner_spacy.cli import calibrate as module

    model = tmp_path / "model"
    nlp = spacy.blank("xx")
    nlp.to_disk(model)
    before = {p: p.read_bytes() for p in model.rglob("*") if p.is_file()}
    to_disk = type(nlp).to_disk

    def full(self: Any, path: Path, **settings: Any) -> None:
        to_disk(self, path, **settings)
        (Path(path) / "tokenizer").write_bytes(b"half")
        raise OSError(27, "File too large")

    monkeypatch.setattr("xner_spacy.distillation.student.score_fitting.calibrate", lambda *_, **__: ScoreMap(1.0, 0.0))
    monkeypatch.setattr("xner_spacy.distillation.readers.Corpus", lambda path: lambda nlp: [])
    monkeypatch.setattr(type(nlp), "to_disk", full)
    with pytest.raises(XnerError, match="model: could not be written"):
        module.calibrate(model, tmp_path / "dev.spacy")
    monkeypatch.setattr(type(nlp), "to_disk", to_disk)
    assert {p: p.read_bytes() for p in model.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    module.calibrate(model, tmp_path / "dev.spacy")
    assert spacy.load(model).lang == "xx"


def test_half_a_table_of_vectors_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    floret = pytest.importorskip("floret", reason="needs the extra [vectors]")
    from xner_spacy.distillation.bitext_baselines import train_floret

    out = tmp_path / "o.floret"
    text = [["a", "b", "c"]] * 20
    train_floret(text, out, dim=4, bucket=50)
    whole = out.read_bytes()
    assert whole.count(b"\n") == 51
    train = floret.train_unsupervised

    class Cut:
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            self.model = train(*arguments, **settings)

        def save_floret_vectors(self, path: str) -> None:
            self.model.save_floret_vectors(path)
            data = Path(path).read_bytes()
            Path(path).write_bytes(data[: len(data) // 2])

    monkeypatch.setattr(floret, "train_unsupervised", Cut)
    with pytest.raises(XnerError, match=r"could not be written \(only [0-9]+ of 51 lines\)"):
        train_floret(text, out, dim=4, bucket=50)
    assert out.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["o.floret"]


def test_vectors_are_packed_or_printed_where_the_name_says_so(tmp_path: Path, capfdbinary: Any) -> None:
    pytest.importorskip("floret", reason="needs the extra [vectors]")
    from xner_spacy.distillation.bitext_baselines import train_floret

    outputs = [tmp_path / "o.floret", tmp_path / "o.floret.gz", Path("-")]
    for out in outputs:
        train_floret([["a", "b", "c"]] * 20, out, dim=4, bucket=50)
    plain = outputs[0].read_bytes()
    assert plain.count(b"\n") == 51
    assert gzip.decompress(outputs[1].read_bytes()) == plain == capfdbinary.readouterr().out


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_vectors_are_not_written_to_a_device() -> None:
    pytest.importorskip("floret", reason="needs the extra [vectors]")
    from xner_spacy.distillation.bitext_baselines import train_floret

    with pytest.raises(XnerError, match="/dev/null: is no ordinary file"):
        train_floret([["a", "b", "c"]] * 20, "/dev/null", dim=4, bucket=50)
