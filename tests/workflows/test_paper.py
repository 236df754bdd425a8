"""The project `paper`, command by command as its project.yml has it, with tiny stand-ins for its models: nothing but their
names differs.
"""

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Dict, List

import pytest
import srsly

from tiny.models import build
from xner_spacy.cli.app import run

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "paper"
GOLD = (
    "Anna B-PER\nJónsdóttir I-PER\nlives O\nin O\nReykjavík B-LOC\n. O\n\n"
    "The O\nminister O\nmet O\nAngela B-PER\nMerkel I-PER\non O\n12 B-DATE\nMay I-DATE\n. O\n\n"
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Stand-ins by the names of the project's variables."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("ctranslate2")
    pytest.importorskip("nltk", reason="needs the extra [paper]")
    from transformers import AutoConfig, AutoModelForTokenClassification

    root = tmp_path_factory.mktemp("models")
    found = {name: str(build("nllb", root / name, seed)) for seed, name in enumerate(("nllb", "easyproject"))}
    found["encoder"] = str(build("bert", root / "bert", num_hidden_layers=9))
    found["ner"] = str(build("xlmr_generic", root / "ner"))
    config = AutoConfig.from_pretrained(found["ner"])
    tags = ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"]
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: k for k, tag in enumerate(tags)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForTokenClassification.from_pretrained(found["ner"], config=config).save_pretrained(found["ner"])
    return found


def commands(variables: Dict[str, str]) -> List[List[str]]:
    """The command lines of the project, but for those that find data."""
    project = srsly.read_yaml(PROJECT / "project.yml")
    values = {**project["vars"], **variables}
    scripts = {command["name"]: command["script"] for command in project["commands"]}
    lines = [line for name in project["workflows"]["all"] if name != "data" for line in scripts[name]]
    return [shlex.split(re.sub(r"\$\{vars\.(\w+)\}", lambda m: str(values[m[1]]), line)) for line in lines]


def execute(line: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command line in this process."""
    if line[0] == "xner":
        assert run(line[1:]) == 0, line
    else:
        monkeypatch.setattr(sys, "argv", line[1:])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(line[1], run_name="__main__")
        assert not end.value.code, line


@pytest.mark.slow
def test_the_workflow_with_stand_ins(models: Dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scripts").symlink_to(PROJECT / "scripts")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "yor").mkdir(parents=True)
    (tmp_path / "data" / "yor" / "test.txt").write_text(GOLD, encoding="utf8")
    hardware = {"device": "cpu", "quantization": "float32", "dtype": "float32"}
    for line in commands({"lang": "yor", "folder": "data", **models, **hardware}):
        execute(line, monkeypatch)
    page = (tmp_path / "metrics" / "yor.md").read_text(encoding="utf8")
    rows = dict(re.findall(r"^\| ([a-z-]+) .*\| +([\d.-]+) \|$", page, re.MULTILINE))
    assert rows["ngrams-simalign"] == "59.5" and rows["transfer"] == "32.2"
    assert len(rows) == 9
    # The tiny models fail at translating; that is counted, and DATE is no entity.
    manifest = srsly.read_json(tmp_path / "annotated" / "yor" / "heuristic-simalign" / "manifest.json")
    assert manifest["totals"]["sentences"] == 2
    gold = srsly.read_json(tmp_path / "metrics" / "yor" / "transfer.json")
    assert gold["gold"] == 3


def test_panx_as_xtreme_has_it(tmp_path: Path) -> None:
    """Tabs, the language before each token, no endings of file names; scripts without spaces."""
    import spacy

    from xner_spacy.corpora.docs import doc_entities, read_docs

    pytest.importorskip("nltk", reason="needs the extra [paper]")
    paper = runpy.run_path(str(PROJECT / "scripts" / "paper.py"))
    for lang, words, text in (
        ("de", ["Anna", "in", "Bonn", "."], "Anna in Bonn."),
        ("zh", ["安", "娜", "在", "波"], "安娜在波"),
    ):
        (tmp_path / lang).mkdir()
        tags = ["B-PER", "O", "B-LOC", "O"]
        rows = "".join(f"{lang}:{w}\t{t}\n" for w, t in zip(words, tags))
        (tmp_path / lang / "test").write_text(rows + "\n", encoding="utf8")
        paper["corpus"]("xtreme", lang, tmp_path, tmp_path / f"{lang}.spacy")
        (doc,) = read_docs(tmp_path / f"{lang}.spacy", spacy.blank("xx").vocab)
        assert doc.text == text
        assert [tuple(e[:3]) for e in doc_entities(doc)] == [(0, 1, "PER"), (2, 3, "LOC")]


def test_published_figures() -> None:
    paper = runpy.run_path(str(PROJECT / "scripts" / "paper.py"))
    published = paper["read_published"]()
    assert len(published) == 57
    mean = [float(row["heuristic-awesome"]) for (data, _), row in published.items() if data == "masakhaner"]
    assert len(mean) == 18 and round(sum(mean) / 18, 2) == pytest.approx(67.29, abs=0.05)


def test_spaces_as_nltk_leaves_them() -> None:
    pytest.importorskip("nltk", reason="needs the extra [paper]")
    paper = runpy.run_path(str(PROJECT / "scripts" / "paper.py"))
    words = ["He", "said", ",", "(", "yes", ")", "to", "John", "'s", "friend", "."]
    spaces = paper["treebank_spaces"](words)
    text = "".join(w + " " * s for w, s in zip(words, spaces))
    assert text == "He said, (yes) to John's friend."
    assert paper["treebank_spaces"](["a", "``", "b", "''", "c"])[-1] is False
