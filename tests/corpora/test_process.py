"""Worker processes: where they get their modules from, and that none outlives the one who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

import pytest

from xner_spacy.corpora.engines.process import Inbox, WorkerProcess, how_it_ended, isolated_python

WORKER = "xner_spacy.corpora.engines.local"


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


@pytest.mark.parametrize("more", [None, "", f"{os.pathsep}nowhere"])
def test_a_worker_takes_no_module_from_the_working_folder(
    tmp_path: Path, monkeypatch: Any, more: Optional[str]
) -> None:
    (tmp_path / "queue.py").write_text("open('RAN', 'w').close()\nraise ImportError('mine')\n")
    (tmp_path / "spacy.py").write_text("open('RAN', 'w').close()\nraise ImportError('mine')\n")
    monkeypatch.chdir(tmp_path)
    environment = dict(os.environ)
    if more is not None:
        # An empty entry stands for the working folder.
        environment["PYTHONPATH"] = environment.get("PYTHONPATH", "") + more
    inbox = Inbox()
    worker = WorkerProcess(WORKER, environment, inbox)
    worker.send({"pipeline": "no_such_pipeline", "input": {}})
    sender, message = inbox.take()
    worker.end()
    assert sender is worker and message is not None and "no_such_pipeline" in message["error"]
    assert not (tmp_path / "RAN").exists()


def test_modules_of_the_users_pythonpath_are_found(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "mine_alone.py").write_text("print('mine')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "lib")}
    command = isolated_python("mine_alone")
    found = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert (found.returncode, found.stdout) == (0, "mine\n")


def test_a_checkout_that_is_not_installed_is_found(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = isolated_python(f"{__package__}.where_from")
    found = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert (found.returncode, found.stdout) == (0, f"{Path(__file__).parents[2].resolve()}\n"), found.stderr


def test_a_worker_ends_with_the_one_who_started_it() -> None:
    start = (
        "import os, sys; from xner_spacy.corpora.engines.process import Inbox, WorkerProcess; "
        f"w = WorkerProcess({WORKER!r}, dict(os.environ), Inbox()); print(w.process.pid, flush=True); "
        "sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert not ended(pid)
    with parent:
        parent.send_signal(signal.SIGKILL)
    assert wait_for(lambda: ended(pid))


def test_how_it_ended() -> None:
    assert (how_it_ended(-9), how_it_ended(3)) == ("signal 9", "exit code 3")


def test_the_end_of_a_worker_is_its_last_answer() -> None:
    inbox = Inbox()
    workers = [WorkerProcess(WORKER, dict(os.environ), inbox) for _ in range(2)]
    workers[0].process.kill()
    assert inbox.take() == (workers[0], None)
    workers[0].send({"to": "nobody"})
    assert workers[0].end() == -signal.SIGKILL
    workers[1].send({"pipeline": "no_such_pipeline", "input": {}})
    sender, message = inbox.take()
    assert sender is workers[1] and message is not None and "error" in message
    workers[1].end()
    assert inbox.take() == (workers[1], None)
