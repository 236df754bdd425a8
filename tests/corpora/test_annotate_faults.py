"""Runs that are killed, for real and at random moments: a rerun ends with exactly what an
undisturbed run gives.

The killed processes are forks of this one, so that a kill costs no start-up; worker processes and
Ray's actors are real ones.
"""

import errno
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
import spacy

from tests.corpora.annotate_helpers import facts, make_teacher, sentences, shard_bytes
from xner_spacy.corpora.annotate import annotate
from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.errors import XnerError

N, SIZE = 240, 4
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_teacher(tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(sentences(N)) + "\n", encoding="utf8")
    return path


@pytest.fixture(scope="module")
def whole(teacher: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    out = tmp_path_factory.mktemp("whole")
    started = time.perf_counter()
    manifest = annotate(teacher, text, out, shard_size=SIZE)
    seconds = time.perf_counter() - started
    return {"manifest": manifest, "shards": shard_bytes(out), "seconds": seconds}


def fork(action: Callable[[], Any]) -> int:
    """Do something in a fork. RETURNS (int): Its process id; it exits with 0, or with 1 after an
    error of ours.
    """
    child = os.fork()
    if child:
        return child
    code = 9
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        action()
        code = 0
    except XnerError:
        code = 1
    except KeyboardInterrupt:
        code = 2
    finally:
        os._exit(code)


def assert_same(out: Path, manifest: Dict[str, Any], whole: Dict[str, Any]) -> None:
    assert shard_bytes(out) == whole["shards"]
    assert facts(manifest) == facts(whole["manifest"])
    hidden = {p.name for p in out.iterdir()} - {*whole["shards"], "manifest.json"}
    assert hidden == {".lock"}


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random_moments(
    teacher: Path,
    text: Path,
    whole: Dict[str, Any],
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thirty kills in all; each run goes on where the one before was killed."""
    nlp = load_pipeline(teacher)
    monkeypatch.setattr("xner_spacy.corpora.shards.load_pipeline", lambda name: nlp)
    rng = random.Random(seed)
    out = tmp_path / "out"
    ready = 0
    for _ in range(6):
        child = fork(lambda: annotate(teacher, text, out, shard_size=SIZE))
        time.sleep(rng.random() * whole["seconds"] * 0.6)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        # What is there is whole, and nothing that was there is lost.
        found = shard_bytes(out)
        assert all(whole["shards"][name] == data for name, data in found.items())
        assert len(found) >= ready
        ready = len(found)
    assert ready
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.spacy")}
    manifest = annotate(teacher, text, out, shard_size=SIZE)
    assert_same(out, manifest, whole)
    # Nothing twice: what was there was not written again.
    assert all((out / name).stat().st_mtime_ns == when for name, when in before.items())


def test_killed_workers_are_replaced(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    """Real worker processes; two of them are killed while they work."""
    from xner_spacy.corpora.engines import local as workers

    seen = []
    start = workers.Worker.__init__

    def spy(self: Any, *arguments: Any) -> None:
        start(self, *arguments)
        seen.append(self)

    done = threading.Event()

    def killer() -> None:
        rng = random.Random(1)
        killed = 0
        while not done.is_set() and killed < 2:
            busy = [w for w in list(seen) if w.piece is not None and w.process.poll() is None]
            if busy:
                rng.choice(busy).process.kill()
                killed += 1
                time.sleep(0.3)
            time.sleep(0.005)

    thread = threading.Thread(target=killer)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.Worker, "__init__", spy)
        patch.setattr(workers, "MAX_DEATHS", 10)
        manifest = annotate(teacher, text, tmp_path / "out", shard_size=SIZE, workers=2)
    done.set()
    thread.join()
    assert len(seen) > 2
    assert_same(tmp_path / "out", manifest, whole)
    assert all(w.process.poll() is not None for w in seen)


def test_a_shard_that_kills_its_workers_is_named(teacher: Path, text: Path, tmp_path: Path) -> None:
    broken = tmp_path / "teacher"
    shutil.copytree(teacher, broken)
    # A pipeline that cannot be loaded without the process ending.
    (broken / "meta.json").unlink()
    os.mkfifo(broken / "meta.json")
    from xner_spacy.corpora.engines import local as workers

    def murder(self: Any, *arguments: Any) -> None:
        start(self, *arguments)
        self.process.kill()

    start = workers.Worker.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.Worker, "__init__", murder)
        with pytest.raises(XnerError, match=r"ended 3 times while loading the pipeline \(signal 9\)"):
            annotate(teacher, text, tmp_path / "out", workers=2)


@pytest.mark.usefixtures("signals_heard")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_one_that_started_them(
    teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path, how: signal.Signals
) -> None:
    out = tmp_path / "out"
    child = fork(lambda: annotate(teacher, text, out, shard_size=SIZE, workers=2))
    children = Path(f"/proc/{child}/task/{child}/children")
    if not children.exists():
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.skip("needs /proc")
    deadline = time.monotonic() + 120
    while len(list(out.glob("*.spacy"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    workers = [int(pid) for pid in children.read_text().split()]
    assert len(workers) == 2
    os.kill(child, how)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == (2 if how == signal.SIGINT else -how)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert len(shard_bytes(out)) < len(whole["shards"])
    assert_same(out, annotate(teacher, text, out, shard_size=SIZE), whole)


@pytest.mark.usefixtures("signals_heard")
def test_interrupted(
    teacher: Path,
    text: Path,
    whole: Dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nlp = load_pipeline(teacher)
    monkeypatch.setattr("xner_spacy.corpora.shards.load_pipeline", lambda name: nlp)
    out = tmp_path / "out"
    for part in (0.2, 0.5):
        child = fork(lambda: annotate(teacher, text, out, shard_size=SIZE))
        time.sleep(whole["seconds"] * part)
        os.kill(child, signal.SIGINT)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 2)
        assert not list(out.glob(".*.part"))
    assert_same(out, annotate(teacher, text, out, shard_size=SIZE), whole)


def test_a_store_that_is_locked(tmp_path: Path, text: Path) -> None:
    store = {"@xner_translators": "xner.Stored.v1", "path": str(tmp_path / "s.db"), "wait": 0.1}
    nlp = spacy.blank("xx")
    translator = {**store, "translator": {"@xner_translators": "xner.NoOp.v1"}}
    nlp.add_pipe("xner_translator", config={"source_lang": "xx", "translator": translator})
    nlp.initialize()  # a pipeline that is loaded makes no store
    nlp.to_disk(tmp_path / "nlp")
    whole = annotate(tmp_path / "nlp", text, tmp_path / "whole", shard_size=50)
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.executescript("DELETE FROM translations; BEGIN IMMEDIATE;")
    with pytest.raises(XnerError, match="locked by another process"):
        annotate(tmp_path / "nlp", text, tmp_path / "out", shard_size=50)
    other.execute("ROLLBACK")
    again = annotate(tmp_path / "nlp", text, tmp_path / "out", shard_size=50)
    assert shard_bytes(tmp_path / "out") == shard_bytes(tmp_path / "whole")
    assert facts(again) == facts(whole)
    # Each text once: those of the run that failed and of the one after it.
    (count,) = other.execute("SELECT count(*) FROM translations").fetchone()
    assert count == len({s for s in sentences(N) if s})


def test_two_runs_on_one_folder(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    from xner_spacy.corpora.runfolder import locked

    out = tmp_path / "out"
    out.mkdir()
    reader, writer = os.pipe()

    def hold() -> None:
        with locked(out):
            os.write(writer, b".")
            time.sleep(60)

    child = fork(hold)
    os.read(reader, 1)
    with pytest.raises(XnerError, match="another run is writing here"):
        annotate(teacher, text, out, shard_size=SIZE)
    assert not list(out.glob("*.spacy"))
    # The lock goes with the process, however that ends.
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert_same(out, annotate(teacher, text, out, shard_size=SIZE), whole)


def test_a_file_that_grows_too_large(
    teacher: Path,
    text: Path,
    whole: Dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system refuses to write on, in the middle of a shard."""
    nlp = load_pipeline(teacher)
    monkeypatch.setattr("xner_spacy.corpora.shards.load_pipeline", lambda name: nlp)
    out = tmp_path / "out"
    sizes = sorted(map(len, whole["shards"].values()))

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = sizes[len(sizes) // 2]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        annotate(teacher, text, out, shard_size=SIZE)

    _, status = os.waitpid(fork(limited), 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert not list(out.glob(".*.part"))
    assert all(whole["shards"][name] == data for name, data in shard_bytes(out).items())
    assert_same(out, annotate(teacher, text, out, shard_size=SIZE), whole)


def test_disk_full(teacher: Path, text: Path, whole: Dict[str, Any], tmp_path: Path) -> None:
    """A real full disk: a file system in memory, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(map(len, whole["shards"].values()))
    script = (
        f"mount -t tmpfs -o size={max(size // 2, 65536)} none {disk} && "
        f"{sys.executable} -m xner_spacy annotate {teacher} {text} {disk}/out --shard-size {SIZE}; "
        f"code=$?; rm -rf {tmp_path}/copy; cp -r {disk}/out {tmp_path}/copy; exit $code"
    )
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare")
    probe = subprocess.run([unshare, "-rm", "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True)
    if probe.returncode:
        pytest.skip("may not mount a file system here")
    found = subprocess.run([unshare, "-rm", "sh", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 1
    assert os.strerror(errno.ENOSPC) in found.stderr
    copy = tmp_path / "copy"
    kept = shard_bytes(copy)
    assert 0 < len(kept) < len(whole["shards"])
    assert all(whole["shards"][name] == data for name, data in kept.items())
    assert_same(copy, annotate(teacher, text, copy, shard_size=SIZE), whole)
