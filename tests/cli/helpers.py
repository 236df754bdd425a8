"""Runs the command line in this process."""

import contextlib
import io
from typing import NamedTuple

from xner_spacy.cli.app import run


class Result(NamedTuple):
    code: int
    out: str
    err: str


def xner(*arguments) -> Result:
    """Run `xner ARGUMENTS`. An exception other than the ones that the command line handles goes through and fails the test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(a) for a in arguments])
    return Result(code, out.getvalue(), err.getvalue())
