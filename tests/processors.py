"""The tests that compare numbers, as other processors would run them.

    python -m tests.processors      # part of `make test`

NumPy, OpenBLAS, BLIS, oneDNN, torch and CTranslate2 choose their code by what the processor can do, and so round
differently from one to the next. Each has a variable that makes it behave as on a smaller processor; they are read once, when a process begins.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "BLIS_ARCH_TYPE": "haswell",
    "CT2_FORCE_CPU_ISA": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
OLD = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "CT2_FORCE_CPU_ISA": "GENERIC",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}


def threads(n: int) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): Variables that set how many threads the libraries use."""
    return {name: str(n) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


PROCESSORS = {
    "AVX2, one thread": {**AVX2, **threads(1)},
    "AVX2, two threads": {**AVX2, **threads(2)},
    "neither AVX nor AVX2, one thread": {**OLD, **threads(1)},
}


def main(arguments: List[str]) -> int:
    """Run the tests once for each processor. RETURNS (int): 1 if any failed."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        print("Other processors can be emulated on x86-64 alone; skipped.")
        return 0
    failed = []
    for name, variables in PROCESSORS.items():
        print(f"--- {name}", flush=True)
        command = [sys.executable, "-m", "pytest", "-m", "numbers and not slow", *arguments]
        if subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}).returncode:
            failed.append(name)
    if failed:
        print(f"Failed as on another processor: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
