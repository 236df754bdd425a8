"""A student that was distilled by `spacy train`, packaged, in an environment of its own: its wheel, ours, no torch."""

import json
import shutil
import sys
import venv

import numpy as np
import spacy
from packaging.requirements import Requirement
from spacy.cli.train import train

from tests.conftest import ROOT
from tests.workflows.test_all import run
from xner_spacy.about import __version__
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.distillation.soft.soft_labels import set_soft
from xner_spacy.types import TokenLabels

TEXTS = ["Anna býr í Reykjavík .", "Karl vinnur á Akureyri ."]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CODE = """
import importlib.util, json, sys
import spacy
nlp = spacy.load("is_xner_tiny")
doc = nlp(sys.argv[1])
print(json.dumps({
    "ents": [[e.text, e.label_] for e in doc.ents],
    "scores": doc.spans["xner"].attrs["scores"],
    "requirements": nlp.meta["requirements"],
    "heavy": [m for m in ("torch", "transformers", "simalign") if importlib.util.find_spec(m)],
}))
"""


def distilled(folder):
    """RETURNS (Language): A student of distributions, trained with the config that `xner init-config` writes."""
    vocab = spacy.blank("is").vocab
    docs = [make_doc(vocab, text.split()) for text in TEXTS]
    for doc in docs:
        rows = [[0.1, 0.9, 0, 0, 0], *[[1, 0, 0, 0, 0]] * 2, [0.1, 0, 0, 0.9, 0], [1, 0, 0, 0, 0]]
        set_soft(doc, TokenLabels(TAGS, np.array(rows, dtype=np.float32)))
    write_docbin(folder / "train.spacy", docs)
    init_config("student", folder / "student.cfg", "is", labels="soft")
    paths = {f"paths.{split}": str(folder / "train.spacy") for split in ("train", "dev")}
    train(folder / "student.cfg", folder / "trained", overrides={**paths, "training.max_steps": 80})
    return spacy.load(folder / "trained" / "model-last")


def test_the_wheels_work_in_a_fresh_environment(tmp_path):
    nlp = distilled(tmp_path)
    nlp.get_pipe("xner_student").cfg.update(bias=0.25, temperature=1.5, score_bias=0.5)
    nlp.meta.update(name="xner_tiny", version="1.2.3")
    nlp.to_disk(tmp_path / "model")
    packaged = run(sys.executable, "-m", "spacy", "package", "model", ".", "--build", "wheel", cwd=tmp_path)
    assert packaged.returncode == 0, packaged.stdout[-2000:] + packaged.stderr[-2000:]
    [student] = tmp_path.glob("is_xner_tiny-1.2.3/dist/*.whl")

    # Copied, since a build leaves its own files beside the source.
    shutil.copytree(ROOT / "xner_spacy", tmp_path / "source" / "xner_spacy")
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "source")
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = [sys.executable, "-m", "pip"]
    built = run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", "ours", "./source", cwd=tmp_path, **quiet)  # fmt: skip
    assert built.returncode == 0, built.stderr[-2000:]
    [ours] = (tmp_path / "ours").glob("*.whl")

    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    constraint = ["--constraint", ROOT / "constraints.txt"]
    installed = run(*pip, "--python", python, "install", "--quiet", *constraint, student, ours, cwd=tmp_path, **quiet)  # fmt: skip
    assert installed.returncode == 0, installed.stderr[-2000:]

    text = TEXTS[0]
    done = run(python, "-c", CODE, text, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    here = nlp(text)
    assert found["ents"] == [["Anna", "PER"], ["Reykjavík", "LOC"]]
    assert found["scores"] == here.spans["xner"].attrs["scores"]
    assert found["heavy"] == []
    requirements = {found.name: found for found in map(Requirement, found["requirements"])}
    assert set(requirements) == {"xner-spacy", "spacy"}
    # What it asks for is what is installed, and the next one that may break it is not admitted.
    assert __version__ in requirements["xner-spacy"].specifier
    assert "99.0" not in requirements["xner-spacy"].specifier
