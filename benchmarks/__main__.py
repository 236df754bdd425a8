"""Run a benchmark: `python -m benchmarks NAME`, with the benchmark's own options behind its name."""

import importlib
import sys
from pathlib import Path
from typing import List


def names() -> List[str]:
    """RETURNS (List[str]): The benchmarks: the modules beside this one that have a `main`."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf8")]


def main(arguments: List[str], program: str = "python -m benchmarks") -> None:
    """Run the benchmark that comes first in its command line, with the rest of it."""
    name = arguments[0] if arguments else ""
    if name not in names():
        sys.exit(f"No benchmark {name!r} here.\nThere are: {', '.join(names())}.")
    sys.argv[0] = f"{program} {name}"
    importlib.import_module(f"benchmarks.{name}").main(arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
