"""Worker processes: where they get their modules from, and that none outlives the one who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from xner_spacy.corpora.process import WorkerProcess, how_it_ended

WORKER = "xner_spacy.corpora.worker"


def wait_for(condition: Any, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_a_worker_takes_no_module_from_the_working_folder(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "queue.py").write_text("open('RAN', 'w').close()\nraise ImportError('mine')\n")
    (tmp_path / "spacy.py").write_text("open('RAN', 'w').close()\nraise ImportError('mine')\n")
    monkeypatch.chdir(tmp_path)
    worker = WorkerProcess(WORKER, dict(os.environ))
    worker.send({"pipeline": "no_such_pipeline", "input": {}})
    messages = worker.receive()
    worker.end()
    assert messages and "no_such_pipeline" in messages[0]["error"]
    assert not (tmp_path / "RAN").exists()


def test_a_worker_ends_with_the_one_who_started_it() -> None:
    start = (
        "import os, sys; from xner_spacy.corpora.process import WorkerProcess; "
        f"w = WorkerProcess({WORKER!r}, dict(os.environ)); print(w.process.pid, flush=True); "
        "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert not ended(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_for(lambda: ended(pid))


def test_how_it_ended() -> None:
    assert (how_it_ended(-9), how_it_ended(3)) == ("signal 9", "exit code 3")
