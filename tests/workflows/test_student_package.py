"""A packaged `xner_student` in an environment of its own: its wheel, ours, and no torch."""

import json
import shutil
import sys
import venv

import spacy
from spacy.training import Example

from tests.conftest import ROOT
from tests.workflows.test_all import run

TEXTS = [
    ("Anna býr í Reykjavík .", {"entities": [(0, 4, "PER"), (11, 20, "LOC")]}),
    ("Karl vinnur á Akureyri .", {"entities": [(0, 4, "PER"), (14, 22, "LOC")]}),
]
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


def test_the_wheels_work_in_a_fresh_environment(tmp_path):
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_student")
    examples = [Example.from_dict(nlp.make_doc(text), labels) for text, labels in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
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

    text = TEXTS[0][0]
    done = run(python, "-c", CODE, text, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    here = nlp(text)
    assert found["ents"] == [["Anna", "PER"], ["Reykjavík", "LOC"]]
    assert found["scores"] == here.spans["xner"].attrs["scores"]
    assert found["heavy"] == []
    assert {r.split(">")[0] for r in found["requirements"]} == {"xner-spacy", "spacy"}
