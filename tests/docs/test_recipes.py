"""Recipes of the pages run as they stand: blocks of commands after `<!-- run: NAME -->`, on files that the test makes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from tests.conftest import NAMES, PAIRS, ROOT
from tests.docs.test_markdown import PAGES
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import read_docs

RECIPE = re.compile(r"<!-- run: (\w+) -->\n+```bash\n(.*?)```", re.DOTALL)
RECIPES = {name: text for page in PAGES for name, text in RECIPE.findall(page.read_text(encoding="utf8"))}
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the recipes are for bash")


def run(text: str, folder: Path) -> None:
    """Run the commands of a recipe in a folder."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", text], cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": places}
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def iob(sentences: "list[str]") -> str:
    """RETURNS (str): Sentences in IOB2 with the labels of `NAMES`."""
    tags = (
        [f"{word}\t{f'B-{NAMES[word]}' if word in NAMES else 'O'}\n" for word in text.split()] for text in sentences
    )
    return "".join("".join(lines) + "\n" for lines in tags)


def write_bitext(folder: Path) -> None:
    (folder / "en.txt").write_text("".join(f"{source}\n" for source, _ in PAIRS * 3), encoding="utf8")
    (folder / "yo.txt").write_text("".join(f"{target}\n" for _, target in PAIRS * 3), encoding="utf8")


def test_the_recipes_are_there() -> None:
    assert set(RECIPES) == {"gold", "study"}


def test_a_little_gold(tmp_path: Path) -> None:
    """A student that was trained on wrong labels learns the right ones from gold."""
    (tmp_path / "wrong.iob").write_text(iob([target for _, target in PAIRS]).replace("-PER", "-ORG"), encoding="utf8")
    (tmp_path / "gold.iob").write_text(iob([target for _, target in PAIRS]) * 3, encoding="utf8")
    init_config("student", tmp_path / "student.cfg", "yo")
    run(
        "mkdir labelled; xner convert wrong.iob labelled/dev.spacy --lang yo\n"
        "python -m spacy train student.cfg --output student --paths.train labelled/dev.spacy "
        "--paths.dev labelled/dev.spacy --training.max_steps 20 --training.eval_frequency 10",
        tmp_path,
    )
    run(RECIPES["gold"].replace("labelled/dev.spacy", "gold.spacy"), tmp_path)
    nlp = spacy.load(tmp_path / "tuned" / "model-best")
    assert [(e.text, e.label_) for e in nlp("Anna býr í París .").ents] == [("Anna", "PER"), ("París", "LOC")]


def test_a_study_of_ones_own_data(tmp_path: Path) -> None:
    write_bitext(tmp_path)
    (tmp_path / "en.iob").write_text(iob([source for source, _ in PAIRS]) * 3, encoding="utf8")
    (tmp_path / "test.iob").write_text(iob([target for _, target in PAIRS]), encoding="utf8")
    page = (ROOT / "docs" / "study.md").read_text(encoding="utf8")
    [config] = re.findall(r"```ini\n(\[study\]\n.*?)```", page, re.DOTALL)
    small = {"steps = 600": "steps = 4", "steps = 300": "steps = 4", "[300,1000]": "[10]", "[100,300]": "[10]"}
    for large, fewer in small.items():
        assert large in config
        config = config.replace(large, fewer)
    (tmp_path / "study.cfg").write_text(config, encoding="utf8")
    run(RECIPES["study"], tmp_path)
    results = (tmp_path / "report" / "results.csv").read_text(encoding="utf8").splitlines()
    assert len(results) == 5  # a header, and a row for each arm
    assert not [row for row in results if "failed" in row]
    docs = list(read_docs(tmp_path / "corpus" / "yo" / "test", spacy.blank("yo").vocab))
    assert [(e.text, e.label_) for e in docs[0].ents] == [("Anna", "PER"), ("París", "LOC")]
    assert all(doc._.xner_source is not None and doc._.xner_alignment is not None for doc in docs)
    unlabelled = list(read_docs(tmp_path / "corpus" / "yo" / "train", spacy.blank("yo").vocab))
    assert not any(token.ent_iob for doc in unlabelled for token in doc)
