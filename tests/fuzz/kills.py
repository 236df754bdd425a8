"""Runs that are killed at random moments and run again: they end as if nothing had happened.

    python -m tests.fuzz --kills 50

What is compared is shards and tables of results, byte for byte; in the latter the column of processor seconds is set
aside, since no two runs take the same time.
"""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Callable, Dict, List, NamedTuple

from tests.fuzz.recipe_scenarios import PROJECT, SETTINGS
from tests.study.toy import ROOT, block, make_toy
from xner_spacy.corpora.writing import to_json
from xner_spacy.study.design.study import RESULTS

# Who is killed: the command, one of its workers, or all of them at once, as by a machine that goes down.
VICTIMS = ("command", "worker", "all")
SAID = "said.txt"


class Run(NamedTuple):
    """A command that is killed.

    arguments: Its words. prepare: Puts what it reads into an empty folder, where it then runs. result: What it left
    there, by name, and whatever else should not be there.
    """

    arguments: List[str]
    prepare: Callable[[Path], None]
    result: Callable[[Path], Dict[str, bytes]]


class Ended(NamedTuple):
    """What became of many rounds: how many kills there were, and what went wrong."""

    kills: int
    wrong: List[str]


def start(run: Run, folder: Path) -> "subprocess.Popen[bytes]":
    """RETURNS (subprocess.Popen): The command, at the head of a process group of its own."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with (folder / SAID).open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "xner_spacy", *run.arguments], cwd=folder, start_new_session=True,
            env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip


def alive(pids: List[int]) -> List[int]:
    """RETURNS (List[int]): Those that have not ended."""
    return [pid for pid in pids if _state(pid)[0] not in ("", "Z")]


def workers_of(pid: int) -> List[int]:
    """RETURNS (List[int]): The children of a process that still run."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [child for child in alive(pids) if _state(child)[1] == str(pid)]


