"""The workflow `all`, with fewer optimiser steps, and its wheel in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT

STEPS = ["--vars.source_steps", "250", "--vars.student_steps", "250"]


def run(*command, cwd, **environment):
    bin_dir = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": bin_dir + os.pathsep + os.environ["PATH"], **environment}
    return subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder of its own with the project's files, after `spacy project run all`."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("assets", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("downloads"))
    (folder / "xner_spacy").symlink_to(ROOT / "xner_spacy")
    shutil.copy(ROOT / "project.yml", folder)
    done = run(sys.executable, "-m", "spacy", "project", "run", "all", ".", *STEPS, cwd=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder / "log.txt").write_text(done.stdout)
    return folder


def test_the_table_names_both_and_says_where_things_lie(project):
    out = (project / "log.txt").read_text()
    table = out[out.rindex("### Icelandic") :]
    assert "| teacher" in table and "| student" in table and "95% interval" in table
    # And which settings the command line changed.
    assert "Config of teacher: `xner init-config teacher`." in table
    assert "Config of student: `xner init-config student` with `training.eval_frequency=100`, `training.max" in table
    wheel = next(line for line in table.splitlines() if line.startswith("wheel:")).split()[-1]
    assert (project / wheel).exists()
    assert (project / "metrics/is/student.json").exists()


def test_teacher_and_student_have_learned(project):
    """Far above chance after a few hundred steps; the real figures are in docs/results.md."""
    for name, floor in (("teacher", 0.3), ("student", 0.3)):
        scores = json.loads((project / f"metrics/is/{name}.json").read_text())
        assert scores["sentences"] == 150
        assert scores["f1"] > floor


def test_nothing_reruns_when_nothing_changed(project):
    done = run(sys.executable, "-m", "spacy", "project", "run", "all", ".", *STEPS, cwd=project)
    assert done.returncode == 0
    assert "Skipping 'source'" in done.stdout and "Skipping 'student'" in done.stdout


def test_the_student_saw_no_gold_label(project):
    """Training and selection read projected data alone: gold exists for the test split only, and under another folder."""
    from spacy.util import load_config

    config = load_config(project / "training/is/student/model-best/config.cfg")
    assert config["paths"]["train"] == "annotated/is/train"
    assert config["paths"]["dev"] == "annotated/is/dev"


def test_the_wheel_works_in_a_fresh_environment(project, tmp_path):
    """`pip install WHEEL`, `spacy.load`, a sentence: without this package, torch, or anything but spaCy."""
    [wheel] = (project / "packages").rglob("*.whl")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    installed = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel,
        cwd=tmp_path, PIP_DISABLE_PIP_VERSION_CHECK="1",
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr[-2000:]
    code = (
        "import json, spacy, importlib.util\n"
        "nlp = spacy.load('is_xner_news')\n"
        "doc = nlp('Forsetinn fór frá Reykjavík til Akureyrar og síðan til Kaupmannahafnar.')\n"
        "print(json.dumps({'ents': [[e.text, e.label_] for e in doc.ents], 'meta': nlp.meta,\n"
        "  'heavy': [m for m in ('torch', 'xner_spacy', 'transformers') if importlib.util.find_spec(m)]}))\n"
    )
    done = run(python, "-I", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    assert ["Reykjavík", "LOC"] in found["ents"]
    meta = found["meta"]
    assert meta["license"] == "MIT" and meta["sources"][0]["license"] == "MIT"
    assert meta["description"] and meta["author"] and "95% interval" in meta["notes"]
    assert 0 < meta["performance"]["ents_f"] < 1
    assert [r.split(">")[0] for r in meta["requirements"]] == ["spacy"]


@pytest.mark.parametrize("lang", ["pcm"])
def test_masakhane_corpus(shared, tmp_path, lang):
    """The real data are found and matched with their translations; only the test split keeps its labels."""
    import spacy

    from xner_spacy.corpora.docs import read_docs

    done = run(
        sys.executable, ROOT / "projects/masakhane/scripts/masakhane.py", lang, shared / "masakhaner2", shared / "mafand",
        tmp_path / "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    counts = {}
    vocab = spacy.blank("xx").vocab
    for split in ("train", "dev", "test"):
        docs = list(read_docs(tmp_path / "out" / f"{split}.spacy", vocab))
        counts[split] = (len(docs), sum(len(d.ents) for d in docs))
    assert counts["train"] == (5394, 0) and counts["dev"] == (755, 0)
    assert counts["test"][0] == 1565 and counts["test"][1] > 1500
    lines = [(tmp_path / "out" / name).read_text().count("\n") for name in ("en.txt", "target.txt", "en.tok", "target.tok")]  # fmt: skip
    assert len(set(lines)) == 1
