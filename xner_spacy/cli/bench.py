"""`xner bench`: run a benchmark of the repository, as `python -m benchmarks` does."""

import runpy
import sys
from pathlib import Path

import typer

from ..errors import XnerError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def bench_cli(
    context: typer.Context,
    name: str = typer.Argument(..., metavar="NAME", help="The benchmark; its own options follow."),
) -> None:
    """Run `python -m benchmarks NAME` in a checkout of the repository (NAME --help for its options)."""
    if name in ("--help", "-h"):  # Not declared as an option, so that `NAME --help` reaches the benchmark.
        return typer.echo(context.get_help())
    if not Path("benchmarks", "__main__.py").exists():
        raise XnerError(f"No benchmark {name!r} here.", "Benchmarks run from a checkout of the repository.")
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = ["", name, *context.args]
    runpy.run_module("benchmarks", run_name="__main__")
