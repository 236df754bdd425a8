"""A hundred hostile inputs over every command; `python -m tests.fuzz` runs any number."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = 120
SEED = 5


@pytest.mark.slow
def test_a_hundred_cases(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--cases", str(CASES), "--seed", str(SEED), "--processes", "1", "--json", tmp_path / "o.json"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(f"{CASES} cases, seed {SEED}"), done.stderr[-3000:]
    assert json.loads((tmp_path / "o.json").read_text()) == [], done.stdout
