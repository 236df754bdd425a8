"""What `python -m tests.processors` runs."""

from pathlib import Path

import pytest

from tests import processors
from tests.conftest import LONG, NUMBERS

HERE = Path(__file__).resolve().parent


def test_each_file_that_is_named_is_there():
    modules = [f"{folder}/test_{n}.py" for named in (LONG, NUMBERS) for folder, names in named.items() for n in names]
    assert [name for name in modules if not (HERE / name).exists()] == []


def test_the_mark_is_set(request: pytest.FixtureRequest):
    assert request.node.get_closest_marker("numbers") is None
    assert len(processors.PROCESSORS) == 3
    for variables in processors.PROCESSORS.values():
        assert {"OPENBLAS_CORETYPE", "CT2_FORCE_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"} < set(variables)  # fmt: skip


def test_the_variables_reach_the_libraries():
    """Each library says what it was told; a name that changes in a later version shows here."""
    import json
    import os
    import platform
    import subprocess
    import sys

    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("x86-64 alone")
    pytest.importorskip("torch")
    code = (
        "import json, numpy, torch, threadpoolctl\n"
        "blas = [p for p in threadpoolctl.threadpool_info() if 'numpy' in p['filepath']]\n"
        "print(json.dumps([torch.backends.cpu.get_cpu_capability(), [p.get('architecture') for p in blas], torch.get_num_threads()]))"
    )
    for name, expected in (("AVX2, two threads", ["AVX2", ["Haswell"], 2]), ("neither AVX nor AVX2, one thread", ["DEFAULT", ["Nehalem"], 1])):  # fmt: skip
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env={**os.environ, **processors.PROCESSORS[name]}, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == expected
