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
    """Run a benchmark in a checkout of the repository, or in a folder of it (NAME --help for its options)."""
    if name in ("--help", "-h"):  # Not declared as an option, so that `NAME --help` reaches the benchmark.
        return typer.echo(context.get_help())
    here = Path.cwd()
    # A pipeline of a project has to run in the project's folder.
    checkout = next((root for root in (here, *here.parents) if (root / "benchmarks" / "__main__.py").exists()), None)
    if checkout is None:
        raise XnerError(f"No benchmark {name!r} here.", "Benchmarks run from a checkout of the repository.")
    sys.path.insert(0, str(checkout))
    sys.argv = ["", name, *context.args]
    runpy.run_module("benchmarks", run_name="__main__")
