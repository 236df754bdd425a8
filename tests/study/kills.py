"""Kills a study at random moments, runs it again, and compares the end with that of an undisturbed one.

    python -m tests.study.kills --rounds 25 --seed 1

What is compared is the table of results, byte for byte, with the column of processor seconds set aside: no two runs take
the same time.
"""

import argparse
import csv
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from tests.study.toy import ROOT, block, make_toy
from xner_spacy.corpora.writing import to_json
from xner_spacy.study.study import RESULTS

GRID = block(arms=["teacher", "transfer", "hard", "soft", "ensemble"], n_target=[10])
# Who is killed: the command, one of its workers, or all of them at once, as by a machine that goes down.
VICTIMS = ("command", "worker", "all")


def without_seconds(table: Path) -> bytes:
    """RETURNS (bytes): A table of results without the column of processor seconds."""
    with table.open(encoding="utf8", newline="") as file:
        header, *rows = csv.reader(file)
    at = header.index("seconds")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(row[:at] + row[at + 1 :] for row in [header, *rows])
    return out.getvalue().encode("utf8")


def start(config: Path, settings: Dict[str, Any]) -> "subprocess.Popen[bytes]":
    """RETURNS (subprocess.Popen): `xner study run` with two workers, at the head of a process group of its own."""
    given = [f"--{name}={to_json(value).strip()}" for name, value in settings.items()]
    command = [sys.executable, "-m", "xner_spacy", "study", "run", str(config), "-w", "2", *given]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)


def workers_of(pid: int) -> List[int]:
    """RETURNS (List[int]): The children of a process that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def alive(pids: List[int]) -> List[int]:
    """RETURNS (List[int]): Those that have not ended."""
    found = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
        except OSError:
            continue
    return found


def kill_once(
    process: "subprocess.Popen[bytes]", victim: str, pause: float, chance: random.Random
) -> bool:
    """Kill after some seconds. RETURNS (bool): Whether there was something to kill."""
    try:
        process.wait(timeout=pause)
        return False
    except subprocess.TimeoutExpired:
        pass
    workers = workers_of(process.pid)
    if victim == "worker" and workers:
        os.kill(chance.choice(workers), signal.SIGKILL)
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


def disturbed(config: Path, folder: Path, chance: random.Random, longest: float) -> int:
    """Run a study to its end, with one to three kills on the way. RETURNS (int): The kills."""
    settings = {**GRID, "study.work": str(folder / "work"), "study.report": str(folder / "report")}
    kills = 0
    process: Optional[subprocess.Popen[bytes]] = None
    for _ in range(chance.randint(1, 3)):
        if process is None or process.poll() is not None:
            process = start(config, settings)
        kills += kill_once(process, chance.choice(VICTIMS), chance.uniform(0.5, longest), chance)
    assert process is not None
    code = process.wait()
    # A job whose workers were killed three times is given up; it is tried again in the next run.
    for _ in range(3):
        if code == 0:
            break
        code = start(config, settings).wait()
    assert code == 0, f"the last run ended with {code}"
    jobs = folder / "work" / "jobs"
    assert not list(jobs.glob(".*")), "something half-done is left"
    return kills


def campaign(folder: Path, rounds: int, seed: int) -> int:
    """Run the rounds. RETURNS (int): How many kills there were. RAISES: AssertionError where an end differs."""
    config = make_toy(folder / "toy")
    whole = {**GRID, "study.work": str(folder / "a"), "study.report": str(folder / "b")}
    began = time.monotonic()
    assert start(config, whole).wait() == 0
    longest = time.monotonic() - began
    expected = without_seconds(folder / "b" / RESULTS)
    kills = 0
    for number in range(rounds):
        chance = random.Random(f"{seed} {number}")
        place = folder / str(number)
        kills += disturbed(config, place, chance, longest)
        assert without_seconds(place / "report" / RESULTS) == expected, f"round {number} differs"
        print(
            f"round {number + 1} of {rounds}: {kills} kills so far, the ends are equal", flush=True
        )
    return kills


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kills = campaign(Path(folder), given.rounds, given.seed)
    print(f"{given.rounds} rounds, {kills} kills, every end equal byte for byte")


if __name__ == "__main__":
    main()
