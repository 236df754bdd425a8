"""`xner assemble`: spaCy's command with progress, one message for an error, and nothing half-made."""

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
import spacy

from tests.cli.helpers import Result, xner
from xner_spacy.cli.init_config import init_config
from xner_spacy.cli.options import parse_overrides
from xner_spacy.errors import XnerError


@pytest.fixture()
def config(tmp_path: Path) -> Path:
    init_config("teacher", tmp_path / "teacher.cfg", "is")
    return tmp_path / "teacher.cfg"


@pytest.fixture()
def paths(bitext, source_model) -> List[str]:
    """The overrides that name the files of a teacher."""
    source, target = bitext
    named = {"source_model": source_model, "source_text": source, "target_text": target}
    return [word for name, path in named.items() for word in (f"--paths.{name}", str(path))]


def files(folder: Path) -> List[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_makes_the_same_pipeline_as_spacy_and_both_say_how_far_they_are(config: Path, paths: List[str]) -> None:
    folder = config.parent
    made = xner("assemble", config, folder / "ours", *paths)
    assert made.code == 0, made.err
    spacys = subprocess.run(
        [sys.executable, "-m", "spacy", "assemble", config, folder / "spacys", *paths], capture_output=True, text=True
    )
    assert spacys.returncode == 0, spacys.stderr
    assert files(folder / "ours") == files(folder / "spacys")
    assert all(
        (folder / "ours" / name).read_bytes() == (folder / "spacys" / name).read_bytes()
        for name in files(folder / "ours")
    )
    for said in (made.err, spacys.stderr):
        steps = [line.split(":")[0].strip() + ":" + line.split(":")[1] for line in said.splitlines() if "done" in line]
        assert steps[:4] == [
            "Annotator: loading the source pipeline " + str(folder / "source_model"),
            "Aligner: reading the bitext",
            "Aligner: counting word pairs",
            "Aligner: learning",
        ]
        assert "Aligner: learning: 7 rounds, " in said and "35 sentence pairs" in said
    doc = spacy.load(folder / "ours")("Anna býr í París .")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna", "PER"), ("París", "LOC")]


@pytest.mark.parametrize(
    "changes, said",
    [
        (["--paths.source_text", "nope.txt"], "nope.txt: no such file."),
        (["--paths.source_model", "nope"], "xner_annotator: No pipeline 'nope'"),
        (["--components.xner_annotator.nope", "1"], "unexpected argument: 'nope'"),
        (["--components.xner_annotator.factory", "nope"], "has a component 'nope', which is not installed"),
        (["--nlp.lang", "qqq"], "is for the language 'qqq', which spaCy does not have"),
        (["--code", "nope.py"], "nope.py: no such file."),
        (["--nope"], "Unknown option: --nope."),
        (["--paths.source_text"], "--paths.source_text has no value."),
    ],
)
def test_an_error_is_one_message_and_leaves_nothing(
    config: Path, paths: List[str], changes: List[str], said: str
) -> None:
    given = [word for pair in zip(paths[::2], paths[1::2], strict=True) if pair[0] not in changes for word in pair]
    result = xner("assemble", config, config.parent / "out", *given, *changes)
    assert result.code == 1
    assert said in result.err and "Traceback" not in result.err, result.err
    assert not [path for path in config.parent.iterdir() if "out" in path.name]


def test_without_a_bitext_the_message_names_the_options(config: Path) -> None:
    result = xner("assemble", config, config.parent / "out")
    assert result.code == 1 and "--paths.source_text FILE --paths.target_text FILE" in result.err


def test_a_config_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_text("[paths]\nx = 1\n")
    assert "has no section [nlp]" in xner("assemble", tmp_path / "a.cfg", tmp_path / "out").err
    assert "no such file" in xner("assemble", tmp_path / "b.cfg", tmp_path / "out").err


def test_only_a_pipeline_is_replaced_and_of_it_everything(config: Path, paths: List[str]) -> None:
    def assemble(name: str, *more: str) -> Result:
        return xner("assemble", config, config.parent / name, *paths, *more)

    (config.parent / "texts").mkdir()
    (config.parent / "texts" / "mine.txt").write_text("mine\n")
    assert "holds no pipeline" in assemble("texts").err
    assert "is not a folder" in assemble("teacher.cfg").err
    assert assemble("out").code == 0
    assert (config.parent / "out" / "xner_annotator" / "model").is_dir()
    (config.parent / "out" / "README").write_text("mine\n")
    assert assemble("out", "--components.xner_annotator.model", "null").code == 0
    assert not [path for path in files(config.parent / "out") if path.parts[:2] == ("xner_annotator", "model")]
    assert (config.parent / "out" / "README").read_text() == "mine\n"


def test_overrides_are_read_as_spacy_reads_them() -> None:
    given = ["--a.b", "1", "--a.c=x=y", "--a.d", '["e"]', "--a.f", "-1", "--a.g", "true"]
    assert parse_overrides(given) == {"a.b": 1, "a.c": "x=y", "a.d": ["e"], "a.f": -1, "a.g": True}
    with pytest.raises(XnerError, match="given twice"):
        parse_overrides(["--a.b", "1", "--a.b", "2"])


def test_code_of_ones_own_is_imported(config: Path, paths: List[str]) -> None:
    code = config.parent / "mine.py"
    code.write_text(
        "from spacy.language import Language\n@Language.component('mine')\ndef mine(doc):\n    return doc\n"
    )
    pipeline = '["xner_translator","xner_annotator","xner_aligner","xner_projector","mine"]'
    config.write_text(config.read_text() + '\n[components.mine]\nfactory = "mine"\n')
    more = ["--nlp.pipeline", pipeline, "--code", code]
    result = xner("assemble", config, config.parent / "out", *paths, *more)
    assert result.code == 0, result.err
    code.write_text("1 / 0\n")
    assert "can't be imported (ZeroDivisionError" in xner("assemble", config, config.parent / "out2", *paths, *more).err
