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
os.environ["RUST_BACKTRACE"] = "0"

import argparse  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections import Counter  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402

from .base import build_base  # noqa: E402
from .campaign import campaign, preload, show  # noqa: E402
from .kills import kills  # noqa: E402
from .roundtrips import round_trip  # noqa: E402
from .run import run_case  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )  # fmt: skip
    parser.add_argument("--cases", type=int, default=0, help="Hostile inputs.")
    parser.add_argument("--kills", type=int, default=0, help="Runs that are killed and run again.")
    parser.add_argument("--round-trips", type=int, default=0, help="Random corpora.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first case, to run a campaign in pieces.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--base", type=Path, help="Folder with base files; built if it is not there.")  # fmt: skip
    parser.add_argument("--only", metavar="SEED:INDEX", help="Run one case and show all of it.")
    parser.add_argument("--json", type=Path, help="Write the failures here too.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xner-fuzz-") as temporary:
        work = Path(temporary)
        base = options.base or work / "base"
        if not base.exists():
            build_base(base)
        if options.only:
            return _only(options.only, base)
        failures = 0
        if options.cases:
            preload()
            outcomes = campaign(options.cases, options.seed, base, work, options.processes, options.first)
            print(show(outcomes, options.seed), flush=True)
            bad = [asdict(o) for o in outcomes if not o.passed]
            failures += len(bad)
            if options.json:
                options.json.write_text(json.dumps(bad, indent=1), encoding="utf8")
        if options.round_trips:
            failures += _round_trips(options.round_trips, options.seed, work)
        if options.kills:
            ended = kills(options.kills, options.seed, base, work / "kills")
            print(f"{options.kills} rounds, {ended.kills} kills: {len(ended.wrong)} ended otherwise", *ended.wrong, sep="\n")  # fmt: skip
            failures += len(ended.wrong)
    return int(failures > 0)


def _only(case: str, base: Path) -> int:
    preload()
    folder = Path(tempfile.gettempdir()) / f"xner-case-{case.replace(':', '-')}"
    outcome = run_case(case, base, folder, keep=True)
    print(f"{outcome.kind} {outcome.key}\nxner {outcome.argv}\n{outcome.mutations}\n{folder}\n{outcome.detail}")  # fmt: skip
    return int(not outcome.passed)


def _round_trips(n: int, seed: int, work: Path) -> int:
    ended: Counter = Counter()
    examples = []
    for number in range(n):
        folder = work / f"trip{number}"
        folder.mkdir()
        for kind, cases in round_trip(seed, number, folder).items():
            ended[kind] += len(cases)
            examples += cases if kind == "wrong" else []
        shutil.rmtree(folder)
    print(f"{n} corpora, {sum(ended.values())} conversions: {', '.join(f'{v} {k}' for k, v in ended.items())}")  # fmt: skip
    print(*examples[:20], sep="\n", end="")
    return ended["wrong"]


if __name__ == "__main__":
    sys.exit(main())
