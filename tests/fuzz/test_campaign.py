"""A few hundred hostile inputs over every command; `python -m tests.fuzz` runs any number."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = 200
# Kinds of failure that never occur. The others are being mended.
NEVER = {"judge", "crash", "touched"}


@pytest.mark.slow
def test_a_few_hundred_cases(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--cases", str(CASES), "--seed", "0", "--processes", "1", "--json", tmp_path / "o.json"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(f"{CASES} cases, seed 0"), done.stderr[-3000:]
    failures = json.loads((tmp_path / "o.json").read_text())
    bad = [f for f in failures if f["kind"] in NEVER]
    assert not bad, done.stdout
    assert len(failures) < CASES / 4, done.stdout
