"""`xner bench`: run a benchmark of the repository."""

import importlib
import sys
from pathlib import Path
from typing import List

import typer

from ..errors import XnerError

FOLDER = "benchmarks"


def register(app: typer.Typer) -> None:
    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("bench", context_settings=settings)(bench_cli)


def bench_cli(
    context: typer.Context,
    name: str = typer.Argument(..., metavar="NAME", help="The benchmark; its own options follow."),
) -> None:
    """Run a benchmark: `xner bench alignment`, `xner bench projection`, ... (NAME --help for its options)."""
    if name in ("--help", "-h"):
        # Not an option here, so that `NAME --help` reaches the benchmark.
        typer.echo(context.get_help())
        return
    bench(name, list(context.args))


def bench(name: str, arguments: List[str]) -> None:
    """Run `benchmarks/NAME.py` of the working folder, which must be a checkout: benchmarks are not installed.

    name (str): The benchmark. arguments (List[str]): Its command line.
    RAISES: XnerError that lists what is there.
    """
    folder = Path.cwd() / FOLDER
    known = sorted(
        file.stem
        for file in folder.glob("*.py")
        if not file.stem.startswith("_") and "\ndef main(" in file.read_text(encoding="utf8")
    )
    if name not in known:
        raise XnerError(
            f"No benchmark {name!r} here.",
            f"There are: {', '.join(known)}." if known else "Benchmarks run from a checkout of the repository.",
        )
    sys.path.insert(0, str(folder.parent))
    sys.argv[0] = f"xner bench {name}"
    importlib.import_module(f"{FOLDER}.{name}").main(arguments)