def _state(pid: int) -> List[str]:
    """RETURNS (List[str]): The letter of a process's state, and its parent; empty texts if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return ["", ""]


def _kill(process: "subprocess.Popen[bytes]", victim: str, pause: float, rng: Random) -> bool:
    """Kill after some seconds. RETURNS (bool): Whether there was something to kill."""
    try:
        process.wait(timeout=pause)
        return False
    except subprocess.TimeoutExpired:
        pass
    workers = workers_of(process.pid)
    if victim == "worker" and workers:
        os.kill(rng.choice(workers), signal.SIGKILL)
        return True
    if victim == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    # Workers notice that nobody is there any more.
    deadline = time.monotonic() + 20
    while alive(workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(workers), "a worker outlives the one who started it"
    return True


def _finish(run: Run, folder: Path, process: "subprocess.Popen[bytes]", again: int = 0) -> None:
    """Wait for the end. again (int): How often it may fail and be started anew.
    RAISES: AssertionError with what was said, if the last run does not end well.
    """
    code = process.wait(timeout=600)
    while code and again:
        again -= 1
        code = start(run, folder).wait(timeout=600)
    assert not code, (folder / SAID).read_text("utf8", "replace")[-1000:]


def _disturbed(run: Run, folder: Path, longest: float, rng: Random) -> int:
    """Run to the end, with one to three kills on the way. RETURNS (int): The kills."""
    process, kills = start(run, folder), 0
    for _ in range(rng.randint(1, 3)):
        if process.poll() is not None:
            process = start(run, folder)
        kills += _kill(process, rng.choice(VICTIMS), rng.uniform(0.2, longest), rng)
    # A job whose workers were killed three times is given up, and tried again in the next run.
    _finish(run, folder, process, again=3)
    return kills


def rounds(run: Run, n: int, work: Path, rng: Random) -> Ended:
    """Compare the ends of `n` disturbed runs with that of one that was left alone."""
    whole = work / "whole"
    whole.mkdir(parents=True)
    run.prepare(whole)
    began = time.monotonic()
    _finish(run, whole, start(run, whole))
    longest = time.monotonic() - began
    wanted = run.result(whole)
    kills, wrong = 0, []
    for number in range(n):
        folder = work / f"round{number}"
        folder.mkdir()
        run.prepare(folder)
        try:
            kills += _disturbed(run, folder, longest, rng)
            got = run.result(folder)
            different = sorted(k for k in {*wanted, *got} if wanted.get(k) != got.get(k))
            assert not different, f"{different[:5]} differ"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            wrong.append(f"{' '.join(run.arguments[:2])}, round {number}: {error}")
        shutil.rmtree(folder)
    return Ended(kills, wrong)


def _annotated(folder: Path) -> Dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "out").iterdir() if p.name.endswith((".spacy", ".part"))}  # fmt: skip


def annotate_run(base: Path, workers: int) -> Run:
    """RETURNS (Run): `xner annotate` over some thousand sentences. base (Path): The folder of base files."""

    def prepare(folder: Path) -> None:
        shutil.copytree(base / "light", folder / "light")
        lines = (base / "t.txt").read_text(encoding="utf8").splitlines()
        (folder / "in.txt").write_text("\n".join(f"{line} {i}" for i in range(80) for line in lines) + "\n", encoding="utf8")  # fmt: skip

    arguments = ["annotate", "light", "in.txt", "out", "--shard-size", "40", "-w", str(workers)]
    return Run(arguments, prepare, _annotated)


def recipe_run(base: Path, step: str, makes: str) -> Run:
    """RETURNS (Run): A step of a project. step (str): Its name. makes (str): The folder that it makes, in the project."""

    def prepare(folder: Path) -> None:
        shutil.copytree(base / PROJECT, folder / PROJECT)
        shutil.rmtree(folder / PROJECT / makes)

    def result(folder: Path) -> Dict[str, bytes]:
        files = [
            file for file in (folder / PROJECT / makes).rglob("*") if file.is_file() and file.name != "manifest.json"
        ]
        left = (folder / PROJECT).rglob("*.part")
        return {file.name: file.read_bytes() for file in (*files, *left) if not file.name.startswith("manifest")}

    return Run(["recipe", step, *SETTINGS], prepare, result)


def _without_seconds(table: Path) -> bytes:
    with table.open(encoding="utf8", newline="") as file:
        header, *rows = csv.reader(file)
    at = header.index("seconds")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(row[:at] + row[at + 1 :] for row in [header, *rows])
    return out.getvalue().encode("utf8")


def _measured(folder: Path) -> Dict[str, bytes]:
    half_done = [*folder.rglob("*.part"), *(folder / "study" / "work" / "jobs").glob(".*")]
    table = {RESULTS: _without_seconds(folder / "study/report" / RESULTS)}
    return {**table, **dict.fromkeys((p.name for p in half_done), b"")}


def study_run() -> Run:
    """RETURNS (Run): `xner study run` of five arms with two workers."""

    def prepare(folder: Path) -> None:
        (folder / "study").mkdir()
        config = make_toy(folder / "study")
        config.write_text(config.read_text().replace(f"{folder}/", ""))

    grid = block(arms=["teacher", "transfer", "hard", "soft", "ensemble"], n_target=[10])
    settings = [f"--{name}={to_json(value).strip()}" for name, value in grid.items()]
    return Run(["study", "run", "study/study.cfg", "-w", "2", *settings], prepare, _measured)


def kills(n: int, seed: int, base: Path, work: Path) -> Ended:
    """Run `n` rounds of `xner annotate` (one process, and two), of `xner study run`, and of steps of a project."""
    rng = Random(seed)
    study, two, steps = max(1, n // 5), max(1, n // 3), max(1, n // 8)
    ended = [
        rounds(annotate_run(base, 1), max(1, n - study - two - 2 * steps), work / "one", rng),
        rounds(annotate_run(base, 2), two, work / "two", rng),
        rounds(study_run(), study, work / "study", rng),
        rounds(recipe_run(base, "inputs", "corpus"), steps, work / "inputs", rng),
        rounds(recipe_run(base, "teacher", "labelled/fast/projected"), steps, work / "teacher", rng),
    ]
    return Ended(sum(e.kills for e in ended), [what for e in ended for what in e.wrong])
