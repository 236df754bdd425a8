"""Runs that are killed at a random moment and run again: they end as if nothing had happened."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Callable, Dict, List

XNER = [sys.executable, "-m", "xner_spacy"]


def _start(arguments: List[str], folder: Path) -> "subprocess.Popen[bytes]":
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [*XNER, *arguments], cwd=folder, start_new_session=True, env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def _finish(arguments: List[str], folder: Path) -> str:
    """RETURNS (str): What was said, if it did not end well."""
    running = _start(arguments, folder)
    _, err = running.communicate(timeout=300)
    return err.decode("utf8", "replace")[-1000:] if running.returncode else ""


def killed_run(arguments: List[str], folder: Path, seconds: float, all_of_it: bool) -> bool:
    """Start a run and kill it, its first process or all of them.

    RETURNS (bool): Whether it was still running.
    """
    running = _start(arguments, folder)
    try:
        running.communicate(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        if all_of_it:
            os.killpg(running.pid, signal.SIGKILL)
        else:
            running.kill()
        running.communicate()
        return True


def annotated(folder: Path) -> Dict[str, bytes]:
    """RETURNS (Dict[str, bytes]): The shards, and whatever else should not be there."""
    return {p.name: p.read_bytes() for p in sorted((folder / "out").iterdir()) if p.name.endswith((".spacy", ".part"))}  # fmt: skip


def measured(folder: Path) -> Dict[str, bytes]:
    """RETURNS (Dict[str, bytes]): The results without how long each took."""
    with (folder / "study/report/results.csv").open(encoding="utf8", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    parts = [p.name for p in folder.rglob("*.part")]
    return {"rows": repr(rows).encode(), **dict.fromkeys(parts, b"")}


def _rounds(prepare: Callable[[Path], None], arguments: List[str], result: Callable[[Path], Dict[str, bytes]], n: int, work: Path, rng: Random) -> List[str]:  # fmt: skip
    """RETURNS (List[str]): What differs, for each round that did not end as the run that was left alone."""
    whole = work / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir(parents=True)
    prepare(whole)
    started = time.monotonic()
    said = _finish(arguments, whole)
    if said:
        return [f"the run that was left alone: {said}"]
    seconds = time.monotonic() - started
    wanted = result(whole)
    wrong = []
    for number in range(n):
        folder = work / f"round{number}"
        folder.mkdir()
        prepare(folder)
        for _ in range(rng.choice((1, 1, 2))):
            killed_run(arguments, folder, rng.uniform(0.2, seconds), rng.random() < 0.5)
        time.sleep(0.3)  # workers notice that nobody listens any more
        said = _finish(arguments, folder)
        if said:
            wrong.append(f"round {number}: {said}")
        else:
            got = result(folder)
            different = [k for k in {*wanted, *got} if wanted.get(k) != got.get(k)]
            if different:
                wrong.append(f"round {number}: {sorted(different)[:5]} differ")
        shutil.rmtree(folder)
    return wrong


def kills(n: int, seed: int, base: Path, work: Path) -> List[str]:
    """Kill `n` runs of `xner annotate` (one process, and two) and of `xner study run`.

    RETURNS (List[str]): What went wrong.
    """
    from tests.study.toy import make_toy

    rng = Random(seed)
    study = max(1, n // 5)
    several = max(1, n // 3)

    def corpus(folder: Path) -> None:
        shutil.copytree(base / "light", folder / "light")
        lines = (base / "t.txt").read_text(encoding="utf8").splitlines()
        (folder / "in.txt").write_text("\n".join(f"{line} {i}" for i in range(80) for line in lines) + "\n", encoding="utf8")  # fmt: skip

    def toy(folder: Path) -> None:
        (folder / "study").mkdir()
        text = make_toy(folder / "study").read_text().replace(str(folder) + "/", "")
        (folder / "study/study.cfg").write_text(text)

    annotate = ["annotate", "light", "in.txt", "out", "--shard-size", "40"]
    wrong = _rounds(corpus, annotate, annotated, n - study - several, work / "one", rng)
    wrong += _rounds(corpus, [*annotate, "-w", "2"], annotated, several, work / "two", rng)
    wrong += _rounds(toy, ["study", "run", "study/study.cfg", "-w", "2"], measured, study, work / "study", rng)  # fmt: skip
    return wrong
