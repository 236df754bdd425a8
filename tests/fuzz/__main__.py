"""The campaign.

python -m tests.fuzz --cases 20000 --seed 1      # hostile inputs, figures by outcome, each distinct failure
python -m tests.fuzz --only 1:4711               # one case again, with all that it printed; its folder stays
"""

import os

# Before NumPy is loaded: one thread a process, no progress in colour.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XNER_DEBUG"] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from .base import build_base  # noqa: E402
from .campaign import campaign, preload, show  # noqa: E402
from .run import run_case  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--base", type=Path, help="Folder with base files; built if it is not there.")  # fmt: skip
    parser.add_argument("--only", metavar="SEED:INDEX", help="Run one case and show all of it.")
    parser.add_argument("--json", type=Path, help="Write the outcomes here too.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xner-fuzz-") as temporary:
        base = options.base or Path(temporary) / "base"
        if not base.exists():
            build_base(base)
        preload()
        if options.only:
            folder = Path(tempfile.gettempdir()) / f"xner-case-{options.only.replace(':', '-')}"
            outcome = run_case(options.only, base, folder, keep=True)
            print(f"{outcome.kind} {outcome.key}\nxner {outcome.argv}\n{outcome.mutations}\n{folder}\n{outcome.detail}")  # fmt: skip
            return not outcome.passed
        outcomes = campaign(options.cases, options.seed, base, Path(temporary), options.processes)
        print(show(outcomes, options.seed))
        if options.json:
            import json
            from dataclasses import asdict

            options.json.write_text(json.dumps([asdict(o) for o in outcomes if not o.passed], indent=1))  # fmt: skip
    return int(any(not o.passed for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
