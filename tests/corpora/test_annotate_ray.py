"""The same shards by Ray Data, an actor killed on the way."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.corpora.annotate_helpers import facts, make_teacher, sentences, shard_bytes
from xner_spacy.corpora.annotate import annotate
from xner_spacy.errors import XnerError

ray = pytest.importorskip("ray", reason="needs the extra [ray]")
ROOT = Path(__file__).resolve().parents[2]


def actors() -> "list[int]":
    """RETURNS (list[int]): Process ids of this user's Ray actors that annotate."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                title = (folder / "cmdline").read_bytes()
                if title.startswith(b"ray::") and b"ShardActor" in title:
                    found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_ray_gives_the_same_bytes_also_when_an_actor_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    teacher = make_teacher(tmp_path)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(sentences(1000)) + "\n", encoding="utf8")
    whole = annotate(teacher, text, tmp_path / "whole", shard_size=10)
    out = tmp_path / "out"
    killed = []

    def killer() -> None:
        deadline = time.monotonic() + 120
        while not killed and time.monotonic() < deadline:
            if len(list(out.glob("*.spacy"))) > 2:
                for pid in actors()[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)

    thread = threading.Thread(target=killer)
    thread.start()
    manifest = annotate(teacher, text, out, shard_size=10, engine="ray", workers=1)
    thread.join()
    assert killed
    assert shard_bytes(out) == shard_bytes(tmp_path / "whole")
    assert facts(manifest) == facts(whole)


def test_no_such_cluster(tmp_path: Path) -> None:
    teacher = make_teacher(tmp_path)
    (tmp_path / "t.txt").write_text("a\n")
    with pytest.raises(XnerError, match=r"No Ray cluster at '127\.0\.0\.1:1'"):
        annotate(teacher, tmp_path / "t.txt", tmp_path / "o", engine="ray", address="127.0.0.1:1")
