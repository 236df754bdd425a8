"""Models by name on the Hub, without a network: what is downloaded already is found by its
revision, offline is honoured, and a local folder asks nobody.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.translation.test_neural import make
from xner_spacy.cli.convert_model import convert_model

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

# Runs in a process of its own, because the libraries read HF_HUB_OFFLINE when they are imported.
SCRIPT = """
import json, socket, sys
from pathlib import Path

asked = []
def refuse(*arguments, **settings):
    asked.append(str(arguments))
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse

from xner_spacy.annotation.token_classifier import TokenClassifier
from xner_spacy.errors import XnerError
from xner_spacy.registry import get_part
from xner_spacy.cli.convert_model import convert_model

commit, out = sys.argv[1], Path(sys.argv[2])
found = {"convert": convert_model("some-one/tiny", out / "ct2", revision=commit)}
found["info"] = json.loads((out / "ct2" / "xner.json").read_text())
for revision in (commit, None):
    part = get_part("xner_translators", "xner.Transformers.v1", model="some-one/tiny",
                    revision=revision, source_lang="en", target_lang="is")
    found[f"identity {bool(revision)}"] = part.identity["model"]
found["errors"] = []
for action in (
    lambda: convert_model("some-one/other", out / "x"),
    lambda: convert_model("some-one/tiny", out / "x", revision="f" * 40),
    lambda: list(TokenClassifier("some-one/other")([["a"]])),
):
    try:
        action()
    except XnerError as error:
        found["errors"].append(f"{error.message} {error.hint}")
found["asked"] = asked
print(json.dumps(found))
"""


def test_a_pinned_revision_is_recorded_and_offline_is_honoured(models: Dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "home" / "hub" / "models--some-one--tiny"
    (home / "snapshots").mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    (home / "snapshots" / COMMIT).symlink_to(models["nllb"])
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, COMMIT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["convert"] == found["info"]
    assert found["info"]["model"] == "some-one/tiny" and found["info"]["revision"] == COMMIT
    assert found["identity True"] == found["identity False"] == COMMIT
    assert len(found["errors"]) == 3 and all("HF_HUB_OFFLINE" in e for e in found["errors"])
    assert found["asked"] == []


def test_a_local_folder_asks_nobody(models: Dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(*arguments: Any, **settings: Any) -> Any:
        asked.append(arguments)
        raise OSError("no network in this test")

    for owner, name in (
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    convert_model(str(models["nllb"]), tmp_path / "ct2")
    for name in ("nllb", "nllb-ct2"):
        assert len(list(make(models, name)(["Berlin ."]))) == 1
    assert asked == []
